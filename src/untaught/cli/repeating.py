"""`--repeat` and `--uncertainty` on the tasks' commands: several runs for one, and maps of how far the picture may be off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from untaught.core.errors import BadInput

if TYPE_CHECKING:
    from untaught.calibration.series import Series
    from untaught.io.images.places import Places
    from untaught.io.recipes import Recipe
    from untaught.solver.run import Run
    from untaught.solver.solution import Solution
    from untaught.solver.stage import Job

REPEAT = "How many runs with seeds from --seed on; the result is their mean, and how they differ is said."
UNCERTAINTY = (
    "A TIFF (.tif) with pages of floats in the units of the picture: its standard deviation, the lower and the upper end of "
    "intervals that hold 90 %, and with --repeat the deviation between runs; beside it a picture (.png)."
)


def check(path: Path | None, places: Places) -> Path | None:
    """The place of the maps, absolute; `BadInput` where one of the two files cannot be written."""
    if path is None:
        return None
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise BadInput(f"'{path}' cannot hold the uncertainty: name a TIFF, e.g. '{path.with_suffix('.tif')}'.")
    for file, what in ((path, "the uncertainty"), (drawn(path), "the drawing of the uncertainty")):
        places.check(file, option="--uncertainty", what=what)
    return path.absolute()


def drawn(path: Path) -> Path:
    """The picture beside the maps."""
    return path.with_suffix(".png")


def begin(job: Job, recipe: Recipe) -> Run | Series:
    """The run of a recipe, or its runs; `BadInput` where they could not tell what is asked."""
    from untaught.calibration.series import Series
    from untaught.io import maps as doubt
    from untaught.solver.run import Run

    if recipe.uncertainty:
        doubt.direct(job.finish)
    if recipe.repeat == 1 and not recipe.uncertainty:
        return Run(job)
    return Series(job, recipe.repeat, uncertain=bool(recipe.uncertainty))


def parts(
    solution: Solution, job: Job, recipe: Recipe, places: Places
) -> Iterator[tuple[str, Callable[[], tuple[str, ...]]]]:
    """What is to be written besides the result: what it is if it fails, and what writes it and says so."""
    from untaught.io import images
    from untaught.io import maps as doubt
    from untaught.io.images.write import write_pages
    from untaught.reports.heat import flat, heat

    found = solution.uncertainty
    if found is None:
        return
    path = Path(recipe.uncertainty)
    picture = drawn(path)

    def maps() -> tuple[str, ...]:
        notes = write_pages(path, doubt.maps(job, found, solution.spread), places)
        return (*notes, f"How far it may be off is in '{places.went[path].name}'.")

    def drawing() -> tuple[str, ...]:
        full = job.finish.full
        unit = f", levels of {full:g}" if full else ""
        first = doubt.maps(job, found, solution.spread)["standard deviation"]
        notes = images.write(picture, heat(flat(first), f"standard deviation{unit}"), places=places)
        return (*notes, f"It is drawn in '{places.went[picture].name}'.")

    yield f"The uncertainty could not be written to '{path.name}'", maps
    yield f"The uncertainty could not be drawn in '{picture.name}'", drawing
