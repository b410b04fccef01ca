"""Single hot or dead pixels: so few that no kind of noise follows from them, and none may stay.

A hot pixel is alone: its neighbours know nothing of it. A star or a catch-light, however small, has gone through a lens, and its
neighbours are brighter than what is around them.
"""

from __future__ import annotations

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.noise.impulses import drawn, find_impulses

MOST = 0.004  # share of a channel up to which they are single ones
LEAST = 25 / 255  # how far beyond all of its neighbours, of full scale ...
USUAL = 0.995, 2.0  # ... and how many times as far as this quantile of the pixels is: single photons are alone, too ...
BEYOND = 1.5  # ... and, of those that are not at an end of the range, in units of how far neighbours differ hereabouts
OUT, SOME = (
    1.8,
    2.5,
)  # how far one at an end has to be from what is around it, in those units; how many more may be hot then
FEW = 0.0004  # share of a part up to which those that may be hot are, too
STARS = (
    5  # points of light from which on their own shape says what a point is: half of its neighbours' height is enough
)
LIGHT = 0.12  # of its height, that the four nearest are above what is around them in the mean, from which on it is a point of light


def find_hot(picture: Tensor, *, part: bool = False) -> Tensor | None:
    """True at the hot and dead pixels of pictures (b, c, h, w) in about [0, 1]; None of none, and of too many to be that.

    part: it is a part of a picture in which there are such pixels for sure.
    """
    if picture.ndim != 4 or min(picture.shape[2:]) < 5:
        return None
    found = torch.cat([_alone(channel[:, None], part) for channel in picture.unbind(1)], 1)
    share = float(found.float().mean())
    single = 0 < share <= MOST and not drawn(picture, found)
    return found if single and (part or find_impulses(picture) is None) else None


def mended(picture: Tensor, hot: Tensor) -> Tensor:
    """The picture with the median of the eight neighbours in the place of every hot pixel."""
    middle = torch.stack(_neighbours(picture)).median(0).values
    return torch.where(hot, middle, picture)


def _alone(x: Tensor, part: bool) -> Tensor:
    around = torch.stack(_neighbours(x)).sort(0).values
    low, high = around[0], around[-1]
    height = (x - high).clamp_min(0) + (low - x).clamp_min(0)
    # One at an end of the range may have another beside it.
    ends = ((x >= x.max()) & (x > around[-2] + LEAST)) | ((x <= x.min()) & (x < around[1] - LEAST))
    strict, loose = torch.zeros_like(ends), torch.zeros_like(ends)
    quantile, times = USUAL
    some = height.flatten()[:: 1 + height.numel() // (1 << 20)]
    least = max(LEAST, times * float(some.quantile(quantile)))
    sure = (height > least) | ends
    wide = F.pad(torch.cat([x, high - low], 1), [2] * 4, "reflect")
    at = sure.nonzero(as_tuple=True)
    b, _, i, j = at
    values, ranges = wide.unfold(2, 5, 1).unfold(3, 5, 1)[b, :, i, j].unbind(1)
    about = values.clone()
    about[:, 1:4, 1:4] = float("nan")
    ground = about.flatten(1).nanmedian(1).values
    usual = ranges.flatten(1).median(1).values  # of eight values: 2.8 deviations
    near = torch.stack([values[:, 1, 2], values[:, 3, 2], values[:, 2, 1], values[:, 2, 3]], 1).mean(1) - ground
    reach = values[:, 2, 2] - ground
    alone = near * reach.sign() < LIGHT * reach.abs() + 0.5 * usual
    shape = (near / reach)[(reach > 0) & (near > LIGHT * reach)]
    if len(shape) >= max(STARS, int((reach > 0).sum()) // 2):
        alone &= (reach < 0) | (near < shape.median() / 2 * reach)
    sticks = reach.abs() / usual.clamp_min(1e-6)
    strict[at] = alone & ((height[at] > BEYOND * usual) | (ends[at] & (sticks > OUT)))
    loose[at] = alone & (strict[at] | ends[at])
    # Where there are hot pixels for sure, and hardly more that may be, these are hot, too; texture that was cut off has many.
    few = part and bool(loose.sum() <= FEW * loose.numel())
    return loose if few or loose.sum() <= SOME * strict.sum() else strict


def _neighbours(x: Tensor) -> list[Tensor]:
    h, w = x.shape[2:]
    wide = F.pad(x, [1] * 4, "reflect")
    return [wide[:, :, i : i + h, j : j + w] for i, j in product(range(3), range(3)) if (i, j) != (1, 1)]
