"""How noise changes with brightness: which law, and its parameters, from one picture.

`curve` reads brightness and variance off the flattest patches, as `spectrum` does; `fit` finds the law of variance whose
curve comes nearest to them (Foi et al., "Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data",
2008). What was cut off at black and white is part of the law: the moments of censored normal variables say which mean and
variance a brightness then has, so that clipped patches are evidence, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.noise.neighbours import flattest
from untaught.noise.spectrum import EDGES, PATCH, WHITE, periodogram, sample
from untaught.problem.likelihoods.gaussian import clipped_moments

CLASSES = 16
LOWER = 0.35  # the quantile of the classes that the law goes through: structure only ever adds
GRID = 33
LEAST = 3 / 255  # deviation of a class below which it says nothing: that of rounding, or of black
# By the power of brightness, how many times as bright as the darkest class the brightest has to be.
WIDE = {
    1: 3.0,
    2: 2.0,
}
# How far classes may be from a law, a logarithm of the deviation; and over that of even noise.
CLOSELY, NEARER = 0.12, 0.35


@dataclass(frozen=True)
class Law:
    """Variance a x + b + c x^2 of a brightness x; `loss`: how far the curve is from it, a mean of logarithms."""

    a: float
    b: float
    c: float
    loss: float

    def variance(self, x: Tensor) -> Tensor:
        return self.a * x + self.b + self.c * x * x


def curve(picture: Tensor, members: int = 60) -> tuple[Tensor, Tensor]:
    """(brightness, variance) of the classes of one picture (b, c, h, w) in about [0, 1]; every channel counts by itself.

    members: patches of a class, at the least.
    """
    x = sample(picture.detach().float())
    x = x.reshape(-1, 1, *x.shape[2:])
    side = min(PATCH, *x.shape[2:])
    p = x.unfold(2, side, max(1, side // 2)).unfold(3, side, max(1, side // 2))
    p = p.permute(0, 2, 3, 1, 4, 5).reshape(-1, 1, side, side)
    p = p[p.var((1, 2, 3)) > 1e-10]  # saturated, or drawn
    mean, power = p.mean((1, 2, 3)), periodogram(p).abs().square()[:, 0]
    radius = torch.fft.fftfreq(side).square()
    band = torch.bucketize((radius[:, None] + radius).sqrt() * 16, torch.tensor(EDGES))
    band = torch.unique(band, return_inverse=True)[1]
    bands = torch.stack([power[:, band == k].mean(1) for k in range(int(band.max()) + 1)], 1)
    found = []
    for group in mean.argsort().chunk(max(1, min(CLASSES, len(mean) // members))):
        chosen = [flattest(bands, group, k, 0.05) for k in range(bands.shape[1])[-WHITE:]]
        levels = [bands[i, k].mean() for i, k in zip(chosen, range(bands.shape[1])[-WHITE:], strict=True)]
        found.append((mean[torch.cat(chosen)].mean(), torch.stack(levels).median()))
    brightness, variance = zip(*found, strict=True)
    return torch.stack(brightness), torch.stack(variance)


def fit(brightness: Tensor, variance: Tensor, *, linear: bool, square: bool, constant: bool, clipped: bool) -> Law:
    """The law of those terms that is nearest to the curve; by search over a grid, and once more over a finer one."""
    top = max(1.0, float(brightness.max()))

    def levels(low: float, high: float, wanted: bool) -> Tensor:
        zero = torch.zeros(1, dtype=torch.float64)
        return torch.cat([zero, torch.logspace(math.log10(low), math.log10(high), GRID).double()]) if wanted else zero

    # the term's variance at `top`
    first = [levels(1e-6, 1.0, w) for w in (linear, constant, square)]
    best = _nearest(first, brightness, variance, clipped, top)
    step = 10 ** (6 / (GRID - 1))
    finer = [
        levels(v / step, v * step, w) if v > 0 else torch.zeros(1).double()
        for v, w in zip(best[:3], (linear, constant, square), strict=True)
    ]
    a, b, c, loss = min(best, _nearest(finer, brightness, variance, clipped, top), key=lambda found: found[3])
    return Law(a / top, b, c / top**2, loss)


def proportional(brightness: Tensor, variance: Tensor) -> Law | None:
    """The law of counts, a x, or of speckle, c x^2, that noise in a few classes follows closely over a wide range of brightness;
    None where neither is."""
    some = (variance > LEAST**2) & (brightness > 0)
    x, v = brightness[some], variance[some]
    if len(x) < 2:
        return None
    rest = {power: (v.log() - power * x.log()) / 2 for power in (0, 1, 2)}
    apart = {power: float(r.std(correction=0)) for power, r in rest.items()}
    power = min((1, 2), key=lambda k: apart[k])
    if x.max() < WIDE[power] * x.min() or apart[power] > min(CLOSELY, NEARER * apart[0]):
        return None
    level = float((2 * rest[power]).mean().exp())
    return Law(level * (power == 1), 0.0, level * (power == 2), apart[power])


def _nearest(
    terms: list[Tensor], brightness: Tensor, variance: Tensor, clipped: bool, top: float
) -> tuple[float, float, float, float]:
    a, b, c = (v.flatten() for v in torch.meshgrid(*terms, indexing="ij"))
    some = a + b + c > 0
    a, b, c = a[some], b[some], c[some]
    x = torch.linspace(0, top, 129, dtype=torch.float64)
    v = a[:, None] * x / top + b[:, None] + c[:, None] * (x / top) ** 2
    mean, deviation = x.expand_as(v), v.clamp_min(1e-12).sqrt()
    if clipped:  # counts alone are never below 0
        mean, deviation = clipped_moments(mean, deviation, below=bool(terms[1].any() or terms[2].any()))
    at = brightness.double().expand(len(v), -1).contiguous()
    i = torch.searchsorted(mean.contiguous(), at).clamp(1, len(x) - 1)
    low, high = mean.gather(1, i - 1), mean.gather(1, i)
    t = ((at - low) / (high - low).clamp_min(1e-12)).clamp(0, 1)
    said = torch.lerp(deviation.gather(1, i - 1), deviation.gather(1, i), t)
    apart = variance.double().clamp_min(1e-12).log() - 2 * said.clamp_min(1e-6).log()
    loss = torch.maximum(LOWER * apart, (LOWER - 1) * apart).mean(1)
    k = int(loss.argmin())
    return float(a[k]), float(b[k]), float(c[k]), float(loss[k])
