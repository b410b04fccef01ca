"""The ridge of volumes: similar blocks are sought in a box about each, and combined as patches are (`nl_ridge`, `lichi`).

As BM4D takes BM3D's groups to three axes (Maggioni, Katkovnik, Egiazarian and Foi, IEEE Transactions on Image Processing 2013). How
much neighbours have in common along each axis a group says itself, so that samples need not lie as far apart in all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.classical.denoise.lichi import NEAR
from untaught.classical.denoise.matching import COMPONENTS, grid
from untaught.classical.denoise.nl_ridge import FEW, filtered
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.core.geometry import box, over
from untaught.core.linear_algebra import axes

AT_ONCE = 1 << 24
"""Distances that are compared at a time."""
SAMPLE = 1 << 16
"""Blocks of which the principal components are taken."""
Size = tuple[int, ...]


@dataclass(frozen=True)
class BlockPass:
    """One filtering: sides of the blocks; how many similar ones make a group, sought in a `window` about each; the distance of
    those that are grouped for. Samples along z, y and x. several: the longest side in volumes of several channels."""

    patch: Size = (4, 4, 4)
    group: int = 64
    window: Size = (9, 11, 11)
    stride: Size = (3, 3, 3)
    several: int = 3

    def within(self, space: Size, channels: int) -> BlockPass:
        """The same for a volume of that size, with a group that a window holds in its corner."""
        # Of several channels a block of that side holds more values than a group can tell apart.
        sides = self.patch if channels == 1 else tuple(min(p, self.several) for p in self.patch)
        patch = tuple(map(min, zip(sides, space, strict=True)))
        stride = tuple(map(min, zip(self.stride, patch, strict=True)))
        corner = prod(min(n - p + 1, w // 2 + 1) for n, p, w in zip(space, patch, self.window, strict=True))
        return replace(self, patch=patch, stride=stride, group=min(self.group, corner))

    @property
    def reach(self) -> Size:
        """Samples to each side that one of the estimate depends on; the components, which all share, aside."""
        return tuple(w // 2 + p + s for w, p, s in zip(self.window, self.patch, self.stride, strict=True))


@dataclass(frozen=True)
class Blocks:
    """A pass without a pilot, those of `then`, each with what was found before as its pilot, and rounds of `each` as LIChI's.

    whole: samples up to which a volume is filtered at once; a larger one in parts of `side` an axis, so that memory does not grow
    with it.
    """

    first: BlockPass = BlockPass((3, 3, 3), 16, stride=(2, 2, 2))
    then: tuple[BlockPass, ...] = (BlockPass((3, 3, 3), 32, stride=(2, 2, 2)),)
    each: BlockPass = BlockPass((3, 3, 3), 32, stride=(2, 2, 2))
    rounds: int = 3
    whole: int = 1 << 18
    side: int = 64

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a volume (1, c, d, h, w); `deviation` of its noise broadcasts against it.

        One that is too small for a group is left to non-local means.
        """
        if not self._fits(noisy, self.first, *self.then):
            return NonLocalMeans()(noisy, deviation)
        return self.refine(noisy, deviation, self._passed(self.first, noisy, deviation, None))

    def refine(self, noisy: Tensor, deviation: Tensor, pilot: Tensor) -> Tensor:
        """The passes and rounds after the first, beginning with a pilot of the clean volume."""
        if not self._fits(noisy, *self.then, self.each):
            return pilot
        for one in self.then:
            pilot = self._passed(one, noisy, deviation, pilot)
        return self._rounds(noisy, deviation, pilot)

    def _fits(self, noisy: Tensor, *passes: BlockPass) -> bool:
        return all(self._fitted(one, noisy).group >= FEW for one in passes)

    def _fitted(self, one: BlockPass, noisy: Tensor) -> BlockPass:
        return one.within(tuple(noisy.shape[2:]), noisy.shape[1])

    def _passed(self, one: BlockPass, noisy: Tensor, deviation: Tensor, pilot: Tensor | None) -> Tensor:
        fit = self._fitted(one, noisy)
        sought = noisy if pilot is None else pilot
        ways, spread = leading(sought[0], fit.patch), deviation.expand_as(noisy)

        def part(seen: tuple[Any, ...], _: int) -> Tensor:
            x = None if pilot is None else pilot[seen][0]
            groups = match(sought[seen][0], fit, ways)
            return filtered(noisy[seen][0], groups, fit.patch, spread[seen][0].square(), x)[None]

        return self._over(noisy, fit, part)

    def _rounds(self, y: Tensor, deviation: Tensor, x: Tensor) -> Tensor:
        """As `LIChI._rounds`, for volumes: blocks are grouped by the noisy ones, round after round the same."""
        fit, z, first = self._fitted(self.each, y), y, x
        ways, spread = leading(y[0], fit.patch), deviation.expand_as(y).clamp_min(1e-6)
        # Those of parts would grow with the volume, and are sought again every round.
        once = match(y[0], fit, ways) if self.rounds and self._at_once(y) else None
        for number in range(self.rounds):

            def part(seen: tuple[Any, ...], _: int, z: Tensor = z, number: int = number) -> Tensor:
                left = (spread[seen] - box((y[seen] - z[seen]).square(), NEAR).sqrt()).clamp_min(1e-6)
                before = z[seen][0]
                pilot = before if number else first[seen][0]
                groups = match(y[seen][0], fit, ways) if once is None else once
                return filtered(before, groups, fit.patch, left.square()[0], pilot, affine=True)[None]

            z = self._over(y, fit, part)
        return z if self.rounds else x

    def _at_once(self, noisy: Tensor) -> bool:
        return prod(noisy.shape[2:]) <= self.whole

    def _over(self, noisy: Tensor, fit: BlockPass, part: Callable[[tuple[Any, ...], int], Tensor]) -> Tensor:
        space = noisy.shape[2:]
        side = max(space) if self._at_once(noisy) else self.side
        return over(space, side, [r + NEAR for r in fit.reach], part)


LARGE = Blocks(BlockPass(group=16), (BlockPass((6, 6, 6)),), BlockPass((5, 5, 5), 48))
"""For what changes slowly."""


def match(x: Tensor, one: BlockPass, ways: Tensor) -> Tensor:
    """For blocks of (c, d, h, w) on a grid the most similar ones of their windows, by number, (g, k)."""
    f = F.conv3d(x[None], ways)[0]
    f = f - f.mean((1, 2, 3), keepdim=True)  # so that little is lost to rounding
    _, d, h, w = f.shape
    reach = [n // 2 for n in one.window]
    wide = F.pad(f, [r for r in reversed(reach) for _ in range(2)], value=float("inf"))  # never similar
    deep, down, along = (grid(n, s).to(f.device) for n, s in zip((d, h, w), one.stride, strict=True))
    steps = list(product(*map(range, one.window)))
    moved = torch.tensor([((i - reach[0]) * h + j - reach[1]) * w + k - reach[2] for i, j, k in steps], device=f.device)
    found = []
    for some in deep.split(max(1, AT_ONCE // (len(steps) * len(down) * len(along)))):
        mine = f[:, some][:, :, down][..., along]
        apart = f.new_empty(len(steps), *mine.shape[1:])
        for at, (i, j, k) in zip(apart, steps, strict=True):
            theirs = wide[:, some + i][:, :, down + j][..., along + k]
            torch.sum(theirs.sub_(mine).square_(), 0, out=at)
        apart[len(steps) // 2] = -1  # itself, always
        nearest = apart.flatten(1).T.contiguous().topk(one.group, dim=1, largest=False, sorted=False).indices
        number = ((some[:, None, None] * h + down[:, None]) * w + along).flatten()
        found.append(number[:, None] + moved[nearest])
    return torch.cat(found)


def leading(x: Tensor, side: Size) -> Tensor:
    """The axes of the leading principal components of all blocks of (c, d, h, w), as the weights of a convolution."""
    step = max(1, min(3, min(side)), ceil((x[0].numel() / SAMPLE) ** (1 / 3)))
    some = x
    for axis, size in enumerate(side, start=1):
        some = some.unfold(axis, size, min(step, max(1, (some.shape[axis] - size) // 4 + 1)))
    some = some.movedim(0, 3).flatten(3).flatten(0, 2)
    some = some - some.mean(0)
    _, ways = axes(some.T @ some)
    return ways[:, -COMPONENTS:].T.reshape(-1, x.shape[0], *side)
