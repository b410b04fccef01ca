"""Hide a part of the measurements from the network, and judge its picture on just these."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.classical.inpaint import pull_push
from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.prior import Network, Prior
from untaught.prior.codes import Fed
from untaught.problem import Problem
from untaught.solver.iterate import Step
from untaught.solver.objectives._base import Crops, Model, Objective, averaged, refuse_unless_fed


@dataclass(frozen=True)
class Split(Objective):
    """Noise2Self (Batson and Royer 2019); for other operators SSDU (Yaman et al. 2020). sigma is not needed.

    fraction: how many of the known measurements are hidden in each step.
    Where the data are the picture itself the network sees crops of [the filled picture, its mask]; for any other operator
    it sees the whole back-projection of what is not hidden.
    """

    fraction: float = 0.2
    crops: Crops = Crops()

    def bind(self, problem: Problem, prior: Prior) -> Split:
        if not 0 < self.fraction < 1:
            raise BadInput(f"Split hides a fraction between 0 and 1 of the measurements, not {self.fraction}.")
        known = int((problem.weight > 0).sum()) if problem.weight is not None else problem.data.numel()
        if known * self.fraction < 1:
            raise BadInput(f"Split would hide {self.fraction:g} of {known} measurements, which is none: use Fit.")
        refuse_unless_fed(self, problem, prior, problem.image_shape[1] * (2 if _direct(problem) else 1))
        return self

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        if _direct(problem):
            y, weight = self.crops.draw([problem.data, _weight(problem)], rng)
            hidden = self._hide(weight, rng.stream)
            x = model(_input(y, weight * ~hidden))
            predicted = x
        else:
            y, weight = problem.data, _weight(problem)
            hidden = self._hide(weight, rng.stream)
            x = model(problem.operator.adjoint(y * (weight * ~hidden)))
            predicted = problem.operator(x)
        fit = problem.likelihood.energy(predicted, y, weight * hidden)
        return Step(fit + problem.regulariser(x), fit.detach(), None)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        weight = _weight(problem)

        def draw(i: int) -> Tensor:
            seen = weight * ~self._hide(weight, rng.fork("picture", i))
            return _input(problem.data, seen) if _direct(problem) else problem.operator.adjoint(problem.data * seen)

        return averaged(map(draw, range(passes)), model)

    def _hide(self, weight: Tensor, rng: torch.Generator) -> Tensor:
        return torch.rand(weight.shape, generator=rng, device=weight.device) < self.fraction

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.prior.networks.hourglass import Hourglass

        return ((Split(crops=Crops(8, 2)), Network(Hourglass.examples()[0], Fed(2), output="linear", residual=False)),)


def _direct(problem: Problem) -> bool:
    return problem.operator.direct


def _weight(problem: Problem) -> Tensor:
    return torch.ones_like(problem.data, dtype=problem.real) if problem.weight is None else problem.weight


def _input(y: Tensor, weight: Tensor) -> Tensor:
    """[mask, picture with its unknown pixels filled]: the picture comes last, as the base of a residual network."""
    known = (weight > 0).to(y.dtype)
    return torch.cat([known, pull_push(y, known)], dim=1)


OBJECTIVE = Split
