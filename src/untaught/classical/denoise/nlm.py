"""Non-local means: each pixel becomes the mean of those whose surroundings look alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from untaught.core.allocator import give_back
from untaught.core.geometry import box, double, halve, mirror, pad_to


@dataclass(frozen=True)
class NonLocalMeans:
    """Non-local means (Buades, Coll and Morel 2005) with a strength that follows the noise from pixel to pixel.

    strength: h in units of the noise's standard deviation. patch: its radius. distance: how far alike patches are sought.
    coarse: where not 0, the result at half the resolution is filtered once more with this strength, and the difference put
    back: noise that neighbours share reaches down to there. strip: where not 0, no more rows than that are filtered at once,
    which bounds the memory.
    """

    strength: float = 1.2
    patch: int = 2
    distance: int = 6
    coarse: float = 0.0
    strip: int = 0

    @property
    def reach(self) -> int:
        """Pixels to each side that a pixel of the estimate depends on."""
        once = 2 * self.distance + self.patch
        return 3 * once + 2 if self.coarse else once

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a picture (1, c, *space); `deviation` of its noise broadcasts against it."""
        give_back(noisy.numel())
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
        if self.strip and y.ndim == 4:
            found = torch.empty_like(y)
            for picture, level, into in zip(y, h, found, strict=True):
                by_strips(picture, level[0], self, into)
            return found
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


def by_strips(y: Tensor, h: Tensor, means: NonLocalMeans, total: Tensor) -> None:
    """`NonLocalMeans.filter` of one picture (c, h, w) into `total`, h (h, w): a few rows at a time, with few passes over them and
    no new memory."""
    channels, height, width = y.shape
    reach, side = means.distance, 2 * means.patch + 1
    margin = reach + means.patch
    beyond, across = (torch.tensor(mirror(n, margin, margin), device=y.device) for n in y.shape[1:])
    rows = min(means.strip, height)
    spare = [y.new_empty((rows + 2 * margin) * (width + 2 * margin)) for _ in range(3)]
    weights = y.new_empty(rows, width)
    for top in range(0, height, rows):
        n = min(rows, height - top)
        part = y.index_select(1, beyond[top : top + n + 2 * margin]).index_select(2, across)
        scale = -1 / (channels * side**2) / h[top : top + n].square().clamp_min(1e-12)
        mean = total[:, top : top + n].copy_(part[:, margin : margin + n, margin : margin + width])
        weight = weights[:n].fill_(1)
        for i, j in product(range(reach + 1), range(-reach, reach + 1)):
            if (i, j) <= (0, 0):
                continue
            # Distances of p to p - (i, j), for p in this strip and for those p whose other side is in it.
            low, tall, broad = min(0, j) + reach, n + i + side - 1, width + abs(j) + side - 1
            apart, step = _view(spare[0], tall, broad), _view(spare[1], tall, broad)
            for c in range(channels):
                here = part[c, reach : reach + tall, low : low + broad]
                there = part[c, reach - i : reach - i + tall, low - j : low - j + broad]
                torch.sub(here, there, out=apart if c == 0 else step)
                apart.mul_(apart) if c == 0 else apart.addcmul_(step, step)
            apart = _sums(_sums(apart, side, 1, spare[1], spare[2]), side, 0, spare[1], spare[0])
            w = _view(spare[1], n, width)
            for down, along in ((i, j), (-i, -j)):
                y0, x0 = max(0, -down), max(0, -along)
                torch.mul(apart[y0 : y0 + n, x0 : x0 + width], scale, out=w).exp_()
                weight.add_(w)
                for c in range(channels):
                    y1, x1 = margin - down, margin - along
                    mean[c].addcmul_(w, part[c, y1 : y1 + n, x1 : x1 + width])
        mean.div_(weight)


def _view(flat: Tensor, height: int, width: int) -> Tensor:
    return flat[: height * width].view(height, width)


def _sums(x: Tensor, side: int, axis: int, pairs: Tensor, result: Tensor) -> Tensor:
    """Sums of `side` (odd) neighbours along an axis of (h, w), written over the flat `result`; by pairs, which saves a third."""
    n = x.shape[axis]
    shape = [x.shape[0], x.shape[1]]
    shape[axis] = n - 1
    two = torch.add(x.narrow(axis, 0, n - 1), x.narrow(axis, 1, n - 1), out=_view(pairs, *shape)) if side > 1 else x
    shape[axis] = size = n - side + 1
    found = _view(result, *shape).copy_(x.narrow(axis, side - 1, size))
    for k in range(0, side - 1, 2):
        found.add_(two.narrow(axis, k, size))
    return found


def window(x: Tensor, space: Sequence[int], shift: Sequence[int], margin: int) -> Tensor:
    """The part of that size, `margin` from the corner, moved by `shift`."""
    for axis, (size, s) in enumerate(zip(space, shift, strict=True), start=2):
        x = x.narrow(axis, margin + s, size)
    return x
