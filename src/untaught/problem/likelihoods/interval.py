"""Measurements that were rounded."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.problem.likelihoods._base import Likelihood


@dataclass(frozen=True)
class Interval(Likelihood):
    """The measurements were rounded: any prediction within `half` of the data fits, one outside by its squared distance.

    half: in the unit of the data; 1/2 where they are counted in quantisation steps. pull: what a squared distance from the
    middle costs everywhere; a little keeps the prediction from resting at the edge, where the truth seldom is.
    At the truth of a rounded measurement only the pull is paid, which has the mean pull * half^2 / 3 where errors are uniform.
    """

    half: float = 0.5
    pull: float = 0.0
    exact = True

    def __post_init__(self) -> None:
        if not 0 < self.half < float("inf") or not 0 <= self.pull < float("inf"):
            raise BadInput(f"Interval({self.half}, {self.pull}) is no interval: half must be above 0, pull 0 or more.")

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        apart = (prediction - data).abs()
        return (apart - self.half).clamp_min(0).square() + self.pull * apart.square()

    def agrees(self, prediction: Tensor, data: Tensor) -> Tensor | None:
        return (prediction - data).abs() <= 1.01 * self.half  # a hundredth, for what is computed in floats

    def draw(self, like: Tensor, rng: torch.Generator) -> Tensor:
        """Uniform errors: those of rounding, where steps are fine beside what is measured."""
        uniform = torch.rand(like.shape, generator=rng, device=rng.device, dtype=torch.float32)
        return (2 * self.half * (uniform - 0.5)).to(like)

    def deviation(self, like: Tensor) -> Tensor:
        return torch.full((), self.half / 3**0.5, device=like.device)

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float | None:
        return self.pull * self.half**2 / 3 if self.pull else None

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return Interval(0.1), Interval(0.1, 0.5), Interval(0.5, 0.01)
