"""Single hot or dead pixels: so few that no kind of noise follows from them, and none may stay.

A hot pixel is alone: its neighbours know nothing of it. A star or a catch-light, however small, has gone through a lens, and its
neighbours are brighter than what is around them.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.geometry import over
from untaught.noise.impulses import drawn, find_impulses
from untaught.noise.spectrum import sample

MOST = 0.02  # share of a channel up to which they are single ones
LEAST = 25 / 255  # how far beyond all of its neighbours, of full scale ...
USUAL = 0.995, 2.0  # ... and how many times as far as this quantile of the pixels is: single photons are alone, too ...
BEYOND = 1.5  # ... and, of those that are not at an end of the range, in units of how far neighbours differ hereabouts
# How far one at an end has to be from what is around it, in those units; how many more may be hot then.
OUT, SOME = 1.8, 2.5
FEW = 0.0004  # share of a part up to which those that may be hot are, too
STARS = (
    5  # points of light from which on their own shape says what a point is: half of its neighbours' height is enough
)
SHEET, AS_FAR, JUMPS, INK = 15, 0.7, 0.1, 0.05
"""Of lettering, and other drawings, a dot is as black as the strokes beside it: side of the surroundings, the part of a point's
height that counts as such, the share of pixels whose neighbours differ by that, and of those as far from the ground, from which on
the point is thought to be drawn with them."""
NOTHING = 1.5  # power of means of BLOCK x BLOCK pixels over what noise has, up to which a picture shows nothing but its points
SIDE = 256  # pixels of a picture's sides that are looked at at a time, for the processor's cache
BLOCK, DARK = 8, 0.1  # ... if no more of these than that are dark
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
    if not single or not (part or find_impulses(picture) is None):
        return None
    if not part and _nothing_else(picture):
        dark = (picture < mended(picture, found))[found]
        return found if dark.float().mean() > DARK else None  # else the points are what it shows
    return found


def mended(picture: Tensor, hot: Tensor) -> Tensor:
    """The picture with the median of the eight neighbours in the place of every hot pixel."""
    b, c, i, j = hot.nonzero(as_tuple=True)
    around = F.pad(picture, [1] * 4, "reflect").unfold(2, 3, 1).unfold(3, 3, 1)[b, c, i, j].flatten(1)
    filled = picture.clone()
    filled[b, c, i, j] = around[:, [0, 1, 2, 3, 5, 6, 7, 8]].median(1).values
    return filled


def between_points(picture: Tensor) -> Tensor:
    """The pictures (b, c, h, w), or what is between the points of those that show nothing but points on noise, as of the sky."""
    if picture.ndim != 4 or not _nothing_else(picture):
        return picture
    return mended(picture, torch.cat([_alone(channel[:, None], False) for channel in picture.unbind(1)], 1))


def _nothing_else(picture: Tensor) -> bool:
    """Whether, but for a few points, a picture shows nothing but noise that neighbours do not share."""
    if min(picture.shape[2:]) < 4 * BLOCK:
        return False
    blocks = F.unfold(sample(picture).flatten(0, 1)[:, None], BLOCK, stride=BLOCK)  # channel, pixel, block
    within, means = blocks.var(1).median(1).values, blocks.mean(1)
    low, high = means.quantile(torch.tensor([0.25, 0.75]).to(means), 1)
    return bool((((high - low) / 1.35 * BLOCK).square() <= NOTHING * within).all())


def _alone(x: Tensor, part: bool) -> Tensor:
    low, above, below, high = _ranked(x)
    height = (x - high).clamp_min(0) + (low - x).clamp_min(0)
    # One at an end of the range may have another beside it.
    ends = ((x >= x.max()) & (x > below + LEAST)) | ((x <= x.min()) & (x < above - LEAST))
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
    (h, w), rim = x.shape[2:], (i == 0) | (j == 0)
    rim = rim | (i == h - 1) | (j == w - 1)  # a stroke that is cut off there looks like a point
    plain = alone & ~rim & ((height[at] > BEYOND * usual) | (ends[at] & (sticks > OUT)))
    wide = F.pad(torch.cat([x, high - low], 1), [SHEET // 2] * 4, "constant", float("nan"))
    sheets = wide.unfold(2, SHEET, 1).unfold(3, SHEET, 1)
    for some in plain.nonzero()[:, 0].split(1024):
        plain[some] &= ~_drawn_with(sheets[b[some], :, i[some], j[some]], ground[some], reach[some])
    strict[at] = plain
    loose[at] = alone & ((height[at] > BEYOND * usual) | ends[at])
    # Where there are hot pixels for sure, and hardly more that may be, these are hot, too; texture that was cut off has many.
    few = part and bool(loose.sum() <= FEW * loose.numel())
    return loose if few or loose.sum() <= SOME * strict.sum() else strict


def _drawn_with(sheets: Tensor, ground: Tensor, reach: Tensor) -> Tensor:
    """Whether in the surroundings "n 2 side side", values and how much neighbours differ, many are as far from the ground, and
    differ by as much, as the points in the middle do: "n"."""
    half, least = SHEET // 2, AS_FAR * reach.abs()[:, None, None]
    values, jumps = sheets.unbind(1)
    jumps[:, half - 1 : half + 2, half - 1 : half + 2] = float("nan")  # its own
    inside = jumps.isfinite()
    far = (values - ground[:, None, None]) * reach.sign()[:, None, None] > least
    parts = ((few & inside).float().sum((1, 2)) / inside.sum((1, 2)).clamp_min(1) for few in (jumps > least, far))
    return torch.stack([part > share for part, share in zip(parts, (JUMPS, INK), strict=True)]).all(0)


def _ranked(x: Tensor) -> Tensor:
    """Of the eight neighbours of every pixel the least, the next, the last but one and the largest, "rank b 1 h w"."""
    (h, w), wide = x.shape[2:], F.pad(x, [1] * 4, "reflect")

    def some(seen: tuple[Any, ...], _: int) -> Tensor:
        tall, broad = seen[1:]
        at = [(i, j) for i, j in product(range(3), range(3)) if (i, j) != (1, 1)]
        one, other, *rest = (
            wide[:, :, tall.start + i : tall.stop + i, broad.start + j : broad.stop + j] for i, j in at
        )
        low, high = torch.minimum(one, other), torch.maximum(one, other)
        above, below = high, low
        for value in rest:
            above = torch.minimum(above, torch.maximum(low, value))
            below = torch.maximum(below, torch.minimum(high, value))
            low, high = torch.minimum(low, value), torch.maximum(high, value)
        return torch.stack([low, above, below, high])

    return over((h, w), SIDE, 0, some)
