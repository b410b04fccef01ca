"""The ridge once more on its own picture, round after round, for the noise that is left in it.

After Herbreteau and Kervrann, "Linear Combinations of Patches are Unreasonably Effective for Single-Image Denoising" (LIChI, IEEE
Transactions on Image Processing 2024): small patches, groups of few, weights that add up to one, a pilot that gets better every
round. From a pilot x of the picture, and z = y, a round is

    x <- the ridge of z, with the pilot x, for the noise that y - z says is left in z,          z <- x.

Theirs leaves z a share of the noise that falls from round to round, and seeks patches anew; to leave it none, and to group once, by
the noisy picture, is better: groups that are sought in a pilot confirm what it got wrong (docs/benchmarks/white-noise.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from untaught.classical.denoise.matching import Pass, match
from untaught.classical.denoise.nl_ridge import FEW, SPARSE, NonLocalRidge, Tiled, filtered
from untaught.core.geometry import box, over

NEAR = 2  # pixels about one whose y - z says how much noise is left there
SIDE = 768  # of the tiles of a large picture


@dataclass(frozen=True)
class LIChI:
    """pilot: what makes the first one. each: the pass of every round, for three channels; with fewer, patches hold too few values,
    and are a pixel larger for each that is missing. rounds: how many of them. last: times the noise, in the last round, which takes
    more of what rounds that are few have left."""

    pilot: NonLocalRidge | Tiled = NonLocalRidge()
    each: Pass = Pass(3, 40, 37, stride=3)
    rounds: int = 6
    last: float = 1.0

    @property
    def reach(self) -> int:
        """Pixels to each side that a pixel of the estimate, or of the refined one, depends on."""
        return self.pilot.reach + self.rounds * (self.each.reach + NEAR)

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a picture (1, c, *space); `deviation` of its noise broadcasts against it.

        Series, volumes and pictures that are too small for a group are left to the pilot.
        """
        return self.refine(noisy, deviation, self.pilot(noisy, deviation))

    def refine(self, noisy: Tensor, deviation: Tensor, pilot: Tensor) -> Tensor:
        """All rounds, beginning with a pilot of the clean picture."""
        if noisy.ndim != 4:
            return pilot
        one = replace(self.each, patch=self.each.patch + 3 - min(3, noisy.shape[1])).within(tuple(noisy.shape[2:]))
        if one.group < FEW:
            return pilot
        deviation = deviation.expand_as(noisy).clamp_min(1e-6)

        def tile(seen: tuple[Any, ...], _: int) -> Tensor:
            return self._rounds(noisy[seen], deviation[seen], pilot[seen], one)

        return over(noisy.shape[2:], SIDE, self.rounds * (one.reach + NEAR), tile)

    def _rounds(self, y: Tensor, deviation: Tensor, x: Tensor, one: Pass) -> Tensor:
        z, groups = y, match(y[0], one).alike
        for loud in [deviation] * (self.rounds - 1) + [self.last * deviation]:
            left = (loud - box((y - z).square(), NEAR).sqrt()).clamp_min(1e-6)
            before = z[0]
            x = z = filtered(before, groups, one.patch, left.square()[0], before if x is z else x[0], affine=True)[None]
        return x


QUICK = LIChI(NonLocalRidge(then=()), Pass(3, 40, 25, stride=3), 4, last=1.1)


@dataclass(frozen=True)
class LIChIGuide(LIChI):
    """A guide: the pilot alone, and all rounds only where there is a better one than it.

    Of three channels the ridge's last pass, with its large groups, is the better for the rounds' picture as its pilot, and of fewer
    the rounds for the ridge's (docs/benchmarks/white-noise.md).
    share: of the rounds' picture beside the ridge's where that comes last.
    """

    share: float = 0.2

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The pilot's estimate of a picture (1, c, *space); `deviation` of its noise broadcasts against it."""
        return self.pilot(noisy, deviation)

    def refine(self, noisy: Tensor, deviation: Tensor, pilot: Tensor) -> Tensor:
        """All rounds and the ridge's last pass."""
        if noisy.shape[1] < 3:
            return super().refine(noisy, deviation, self.pilot.refine(noisy, deviation, pilot))
        found = super().refine(noisy, deviation, pilot)
        return self.pilot.refine(noisy, deviation, found).lerp(found, self.share)


@dataclass(frozen=True)
class LIChIThenRidge(LIChIGuide):
    """All of that at once, with the pilot's own estimate for the pilot."""

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        return self.refine(noisy, deviation, super().__call__(noisy, deviation))


_SPARSE = Pass(3, 40, 15, stride=3)
LARGE = LIChI(Tiled(replace(SPARSE, then=())), _SPARSE, 4, last=1.1)
"""For large pictures: windows of 15 pixels hold enough that is alike (docs/benchmarks/speed.md)."""
LARGER = LIChIThenRidge(Tiled(replace(SPARSE, then=(), again=(Pass(5, 128, 25),))), _SPARSE, 4, last=1.1, share=0.5)
"""The same, with a pass of the ridge that takes its time."""
