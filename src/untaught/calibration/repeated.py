"""Several runs of one job as one iterator, and how much their pictures vary: with other seeds, and within a run.

`RepeatedRuns` is run, watched, kept and resumed as a `Run` is; its picture is the mean of the runs' pictures. With `uncertain`,
some measurements are held out of all of them, and `uncertainty` says how far the picture may be off (`intervals`).

Samples of a picture are, by what a run is made of:

- `repeat` runs with other seeds, or the members of an `Ensemble`;
- one run of `Fit` that does not settle, but goes on as Langevin dynamics;
- of a network that is fed with the picture, its answers to the restored picture with fresh noise (`Recorrupt`: the parametric
  bootstrap), or to fewer pixels (`Refill`: the jackknife).

- of a filling beside a network, fillings of fewer pixels (`Blended`: the jackknife).

The variance within a run and that between runs add up. Where there is no network there are none of these, and that is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from untaught.calibration.held import hold_out
from untaught.calibration.intervals import deviation, factor
from untaught.core.callers import own_settings
from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.solver.averaging import Moments
from untaught.solver.course import Course
from untaught.solver.estimating import Estimating
from untaught.solver.fitting import Fitting
from untaught.solver.iterate import Iterate
from untaught.solver.loop import Run
from untaught.solver.solution import Solution
from untaught.solver.stage import Estimate, Job
from untaught.solver.uncertainty import Spread, Uncertainty

# Langevin dynamics at the whole temperature of the posterior cost 2 dB, and gave the same intervals.
COLD = 0.1
NO_SAMPLES = "A classic filter has no samples that could vary: choose another preset, such as balanced, or give sigma."
ASSUMED = 0.02  # the noise of data whose noise is not known, of their range


class RepeatedRuns(Iterator[Iterate]):
    """`repeat` runs of a job, one after the other, with seeds from that of the job on.

    Raises `BadInput` where the runs could not differ, or where nothing tells how far their picture is off.
    """

    @own_settings()
    def __init__(self, job: Job, repeat: int = 1, *, uncertain: bool = False) -> None:
        if repeat < 1:
            raise BadInput(f"repeat = {repeat} is no number of runs: give 1 or more.")
        if repeat > 1 and not job.draws:
            raise BadInput(
                "Nothing is drawn at random here, so that every run gives the same picture: leave out repeat."
            )
        self.asked, self.held = job, None
        if uncertain:
            check(job)
            self.asked = job = seen_alone(job)
            job, self.held = hold_out(job)
            job = goes_on(job) if repeat == 1 else job
        self._start(job, repeat)

    def _start(self, job: Job, repeat: int) -> None:
        self.job, self.repeat = job, repeat
        self.seed = job.seed
        self.done: list[Tensor] = []
        self.blind: list[Tensor] = []  # the same, by networks that were not fed what is held out either
        self.within: Tensor | None = None
        self.blindness = 1.0
        self.index, self.steps_before, self.seconds_before = 0, 0, 0.0
        self.run = self._seeded(0)

    def _seeded(self, i: int) -> Run:
        return Run(self.job.seeded(Rng(self.seed).child("run", i).seed))

    @own_settings()
    def __next__(self) -> Iterate:
        try:
            return next(self.run)
        except StopIteration:
            self._settle()
            if len(self.done) == self.repeat:
                raise
        self.steps_before, self.seconds_before = self.total, self.seconds
        self.index += 1
        self.run = self._seeded(self.index)
        return next(self.run)

    def _settle(self) -> None:
        """Take what a run that has ended has found; once."""
        if self.run.complete and self.index == len(self.done):
            course = self.run.course
            if self.held is not None and self.within is None:
                self.within = course.variance()
                self.blindness = self._blindness(course)
            self.blind.append(self.run.solution.x)
            self.done.append(self.blind[-1] if self.held is None else self._seeing())

    def _blindness(self, course: Course) -> float:
        """How many times larger the samples' deviation is at a value that is held out."""
        if self.within is None or self.held is None or not isinstance(course, Fitting):
            return 1.0
        x = course.shown()
        return course.objective.blindness(
            course.answer, x, self.held.to(x.device), self.within, course.problem, course.rng
        )

    def _seeing(self) -> Tensor:
        """The picture of a run that has ended, from all measurements where they are what its network is fed with."""
        course, stage = self.run.course, self.asked.stages[-1]
        whole = (stage.problem or self.asked.problem).to(course.problem.data.device)
        seeing = replace(course.problem, data=whole.data, weight=whole.weight)
        if isinstance(course, Estimating):
            return course.answer(seeing)
        if not isinstance(course, Fitting) or not course.objective.refits:
            return self.blind[-1]
        return course.answer(seeing, course.method.passes)

    @property
    def over(self) -> bool:
        """Whether the last run is at the last step of its stage."""
        return self.run.over and self.index + 1 == self.repeat

    @property
    def complete(self) -> bool:
        """Whether all runs are done."""
        return self.over and self.run.last

    @property
    def course(self) -> Course:
        return self.run.course

    @property
    def stage(self) -> int:
        return self.run.stage

    @property
    def step(self) -> int:
        return self.run.step

    @property
    def steps(self) -> int | None:
        return self.run.steps

    def outlook(self) -> tuple[int | None, int | None]:
        """As `Run.outlook`, over all runs."""
        each = [stage.steps for stage in self.job.stages]
        later = None if None in each else sum(s for s in each if s is not None) * (self.repeat - self.index - 1)
        earliest, latest = self.run.outlook()
        before = self.steps_before
        return (
            None if earliest is None else before + earliest + (later or 0),
            None if latest is None or later is None else before + latest + later,
        )

    @property
    def total(self) -> int:
        return self.steps_before + self.run.total

    @property
    def seconds(self) -> float:
        return self.seconds_before + self.run.seconds

    @property
    @own_settings(grad=False)
    def solution(self) -> Solution:
        """The mean of the runs that have ended, or of the first as far as it is; it answers what was held out, too."""
        self._settle()
        one = self.run.solution
        x = torch.stack(self.done).mean(0) if self.done else one.x
        reason = one.reason
        if self.repeat > 1:
            reason = f"the mean of {self.repeat} runs: {reason}"
            if len(self.done) < self.repeat:
                reason = f"{one.reason}, in run {self.index + 1} of {self.repeat}: the mean of {len(self.done)} is kept"
        notes, problem = [*one.notes], one.problem
        spread, found = None, self.uncertainty()
        if len(self.done) > 1:
            spread = Spread.of([self.job.finish.plain(x) for x in self.done])
            notes.append(spread.sentence(self.job.finish.unit))
        if self.held is not None:
            notes.append(found.note if found else "It ended before there were samples: how far it is off is not known.")
            problem = (self.asked.stages[self.run.stage].problem or self.asked.problem).to(x.device)
        return replace(
            one, x=x, reason=reason, notes=tuple(notes), seconds=self.seconds_before + one.seconds, problem=problem,
            spread=spread, uncertainty=found,
        )  # fmt: skip

    def uncertainty(self) -> Uncertainty | None:
        """How far the picture may be off; None before there are two samples, and where nothing was held out."""
        self._settle()
        if self.held is None:
            return None
        between = torch.stack(self.done).var(0) if len(self.done) > 1 else None
        inside = self.within if self.done else self.run.course.variance()
        parts = [v for v in (between, inside) if v is not None]
        if not parts or not any(bool((v > 0).any()) for v in parts):
            return None
        x = torch.stack(self.done).mean(0) if self.done else self.run.solution.x
        raw = deviation(torch.stack(parts).sum(0))
        problem = self.asked.problem.to(x.device)
        likelihood = problem.likelihood
        seen = self.held.to(x.device) > 0
        blind = torch.stack(self.blind).mean(0) if self.blind else x
        noise = torch.zeros_like(x)
        if likelihood.floor(problem.data) is not None:
            noise = likelihood.deviation(blind).expand_as(x).to(x)
            seen = seen & (likelihood.trusted(blind).expand_as(x) > 0.5)
        if int(seen.sum()) < 20:
            return None
        s, error = factor((problem.data - blind)[seen], self.blindness * raw[seen], noise[seen])
        return Uncertainty(x, raw, s, error, int(seen.sum()))

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, as `Run.state_dict`."""
        return {
            "index": self.index,
            "done": list(self.done),
            "blind": list(self.blind),
            "within": self.within,
            "blindness": self.blindness,
            "steps": self.steps_before,
            "seconds": self.seconds_before,
            "run": self.run.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done, self.blind, self.within = list(state["done"]), list(state["blind"]), state["within"]
        self.blindness = state["blindness"]
        self.steps_before, self.seconds_before = state["steps"], state["seconds"]
        self.index = state["index"]
        self.run = self._seeded(self.index)
        self.run.load_state_dict(state["run"])


def check(job: Job) -> None:
    """Refuse what has no known error at held-out measurements, or no samples."""
    for problem in (job.problem, *(s.problem for s in job.stages if s.problem is not None)):
        if not problem.operator.direct or problem.data.shape != job.problem.data.shape:
            raise BadInput(
                "How far the picture is off can be measured where the data are the picture itself, with noise or holes, but here "
                "they are something else made of it: repeat tells at least how runs differ."
            )
    estimates = [stage.estimator for stage in job.stages if isinstance(stage, Estimate)]
    if len(estimates) == len(job.stages) or not all(e.samples for e in estimates):
        raise BadInput(NO_SAMPLES)


def seen_alone(job: Job) -> Job:
    """Without a last stage that shows only a share of its picture, whose doubt would be that of the share."""
    if len(job.stages) == 1 or not job.stages[-1].beside:
        return job
    note = "for the uncertainty the last stage, a share of another network's picture, was left out"
    return replace(job, stages=job.stages[:-1], notes=(*job.notes, note))


def goes_on(job: Job) -> Job:
    """A last stage of `Fit` goes on for half of its steps, at most 1000, as Langevin dynamics; `BadInput` where it cannot."""
    last = job.stages[-1]
    if not job.draws:
        raise BadInput(NO_SAMPLES)
    if isinstance(last, Estimate):
        return job
    m, problem = last.method, last.problem or job.problem
    if m.objective.samples or (m.objective.wanders and m.prior.members > 1):
        return job
    if not m.objective.wanders:
        raise BadInput(f"{type(m.objective).__name__} gives one picture and no samples: give repeat, e.g. 5.")
    count = problem.data.numel() if problem.weight is None else float((problem.weight > 0).sum())
    floor = problem.likelihood.floor(problem.data, problem.weight)
    heat = 2 * (ASSUMED**2 if floor is None else COLD * floor) / count
    steps = None if m.stop.judges else m.stop.outlook({})[1]
    optimiser = None if steps is None else m.optimiser.wandering(heat, after=steps, seed=m.seed)
    if steps is None or optimiser is None:
        raise BadInput(
            "Langevin dynamics begin where a constant rate of Adam has done a fixed number of steps, and this method has "
            f"{m.stop} and {m.optimiser}: give steps, or repeat, e.g. 5."
        )
    more = min(1000, max(30, steps // 2))
    settle = more // 3
    average = Moments(steps + settle, every=max(1, (more - settle) // 40))
    method = replace(m, optimiser=optimiser, average=average, stop=m.stop.extended(more))
    return replace(job, stages=(*job.stages[:-1], replace(last, method=method)))
