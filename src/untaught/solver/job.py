"""The values around the loop: how x is sought, what a task makes of its arguments, what comes out. All frozen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from untaught.calibration.intervals import Spread, Uncertainty
from untaught.core.amounts import Amounts
from untaught.core.callers import own_settings
from untaught.core.errors import BadInput
from untaught.noise.anscombe import Back
from untaught.prior import Prior
from untaught.problem import Problem
from untaught.reports import Report, report
from untaught.solver.averaging import Average, ExponentialPictures
from untaught.solver.objectives._base import Objective
from untaught.solver.objectives.fit import Fit
from untaught.solver.optimisers import Adam, Optimiser
from untaught.solver.stopping import After, Auto, Rule, named


@dataclass(frozen=True)
class Method:
    """How x is sought. passes: how many draws the final picture is the mean of (fed objectives). stop: a rule, or "auto"."""

    prior: Prior
    objective: Objective = Fit()
    optimiser: Optimiser = Adam()
    average: Average = ExponentialPictures()
    stop: Rule = After(2000)
    passes: int = 1
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if isinstance(self.stop, str):
            object.__setattr__(self, "stop", named(self.stop))


@dataclass(frozen=True)
class Stage:
    """One method on one problem; `problem` None is the job's own, with the last stage's picture as its `start`."""

    method: Method
    problem: Problem | None = None


@dataclass(frozen=True)
class Job:
    """What a task makes of its arguments: frozen, and it pickles.

    scale: (offset, gain), data = offset + gain * problem.data; `finish` turns the picture, in the data's own units, into what
    the caller gets. notes: what was applied silently (an estimate, a conversion).
    """

    stages: tuple[Stage, ...]
    problem: Problem
    scale: tuple[float, float] = (0.0, 1.0)
    finish: Callable[[Tensor], Any] | None = None
    notes: tuple[str, ...] = ()

    @own_settings(grad=False)
    def result(self, x: Tensor) -> Any:
        """The picture x of the problem, (1, c, *space), as the caller gets it."""
        # Single precision would lose small contrasts on large offsets.
        x = x.cpu().to(torch.float64, copy=True).mul_(self.scale[1]).add_(self.scale[0])
        return x if self.finish is None else self.finish(x)

    def plain(self, x: Tensor) -> Tensor:
        """The picture x of the problem without the transform, if there was one, that made its noise even."""
        back = self.finish
        return back.transform.inverse(self.scale[0] + self.scale[1] * x) if isinstance(back, Back) else x

    @property
    def amounts(self) -> Amounts:
        """How levels of a plain picture are told."""
        return Amounts.of(self.finish, self.unit)

    @property
    def unit(self) -> float:
        """What 1 of a plain picture is in the caller's units: 255 where that is full scale."""
        return self.finish.gain if isinstance(self.finish, Back) else self.scale[1]

    @own_settings(grad=False)
    def remarks(self, x: Tensor) -> tuple[str, ...]:
        """What `result` does to the picture that a person should know (values that are clipped), in sentences."""
        remarks = getattr(self.finish, "remarks", None)
        return () if remarks is None else tuple(remarks(self.scale[0] + self.scale[1] * x.cpu().double()))


@dataclass(frozen=True)
class Moment:
    """A line of the history: plain numbers."""

    stage: int
    step: int
    energy: float
    score: float | None
    seconds: float


@dataclass(frozen=True)
class Solution:
    """x: (1, c, *space) in the units of the problem. reason: why the run ended, in a sentence. seconds: of all steps, and of making
    x in the end, which is most of the work where a large picture is filtered in parts. problem: what x answers.

    spread: how several runs differ, of which x is the mean, in pictures that are `Job.plain`. uncertainty: how far x may be off,
    where that was asked for. finish, amounts: of the job.
    """

    x: Tensor
    step: int
    reason: str
    history: tuple[Moment, ...]
    notes: tuple[str, ...]
    seconds: float
    problem: Problem | None = field(default=None, repr=False, compare=False)
    spread: Spread | None = field(default=None, repr=False, compare=False)
    uncertainty: Uncertainty | None = field(default=None, repr=False, compare=False)
    finish: Callable[[Tensor], Any] | None = field(default=None, repr=False, compare=False)
    amounts: Amounts | None = field(default=None, repr=False, compare=False)

    @cached_property
    @own_settings()
    def report(self) -> Report:
        """How far the picture can be trusted, judged without the truth; made when it is first asked for."""
        if self.problem is None:
            raise BadInput("This solution does not carry its problem, which a report needs: take that of a run.")
        return report(
            self.problem,
            self.x,
            step=self.step,
            reason=self.reason,
            seconds=self.seconds,
            notes=self.notes,
            history=self.history,
            spread=self.spread,
            uncertainty=self.uncertainty,
            finish=self.finish,
            amounts=self.amounts,
        )


def default_method() -> Method:
    """For general reconstruction: a narrow hourglass that stops by itself."""
    from untaught.prior import Network
    from untaught.prior.codes import Noise
    from untaught.prior.networks.hourglass import Hourglass

    net = Hourglass(down=(32,) * 4, up=(32,) * 4, skip=(4,) * 4)
    return Method(Network(net, Noise(16), jitter=1 / 30), stop=Auto() | After(3000))
