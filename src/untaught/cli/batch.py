"""`untaught batch`: many pictures, restored into a folder with one start of the engine. Each task has its own flags here too."""

from __future__ import annotations

import inspect
import json as lines
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App

from untaught.cli.asked import option, options, signed
from untaught.cli.restoring import command
from untaught.cli.watching import INTERRUPTED, bar_of, interrupts
from untaught.core.registry import tasks

if TYPE_CHECKING:
    from untaught.scale.batch import Batch

SOME_FAILED = 1  # the exit code
WITHOUT = (
    "output",
    "memory",
    "workers",
    "scheduler",
    "save_run",
    "keep_run",
    "save_every",
    "report",
    "repeat",
    "uncertainty",
)
FOLDER = "The folder of the results, with manifest.jsonl and report.html; it is made if it is not there."
OWN: tuple[tuple[str, Any, Any], ...] = (
    ("output", Annotated[Path, option(FOLDER, "-o")], inspect.Parameter.empty),
    ("workers", Annotated[int | None, option("How many pictures at a time; as many as suit the machine.")], None),
    ("part", Annotated[str, option("Only a part of the pictures, as 3/16: the third of sixteen machines.")], "1/1"),
    ("retry", Annotated[bool, option("Try again what failed before.")], False),
)


def _command(name: str) -> Any:
    """The batch of one task: the settings of its own command, and what many pictures take beside them."""
    restore, settings = command(name), tasks.get(name).settings

    def run(*pictures: str, **arguments: Any) -> int:
        own = {key: arguments.pop(key) for key in list(arguments) if key in settings}
        return restore_all(name, list(pictures), own, **arguments)

    what = Annotated[str, option('Files, folders, or patterns in quotes: "scans/**/*.tif".')]
    parameters = [inspect.Parameter("pictures", inspect.Parameter.VAR_POSITIONAL, annotation=what)]
    parameters += [p for p in inspect.signature(restore).parameters.values() if p.name in settings]
    parameters += [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
        for key, hint, default in OWN
    ]
    parameters += options(*WITHOUT)
    run.__name__, run.__doc__ = name, restore.__doc__
    return signed(run, parameters)


def restore_all(
    name: str,
    pictures: list[Any],
    settings: dict[str, Any],
    output: Path,
    *,
    workers: int | None = None,
    part: str = "1/1",
    retry: bool = False,
    force: bool = False,
    max_megapixels: float = 100.0,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Restore them all: 0, or 1 where some failed, which are said and stand in the manifest; 130 when interrupted."""
    from untaught.core.errors import BadInput, UntaughtError
    from untaught.scale.batch import Batch
    from untaught.scale.gathering import Part, gather

    if not pictures:
        raise BadInput("No picture is named: name files, folders, or a pattern in quotes.")
    if settings.get("along") == "time":
        raise BadInput(f"--along time makes one clip of all frames: untaught {name} FRAMES --along time -o {output}.")
    which = Part.of(part)
    items = gather(pictures, output)
    work = Batch(
        name, settings, items, output, part=which, workers=workers, force=force, retry=retry, max_megapixels=max_megapixels
    )  # fmt: skip
    with interrupts(work.stop) as seen, bar_of("pictures", hidden=json or quiet) as update:
        for number, entry in enumerate(work, 1):
            if json:
                print(entry.line(), flush=True)
            elif entry.error:
                where = "" if f"'{entry.input}'" in entry.error else f"'{entry.input}': "
                print(f"untaught: {where}{entry.error}", file=sys.stderr)
            update(number, len(work.left))
    counts, said = work.counts(), ""
    try:
        said = f": {work.page()}"
    except UntaughtError as error:
        print(f"untaught: {error}", file=sys.stderr)
    if json:
        print(lines.dumps({"done": counts["done"], "failed": counts["failed"], "of": len(work.mine)}), flush=True)
    elif not quiet:
        print(_summary(work, said), file=sys.stderr)
    if seen:
        print("untaught: interrupted. What is finished is kept; the same command goes on.", file=sys.stderr)
        return INTERRUPTED
    return SOME_FAILED if counts["failed"] else 0


def _summary(batch: Batch, page: str) -> str:
    """2 of 3 pictures are restored in 'restored' (1 of them doubtful, 1 before), 1 failed: restored/report.html."""
    counts, left = batch.counts(), set(batch.left)
    before = sum(batch.manifest.entries[item.name].state == "done" for item in batch.mine if item not in left)
    more = [f"{n} {what}" for n, what in ((counts["doubtful"], "doubtful"), (before, "from before")) if n]
    failed = f", {counts['failed']} failed" if counts["failed"] else ""
    return (
        f"{counts['done']} of {len(batch.mine)} pictures are restored in '{batch.manifest.folder}'"
        f"{' (' + ', '.join(more) + ')' if more else ''}{failed}{page}."
    )


batch = App(
    name="batch", help="Restore many pictures into a folder: one start, a manifest, and a page with all verdicts."
)
for _name in tasks.names():
    if tasks.get(_name).subject in ("picture", "file"):
        batch.command(_command(_name), name=_name)
