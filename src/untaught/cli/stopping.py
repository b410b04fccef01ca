"""`untaught bench stopping`: how near to the best picture every stopping rule ends a run."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from untaught.cli.watching import INTERRUPTED
from untaught.core.allocator import keep_memory

if TYPE_CHECKING:
    from untaught.bench.stopping import Line
    from untaught.bench.trajectories import TrajectorySettings

FLAG = Parameter(negative=())


def stopping(
    *pictures: Path,
    pairs: Annotated[list[Path] | None, FLAG] = None,
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
    markdown: Path | None = None,
    force: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> int:
    """Run pictures to the overfitted end once, and say for every rule which step it picks, and how much better the best is.

    What was recorded is kept in a folder: the command goes on where it was stopped, and tables are made of what is there.

    Parameters
    ----------
    pictures
        Clean pictures. Each kind of damage (noise, holes, fewer pixels, blur) is done to some of them, in turn.
    pairs
        Folders of real noise beside a reference: raw/ and gt/, or NAME_real and NAME_mean.
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
    markdown
        Write the tables here.
    force
        Write over existing files.
    quiet
        Print nothing but the tables and errors.
    """
    from untaught.bench import stopping as study
    from untaught.bench import tables
    from untaught.bench import trajectories as t
    from untaught.cli.studying import tell
    from untaught.core.errors import BadInput
    from untaught.io.images.places import Places

    kinds = [name.strip() for name in runs.split(",") if name.strip()]
    for name in kinds:
        if name not in (t.WATCHED, t.CHANGED, t.FED):
            raise BadInput(f"There is no run '{name}': give watched, changed, fed, or some of them.")
    for option, value in (("size", size), ("steps", steps), ("width", width), ("each", each), ("limit", limit)):
        if value is not None and value < 1:
            raise BadInput(f"--{option} {value} leaves nothing to do: give 1 or more.")
    if not pictures and not pairs:
        raise BadInput("There is nothing to run: name clean pictures, or folders of --pairs.")
    places = Places.of([*pictures, *(pairs or ())], force=force)
    for table, option in ((csv, "--csv"), (markdown, "--markdown")):
        if table is not None:
            places.check(table, option=option, what=f"the file of {option}")
    settings = t.TrajectorySettings(size, steps, width, seed)
    cases = t.cases(pictures, pairs or [], size=size, each=each)[:limit]
    folder.mkdir(parents=True, exist_ok=True)
    keep_memory()
    begun, recordings, interrupted = time.monotonic(), [], False
    for case, run, path in t.plan(folder, cases, kinds, settings):
        late = minutes is not None and time.monotonic() - begun > 60 * minutes
        if not path.exists() and not late and not interrupted:
            try:
                recording = t.record(case, run, settings)
            except KeyboardInterrupt:
                interrupted = True
                continue
            recording.write(path)
            if not quiet:
                print(f"{case.name}, {run}: {recording.seconds:.0f} s", file=sys.stderr, flush=True)
        if path.exists():
            recordings.append(t.Recording.read(path))
    found = study.lines(recordings)
    hardware, command = tables.hardware("cpu"), _command(pictures, pairs or [], settings, each, runs)
    text = _told(found, settings, hardware, command)
    print(text)
    if csv is not None:
        study.write_csv(csv, found, hardware=hardware, command=command, places=places)
    if markdown is not None:
        places.text(markdown, text + "\n")
    tell(places)
    return INTERRUPTED if interrupted else 0


def _told(found: list[Line], settings: TrajectorySettings, hardware: str, command: str) -> str:
    """All tables, with what they mean."""
    from untaught.bench import stopping as study

    parts = [
        "Gaps in dB to the best averaged picture of the run, with the picked step; 0 is the oracle.",
        study.table(study.grid(found)),
    ]
    for half, what in (("choose", "The half that chooses"), ("judge", "The half that judges")):
        rows = study.summary(found, half)
        if len(rows) > 1:
            parts += [f"{what}:", study.table(rows)]
    rows = study.by_damage(found)
    if len(rows) > 1:
        parts += ["Mean gap by damage, of the half that chooses:", study.table(rows)]
    parts.append(
        f"- {settings.size} x {settings.size} pixels, {settings.steps} steps, an hourglass of four levels of {settings.width} "
        "channels, the other settings those of `default_method`; the mean of pictures, 0.99.\n"
        "- Hold-out and added noise change the data, and share one run of their own; with refit the stage is done again on the "
        "data as they came.\n"
        f"- Hardware: {hardware}."
    )
    return "\n\n".join([*parts, f"```\n{command}\n```"])


def _command(pictures: tuple[Path, ...], pairs: list[Path], settings: TrajectorySettings, each: int, runs: str) -> str:
    """The command that makes these tables again."""
    words = ["untaught", "bench", "stopping", *map(str, pictures)]
    for folder in pairs:
        words += ["--pairs", str(folder)]
    for name, value in (("size", settings.size), ("steps", settings.steps), ("width", settings.width), ("each", each)):
        words += [f"--{name}", str(value)]
    return shlex.join([*words, "--runs", runs, "--seed", str(settings.seed)])
