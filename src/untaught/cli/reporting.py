"""`--report`: what a run's own report says, on the disk, and one sentence where it is not good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from untaught.core.errors import BadInput, UntaughtError

if TYPE_CHECKING:
    from untaught.io.images import Image
    from untaught.io.images.places import Places
    from untaught.io.recipes import Recipe
    from untaught.solver.solution import Solution
    from untaught.solver.stage import Job

KINDS = (".html", ".json")


def check(path: Path | None, places: Places) -> None:
    """`BadInput` where no report can be written there; asked before any work."""
    if path is None:
        return
    if path.suffix.lower() not in KINDS:
        raise BadInput(f"A report is a page or figures, and '{path}' is neither: end its name in .html or .json.")
    places.check(path, option="--report", what="the report")


def judge(
    path: Path | None, solution: Solution, job: Job, recipe: Recipe, image: Image | None, places: Places
) -> tuple[str, ...]:
    """Write the report where one was asked for; what there is to say of the result. UntaughtError where it is not taken."""
    from untaught import reports

    restores = job.finish.restores
    if not restores and path is None:
        return ()
    report = replace(reports.report(solution), settings=recipe.facts)
    notes: tuple[str, ...] = ()
    if path is not None:
        if path.suffix.lower() == ".json":
            text = report.to_json()
        else:
            text = report.to_html(None if image is None else image.pixels, job.result(solution.x))
        try:
            notes = places.text(path, text)
        except UntaughtError as error:
            raise UntaughtError(f"The result is written, but its report is not: {error}") from error
    if not restores or report.verdict.kind in ("good", "not judged"):
        return notes
    return (*notes, f"The result is {report.verdict.sentence}.")
