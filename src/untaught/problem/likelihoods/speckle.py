"""Multiplicative noise, as coherent light, radar and ultrasound have it."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

from untaught.core.amounts import percent
from untaught.core.errors import BadInput
from untaught.problem.likelihoods._base import Levels, Likelihood


@dataclass(frozen=True)
class Speckle(Likelihood):
    """y = x g, g ~ Gamma(L, 1 / L) of mean 1: the mean of L looks at an intensity (Aubert and Aujol 2008, equation 2.3).

    looks: L, any number above 0; the deviation is x / sqrt(L). e = L (y / x - 1 - log(y / x)), 0 at x = y, whose gradient
    L (x - y) / x^2 is linear in y: least at the truth in the mean. floor = L (log L - psi(L)), exact at any L, close to 1/2.
    Predictions and data are taken at `least` or more: an intensity is above 0.
    """

    looks: float = 10.0
    least: float = 1e-3

    def __post_init__(self) -> None:
        if not 0 < self.looks < float("inf") or not 0 < self.least < float("inf"):
            raise BadInput(
                f"looks = {self.looks}, least = {self.least} make no speckle: give looks = (mean / deviation)^2 of a flat "
                "part, and a least intensity, both above 0."
            )

    def told(self, levels: Levels) -> str:
        share = percent(self.looks**-0.5)
        return f"noise: speckle, the deviation is {share} of the brightness (looks = {self.looks:.3g})"

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        ratio = data.clamp_min(self.least) / prediction.clamp_min(self.least)
        # Below `least` the clamp would stop the gradient: the last term keeps pulling the prediction up.
        below = (1 - prediction / self.least).clamp_min(0)
        return self.looks * (ratio - 1 - ratio.log() + below.square())

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float | None:
        return self.looks * (log(self.looks) - float(torch.digamma(torch.tensor(self.looks, dtype=torch.float64))))

    def deviation(self, like: Tensor) -> Tensor:
        return like.clamp_min(self.least) / self.looks**0.5

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return Speckle(), Speckle(1.0), Speckle(4)
