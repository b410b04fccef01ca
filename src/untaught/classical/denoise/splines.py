"""Signals: smoothing splines of every stiffness, of which each place takes those that its own risk speaks for.

A smoothing spline on samples (Whittaker 1923) is one factor for each frequency of the cosine transform, so that all stiffnesses
cost no more than a few transforms, and the risk of each is known without the truth (Stein 1981). Averaged over a neighbourhood it
says how stiff a signal is there; the mean of all is weighted by it exponentially (Leung and Barron 2006). Non-local means, which
keep steps, are one more of them; their risk takes a probe (Ramani, Blu and Unser 2008).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from untaught.classical import Denoiser
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.core.geometry import box, over

STEP = 0.1  # of the probe, in deviations of the noise


@dataclass(frozen=True)
class LocalSplines:
    """near: deviations of the neighbourhoods, samples; the result is the mean of what they make. stiffness: powers of ten, and how
    many are tried. part, halo: samples that are restored at once, and what is seen beside.
    """

    near: tuple[int, ...] = (8, 32)
    stiffness: tuple[float, float, int] = (-1.0, 13.0, 43)
    beside: Denoiser = NonLocalMeans()
    part: int = 1 << 15
    halo: int = 1 << 12

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """(b, c, n) -> (b, c, n); `deviation` of the noise broadcasts against it."""
        return by_parts(noisy, deviation, self.part, self.halo, self._part)

    def _part(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        from scipy.fft import dct, idct

        n = noisy.shape[-1]
        bend = (2 - 2 * np.cos(np.pi * np.arange(n) / n)) ** 2
        kept = 1 / (1 + np.logspace(*self.stiffness)[:, None] * bend)  # a row for each stiffness
        y, variance = noisy.double().cpu()[..., None, :], deviation.double().cpu().square()[..., None, :]
        x = torch.from_numpy(idct(dct(y.numpy(), norm="ortho") * kept, norm="ortho"))  # b c stiffness n
        follows = torch.from_numpy(kept.mean(1))[:, None].expand_as(x)  # how much of the noise at a place is left there
        probe = signs(noisy)
        step = STEP * deviation
        means, moved = (self.beside(v, deviation.expand_as(noisy)) for v in (noisy, noisy + step * probe))
        x = torch.cat([x, means.double().cpu()[..., None, :]], -2)
        follows = torch.cat([follows, (probe * (moved - means) / step).double().cpu()[..., None, :]], -2)
        risk = (y - x).square() + variance * (2 * follows - 1)
        return mixed(x, risk, variance, self.near).to(noisy)


def by_parts(
    noisy: Tensor, deviation: Tensor, part: int, halo: int, work: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """`work` on parts of a signal, each with the mean deviation (b, c, 1) of its noise."""
    spread = deviation.to(noisy).expand_as(noisy)

    def tile(seen: tuple[Any, ...], _: int) -> Tensor:
        return work(noisy[seen], spread[seen].mean(-1, keepdim=True))

    return over(noisy.shape[-1:], part, halo, tile)


def signs(like: Tensor, seed: int = 0) -> Tensor:
    """A probe: 1 or -1 at every place."""
    return torch.randint(2, like.shape, generator=torch.Generator().manual_seed(seed)).to(like) * 2 - 1


def mixed(x: Tensor, risk: Tensor, variance: Tensor, near: tuple[int, ...]) -> Tensor:
    """The mean (b, c, n) of estimates (b, c, k, n), weighted by their risk in neighbourhoods of those deviations, over the noise's
    variance, which broadcasts against it; of several neighbourhoods the mean."""
    made = torch.zeros_like(x[:, :, 0])
    for wide in near:
        mean = risk.flatten(0, 1)
        for _ in range(3):  # nearly a Gaussian
            mean = box(mean, wide)
        weight = (-(np.pi**0.5) * wide * mean.view_as(risk) / variance.clamp_min(1e-20)).softmax(-2)
        made += (weight * x).sum(-2) / len(near)
    return made
