"""What made a picture smaller, by its own spectrum: whether it was softer than programs are, and how soft.

Along rows and columns the power of scenes falls as f^-p (Field, JOSA A 1987). A kernel B leaves |B(f)|^2 of it, pixels fold back
what is above half a cycle, and whole numbers add the variance of rounding:

    P(f) = c sum_n |B(f + n)|^2 |f + n|^-p + rounding.

c and p are fitted for every kernel. That which leaves least unexplained is the most likely one, but an original that was soft
itself looks the same as a soft kernel, and too wide a kernel does far more harm than one too narrow (docs/benchmarks). So only
kernels that programs do not have are told from those that they have, the evidence has to be clear, and the narrowest is taken of
those that explain the picture about as well. Two axes together see the noise: where both turn fastest a soft kernel leaves nothing
of the scene, and what is there would be amplified.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from untaught.problem.operators.resample import KERNELS, SOFT

SHARP = ("lanczos3", "bicubic", "box")
CLEAR = 1.6
"""How many times as much the best of the sharp kernels must leave unexplained, in the logarithm of the power."""
ALIKE = 1.25
"""How many times as much as the best a narrower kernel may leave."""
LEAST, PART = 48, 448
"""Pixels a side: fewer say nothing of a spectrum, and more are seen in parts of about so many, of which the sample of a large
picture is put together (`scale`)."""
CORNER, MOST, COARSE = 0.42, 20 / 255, 1 / 255
"""Cycles a pixel, from which on both axes turn fast; what scenes of a contrast of 1 have there at most (as measured on 18
pictures); and the steps that floats are taken to have."""
LOW = 0.04
"""Cycles a pixel: below it a window of some tens of pixels sees nothing."""
SLOPES = tuple(round(1.2 + 0.1 * k, 1) for k in range(21))
FINE = 64
"""Samples of a kernel a pixel."""


def softness(data: Tensor, step: float = 0.0) -> str | None:
    """The soft kernel (one of `SOFT`) that the small picture (1, c, h, w) speaks for; None where a sharp one explains it as well,
    or where nothing can be told. step: between the values that the picture can have, in its own unit.
    """
    if data.ndim != 4 or min(data.shape[2:]) < LEAST or not bool(torch.isfinite(data).all()):
        return None
    parts = data.double().cpu().mean(1)[0]
    for axis in (0, 1):
        side = parts.shape[axis] // max(1, parts.shape[axis] // PART)
        parts = parts.unfold(axis, side, side)
    seen = [(parts.shape[axis] - 1, *_power(parts.movedim(axis, -1))) for axis in (-1, -2)]
    rounding = step**2 / 12 / data.shape[1]
    if any(float(power.median()) <= max(rounding * white, 1e-30) for _, power, white in seen):
        return None  # there is nothing in it
    soft = {kernel: _left(kernel, seen, rounding) for kernel in SOFT}
    best = min(soft.values())
    if min(_left(kernel, seen, rounding) for kernel in SHARP) < CLEAR * best:
        return None
    found = next(kernel for kernel in SOFT if soft[kernel] <= ALIKE * best)
    passed = math.exp(-((2 * math.pi * SOFT[found] * (CORNER + 0.5) / 2) ** 2))  # along both axes
    allowed = math.hypot(MOST * passed, 1.25 * max(step, COARSE) / math.sqrt(12))
    return found if _corner(parts) <= allowed else None


def _frequencies(n: int) -> Tensor:
    """Those of n samples, in cycles a sample, of which a window sees something."""
    f = torch.fft.rfftfreq(n, dtype=torch.float64)
    return f[f >= LOW]


def _power(lines: Tensor) -> tuple[Tensor, float]:
    """The mean power of lines (..., n + 1) at the frequencies of their n steps, and that of white noise of variance 1."""
    steps = lines.diff(dim=-1)  # what falls as 1 / f^2 is level then, and does not leak
    n = steps.shape[-1]
    window, f = torch.hann_window(n, periodic=False, dtype=steps.dtype), _frequencies(n)
    power = torch.fft.rfft(steps * window).abs().square().flatten(0, -2).mean(0)[-len(f) :]
    return power / (2 - 2 * torch.cos(2 * math.pi * f)), float(window.square().sum())


def _corner(parts: Tensor) -> float:
    """The deviation of what is left of parts (..., h, w) where both axes turn fastest, were it white noise."""
    steps = parts.diff(dim=-1).diff(dim=-2)
    windows = [torch.hann_window(n, periodic=False, dtype=steps.dtype) for n in steps.shape[-2:]]
    f = [torch.fft.fftfreq(steps.shape[-2], dtype=steps.dtype), torch.fft.rfftfreq(steps.shape[-1], dtype=steps.dtype)]
    seen = torch.fft.rfft2(steps * windows[0][:, None] * windows[1]).abs().square().flatten(0, -3).mean(0)
    white = [window.square().sum() * (2 - 2 * torch.cos(2 * math.pi * g)) for window, g in zip(windows, f, strict=True)]
    fast = (f[0].abs()[:, None] >= CORNER) & (f[1] >= CORNER)
    # The median of the power of one part's noise is log 2 of its mean; of the mean of many it is more, which is on the safe side.
    return float(((seen / (white[0][:, None] * white[1]))[fast].median() / math.log(2)).sqrt())


def _left(kernel: str, seen: list[tuple[int, Tensor, float]], rounding: float) -> float:
    """The mean absolute error of the logarithm of the power, of the best c and p for each axis."""
    errors = []
    for n, power, white in seen:
        expected, wanted = _expected(kernel, n), power.clamp_min(1e-30).log()
        scale = (wanted - expected.log()).median(1, keepdim=True).values
        for _ in range(3):
            rest = wanted - (scale.exp() * expected + rounding * white).log()
            scale = scale + rest.median(1, keepdim=True).values
        rest = wanted - (scale.exp() * expected + rounding * white).log()
        errors.append(float(rest.abs().mean(1).min()))
    return sum(errors) / len(errors)


@lru_cache(maxsize=64)
def _expected(kernel: str, n: int) -> Tensor:
    """The power of n samples without its factor c, for every slope p, (slopes, frequencies)."""
    folded = (_frequencies(n) + torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)[:, None]).abs()
    function, reach = KERNELS[kernel]
    x = (torch.arange(round(2 * reach * FINE), dtype=torch.float64) + 0.5) / FINE - reach
    weights = function(x)
    passed = (torch.cos(2 * math.pi * folded[..., None] * x) @ (weights / weights.sum())).square()
    return torch.stack([(passed * folded**-slope).sum(0) for slope in SLOPES]).clamp_min(1e-30)
