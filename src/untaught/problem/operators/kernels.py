"""Point spread functions by name: how a point is smeared by a lens, by a movement, by a disc out of focus."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.errors import BadInput, unknown
from untaught.core.geometry import crop_to

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


def centred(kernel: Tensor) -> Tensor:
    """Moved by whole pixels, so that its centre of mass is in the middle."""
    for axis, n in enumerate(kernel.shape):
        line = kernel.movedim(axis, 0).flatten(1).sum(1) if kernel.ndim > 1 else kernel
        kernel = kernel.roll(round((n - 1) // 2 - float((line * torch.arange(n).to(line)).sum())), axis)
    return kernel


def pruned(kernel: Tensor, weak: float, small: float) -> Tensor:
    """Without weights under `weak` times the largest and without the connected parts that hold less than `small` of the
    heaviest; not negative, with the sum 1. A point where nothing is left."""
    kernel = torch.where(kernel < weak * kernel.max(), 0.0, kernel.clamp_min(0)).nan_to_num(0.0, 0.0, 0.0)
    if not float(kernel.max()) > 0:
        return placed(kernel.new_ones((1,) * kernel.ndim), kernel.shape)
    if small > 0:
        some, part = kernel > 0, torch.arange(1, kernel.numel() + 1).to(kernel).view_as(kernel)
        last, part = part, part * some
        while not torch.equal(last, part):
            last, part = part, grown(part) * some
        part = part.long()
        mass = kernel.new_zeros(kernel.numel() + 1).index_add_(0, part.flatten(), kernel.flatten())
        kernel = torch.where(mass[part] < small * mass.max(), 0.0, kernel)
    return kernel / kernel.sum()


def placed(kernel: Tensor, sides: Sequence[int]) -> Tensor:
    """The kernel, of odd sides, in the middle of another size; what does not fit is cut off."""
    kernel = crop_to(kernel[None, None], [n - 1 + n % 2 for n in sides])[0, 0]
    ends: list[int] = []
    for n, k in zip(reversed(sides), reversed(kernel.shape), strict=True):
        before = (n - 1) // 2 - (k - 1) // 2
        ends += [before, n - k - before]
    kernel = F.pad(kernel, ends)
    return kernel / kernel.sum()


def softened(kernel: Tensor, sigma: float) -> Tensor:
    """The kernel (h, w) under a Gaussian, larger by what that takes; itself for 0."""
    if not sigma:
        return kernel
    soft = gauss(sigma).to(kernel)
    return F.conv2d(kernel[None, None], soft[None, None], padding=[n - 1 for n in soft.shape])[0, 0]


def grown(x: Tensor) -> Tensor:
    """The largest value of every pixel and its neighbours."""
    return cast("Tensor", (F.max_pool1d, F.max_pool2d, F.max_pool3d)[x.ndim - 1](x[None, None], 3, 1, 1)[0, 0])


def _sum_one(kernel: Tensor) -> Tensor:
    return kernel / kernel.sum()
