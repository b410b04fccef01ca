"""How far a picture may be off, and how several runs differ: the values; `calibration` makes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from untaught.core.geometry import box

LEVEL = 0.9  # of the values are within the intervals
WIDTH = 1.6449
"""Half of the interval that holds 90 % of a normal law, in deviations."""


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """mean, deviation, lower, upper: (1, c, *space) in the units of the problem; the interval is to hold 90 % of the true values.

    raw: the deviation as the samples had it.
    factor: deviation / raw, and error: its relative standard error, by `held` measurements that no run saw; with `drawn`, how often
    the picture was measured anew, by so many values of a smaller self of the picture, and of the picture that `Result.shown` gives:
    then how sure it is is not known, and error is None.
    """

    mean: Tensor
    raw: Tensor
    factor: float
    error: float | None
    held: int
    drawn: int = 0

    @property
    def deviation(self) -> Tensor:
        """How far a pixel may be off: one standard deviation, (1, c, *space)."""
        return self.factor * self.raw

    @property
    def lower(self) -> Tensor:
        """The lower end of intervals that are to hold 90 % of the true values."""
        return self.mean - WIDTH * self.deviation

    @property
    def upper(self) -> Tensor:
        """Their upper end."""
        return self.mean + WIDTH * self.deviation

    @property
    def note(self) -> str:
        """How far the intervals can be trusted, in a sentence."""
        known = f" (± {100 * self.error:.0f} %)" if self.error is not None and self.error >= 0.005 else ""
        if self.drawn:
            return (
                f"The picture was measured anew {self.drawn} times: how far these restorations are off was multiplied by "
                f"{self.factor:.2f}, by a smaller self of it and by what it leaves of the data, so that the intervals hold about "
                "90 % of the true values."
            )
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
        place = np.unravel_index(int(rough.argmax()), rough.shape)  # torch's own would load sympy
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
