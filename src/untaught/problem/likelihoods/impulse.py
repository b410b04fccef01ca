"""Some measurements are worthless: dead and hot pixels, lost bits, salt and pepper."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi, sqrt

import torch
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.problem.likelihoods._base import Likelihood


@dataclass(frozen=True)
class Impulse(Likelihood):
    """A measurement is y = x + n, n ~ N(0, sigma^2), or, with probability `share`, anything within `span`: a mixture.

    e = -log((1 - p) exp(-r^2 / 2 sigma^2) + p q) + log(1 - p + p q), q = sqrt(2 pi) sigma / span the height of the uniform
    part beside the normal one's. It is r^2 / (2 sigma^2) for small residuals and flat for large ones, where a measurement
    says nothing (the shape that Welsch's function has, with its bound given by the noise; Blake and Zisserman 1987). In the
    mean it is least at the truth where that is a few sigma away from what impulses prefer (black, white): they pull nowhere.
    It is not convex: start from something near, as a network's picture is.
    """

    share: float = 0.1
    sigma: float = 0.02
    span: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise BadInput(
                f"share = {self.share} is no share of worthless measurements: give a number between 0 and 1."
            )
        if not 0 < self.sigma < float("inf") or not 0 < self.span < float("inf"):
            raise BadInput(
                f"sigma = {self.sigma}, span = {self.span}: give the noise of the sound measurements and the range of the "
                "others, both above 0."
            )

    def pointwise(self, prediction: Tensor, data: Tensor) -> Tensor:
        square = ((prediction - data) / self.sigma).square() / 2
        return log(1 + self._odds) - torch.logaddexp(-square, torch.full_like(square, log(self._odds)))

    @property
    def _odds(self) -> float:
        """p q / (1 - p): how likely an impulse is, beside a sound measurement without an error."""
        return self.share * sqrt(2 * pi) * self.sigma / self.span / (1 - self.share)

    def floor(self, data: Tensor, weight: Tensor | None = None) -> float | None:
        """The mean energy over the mixture itself, with impulses evenly about the truth; by a sum over a fine grid."""
        zero, t = torch.zeros(4001, dtype=torch.float64), torch.linspace(-1, 1, 4001, dtype=torch.float64)
        normal = torch.exp(-(8 * t).square() / 2)
        sound = (self.pointwise(zero, 8 * self.sigma * t) * normal).sum() / normal.sum()
        worthless = self.pointwise(zero, self.span / 2 * t).mean()
        return float((1 - self.share) * sound + self.share * worthless)

    def deviation(self, like: Tensor) -> Tensor:
        """That of the sound measurements."""
        return torch.full((), self.sigma, device=like.device)

    @classmethod
    def examples(cls) -> tuple[Likelihood, ...]:
        return Impulse(), Impulse(0.3, 0.05)
