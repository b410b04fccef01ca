"""What follows a result: its report, and, where a person asks for it, a map of where it is unsure. Only in the worker."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught import reports
from untaught.calibration.series import Series, check, goes_on
from untaught.core.errors import BadInput, UntaughtError
from untaught.io import maps as doubt
from untaught.io.images.write import write_pages
from untaught.io.recipes import Recipe
from untaught.reports.heat import STOPS, brightest, colours, flat
from untaught.solver.solution import Solution
from untaught.solver.stage import Job, Solve
from untaught.studio.previews import SIDE

SEEDS = 3  # runs, where only their differences can be told
FAINT, STRONG = 0.1, 0.8  # how much of a colour lies over the picture, where it is sure and where it is not


def judge(place: Path, solution: Solution, job: Job, recipe: Recipe, image: Any, samples: NDArray) -> dict[str, str]:
    """Write report.html and report.json: the verdict as {"kind", "sentence"}, "" for both where the task does not restore.

    Whatever goes wrong here costs the report, and never the result.
    """
    try:
        report = replace(reports.report(solution), settings=recipe.facts)
        page = report.to_html(None if image is None else image.pixels, samples)
        (place / "report.json").write_text(report.to_json(), encoding="utf-8")
        (place / "report.html").write_text(page, encoding="utf-8")
    except Exception as error:
        for name in ("report.json", "report.html"):
            (place / name).unlink(missing_ok=True)
        foreseen = isinstance(error, (UntaughtError, OSError))
        if not foreseen:
            traceback.print_exception(error, file=sys.stderr)
        why = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0][:200]
        return {"kind": "not judged", "sentence": f"not judged: the report could not be made ({why.rstrip('.')})"}
    if not job.finish.restores:
        return {"kind": "", "sentence": ""}
    return {"kind": report.verdict.kind, "sentence": report.verdict.sentence}


@dataclass(frozen=True)
class Plan:
    """How it is asked where it is unsure. runs: with seeds from the job's own on. held: whether some measurements are held out of
    them, which tells how wide the intervals have to be; else it is told only how the runs differ."""

    runs: int
    held: bool

    def recipe(self, recipe: Recipe) -> Recipe:
        return replace(recipe, repeat=self.runs, uncertainty="unsure.tif" if self.held else "")


def plan(job: Job) -> Plan:
    """The cheapest that says something; `BadInput` where every run would give the same picture, or a result has no map."""
    job.finish.exact()
    try:
        check(job)
        goes_on(job)
        doubt.direct(job.finish)
        return Plan(1, True)
    except BadInput:
        if not job.draws:
            raise BadInput(
                "This was a classic method, which draws nothing at random and always gives this picture: only of a network's "
                "can it be seen where it is unsure."
            ) from None
        return Plan(SEEDS, False)


def offer(job: Job, seconds: float, once: float) -> dict[str, Any]:
    """{"runs", "seconds"}: what it would cost to ask where the result is unsure; {"why"}: a sentence where that cannot be told.

    seconds: that the run took. once: those that its first step and its final picture took, about as many as a fed network needs
    to answer another problem.
    """
    try:
        how = plan(job)
    except BadInput as error:
        return {"why": str(error)}
    if how.held and isinstance(last := job.stages[-1], Solve):
        objective = last.method.objective
        if objective.wanders:
            seconds *= 1.5  # it goes on as Langevin dynamics for half of its steps
        seconds += (1 + objective.answers) * once if objective.answers else 0.0
    return {"runs": how.runs, "seconds": round(how.runs * seconds, 1)}


def ask(job: Job) -> Series:
    """The runs that tell it."""
    how = plan(job)
    return Series(job, how.runs, uncertain=how.held)


def answer(place: Path, job: Job, series: Series) -> dict[str, Any]:
    """Write unsure.tif, and unsure.png to be laid over the picture; what a legend says of it, values in units of the result.

    high: the value of the last colour. full: the largest value of pictures of integers, or None. colours: from 0 to high. middle:
    the median. most: the largest. runs: how many told it. note: how far it can be trusted.
    """
    found = series.uncertainty()
    if found is not None:
        pages, note = doubt.maps(job, found), found.note
    elif len(series.done) > 1:
        pages = {"standard deviation between runs": doubt.between(job, series.done)}
        note = "It says how far runs with other seeds are from each other, which is less than how far they are off."
    else:
        raise BadInput("It ended before it could be told where the picture is unsure: ask again, and let it run.")
    write_pages(place / "unsure.tif", pages)
    size = next(iter(pages.values()))
    one = flat(size)
    high = brightest(one)
    (place / "unsure.png").write_bytes(overlay(one / high))
    return {
        "high": high,
        "full": job.finish.full,
        "colours": [f"rgb({r:.0f} {g:.0f} {b:.0f})" for r, g, b in STOPS],
        "middle": float(np.median(one)),
        "most": float(one.max()),
        "runs": series.repeat,
        "held": found is not None,
        "note": note,
    }


def overlay(share: NDArray) -> bytes:
    """The PNG of a map (h, w) from 0 to 1 (more is 1): coloured, and the more opaque the larger the value."""
    import io

    from PIL import Image as Pillow

    small = Pillow.fromarray(np.clip(share, 0, 1).astype(np.float32))
    if max(small.size) > SIDE:
        small.thumbnail((SIDE, SIDE), Pillow.Resampling.BOX)
    values = np.asarray(small)
    alpha = np.rint(255 * (FAINT + (STRONG - FAINT) * values)).astype(np.uint8)
    out = io.BytesIO()
    Pillow.fromarray(np.dstack([colours(values), alpha]), "RGBA").save(out, "PNG")
    return out.getvalue()
