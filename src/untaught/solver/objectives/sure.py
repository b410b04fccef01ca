"""Stein's unbiased risk estimate: the error against the truth, known in the mean without the truth."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.prior import Network, Prior
from untaught.prior.codes import Fed
from untaught.problem import Problem
from untaught.solver.iterate import Step
from untaught.solver.objectives._base import (
    Crops,
    Model,
    Objective,
    averaged,
    refuse_unless_fed,
    refuse_unless_identity,
)


@dataclass(frozen=True)
class Sure(Objective):
    """|f(y) - y|^2 - sigma^2 + 2 sigma^2 div f(y), a mean over elements (Stein 1981).

    The divergence is that of one random probe, b . (f(y + eps b) - f(y)) / eps (Ramani, Blu and Unser 2008), so a step
    is two passes. White Gaussian noise of known sigma only.
    """

    eps: float = 1e-3
    crops: Crops = Crops()

    def bind(self, problem: Problem, prior: Prior) -> Sure:
        refuse_unless_identity(self, problem)
        refuse_unless_fed(self, problem, prior, problem.data.shape[1])
        if not problem.likelihood.white or problem.likelihood.sigma is None:
            raise BadInput("Sure needs white Gaussian noise of known sigma: give Gaussian(sigma), or use Split.")
        if problem.weight is not None:
            raise BadInput("Sure needs every measurement: use Split where some are unknown.")
        return self

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        (y,) = self.crops.draw([problem.data], rng)
        probe = rng.normal(y).to(y)
        variance = problem.likelihood.deviation(y).square()
        x = model(y)
        divergence = probe * (model(y + self.eps * probe) - x) / self.eps
        fit = ((x - y).square() + variance * (2 * divergence - 1)).mean()
        return Step(fit + problem.regulariser(x), fit.detach(), None)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        return averaged([problem.data] * passes, model)

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.prior.networks.hourglass import Hourglass

        return ((Sure(crops=Crops(8, 2)), Network(Hourglass.examples()[0], Fed(1), output="linear")),)


OBJECTIVE = Sure
