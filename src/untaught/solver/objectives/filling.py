"""No network: a classic filling of what is unknown, in the place where an objective stands."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.classical.inpaint import Filling, Harmonic
from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.prior import Pixels, Prior
from untaught.problem import Problem
from untaught.solver.objectives._base import Model, Objective, Step, refuse_unless_identity


@dataclass(frozen=True)
class Fill(Objective):
    """The filling of the data is the picture, from the first step on; use it with Pixels() and After(1)."""

    filling: Filling = Harmonic()

    whole, draws, weighs = True, False, True

    def bind(self, problem: Problem, prior: Prior) -> Fill:
        refuse_unless_identity(self, problem)
        if not isinstance(prior, Pixels):
            raise BadInput(f"Fill has no use for the prior {type(prior).__name__}: give Pixels().")
        return self

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        x = self.picture(model, problem, rng)
        fit = problem.energy(x)
        return Step(fit + 0 * model().sum(), fit, x)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        y = problem.data
        known = torch.ones_like(y) if problem.weight is None else (problem.weight > 0).to(y.dtype)
        with torch.no_grad():
            return self.filling(y * known, known)

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        return ((Fill(Harmonic(5)), Pixels()),)


OBJECTIVE = Fill
