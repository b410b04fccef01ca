"""Where a result is unsure: how it is asked, what that costs, and what the runs answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from untaught.calibration.redrawn import Redrawn, doubting, drawable
from untaught.calibration.repeated import RepeatedRuns, check, goes_on
from untaught.core.errors import BadInput
from untaught.io import uncertainty_maps
from untaught.io.recipes import Recipe
from untaught.solver.loop import Run
from untaught.solver.stage import Job, Solve

SEEDS = 3  # runs, where only their differences can be told


@dataclass(frozen=True)
class Asking:
    """How it is asked where it is unsure. runs: with seeds from the job's own on. held: whether measurements are held out of
    them, or data drawn anew, which tells how wide the intervals have to be; else it is told only how the runs differ. times: how
    many runs it costs."""

    runs: int
    held: bool
    times: int

    def recipe(self, recipe: Recipe) -> Recipe:
        return replace(recipe, repeat=self.runs, uncertainty="unsure.tif" if self.held else "")


def plan(job: Job) -> Asking:
    """The cheapest that says something; `BadInput` where nothing does, or a result has no map."""
    job.finish.exact()
    if not job.draws:
        if not drawable(job):
            raise BadInput(
                "This was a classic method, which draws nothing at random and always gives this picture, and no data like these "
                "can be drawn anew: only of a network's can it be seen where it is unsure."
            )
        return Asking(1, True, len(Redrawn.sources(job)))
    try:
        check(job)
        goes_on(job)
        uncertainty_maps.direct(job.finish)
        return Asking(1, True, 1)
    except BadInput:
        return Asking(SEEDS, False, SEEDS)


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
    return {"runs": how.times, "seconds": round(how.times * seconds, 1)}


def begin(job: Job, recipe: Recipe) -> Run | RepeatedRuns:
    """The run of a recipe, or its runs; `BadInput` where they could not tell what is asked."""
    if recipe.repeat == 1 and not recipe.uncertainty:
        return Run(job)
    if not recipe.uncertainty:
        return RepeatedRuns(job, recipe.repeat)
    if not drawable(job):
        uncertainty_maps.direct(job.finish)
    return doubting(job, recipe.repeat)


def answer(job: Job, runs: RepeatedRuns) -> tuple[dict[str, NDArray], bool, str]:
    """(maps by name, the standard deviation first; whether they say how far the picture is off, or only how runs differ; how far
    they can be trusted) of runs that have ended; `BadInput` before."""
    found = runs.uncertainty()
    if found is not None:
        return uncertainty_maps.maps(job, found), True, found.note
    if len(runs.done) < 2:
        raise BadInput("It ended before it could be told where the picture is unsure: ask again, and let it run.")
    note = "It says how far runs with other seeds are from each other, which is less than how far they are off."
    return {"standard deviation between runs": uncertainty_maps.between(job, runs.done)}, False, note
