"""Whether a picture can have been blurred by a kernel: what that takes away is not in it, noise aside."""

from __future__ import annotations

import torch
from torch import Tensor

LEAST = 48
"""Pixels a side: fewer say nothing of a spectrum."""
GONE, SOME = 0.1, 0.05
"""What of a frequency a kernel leaves that counts as nothing, and the share of them of which that has to hold."""
MUCH, LOUDER = 8 / 255, 2.5
"""The deviation of what is left there, and how many times that of the noise: at most 7 / 255 in 168 blurred pictures and JPEGs of
them, and more in most that were not blurred so, or were cut off, drawn on or hit by impulses since."""


def contradicted(data: Tensor, kernel: Tensor, noise: float) -> float:
    """The deviation of the detail in a picture (1, c, h, w) of [0, 1] that the kernel would have taken away, where there is much of
    it in every quarter; else 0. noise: the deviation of its noise."""
    if data.ndim != 4 or min(data.shape[2:]) < max(LEAST, *kernel.shape):
        return 0.0
    whole = min(data.shape[2:]) < 2 * max(LEAST, *kernel.shape)
    parts = [data] if whole else [part for half in data.chunk(2, 2) for part in half.chunk(2, 3)]
    found = min(_left(part.double(), kernel.double()) for part in parts)
    return found if found > max(MUCH, LOUDER * noise) else 0.0


def _left(y: Tensor, kernel: Tensor) -> float:
    """The deviation of what is left at the frequencies that the kernel takes away, were it white noise."""
    space = y.shape[2:]
    windows = [torch.hann_window(n, periodic=False, dtype=y.dtype) for n in space]
    window = windows[0][:, None] * windows[1]
    power = torch.fft.rfft2((y - y.mean((2, 3), keepdim=True)) * window).abs().square().mean((0, 1))
    gone = torch.fft.rfft2(kernel, s=space).abs() < GONE
    return float((power[gone].mean() / window.square().sum()).sqrt()) if gone.double().mean() > SOME else 0.0
