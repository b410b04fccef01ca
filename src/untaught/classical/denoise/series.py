"""A non-local ridge along time: similar patches are sought in the frames before and after, too, wherever they moved.

As Arias and Morel ("Video denoising via empirical Bayesian estimation of space-time patches", Journal of Mathematical Imaging and
Vision 2018) gather the groups of NL-Bayes, without a motion that has to be estimated: a patch that is there again with other noise
is similar by itself. Groups are combined as in one picture (`nl_ridge`), for which frames lie one below the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.classical import Denoiser, Estimated, Estimator, refuse_unless_identity
from untaught.classical.denoise.matching import Pass, grid, leading, projected
from untaught.classical.denoise.nl_ridge import NonLocalRidge, filtered
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.core.geometry import box, over
from untaught.problem import Problem

AT_ONCE = 1 << 24
"""Distances that are compared at a time, so that memory does not grow with the frames."""


@dataclass(frozen=True)
class SeriesRidge:
    """A pass without a pilot, then those of `then`, each with what was found before as its pilot.

    frames: how many before and after a frame are searched, in a square of `near` pixels about the same place.
    whole: pixels of all frames together up to which a series is filtered at once; a larger one in tiles of `side`, frame by frame
    and pixel by pixel, so that memory does not grow with it.
    """

    first: Pass = Pass(7, 16)
    then: tuple[Pass, ...] = (Pass(5, 64), Pass(5, 128))
    frames: int = 2
    near: int = 15
    whole: int = 1 << 19
    side: tuple[int, int, int] = (8, 192, 192)

    @property
    def frames_seen(self) -> int:
        """Frames before and after one that it depends on; the components, which all frames at hand share, aside."""
        return 2 * self.frames * (1 + len(self.then))

    def __call__(self, noisy: Tensor, deviation: Tensor, pilot: Tensor | None = None) -> Tensor:
        """The estimate of a series (1, c, t, h, w); `deviation` of its noise broadcasts against it.

        pilot: a first estimate, in the place of the first pass. Frames that are too small for a group are left to it, or to
        non-local means, and a picture to the ridge.
        """
        alone = NonLocalRidge(self.first, self.then)
        if noisy.ndim != 5:
            return alone(noisy, deviation)
        passes = (self.first, *self.then) if pilot is None else self.then
        fitted = alone.passes(passes, noisy[:, :, 0], deviation)
        if not fitted:
            return NonLocalMeans()(noisy, deviation) if pilot is None else pilot
        space, made = noisy.shape[2:], pilot
        side = space if prod(space) <= self.whole else self.side
        for one in fitted:
            made = over(space, side, (2 * self.frames, one.reach, one.reach), self._pass(one, noisy, deviation, made))
        assert made is not None
        return made

    def _pass(
        self, one: Pass, noisy: Tensor, deviation: Tensor, pilot: Tensor | None
    ) -> Callable[[tuple[Any, ...], int], Tensor]:
        """What makes a tile of a pass: all of them look for what is alike by the same components."""
        ways = leading((noisy if pilot is None else pilot)[0].movedim(1, 0), one.patch)

        def tile(seen: tuple[Any, ...], _: int) -> Tensor:
            y, variance = noisy[seen][0], deviation.expand_as(noisy)[seen][0].square().flatten(1, 2)
            x = None if pilot is None else pilot[seen][0]
            groups = self._groups(y if x is None else x, one, ways)
            clean = None if x is None else x.flatten(1, 2)
            return filtered(y.flatten(1, 2), groups, one.patch, variance, clean).view(1, *y.shape)

        return tile

    def _groups(self, x: Tensor, one: Pass, ways: Tensor) -> Tensor:
        """For the patches of a grid in every frame of (c, t, h, w) the most similar ones, by number in the frames one below the
        other, (g, k)."""
        f = projected(x.movedim(1, 0), ways)
        return torch.cat([part for t in range(len(f)) for part in self._of_frame(f, t, one, x.shape[2])])

    def _of_frame(self, f: Tensor, t: int, one: Pass, height: int) -> Iterator[Tensor]:
        """The groups for frame t of the components f (t, k, h, w) of frames of that height, some rows of them at a time."""
        h, w = f.shape[2:]
        down, along = (grid(n, one.stride).to(f.device) for n in (h, w))
        others = range(max(0, t - self.frames), min(len(f), t + self.frames + 1))
        windows = [one.window if s == t else min(self.near, one.window) for s in others]
        wide = [F.pad(f[s], [n // 2] * 4, value=float("inf")) for s, n in zip(others, windows, strict=True)]
        moved = [_moved(n, w, (s - t) * height * w, f.device) for s, n in zip(others, windows, strict=True)]
        places = torch.cat(moved)
        for some in down.split(max(1, AT_ONCE // (len(places) * len(along)))):
            reference = f[t][:, some][:, :, along]
            apart = [_distances(reference, v, some, along, n) for v, n in zip(wide, windows, strict=True)]
            apart[t - others[0]][one.window // 2, one.window // 2] = -1  # itself, always
            all_of_them = torch.cat([a.flatten(2).flatten(0, 1) for a in apart]).T.contiguous()
            nearest = all_of_them.topk(one.group, dim=1, largest=False, sorted=False).indices
            at = ((t * height + some)[:, None] * w + along).flatten()
            yield at[:, None] + places[nearest]


def _distances(reference: Tensor, wide: Tensor, down: Tensor, along: Tensor, window: int) -> Tensor:
    """From the components (k, rows, columns) of the patches at those places to all in a window about each of other components,
    which are padded by half a window: squared, (window, window, rows, columns)."""
    apart = reference.new_empty(window, window, len(down), len(along))
    for j in range(window):
        column = wide.index_select(2, along + j)
        for i in range(window):
            difference = column.index_select(1, down + i).sub_(reference)
            torch.sum(difference.square_(), 0, out=apart[i, j])
    return apart


def _moved(window: int, width: int, frame: int, device: torch.device) -> Tensor:
    """How much further, by number, every place of a window lies than its middle, in a frame that begins so much later."""
    k = torch.arange(window**2, device=device)
    return (k // window - window // 2) * width + k % window - window // 2 + frame


class AlongTime(Protocol):
    """An estimate of a series (1, c, t, h, w), for which so many frames before and after a frame are seen."""

    @property
    def frames_seen(self) -> int: ...

    def __call__(self, noisy: Tensor, deviation: Tensor, pilot: Tensor | None = None) -> Tensor: ...


@dataclass(frozen=True)
class SeriesFilter(Estimator):
    """The ridge's estimate of the frames, told the noise's own deviation in each, without the bias of noise that was cut off.

    pilot: what makes the first estimate, of each frame alone. Neighbours that share their noise are alike by it, so that the
    ridge's own first pass would keep it; in another frame it is another, and what is alike in the pilots is alike in the picture.
    The result is the mean of both, which err differently.
    """

    denoiser: AlongTime = SeriesRidge()
    pilot: Denoiser | None = None

    def check(self, problem: Problem) -> None:
        refuse_unless_identity(self, problem)

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        y, likelihood = problem.data, problem.likelihood
        if y.ndim != 5:
            yield Estimated(likelihood.unbias(self.denoiser(y, likelihood.deviation(box(y, 2)))))
            return
        frames = y[0].movedim(1, 0)
        deviation = likelihood.deviation(box(frames, 2)).expand_as(frames)
        first = None
        if self.pilot is not None:
            alone = [self.pilot(one[None], spread[None]) for one, spread in zip(frames, deviation, strict=True)]
            first = _series(torch.cat(alone))
        x = self.denoiser(y, _series(deviation), first)
        x = x if first is None else (x + first) / 2
        yield Estimated(_series(likelihood.unbias(x[0].movedim(1, 0))))

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        return (SeriesFilter(SeriesRidge(then=(Pass(5, 32),), frames=1)),)


def _series(frames: Tensor) -> Tensor:
    """(t, c, h, w) -> (1, c, t, h, w)."""
    return frames.movedim(0, 1)[None]
