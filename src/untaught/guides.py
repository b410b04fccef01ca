"""Classic estimates that a fed network starts from. They see only what they are given, never y beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.geometry import box, pad_to


@dataclass(frozen=True)
class NonLocalMeans:
    """Non-local means (Buades, Coll and Morel 2005) with a strength that follows the noise from pixel to pixel.

    strength: h in units of the noise's standard deviation. patch: its radius. distance: how far alike patches are sought.
    coarse: where not 0, the result at half the resolution is filtered once more with this strength, and the difference put
    back: noise that neighbours share reaches down to there.
    """

    strength: float = 1.2
    patch: int = 2
    distance: int = 6
    coarse: float = 0.0

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a picture (1, c, *space); `deviation` of its noise broadcasts against it."""
        level = deviation.expand_as(noisy).square().mean(1, keepdim=True).sqrt()
        # Where noise depends on brightness its estimate is itself noisy: never trust it to be nearly nothing.
        level = (level.square() + 0.25 * level.square().mean()).sqrt() if self.coarse else level
        estimate = self.filter(noisy, self.strength * level)
        if self.coarse and min(noisy.shape[2:]) >= 16:
            low = halve(estimate)
            smooth = self.filter(low, self.coarse * halve(level))
            estimate = estimate + double(smooth - low, noisy.shape[2:])
        return estimate

    def filter(self, y: Tensor, h: Tensor) -> Tensor:
        """The weighted mean of similar patches' middles: weights exp(-mean squared difference / h^2), itself 1."""
        reach = {1: 2 * self.distance, 2: self.distance, 3: max(1, self.distance // 3)}[y.ndim - 2]
        space, n = y.shape[2:], y.ndim - 2
        wide = pad_to(y, [s + 2 * reach for s in space])
        total, weights = y.clone(), torch.ones_like(h)
        inverse = -1 / h.square().clamp_min(1e-12)
        for shift in product(range(-reach, reach + 1), repeat=n):
            if shift <= (0,) * n:  # the distance to the patch at -shift is known from the other side
                continue
            apart = (wide - wide.roll(shift, tuple(range(2, 2 + n)))).square_().mean(1, keepdim=True)
            apart = box(apart, self.patch)
            for side in (1, -1):
                # `apart` at p compares p with p - shift; seen from q = p - shift it is the distance to q + shift.
                middle = window(apart, space, [0 if side == 1 else s for s in shift], reach)
                w = (middle * inverse).exp_()
                total.addcmul_(w, window(wide, space, [-side * s for s in shift], reach))
                weights += w
        return total / weights


def window(x: Tensor, space: Sequence[int], shift: Sequence[int], margin: int) -> Tensor:
    """The part of that size, `margin` from the corner, moved by `shift`."""
    for axis, (size, s) in enumerate(zip(space, shift, strict=True), start=2):
        x = x.narrow(axis, margin + s, size)
    return x


def halve(x: Tensor) -> Tensor:
    """Means over blocks of two."""
    return (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[x.ndim - 3](x, 2, ceil_mode=True, count_include_pad=False)


def double(x: Tensor, space: Sequence[int]) -> Tensor:
    """Linear interpolation by two, cut to the size."""
    x = F.interpolate(x, scale_factor=2, mode=("linear", "bilinear", "trilinear")[x.ndim - 3])
    for axis, size in enumerate(space, start=2):
        x = x.narrow(axis, 0, size)
    return x
