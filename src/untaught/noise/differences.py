"""White noise by second differences, in which what is smooth shows little: of series, of volumes, of small objects on black."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NORMAL = 0.6745  # median of |.| of unit normal noise
EDGY = 0.12  # deviation between cut-off parts that is of edges
SOLID = 0.1  # and the share of a picture that is solid black or white then
BESIDE = (
    4  # pixels from solid black or white to edges and strokes on it; noise that is cut off here and there is not solid
)
BODY = 0.25  # share of the values that are neither cut off nor beside what is solid, up to which there are but edges and strokes
LONELY = 0.02  # share of what is not the ground that has no neighbour, from which on these are single photons
PIECE = 64  # samples of a piece of a series
QUIET, LOW = 0.25, 0.8735
"""Share of the pieces that show least, and what that one shows of unit white noise: in the mean of 40 draws of 512 to 16000 samples
0.873 to 0.874."""
PIECES = 15  # fewer of them tell nothing
WINDOW, FEWEST = 8, 48
"""Pixels a side of what is looked at for evenness, and of the least picture that holds enough of them."""
RARE = 144  # windows of which one may be quieter than the noise: cut off, or filled in
PART, ENOUGH = 5, 0.5
"""Side of a part that may be quiet, pixels; share of the parts that are not plain, from which on these tell."""
QUIETEST, QUARTER = 0.75, 1.03  # what the quietest shows of unit white noise; and over what a quarter shows
EVEN = 3.5 / 255  # deviation that clean pictures show in their quietest window, too
COLOURS = 64  # that a picture may have which was drawn in these
SWINGS = 1.5  # what the whole shows over that, from which on much of it is no noise; that of counts grows less


def second_differences(data: Tensor) -> float:
    """The deviation of white noise, by second differences, in which a blurred picture shows little else; 0 of under 3 pixels."""
    rough = data
    for axis in range(2, data.ndim):  # along every axis that has three pixels
        if data.shape[axis] >= 3:
            rough = rough.diff(n=2, dim=axis) / 6**0.5
    return float(rough.abs().median()) / NORMAL if max(data.shape[2:]) >= 3 else 0.0


def quietest_differences(data: Tensor) -> float:
    """The same of a series (b, c, n), parts of which may swing as fast as noise does: by the quieter of its pieces."""
    whole = second_differences(data)
    if data.shape[-1] < 4 * PIECE:
        return whole
    rough = data.diff(n=2, dim=-1) / 6**0.5
    pieces = rough.unfold(-1, PIECE, PIECE // 2).abs().median(-1).values.flatten() / NORMAL
    pieces = pieces[pieces > 0]  # what is constant was filled in
    quiet = float(pieces.quantile(QUIET)) / LOW if len(pieces) >= PIECES else whole
    return quiet if whole > SWINGS * quiet else whole


def even_noise(data: Tensor) -> float:
    """The deviation of white noise in a picture (1, c, h, w) of [0, 1] that may be all texture: rather too little than too much.

    Noise is the same everywhere, and texture is not: the quietest window says how much of it there can be, and by as much as a
    quarter of the windows show more, it is doubted. 0 of a picture that is too small, or no more than clean ones show.
    """
    if data.ndim != 4 or min(data.shape[2:]) < FEWEST:
        return 0.0
    rough = (data.diff(n=2, dim=2).diff(n=2, dim=3) / 6).square().mean(1, keepdim=True)
    windows = F.avg_pool2d(rough, WINDOW, WINDOW // 2).sqrt().flatten().sort().values
    quietest = float(windows[len(windows) // RARE]) / QUIETEST
    uneven = max(0.0, QUARTER * float(windows[len(windows) // 4]) - quietest)
    return max(0.0, quietest**2 - EVEN**2 - (2 * uneven) ** 2) ** 0.5


def quietest(x: Tensor, *, lag: int = 2, everywhere: bool | None = None, said: Tensor | None = None) -> float | None:
    """What second differences along both axes are in the quietest parts of pictures (b, c, h, w), root mean square.

    lag: how far apart the pixels of a difference are: neighbours that share noise hide little of it from one of 2.
    everywhere: it is no noise but a picture, whose darker and brighter half both have to be as quiet, since noise may grow with
    brightness; if true, its quarters, too, since one may be without noise. Parts with black and white do not count, and, if
    there are enough others, neither does what is plain. None of no part that counts.
    said: the deviation of noise at each pixel by a law of brightness, whose part this is then.
    """
    if min(x.shape[2:]) < 2 * lag + 1:
        return None
    rough = _second(_second(x, lag).mT, lag).mT / 6
    square = (rough if said is None else rough / said[..., lag:-lag, lag:-lag]).square().mean(1, keepdim=True)
    side = min(PART, *square.shape[2:])
    power = F.avg_pool2d(square, side, 1)
    if everywhere is None:
        return _rarest(power)
    ends = ((x <= 0) | (x >= 1)).any(1, keepdim=True).to(x.dtype)
    plain = (F.max_pool2d(x, 3, 1) == -F.max_pool2d(-x, 3, 1)).all(1, keepdim=True).to(x.dtype)
    whole = side + 2 * lag
    sound = F.max_pool2d(ends, whole, 1) == 0
    noisy = sound & (F.max_pool2d(plain, whole - 2, 1) == 0)
    sound = noisy if noisy.double().mean() >= ENOUGH else sound
    if not sound.any():
        return None
    level = F.avg_pool2d(x.mean(1, keepdim=True), whole, 1)
    dark = level <= level[sound].median()
    found = [power[sound & half] for half in (dark, ~dark)] if said is None else [power[sound]]
    if everywhere:
        four = ([q for rows in v.tensor_split(2, 2) for q in rows.tensor_split(2, 3)] for v in (power, sound))
        found += [quarter[counts] for quarter, counts in zip(*four, strict=True)]
    return max(_rarest(part) for part in found if len(part))


def _second(x: Tensor, lag: int) -> Tensor:
    return x[..., : -2 * lag] - 2 * x[..., lag:-lag] + x[..., 2 * lag :]


def _rarest(power: Tensor) -> float:
    return float(power.flatten().sort().values[power.numel() // RARE]) ** 0.5


def rough(x: Tensor) -> Tensor | None:
    """The deviation of white noise by second differences along both axes (Immerkaer 1996), of pixels that are not cut off, nor are
    their neighbours; None of too few. 0 of a drawing in black and white: noise would show in these, and between them are edges."""
    ends = ((x <= 0) | (x >= 1)).any(1, keepdim=True).to(x.dtype)
    inside = -F.max_pool2d(ends, 3, 1)[:, 0] + 1 > 0
    there = x.diff(n=2, dim=2).diff(n=2, dim=3).movedim(1, -1)[inside]
    if len(there) < 30:
        return None
    level = there.abs().median() / NORMAL / 6
    return torch.zeros(()) if level > EDGY and solid(ends).mean() > SOLID else level


def solid(where: Tensor) -> Tensor:
    """1 where it is 1 in all of 3 x 3 pixels, else 0; (b, c, h, w), a pixel less at each border."""
    return -F.max_pool2d(-where, 3, 1)


def is_drawing(x: Tensor) -> bool:
    """Whether pictures (b, c, h, w) are solid black or white with nothing but edges and strokes between, as clean lettering is.

    Noise would show in the black and the white, an object that was cut out on them has a body, and single photons are alone.
    """
    ends = (x <= 0) | (x >= 1)
    whole = ends.all(1, keepdim=True).to(x.dtype)
    inside, parts = 1 - ends.any(1, keepdim=True).to(x.dtype), solid(whole)
    body = inside[..., 1:-1, 1:-1] * (1 - F.max_pool2d(parts, 2 * BESIDE + 1, 1, BESIDE))
    if parts.mean() <= SOLID:
        return False
    paper = solid((x >= 1).all(1, keepdim=True).to(x.dtype))
    if paper.mean() > SOLID and (left := rough(x)) is not None and not left > 0:
        return True  # the rings of a JPEG about its strokes have a body, and specks
    if body.sum() >= BODY * inside.sum().clamp_min(1):
        return False
    black, white = (end.all(1, keepdim=True) for end in (x <= 0, x >= 1))
    marks = (~(white if white.to(x.dtype).mean() > whole.mean() / 2 else black)).to(x.dtype)
    lonely = marks * (F.avg_pool2d(marks, 3, 1, 1) < 1.5 / 9)
    return bool(lonely.sum() <= LONELY * marks.sum())


def is_of_few(x: Tensor) -> bool:
    """Whether pictures (b, c, h, w) are drawn in few colours, as pixel art and screens are.

    Noise would make many of each, and leave pixels alone among others; single photons are alone on the dark.
    """
    alone = torch.ones_like(x[:, 0], dtype=torch.bool)
    for axis in (1, 2):
        one, other = (slice(None),) * axis + (slice(1, None),), (slice(None),) * axis + (slice(-1),)
        differ = (x.diff(dim=axis + 1) != 0).any(1)
        alone[one] &= differ
        alone[other] &= differ
    low, high = (end(x, dim=(0, 2, 3), keepdim=True) for end in (torch.amin, torch.amax))
    marks = ~((x == low).all(1) | (x == high).all(1))
    if alone.sum() > LONELY / 2 * marks.sum():
        return False
    return few_colours(x)


def few_colours(x: Tensor) -> bool:
    """Whether a picture "b c *space" has no more colours than one that was drawn in these."""
    return len(x.movedim(1, -1).flatten(0, -2).unique(dim=0)) <= COLOURS
