"""Points of light, all of one shape (stars, beads, single molecules): fitted, and taken off before the rest is denoised.

A filter that seeks similar patches finds none for a faint star, and takes most of its light for noise. A matched filter sees it at
once (North 1963), and the flux of a known shape is one linear unknown: the crowded-field photometry of DAOPHOT (Stetson, PASP
1987), with a Gaussian whose width the picture itself tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.geometry import box, evenly, over
from untaught.core.linear_algebra import conjugate_gradients

WIDTHS = 0.6, 0.75, 0.95, 1.2, 1.5, 1.9, 2.4
"""Deviations that are tried, pixels: 1.4 to 4.5 at half maximum, and one that is too wide."""
SEEN, SURE = 4.2, 6.0  # how many deviations a point stands out; and those that tell the shape
FEWEST = 5  # sure points
MOSTLY = 0.75  # share of what stands out that has to be of that shape, else it is texture
DARK = 0.1  # dark points for each bright one: texture has as many of them
CROWDED = 0.02  # points a pixel beyond which they are texture, too
FITS, ALIKE = 1.6, 0.2  # variance of the noise that a fit may leave; and how far, of the height, a shape may be off
SIDE = 512  # pixels of a picture's sides that are filtered at a time, for the processor's cache
# Pixels beyond which so many by so many parts of this side are looked at before the whole.
LARGE, PARTS, PART = 1 << 21, 4, 256
PLENTY = 100  # things that stand out in these parts, from which on they speak for all of it
AROUND = 7  # pixels to each side that the ground is measured on


class Points(NamedTuple):
    """places: (n, 2), row and column. flux: (n,), of the whole point. width: deviation of their shape, pixels."""

    places: Tensor
    flux: Tensor
    width: float

    def picture(self, space: Sequence[int]) -> Tensor:
        """Them alone, (h, w)."""
        index, values = _stamps(self.places, self.width, space)
        return _drawn(index, values * self.flux[:, None], space)


def find_points(channel: Tensor, spread: Callable[[Tensor], Tensor], *, width: float | None = None) -> Points | None:
    """The points of light of (h, w) over independent noise; None where there are too few, or other things as well.

    spread: the noise's deviation at every pixel of a picture (1, 1, h, w) without it. width: that of the points of the
    picture of which this is a part, pixels; then those of that width are meant, however few, and whatever else there is.
    """
    y = channel.detach().double()
    if min(y.shape) < 4 * AROUND:
        return None
    sigma = float(spread(y.median().view(1, 1, 1, 1)).mean())
    if not sigma > 0:
        return None
    known = width is not None
    if not known and y.numel() > LARGE and _wider_things(y, sigma):
        return None
    ground = _ground(y, sigma)
    tried = [(one, *_peaks(y - ground, one, sigma)) for one in (WIDTHS if width is None else (width,))]
    sums = [_seen(strength) for *_, strength in tried]
    width, places, strength = tried[max(range(len(tried)), key=sums.__getitem__)]
    few, crowded = int((strength > SURE).sum()) < FEWEST, len(places) > CROWDED * y.numel()
    if not len(places) or (not known and (width == WIDTHS[-1] or few or crowded)):
        return None
    flux = _fitted(y - ground, places, width)
    for _ in range(2):
        ground = _ground(y - Points(places, flux, width).picture(y.shape), sigma)
        width = width if known else _narrowed(y - ground, places[strength > SURE], width)
        flux = _fitted(y - ground, places, width)
    points = Points(places, flux, width)
    clean = (ground + points.picture(y.shape)).clamp_min(float(ground.min()))[None, None]
    dark, _ = _peaks(ground + points.picture(y.shape) - y, width, sigma)
    good = _of_that_shape(y - ground, points, spread(clean).expand_as(clean)[0, 0]) & (flux > 0)
    sure = strength > SURE
    if known and not bool(good.any()):
        return None
    if not known and (
        len(dark) > DARK * len(places) or int((good & sure).sum()) < max(FEWEST, MOSTLY * int(sure.sum()))
    ):
        return None
    places = places[good]
    return Points(places, _fitted(y - ground, places, width), width)


def _seen(strength: Tensor) -> float:
    return float(strength[strength > SURE].square().sum())


def _wider_things(y: Tensor, sigma: float) -> bool:
    """Whether parts of a large picture, spread over it, show enough to say that what stands out is wider than points are."""
    sums, sure = torch.zeros(len(WIDTHS)), 0
    for part in (y[seen] for seen in evenly(y.shape, PART, PARTS)):
        left = part - _ground(part, sigma)
        strengths = [_peaks(left, width, sigma)[1] for width in WIDTHS]
        sums += torch.tensor([_seen(strength) for strength in strengths])
        sure += int((strengths[-1] > SURE).sum())
    return sure >= PLENTY and int(sums.argmax()) == len(WIDTHS) - 1


def _ground(y: Tensor, sigma: float) -> Tensor:
    """A mean that no point moves far: values count as no farther from it than 1.5 deviations."""
    x = y[None, None]
    ground = box(x.clamp(max=float(y.median()) + 3 * sigma), AROUND)
    for _ in range(4):
        ground = box(torch.minimum(torch.maximum(x, ground - 1.5 * sigma), ground + 1.5 * sigma), AROUND)
    return ground[0, 0]


def _peaks(y: Tensor, width: float, sigma: float) -> tuple[Tensor, Tensor]:
    """Where a matched filter of that width has its peaks, between pixels (n, 2), and how many deviations they stand out (n,)."""
    reach = int(3 * width) + 1
    at = torch.arange(-reach, reach + 1, dtype=y.dtype)
    one = (-(at**2) / (2 * width**2)).exp()
    mean = one.mean() ** 2  # without it: blind to the ground
    size = ((one.square().sum() ** 2) - one.numel() ** 2 * mean**2).sqrt()
    wide = F.pad(y[None, None], [reach] * 4, "reflect")[0, 0]

    def some(seen: tuple[Any, ...], _: int) -> Tensor:
        part = wide[tuple(slice(s.start, s.stop + 2 * reach) for s in seen[1:])]
        flat = _along(_along(part, torch.ones_like(one), 0), torch.ones_like(one), 1)
        return (_along(_along(part, one, 0), one, 1) - mean * flat) / (sigma * size)

    z = over(y.shape, SIDE, 0, some)
    rows, columns = (z[1:-1, 1:-1] > SEEN).nonzero(as_tuple=True)
    top = z[rows + 1, columns + 1] == z.unfold(0, 3, 1).unfold(1, 3, 1)[rows, columns].amax((1, 2))
    rows, columns = rows[top] + 1, columns[top] + 1

    def between(before: Tensor, here: Tensor, after: Tensor) -> Tensor:
        bend = (2 * here - before - after).clamp_min(1e-9)
        return ((after - before) / (2 * bend)).clamp(-0.5, 0.5)

    here = z[rows, columns]
    down = between(z[rows - 1, columns], here, z[rows + 1, columns])
    along = between(z[rows, columns - 1], here, z[rows, columns + 1])
    return torch.stack([rows + down, columns + along], 1), here


def _along(x: Tensor, weights: Tensor, axis: int) -> Tensor:
    """x (h, w) correlated with the weights along an axis, where these lie within it."""
    size = x.shape[axis] - len(weights) + 1
    made = x.narrow(axis, 0, size) * weights[0]
    for i, weight in enumerate(weights[1:].tolist(), 1):
        made.add_(x.narrow(axis, i, size), alpha=weight)
    return made


def _stamps(places: Tensor, width: float, space: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Of every point the pixels about it, by number (n, p), and what of its flux each has, (n, p); 0 beyond the border."""
    reach = int(4 * width) + 1
    at = torch.arange(-reach, reach + 1)
    middle = places.round().long()
    rows, columns = middle[:, :1] + at, middle[:, 1:] + at

    def profile(pixels: Tensor, place: Tensor) -> Tensor:  # the mean over each pixel
        scale = width * 2**0.5
        return (torch.erf((pixels + 0.5 - place) / scale) - torch.erf((pixels - 0.5 - place) / scale)) / 2

    h, w = space
    share = profile(rows, places[:, :1])[:, :, None] * profile(columns, places[:, 1:])[:, None]
    there = ((rows >= 0) & (rows < h))[:, :, None] & ((columns >= 0) & (columns < w))[:, None]
    index = rows.clamp(0, h - 1)[:, :, None] * w + columns.clamp(0, w - 1)[:, None]
    return index.flatten(1), (share * there).flatten(1)


def _drawn(index: Tensor, values: Tensor, space: Sequence[int]) -> Tensor:
    whole = values.new_zeros(space[0] * space[1])
    return whole.index_add_(0, index.flatten(), values.flatten()).view(space[0], space[1])


def _fitted(y: Tensor, places: Tensor, width: float) -> Tensor:
    """The fluxes whose sum is nearest to the data, all together: neighbours share pixels."""
    index, values = _stamps(places, width, y.shape)

    def normal(flux: Tensor) -> Tensor:
        return (_drawn(index, values * flux[:, None], y.shape).flatten()[index] * values).sum(1)

    b = (y.flatten()[index] * values).sum(1)
    return conjugate_gradients(normal, b, b / values.square().sum(1).clamp_min(1e-12), 20)


def _narrowed(y: Tensor, places: Tensor, width: float) -> float:
    """The width about that one that leaves the least of the points."""

    def left(width: float) -> float:
        points = Points(places, _fitted(y, places, width), width)
        index, _ = _stamps(places, WIDTHS[-2], y.shape)
        return float((y - points.picture(y.shape)).flatten()[index].square().sum())

    for step in (0.16, 0.06, 0.02):
        width = min((width * factor for factor in (1 / (1 + step), 1.0, 1 + step)), key=left)
    return width


def _of_that_shape(y: Tensor, points: Points, spread: Tensor) -> Tensor:
    """Which points leave nothing but noise, (n,): an edge, a line or a hot pixel is of another shape."""
    index, values = _stamps(points.places, points.width, y.shape)
    near = values > 0.02 * values.max(1, keepdim=True).values
    left = (y - points.picture(y.shape)).flatten()[index].square()
    model = (values * points.flux[:, None]).square()
    noise = spread.flatten()[index].square()
    return (left * near).sum(1) < ((FITS * noise + ALIKE**2 * model) * near).sum(1)
