"""Which values of a picture are worthless: salt and pepper, dead and hot pixels, random values in the place of some.

A value counts as an impulse where it is far from the median of its surroundings in units of their own spread (as in Hampel's
test), and, if it is not black or white, like none of its nearest neighbours (rank-ordered absolute differences: Garnett et
al. 2005), so that lines and edges stay. Impulses, once found, and values at the two ends of the range are left out of the
surroundings: more than half of a picture may be salt and pepper.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.geometry import box
from untaught.noise.differences import solid
from untaught.noise.foretold import guessed
from untaught.noise.spectrum import sample

RADIUS = 2
FAR, NEAR = 4.0, 1.5  # spreads from the median, at the ends of the range; and where salt and pepper are known to be
STRICT, LOOSE = (6.0, 5.0), (4.0, 3.0)  # the same for any other value, and the third least difference to its neighbours
LEAST = 2 / 255  # spread of the surroundings, of full scale
# Share of the values at the ends that have to be far from their surroundings, else they were clipped; and the same, where all or
# nearly all lie at one end.
MOSTLY, ALL = 0.3, 0.8
BOTH = 0.2  # the share of the rarer one of salt and pepper, from which on there are both
SATURATED = 0.65  # share of the neighbours at the same end from which on a value belongs to a white or black part
CUT = 0.3  # share of the surroundings at the ends from which on what sticks out of them is noise that was cut off
SALT, RANDOM = 0.003, 0.006  # share of a picture from which on impulses are believed in ...
FEW = 2  # places in a picture, however small, up to which they are not
# More random values than MANY have to be so far from their surroundings, in the median and of the picture's range: single photons
# on a dark ground are alone, too, and near it.
MANY, REACH = 0.02, 0.15
ROUNDS = 3
# Share of the impulses that the same surroundings foretell elsewhere, within NEARLY of how far they stick out, from which on they
# are strokes of lettering or dots of a pattern: 0.9 to 1.0 of lettering, 0.17 to 0.53 of impulses (docs/benchmarks).
PATTERN, NEARLY = 0.7, 0.5
TOGETHER = 3.2  # times as many lost ones about a lost one as anywhere, from which on they are strokes: 0.9 to 2.8, and 2.3 to 15
TIED = 0.15  # the correlation of neighbours in that: 0.00 to 0.13, and 0.11 to 0.40
# The same of salt and pepper, among which there are lights and shadows of the picture: 0.00 to 0.19, and 0.22 to 0.27.
MIXED = 0.21
LEVELS = 0.7  # of the step between levels, the least spread: three levels are far, and two are not near
DENSE = 0.2  # share of either end, from which on impulses are not told from a drawing of three levels
# Levels between the ends that a palette leaves, at the most; and the share of its impulses beside none of the same level, over what
# chance leaves: 0.06 to 0.08 of lettering and charts, 0.12 to 1.0 of impulses.
PALETTE, ALONE = 16, 0.1
TRIED = 50_000  # values that the usual spread is measured on
CHUNK = 1 << 20  # values whose surroundings are held at once


@dataclass(frozen=True, eq=False)
class Impulses:
    """where: true at the impulses, (b, c, h, w). share: how many there are. kind: "salt and pepper" or "random values"."""

    where: Tensor
    share: float
    kind: str


def find_impulses(picture: Tensor, *, sure: bool = False) -> Impulses | None:
    """The impulses of pictures (b, c, h, w) in about [0, 1]; None where there are no more than a clean picture has.

    sure: there are some, however few.
    """
    if picture.ndim != 4 or min(picture.shape[2:]) < 2 * RADIUS + 1:
        return None
    parts = sample(picture)  # of a large picture
    if not sure and parts is not picture and find_impulses(parts) is None:
        return None
    picture = picture.contiguous()
    ends = (picture <= picture.min()) | (picture >= picture.max())
    some = torch.zeros_like(ends)
    some.view(-1)[:: max(1, picture.numel() // TRIED)] = True
    usual = float(_spread(picture, some & ~ends, ends)[1].nanmedian()) if bool((some & ~ends).any()) else 0.0
    # Of few levels, as counts have, half may be one and the same: the picture's own spread is the least.
    least = max(LEAST, 0.5 * usual, LEVELS * _step(picture, ends))

    top = picture >= picture.max()
    both = (top, ends & ~top)
    grounds = tuple(box(end.to(picture.dtype), RADIUS) >= SATURATED for end in both)
    bare = grounds[0] | grounds[1]
    salt = _salt(picture, both, grounds, least)
    if salt is not None and (
        sure
        or not (
            _few(salt)
            or clustered(salt, ~bare, MIXED, float("inf"))
            or drawn(picture, salt)
            or _of_few(picture, both, salt)
        )
    ):
        return Impulses(salt, float(salt.float().mean()), "salt and pepper")
    lost = torch.zeros_like(ends)
    inside = ~ends & (box(ends.to(picture.dtype), RADIUS) < CUT)
    for far, apart in (STRICT, *[LOOSE] * (ROUNDS - 1)):  # those found no longer hide others
        alone = inside & ~lost & (_apart(picture, lost) > apart * least)
        lost = lost | _far(picture, alone, lost, least, far, apart)
        if not sure and (_few(lost) or float(lost.float().mean()) <= RANDOM):
            return None
    share = float(lost.float().mean())
    if not sure and share > MANY:
        reach = (picture[lost] - _spread(picture, lost, lost)[0]).abs().nanmedian()
        if float(reach) < REACH * float(picture.max() - picture.min()):
            return None
    if not share or (not sure and (clustered(lost, ~bare) or drawn(picture, lost))):
        return None
    # On a ground of black or white, which has no noise, they would stand for themselves: single stars do, too.
    lost = lost | _far(picture, bare & ~ends, lost, least, *STRICT)
    return Impulses(lost, float(lost.float().mean()), "random values")


def _few(lost: Tensor) -> bool:
    """Whether they are in so few places that a clean picture's own darkest and brightest points may be these."""
    return int(lost.any(1).sum()) <= FEW


def _levels(inside: Tensor) -> Tensor:
    """Those that some of the values have."""
    return inside[:: max(1, inside.numel() // TRIED)].unique()


def _step(picture: Tensor, ends: Tensor) -> float:
    """How far apart the levels of a posterised picture, or of a few counts, are: one level more or less is no impulse."""
    levels = _levels(picture[~ends])
    return float(levels.diff().median()) if len(levels) > 1 else 0.0


def _of_few(picture: Tensor, both: tuple[Tensor, ...], lost: Tensor) -> bool:
    """Whether a picture of few levels is a drawing: those values lie beside others of the same level, and impulses seldom do."""
    ends = both[0] | both[1]
    inside = picture[~ends]
    # Some of them tell of most photos: all the values of a large one take seconds to sort.
    if len(_levels(inside)) > PALETTE or (levels := len(inside.unique())) > PALETTE:
        return False
    alone = torch.stack([end & (9 * box(end.to(picture.dtype), 1) < 1.5) for end in both]).any(0)
    seen = float(alone[lost].float().mean())
    if levels > 1:
        return seen < ALONE * (1 - float(lost.float().mean()) / 2) ** 8
    share = float(ends.float().mean()) / 2
    return share > DENSE or seen < 0.5 * (1 - share) ** 8


def clustered(lost: Tensor, asked: Tensor, tied: float = TIED, together: float = TOGETHER) -> bool:
    """Whether the lost ones of the values asked for lie together, as those of strokes do, and not anywhere.

    tied: the correlation of neighbours from which on they do; together: and how many times as many are about a lost one.
    """
    count = lost.double()
    share = count.sum() / asked.sum().clamp_min(1)
    beside = ((9 * box(count, 1) - count) / 8)[lost].mean()  # share of the eight neighbours that is lost, too
    return bool(beside > together * share or beside - share > tied * (1 - share))


def drawn(picture: Tensor, lost: Tensor) -> bool:
    """Whether most of those values belong to a pattern: the same surroundings hold the same elsewhere."""
    found = guessed(picture, lost)
    if found is None:
        return False
    reach = (picture[lost] - _spread(picture, lost, lost)[0]).abs().nanmedian()
    values, guesses = found
    return float(((values - guesses).abs() < NEARLY * reach).float().mean()) > PATTERN


def _salt(picture: Tensor, both: tuple[Tensor, ...], grounds: tuple[Tensor, ...], least: float) -> Tensor | None:
    """The values at the two ends that are far from their surroundings, if most of those outside white and black parts are.

    both: where it is white, and black. grounds: where mostly so about. The rim of such a part is far from what is before it, and
    says nothing.
    """
    top, ends = both[0], both[0] | both[1]
    alone, rim = torch.zeros_like(ends), torch.zeros_like(ends)
    for end, ground in zip(both, grounds, strict=True):
        alone |= end & ~ground
        rim |= end & (F.max_pool2d(F.pad(solid(end.to(picture.dtype)), [1] * 4), 5, 1, 2) > 0)
    far = _far(picture, alone, ends, least, FAR)
    share, white, among = (float((v & ~rim).float().mean()) for v in (far, far & top, alone))
    mostly = MOSTLY if min(white, share - white) > BOTH * share else ALL
    if share > SALT and share > mostly * among:
        return _far(picture, alone, ends, least, NEAR)  # one that is missed costs more than one too many
    # What is black in the night, or white in snow, hides the one, and says nothing of the other.
    for end in both:
        share, among = (float((v & end & ~rim).float().mean()) for v in (far, alone))
        if share > RANDOM and share > ALL * among:
            return _far(picture, alone & end, ends, least, NEAR)
    return None


def _far(picture: Tensor, asked: Tensor, lost: Tensor, least: float, far: float, apart: float | None = None) -> Tensor:
    """Which of the values asked for are more than `far` spreads from the median of the sound ones about them.

    apart: how many spreads, at the least, the third nearest neighbour has to be from it.
    """
    middle, spread = _spread(picture, asked, lost)
    value = picture[asked]
    spread = spread.nan_to_num(least).clamp_min(least)
    found = torch.zeros_like(asked)
    found[asked] = (value - middle).abs() > far * spread  # a value among none but lost ones: NaN, and so kept
    if apart is not None:
        found[asked] &= _apart(picture, lost)[asked] > apart * spread
    return found


def _spread(picture: Tensor, asked: Tensor, lost: Tensor) -> tuple[Tensor, Tensor]:
    """Median and deviation (as the median absolute one tells it) of the sound values about each value asked for; (n,) each."""
    sound = F.pad(torch.where(lost, torch.nan, picture), [RADIUS] * 4, "reflect")
    side = range(2 * RADIUS + 1)
    shifts = [(down, along) for down, along in product(side, side) if down != RADIUS or along != RADIUS]
    found = [(sound.new_empty(0),) * 2]
    for b, c, i, j in (part.unbind(1) for part in asked.nonzero().split(CHUNK)):
        values = torch.stack([sound[b, c, i + down, j + along] for down, along in shifts], 1)
        middle = values.nanmedian(1, keepdim=True).values
        found.append((middle[:, 0], 1.4826 * (values - middle).abs().nanmedian(1).values))
    middles, spreads = zip(*found, strict=True)
    return torch.cat(middles), torch.cat(spreads)


def _apart(picture: Tensor, lost: Tensor) -> Tensor:
    """The third least difference to the eight neighbours, leaving out the lost ones."""
    wide = F.pad(torch.where(lost, float("inf"), picture), [1] * 4, "reflect")
    h, w = picture.shape[2:]
    three = torch.full((3, *picture.shape), float("inf"))
    for i, j in product(range(3), range(3)):
        if (i, j) == (1, 1):
            continue
        more = (wide[:, :, i : i + h, j : j + w] - picture).abs()
        for k in range(3):  # kept in order, as an insertion sort does
            three[k], more = torch.minimum(three[k], more), torch.maximum(three[k], more)
    return three[2]


def without(picture: Tensor, lost: Tensor) -> Tensor:
    """The picture with every lost value replaced by a sound one near it, so that its noise can be measured."""
    draw, x, lost = torch.Generator().manual_seed(0), picture, lost
    for _ in range(50):
        if not bool(lost.any()):
            break
        by = torch.randint(-RADIUS, RADIUS + 1, (2,), generator=draw).tolist()
        other, unsound = x.roll(by, (2, 3)), lost.roll(by, (2, 3))
        found = lost & ~unsound
        x, lost = torch.where(found, other, x), lost & unsound
    return x
