"""What does not move is the mean of its frames, and then restored as a picture of so much less noise.

Frames are weighted by how alike they are about the same place (Buades, Coll and Morel 2005, along time alone). Patches that are
sought one by one (`series`) find the same place again only as well as its noise lets them, which in smooth parts is badly.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from untaught.classical import Denoiser
from untaught.classical.denoise.lichi import QUICK
from untaught.classical.denoise.matching import Pass
from untaught.classical.denoise.series import SeriesRidge
from untaught.core.geometry import box

WRONG = 1.2
"""By how much the variance of the noise may be told wrongly, at the most."""


@dataclass(frozen=True)
class Steadied:
    """series: what restores the parts that move. frames: how many before and after a frame its mean is of. patch: radius of what is
    compared, with weights that fall by e for every `loose` that two frames differ by more than by their noise, over that.
    still: how much more they may differ in a wide neighbourhood for it to be still, and from which on it moves.
    """

    series: SeriesRidge = SeriesRidge()
    frames: int = 4
    patch: int = 4
    loose: float = 0.4
    wide: int = 20
    still: tuple[float, float] = (0.02, 0.06)
    alone: Denoiser = QUICK
    last: SeriesRidge = field(default=SeriesRidge(then=(Pass(5, 128),)), repr=False)

    @property
    def frames_seen(self) -> int:
        """Frames before and after one that it depends on; the components, which all frames at hand share, aside."""
        return max(self.series.frames_seen, self.frames + self.last.frames_seen)

    def __call__(self, noisy: Tensor, deviation: Tensor, pilot: Tensor | None = None) -> Tensor:
        """The estimate of a series (1, c, t, h, w); `deviation` of its noise broadcasts against it. pilot: as `series` takes it."""
        moving = self.series(noisy, deviation, pilot)
        if noisy.ndim != 5:
            return moving
        spread = deviation.expand_as(noisy)
        means, less, differs = self._means(noisy, spread)
        low, high = self.still
        share = ((high - differs) / (high - low)).clamp(0, 1)
        if not bool(share.any()):
            return moving
        made = [self.alone(one[None], s[None]) for one, s in zip(means, less, strict=True)]
        steady = torch.cat(made).movedim(0, 1)[None]
        steady = (steady + self.last(noisy, deviation, steady)) / 2  # which err differently
        return torch.lerp(moving, steady, share.movedim(0, 1)[None])

    def _means(self, noisy: Tensor, spread: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """For every frame: the mean of those about it, the deviation of its noise, (t, c, h, w); and how much more they differ than
        by noise, (t, 1, h, w)."""
        y, variance = noisy[0].movedim(1, 0), spread[0].movedim(1, 0).square()
        variance = variance * self._told_wrongly(y, variance)
        means, less, differs = [], [], []
        for t in range(len(y)):
            total, noise, weights, more = y[t], variance[t], torch.ones_like(y[t, :1]), []
            for u in range(max(0, t - self.frames), min(len(y), t + self.frames + 1)):
                if u == t:
                    continue
                apart = _apart(y, variance, t, u) - 1
                weight = (-box(apart, self.patch)[0].clamp_min(0) / self.loose).exp()
                total, noise, weights = total + weight * y[u], noise + weight**2 * variance[u], weights + weight
                more.append(box(apart, self.wide)[0])
            means.append(total / weights)
            less.append(noise.sqrt() / weights)
            differs.append(torch.stack(more).mean(0) if more else torch.full_like(y[t, :1], torch.inf))
        return torch.stack(means), torch.stack(less), torch.stack(differs)

    def _told_wrongly(self, y: Tensor, variance: Tensor) -> float:
        """How loud the noise is over what was told, as half of the frames that follow each other differ by less.

        A few hundredths decide whether frames far apart are of one scene. What moves makes the more of a difference the further
        they are apart, and next to none where they follow each other.
        """
        if len(y) < 2:
            return 1.0
        near = torch.cat([box(_apart(y, variance, t, t + 1), self.wide) for t in range(len(y) - 1)])
        return min(max(float(near[..., :: self.patch, :: self.patch].median()), 1 / WRONG), WRONG)


def _apart(y: Tensor, variance: Tensor, t: int, u: int) -> Tensor:
    """The squared difference of two frames over that of their noise, (1, 1, h, w)."""
    both = (variance[t] + variance[u]).mean(0, keepdim=True).clamp_min(1e-12)
    return ((y[u] - y[t]).square().mean(0, keepdim=True) / both)[None]
