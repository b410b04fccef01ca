"""No network at all: a classic estimate, in the place where an objective stands, so that it is run and shown like any other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.errors import BadInput
from untaught.geometry import box
from untaught.objectives._base import Model, Objective, Step, refuse_unless_identity
from untaught.objectives.recorrupt import Guide
from untaught.priors import Pixels, Prior
from untaught.problem import Problem
from untaught.randomness import Rng


@dataclass(frozen=True)
class Classic(Objective):
    """The guide's estimate of the data is the picture, from the first step on; use it with Pixels() and After(1)."""

    guide: Guide

    whole = True

    def bind(self, problem: Problem, prior: Prior) -> Classic:
        refuse_unless_identity(self, problem)
        if not isinstance(prior, Pixels):
            raise BadInput(f"Classic has no use for the prior {type(prior).__name__}: give Pixels().")
        return self

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        x = self.picture(model, problem, rng)
        fit = problem.energy(x)
        return Step(fit + 0 * model().sum(), fit, x)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        y, likelihood = problem.data, problem.likelihood
        with torch.no_grad():
            return likelihood.unbias(self.guide(y, likelihood.deviation(box(y, 2))))

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        return ((Classic(_mean), Pixels()),)


def _mean(noisy: Tensor, deviation: Tensor) -> Tensor:
    return box(noisy, 1)


OBJECTIVE = Classic
