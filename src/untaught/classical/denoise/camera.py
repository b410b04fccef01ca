"""Filters for noise as cameras have it: of a JPEG, shared by neighbours and coarser in colour; and as it is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.classical import Estimated, Estimator, refuse_unless_identity
from untaught.classical.denoise.nl_bayes import NonLocalBayes
from untaught.classical.denoise.nl_ridge import NonLocalRidge, Tiled
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.core.geometry import box
from untaught.noise.spectrum import interpolated
from untaught.problem import Problem

LOST = 0.9, 1.8
"""What the means took away, in units of the noise's power, from which on it is thought to be picture, and for sure."""
BACK = 0.8  # how much of what is thought to be picture the gentle means give back
BINS = 24
MIDDLE = 0.35, 0.65
SKEW = 0.75
BLACK = 0.002  # share of a colour picture's values that are black, from which on noise is thought to be cut off there


@dataclass(frozen=True)
class Camera(Estimator):
    """Strong non-local means, and non-local Bayes, which knows what neighbours and channels share of the noise.

    The means are better where there is no texture, and take it away where there is. Where no more is gone than noise has, the
    result is the mean of them, of Bayes with them as its pilot, and with what both have found; elsewhere it is that of Bayes
    alone. Its colour is nearer to that of the means. Last, it is moved to the middle of the values (`skewed`).
    """

    means: NonLocalMeans = NonLocalMeans(3.0, coarse=1.2, strip=64)
    bayes: NonLocalBayes = NonLocalBayes()

    def check(self, problem: Problem) -> None:
        refuse_unless_identity(self, problem)

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        y, likelihood = problem.data, problem.likelihood
        yield Estimated(likelihood.unbias(self.filtered(y, likelihood.deviation(box(y, 2)), likelihood.kernel)))

    def filtered(self, y: Tensor, deviation: Tensor, kernel: Tensor | None = None) -> Tensor:
        """The estimate of a picture (1, c, *space); `deviation` of its noise broadcasts against it, kernel "c c k k" says what
        neighbours and channels share of it."""
        deviation = deviation.expand_as(y)
        smooth = self.means(y, deviation)
        sharp = self.bayes(y, deviation, kernel)
        if sharp is None:
            return smooth
        smoother = self.bayes.refine(y, deviation, kernel, smooth)
        both = self.bayes.refine(y, deviation, kernel, (smooth + sharp) / 2)
        picture = lost(y, smooth, self.bayes.strength * deviation)
        quiet = _coloured((smooth + smoother + both) / 3, smooth)
        return torch.lerp(quiet, _coloured(sharp, (sharp + smooth) / 2), picture) + skewed(y, smoother)

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        return (Camera(),)


@dataclass(frozen=True)
class Gentle:
    """Strong non-local means, which give back what they took where that is more than noise has."""

    means: NonLocalMeans = NonLocalMeans(3.0, coarse=1.2, strip=64)
    strength: float = 1.4

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a picture (1, c, *space); `deviation` of its noise broadcasts against it."""
        smooth = self.means(noisy, deviation)
        return torch.lerp(smooth, noisy, BACK * lost(noisy, smooth, self.strength * deviation.expand_as(noisy)))


def lost(y: Tensor, x: Tensor, deviation: Tensor) -> Tensor:
    """From 0 to 1, (1, 1, *space): whether what an estimate x has taken from y hereabouts is more than noise of that deviation."""
    power = deviation.square().mean(1, keepdim=True).clamp_min(1e-12)
    gone = box((y - x).square(), 5).mean(1, keepdim=True) / power
    low, high = LOST
    return box(((gone - low) / (high - low)).clamp(0, 1), 3)


def _coloured(x: Tensor, colour: Tensor) -> Tensor:
    """Brightness, the mean of the channels, of x; what the channels differ by of the other: noise is blotchier in colour."""
    return colour + (x - colour).mean(1, keepdim=True)


def skewed(y: Tensor, x: Tensor) -> Tensor:
    """How far the middle of the values y is from an estimate x of their mean, at each brightness, by channel; SKEW of it.

    A camera's noise that was cut off at black before the tone curve is skewed: its mean is another brightness than the
    picture's, its middle much less so (docs/benchmarks). Counts are skewed, too, and their mean is right. The middle: the mean
    between two quantiles.
    """
    cut = x.shape[1] >= 3 and float((y <= 0).float().mean()) > BLACK
    if not cut or x[0, 0].numel() < 4 * BINS**2:
        return torch.zeros_like(x)
    found = torch.empty_like(x)
    for by, channel, noisy in zip(found[0], x[0], y[0], strict=True):
        level, rest = channel.flatten(), (noisy - channel).flatten()
        order = level.argsort().chunk(BINS)
        parts = [rest[some].sort().values for some in order]
        low, high = MIDDLE
        middles = torch.stack([part[int(low * len(part)) : int(high * len(part))].mean() for part in parts])
        knots = torch.stack([level[some].mean() for some in order])
        by.copy_(SKEW * interpolated(channel.contiguous(), knots, middles))
    return found


@dataclass(frozen=True)
class Counted:
    """For noise that changes with brightness, and that neighbours do not share: the mean of non-local means and a ridge.

    The two err in different places: on nine micrographs this was 0.8 dB better than the means alone in the mean, and 0.04 dB worse
    on one at most (docs/benchmarks). strength: of the ridge, in units of the measured deviation.
    """

    means: NonLocalMeans = NonLocalMeans(1.2)
    ridge: NonLocalRidge | Tiled = NonLocalRidge()
    strength: float = 1.2

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a picture (1, c, *space); `deviation` of its noise broadcasts against it."""
        return (self.means(noisy, deviation) + self.ridge(noisy, self.strength * deviation)) / 2
