"""Piecewise linear functions of many values: tables that ascend, as of what clipping does to a mean."""

from __future__ import annotations

import torch
from torch import Tensor

NEAR = 1e-6  # what lies nearer together is one
PART = 1 << 20  # values that are looked up at a time
STEPS, CLOSE = 4, 3
"""Equal steps for each entry of a table, in which a value is sought at first; and the most entries in one of them, from which on
the table is too uneven for that."""


def interpolated(at: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The piecewise linear function with the values y at x, which ascends, "n" each; beyond them that at the nearest."""
    if len(x) == 1:
        return y.expand_as(at)
    if at.numel() > PART:  # of a large picture the places in the table alone fill the memory
        return torch.cat([interpolated(some, x, y) for some in at.flatten().split(PART)]).view_as(at)
    i = before(at, x).clamp_(1, len(x) - 1)
    left = i - 1
    start = x[left]
    t = ((at - start) / (x[i] - start).clamp_min(NEAR)).clamp(0, 1)
    return torch.lerp(y[left], y[i], t)


def before(at: Tensor, x: Tensor) -> Tensor:
    """How many of x (n,), which ascends, are less than each of `at`: `torch.searchsorted(x, at)`, but for NaN.

    Of many values it is quicker to begin in a table of equal steps than to halve the whole again and again.
    """
    if len(x) < 2 or at.numel() < 4 * STEPS * len(x) or at.device.type != "cpu":
        return torch.searchsorted(x, at.contiguous())
    count = STEPS * len(x)
    width = (x[-1] - x[0]) / count
    edges = x[0] + width * torch.arange(-1, count + 2, device=x.device)  # a step more to each side, for what is rounded
    less = torch.searchsorted(x, edges)
    low, most = less[:-3], int((less[3:] - less[:-3]).max())
    if most > CLOSE:
        return torch.searchsorted(x, at.contiguous())
    i = low[((at - x[0]) / width).nan_to_num_(0).clamp_(0, count - 1).long()]
    ended = torch.cat([x, x.new_full((1,), torch.inf)])
    for _ in range(most):
        i += ended[i] < at
    return i
