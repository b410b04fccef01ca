"""`--repeat` and `--uncertainty` on the tasks' commands: several runs for one, and maps of how far the picture may be off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from untaught.errors import BadInput

if TYPE_CHECKING:
    from untaught.recipes import Recipe
    from untaught.run import Job, Run, Solution
    from untaught.series import Series

REPEAT = "How many runs with seeds from --seed on; the result is their mean, and how they differ is said."
UNCERTAINTY = (
    "A TIFF (.tif) with pages of floats in the units of the picture: its standard deviation, the lower and the upper end of "
    "intervals that hold 90 %, and with --repeat the deviation between runs; beside it a picture (.png)."
)


def check(path: Path | None, *, source: Path | None, target: Path, force: bool) -> Path | None:
    """The place of the maps, absolute; `BadInput` where one of the two files cannot be written."""
    from untaught import images

    if path is None:
        return None
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise BadInput(f"'{path}' cannot hold the uncertainty: name a TIFF, e.g. '{path.with_suffix('.tif')}'.")
    for file in (path, drawn(path)):
        if file.absolute() == target.absolute():
            raise BadInput(f"'{file}' would be both the result and the uncertainty: name another file.")
        images.check_output(file, source=source, force=force)
    return path.absolute()


def drawn(path: Path) -> Path:
    """The picture beside the maps."""
    return path.with_suffix(".png")


def begin(job: Job, recipe: Recipe) -> Run | Series:
    """The run of a recipe, or its runs; `BadInput` where they could not tell what is asked."""
    from untaught import doubt
    from untaught.run import Run
    from untaught.series import Series

    if recipe.uncertainty:
        doubt.direct(job.finish)
    if recipe.repeat == 1 and not recipe.uncertainty:
        return Run(job)
    return Series(job, recipe.repeat, uncertain=bool(recipe.uncertainty))


def write(solution: Solution, job: Job, recipe: Recipe) -> tuple[str, ...]:
    """Write the maps, where they are asked for and known: what is to be said. UntaughtError where the disk does not take them."""
    from untaught import doubt, images
    from untaught.images.write import write_pages
    from untaught.intervals import flat
    from untaught.studies.heat import heat

    found = solution.uncertainty
    if found is None:
        return ()
    path = Path(recipe.uncertainty)
    pages = doubt.maps(job, found, solution.spread)
    write_pages(path, pages)
    first = pages["standard deviation"]
    full = doubt.full(job)
    unit = f" of {full:g}" if full else ""
    images.write(drawn(path), heat(flat(first), f"standard deviation, levels{unit}" if unit else "standard deviation"))
    return (f"How far it may be off is in '{path.name}', and drawn in '{drawn(path).name}'.",)
