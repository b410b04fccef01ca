"""The value of no light: where a detector's counts begin, told by how skewed their noise is.

Brightness and variance alone give a line, v = a (x - e), with e = dark - read^2 / a: they cannot tell an offset from the noise of
reading out. Counts are skewed and reading is not, k3 = a^2 (x - dark), so that the third cumulant can, where light is faint.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.noise.spectrum import sample

SIDE = 16  # of a block, pixels
FLAT = 0.25  # share of the blocks, those whose local means vary least for their noise
SURE = 0.5  # standard error, over the span of what the dark may be, up to which it is told


class Dark(NamedTuple):
    """value: of no light, in the units of the picture. error: its standard error. told: whether it is known at all.

    Where it is not, it is the value at which the noise would end.
    """

    value: float
    error: float
    told: bool


def darkness(picture: Tensor, slope: float, origin: float, faintest: float) -> Dark:
    """The dark of pictures (b, c, h, w) whose noise has the variance slope (x - origin), in one unit.

    It lies between `origin` (no noise of reading) and `faintest`, the brightness of their darkest parts.
    """
    x = sample(picture.detach()).double().flatten(0, 1)[:, None]
    unknown = Dark(origin, float("inf"), False)
    if min(x.shape[2:]) < SIDE + 2 or not slope > 0:
        return unknown
    cross = torch.tensor([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=x.dtype)[None, None] / 4
    # What is linear leaves no difference; each is y less four independent ones.
    apart, about = x[:, :, 1:-1, 1:-1] - F.conv2d(x, cross), F.avg_pool2d(x, 3, 1)
    apart, about = (v.unfold(2, SIDE, SIDE).unfold(3, SIDE, SIDE).reshape(-1, SIDE * SIDE) for v in (apart, about))
    level = about.mean(1)
    variance = (slope * (level - origin)).clamp_min(1e-3 * slope**2)
    flat = (about.var(1) / variance).argsort()[: max(8, int(FLAT * len(level)))]
    level, variance, third = level[flat], variance[flat], apart[flat].pow(3).mean(1) / (1 - 4 / 4**3)
    found = level - third / slope**2
    # Of normal values the mean of n cubes has the variance 15 v^3 / n; v with that of four values' mean.
    weight = slope**4 * SIDE**2 / (15 * (1.25 * variance).pow(3))
    value, error = float((weight * found).sum() / weight.sum()), float(weight.sum() ** -0.5)
    if error > SURE * max(faintest - origin, 1e-12):
        return unknown
    return Dark(min(max(value, origin), faintest), error, True)
