"""`--axes`: a file of many pictures or of a volume, whose axes are named; the result is such a file, too."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untaught.cli.asked import Asked
from untaught.cli.watching import INTERRUPTED, bar_of, end, interrupts
from untaught.core.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Interrupted(Exception):
    """Between two pictures of a stack."""


def restore_stack(name: str, path: Path, settings: dict[str, Any], asked: Asked) -> int:
    """Restore what is along the axes: the exit code."""
    import numpy as np

    from untaught.core.registry import tasks
    from untaught.io import stacks
    from untaught.io.axes import Axes
    from untaught.io.images.places import Places

    if told := asked.beyond(
        "save_run", "keep_run", "report", "repeat", "uncertainty", "memory", "workers", "scheduler"
    ):
        raise BadInput(f"{told} is of one picture, and --axes of a stack: leave one of the two out.")
    task = tasks.get(name)
    task.check(settings)
    places = Places.of([path], force=asked.force)
    target = asked.output or stacks.named(path)
    stacks.check(target, path, places)
    stack = stacks.read(path, settings["axes"], asked.max_megapixels)
    named = Axes(stack.axes, settings.get("along", "space"))
    given = {**settings, **stacks.beside(task.files(settings), stack.array.shape)}
    if "factor" in task.settings and stack.volume is not None:
        raise BadInput(
            f"'{path}' is a scanner's, and says where its samples lie: a larger one would not, so save it as TIFF."
        )
    done, count = itertools.count(1), len(list(named.parts(stack.array)))
    with interrupts(lambda: None) as seen, bar_of("pictures", hidden=asked.json or asked.quiet) as update:

        def restored(part: tuple[Any, ...]) -> NDArray:
            if seen:
                raise Interrupted
            made: NDArray = task(np.ascontiguousarray(stack.array[part]), **named.settings(given, stack.array, part))
            update(at := next(done), count)
            if asked.json:
                print(json.dumps({"pictures": at, "of": count}), flush=True)
            return made

        try:
            made = named.each(stack.array, restored)
        except Interrupted:
            print("untaught: interrupted. A stack is written when all of it is done.", file=sys.stderr)
            return INTERRUPTED
    notes = stacks.write(target, made, stacks.finer(stack, made.shape), places)
    line = f"Saved {target} ({' x '.join(map(str, made.shape))}, {stack.axes}: {named.told})."
    end(line, as_json=asked.json, quiet=asked.quiet, output=str(target), notes=notes)
    return 0
