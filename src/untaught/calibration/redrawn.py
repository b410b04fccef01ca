"""How far a picture may be off, from data drawn anew: for any linear operator, counted light, and methods without a network.

What a restoration does to a picture is seen on a picture that is known: it is measured as the data were, with fresh noise, and
restored in the same way (the parametric bootstrap, Efron 1979). Of the restored picture itself this shows where it is hard to tell,
but not how much: it lacks the detail that the data did not show, and is restored too easily. Made smaller it has detail down to its
own pixels. Pictures are much alike on all scales (Ruderman and Bialek 1994; Glasner, Bagon and Irani, ICCV 2009), so a smaller
self, mirrored until it fills the field, is about as hard as the truth. It is measured, restored, and asked in turn where it may be
off: the factor that its intervals need, which is seen there (the double bootstrap: Beran 1987), is taken for the picture's own.

A picture that was smoothed too much has a smaller self that is too easy. The data show that: what they hold beside noise, and the
picture does not, asks for a factor, too, and the larger one is taken, at least 1. Where the estimate can do with fewer
measurements, and they are no neighbours of each other, it is seen at a tenth that is held out (whole views, frequencies); else at
all of them, less what the picture took over of their noise (the covariance penalty: Efron, JASA 2004).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from untaught.calibration.held import MOST
from untaught.calibration.intervals import deviation, factor
from untaught.calibration.repeated import RepeatedRuns, check
from untaught.core.callers import own_settings
from untaught.core.errors import BadInput
from untaught.core.geometry import pad_to
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.iterate import Moment
from untaught.solver.loop import Run
from untaught.solver.result import Result
from untaught.solver.solution import Solution
from untaught.solver.stage import Job, Method, Solve, default_method
from untaught.solver.uncertainty import Uncertainty

SELF, OWN, BLIND = 4, 8, 4
"""How often what was restored of the smaller self, the picture itself, and that of fewer measurements are measured anew."""
LEAST = 16
"""Pixels a side: a smaller self of fewer than 4 says nothing."""
TWICE = 2.0
"""The noise that a picture leaves, in deviations of what was said, from which on nobody had known how loud it is."""
SMALLER = (2.0, 4.0)
"""How many times smaller the smaller self is, at least and at most."""


def doubting(job: Job, repeat: int = 1) -> RepeatedRuns:
    """The runs that tell how far the job's picture may be off: with held-out values, or with data drawn anew where those tell
    nothing. `BadInput` where neither can be had."""
    return Redrawn(job, repeat) if redraws(job) else RepeatedRuns(job, repeat, uncertain=True)


def redraws(job: Job) -> bool:
    """Whether data are drawn anew, since held-out values tell nothing; `BadInput` where neither can be had."""
    try:
        check(job)
        plain = job.finish.direct
    except BadInput:
        if not drawable(job):
            raise
        plain = False
    return not plain and drawable(job)


def uncertainty(problem: Problem | Job, method: Method | None = None, *, repeat: int = 1) -> Uncertainty:
    """Restore, and say how far each pixel may be off: by measurements that are held out, or by data drawn anew (`doubting`).

    repeat: how many runs with other seeds; a single one of `Fit` goes on as Langevin dynamics. Raises `BadInput` where neither
    tells it, and where nothing varies.
    """
    job = problem if isinstance(problem, Job) else Job((Solve(method or default_method()),), problem)
    runs = doubting(job, repeat)
    for _ in runs:
        pass
    found = runs.uncertainty()
    if found is None:
        raise BadInput(
            "The samples do not differ, or fewer than 20 measurements are held out: give repeat, or a larger picture."
        )
    return found


def drawable(job: Job) -> bool:
    """Whether data can be drawn anew: a linear operator that is known, known noise, and a result that is a picture."""
    p, law = job.problem, job.finish.law or job.problem.likelihood
    if not p.operator.linear or p.operator.sought or p.operator.quantised or not job.finish.bare.direct:
        return False
    if any(stage.problem is not None or stage.onward for stage in job.stages):
        return False
    try:
        law.draw(p.data[..., :1], torch.Generator(p.data.device))
    except BadInput:
        return False
    return True


class Redrawn(RepeatedRuns):
    """The job, its smaller self, and both measured anew, one run after the other; watched, kept and resumed as `RepeatedRuns` are.

    Raises `BadInput` for `repeat` above 1, and for pictures of less than 16 pixels a side.
    """

    @own_settings()
    def __init__(self, job: Job, repeat: int = 1) -> None:
        if repeat > 1:
            raise BadInput(
                f"Data are drawn anew here, {SELF + OWN} times: leave out repeat = {repeat}, or uncertainty."
            )
        self.first: dict[str, Any] = {}
        self.asked, self.held, self.of = job, None, self.sources(job)
        self.hides = None in self.of[1:]
        self._start(job, len(self.of))

    @staticmethod
    def sources(job: Job) -> list[int | None]:
        """Of which run's picture each run's data are drawn; None: they are the job's own, all of them or without the held-out.

        `BadInput` for a picture that is too small for any.
        """
        if min(job.problem.image_shape[2:]) < LEAST:
            raise BadInput(
                f"The picture is {' x '.join(map(str, job.problem.image_shape[2:]))} pixels: how far it is off is told from "
                f"{LEAST} a side on."
            )
        of: list[int | None] = [None, 0, *[1] * SELF, *[0] * OWN]
        hides = not job.problem.operator.local and all(stage.weighs for stage in job.stages)
        return [*of, None, *[len(of)] * BLIND] if hides else of

    def _hidden(self, i: int) -> bool:
        """Whether run i is without what is held out."""
        return self.hides and i >= 2 + SELF + OWN

    def _out(self, problem: Problem) -> Tensor:
        """What is held out: 1, of the shape of the data."""
        draw = Rng(self.seed, problem.data.device).fork("uncertainty")
        return problem.operator.held_out(tuple(problem.data.shape), MOST, draw).to(problem.real) * problem.known

    def _seeded(self, i: int) -> Run:
        job = self.job.seeded(Rng(self.seed).child("run", i).seed)
        return Run(replace(job, problem=self._measured(i)[0])) if i else Run(job)

    def _truth(self, i: int) -> Tensor:
        """The picture that is measured anew for run i."""
        of = self.of[i]
        assert of is not None
        x = self.done[of]
        return smaller(x, finest(self.job.problem.to(x.device))) if i == 1 else x

    def _measured(self, i: int) -> tuple[Problem, Result]:
        """What run i is asked, and what becomes of its picture."""
        problem, finish = self.job.problem.to(self.done[0].device), self.job.finish
        if self._hidden(i):
            weight = torch.ones_like(problem.data, dtype=problem.real) if problem.weight is None else problem.weight
            problem = replace(problem, weight=weight * (1 - self._out(problem)))
        if self.of[i] is None:
            return problem, finish
        x = self._truth(i)
        draw = Rng(self.seed, x.device).fork("drawn anew", i)
        with torch.no_grad():
            if finish.law is not None:
                light = finish.again(None).plain(x)
                y = light + finish.law.draw(light, draw)
                data, finish = finish.after(y), finish.again(y)
            else:
                exact = problem.likelihood.expected(problem.operator(x))
                noise = problem.likelihood.draw(exact, draw)
                data = exact + self._louder(problem, i) * noise
            start = None if problem.start is None else pad_to(data, problem.image_shape[2:])
        return replace(problem, data=data.to(problem.data), start=start), finish

    def _louder(self, problem: Problem, i: int) -> float:
        """How many times louder the noise is than was said, by what the picture leaves of the data; of normal noise alone.

        What a picture leaves is less than the noise, part of which it follows: of the smaller self it is seen how much less.
        """
        if not problem.likelihood.white or problem.likelihood.sigma is None:
            return 1.0
        x = self.done[0]
        found = _left(problem, x)
        if found <= TWICE:
            return 1.0
        if i < 2 + SELF:
            return found
        seen = _left(self._measured(1)[0], self.done[1]) / found
        return found / min(1.0, max(0.5, seen))

    def _settle(self) -> None:
        if self.run.complete and self.index == len(self.done):
            one = self.run.solution
            if not self.done:
                self.first = {"step": one.step, "reason": one.reason, "notes": list(one.notes)}
                self.first["history"] = [asdict(m) for m in one.history]
            self.done.append(one.x)

    @property
    @own_settings(grad=False)
    def solution(self) -> Solution:
        """Of the job itself, and how far it may be off."""
        self._settle()
        one, found = self.run.solution, self.uncertainty()
        if self.done:
            first = {**self.first, "notes": tuple(self.first["notes"])}
            first["history"] = tuple(Moment(**m) for m in first["history"])
            one = replace(one, **first, x=self.done[0], problem=self.asked.problem.to(self.done[0].device))
        told = found.note if found else "It ended before there were samples: how far it is off is not known."
        return replace(one, notes=(*one.notes, told), seconds=self.seconds_before + one.seconds, uncertainty=found)

    @own_settings(grad=False)
    def uncertainty(self) -> Uncertainty | None:
        """Of the picture that the result shows, `Result.shown`; None before there are two samples."""
        self._settle()
        first = 2 + SELF
        own = range(first, min(first + OWN, len(self.done)))
        if len(own) < 2:
            return None
        finish = self.job.finish
        off = self._shown(1) - finish.again(None).shown(self._truth(1))
        theirs = deviation(self._square(range(2, first)))
        raw = deviation(self._square(own))
        s, _ = factor(off.flatten(), theirs.flatten(), torch.zeros_like(off).flatten())
        s = max(1.0, s, self._seen(own))  # what is restored is no harder than the truth
        # Errors of neighbours are alike: how sure the factor is their number does not say.
        return Uncertainty(finish.shown(self.done[0]), raw, s, None, off.numel(), drawn=len(own))

    def _seen(self, own: range) -> float:
        """The factor that the data ask for."""
        blind = own.stop
        runs = range(blind + 1, len(self.done)) if self.hides else own
        if len(runs) < 2:
            return 0.0
        problem = self.job.problem.to(self.done[0].device)
        a, x = problem.operator, self.done[blind if self.hides else 0]
        where = self._out(problem) if self.hides else problem.known
        with torch.no_grad():
            exact = a(x)
            noise = problem.likelihood.deviation(exact.real).square() * self._louder(problem, runs[0]) ** 2
            drawn, told = (
                torch.stack(v) for v in zip(*((self._measured(i)[0].data, a(self.done[i])) for i in runs), strict=True)
            )
            apart = (where * (told - exact).abs().square()).sum() / len(runs)
            followed = (where * ((told - told.mean(0)) * (drawn - drawn.mean(0)).conj()).real).sum() / (len(runs) - 1)
            left = (where * ((problem.data - exact).abs().square() - noise)).sum() + (0 if self.hides else 2 * followed)
        return max(0.0, float(left / apart.clamp_min(1e-30))) ** 0.5

    def _shown(self, i: int) -> Tensor:
        return self._measured(i)[1].shown(self.done[i])

    def _square(self, runs: range) -> Tensor:
        """The mean square of how far those runs are off the picture that was measured anew for them."""
        truth = self.job.finish.again(None).shown(self._truth(runs[0]))
        return torch.stack([(self._shown(i) - truth).square() for i in runs]).mean(0)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "first": dict(self.first)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.first = dict(state["first"])
        super().load_state_dict(state)


def smaller(x: Tensor, times: float) -> Tensor:
    """x, (1, c, *space), so many times smaller along each axis, mirrored until it fills the field again."""
    sides = [max(4, round(n / times)) for n in x.shape[2:]]
    return pad_to(torch.nn.functional.interpolate(x, sides, mode="area"), x.shape[2:])


def finest(problem: Problem) -> float:
    """The width in pixels, within `SMALLER`, of the finest detail that is measured: a picture so many times smaller has all of it.

    That of a point, measured and carried back (A^T A), at half of its height; a blur comes into that twice.
    """
    space = problem.image_shape[2:]
    point = torch.zeros(problem.image_shape, dtype=problem.real, device=problem.data.device)
    middle = tuple(n // 2 for n in space)
    point[(0, 0, *middle)] = 1
    with torch.no_grad():
        seen = problem.operator.adjoint((problem.known * problem.operator(point)).to(problem.data.dtype))[0, 0]
    widths = [_width(seen.movedim(k, -1)[middle[:k] + middle[k + 1 :]], middle[k]) for k in range(len(space))]
    return min(SMALLER[1], max(SMALLER[0], round(max(widths) / 2**0.5)))


def _width(line: Tensor, at: int) -> float:
    """How wide a peak is at half of its height, between samples by straight lines."""
    half = float(line[at]) / 2

    def reach(way: Iterator[float]) -> float:
        for k, (a, b) in enumerate(pairwise(way)):
            if b < half:
                return k + (a - half) / max(a - b, 1e-30)
        return float(len(line))

    values = line.tolist()
    return reach(iter(values[at:])) + reach(iter(values[at::-1]))


def _left(problem: Problem, x: Tensor) -> float:
    """The root mean square of what the picture leaves of the data, in deviations of the noise that they are said to have."""
    rest = (problem.operator(x) - problem.data).abs() / problem.likelihood.deviation(problem.data.real)
    return float((problem.known * rest.square()).sum() / problem.known.sum()) ** 0.5
