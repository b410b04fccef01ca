"""`untaught bench stopping`: how near to the best picture every stopping rule ends a run."""

from __future__ import annotations

import sys
import time
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from untaught.cli.studying import Force, Markdown, Pairs, Quiet, check, names, tell
from untaught.cli.watching import INTERRUPTED
from untaught.core.allocator import keep_memory

if TYPE_CHECKING:
    from untaught.bench.stopping import Judged
    from untaught.bench.trajectories import Recording, RunSettings, Trial


def stopping(
    *pictures: Path,
    pairs: Pairs = None,
    folder: Path = Path("stopping.trajectories"),
    size: int = 256,
    steps: int = 2000,
    width: int = 32,
    each: int = 2,
    runs: str = "watched,changed,fed",
    minutes: float | None = None,
    limit: int | None = None,
    seed: int = 0,
    csv: Path | None = None,
    markdown: Markdown = None,
    force: Force = False,
    quiet: Quiet = False,
) -> int:
    """Run pictures to the overfitted end once, and say for every rule which step it picks, and how much better the best is.

    What was recorded is kept in a folder: the command goes on where it was stopped, and tables are made of what is there.

    Parameters
    ----------
    pictures
        Clean pictures. Each kind of damage (noise, holes, fewer pixels, blur) is done to some of them, in turn.
    folder
        Where trajectories are kept.
    size
        The middle of every picture is taken, so many pixels a side.
    steps
        How many steps each run takes: enough to overfit.
    width
        Channels of each of the four levels of the hourglass.
    each
        How many pictures each damage is done to; they choose and are judged by turns.
    runs
        What is run, with commas between: watched (rules that only look), changed (rules that hold out or add noise, on a run
        of their own), fed (the preset fast, which needs no rule).
    minutes
        Begin no further run after so many minutes.
    limit
        Take only the first so many trajectories of each kind of run.
    seed
        Of the networks.
    csv
        Write every rule on every trajectory here.
    """
    from untaught.bench import stopping as study
    from untaught.bench import store, table
    from untaught.bench import trajectories as t
    from untaught.bench.case import fill
    from untaught.core.errors import BadInput
    from untaught.io.images.places import Places

    kinds = names(runs)
    for name in kinds:
        if name not in (t.WATCHED, t.CHANGED, t.FED):
            raise BadInput(f"There is no run '{name}': give watched, changed, fed, or some of them.")
    check(size=size, steps=steps, width=width, each=each, limit=limit)
    if not pictures and not pairs:
        raise BadInput("There is nothing to run: name clean pictures, or folders of --pairs.")
    places = Places.of([*pictures, *(pairs or ())], force=force)
    for target, option in ((csv, "--csv"), (markdown, "--markdown")):
        if target is not None:
            places.check(target, option=option, what=f"the file of {option}")
    settings = t.RunSettings(size, steps, width, seed)
    cases = t.cases(pictures, pairs or [], size=size, each=each)[:limit]
    folder.mkdir(parents=True, exist_ok=True)
    keep_memory()
    begun, plan = time.monotonic(), list(t.plan(folder, cases, kinds, settings))

    def make(case: Trial, run: str) -> Recording:
        recording = t.record(case, run, settings)
        if not quiet:
            print(f"{case.name}, {run}: {recording.seconds:.0f} s", file=sys.stderr, flush=True)
        return recording

    early = takewhile(lambda _: minutes is None or time.monotonic() - begun <= 60 * minutes, plan)
    interrupted = fill(t.Recordings(), ((path, partial(make, case, run)) for case, run, path in early))
    found = study.lines([t.Recording.read(path) for *_, path in plan if path.exists()])
    hardware = table.hardware("cpu")
    options = {"pairs": pairs, "size": size, "steps": steps, "width": width, "each": each, "runs": runs, "seed": seed}
    command = table.again(["bench", "stopping", *pictures], options)
    text = _told(found, settings, hardware, command)
    print(text)
    if csv is not None:
        store.write(csv, found, places, more=lambda row: {"hardware": hardware, "command": command})
    if markdown is not None:
        places.text(markdown, text + "\n")
    tell(places)
    return INTERRUPTED if interrupted else 0


def _told(found: list[Judged], settings: RunSettings, hardware: str, command: str) -> str:
    """All tables, with what they mean."""
    from untaught.bench import stopping as study
    from untaught.bench.table import markdown

    parts = [
        "Gaps in dB to the best averaged picture of the run, with the picked step; 0 is the oracle.",
        markdown(study.grid(found), left=1),
    ]
    for half, what in (("choose", "The half that chooses"), ("judge", "The half that judges")):
        rows = study.summary(found, half)
        if len(rows) > 1:
            parts += [f"{what}:", markdown(rows, left=1)]
    rows = study.by_damage(found)
    if len(rows) > 1:
        parts += ["Mean gap by damage, of the half that chooses:", markdown(rows, left=1)]
    parts.append(
        f"- {settings.size} x {settings.size} pixels, {settings.steps} steps, an hourglass of four levels of {settings.width} "
        "channels, the other settings those of `default_method`; the mean of pictures, 0.99.\n"
        "- Hold-out and added noise change the data, and share one run of their own; with refit the stage is done again on the "
        "data as they came.\n"
        f"- Hardware: {hardware}."
    )
    return "\n\n".join([*parts, f"```\n{command}\n```"])
