"""Where pixels are: padding by mirroring, crops, symmetries and strips, all as plain integers first.

Any size works, down to one pixel: a picture smaller than its padding is mirrored as often as needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import gcd, prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.allocator import give_back


def mirror(n: int, before: int, after: int) -> list[int]:
    """Indices into an axis of n elements, extended symmetrically (the edge is repeated): d c b a | a b c d | d c b a."""
    return [min(i % (2 * n), 2 * n - 1 - i % (2 * n)) for i in range(-before, n + after)]


def pad_to(x: Tensor, space: Sequence[int]) -> Tensor:
    """Mirror "b c *space" outwards, evenly on both sides, to a larger size."""
    for axis, size in enumerate(space, start=2):
        extra = size - x.shape[axis]
        if extra > 0:
            index = mirror(x.shape[axis], extra // 2, extra - extra // 2)
            x = x.index_select(axis, torch.tensor(index, device=x.device))
    return x


def crop_to(x: Tensor, space: Sequence[int]) -> Tensor:
    """The inverse of `pad_to`: the middle of the given size."""
    for axis, size in enumerate(space, start=2):
        extra = x.shape[axis] - size
        if extra > 0:
            x = x.narrow(axis, extra // 2, size)
    return x


def padded(space: Sequence[int], multiple: int) -> tuple[int, ...]:
    """The size a network with that multiple works at: the next multiple, and at least two."""
    return tuple(max(2 * multiple, -(-n // multiple) * multiple) if multiple > 1 else n for n in space)


def repeats(x: Tensor) -> int:
    """The largest k of which "b c *space" is made of blocks of k a side, each of one value; 1 of what is of one value all over."""
    found = 0
    for axis in range(2, x.ndim):
        changes = (x.diff(dim=axis) != 0).movedim(axis, 0).flatten(1).any(1).nonzero() + 1
        found = gcd(found, x.shape[axis], *changes.flatten().tolist())
    return found if any(n > found for n in x.shape[2:]) else 1


@dataclass(frozen=True)
class Strip:
    """A part of the first axis: `start:stop` is what is kept, `low:high` what must be seen for it."""

    start: int
    stop: int
    low: int
    high: int


def strips(n: int, height: int, halo: int) -> Iterator[Strip]:
    """Cover 0..n by strips of at most `height`, each seen with `halo` more on both sides where there is any."""
    for start in range(0, n, height):
        stop = min(n, start + height)
        yield Strip(start, stop, max(0, start - halo), min(n, stop + halo))


def tiles(space: Sequence[int], side: int | Sequence[int], halo: int | Sequence[int]) -> Iterator[tuple[Strip, ...]]:
    """Cover a space by boxes of at most `side`, each seen with `halo` more where there is any: about equally large ones, or, where
    there is a side for each axis, boxes of just that size but for the last. halo: of all axes, or of each."""
    sides = [-(-n // -(-n // side)) for n in space] if isinstance(side, int) else side
    halos = [halo] * len(space) if isinstance(halo, int) else halo
    return product(*(strips(n, s, h) for n, s, h in zip(space, sides, halos, strict=True)))


def evenly(space: Sequence[int], side: int, count: int) -> Iterator[tuple[slice, ...]]:
    """Parts of that side, `count` along each axis from one end to the other; where an axis is shorter, all of it."""
    starts = ([max(0, round(i * (n - side) / (count - 1))) for i in range(count)] for n in space)
    return (tuple(slice(i, i + side) for i in corner) for corner in product(*starts))


def _index(part: tuple[slice, ...]) -> tuple[Any, ...]:
    return (..., *part)


def over(
    space: Sequence[int],
    side: int | Sequence[int],
    halo: int | Sequence[int],
    work: Callable[[tuple[Any, ...], int], Tensor],
) -> Tensor:
    """ "... *space" from tiles: `work(seen, i)` makes of the i-th the part at `seen`, an index, "... *size of what is seen"."""
    whole: Tensor | None = None
    give_back(prod(space))
    for i, tile in enumerate(tiles(space, side, halo)):
        seen, kept, inner = (_index(part) for part in cuts(tile))
        made = work(seen, i)[inner]
        if whole is None:
            if made.shape[-len(space) :] == tuple(space):
                return made
            whole = made.new_empty((*made.shape[: -len(space)], *space))
        whole[kept] = made
    assert whole is not None
    return whole


def cuts(tile: tuple[Strip, ...]) -> tuple[tuple[slice, ...], ...]:
    """Of a tile: what is seen, what is kept, and where that is in what was seen."""
    return (
        tuple(slice(s.low, s.high) for s in tile),
        tuple(slice(s.start, s.stop) for s in tile),
        tuple(slice(s.start - s.low, s.stop - s.low) for s in tile),
    )


def symmetry(x: Tensor, which: int) -> Tensor:
    """One of the eight symmetries of the square, 0 to 7, applied to "b c h w"; other dimensions are only flipped."""
    flips = [axis for bit, axis in enumerate(range(2, min(x.ndim, 4))) if which >> bit & 1]
    x = x.flip(flips) if flips else x
    return x.transpose(2, 3) if x.ndim == 4 and which & 4 else x


def unsymmetry(x: Tensor, which: int) -> Tensor:
    """The inverse of `symmetry`."""
    x = x.transpose(2, 3) if x.ndim == 4 and which & 4 else x
    flips = [axis for bit, axis in enumerate(range(2, min(x.ndim, 4))) if which >> bit & 1]
    return x.flip(flips) if flips else x


WIDE = 6
"""Pixels from which on it is quicker to take the mean along one axis after the other."""


def pooling(ndim: int) -> Callable[..., Tensor]:
    """torch's mean over windows along so many axes of space."""
    return (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[ndim - 1]


def halve(x: Tensor) -> Tensor:
    """Means over blocks of two of (b, c, *space); a last row or column of its own stays."""
    return pooling(x.ndim - 2)(x, 2, ceil_mode=True, count_include_pad=False)


def double(x: Tensor, space: Sequence[int]) -> Tensor:
    """Linear interpolation of (b, c, *half) by two, cut to the size."""
    return begin_of(F.interpolate(x, scale_factor=2, mode=("linear", "bilinear", "trilinear")[x.ndim - 3]), space)


def begin_of(x: Tensor, space: Sequence[int]) -> Tensor:
    """The corner where (b, c, *space) begins, of the given size."""
    for axis, size in enumerate(space, start=2):
        x = x.narrow(axis, 0, size)
    return x


def box(x: Tensor, radius: int) -> Tensor:
    """The mean over the cube of 2 radius + 1, of the same size; beyond the border, and of an axis too short, nothing counts."""
    radii = [min(radius, (n - 1) // 2) for n in x.shape[2:]]
    pool = pooling(x.ndim - 2)
    if radius < WIDE:
        return pool(x, [2 * r + 1 for r in radii], 1, radii, count_include_pad=False)
    for axis in range(len(radii)):
        own = [r if i == axis else 0 for i, r in enumerate(radii)]
        x = pool(x, [2 * r + 1 for r in own], 1, own, count_include_pad=False)
    return x
