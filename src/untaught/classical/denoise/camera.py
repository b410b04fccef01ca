"""Filter filters for noise as cameras have it: of a JPEG, shared by neighbours and coarser in colour; and as it is counted."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.classical.denoise.nl_ridge import NonLocalRidge, Pass, Tiled
from untaught.classical.denoise.nlm import NonLocalMeans, double, halve


@dataclass(frozen=True)
class Camera:
    """Non-local means as the pilot of a ridge, twice; then the ridge once more at half the resolution, where noise that
    neighbours share still is; the mean of that and of the first pilot. Colour is that of stronger means.

    strength, low: of the ridge, in units of the measured deviation, at full and at half the resolution. means: the pilot.
    colour: the filter whose colour is taken, which an eye would find too smooth in brightness.
    """

    means: NonLocalMeans = NonLocalMeans(3.0, coarse=1.2)
    colour: NonLocalMeans = NonLocalMeans(6.0, coarse=3.0)
    ridge: NonLocalRidge = NonLocalRidge(again=(Pass(5, 64, stride=4),))
    strength: float = 4.5
    low: float = 3.0

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a picture (1, c, *space); `deviation` of its noise broadcasts against it."""
        deviation = deviation.expand_as(noisy)
        first = self.means(noisy, deviation)
        if noisy.ndim != 4 or min(noisy.shape[2:]) < 32:
            return first
        pilot = (first + self.ridge.refine(noisy, self.strength * deviation, first)) / 2
        x = self.ridge.refine(noisy, self.strength * deviation, pilot)
        small = halve(x)
        smooth = self.ridge.refine(halve(noisy), self.low * halve(deviation), small)
        x = (first + x + double(smooth - small, x.shape[2:])) / 2
        return x if noisy.shape[1] == 1 else recoloured(x, self.colour(noisy, deviation))


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


def recoloured(x: Tensor, colour: Tensor) -> Tensor:
    """Brightness, the mean of the channels, of x; what the channels differ by of the other."""
    return colour + torch.mean(x - colour, 1, keepdim=True)
