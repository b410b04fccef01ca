"""No network at all: a classic estimate, in the place where an objective stands, so that it is run and shown like any other."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.geometry import box
from untaught.core.randomness import Rng
from untaught.prior import Flat, Pixels, Prior
from untaught.problem import Problem
from untaught.solver.objectives._base import Model, Objective, Step, middle, refuse_unless_identity
from untaught.solver.objectives.recorrupt import Guide

PART = (192, 1536)  # the part of a large picture whose time is taken


@dataclass(frozen=True)
class Classic(Objective):
    """The guide's estimate of the data is the picture, from the first step on; use it with Flat() and After(1)."""

    guide: Guide

    whole, draws = True, False

    def bind(self, problem: Problem, prior: Prior) -> Classic:
        refuse_unless_identity(self, problem)
        if not isinstance(prior, (Flat, Pixels)):
            raise BadInput(f"Classic has no use for the prior {type(prior).__name__}: give Flat().")
        return self

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        x = self.picture(model, problem, rng)
        fit = problem.energy(x)
        return Step(fit + 0 * model().sum(), fit, x)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        y, likelihood = problem.data, problem.likelihood
        with torch.no_grad():
            return likelihood.unbias(self.guide(y, likelihood.deviation(box(y, 2))))

    def excerpt(self, problem: Problem) -> tuple[Problem, float] | None:
        space = problem.data.shape[2:]
        if len(space) != 2 or prod(space) <= 4 * prod(PART):
            return None
        piece = middle(problem, PART)
        return piece, prod(space) / prod(piece.data.shape[2:])

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        return (Classic(_mean), Flat()), (Classic(_mean), Pixels())


def _mean(noisy: Tensor, deviation: Tensor) -> Tensor:
    return box(noisy, 1)


OBJECTIVE = Classic
