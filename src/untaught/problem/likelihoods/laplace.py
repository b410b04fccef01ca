"""Noise with heavy tails."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.problem.likelihoods._base import Likelihood


@dataclass(frozen=True)
class Laplace(Likelihood):
    """|r| / scale: heavy tails, a few measurements that are plainly wrong. floor = 1: E|r| = scale."""

    scale: float = 1.0

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        return (prediction - data).abs() / self.scale

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float | None:
        return 1.0 if self.scale != 1.0 else None

    def deviation(self, like: Tensor) -> Tensor:
        return torch.full((), 2**0.5 * self.scale, device=like.device)

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return Laplace(), Laplace(0.1)
