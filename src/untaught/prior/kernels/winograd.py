"""3x3 convolutions of many channels by Winograd's minimal filtering (Lavin and Gray, CVPR 2016).

Tiles of a picture and the kernel are transformed, so that a convolution becomes one product a channel and place of the tile:
F(6x6, 3x3) takes 1.8 multiplications a pixel where the plain sum takes 9. PyTorch carries this as NNPACK (Dukhan), which it
asks by itself only for batches of 16 pictures. Its gradient with respect to the weights is F(3x3, 4x4), written here as
matrix products.

Pictures lie as rows of pixels (contiguous), not channels-last. docs/architecture.md has the figures.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

CHANNELS = 64
"""Channels in and out from which this way is the faster one (measured), as is the next."""
PIXELS = 1 << 10  # of a map
TILES = 256
"""Tiles whose transforms are held at a time: enough for long matrix products, few enough for the cache."""

# Winograd's transforms for tiles of 6 from the points 0, 1, -1, 2, -2 and infinity: of the input, the output and the kernel.
_INPUT = [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
]
_OUTPUT = [[1, 0, 0, 0], [1, 1, 1, 1], [1, -1, 1, -1], [1, 2, 4, 8], [1, -2, 4, -8], [0, 0, 0, 1]]
_KERNEL = [
    [1 / 4, -1 / 6, -1 / 6, 1 / 24, 1 / 24, 0],
    [0, -1 / 6, 1 / 6, 1 / 12, -1 / 12, 0],
    [0, -1 / 6, -1 / 6, 1 / 6, 1 / 6, 1],
]


@cache
def _plane(name: str) -> Tensor:
    """A transform of both axes at once, as one matrix on flattened tiles."""
    rows = torch.tensor(
        {"input": _INPUT, "output": _OUTPUT, "kernel": _KERNEL}[name], dtype=torch.float64, device="cpu"
    )
    return torch.kron(rows, rows).float()


@cache
def _available() -> bool:
    # Asking is also what makes NNPACK ready.
    return hasattr(torch, "_nnpack_spatial_convolution") and torch.backends.nnpack.is_available()


def suits(weight: Tensor) -> bool:
    """Whether kernels of this shape, kind and place gain."""
    wide = weight.shape[2:] == (3, 3) and min(weight.shape[:2]) >= CHANNELS
    return wide and weight.dtype == torch.float32 and weight.device.type == "cpu" and _available()


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, pad: int) -> Tensor:
    """As `F.conv2d`, up to rounding: x (b, cin, h, w) contiguous, weight (cout, cin, 3, 3), zeros around, at most 2."""
    made: Tensor = _Winograd.apply(x, weight, bias, pad)
    return made


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, pad: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.pad = pad
        return _forward(x, weight, bias, pad)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous()
        to_x = to_weight = to_bias = None
        if ctx.needs_input_grad[0]:
            to_x = _forward(grad, weight.flip(2, 3).transpose(0, 1).contiguous(), None, 2 - ctx.pad)
        if ctx.needs_input_grad[1]:
            to_weight = weight_gradient(x, grad, ctx.pad)
        if ctx.needs_input_grad[2]:
            to_bias = grad.sum((0, 2, 3))
        return to_x, to_weight, to_bias, None


def _forward(x: Tensor, weight: Tensor, bias: Tensor | None, pad: int) -> Tensor:
    # One picture at a time: NNPACK's way for several is made for training with dozens, and slower.
    made = [torch._nnpack_spatial_convolution(one, weight, bias, [pad, pad]) for one in x.split(1)]
    return torch.cat(made) if len(made) > 1 else made[0]


def weight_gradient(x: Tensor, grad: Tensor, pad: int) -> Tensor:
    """d energy / d weight, (cout, cin, 3, 3), from the input (b, cin, h, w) and the gradient at the output."""
    cin, cout = x.shape[1], grad.shape[1]
    down, across = (-(-n // 4) for n in grad.shape[2:])
    # Zeros fill both up to whole tiles: 4 x 4 of the gradient, 6 x 6 of the input, which overlap by 2.
    x = _filled(x, pad, 4 * down + 2, 4 * across + 2)
    grad = _filled(grad, 0, 4 * down, 4 * across)
    rows = max(1, TILES // across)
    held = [torch.empty(count * rows * across) for count in (36 * cin, 36 * cin, 16 * cout, 36 * cout)]
    products = torch.zeros(36, cout, cin)
    for one, its in zip(x, grad, strict=True):
        for top in range(0, down, rows):
            count = min(rows, down - top) * across
            seen = _transformed("input", one[:, 4 * top :], 6, count, across, held[0], held[1])
            moved = _transformed("output", its[:, 4 * top :], 4, count, across, held[2], held[3])
            products.baddbmm_(moved, seen.transpose(1, 2))
    return (_plane("kernel") @ products.view(36, -1)).view(3, 3, cout, cin).permute(2, 3, 0, 1).contiguous()


def _filled(x: Tensor, before: int, tall: int, wide: int) -> Tensor:
    after = tall - before - x.shape[2], wide - before - x.shape[3]
    return F.pad(x, (before, after[1], before, after[0])) if before or any(after) else x


def _transformed(name: str, x: Tensor, side: int, count: int, across: int, gathered: Tensor, result: Tensor) -> Tensor:
    """The first `count` tiles, (36, c, count): one row of tiles after the other, `across` in each."""
    channels, rows = len(x), count // across
    tiles = gathered[: side * side * channels * count].view(side, side, channels, rows, across)
    tiles.copy_(x.unfold(1, side, 4)[:, :rows].unfold(2, side, 4).permute(3, 4, 0, 1, 2))
    result = result[: 36 * channels * count].view(36, -1)
    torch.mm(_plane(name), tiles.view(side * side, -1), out=result)
    return result.view(36, channels, count)
