"""`untaught bench frontier TASK`: quality against time."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from untaught.cli.restoring import number
from untaught.cli.watching import INTERRUPTED
from untaught.core.allocator import keep_memory

if TYPE_CHECKING:
    from untaught.bench.frontier import Point

FLAG = Parameter(negative=())


def frontier(
    task: str,
    /,
    *pictures: Path,
    budgets: str = "2,5,15,60,180",
    methods: str | None = None,
    sigma: Annotated[float | None, Parameter(converter=number, n_tokens=1)] = None,
    factor: float | None = None,
    missing: float | None = None,
    quality: int | None = None,
    kernel: str | None = None,
    seeds: int = 1,
    noisy_from: Path | None = None,
    device: str = "auto",
    csv: Path = Path("frontier.csv"),
    figure: Path | None = None,
    force: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> int:
    """Quality against seconds: presets, classics, and what others do with untrained networks, under equal budgets.

    Points that the CSV holds already are not made again: interrupt it, and the same command goes on.

    Parameters
    ----------
    task
        What is compared: denoise, upscale, inpaint, dejpeg or deblur.
    pictures
        Clean pictures. They are damaged, anew for every seed, and every method is told how.
    budgets
        Seconds, with commas between them.
    methods
        Names of presets, classics and alternatives, with commas between them; all that can be run here if not given.
    sigma
        Standard deviation of added noise as a fraction of full scale, e.g. 25/255 (denoise, deblur).
    factor
        How much smaller the pictures are made (upscale).
    missing
        The fraction of pixels taken away at random (inpaint).
    quality
        Of the JPEG files (dejpeg).
    kernel
        What the pictures are blurred with, e.g. gauss:1.6 (deblur).
    seeds
        How many seeds, 0, 1, 2, ..., of the noise and of the network.
    noisy_from
        A folder of published damaged pictures that are taken where one is found.
    device
        auto, cpu or cuda, for ours and the alternatives.
    csv
        Where each point is kept as soon as it is known.
    figure
        Draw the curves here (PNG).
    force
        Write over existing files (never over a picture that is read); points of the CSV are kept anyway.
    quiet
        Print nothing but the table and errors.
    """
    from untaught.bench import bench as engine
    from untaught.bench import frontier as study
    from untaught.bench.tables import hardware
    from untaught.cli.studying import tell
    from untaught.core.errors import BadInput
    from untaught.core.registry import comparisons
    from untaught.io import images
    from untaught.io.images.places import Places
    from untaught.tasks._presets import resolve_device

    seconds = _seconds(budgets)
    if seeds < 1:
        raise BadInput(f"--seeds {seeds} leaves nothing to do: give 1 or more.")
    places = Places.of([*pictures, noisy_from], force=force)
    places.adopt(csv)  # read below, or refused there if it is another table
    places.check(csv, option="--csv", what="the table")
    options: dict[str, Any] = {
        "sigma": sigma,
        "factor": factor,
        "missing": missing,
        "quality": quality,
        "kernel": kernel,
        "noisy_from": noisy_from,
        "pairs": None,
        "reference": [],
    }
    cases = comparisons.get(task).cases(pictures, options)
    plan = study.plan(task, None if methods is None else [m.strip() for m in methods.split(",") if m.strip()])
    settings = engine.Settings(None, resolve_device(device))
    said = [f"Hardware: {hardware(settings.device)}.", f"Command: {shlex.join(['untaught', *sys.argv[1:]])}"]
    keep_memory()
    found = study.read(csv)
    title = f"{task}: {_count(len(cases), 'picture')}"
    if figure is not None:
        if found and figure.is_file() and _is_drawn(figure, study.figure(found, title)):
            places.adopt(figure)
        images.check_output(figure, places=places)
    known = {p.key for p in found}
    interrupted = False
    try:
        for case in cases:
            for seed in range(seeds):
                for method in plan:
                    if (case.name, seed, method[0]) in known:
                        continue
                    fresh = []
                    for point in study.points(task, case, seed, method, seconds, settings):
                        fresh.append(point)
                        if not quiet:
                            _say(point)
                    found += fresh  # a method is kept whole, or not at all
                    study.write(csv, found, said, places)
    except KeyboardInterrupt:
        interrupted = True
    if found:
        _tell(found, said)
        print(f"{len(found)} points in {places.went.get(csv, csv)}.")
        if figure is not None:
            kept = study.read(places.went.get(csv, csv))  # as the table rounds them, so that it is known again
            images.write(figure, study.figure(kept, title), places=places)
    tell(places)
    return INTERRUPTED if interrupted else 0


def _is_drawn(path: Path, figure: Any) -> bool:
    """Whether the file holds exactly this figure: that of the same command, which goes on."""
    import numpy as np

    from untaught.core.errors import UntaughtError
    from untaught.io import images

    try:
        return np.array_equal(images.read(path).pixels, figure)
    except UntaughtError:
        return False


def _seconds(text: str) -> list[float]:
    from untaught.core.errors import BadInput

    try:
        found = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        found = []
    if not found or min(found) <= 0:
        raise BadInput(f"--budgets {text} are no seconds: give numbers above 0 with commas between them, e.g. 2,5,15.")
    return found


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("s" if number > 1 else "")


def _say(point: Point) -> None:
    within = "" if point.budget is None else f" within {point.budget:g} s"
    print(
        f"{point.picture}, seed {point.seed}, {point.method}{within}: {point.psnr:.2f} dB, {point.seconds:.1f} s",
        file=sys.stderr,
    )


def _tell(found: list[Point], said: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    from untaught.bench import frontier as study

    table = Table()
    for i, name in enumerate(("method", "kind", "budget, s", "seconds", "PSNR", "pictures x seeds")):
        table.add_column(name, justify="left" if i < 2 else "right")
    for method, kind, budget, seconds, psnr, count in study.means(found):
        table.add_row(
            method, kind, "" if budget is None else f"{budget:g}", f"{seconds:.1f}", f"{psnr:.2f}", str(count)
        )
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    console.print(table)
    for sentence in said:
        console.print(sentence, markup=False, soft_wrap=True)
