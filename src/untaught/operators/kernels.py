"""Point spread functions by name: how a point is smeared by a lens, by a movement, by a disc out of focus."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from untaught.errors import BadInput, unknown

FINE = 16
"""Samples a pixel, along each axis, from which a disc is summed."""


def gauss(sigma: float) -> Tensor:
    """(k, k), a Gaussian of that standard deviation in pixels, cut off at four of them."""
    radius = math.ceil(4 * sigma)
    line = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=torch.float64) / sigma) ** 2)
    return _sum_one(line[:, None] * line)


def motion(length: float, angle: float) -> Tensor:
    """(h, w), a straight line of that length in pixels; angle in degrees, counter-clockwise from the x axis."""
    count = math.ceil(FINE * length)
    along = ((torch.arange(count, dtype=torch.float64) + 0.5) / count - 0.5) * max(0.0, length - 1)
    x, y = math.cos(math.radians(angle)) * along, -math.sin(math.radians(angle)) * along
    across, down = (math.ceil(float(v.abs().max()) - 1e-9) for v in (x, y))
    kernel = torch.zeros(2 * down + 3, 2 * across + 3, dtype=torch.float64)
    top, left = y.floor(), x.floor()
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):  # each point is shared by the four pixels about it
        share = (1 - (y - top - i).abs()) * (1 - (x - left - j).abs())
        kernel.index_put_(((top + i).long() + down + 1, (left + j).long() + across + 1), share, accumulate=True)
    return _sum_one(kernel[1:-1, 1:-1])


def disk(radius: float) -> Tensor:
    """(k, k), an even disc of that radius in pixels: a lens out of focus."""
    reach = math.ceil(radius - 0.5)
    fine = (torch.arange((2 * reach + 1) * FINE, dtype=torch.float64) + 0.5) / FINE - reach - 0.5
    inside = (fine[:, None] ** 2 + fine**2 <= radius**2).double()
    return _sum_one(inside.view(2 * reach + 1, FINE, 2 * reach + 1, FINE).sum((1, 3)))


NAMED = {
    "gauss": (gauss, "gauss:1.6", "the standard deviation in pixels"),
    "motion": (motion, "motion:15,30", "the length in pixels and the angle in degrees"),
    "disk": (disk, "disk:3", "the radius in pixels"),
}


def named(word: str) -> Tensor:
    """The kernel of a word such as gauss:1.6, motion:15,30 or disk:3, float64 with the sum 1."""
    name, _, rest = word.partition(":")
    if name not in NAMED:
        raise unknown("kernel", name, NAMED)
    function, example, words = NAMED[name]
    try:
        numbers = [float(v) for v in rest.split(",")]
        if (
            len(numbers) != (2 if function is motion else 1)
            or not 0 < numbers[0] < 1e4
            or not math.isfinite(numbers[-1])
        ):
            raise ValueError
    except ValueError:
        raise BadInput(f"'{word}' is no kernel: give {words}, above 0, as in {example}.") from None
    return function(*numbers)  # type: ignore[operator]


def check(kernel: Tensor) -> Tensor:
    """The kernel itself, or `BadInput` for one that is empty, negative, not finite, or does not sum to 1."""
    if kernel.numel() == 0:
        raise BadInput(f"The kernel is empty: its shape is {tuple(kernel.shape)}.")
    if not bool(torch.isfinite(kernel).all()):
        raise BadInput("The kernel holds values that are NaN or infinite: a blur is made of weights from 0 up.")
    least, total = float(kernel.min()), float(kernel.sum())
    if least < 0:
        raise BadInput(
            f"The kernel holds negative weights, the least {least:.3g}: a blur has none; cut them off at 0 and divide by the sum."
        )
    if abs(total - 1) > 1e-3:
        raise BadInput(f"The kernel sums to {total:.4g}, not to 1: divide it by its sum.")
    return kernel


def _sum_one(kernel: Tensor) -> Tensor:
    return kernel / kernel.sum()
