"""Signals: smooth ones, slopes and plateaus, steps, and shapes that come again, each by what suits it.

Which of them a place takes its own risk says, which is known without the truth (Stein 1981), of any filter by a probe (Ramani,
Blu and Unser 2008). A wide neighbourhood tells the few apart; each chooses its own strength from place to place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from untaught.classical import Denoiser
from untaught.classical.denoise.blocks import BlockPass, Blocks
from untaught.classical.denoise.plateaus import Plateaus
from untaught.classical.denoise.splines import STEP, LocalSplines, by_parts, mixed, signs

VALUES = 48  # of a piece of a signal, over all its channels
SHORT = 8  # samples of a piece, at the least


@dataclass(frozen=True)
class Pieces:
    """The ridge of signals: similar pieces, up to `far` samples away."""

    far: int = 500

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """(b, c, n) -> (b, c, n); `deviation` of the noise broadcasts against it."""
        side = max(SHORT, VALUES // noisy.shape[1])
        one = BlockPass((1, 1, side), 48, (1, 1, 2 * self.far + 1), (1, 1, side // 4), several=side)
        ridge = Blocks(replace(one, group=16), (one,), one, rounds=0)
        spread = deviation.to(noisy).expand_as(noisy)
        made = [ridge(y[None, :, None, None], s[None, :, None, None]) for y, s in zip(noisy, spread, strict=True)]
        return torch.cat(made)[:, :, 0, 0]


@dataclass(frozen=True)
class Signals:
    """ways: what is tried. near: deviations of the neighbourhoods that choose among them, samples; the result is the mean of what
    they choose. probes: how many tell the risk. part, halo: samples that are restored at once, and what is seen beside.
    """

    ways: tuple[Denoiser, ...] = (LocalSplines(), Plateaus(), Plateaus(near=64, whole=True), Pieces())
    near: tuple[int, ...] = (128, 512)
    probes: int = 4
    part: int = 1 << 14
    halo: int = 1 << 11

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """(b, c, n) -> (b, c, n); `deviation` of the noise broadcasts against it."""
        return by_parts(noisy, deviation, self.part, self.halo, self._part)

    def _part(self, y: Tensor, deviation: Tensor) -> Tensor:
        step, made = STEP * deviation, torch.stack([way(y, deviation) for way in self.ways], 2).double()
        follows = torch.zeros_like(made)
        for number in range(self.probes):
            probe = signs(y, number)
            moved = torch.stack([way(y + step * probe, deviation) for way in self.ways], 2).double()
            follows += (probe / step.clamp_min(1e-20))[:, :, None] * (moved - made) / self.probes
        variance = deviation.double().square()[:, :, None]
        risk = (y.double()[:, :, None] - made).square() + variance * (2 * follows - 1)
        return mixed(made, risk, variance, self.near).to(y)
