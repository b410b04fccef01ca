"""Filters for noise as cameras have it: of a JPEG, shared by neighbours and coarser in colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from untaught.classical import Estimated, Estimator, refuse_unless_identity
from untaught.classical.denoise.lichi import QUICK, SIDE, LIChI
from untaught.classical.denoise.nl_bayes import NonLocalBayes
from untaught.classical.denoise.nl_ridge import Tiled
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.core.allocator import give_back
from untaught.core.geometry import box, double, halve
from untaught.core.interpolation import interpolated
from untaught.noise.spectrum import halved
from untaught.problem import Problem

SURE, TAKEN, LITTLE = 1.1, 2 / 255, 1.3
"""What a filter goes by, for a measured deviation d: SURE d, and TAKEN, which a JPEG took of it in the flat parts that it was
measured on, but LITTLE d at most. Best of 22 pictures were 0.8 to 3.2 d, the larger the quieter (docs/benchmarks)."""
LOST = 0.9, 1.8
"""What the means took away, in units of the noise's power, from which on it is thought to be picture, and for sure."""
GENTLE = replace(QUICK, rounds=3, last=1.0)  # grain measured where there is texture is less than it seems
BACK = 0.8  # how much of what is thought to be picture the means alone give back
FINE = 0.1  # correlation of neighbouring pixels' brightness up to which the grain is fine, whatever the colours do
SMALL, BLOTCHES = 64, 8 / 255
"""Side of a picture, and deviation of its colours at half the resolution, from which on it is cleaned there."""
BINS, SAMPLE = 24, 1 << 20  # classes of brightness, and about the most pixels that are sorted into them
MIDDLE = 0.35, 0.65  # quantiles between which values are no outliers of their class
SKEW, SMOOTHEST = 0.75, 2.4  # of the middle, how much; strength of the means that say the brightness
BLACK = 0.002  # share of a colour picture's values that are black, from which on noise is thought to be cut off there


@dataclass(frozen=True)
class Camera(Estimator):
    """Non-local means, and non-local Bayes, which knows what neighbours and channels share of the noise: the mean of Bayes, of
    Bayes with the means as its pilot, and with what both have found.

    Its colour has the means in the place of Bayes, which leaves blotches. Where only the colours share their noise with neighbours,
    the brightness is found by `fine`; where their blotches are large, they are cleaned once more at half the resolution. Last,
    skewed noise is moved to the middle of the values (`skewed`).

    bayes: None leaves it out; the means then give back what they took where that is more than noise has.
    fine, large: filters for white noise, of pictures up to and above SIDE x SIDE.
    """

    means: NonLocalMeans = NonLocalMeans(1.0, coarse=0.4, strip=64)
    bayes: NonLocalBayes | None = NonLocalBayes()
    fine: LIChI = GENTLE
    large: Tiled = Tiled()

    def check(self, problem: Problem) -> None:
        refuse_unless_identity(self, problem)

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        y, likelihood = problem.data, problem.likelihood
        yield Estimated(likelihood.unbias(self.filtered(y, likelihood.deviation(box(y, 2)), likelihood.kernel)))

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a picture (1, c, *space) whose channels and neighbours are not known to share the noise."""
        return self.filtered(noisy, deviation)

    def filtered(self, y: Tensor, deviation: Tensor, kernel: Tensor | None = None) -> Tensor:
        """The estimate of a picture (1, c, *space); `deviation` of its noise broadcasts against it, kernel "c c k k" says what
        neighbours and channels share of it."""
        measured = deviation.expand_as(y)
        deviation = SURE * measured + (LITTLE * measured).clamp(max=TAKEN)
        estimate, colour = self._by_both(y, deviation, kernel)
        give_back(y.numel())
        grain = _fine(measured, kernel)
        if grain is not None:
            white = self.fine if y[0, 0].numel() <= SIDE**2 else self.large
            estimate = _coloured(white(y.mean(1, keepdim=True), grain).expand_as(y), colour)
        del colour, grain  # a large picture's maps fill the memory
        coarser = self._coarser(y, estimate, measured, kernel)
        estimate = estimate if coarser is None else estimate + coarser
        del coarser, measured
        give_back(y.numel())
        if not _cut_off(y):
            return estimate
        once = self.means
        smoothest = replace(once, strength=SMOOTHEST * once.strength, coarse=SMOOTHEST * once.coarse)
        return estimate + skewed(y, estimate, box(smoothest(y, deviation), 2))

    def _by_both(self, y: Tensor, deviation: Tensor, kernel: Tensor | None) -> tuple[Tensor, Tensor]:
        """The estimate by means and Bayes, and the one whose colour is taken."""
        smooth = self.means(y, deviation)
        sharp = None if self.bayes is None else self.bayes(y, deviation, kernel)
        if sharp is None or self.bayes is None:
            colour = torch.lerp(smooth, y, BACK * lost(y, smooth, deviation))
            return colour, colour
        smoother = self.bayes.refine(y, deviation, kernel, smooth)
        both = self.bayes.refine(y, deviation, kernel, (smooth + sharp) / 2)
        colour = (smooth + smoother + both) / 3
        return _coloured((sharp + smoother + both) / 3, colour) if y.shape[1] > 1 else colour, colour

    def _coarser(self, y: Tensor, x: Tensor, deviation: Tensor, kernel: Tensor | None) -> Tensor | None:
        """What the colours of an estimate x gain by the same filter at half the resolution, where there are loud blotches still."""
        if kernel is None or y.shape[1] < 3 or min(y.shape[2:]) < SMALL:
            return None
        wide, ratio = halved(kernel.to(y))
        spread = halve(deviation) * ratio.view(1, -1, 1, 1)
        noise = _level(spread)[:, None, None, None] * wide
        if float((noise - noise.mean(0)).square().sum().sqrt()) < BLOTCHES:
            return None
        better = self.filtered(halve(y), spread, wide) - halve(x)
        return double(better - better.mean(1, keepdim=True), y.shape[2:])

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        return (Camera(), Camera(bayes=None))


def _level(deviation: Tensor) -> Tensor:
    """Of each channel of (1, c, *space), root mean square, "c"."""
    return deviation.square().mean((0, *range(2, deviation.ndim))).sqrt()


def _fine(deviation: Tensor, kernel: Tensor | None) -> Tensor | None:
    """The deviation (1, 1, *space) of the brightness of colour pictures, where neighbouring pixels do not share it; else None."""
    if kernel is None or deviation.shape[1] < 3:
        return None
    level = _level(deviation)
    grey = (level[:, None, None, None] * kernel.to(deviation)).mean(0)
    power = grey.square().sum().clamp_min(1e-20)
    shared = max(float((grey[:, 1:] * grey[:, :-1]).sum()), float((grey[..., 1:] * grey[..., :-1]).sum()))
    growth = (deviation / level.view(1, -1, *[1] * (deviation.ndim - 2)).clamp_min(1e-12)).mean(1, keepdim=True)
    return None if shared > FINE * float(power) else power.sqrt() * growth


def lost(y: Tensor, x: Tensor, deviation: Tensor) -> Tensor:
    """From 0 to 1, (1, 1, *space): whether what an estimate x has taken from y hereabouts is more than noise of that deviation."""
    power = deviation.square().mean(1, keepdim=True).clamp_min(1e-12)
    gone = box((y - x).square(), 5).mean(1, keepdim=True) / power
    low, high = LOST
    return box(((gone - low) / (high - low)).clamp(0, 1), 3)


def _coloured(x: Tensor, colour: Tensor) -> Tensor:
    """Brightness, the mean of the channels, of x; what the channels differ by of the other: noise is blotchier in colour."""
    return colour + (x - colour).mean(1, keepdim=True)


def _cut_off(y: Tensor) -> bool:
    """Whether the noise of a colour picture was cut off at black, so that it is skewed."""
    return y.shape[1] >= 3 and float((y <= 0).float().mean()) > BLACK and y[0, 0].numel() >= 4 * BINS**2


def skewed(y: Tensor, x: Tensor, level: Tensor) -> Tensor:
    """How far the middle of the values y is from an estimate x of their mean, at each brightness, by channel; SKEW of it.

    A camera's noise that was cut off at black before the tone curve is skewed: its mean is another brightness than the
    picture's, its middle much less so (docs/benchmarks). Counts are skewed, too, and their mean is right. The middle: the mean
    between two quantiles. level: the brightness, free of noise, or the values that are sorted by it go with it.
    """
    if not _cut_off(y):
        return torch.zeros_like(x)
    found = torch.empty_like(x)
    for by, bright, estimate, noisy in zip(found[0], level[0], x[0], y[0], strict=True):
        step = 1 + bright.numel() // SAMPLE
        place, rest = bright.flatten()[::step], (noisy - estimate).flatten()[::step]
        order = place.argsort().chunk(BINS)
        parts = [rest[some].sort().values for some in order]
        low, high = MIDDLE
        middles = torch.stack([part[int(low * len(part)) : int(high * len(part))].mean() for part in parts])
        knots = torch.stack([place[some].mean() for some in order])
        by.copy_(SKEW * interpolated(bright.contiguous(), knots, middles))
    return found
