"""What of a picture can be foretold from elsewhere in it is picture; what cannot is noise.

The values around a pixel are looked for in other places, and the pixel there is compared with the pixel here. Lattices, lettering
and codes, which have no flat part and whose own spectrum looks like noise that neighbours share, foretell their pixels up to
the noise, and the differences of two such places are then as independent as the noise is. Where neighbours do share their noise,
so do those of the differences.

Only the surroundings choose the pairs, never the pixel that is measured, so that choosing the best does not bias white noise
downwards: the non-local counterpart of reading a band of frequencies where the *other* bands are flat (`spectrum`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from untaught.noise.cut import truncated
from untaught.noise.differences import is_drawing

SIDE = 7  # of the surroundings, pixels
ASKED, OFFERED = 2000, 9000  # pixels that are foretold, and the places that they may be foretold from
ALIKE = 0.25  # share of the pixels, those with the best foretold surroundings, that count
CLASSES = 3  # of brightness, equally many pixels each
# Share of the surroundings at one end of the range, between which the picture is black or white itself.
BLACK = 0.35, 0.65
STROKE = 15  # lower quartiles of the noise that sticks out of black, from which on a pixel there is a stroke of something else
LINE, LEAST = 2.0, 2 / 255  # lower quartiles that noise beside black reaches at the least; and the least of them
GROWN = 2.0  # variance of the brightest class over that of the darkest, from which on it grows with brightness
APART = 3.0  # variance of the class that is foretold worst over that of the best, from which on the latter's is believed, unless
# the noise rises or falls with brightness
FEWEST = 40  # pixels of a class, and the fewest of all
CUT = 0.2  # share of the surroundings at either end of the range, from which on that is the picture's own, as in lettering
FAR, NEAR = 3.0, 0.9733
"""Deviations, as the middle of the squares says them, beyond which a value is foretold badly; the variance of normal ones
within."""
WHITE = 0.17
"""Correlation between neighbouring differences up to which the noise is independent. It is 0.00 to 0.04 for patterns and
lettering in white noise, 0.15 for circles that never repeat, 0.00 to 0.13 for photos in it, 0.29 to 0.66 for cameras and for
clean photos (docs/benchmarks)."""


@dataclass(frozen=True, eq=False)
class Foretold:
    """sigma: "c", standard deviation of each channel. alike: the correlation between neighbouring differences.
    brightness, variance: "n" each, of the classes, over the channels. most: the deviation of the class that is foretold worst, and
    with the few of its values that are foretold badly, impulses among them."""

    sigma: Tensor
    alike: float
    brightness: Tensor
    variance: Tensor
    most: float

    @property
    def white(self) -> bool:
        return self.alike < WHITE

    @property
    def rises(self) -> bool:
        """Whether it grows with brightness, by more than what is cut off at black takes of it."""
        return bool((self.variance.diff() > 0).all()) and bool(self.variance[-1] > GROWN * self.variance[0])

    @property
    def least(self) -> Tensor:
        """sigma, or, where the classes do not agree, that of the one foretold best: paper beside lettering. Not where the noise
        rises or falls with brightness."""
        low, high, usual = self.variance.min(), self.variance.max(), self.variance.median()
        grows = int(self.variance.argmin()) == 0 or bool((self.variance.diff() < 0).all())
        return self.sigma if grows or high < APART * low else self.sigma * (low / usual.clamp_min(1e-20)).sqrt()


def foretell(picture: Tensor) -> Foretold | None:
    """The noise of pictures (b, c, h, w) in about [0, 1], by its pixels that are not cut off; None where there are too few."""
    h, w = picture.shape[2:]
    if min(h, w) < 2 * SIDE or is_drawing(picture):
        return None
    draw, middle = torch.Generator().manual_seed(0), SIDE // 2
    patches = picture.unfold(2, SIDE, 1).unfold(3, SIDE, 1)  # b c h w side side
    pixel = patches[..., middle, middle]
    places = ((pixel > 0) & (pixel < 1)).all(1).nonzero()
    if len(places) < 2 * FEWEST:
        return None

    def some(count: int) -> tuple[Tensor, Tensor]:
        at = places[torch.randperm(len(places), generator=draw)[:count]]
        return at, patches[at[:, 0], :, at[:, 1], at[:, 2]]

    (here, asked), (there, offered) = some(ASKED), some(OFFERED)
    cut = ((asked <= 0) | (asked >= 1)).float().mean((1, 2, 3))
    around = torch.ones(SIDE, SIDE, dtype=torch.bool)
    around[middle, middle] = False
    apart, best = _nearest(asked[:, :, around].flatten(1), here, offered[:, :, around].flatten(1), there)
    difference = (asked - offered[best]) / 2**0.5
    low, high = BLACK
    value = asked[:, :, middle, middle]
    out = torch.minimum(value, 1 - value)  # from the nearer end
    about = torch.minimum(asked, 1 - asked).flatten(2)
    usual = about.masked_fill(about <= 0, float("nan")).nanquantile(0.25, 2)
    drawn = (about.amax(2) < LINE * usual) & (usual > LEAST)  # a line of one grey on black, in place of noise
    half = (cut > low) & (cut < high) & ((out < STROKE * usual) & ~drawn).all(1)
    known = (apart.isfinite() & ((cut < 1 - high) | half)).nonzero()[:, 0]
    if len(known) < FEWEST:
        return None
    level = asked[:, :, around].mean((1, 2))
    count = max(1, min(CLASSES, len(known) // (4 * FEWEST)))
    sorts = known[level[known].argsort()].chunk(count)
    classes = [g[apart[g].argsort()[: max(FEWEST, int(ALIKE * len(g)))]] for g in sorts]
    # Of black, only the upper half of the noise was not cut off: its mean square about black is the variance.
    squares = torch.where(half[:, None], out, difference[:, :, middle, middle]).square()
    # Of other values that are not cut off, their noise may have been so, if those about them are.
    for g in classes:
        rest = g[~half[g]]
        share = float(cut[rest].mean()) if len(rest) else 0.0
        squares[rest] /= truncated(share) if share < CUT else 1.0
    means = torch.stack([_inner(squares[g]) for g in classes])  # class, channel
    sigma = means.median(0).values.sqrt()  # what is foretold badly only ever adds
    return Foretold(
        sigma,
        float(_alike(difference[torch.cat(classes)])),
        torch.stack([level[g].mean() for g in classes]),
        means.mean(1),
        max(float(squares[g].mean()) for g in classes) ** 0.5,
    )


def _inner(squares: Tensor) -> Tensor:
    """The mean of squares "n c" of values that are normal but for a few, which are foretold badly: without these."""
    most = (FAR / 0.6745) ** 2 * squares.median(0).values + 1e-6
    inner = squares <= most
    return (squares * inner).sum(0) / inner.sum(0).clamp_min(1) / NEAR


def guessed(picture: Tensor, where: Tensor) -> tuple[Tensor, Tensor] | None:
    """Of some of the values where `where` (b, c, h, w) is true: (values, what the same surroundings hold elsewhere), each
    channel by itself; None where there are none inside."""
    channels = picture.shape[1]
    x, lost = (v.reshape(-1, 1, *v.shape[2:]) for v in (picture, where))
    if min(x.shape[2:]) < 2 * SIDE:
        return None
    draw, middle = torch.Generator().manual_seed(0), SIDE // 2
    patches = x.unfold(2, SIDE, 1).unfold(3, SIDE, 1)[:, 0]
    inside = lost[:, 0, middle:-middle, middle:-middle]

    def some(places: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
        at = places[torch.randperm(len(places), generator=draw)[:count]]
        found = patches[at.unbind(1)]
        around = found.flatten(1)
        return (
            at // torch.tensor([channels, 1, 1]),  # the same place in another channel is no other place
            torch.cat([around[:, : SIDE * SIDE // 2], around[:, SIDE * SIDE // 2 + 1 :]], 1),
            found[:, middle, middle],
        )

    here, asked, values = some(inside.nonzero(), ASKED // 2)
    if not len(here):
        return None
    there, offered, others = some(torch.ones_like(inside).nonzero(), OFFERED)
    return values, others[_nearest(asked, here, offered, there)[1]]


def _nearest(asked: Tensor, here: Tensor, offered: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
    """The squared distance to the most similar surroundings that do not overlap, and where they are."""
    squares, found = offered.square().sum(1), []
    for rows, at in zip(asked.split(500), here.split(500), strict=True):
        apart = (rows.square().sum(1, keepdim=True) + squares).sub_(2 * rows @ offered.T)
        apart[_overlapping(at, there)] = float("inf")
        found.append(apart.min(1))
    values, best = zip(*found, strict=True)
    return torch.cat(values), torch.cat(best)


def _overlapping(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """(which of a, which of b): all places (n, 3), picture, row and column, whose surroundings have pixels in common."""
    _, height, width = torch.maximum(a.amax(0), b.amax(0)) + 2 * SIDE  # nothing reaches into the next row
    steps, rows = torch.stack([height * width, width, torch.ones_like(width)]), torch.arange(1 - SIDE, SIDE)
    keys, order = (b * steps).sum(1).sort()
    first = ((a * steps).sum(1, keepdim=True) + rows * width + 1 - SIDE).flatten()
    begin, end = torch.searchsorted(keys, first), torch.searchsorted(keys, first + 2 * SIDE - 1)
    each = end - begin
    nth = torch.arange(int(each.sum())) - (each.cumsum(0) - each).repeat_interleave(each)
    one = torch.arange(len(a)).repeat_interleave(len(rows)).repeat_interleave(each)
    return one, order[begin.repeat_interleave(each) + nth]


def _alike(difference: Tensor) -> Tensor:
    """The correlation of (n, c, side, side) with itself one pixel along either axis; the mean of the channels."""
    whole = difference.square().mean((0, 2, 3)).clamp_min(1e-20)
    down = (difference[:, :, 1:] * difference[:, :, :-1]).mean((0, 2, 3))
    along = (difference[:, :, :, 1:] * difference[:, :, :, :-1]).mean((0, 2, 3))
    return ((down + along) / 2 / whole).mean()
