"""Normal noise that was cut off at black or white: how much of its variance is left (Tobin 1958), and how much there was."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 8  # of a part of the ground, pixels
HALF = 0.4, 0.6  # share of it that is at the end of the range: half of the noise on white is cut off
PARTS = 6  # that are ground, at the least
# The quantile of the parts in which nothing stands, and times its power up to which it is so in others.
QUIET, BARE = 0.1, 2.0
PLAIN, COMMON, LITTLE = 0.1, 0.02, 0.1
"""Shares of a picture that are plain, as no noise is: from which on it has grounds, which have each this much of that; and of all
but the grounds, up to which there is noise in these."""
BODY, WITHIN, ENOUGH = 16, 0.02, 12
"""Side of parts of the rest, pixels; how much of a ground is in each at most, and how many there are at least."""
ROWS, TRIED = 256, 1 << 16  # rows that are looked at first, and pixels that the colours of the grounds are sought in


def _tail(share: float) -> tuple[float, float, float]:
    """Of the standard normal density: how far below the middle its lower `share` ends, the density there, and what is above."""
    normal = torch.distributions.Normal(0.0, 1.0)
    t = -normal.icdf(torch.tensor(share, dtype=torch.float64))
    return float(t), float(normal.log_prob(t).exp()), 1 - share


def censored(share: float) -> float:
    """The variance of unit normal noise whose lower `share`, under 1, is all at its upper end: cut off at black."""
    if share <= 0:
        return 1.0
    t, density, above = _tail(share)
    mean = density + t * above
    return (1 + t * t) * above + t * density - mean * mean


def truncated(share: float) -> float:
    """The same without that share."""
    if share <= 0:
        return 1.0
    t, density, above = _tail(share)
    ratio = density / above
    return 1 - t * ratio - ratio * ratio


def on_ground(x: Tensor) -> Tensor | None:
    """The deviation "c" of noise on a white or black ground, of pictures (b, c, h, w) in [0, 1]; None where there is no ground.

    Half of the noise is cut off, and the other half says how strong it was. A ground that is less than white is read as more noise.
    """
    if min(x.shape[2:]) < SIDE:
        return None
    found = []
    for end, apart in ((x >= 1, 1 - x), (x <= 0, x)):
        share = F.avg_pool2d(end.to(x.dtype), SIDE, SIDE // 2).mean(1)
        power = 2 * F.avg_pool2d(apart.square(), SIDE, SIDE // 2).movedim(1, -1)[(share > HALF[0]) & (share < HALF[1])]
        if len(power) >= PARTS:
            whole = power.mean(1)
            found.append(power[whole <= BARE * whole.quantile(QUIET)].mean(0).sqrt())
    return min(found, key=lambda level: float(level.square().mean()), default=None)


def grounded(x: Tensor) -> Tensor:
    """Pictures (b, c, h, w) in [0, 1] without the margins of a plain ground, as a page has about a noisy photo. In the rest it is
    black or white, which says as little of the noise.

    A drawing, which has plain parts all over, stays as it is.
    """
    some = x[:, :, :: 1 + x.shape[2] // ROWS]
    if min(x.shape[2:]) < BODY or (some[..., 1:] == some[..., :-1]).all(1).double().mean() < PLAIN:
        return x  # at once, as of most photos
    plain = (F.max_pool2d(x, 3, 1, 1) == -F.max_pool2d(-x, 3, 1, 1)).all(1)
    share, pixels = float(plain.double().mean()), x.movedim(1, -1)
    if share < PLAIN:
        return x
    seen = pixels[plain][:: 1 + int(plain.sum()) // TRIED]
    colours, counts = seen.unique(dim=0, return_counts=True)
    ground = torch.zeros_like(plain)
    for colour in colours[share * counts >= COMMON * len(seen)]:
        ground |= plain & (pixels == colour).all(-1)
    ground = F.max_pool2d(ground.to(x.dtype), 3, 1, 1) > 0
    inside = F.avg_pool2d(ground.to(x.dtype), BODY, BODY // 2) <= WITHIN
    if int(inside.sum()) < ENOUGH or int((plain & ~ground).sum()) > LITTLE * int((~plain).sum()):
        return x
    rows, columns = ((~ground).any(0).any(along).nonzero()[:, 0].tolist() for along in (1, 0))
    x = torch.where(ground[:, None], (x.mean(1, keepdim=True) > 0.5).to(x.dtype), x)
    return x[:, :, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
