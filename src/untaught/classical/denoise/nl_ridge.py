"""A non-local ridge: similar patches are combined linearly, with the weights of least risk for the group.

Herbreteau and Kervrann, "Towards a unified view of unsupervised non-local methods for image denoising: the NL-Ridge approach"
(2022). For k similar patches, the rows of Y with n values each of noise variance v, the estimate is Z = T Y with

    T = I - n v (Y Y^T)^-1              from the noisy patches alone (least by Stein's estimate), and
    T = I - n v (X X^T + n v I)^-1      where a pilot X of the clean patches is at hand.

A better pilot makes a better estimate, and so does a larger group: with more patches than a patch has values the second is

    T = X (X^T X + n v I)^-1 X^T,       an n x n system however large the group.

Patches are colour patches; which are similar: `matching`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, TypeAlias

import torch
from torch import Tensor

from untaught.classical.denoise.matching import Pass, match
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.core.geometry import over, pooling
from untaught.core.linear_algebra import factor

FEW = 16
"""Similar patches that are no group yet if there are fewer."""
VALUES = 3 << 17
"""Of the patches that are combined at a time: few enough for the cache."""
Sides: TypeAlias = int | Sequence[int]
"""Of a patch: the same along all axes, or of each."""


@dataclass(frozen=True)
class NonLocalRidge:
    """The guide: a pass without a pilot, then those of `then`, each with what was found before as its pilot.

    again: the passes of `refine`.
    loud: deviation, as a fraction of full scale, from which the patches are two pixels larger.
    pixels: larger pictures are filtered by strips of about that many, so that memory does not grow with them.
    """

    first: Pass = Pass(7, 16)
    then: tuple[Pass, ...] = (Pass(5, 128),)
    again: tuple[Pass, ...] = (Pass(5, 256, 35),)
    loud: float = 37 / 255
    pixels: int = 1 << 18

    @property
    def reach(self) -> int:
        """Pixels to each side that a pixel of the estimate, or of the refined one, depends on."""
        return max(sum(p.reach for p in passes) for passes in ((self.first, *self.then), self.again))

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a picture (1, c, h, w); `deviation` of its noise broadcasts against it.

        A volume is filtered by blocks; series, and what is too small for a group, are left to non-local means.
        """
        if noisy.ndim == 5:
            from untaught.classical.denoise.blocks import Blocks

            return Blocks(rounds=0)(noisy, deviation)
        passes = self.passes((self.first, *self.then), noisy, deviation)
        return self._by_strips(passes, noisy, deviation) if passes else NonLocalMeans()(noisy, deviation)

    def refine(self, noisy: Tensor, deviation: Tensor, pilot: Tensor) -> Tensor:
        """Further passes, beginning with a pilot of the clean picture."""
        if noisy.ndim == 5:
            from untaught.classical.denoise.blocks import Blocks

            return Blocks(rounds=0).refine(noisy, deviation, pilot)
        passes = self.passes(self.again, noisy, deviation)
        return self._by_strips(passes, noisy, deviation, pilot) if passes else pilot

    def passes(self, passes: tuple[Pass, ...], y: Tensor, deviation: Tensor) -> tuple[Pass, ...]:
        """The passes for a picture of that size and noise; none where it is too small."""
        if y.ndim != 4 or not passes:
            return ()
        more = 2 if float(deviation.square().mean().sqrt()) >= self.loud else 0
        fitted = [p.of(y.shape[1], more).within(tuple(y.shape[2:])) for p in passes]
        return tuple(fitted) if min(p.group for p in fitted) >= FEW else ()

    def _by_strips(self, passes: tuple[Pass, ...], noisy: Tensor, deviation: Tensor, *pilot: Tensor) -> Tensor:
        height, width = noisy.shape[2:]
        halo = sum(p.reach for p in passes)
        rows = max(self.pixels // width, 4 * halo)

        def strip(seen: tuple[Any, ...], _: int) -> Tensor:
            y, spread, *x = (v[seen][0] for v in (noisy, deviation.expand_as(noisy), *pilot))
            made = x[0] if x else None
            for one in passes:
                groups = match(y if made is None else made, one).alike
                made = filtered(y, groups, one.patch, spread.square(), made)
            assert made is not None
            return made[None]

        return over((height, width), (rows, width), halo, strip)


def filtered(
    y: Tensor, groups: Tensor, side: Sides, variance: Tensor, pilot: Tensor | None, *, affine: bool = False
) -> Tensor:
    """(c, *space) with every group by its ridge; affine: the weights of an estimate add up to one (`piloted`)."""
    rows = patches(y, side)
    clean = rows if pilot is y else None if pilot is None else patches(pilot, side)
    noise = rows.shape[1] * patch_means(variance, side)

    def ridge(some: Tensor) -> tuple[Tensor, Tensor]:
        noisy, loud = taken(rows, some), noise[some].mean(1)
        if clean is None:
            return blind(noisy, loud)
        return piloted(noisy, noisy if clean is rows else taken(clean, some), loud, affine=affine)

    return combined(ridge, groups, y, side)


def combined(work: Callable[[Tensor], tuple[Tensor, Tensor]], groups: Tensor, like: Tensor, side: Sides) -> Tensor:
    """The picture that estimates of groups (g, k) of patches make: where patches overlap, their weighted mean.

    work: of some groups, the estimates (g, k, n) times their weights, and these, (g, k). like: of the picture's shape, (c, *space).
    """
    c, space, sides = like.shape[0], like.shape[1:], _sides(side, like.ndim - 1)
    total = like.new_zeros(prod(n - s + 1 for n, s in zip(space, sides, strict=True)), c * prod(sides))
    weights = total.new_zeros(len(total))
    for some in groups.split(max(1, VALUES // total.shape[1] // groups.shape[1])):
        estimate, sure = work(some)
        total.index_add_(0, some.flatten(), estimate.flatten(0, 1))
        weights.index_add_(0, some.flatten(), sure.flatten())
    return overlap(total, weights, like.shape, side)


def taken(rows: Tensor, some: Tensor) -> Tensor:
    """The patches (positions, n) of groups (g, k): (g, k, n)."""
    return rows.index_select(0, some.flatten()).view(*some.shape, -1)


def patch_means(x: Tensor, side: Sides) -> Tensor:
    """The mean of (c, *space) over every patch, (positions,)."""
    return pooling(x.ndim - 1)(x.mean(0, keepdim=True)[None], _sides(side, x.ndim - 1), 1).flatten()


def overlap(total: Tensor, weights: Tensor, shape: Sequence[int], side: Sides) -> Tensor:
    """The mean of overlapping patches, given as weighted rows (positions, values) and their weights: of that shape, (c, *space)."""
    c, space, sides = shape[0], shape[1:], _sides(side, len(shape) - 1)
    free = [n - s + 1 for n, s in zip(space, sides, strict=True)]
    total, weights = total.view(*free, *sides, c), weights.view(*free, 1)
    result, count = total.new_zeros(*space, c), total.new_zeros(*space, 1)
    for corner in product(*map(range, sides)):
        at = tuple(slice(i, i + n) for i, n in zip(corner, free, strict=True))
        result[at] += total[_at(*corner)]
        count[at] += weights
    return (result / count).movedim(-1, 0)


def blind(noisy: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Estimates of groups (g, k, n) times their certainties, and these, (g, k); noise: n v of each, (g,)."""
    gram = noisy @ noisy.mT
    # The products hold the noise already; a trace keeps equal patches solvable, in single precision too.
    _loaded(gram, 1e-4 * noise, gram.shape[1])
    mix = torch.cholesky_inverse(factor(gram)).mul_(-noise[:, None, None])
    mix.diagonal(dim1=1, dim2=2).add_(1)
    sure = 1 / mix.square().sum(1).clamp_min_(1e-2)
    return mix.mul_(sure[:, :, None]) @ noisy, sure


def piloted(noisy: Tensor, pilot: Tensor, noise: Tensor, *, affine: bool = False) -> tuple[Tensor, Tensor]:
    """The same, where a pilot of the clean patches is at hand, by the smaller of the two systems.

    An estimate's variance is about its own diagonal element of T, and its certainty the inverse of that.
    affine: each row of T adds up to one, so that what is the same in all patches stays: T of the patches less the pilot's mean,
    and 1 / k in every place.
    """
    _, k, n = noisy.shape
    even = 1 / k if affine else 0.0
    if affine:
        # T of what is even is 0, but for rounding, which a load of next to nothing would magnify.
        same, usual = pilot is noisy, noisy.mean(1, keepdim=True)
        noisy = noisy - usual
        pilot = noisy if same else pilot - pilot.mean(1, keepdim=True)
    if k <= n:
        load = _loaded(gram := pilot @ pilot.mT, noise, k)
        mix = torch.cholesky_inverse(factor(gram)).mul_(-load[:, None, None])
        mix.diagonal(dim1=1, dim2=2).add_(1)
        sure = 1 / (mix.diagonal(dim1=1, dim2=2) + even).clamp_min(1e-2)
        found = mix.mul_(sure[:, :, None]) @ noisy
    else:
        _loaded(gram := pilot.mT @ pilot, noise, k)
        # T = half half^T
        half = torch.linalg.solve_triangular(factor(gram).mT, pilot, upper=True, left=False)
        sure = 1 / (half.square().sum(2) + even).clamp_min(1e-2)
        answer = half.mT @ noisy
        found = half.mul_(sure[:, :, None]) @ answer
    return found.add_(sure[:, :, None] * usual) if affine else found, sure


def _loaded(gram: Tensor, noise: Tensor, k: int) -> Tensor:
    """Adds the noise, and a trace of the mean energy of k patches, to the diagonal; what was added, (g,)."""
    load = noise + 2e-5 * gram.diagonal(dim1=1, dim2=2).sum(1) / k + 1e-12
    gram.diagonal(dim1=1, dim2=2).add_(load[:, None])
    return load


SPARSE = NonLocalRidge(Pass(7, 16, 15), (Pass(5, 64, 15),), (Pass(5, 64, 15),), pixels=1 << 19)
"""Half of the time and about 0.3 dB less: for large pictures."""


@dataclass(frozen=True)
class Quick:
    """A guide for large pictures: non-local means by strips, and a sparse ridge where there is a better pilot than they."""

    means: NonLocalMeans = NonLocalMeans(distance=4, strip=64)
    ridge: NonLocalRidge = SPARSE

    @property
    def reach(self) -> int:
        """Pixels to each side that a pixel of the estimate, and of the last pass, depends on."""
        return max(self.means.reach, sum(p.reach for p in self.ridge.again))

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a picture (1, c, *space); `deviation` of its noise broadcasts against it."""
        return self.means(noisy, deviation)

    def refine(self, noisy: Tensor, deviation: Tensor, pilot: Tensor) -> Tensor:
        """The mean of a pilot of the clean picture and of the ridge's, which in small groups is no better but errs elsewhere."""
        return (pilot + self.ridge.refine(noisy, deviation, pilot)) / 2


@dataclass(frozen=True)
class Tiled:
    """Another ridge by tiles of at most `side`, so that its memory grows neither with the height nor with the width."""

    ridge: NonLocalRidge = SPARSE
    side: int = 1024

    @property
    def reach(self) -> int:
        """Pixels to each side that a pixel of the estimate, or of the refined one, depends on."""
        return self.ridge.reach

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        return self._over(self.ridge, noisy, deviation)

    def refine(self, noisy: Tensor, deviation: Tensor, pilot: Tensor) -> Tensor:
        return self._over(self.ridge.refine, noisy, deviation, pilot)

    def _over(self, work: Callable[..., Tensor], noisy: Tensor, deviation: Tensor, *pilot: Tensor) -> Tensor:
        maps = (noisy, deviation.expand_as(noisy), *pilot)
        return over(noisy.shape[2:], self.side, self.reach, lambda seen, _: work(*(m[seen] for m in maps)))


def patches(x: Tensor, side: Sides) -> Tensor:
    """All patches of (c, *space), one a row, (positions, values)."""
    n = x.ndim - 1
    found = x.movedim(0, -1).contiguous()
    for axis, size in enumerate(_sides(side, n)):
        found = found.unfold(axis, size, 1)
    return found.movedim(n, -1).flatten(n).flatten(0, n - 1)


def _at(*corner: int) -> tuple[Any, ...]:
    return (..., *corner, slice(None))


def _sides(side: Sides, axes: int) -> tuple[int, ...]:
    return (side,) * axes if isinstance(side, int) else tuple(side)
