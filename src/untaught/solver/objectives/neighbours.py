"""Two halves of the noisy picture predict each other, and agree with what the network makes of the whole.

Mansour and Heckel, "Zero-Shot Noise2Noise: Efficient Image Denoising without any Data", CVPR 2023, equations 4 to 6: sigma is
not needed, but noise must be independent from pixel to pixel.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.prior import Network, Prior
from untaught.prior.codes import Fed
from untaught.problem import Problem
from untaught.solver.iterate import Step
from untaught.solver.objectives._base import Model, Objective, averaged, refuse_unless_fed, refuse_unless_identity


@dataclass(frozen=True)
class Neighbours(Objective):
    """1/2 sum_i |f(D_i y) - D_j y|^2 + 1/2 sum_i |f(D_i y) - D_i f(y)|^2, means over pixels; D_1, D_2: see `halves`.

    The whole picture is fed at every step.
    """

    draws = False

    def bind(self, problem: Problem, prior: Prior) -> Neighbours:
        refuse_unless_identity(self, problem)
        refuse_unless_fed(self, problem, prior, problem.data.shape[1])
        if problem.weight is not None:
            raise BadInput("Neighbours needs every pixel: use Split where some are unknown.")
        return self

    def step(self, model: Model, problem: Problem, rng: Rng) -> Step:
        y = problem.data
        one, two = halves(y)
        first, second = model(one), model(two)
        whole = halves(model(y))
        fit = ((first - two).square().mean() + (second - one).square().mean()) / 2
        agree = ((first - whole[0]).square().mean() + (second - whole[1]).square().mean()) / 2
        return Step(fit + agree + problem.regulariser(first), fit.detach(), None)

    def picture(self, model: Model, problem: Problem, rng: Rng, passes: int = 1) -> Tensor:
        return averaged([problem.data] * passes, model)

    @classmethod
    def examples(cls) -> tuple[tuple[Objective, Prior], ...]:
        from untaught.prior.networks.plain import Plain

        return ((Neighbours(), Network(Plain(4), Fed(1), output="linear", residual=1.0)),)


def halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """Of every block of 2 pixels a side, the mean of those whose coordinates sum up to even, and to odd: in a picture the two
    diagonals. An odd last row or column is left out, a side of one pixel is not halved, and one pixel is both its halves."""
    parts: tuple[list[Tensor], list[Tensor]] = ([], [])
    space = x.shape[2:]
    for corner in itertools.product(*((0, 1) if n > 1 else (0,) for n in space)):
        cut = [slice(c, n - n % 2 if n > 1 else 1, 2) for c, n in zip(corner, space, strict=True)]
        parts[sum(corner) % 2].append(x[(slice(None), slice(None), *cut)])
    even, odd = (torch.stack(p).mean(0) if p else x for p in parts)
    return even, odd


OBJECTIVE = Neighbours
