"""Linear equations that are too large for a matrix."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def conjugate_gradients(normal: Callable[[Tensor], Tensor], b: Tensor, x: Tensor, rounds: int) -> Tensor:
    """normal(x) = b by so many conjugate gradients from x; normal is symmetric and not negative."""
    rest = b - normal(x)
    way, size = rest, rest.square().sum()
    # What is left after convergence is rounding; going on, squares underflow and a length becomes 0 / 0.
    least = torch.finfo(rest.dtype).eps ** 2 * max(float(b.square().sum()), float(size))
    for _ in range(rounds):
        if not float(size) > least:
            break
        image = normal(way)
        length = size / (way * image).sum()
        x, rest = x + length * way, rest - length * image
        way, size = rest + rest.square().sum() / size * way, rest.square().sum()
    return x
