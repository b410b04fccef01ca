"""From how much samples of a picture vary to intervals that hold what they claim: the mathematics, without any run.

Samples differ where a picture is hard to tell, but by less, or more, than the error, which nobody sees. What is seen is how well
the picture predicts measurements that no run had: y - x = noise + error, and the noise is known. One factor on the deviation of
the samples, found there, makes the intervals as wide as they have to be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untaught.core.geometry import box

LEVEL = 0.9
WIDTH = 1.6449
"""Half of the interval that holds 90 % of a normal law, in deviations."""


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """mean, deviation, lower, upper: (1, c, *space) in the units of the problem; the interval is to hold 90 % of the true values.

    raw: the deviation as the samples had it.
    factor: deviation / raw, and error: its relative standard error, by `held` measurements that no run saw.
    """

    mean: Tensor
    raw: Tensor
    factor: float
    error: float
    held: int

    @property
    def deviation(self) -> Tensor:
        return self.factor * self.raw

    @property
    def lower(self) -> Tensor:
        return self.mean - WIDTH * self.deviation

    @property
    def upper(self) -> Tensor:
        return self.mean + WIDTH * self.deviation

    @property
    def note(self) -> str:
        """How far the intervals can be trusted, in a sentence."""
        known = f" (± {100 * self.error:.0f} %)" if self.error >= 0.005 else ""
        return (
            f"The samples' deviation was multiplied by {self.factor:.2f}{known}, by {self.held} values that were held out, "
            "so that the intervals hold 90 % of the true ones."
        )


@dataclass(frozen=True, eq=False)
class Spread:
    """How the pictures of several runs differ.

    count: of the pictures. deviation: between them, (1, c, *space) in their unit. levels: PSNR of every pair, in dB for a peak
    of 1, the worst first. place: the index of the pixel about which they differ most, in space.
    """

    count: int
    deviation: Tensor
    levels: tuple[float, ...]
    place: tuple[int, ...]

    @classmethod
    def of(cls, pictures: Sequence[Tensor]) -> Spread:
        """Of two pictures or more, (1, c, *space) each."""
        made = torch.stack([p.detach() for p in pictures])
        errors = [float((a - b).square().mean()) for a, b in combinations(made, 2)]
        apart = made.std(0)
        rough = box(apart.mean(1, keepdim=True), 8)[0, 0]
        place = torch.unravel_index(rough.argmax(), rough.shape)
        levels = sorted(-10 * math.log10(max(e, 1e-12)) for e in errors)
        return cls(len(made), apart, tuple(levels), tuple(int(i) for i in place))

    @property
    def level(self) -> float:
        """The mean PSNR of a pair, dB."""
        return sum(self.levels) / len(self.levels)

    @property
    def size(self) -> float:
        """The root mean square of the deviation."""
        return float(self.deviation.square().mean().sqrt())

    @property
    def where(self) -> str:
        """row 12, column 40"""
        names = ("row", "column") if len(self.place) == 2 else ("index",)
        words = [f"{name} {i}" for name, i in zip(names, self.place, strict=False)]
        return ", ".join([*words, *map(str, self.place[len(names) :])])

    def sentence(self, gain: float = 1.0) -> str:
        """All of it in words. gain: what 1, full scale, is to the reader."""
        return (
            f"{self.count} runs differ in pairs by {self.level:.1f} dB PSNR ({self.levels[0]:.1f} to {self.levels[-1]:.1f}); "
            f"the standard deviation of a pixel is {gain * float(self.deviation.median()):.3g} of {gain:.5g} in the "
            f"median and {gain * float(self.deviation.max()):.3g} at most, and largest about {self.where}."
        )


def flat(size: NDArray) -> NDArray:
    """One number a pixel of a map (h, w) or (h, w, c): the root mean square over the channels."""
    return np.sqrt(np.mean(size**2, axis=-1)) if size.ndim == 3 else size


def brightest(values: NDArray) -> float:
    """What the last colour of a drawn map stands for: the value that 0.5 % exceed; never 0."""
    return float(np.quantile(values, 0.995)) or 1.0


def deviation(variance: Tensor, radius: int = 1, floor: float = 0.3) -> Tensor:
    """The deviation map of a variance, (1, c, *space), that a few samples gave: smoothed, and nowhere certain.

    A variance of few samples is itself noisy: it is the mean over a square. floor: a share of the median is added, since
    samples that happen to agree are no proof. Both chosen on crops of F16 and kodim03: docs/benchmarks.
    """
    smooth = box(variance, radius)
    middle = smooth[smooth > 0].median() if bool((smooth > 0).any()) else smooth.new_zeros(())
    return (smooth + floor * middle).sqrt()


def factor(residual: Tensor, deviation: Tensor, noise: Tensor) -> tuple[float, float]:
    """(s, its relative standard error): what the deviation is to be multiplied by. All three are flat, of held-out values.

    residual: y - x. noise: its standard deviation, 0 where the data are the truth itself. Without noise, s puts 90 % of the
    residuals into their intervals (split conformal prediction: Vovk et al. 2005; Lei et al. 2018). With noise that share says
    little about the error below it, and s is the likeliest for residual ~ N(0, noise^2 + s^2 deviation^2); log s ~ N(0, 1)
    beforehand, so that few values cannot say 0.
    """
    count = residual.numel()
    if not bool((noise > 0).any()):
        k = min(count, math.ceil((count + 1) * LEVEL))
        ratio = residual.abs() / deviation.clamp_min(1e-12)
        s = float(ratio.kthvalue(k).values) / WIDTH
        # The k-th of n values is known to sqrt(level (1 - level) / n) of its rank.
        spread = math.sqrt(LEVEL * (1 - LEVEL) / count)
        low, high = (
            float(ratio.kthvalue(min(count, max(1, round(count * v)))).values) for v in (LEVEL - spread, LEVEL + spread)
        )
        return s, (high - low) / (2 * WIDTH * s) if s else 0.0
    r, d, n = (v.double() for v in (residual, deviation, noise))
    logs = torch.linspace(-4, 4, 801, dtype=torch.float64)

    def posterior(log: Tensor) -> Tensor:
        v = n.square() + (log.exp() * d).square()
        return -((r.square() / v + v.log()).sum() + log.square()) / 2

    best = logs[int(torch.stack([posterior(log) for log in logs]).argmax())]
    part = (best.exp() * d).square()
    information = 2 * (part / (n.square() + part)).square().sum() + 1
    return float(best.exp()), float(information.rsqrt())
