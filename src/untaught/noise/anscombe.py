"""Noise that changes with brightness, made even: a transform of the data, and the way back for what is restored.

What is restored stands for the mean of the transformed data, and the transform of a mean is not the mean of the transform:
the inverse is the exact unbiased one, of E[f(y)] to E[y], and not the algebraic one (Makitalo and Foi, "Optimal inversion of the
Anscombe transformation in low-count Poisson image denoising", 2011, and "... generalized Anscombe transformation for
Poisson-Gaussian noise", 2013).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import log, sqrt

import torch
from torch import Tensor

from untaught.problem.likelihoods import ClippedGaussian, Gaussian, Likelihood


class Stabiliser(ABC):
    """deviation: of the transformed noise, the same everywhere. below: whether noise goes below the value of no light."""

    deviation: float
    below: bool

    @abstractmethod
    def forward(self, y: Tensor) -> Tensor:
        """The data, with noise of one deviation."""

    @abstractmethod
    def inverse(self, mean: Tensor) -> Tensor:
        """E[y] where E[forward(y)] is `mean`."""


@dataclass(frozen=True)
class Anscombe(Stabiliser):
    """Counts at `gain` a unit, read with normal noise of deviation sigma: 2 sqrt(k + 3/8 + s^2), s = sigma gain.

    Below half of what no light gives it goes on along its tangent: a root falls ever more steeply, and noise of reading would leave
    single dark pixels, which no filter takes for noise. At no light and little above, the mean and the deviation are nearer to what
    they are to be than with values cut off at 0.
    The inverse is the closed form of 2013, I(D) - s^2 with I the one of 2011.
    """

    gain: float
    sigma: float = 0.0
    dark: float = 0.0

    @property
    def deviation(self) -> float:  # type: ignore[override]
        return 1.0

    @property
    def below(self) -> bool:  # type: ignore[override]
        return self.sigma > 0

    def forward(self, y: Tensor) -> Tensor:
        least = 3 / 8 + (self.sigma * self.gain) ** 2
        k, bend = self.gain * (y - self.dark) + least, least / 2
        return 2 * k.clamp_min(bend).sqrt() + (k - bend).clamp_max(0) / bend**0.5

    def inverse(self, mean: Tensor) -> Tensor:
        d = mean.clamp_min(2 * sqrt(3 / 8))
        root = sqrt(3 / 2)
        counts = d**2 / 4 + root / 4 / d - 11 / 8 / d**2 + 5 / 8 * root / d**3 - 1 / 8
        return (counts - (self.sigma * self.gain) ** 2).clamp_min(0) / self.gain + self.dark


@dataclass(frozen=True)
class Logarithm(Stabiliser):
    """Speckle of L looks: log y has the deviation sqrt(psi'(L)) and the mean log x + psi(L) - log L, whatever x is.

    Values are taken at `least` or more: no intensity is 0, but files hold whole numbers.
    """

    looks: float
    least: float = 0.5 / 255
    below = True

    @property
    def deviation(self) -> float:  # type: ignore[override]
        return float(torch.special.polygamma(1, torch.tensor(float(self.looks), dtype=torch.float64)).sqrt())

    def forward(self, y: Tensor) -> Tensor:
        return y.clamp_min(self.least).log()

    def inverse(self, mean: Tensor) -> Tensor:
        shift = log(self.looks) - float(torch.digamma(torch.tensor(float(self.looks), dtype=torch.float64)))
        return (mean + shift).exp()


def stabiliser(likelihood: Likelihood) -> Stabiliser | None:
    """The transform that makes noise of this kind even; None where it is even, or nothing is known."""
    if likelihood.counts is not None:
        return Anscombe(*likelihood.counts)
    return None if likelihood.looks is None else Logarithm(likelihood.looks)


def stabilised(data: Tensor, transform: Stabiliser, *, clipped: bool) -> tuple[Tensor, Gaussian, tuple[float, float]]:
    """(the transformed data in [0, 1], their noise, (offset, factor) that undo the [0, 1]).

    clipped: the data were cut off at 1, and at 0 where the noise goes below.
    """
    t = transform.forward(data)
    if not clipped:
        low, high = float(t.min()), float(t.max())
    else:
        low, high = (float(v) for v in transform.forward(torch.tensor([0.0, 1.0])))
        # Where noise never goes below black, nothing was cut off there: black is put where no noise would reach 0.
        low = low if transform.below else low - 6 * transform.deviation
    span = max(high - low, 1e-6)
    law = ClippedGaussian if clipped else Gaussian
    return (t - low) / span, law(transform.deviation / span), (low, span)
