"""What a result's own report says of it, and that report on the disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untaught import reports
from untaught.core.errors import UntaughtError

if TYPE_CHECKING:
    from untaught.io.images import Image
    from untaught.io.images.places import Places
    from untaught.io.recipes import Recipe
    from untaught.reports import Report
    from untaught.solver.solution import Solution

KINDS = (".html", ".json")


def judge(solution: Solution, recipe: Recipe) -> Report:
    """The report of a result, with where it comes from."""
    return replace(reports.report(solution), settings=recipe.facts)


def write(report: Report, path: Path, image: Image | None, result: Any, places: Places) -> tuple[str, ...]:
    """A page (.html) with the pictures before and after, or figures (.json); what is to be said. UntaughtError where it fails."""
    page = path.suffix.lower() == ".html"
    text = report.to_html(None if image is None else image.pixels, result) if page else report.to_json()
    try:
        return places.text(path, text)
    except UntaughtError as error:
        raise UntaughtError(f"The result is written, but its report is not: {error}") from error
