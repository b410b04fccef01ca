"""Volumes: by small blocks, by large ones, by a smoothing spline, or by the mean of two of these, as their risk says.

Edges want small blocks, what changes slowly large ones, and where there is no edge at all a spline is better than both. The mean
of two has a quadratic risk, which is known without the truth (Stein 1981), of any filter by a probe (Ramani, Blu and Unser 2008):
of all pairs that of least risk is taken. There are tens of thousands of samples, and few numbers to choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untaught.classical import Denoiser
from untaught.classical.denoise.blocks import LARGE, Blocks
from untaught.classical.denoise.splines import STEP, signs

MEASURED = 1.1
"""By about how much the noise of nine volumes in ten is read too loud, at the most (docs/benchmarks/volumes.md)."""


@dataclass(frozen=True)
class Volumes:
    """ways: what is tried, besides splines. stiffness: of these, powers of ten, and how many are tried. doubt: by how much the
    noise may be told too loud: for that no detail is given up. most: samples, beyond which the first way alone is taken, for the
    memory's sake. seed: of the probe."""

    ways: tuple[Denoiser, ...] = (Blocks(), LARGE)
    stiffness: tuple[float, float, int] = (-1.0, 3.0, 33)
    doubt: float = MEASURED
    most: int = 1 << 23
    seed: int = 0

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a volume (1, c, d, h, w); `deviation` of its noise broadcasts against it."""
        if noisy[0, 0].numel() > self.most:
            return self.ways[0](noisy, deviation)
        spread = deviation.to(noisy).expand_as(noisy)
        probe, made, follows = signs(noisy, self.seed), [], []
        for way in self.ways:
            made.append(x := way(noisy, spread))
            moved = way(noisy + STEP * spread * probe, spread) - x
            follows.append(float((probe * moved * spread).double().mean()) / STEP / self.doubt**2)
        x, kept = spline(noisy, float(spread.square().mean()) / self.doubt**2, self.stiffness)
        return least(noisy, [*made, x], [*follows, kept])


def spline(noisy: Tensor, variance: float, stiffness: tuple[float, float, int]) -> tuple[Tensor, float]:
    """(the smoothing spline (Whittaker 1923) of least risk of (b, c, *space); how much it follows the noise, as in `least`).

    It is one factor for each frequency of the cosine transform, in which its residual is known, too.
    """
    from scipy.fft import dctn, idctn

    axes = tuple(range(2, noisy.ndim))
    bend = np.zeros(())
    for axis in axes:
        one = 2 - 2 * np.cos(np.pi * np.arange(noisy.shape[axis]) / noisy.shape[axis])
        bend = bend[..., None] + one
    seen = dctn(noisy.double().cpu().numpy(), axes=axes, norm="ortho")
    energy = np.square(seen).mean((0, 1))

    def kept(power: float) -> NDArray:
        return 1 / (1 + 10**power * np.square(bend))

    def risk(power: float) -> float:
        share = kept(power)
        return float((np.square(1 - share) * energy).mean() + 2 * variance * share.mean())

    best = kept(min(np.linspace(*stiffness), key=risk))
    return torch.from_numpy(idctn(seen * best, axes=axes, norm="ortho")).to(noisy), variance * float(best.mean())


def least(y: Tensor, made: list[Tensor], follows: list[float]) -> Tensor:
    """Of the estimates, and of the means of two of them, that of least risk.

    follows: of each, the mean over its samples of the noise's variance times the derivative by the same sample of y.
    """

    def gram(i: int, j: int) -> float:
        return float(((y - made[i]) * (y - made[j])).double().mean())

    alone = [gram(i, i) + 2 * f for i, f in enumerate(follows)]
    best = min(range(len(made)), key=alone.__getitem__)
    risk, found = alone[best], made[best]
    for i, j in combinations(range(len(made)), 2):
        apart = gram(i, i) + gram(j, j) - 2 * gram(i, j)
        share = (gram(i, i) - gram(i, j) + follows[i] - follows[j]) / max(apart, 1e-30)
        if 0 < share < 1 and alone[i] - share**2 * apart < risk:
            risk, found = alone[i] - share**2 * apart, torch.lerp(made[i], made[j], share)
    return found
