"""A denoiser in the place of R: half-quadratic splitting, one round a run of one step.

Venkatakrishnan, Bouman and Wohlberg 2013 (plug and play); the order and the levels are those of Zhang et al., "Plug-and-Play
Image Restoration with Deep Denoiser Prior" (TPAMI 2021), here with a denoiser that was never taught anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor

from untaught.core.conjugate_gradients import conjugate_gradients
from untaught.core.errors import BadInput
from untaught.core.geometry import box
from untaught.core.randomness import Rng
from untaught.prior import Pixels, Prior
from untaught.problem import Problem
from untaught.solver.objectives._base import Model, Objective, Step
from untaught.solver.objectives.decode import Pilot
from untaught.solver.objectives.recorrupt import Guide


@dataclass(frozen=True)
class Rounds:
    """Rounds one after the other: the classic estimate of any problem of this kind, for objectives that need many."""

    rounds: tuple[Plugged, ...]

    def bind(self, problem: Problem, prior: Prior) -> Rounds:
        return replace(self, rounds=tuple(r.bind(problem, prior) for r in self.rounds))

    def estimate(self, problem: Problem) -> Tensor:
        for one in self.rounds:
            problem = replace(problem, start=one.estimate(problem))
        assert problem.start is not None
        return problem.start

    def shown(self, problem: Problem, estimate: Tensor) -> tuple[Tensor, Tensor]:
        """The estimate drawn to the data once more, unfiltered, and the last level, for `Bootstrap`."""
        last = self.rounds[-1]
        return last.toward_data(estimate, problem), torch.as_tensor(last.level).to(estimate)

    def allowed(self, problem: Problem, x: Tensor) -> Tensor:
        """x: noise leaves every picture possible."""
        return x


@dataclass(frozen=True)
class Plugged(Objective):
    """From the picture v of the round before: u = argmin |A u - y|^2 / sigma^2 + strength |u - v|^2 / level^2, then
    x = guide(u, level).

    guide: a denoiser of pictures with white noise. level: that noise's deviation, in the units of the problem; it falls from
    round to round, each a stage of its own. strength: how much the round before is trusted. rounds: of conjugate gradients.
    pilot: whether the guide takes the picture of the round before as its pilot, which saves it a pass of its own (`Pilot`).
    An operator that was sought is off by its `error`, which counts as noise, and no round is quieter than half as much again.
    Works with Pixels() and After(1), and needs a linear operator and the noise of the data.
    """

    guide: Guide | Pilot
    level: float = 0.1
    strength: float = 0.15
    rounds: int = 60
    pilot: bool = False

    whole, draws, weighs = True, False, True

    def bind(self, problem: Problem, prior: Prior) -> Plugged:
        if not isinstance(prior, Pixels):
            raise BadInput(f"Plugged has no use for the prior {type(prior).__name__}: give Pixels().")
        if self.pilot and not hasattr(self.guide, "refine"):
            raise BadInput(f"The guide {type(self.guide).__name__} takes no pilot: leave pilot out.")
        if not problem.operator.linear:
            raise BadInput("Plugged solves linear equations, and this operator is not linear: use Fit.")
        if getattr(problem.likelihood, "sigma", None) is None:
            raise BadInput("Plugged weighs the data by their noise, which is not known: give Gaussian(sigma).")
        return self

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        x = self.picture(model, problem, rng)
        with torch.no_grad():
            fit = problem.energy(x)
        return Step(fit + 0 * model().sum(), fit, x)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        return self.estimate(problem)

    def estimate(self, problem: Problem) -> Tensor:
        """The picture of any problem of this kind."""
        with torch.no_grad():
            start = problem.operator.backproject(problem.data) if problem.start is None else problem.start
            u = self.toward_data(start, problem)
            level = torch.full((1,) * u.ndim, self._level(problem), device=u.device, dtype=u.dtype)
            return cast("Pilot", self.guide).refine(u, level, start) if self.pilot else self.guide(u, level)

    def toward_data(self, v: Tensor, problem: Problem) -> Tensor:
        """(A^T W A + w) u = A^T W y + w v by conjugate gradients from v; W: the weights of the measurements over sigma^2."""
        a, y = problem.operator, problem.data
        deviation = problem.likelihood.deviation(box(y, 2)).to(y).hypot(y.new_tensor(_error(problem)))
        scale = float(deviation.square().mean())
        trust = (scale / deviation.square()).expand_as(y)
        trust = trust if problem.weight is None else trust * problem.weight
        w = self.strength * scale / self._level(problem) ** 2

        def normal(p: Tensor) -> Tensor:
            return a.backproject(trust * a(p)) + w * p

        return conjugate_gradients(normal, a.backproject(trust * y) + w * v, v, self.rounds)

    def _level(self, problem: Problem) -> float:
        return max(self.level, 1.5 * _error(problem))

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        return ((Plugged(_mean, rounds=3), Pixels()),)


def _error(problem: Problem) -> float:
    return float(getattr(problem.operator, "error", 0.0))


def _mean(noisy: Tensor, deviation: Tensor) -> Tensor:
    return box(noisy, 1)


OBJECTIVE = Plugged
