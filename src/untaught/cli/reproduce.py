"""`untaught reproduce`: the figures and tables of the Deep Image Prior paper, ours beside the published ones."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from untaught.cli.studying import FLAG, OUTPUT, Device, Quiet, Seed, check
from untaught.cli.watching import INTERRUPTED, show

if TYPE_CHECKING:
    from untaught.bench.figures._base import Figure, Runner, Track
    from untaught.bench.reproduce import Collection
    from untaught.solver.iterate import Iterate
    from untaught.solver.solution import Solution
    from untaught.solver.stage import Job

EVERY = 30.0
"""Seconds between two states of a run."""


def reproduce(
    *figures: str,
    output: Annotated[Path, OUTPUT] = Path("reproduced"),
    data: Path | None = None,
    full: Annotated[bool, FLAG] = False,
    steps: int | None = None,
    side: int | None = None,
    seed: Seed = 0,
    device: Device = "auto",
    quiet: Quiet = False,
) -> int:
    """Make the figures and tables of the Deep Image Prior paper again, ours beside the published ones.

    Each takes minutes at most on two cores. Interrupt it, and the same command goes on where it was.

    Parameters
    ----------
    figures
        Their names: fig2 table1 ..., or all. Without any they are listed.
    output
        A folder for sheets (PNG), tables (CSV) and index.html, a page with all that was made there.
    data
        The folder of the paper's pictures (dip/, set9/, ...); the one that UNTAUGHT_DATA names where it is left out.
        scikit-image's own pictures stand in for what is not there.
    full
        The paper's pictures, networks and steps: hours on a GPU.
    steps
        Fewer steps for every run: a trial, and no reproduction.
    side
        Smaller pictures: at most so many pixels a side.
    """
    from untaught.bench import reproduce as study
    from untaught.bench import table
    from untaught.bench.figures._base import Size
    from untaught.core.errors import BadInput
    from untaught.core.machine import resolve_device

    if not figures:
        rows = [("name", "in the paper", "what"), *((f.name, f.number, f.title) for f in study.known().values())]
        table.show(rows, ["untaught reproduce NAME ... -o DIR makes them; all is every one of them."], left=3)
        return 0
    check(steps=steps, side=side)
    wanted = study.chosen(list(figures))
    named = data or (Path(os.environ["UNTAUGHT_DATA"]) if os.environ.get("UNTAUGHT_DATA") else None)
    if data is not None and not data.is_dir():
        raise BadInput(f"There is no folder '{data}': --data names the one that holds dip/, set9/, set14/ and others.")
    named = named if named is not None and named.is_dir() else None
    size = Size(full, named, steps, side, seed, resolve_device(device))
    if named is None and not quiet:
        print("note: the paper's pictures are not here (--data): scikit-image's stand in for them.", file=sys.stderr)
    collection = study.Collection(output, size)
    options = {"output": output, "data": named, "full": full, "steps": steps, "side": side, "seed": seed or None}
    interrupted = False
    for figure in wanted:
        interrupted = _figure(collection, figure, table.again(["reproduce", figure.name], options), quiet=quiet)
        if interrupted:
            break
    if not quiet and (output / study.PAGE).exists():
        print(output / study.PAGE)
    return INTERRUPTED if interrupted else 0


def _figure(collection: Collection, figure: Figure, command: str, *, quiet: bool) -> bool:
    """Make what is not there yet of one figure, and draw it; True where it was interrupted."""
    from untaught.bench import reproduce as study
    from untaught.bench import table

    panels = figure.panels(collection.size)
    made, begun, fresh = {}, time.monotonic(), 0
    try:
        for i, panel in enumerate(panels):
            found = collection.made(figure, panel)
            if found is None:
                found = panel.make(_runner(collection.state(figure, panel), str(collection.size), quiet=quiet))
                collection.add(figure, panel, found)
                fresh += 1
                if not quiet:
                    left = (time.monotonic() - begun) / fresh * (len(panels) - i - 1)
                    rest = f", about {left:.0f} s left" if left else ""
                    print(f"{figure.name}: {panel.name}, {i + 1} of {len(panels)}{rest}", file=sys.stderr)
            made[panel.name] = found
    except KeyboardInterrupt:
        if made:
            collection.finish(figure, made, command)
        return True
    rows = collection.finish(figure, made, command)
    if not quiet:
        table.show([line[:5] for line in study.grid(rows)], [f"{collection.folder / figure.name}.png"], left=3)
    return False


def _runner(state: Path, size: str, *, quiet: bool) -> Runner:
    """Runs that go on where they were left, and are kept while they last."""
    from untaught.io.checkpoints import pack, unpack
    from untaught.io.images.places import Places
    from untaught.solver.loop import Run

    def run(job: Job, track: Track) -> Solution:
        going = Run(job)
        if state.exists():
            try:
                kept, said = unpack(state.read_bytes())
                if said.get("size") == size:
                    going.load_state_dict(kept["run"])
                    track.kept = kept["track"]
            except Exception:  # of another build, or cut off: the run begins anew
                going = Run(job)

        def keep() -> None:
            packed = pack({"run": going.state_dict(), "track": track.kept}, {"size": size})
            Places(force=True, aside=False).put(state, packed)

        def steps() -> Any:
            due = time.monotonic() + EVERY
            for iterate in going:
                look(iterate)
                yield iterate
                if time.monotonic() > due and not going.complete:
                    keep()
                    due = time.monotonic() + EVERY

        def look(iterate: Iterate) -> None:
            track.look(iterate)

        solution, stopped = show(going, steps(), lambda: going.solution, quiet=quiet)
        if stopped and not going.complete:
            keep()
            raise KeyboardInterrupt
        return solution

    return run
