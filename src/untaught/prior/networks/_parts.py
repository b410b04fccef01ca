"""What the networks are made of: convolutions that keep the size, normalisations, activations, resampling.

Every part works on (b, c, *space) with one, two or three axes of space, and keeps the memory format it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from untaught.core.errors import BadInput, unknown
from untaught.prior.kernels.convolution import Conv2d

Padding = Literal["reflection", "zero"]
Activation = Literal["leaky_relu", "relu", "swish", "elu", "none"]
Upsampling = Literal["nearest", "bilinear"]
Downsampling = Literal["stride", "avg", "max", "lanczos2", "lanczos3"]

CONV = {1: nn.Conv1d, 2: Conv2d, 3: nn.Conv3d}
DECONV = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
AVG = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
MAX = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}

# In place wherever autograd allows: a normalisation or a convolution comes before, and neither needs its own output.
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "leaky_relu": lambda: nn.LeakyReLU(0.2, inplace=True),
    "relu": lambda: nn.ReLU(inplace=True),
    "swish": nn.SiLU,
    "elu": lambda: nn.ELU(inplace=True),
    "none": nn.Identity,
}
UPSAMPLINGS = ("nearest", "bilinear")
DOWNSAMPLINGS = ("stride", "avg", "max", "lanczos2", "lanczos3")
PADDINGS = ("reflection", "zero")

T = TypeVar("T")


def per_level(value: T | Sequence[T], depth: int, name: str) -> tuple[T, ...]:
    """One value a level, finest first: a single value holds for all of them."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return (value,) * depth
    if len(value) != depth:
        raise BadInput(f"'{name}' has {len(value)} values for {depth} levels: give one for all, or one a level.")
    return tuple(value)


def check_names(kind: str, given: Sequence[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise unknown(kind, name, known)


def check_kernels(sizes: Sequence[int], name: str) -> None:
    for size in sizes:
        if size < 1 or size % 2 == 0:
            raise BadInput(f"'{name}' holds the kernel size {size}: only odd sizes keep the size of a picture.")


def check_counts(counts: Sequence[int], name: str, least: int = 1) -> None:
    if not counts or min(counts) < least:
        raise BadInput(f"'{name}' is {counts}: give at least one number, none below {least}.")


class Reflect(nn.Module):
    """Mirror the border, `pad` pixels a side, without repeating it.

    A side of `pad` pixels or fewer has too little to mirror (the deepest levels under wide kernels):
    the border is then repeated instead, on every side.
    """

    def __init__(self, pad: int) -> None:
        super().__init__()
        self.pad = pad

    def forward(self, x: Tensor) -> Tensor:
        space = x.shape[2:]
        mode = "reflect" if min(space) > self.pad else "replicate"
        return F.pad(x, (self.pad, self.pad) * len(space), mode=mode)

    def extra_repr(self) -> str:
        return str(self.pad)


def conv(
    cin: int, cout: int, kernel: int, *, ndim: int, stride: int = 1, padding: Padding = "reflection", bias: bool = True
) -> nn.Module:
    """A convolution that divides the size by `stride` and changes nothing else about it."""
    if ndim not in CONV:
        raise BadInput(f"Networks work along 1, 2 or 3 axes, not {ndim}: move the others to channels or pictures.")
    pad = kernel // 2
    if padding == "zero" or pad == 0:
        return CONV[ndim](cin, cout, kernel, stride, padding=pad, bias=bias)
    return nn.Sequential(Reflect(pad), CONV[ndim](cin, cout, kernel, stride, bias=bias))


class BatchNorm(nn.Module):
    """Batch normalisation by the statistics at hand, always: it keeps none, so that looking changes nothing.

    Unlike `nn.BatchNorm2d` it serves any number of axes and accepts a single value a channel (it becomes the bias).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        # Not F.batch_norm, which raises on a single value a channel.
        return torch.batch_norm(x, self.weight, self.bias, None, None, True, 0.1, 1e-5, torch.backends.cudnn.enabled)

    def extra_repr(self) -> str:
        return str(len(self.weight))


class InstanceNorm(nn.Module):
    """Normalisation of each channel of each picture; nothing to learn."""

    def __init__(self, channels: int) -> None:  # takes what BatchNorm takes
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        cudnn = torch.backends.cudnn.enabled
        if len(x) == 1:  # the same numbers; channels-last on a CPU, the backward pass is several times faster
            return torch.batch_norm(x, None, None, None, None, True, 0.1, 1e-5, cudnn)
        return torch.group_norm(x, x.shape[1], None, None, 1e-5, cudnn)


def activated(channels: int, activation: Activation) -> tuple[nn.Module, nn.Module]:
    """What follows nearly every convolution: batch normalisation, then the activation."""
    return BatchNorm(channels), ACTIVATIONS[activation]()


class Lanczos(nn.Module):
    """Halve every side with a fixed Lanczos window of `lobes` lobes, axis by axis, the border repeated."""

    taps: Tensor

    def __init__(self, lobes: int) -> None:
        super().__init__()
        size = 4 * lobes
        distance = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2) / 2  # in pixels of the result
        taps = torch.sinc(distance) * torch.sinc(distance / lobes)
        # A constant has no place in a checkpoint.
        self.register_buffer("taps", (taps / taps.sum()).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        channels, axes = x.shape[1], range(x.ndim - 2)
        convolve = (F.conv1d, F.conv2d, F.conv3d)[len(axes) - 1]
        margin = len(self.taps) // 2 - 1
        for axis in axes:
            pad = [margin if a == axis else 0 for a in reversed(axes) for _ in range(2)]  # F.pad: last axis first
            kernel = self.taps.view(1, 1, *(-1 if a == axis else 1 for a in axes))
            stride = [2 if a == axis else 1 for a in axes]
            kernel = kernel.repeat_interleave(channels, 0)
            x = convolve(F.pad(x, pad, mode="replicate"), kernel, stride=stride, groups=channels)
        return x


def halve(
    cin: int, cout: int, kernel: int, how: Downsampling, *, ndim: int, padding: Padding = "reflection"
) -> list[nn.Module]:
    """A convolution that halves every side: by its stride, or at full size and then thinned out."""
    if how == "stride":
        return [conv(cin, cout, kernel, ndim=ndim, stride=2, padding=padding)]
    full = conv(cin, cout, kernel, ndim=ndim, padding=padding)
    if how in ("lanczos2", "lanczos3"):
        return [full, Lanczos(int(how[-1]))]
    return [full, (AVG if how == "avg" else MAX)[ndim](2)]


def interpolation(how: Upsampling, ndim: int) -> str:
    """PyTorch's name: 'bilinear' is linear along every axis, however many there are."""
    return LINEAR[ndim] if how == "bilinear" else how
