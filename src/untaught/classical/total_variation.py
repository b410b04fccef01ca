"""Total variation in the place of R: piecewise flat pictures (Rudin, Osher and Fatemi 1992), without smoothing its corner.

As a term of the energy of a network it is `regularisers.TV`.

By the alternating direction method of multipliers (split Bregman: Goldstein and Osher, SIIMS 2009).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.classical import Estimated, Estimator, counted, precision, refuse_unless_weighable, trusted
from untaught.core.linear_algebra import conjugate_gradients
from untaught.problem import Problem
from untaught.problem.regularisers import Spacing, apart, differences

AGAIN = 10
"""Rounds after which the noise is taken anew from the picture."""


@dataclass(frozen=True)
class TotalVariation(Estimator):
    """argmin_x sum |A x - y|^2 / (2 sigma^2) + weight * sum |grad x|, isotropic, and joint over the channels.

    strength: the weight is this times the root of the data's precision, the mean diagonal of A^T A / sigma^2: of a noisy picture,
    strength / sigma. rounds: of the method, with `iterations` of conjugate gradients each. Pictures have a contrast of about 1.
    Noise that changes with brightness is that of A x, of every `AGAIN`-th round: weighted squares that agree with it have the
    gradient of counts' own likelihood. Counted light is not negative.
    Needs a linear operator and the noise of the data. spacing: how far samples lie apart along each axis of space, in any unit.
    """

    strength: float = 1.0
    rounds: int = 60
    iterations: int = 5
    spacing: Spacing = ()

    weighs = True

    def check(self, problem: Problem) -> None:
        refuse_unless_weighable(self, problem)

    @property
    def steps(self) -> int:
        return self.rounds

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        a, trust = problem.operator, trusted(problem)
        weight = self.strength * max(precision(problem, trust), 1e-30) ** 0.5
        rho = 20 * weight  # the two halves agree soonest where a jump is a twentieth of the contrast
        right = a.adjoint(trust * problem.data)
        x = torch.zeros_like(right) if problem.start is None else problem.start
        z = u = [torch.zeros_like(x) for _ in x.shape[2:]]
        light = counted(problem)
        above, under = x.clamp_min(0), torch.zeros_like(x)  # of the split x >= 0

        def normal(p: Tensor) -> Tensor:
            found = a.adjoint(trust * a(p)) + rho * _transposed(differences(p, self.spacing), self.spacing)
            return found + rho * p if light else found

        for k in range(self.rounds):
            if k and k % AGAIN == 0 and not problem.likelihood.white:
                trust = trusted(problem, x)
                right = a.adjoint(trust * problem.data)
            b = right + rho * _transposed([v - w for v, w in zip(z, u, strict=True)], self.spacing)
            b = b + rho * (above - under) if light else b
            x = conjugate_gradients(normal, b, x, self.iterations)
            moved = [d + w for d, w in zip(differences(x, self.spacing), u, strict=True)]
            size = torch.stack([m.square().sum(1, keepdim=True) for m in moved]).sum(0).sqrt()
            kept = (1 - weight / rho / size.clamp_min(1e-30)).clamp_min(0)
            z = [kept * m for m in moved]
            u = [m - v for m, v in zip(moved, z, strict=True)]
            above = (x + under).clamp_min(0)
            under = under + x - above
            yield Estimated(x.clamp_min(0) if light else x)

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        return (TotalVariation(rounds=3),)


def _transposed(parts: list[Tensor], spacing: Spacing = ()) -> Tensor:
    """The adjoint of `differences`."""
    parts = [p / s for p, s in zip(parts, apart(spacing, len(parts)), strict=True)] if spacing else parts
    total = torch.zeros_like(parts[0])
    for d, part in enumerate(parts, start=2):
        inner = part.narrow(d, 0, part.shape[d] - 1)
        total.narrow(d, 0, part.shape[d] - 1).sub_(inner)
        total.narrow(d, 1, part.shape[d] - 1).add_(inner)
    return total
