"""Several runs of one job as one iterator, and how much their pictures vary: with other seeds, and within a run.

`Series` is run, watched, kept and resumed as a `Run` is; its picture is the mean of the runs' pictures. With `uncertain`, some
measurements are held out of all of them, and `uncertainty` says how far the picture may be off (`intervals`).

Samples of a picture are, by what a run is made of:

- `repeat` runs with other seeds, or the members of an `Ensemble`;
- one run of `Fit` that does not settle, but goes on as Langevin dynamics;
- of a network that is fed with the picture, its answers to the restored picture with fresh noise (`Recorrupt`: the parametric
  bootstrap), or to fewer pixels (`Refill`: the jackknife).

The variance within a run and that between runs add up. A classic filter has none of these, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from untaught.calibration.intervals import Spread, Uncertainty, deviation, factor
from untaught.core.callers import own_settings
from untaught.core.errors import BadInput
from untaught.core.geometry import box
from untaught.core.randomness import Rng
from untaught.prior import Ensemble
from untaught.problem import Problem
from untaught.problem.operators import Identity
from untaught.solver.averaging import Moments
from untaught.solver.objectives.classic import Classic
from untaught.solver.objectives.filling import Fill
from untaught.solver.objectives.fit import Fit
from untaught.solver.objectives.recorrupt import Recorrupt
from untaught.solver.objectives.refill import Refill, hiding
from untaught.solver.optimisers import Adam, Langevin
from untaught.solver.run import Iterate, Job, Method, Run, Solution, Stage, default_method
from untaught.solver.stopping import After, FirstOf

# How many measurements are held out, within these shares of all: a tenth of them costs a restoration of noise half a decibel,
# and fewer than some thousands do not tell a small error from the noise.
HELD, LEAST, MOST = 5000, 0.01, 0.1
ANSWERS = 6  # of a fed network, to fresh noise or fewer pixels
FEWER = 0.3  # of the known pixels are hidden for such an answer
# Langevin dynamics at the whole temperature of the posterior cost 2 dB, and gave the same intervals.
COLD = 0.1
NO_SAMPLES = "A classic filter has no samples that could vary: choose another preset than instant, or give sigma."
ASSUMED = 0.02  # the noise of data whose noise is not known, of their range


class Series(Iterator[Iterate]):
    """`repeat` runs of a job, one after the other, with seeds from that of the job on.

    Raises `BadInput` where the runs could not differ, or where nothing tells how far their picture is off.
    """

    @own_settings()
    def __init__(self, job: Job, repeat: int = 1, *, uncertain: bool = False) -> None:
        if repeat < 1:
            raise BadInput(f"repeat = {repeat} is no number of runs: give 1 or more.")
        if repeat > 1 and settled(job):
            raise BadInput(
                "Nothing is drawn at random here, so that every run gives the same picture: leave out repeat."
            )
        self.asked, self.repeat, self.held = job, repeat, None
        if uncertain:
            check(job)
            self.asked = job = seen_alone(job)
            job, self.held = hold_out(job)
            job = goes_on(job) if repeat == 1 else job
        self.job = job
        self.done: list[Tensor] = []
        self.blind: list[Tensor] = []  # the same, by networks that were not fed what is held out either
        self.within: Tensor | None = None
        self.blindness = 1.0
        self.index, self.steps_before, self.seconds_before = 0, 0, 0.0
        self.run = self._seeded(0)

    def _seeded(self, i: int) -> Run:
        stages = (replace(s, method=replace(s.method, seed=s.method.seed + i)) for s in self.job.stages)
        return Run(replace(self.job, stages=tuple(stages)))

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
        if self.run.over and self.run.stage + 1 == len(self.job.stages) and self.index == len(self.done):
            if self.held is not None and self.within is None:
                self.within = within(self.run)
                self.blindness = blindness(self.run, self.held, self.within)
            self.blind.append(self.run.solution.x)
            self.done.append(self.blind[-1] if self.held is None else self._seeing())

    def _seeing(self) -> Tensor:
        """The picture of a run that has ended, from all measurements where they are what its network is fed with."""
        run, m = self.run, self.run.method
        if not isinstance(m.objective, (Recorrupt, Refill)):
            return self.blind[-1]
        whole = (self.asked.stages[-1].problem or self.asked.problem).to(m.device)
        return _answer(run, replace(run.problem, data=whole.data, weight=whole.weight), m.passes)

    @property
    def over(self) -> bool:
        """Whether the last run is at the last step of its stage."""
        return self.run.over and self.index + 1 == self.repeat

    @property
    def stage(self) -> int:
        return self.run.stage

    @property
    def step(self) -> int:
        return self.run.step

    @property
    def steps(self) -> int | None:
        return self.run.steps

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
            spread = Spread.of([self.job.plain(x) for x in self.done])
            notes.append(spread.sentence(self.job.unit))
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
        inside = self.within if self.done else within(self.run)
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


def uncertainty(problem: Problem | Job, method: Method | None = None, *, repeat: int = 1) -> Uncertainty:
    """Restore, with some measurements held out, and say how far each pixel may be off.

    repeat: how many runs with other seeds; a single one of `Fit` goes on as Langevin dynamics. Raises `BadInput` where the data
    are not the picture itself, and where nothing varies.
    """
    job = problem if isinstance(problem, Job) else Job((Stage(method or default_method()),), problem)
    series = Series(job, repeat, uncertain=True)
    for _ in series:
        pass
    found = series.uncertainty()
    if found is None:
        raise BadInput(
            "The samples do not differ, or fewer than 20 measurements are held out: give repeat, or a larger picture."
        )
    return found


def settled(job: Job) -> bool:
    """Whether nothing is drawn at random, so that every run gives the same picture; rules that draw are not thought of."""
    methods = [s.method for s in job.stages]
    return not any(m.objective.draws or m.prior.draws or isinstance(m.optimiser, Langevin) for m in methods)


def check(job: Job) -> None:
    """Refuse what has no known error at held-out measurements, or no samples."""
    for problem in (job.problem, *(s.problem for s in job.stages if s.problem is not None)):
        if not isinstance(problem.operator, Identity) or problem.data.shape != job.problem.data.shape:
            raise BadInput(
                "How far the picture is off can be measured where the data are the picture itself, with noise or holes, but here "
                "they are something else made of it: repeat tells at least how runs differ."
            )
    if any(isinstance(s.method.objective, (Classic, Fill)) for s in job.stages):
        raise BadInput(NO_SAMPLES)


def hold_out(job: Job) -> tuple[Job, Tensor]:
    """The job without some of its measurements, and where they are: 1, of the shape of the data.

    They get the weight 0. Where pixels are unknown, those held out lie like them: single ones, or holes moved to another place.
    `Recorrupt` needs every measurement: there another value stands in their place, an estimate of the others with fresh noise.
    """
    problem = job.problem
    draw = Rng(job.stages[-1].method.seed, problem.data.device).fork("uncertainty")
    known = torch.ones_like(problem.data) if problem.weight is None else (problem.weight > 0).to(problem.data)
    share = min(MOST, max(LEAST, HELD / float(known.sum())))
    noise = getattr(problem.likelihood, "noise", None)
    if problem.weight is None:  # noise is another one in each channel, unless they share it
        each = known[:, :1] if noise is not None and noise.shared else known
        held = (torch.rand(each.shape, generator=draw, device=known.device) < share).to(known).expand_as(known)
    else:
        unknown = known == 0
        wide = bool(unknown.any()) and float((box(known, 1)[unknown] == 0).float().mean()) > 0.05
        held = known * hiding(known, "holes" if wide else "pixels", share, draw)
    if not bool((known - held).any()):
        raise BadInput("Nothing would be left if measurements were held out: leave out uncertainty.")
    guided = next((s.method.objective for s in job.stages if isinstance(s.method.objective, Recorrupt)), None)

    def without(p: Problem) -> Problem:
        if guided is not None:
            return _replaced(p, guided, held, draw)
        return replace(p, weight=(1 - held) if p.weight is None else p.weight * (1 - held))

    stages = tuple(s if s.problem is None else replace(s, problem=without(s.problem)) for s in job.stages)
    return replace(job, problem=without(problem), stages=stages), held


def _replaced(problem: Problem, objective: Recorrupt, held: Tensor, draw: torch.Generator) -> Problem:
    """With other values where measurements are held out: an estimate that does not see them, and noise drawn anew."""
    y, likelihood = problem.data, problem.likelihood

    def filled(guess: Tensor) -> Tensor:
        return torch.where(held > 0, guess + likelihood.draw(guess, draw), y)

    guess = box(y * (1 - held), 2) / box(1 - held, 2).clamp_min(1e-6)
    if objective.guide is not None:
        noisy = filled(guess)
        guess = objective.guide(noisy, likelihood.deviation(box(noisy, 2)))
    return replace(problem, data=filled(guess))


def seen_alone(job: Job) -> Job:
    """Without a last stage that shows only a share of its picture, whose doubt would be that of the share."""
    if len(job.stages) == 1 or not job.stages[-1].method.objective.beside:
        return job
    note = "for the uncertainty the last stage, a share of another network's picture, was left out"
    return replace(job, stages=job.stages[:-1], notes=(*job.notes, note))


def goes_on(job: Job) -> Job:
    """A last stage of `Fit` goes on for half of its steps, at most 1000, as Langevin dynamics; `BadInput` where it cannot."""
    last = job.stages[-1]
    m, problem = last.method, last.problem or job.problem
    if not isinstance(m.objective, Fit):
        if isinstance(m.objective, (Recorrupt, Refill)):
            return job
        if settled(job):
            raise BadInput(NO_SAMPLES)
        raise BadInput(f"{type(m.objective).__name__} gives one picture and no samples: give repeat, e.g. 5.")
    if isinstance(m.prior, Ensemble) and m.prior.size > 1:
        return job
    rules = m.stop.rules if isinstance(m.stop, FirstOf) else (m.stop,)
    after = next((r for r in rules if isinstance(r, After)), None)
    adam = m.optimiser
    if after is None or m.stop.judges or not isinstance(adam, Adam) or adam.schedule != "constant":
        raise BadInput(
            "Langevin dynamics begin where a constant rate of Adam has done a fixed number of steps, and this method has "
            f"{m.stop} and {m.optimiser}: give steps, or repeat, e.g. 5."
        )
    steps = after.steps
    more = min(1000, max(30, steps // 2))
    settle = more // 3
    count = problem.data.numel() if problem.weight is None else float((problem.weight > 0).sum())
    floor = problem.likelihood.floor(problem.data, problem.weight)
    heat = 2 * (ASSUMED**2 if floor is None else COLD * floor) / count
    optimiser = Langevin(adam.lr, heat, after=steps, seed=m.seed, betas=adam.betas)
    average = Moments(steps + settle, every=max(1, (more - settle) // 40))
    stop = FirstOf(tuple(After(steps + more) if r is after else r for r in rules))
    method = replace(m, optimiser=optimiser, average=average, stop=stop)
    return replace(job, stages=(*job.stages[:-1], replace(last, method=method)))


def within(run: Run) -> Tensor | None:
    """The variance of the picture of one run, (1, c, *space); None where there are no two samples of it."""
    state, m = run.average_state if run.best is None else run.best, run.method
    if isinstance(m.average, Moments):
        count = int(state["count"]) if state else 0
        return (state["squares"] / (count - 1)).mean(0, keepdim=True) if count > 1 else None
    x = state.get("x")
    if isinstance(m.objective, Fit) and x is not None and len(x) > 1:
        return x.var(0, keepdim=True)
    if not run.over:
        return None

    problem = run.problem
    if isinstance(m.objective, Recorrupt):
        # The parametric bootstrap (Efron 1979): were this picture the truth, how far off would its restoration be?
        x, variance = run.solution.x, torch.zeros_like(problem.data)
        for i in range(ANSWERS):
            noise = problem.likelihood.draw(x, run.rng.fork("answer", i))
            variance += (_answer(run, replace(problem, data=x + noise)) - x).square() / ANSWERS
        return variance
    if isinstance(m.objective, Refill):
        known = torch.ones_like(problem.data) if problem.weight is None else (problem.weight > 0).to(problem.data)
        answers = []
        for i in range(ANSWERS):
            hidden = hiding(known, m.objective.hide, FEWER, run.rng.fork("answer", i))
            if bool((known * (1 - hidden)).any()):
                answers.append(_answer(run, replace(problem, weight=known * (1 - hidden))))
        # The jackknife that leaves out a share f: the variance of its answers, times (1 - f) / f (Shao and Wu 1989).
        return torch.stack(answers).var(0) * (1 - FEWER) / FEWER if len(answers) > 1 else None
    return None


def blindness(run: Run, held: Tensor, variance: Tensor | None) -> float:
    """How many times larger the samples' deviation is at a value that is held out.

    A network that is fed with a value knows more of it than of one that it does not see: in texture, where neighbours tell
    little, its error is up to half as large again there. The bootstrap is therefore done once more with the values
    held out, as the data were; 1 where unknown values lie like those held out.
    """
    objective, x = run.method.objective, run.solution.x
    held = held.to(x.device)
    if not isinstance(objective, Recorrupt) or variance is None:
        return 1.0
    total = torch.zeros(())
    for i in range(ANSWERS):
        noise = run.problem.likelihood.draw(x, run.rng.fork("answer", i))
        problem = _replaced(replace(run.problem, data=x + noise), objective, held, run.rng.fork("held", i))
        total = total + ((_answer(run, problem) - x).square() * held).sum() / ANSWERS
    seen = (variance * held).sum()
    return float((total / seen).sqrt()) if float(seen) > 0 else 1.0


def _answer(run: Run, problem: Problem, passes: int = 2) -> Tensor:
    """The picture that the network of a run makes of another problem."""
    objective = run.method.objective.bind(problem, run.method.prior)
    state = run.average_state if run.best is None else run.best
    return run.method.average.picture(
        state, run.model, lambda model: objective.picture(model, problem, run.rng, passes)
    )
