"""A denoiser in the place of R: half-quadratic splitting, one round a run of one step.

Venkatakrishnan, Bouman and Wohlberg 2013 (plug and play); the order and the levels are those of Zhang et al., "Plug-and-Play
Image Restoration with Deep Denoiser Prior" (TPAMI 2021), here with a denoiser that was never taught anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.errors import BadInput
from untaught.geometry import box
from untaught.objectives._base import Model, Objective, Step
from untaught.objectives.recorrupt import Guide
from untaught.priors import Pixels, Prior
from untaught.problem import Problem
from untaught.randomness import Rng


@dataclass(frozen=True)
class Plugged(Objective):
    """From the picture v of the round before: u = argmin |A u - y|^2 / sigma^2 + strength |u - v|^2 / level^2, then
    x = guide(u, level).

    guide: a denoiser of pictures with white noise. level: that noise's deviation, in the units of the problem; it falls from
    round to round, each a stage of its own. strength: how much the round before is trusted. rounds: of conjugate gradients.
    Works with Pixels() and After(1), and needs a linear operator and the noise of the data, Gaussian(sigma).
    """

    guide: Guide
    level: float = 0.1
    strength: float = 0.25
    rounds: int = 15

    whole = True

    def bind(self, problem: Problem, prior: Prior) -> Plugged:
        if not isinstance(prior, Pixels):
            raise BadInput(f"Plugged has no use for the prior {type(prior).__name__}: give Pixels().")
        if not problem.operator.linear:
            raise BadInput("Plugged solves linear equations, and this operator is not linear: use Fit.")
        if getattr(problem.likelihood, "sigma", None) is None:
            raise BadInput(
                "Plugged weighs the data by their noise, which is not known: give Gaussian(sigma), or use Fit."
            )
        return self

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        x = self.picture(model, problem, rng)
        with torch.no_grad():
            fit = problem.energy(x)
        return Step(fit + 0 * model().sum(), fit, x)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        with torch.no_grad():
            start = problem.operator.backproject(problem.data) if problem.start is None else problem.start
            u = self._toward_data(start, problem)
            return self.guide(u, torch.full((1,) * u.ndim, self.level, device=u.device, dtype=u.dtype))

    def _toward_data(self, v: Tensor, problem: Problem) -> Tensor:
        """(A^T W A + w) u = A^T W y + w v by conjugate gradients from v; W: the weights of the measurements over sigma^2."""
        a, y = problem.operator, problem.data
        deviation = problem.likelihood.deviation(box(y, 2)).to(y)
        scale = float(deviation.square().mean())
        trust = (scale / deviation.square()).expand_as(y)
        trust = trust if problem.weight is None else trust * problem.weight
        w = self.strength * scale / self.level**2

        def normal(p: Tensor) -> Tensor:
            return a.backproject(trust * a(p)) + w * p

        u, rest = v, a.backproject(trust * (y - a(v)))
        way, size = rest, rest.square().sum()
        for _ in range(self.rounds):
            if not float(size) > 0:
                break
            image = normal(way)
            length = size / (way * image).sum()
            u, rest = u + length * way, rest - length * image
            way, size = rest + rest.square().sum() / size * way, rest.square().sum()
        return u

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        return ((Plugged(_mean, rounds=3), Pixels()),)


def _mean(noisy: Tensor, deviation: Tensor) -> Tensor:
    return box(noisy, 1)


OBJECTIVE = Plugged
