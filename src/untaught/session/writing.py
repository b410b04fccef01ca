"""What follows the last step, each part by itself: one that fails costs a sentence, and neither the result nor the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from untaught.core.errors import BadInput, UntaughtError, why
from untaught.core.registry import tasks
from untaught.io import images, measurements, uncertainty_maps
from untaught.session import judging

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from untaught.calibration.repeated import RepeatedRuns
    from untaught.io.images import Image
    from untaught.io.images.places import Places
    from untaught.io.recipes import Recipe
    from untaught.reports import Report
    from untaught.session.keeping import Keeper
    from untaught.solver.loop import Run
    from untaught.solver.stage import Job

T = TypeVar("T")


@dataclass(frozen=True)
class Outputs:
    """Where a command's result goes, and what is asked beside it; what cannot be written there is refused before any work."""

    places: Places
    result: Path
    report: Path | None = None
    maps: Path | None = None

    def __post_init__(self) -> None:
        images.check_output(self.result, places=self.places)
        if self.report is not None:
            if self.report.suffix.lower() not in judging.KINDS:
                raise BadInput(
                    f"A report is a page or figures, and '{self.report}' is neither: end its name in .html or .json."
                )
            self.places.check(self.report, option="--report", what="the report")
        if self.maps is not None:
            if self.maps.suffix.lower() not in (".tif", ".tiff"):
                raise BadInput(
                    f"'{self.maps}' cannot hold the uncertainty: name a TIFF, e.g. '{self.maps.with_suffix('.tif')}'."
                )
            for file, what in ((self.maps, "the uncertainty"), (drawn(self.maps), "the drawing of the uncertainty")):
                self.places.check(file, option="--uncertainty", what=what)

    def named(self, recipe: Recipe) -> Recipe:
        """The recipe of a run whose result goes there."""
        maps = "" if self.maps is None else str(self.maps.absolute())
        return replace(recipe, output=str(self.result.absolute()), uncertainty=maps)

    def put(self, result: Any, like: Image | None, recipe: str | None) -> tuple[str, ...]:
        """Write the result there, with what of `like` belongs to it: what there is to say of it."""
        return images.write(self.result, result, like, recipe=recipe, places=self.places)


def default_output(task: str, source: Path | None) -> Path:
    """NAME.untaught.EXT beside the input; TASK.untaught.png here, where there is none."""
    if source is None:
        return Path(f"{task}.untaught.png")
    if tasks.get(task).subject == "measurements":
        file = measurements.file_of(source)  # a TIFF holds any numbers, and can be looked at
        return file.with_name(f"{file.stem}.untaught.tif")
    return images.default_output(source)


def drawn(path: Path) -> Path:
    """The picture beside the maps."""
    return path.with_suffix(".png")


class Ended(Protocol):
    """A session, as far as its ending looks into it."""

    job: Job
    recipe: Recipe
    image: Image | None
    keeper: Keeper
    notes: tuple[str, ...]
    run: Run | RepeatedRuns

    def company(self) -> Image | None: ...
    def rescued(self) -> AbstractContextManager[None]: ...


class Ending:
    """A run as it has ended, to be written and judged part by part; `close` is the last.

    notes: what there is to say. errors: of them, those about files that were asked for and are not there. complete: whether it
    ended by itself. recipe: as it travels with the result, None where none could be made. result: once it is written.
    """

    def __init__(self, session: Ended) -> None:
        self.session, self.job = session, session.job
        with session.rescued():
            self.solution = session.run.solution
        self.complete = session.run.complete
        self.notes = [*session.notes, *self.solution.notes]
        self.errors: list[str] = []
        self.result: Any = None
        self.recipe = self.attempt(
            "The recipe of the result could not be made",
            lambda: session.recipe.finished(steps=session.run.total, complete=self.complete, notes=self.solution.notes),
            None,
        )

    def attempt(self, what: str, make: Callable[[], T], otherwise: T, *, asked: bool = False) -> T:
        """What `make` makes; where it raises, `otherwise`, and that `what` is missing."""
        try:
            return make()
        except Exception as error:
            logging.getLogger("untaught").debug(what, exc_info=True)
            sentence = str(error) if isinstance(error, UntaughtError) else f"{what} ({why(error)})."
            self.notes.append(sentence)
            if asked:
                self.errors.append(sentence)
            return otherwise

    def write(self, put: Callable[[Any, Image | None, str | None], Iterable[str]]) -> None:
        """The result, by `put` with what came with the picture and the recipe as text; what it returns is to be said.

        Else UntaughtError, and the run is kept, since it may be hours of work.
        """
        recipe, text = self.recipe, None
        if recipe is not None:
            what = "The result is without its recipe, which could not be written"
            text = self.attempt(what, lambda: recipe.to_toml(), None)
        like = self.attempt("What came with the picture is not in the result", self.session.company, None)
        try:
            self.result = self.job.result(self.solution.x)
            self.notes += self.attempt(
                "What the result does could not be said", lambda: self.job.remarks(self.solution.x), ()
            )
            self.notes += put(self.result, like, text)
        except Exception as error:
            said = (
                str(error) if isinstance(error, UntaughtError) else f"The result could not be written ({why(error)})."
            )
            raise UntaughtError(f"{said} {self.session.keeper.rescue()}".strip()) from error

    def map(self, path: Path, places: Places) -> None:
        """How far the result may be off, if its runs told: pages, and a drawing of the first beside them."""
        from untaught.io.images.write import write_pages
        from untaught.reports.heat import flat, heat

        found, spread, file = self.solution.uncertainty, self.solution.spread, drawn(path)
        if found is None:
            return

        def pages() -> tuple[str, ...]:
            notes = write_pages(path, uncertainty_maps.maps(self.job, found, spread), places)
            return (*notes, f"How far it may be off is in '{places.went[path].name}'.")

        def drawing() -> tuple[str, ...]:
            full = self.job.finish.full
            unit = f", levels of {full:g}" if full else ""
            first = uncertainty_maps.maps(self.job, found, spread)["standard deviation"]
            notes = images.write(file, heat(flat(first), f"standard deviation{unit}"), places=places)
            return (*notes, f"It is drawn in '{places.went[file].name}'.")

        for what, make in (("written to", pages), ("drawn in", drawing)):
            name = (path if make is pages else file).name
            self.notes += self.attempt(f"The uncertainty could not be {what} '{name}'", make, (), asked=True)

    def judge(self, places: Places, *files: Path) -> Report | None:
        """The report, written to the files; None where there is none. The session's own recipe stands in for one that failed."""
        recipe = self.recipe or self.session.recipe
        named = f"The result is written, but its report '{files[0]}' could not be" if files else ""
        asked = bool(files)
        report = self.attempt(
            named or "The result was not judged", lambda: judging.judge(self.solution, recipe), None, asked=asked
        )
        if report is None:
            return None
        for path in files:
            make = partial(judging.write, report, path, self.session.image, self.result, places)
            what = f"The result is written, but its report '{path}' could not be"
            self.notes += self.attempt(what, make, (), asked=True)
        return report

    def close(self, *, keep: bool = False) -> None:
        """Let the kept run go, or, with `keep` and where a file that was asked for is missing, leave it there and say so."""
        keeper = self.session.keeper
        if self.errors:
            kept = keeper.rescue()
            self.notes += [kept] if kept else []
            if kept:
                return
        self.notes += self.attempt(
            "The kept run could not be cleared away", lambda: keeper.end(keep=keep or keeper.keep), ()
        )
        if keep and keeper.begun:
            self.notes.append(keeper.goes_on)
