"""`untaught bench frontier TASK`: quality against time."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untaught.cli import studying
from untaught.cli.watching import INTERRUPTED
from untaught.core.allocator import keep_memory

if TYPE_CHECKING:
    from untaught.bench.case import Case
    from untaught.bench.frontier import Point


def frontier(
    task: studying.Compared,
    /,
    *pictures: studying.Clean,
    budgets: str = "2,5,15,60,180",
    methods: str | None = None,
    sigma: studying.Sigma = None,
    factor: studying.Factor = None,
    missing: studying.Missing = None,
    quality: studying.Quality = None,
    kernel: studying.Kernel = None,
    seeds: studying.Seeds = 1,
    noisy_from: studying.Published = None,
    device: studying.Device = "auto",
    csv: Path = Path("frontier.csv"),
    figure: Path | None = None,
    force: studying.Force = False,
    quiet: studying.Quiet = False,
) -> int:
    """Quality against seconds: presets, classics, and what others do with untrained networks, under equal budgets.

    Points that the CSV holds already are not made again: interrupt it, and the same command goes on.

    Parameters
    ----------
    budgets
        Seconds, with commas between them.
    methods
        Names of presets, classics and alternatives, with commas between them; all that can be run here if not given.
    csv
        Where each point is kept as soon as it is known.
    figure
        Draw the curves here (PNG).
    """
    given = dict(locals())
    from untaught.bench import bench as engine
    from untaught.bench import frontier as study
    from untaught.bench import table
    from untaught.bench.case import cells, fill
    from untaught.bench.store import Store
    from untaught.core.machine import resolve_device
    from untaught.core.registry import comparisons
    from untaught.io import images
    from untaught.io.images.places import Places

    seconds = _seconds(budgets)
    studying.check(seeds=seeds)
    places = Places.of([*pictures, noisy_from], force=force)
    settings = engine.Settings(None, resolve_device(device))
    said = [
        f"Hardware: {table.hardware(settings.device)}.",
        f"Command: {shlex.join(['untaught', *sys.argv[1:]])}",
    ]
    store = Store(csv, study.Point, lambda point: point.key, places, said)
    cases = comparisons.get(task).cases(pictures, {**given, "pairs": None, "reference": []})
    plan = study.plan(task, None if methods is None else studying.names(methods))
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
    studying.tell(places)
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
