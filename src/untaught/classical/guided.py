"""A picture after another one: near every pixel, a linear function of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from untaught.classical import Estimated, Estimator, refuse_unless_identity
from untaught.core.errors import BadInput
from untaught.core.geometry import box, over
from untaught.problem import Problem

TILE = 1024  # side of the parts of a large picture, so that products of channels do not fill the memory
RIDGE, LEAST = 0.1, 1e-6
"""What steep slopes cost, of the noise's variance and at the least: no more than keeps the equations from being singular."""


@dataclass(frozen=True, eq=False)
class GuidedFilter(Estimator):
    """x = a guide + b with a and b by least squares in every square about a pixel, and their mean over these squares (He, Sun and
    Tang, PAMI 2013, equations 11 to 15, with every channel of the guide).

    guide: (1, c, *space) of the size of the data, in about [0, 1]; None for the data themselves.
    """

    guide: Tensor | None = None
    radius: int = 6

    def check(self, problem: Problem) -> None:
        refuse_unless_identity(self, problem)
        if self.guide is not None and self.guide.shape[2:] != problem.data.shape[2:]:
            own, data = (tuple(t.shape[2:]) for t in (self.guide, problem.data))
            raise BadInput(f"The guide is {own}, and the data {data}: resize the guide to the data.")

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        y = problem.data
        guide = y if self.guide is None else self.guide.to(y)
        ridge = max(LEAST, RIDGE * problem.likelihood.level**2)

        def tile(seen: tuple[Any, ...], i: int) -> Tensor:
            return self._fitted(y[seen], guide[seen], ridge)

        yield Estimated(over(y.shape[2:], TILE, 2 * self.radius, tile))

    def _fitted(self, y: Tensor, guide: Tensor, ridge: float) -> Tensor:
        r, count = self.radius, guide.shape[1]
        means, mean = box(guide, r), box(y, r)

        def shared(other: Tensor, others: Tensor) -> Tensor:
            """The covariance of every channel of the guide with those of another picture, (*space, channels, channels)."""
            rows = [box(guide[:, i : i + 1] * other, r) - means[:, i : i + 1] * others for i in range(count)]
            return torch.stack(rows, 1)[0].movedim((0, 1), (-2, -1))

        alone = torch.eye(count, dtype=y.dtype, device=y.device)
        slopes = torch.linalg.solve(shared(guide, means) + ridge * alone, shared(y, mean))
        slopes = slopes.movedim((-2, -1), (0, 1))
        offset = mean - (slopes * means.movedim(1, 0)).sum(0)
        return (box(slopes, r) * guide.movedim(1, 0)).sum(0) + box(offset, r)

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        return (GuidedFilter(radius=2),)
