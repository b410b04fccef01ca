"""`untaught bench frontier TASK`: quality against time."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from untaught.cli.restoring import number
from untaught.cli.watching import INTERRUPTED
from untaught.core.allocator import keep_memory

if TYPE_CHECKING:
    from untaught.bench.case import Case
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
    given = dict(locals())
    from untaught.bench import bench as engine
    from untaught.bench import frontier as study
    from untaught.bench import table
    from untaught.bench.case import cells, fill
    from untaught.bench.store import Store
    from untaught.cli.studying import check, names, tell
    from untaught.core.machine import resolve_device
    from untaught.core.registry import comparisons
    from untaught.io import images
    from untaught.io.images.places import Places

    seconds = _seconds(budgets)
    check(seeds=seeds)
    places = Places.of([*pictures, noisy_from], force=force)
    settings = engine.Settings(None, resolve_device(device))
    said = [
        f"Hardware: {table.hardware(settings.device)}.",
        f"Command: {shlex.join(['untaught', *sys.argv[1:]])}",
    ]
    store = Store(csv, study.Point, lambda point: point.key, places, said)
    cases = comparisons.get(task).cases(pictures, {**given, "pairs": None, "reference": []})
    plan = study.plan(task, None if methods is None else names(methods))
    keep_memory()
    title = f"{task}: {table.count(len(cases), 'picture')}"
    if figure is not None:
        if store.rows and figure.is_file() and _is_drawn(figure, study.figure(store.rows, title)):
            places.adopt(figure)
        images.check_output(figure, places=places)

    def make(case: Case, seed: int, method: Any) -> list[Point]:
        found = []
        for point in study.points(task, case, seed, method, seconds, settings):
            found.append(point)
            if not quiet:
                _say(point)
        return found

    every = cells(cases, plan, seeds)
    interrupted = fill(store, ((((c.name, s, m[0]), partial(make, c, s, m)) for c, s, m in every)))
    if store.rows:
        table.show(study.grid(store.rows), said)
        print(f"{len(store.rows)} points in {store.place}.")
        if figure is not None:
            images.write(figure, study.figure(store.rows, title), places=places)
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


def _say(point: Point) -> None:
    within = "" if point.budget is None else f" within {point.budget:g} s"
    print(
        f"{point.picture}, seed {point.seed}, {point.method}{within}: {point.psnr:.2f} dB, {point.seconds:.1f} s",
        file=sys.stderr,
    )
