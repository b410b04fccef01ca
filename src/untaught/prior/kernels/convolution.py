"""A convolution that is faster than the library's on CPUs: its weights' gradient is a handful of matrix products.

On CPUs the library's gradient with respect to the weights runs at a fifth of the speed of the other two passes once a picture
is large. Laid out channels-last, the same sum over pixels is one matrix product for each tap of the kernel: shift the padded
picture by the tap, and the pixels of the two flattened arrays lie side by side. Kernels of many channels
go Winograd's way instead, all three passes, where pictures are not laid out channels-last. docs/architecture.md has the figures.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from untaught.prior.kernels import winograd as _winograd

LEAST = 1 << (62 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 13)
"""Pixels from which the products are the faster way (measured): never with AVX-512, which the library has kernels for."""


class Conv2d(nn.Conv2d):
    """`nn.Conv2d` with stride 1 and equal zero padding on all sides; the same numbers up to rounding."""

    def forward(self, x: Tensor) -> Tensor:
        pixels, pad = x.shape[0] * x.shape[2] * x.shape[3], int(self.padding[0])
        simple = self.stride == (1, 1) and self.dilation == (1, 1) and self.groups == 1 and self.kernel_size != (1, 1)
        if simple and pixels >= _winograd.PIXELS and pad <= 2 and x.is_contiguous() and _winograd.suits(self.weight):
            return _winograd.convolve(x, self.weight, self.bias, pad)
        large = pixels >= LEAST and min(x.shape[1], self.out_channels) >= 16
        if simple and large and x.device.type == "cpu" and torch.is_grad_enabled():
            return _Convolve.apply(x, self.weight, self.bias, pad)
        return super().forward(x)


def layout(net: nn.Module) -> torch.memory_format:
    """How pictures should lie in memory: channels-last, unless every convolution of size can go Winograd's way."""
    sized = [m for m in net.modules() if isinstance(m, Conv2d) and m.stride == (1, 1) and m.kernel_size != (1, 1)]
    rows = bool(sized) and all(_winograd.suits(m.weight) for m in sized)
    return torch.contiguous_format if rows else torch.channels_last


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, pad: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.pad, ctx.biased = pad, bias is not None
        return F.conv2d(x, weight, bias, padding=pad)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        to_x = to_weight = to_bias = None
        if ctx.needs_input_grad[0]:
            to_x = torch.ops.aten.convolution_backward(
                grad, x, weight, None, [1, 1], [ctx.pad] * 2, [1, 1], False, [0, 0], 1, [True, False, False]
            )[0]
        if ctx.needs_input_grad[1]:
            to_weight = weight_gradient(x, grad, weight, ctx.pad)
        if ctx.biased and ctx.needs_input_grad[2]:
            to_bias = grad.sum((0, 2, 3))
        return to_x, to_weight, to_bias, None


def weight_gradient(x: Tensor, grad: Tensor, weight: Tensor, pad: int) -> Tensor:
    """d energy / d weight, (cout, cin, k, k), from the input (b, cin, h, w) and the gradient at the output."""
    cout, cin, tall, wide = weight.shape
    # Rows of channels, one a pixel; the gradient is padded at the far ends to the input's own grid.
    x = F.pad(x, [pad] * 4) if pad else x
    rows = x.permute(0, 2, 3, 1).reshape(-1, cin)
    grad = F.pad(grad.permute(0, 2, 3, 1), (0, 0, 0, wide - 1, 0, tall - 1)).reshape(-1, cout)
    width, count = x.shape[3], len(rows) - (tall - 1) * x.shape[3] - (wide - 1)
    transposed = grad[:count].T
    result = torch.empty(tall, wide, cout, cin, dtype=weight.dtype)
    for i in range(tall):
        for j in range(wide):
            start = i * width + j
            torch.mm(transposed, rows[start : start + count], out=result[i, j])
    return result.permute(2, 3, 0, 1).contiguous(memory_format=torch.channels_last)
