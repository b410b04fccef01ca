"""Fillings of unknown pixels: what a network starts from, and the estimator without a network.

A filling sees y where it is known and nothing else, (y, known) -> estimate, all (b, c, *space); `known` is 1 or 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.classical import Estimated, Estimator, refuse_unless_identity
from untaught.classical.denoise.matching import Pass, match
from untaught.classical.denoise.nl_ridge import overlap, patches, taken
from untaught.core.geometry import begin_of, box, double, halve, over
from untaught.core.linear_algebra import factor
from untaught.problem import Problem

PIECE = 128
"""Groups that are combined at a time: few enough for the cache."""


class Filling(Protocol):
    """The estimate of a picture whose pixels are known where `known` is 1."""

    def __call__(self, y: Tensor, known: Tensor) -> Tensor: ...


def pull_push(y: Tensor, known: Tensor) -> Tensor:
    """Unknown pixels take the mean of what is known about them at the finest scale that knows anything."""
    if bool(known.all()) or max(y.shape[2:]) == 1:
        return y * known
    total, count = halve(y * known), halve(known)
    coarse = pull_push(total / count.clamp_min(1e-12), (count > 0).to(y.dtype))
    fine = begin_of(F.interpolate(coarse, scale_factor=2, mode="nearest"), y.shape[2:])
    return y * known + fine * (1 - known)


@dataclass(frozen=True)
class Harmonic:
    """Every unknown pixel becomes the mean of its neighbours: a membrane over the hole, relaxed from a pull-push start.

    The start is right at the largest scales, so that a few sweeps are enough.
    """

    sweeps: int = 60

    def __call__(self, y: Tensor, known: Tensor) -> Tensor:
        x = pull_push(y, known)
        for _ in range(self.sweeps):
            x = y * known + (1 - known) * _neighbours(x)
        return x


def _neighbours(x: Tensor) -> Tensor:
    """The mean of the two neighbours along every axis; at the border a pixel stands for the one that is not there."""
    total = torch.zeros_like(x)
    for axis in range(2, x.ndim):
        n = x.shape[axis]
        first, last = x.narrow(axis, 0, 1), x.narrow(axis, n - 1, 1)
        total += torch.cat([first, x.narrow(axis, 0, n - 1)], axis)
        total += torch.cat([x.narrow(axis, 1, n - 1), last], axis)
    return total / (2 * (x.ndim - 2))


SOUGHT = (
    Pass(11, 64),
    Pass(11, 64),
    Pass(11, 64),
    Pass(13, 64),
    Pass(5, 24, stride=2),
    Pass(7, 32, stride=3),
    Pass(9, 48, stride=4),
)
SOUGHT_IN_COLOUR = (
    Pass(7, 64, stride=4),
    Pass(7, 64, stride=4),
    Pass(5, 32, stride=2),
    Pass(7, 48, stride=3),
    Pass(5, 64, stride=2),
)
"""Of one channel a patch holds fewer values, and has to be larger."""
ROUGH = (Pass(7, 32, stride=3),) * 2  # of the picture at half its size, with which the passes begin


@dataclass(frozen=True)
class RidgeFill:
    """A patch's unknown pixels are the same combination of similar patches that says its known ones best.

    For a patch with known values r and k similar patches D of the picture as it is filled so far (both less the group's
    mean), w = argmin |r - w D|^2 over the known pixels + k s^2 |w|^2, and the estimate is w D everywhere; overlapping
    estimates are averaged by their certainty. Then similar patches are sought anew, of another size: sizes err differently, so
    that the mean of the last `averaged` pictures is better than each.
    The regression's own leave-one-out errors, which cost nothing, say how far each estimate is to be trusted, and which of
    the deviations s (fractions of full scale) is best hereabouts: a known pixel is predicted from the others, so nothing but
    the data is looked at.
    The idea is that of non-local Bayesian interpolation (Aguerrebere et al. 2017, with Gaussians) in the form of the non-local
    ridge (Herbreteau and Kervrann 2022).

    passes, colour: the rounds, for pictures of one channel or two, and of more.
    dense: where less than this share is known, the start is the filling of a picture of half the size, in which more is known.
    Series, volumes, and pictures that are too small for a group are filled by `start`.
    pixels: larger pictures are filled by strips of about that many.
    """

    passes: tuple[Pass, ...] = SOUGHT
    colour: tuple[Pass, ...] = SOUGHT_IN_COLOUR
    averaged: int = 4
    s: tuple[float, ...] = (0.012, 0.03, 0.08)
    dense: float = 0.45
    start: Harmonic = field(default_factory=Harmonic)
    pixels: int = 1 << 18

    def __call__(self, y: Tensor, known: Tensor) -> Tensor:
        passes = [p for p in self._passes(y) if _fits(p, y)]
        if not passes or bool(known.all()):
            return self.start(y, known)
        x, made = self._begun(y, known), []
        for one in passes:
            x = self._round(x, y, known, one)
            made.append(x)
        some = made[-self.averaged :]
        return torch.stack(some).mean(0) if len(some) > 1 else x

    def _passes(self, y: Tensor) -> tuple[Pass, ...]:
        return self.passes if y.shape[1] < 3 else self.colour

    def _begun(self, y: Tensor, known: Tensor) -> Tensor:
        if float(known.mean()) >= self.dense:
            return self.start(y, known)
        total, count = halve(y * known), halve(known)
        rough = replace(self, passes=ROUGH, colour=ROUGH, averaged=1)
        coarse = rough(total / count.clamp_min(1e-12), (count > 0).to(y.dtype))
        return y * known + (1 - known) * double(coarse, y.shape[2:])

    def _round(self, x: Tensor, y: Tensor, known: Tensor, one: Pass) -> Tensor:
        height, width = x.shape[2:]
        halo = one.window // 2 + one.patch + 2
        rows = max(self.pixels // width, 4 * halo)

        def strip(seen: tuple[Any, ...], _: int) -> Tensor:
            return self._strip(one, *(v[seen][0] for v in (x, y, known)))[None]

        return torch.where(known > 0, y, over((height, width), (rows, width), halo, strip))

    def _strip(self, one: Pass, x: Tensor, y: Tensor, known: Tensor) -> Tensor:
        """What is said of every pixel of a hole; elsewhere anything."""
        c, height, width = x.shape
        lacking = F.max_pool2d(1 - known.amin(0, keepdim=True), one.patch, 1)[0] > 0
        if not bool(lacking.any()):
            return x
        # The patch itself would be its own best answer.
        groups = match(x, one, itself=False, wanted=lacking)
        layers = tuple(patches(v, one.patch) for v in (x, y, known))
        found = [
            self._regress(layers, at, alike)
            for at, alike in zip(groups.at.split(PIECE), groups.alike.split(PIECE), strict=True)
        ]
        estimates, each = (torch.cat(v, dim=1) for v in zip(*found, strict=True))
        # One patch's errors are few: those of its neighbours help to choose.
        errors = each.new_zeros(len(self.s), groups.grid[0] * groups.grid[1])
        errors[:, groups.number] = each
        around = box(errors.view(1, len(self.s), *groups.grid), 1)[0].flatten(1)[:, groups.number]
        best, every = around.argmin(0), torch.arange(len(groups.at), device=x.device)
        certainty = 2 / (each[best, every] + around[best, every] + 1e-6)
        total, weights = torch.zeros_like(layers[0]), x.new_zeros(len(layers[0]))
        total[groups.at], weights[groups.at] = estimates[best, every] * certainty[:, None], certainty
        return overlap(total, weights, (c, height, width), one.patch)

    def _regress(self, layers: tuple[Tensor, ...], at: Tensor, alike: Tensor) -> tuple[Tensor, Tensor]:
        """For some groups and every s: estimates (s, g, n), and mean square leave-one-out errors (s, g)."""
        filled, data, known = layers
        x = taken(filled, alike)
        mean = x.mean(1, keepdim=True)
        d = x - mean
        mask = known[at][:, None]
        r = (data[at][:, None] - mean) * mask
        seen = d * mask
        gram, right = seen @ seen.mT, seen @ r.mT
        # A patch that knows next to nothing is as uncertain as its group is wide.
        wide, count = d.square().mean((1, 2))[:, None], mask.sum(2) + 1
        estimates, errors = [], []
        for s in self.s:
            ridge = gram.clone()
            ridge.diagonal(dim1=1, dim2=2).add_(alike.shape[1] * s * s)
            # Products with the inverse are quicker than triangular solutions of so many small systems.
            inverse = torch.cholesky_inverse(factor(ridge))
            fitted = (inverse @ right).mT @ d
            lever = (seen * (inverse @ seen)).sum(1, keepdim=True)
            left_out = (r - fitted * mask) / (1 - lever).clamp_min(1e-2)
            estimates.append((mean + fitted)[:, 0])
            errors.append(((left_out.square().sum(2) + wide) / count)[:, 0])
        return torch.stack(estimates), torch.stack(errors)


def _fits(one: Pass, y: Tensor) -> bool:
    """Whether a window holds a group, and the patch itself, in a corner of the picture too."""
    if y.ndim != 4:
        return False
    around = [min(n - one.patch + 1, one.window // 2 + 1) for n in y.shape[2:]]
    return min(around) > 1 and around[0] * around[1] > one.group


@dataclass(frozen=True)
class Fill(Estimator):
    """The filling of what is unknown in the data: weight 0."""

    filling: Filling = Harmonic()

    weighs = True

    @property
    def local(self) -> bool:  # type: ignore[override]
        return getattr(self.filling, "local", True)

    def check(self, problem: Problem) -> None:
        refuse_unless_identity(self, problem)

    def iterates(self, problem: Problem) -> Iterator[Estimated]:
        y, known = problem.data, problem.known
        yield Estimated(self.filling(y * known, known))

    @classmethod
    def examples(cls) -> tuple[Estimator, ...]:
        return (Fill(Harmonic(5)),)
