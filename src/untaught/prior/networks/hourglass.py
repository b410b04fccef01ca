"""The hourglass with skip connections: the network of the Deep Image Prior paper.

Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior", CVPR 2018 and IJCV 2020 (architecture and settings:
the section "Technical details"; `skip` in the authors' code).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from untaught.prior.networks import _parts as parts
from untaught.prior.networks._parts import Activation, Downsampling, Padding, Upsampling, activated, conv, per_level


@dataclass(frozen=True)
class Hourglass:
    """An encoder and a decoder of one level a factor of two, joined at each level by a thin skip connection.

    Knobs, finest level first; where a single value may stand for a tuple, it holds for every level:

    - `down`, `up`: channels of the way down and up (`up` None: as `down`); their number is the depth
    - `skip`: channels carried across, 0 for none; wide ones fit fast, none fill wide holes best
    - `kernel_down`, `kernel_up`, `kernel_skip`: odd sizes of the convolutions
    - `upsample`: 'bilinear' (linear along any number of axes) or 'nearest'
    - `downsample`: 'stride', or a convolution thinned out by 'avg', 'max', 'lanczos2' or 'lanczos3'
    - `padding`: 'reflection' or 'zero'
    - `activation`: 'leaky_relu' (slope 0.2), 'relu', 'swish', 'elu' or 'none'
    - `mix`: a 1x1 convolution closes each level on the way up

    The defaults are the paper's denoising network: 2 217 831 parameters from 32 channels to 3.
    """

    down: tuple[int, ...] = (128,) * 5
    up: tuple[int, ...] | None = None
    skip: int | tuple[int, ...] = 4
    kernel_down: int | tuple[int, ...] = 3
    kernel_up: int | tuple[int, ...] = 3
    kernel_skip: int = 1
    upsample: Upsampling | tuple[Upsampling, ...] = "bilinear"
    downsample: Downsampling | tuple[Downsampling, ...] = "stride"
    padding: Padding = "reflection"
    activation: Activation = "leaky_relu"
    mix: bool = True

    def __post_init__(self) -> None:
        parts.check_counts(self.down, "down")
        parts.check_counts(per_level(self.up or self.down, self.depth, "up"), "up")
        parts.check_counts(per_level(self.skip, self.depth, "skip"), "skip", least=0)
        for name in ("kernel_down", "kernel_up", "kernel_skip"):
            parts.check_kernels(per_level(getattr(self, name), self.depth, name), name)
        parts.check_names("upsampling", per_level(self.upsample, self.depth, "upsample"), parts.UPSAMPLINGS)
        parts.check_names("downsampling", per_level(self.downsample, self.depth, "downsample"), parts.DOWNSAMPLINGS)
        parts.check_names("padding", (self.padding,), parts.PADDINGS)
        parts.check_names("activation", (self.activation,), tuple(parts.ACTIVATIONS))

    @property
    def depth(self) -> int:
        return len(self.down)

    @property
    def multiple(self) -> int:
        return 1 << self.depth

    @property
    def shrink(self) -> int:
        return 1

    @classmethod
    def examples(cls) -> tuple[Hourglass, ...]:
        return (
            cls(down=(4, 6)),
            cls(down=(4, 6, 5), up=(3, 4, 6), skip=(0, 2, 3), upsample=("nearest", "nearest", "bilinear"), mix=False),
            cls(down=(4, 4), skip=0, kernel_down=(7, 5), kernel_up=5, downsample="avg", activation="swish"),
            cls(down=(4, 4), kernel_skip=3, downsample=("max", "lanczos2"), padding="zero", activation="elu"),
            cls(down=(3,), skip=3, kernel_up=7, downsample="lanczos3", activation="none"),
        )

    def build(self, cin: int, cout: int, *, ndim: int = 2) -> nn.Module:
        """A module (b, cin, *space) -> (b, cout, *space), without an output activation."""
        up = self.up or self.down
        return nn.Sequential(self._level(0, cin, ndim), conv(up[0], cout, 1, ndim=ndim))

    def _level(self, i: int, cin: int, ndim: int) -> _Level:
        """Level `i` with all that lies below it: `cin` channels in, `up[i]` out."""

        def knob(name: str) -> Any:
            return per_level(getattr(self, name), self.depth, name)[i]

        def follow(channels: int) -> tuple[nn.Module, nn.Module]:
            return activated(channels, self.activation)

        def same(cin: int, cout: int, kernel: int) -> nn.Module:
            return conv(cin, cout, kernel, ndim=ndim, padding=self.padding)

        up = self.up or self.down
        down, across, below = self.down[i], knob("skip"), self.down[i]
        skip = nn.Sequential(same(cin, across, self.kernel_skip), *follow(across)) if across else None
        deep = nn.Sequential(
            *parts.halve(cin, down, knob("kernel_down"), knob("downsample"), ndim=ndim, padding=self.padding),
            *follow(down),
            same(down, down, knob("kernel_down")),
            *follow(down),
        )
        if i + 1 < self.depth:
            deep.append(self._level(i + 1, down, ndim))
            below = up[i + 1]
        joined = across + below
        merge = nn.Sequential(parts.BatchNorm(joined), same(joined, up[i], knob("kernel_up")), *follow(up[i]))
        if self.mix:
            merge.extend([same(up[i], up[i], 1), *follow(up[i])])
        return _Level(skip, deep, merge, parts.interpolation(knob("upsample"), ndim))


class _Level(nn.Module):
    """One floor of the hourglass: down by two, through the floors below, up again, joined with what was skipped."""

    def __init__(self, skip: nn.Module | None, deep: nn.Module, merge: nn.Module, mode: str) -> None:
        super().__init__()
        self.skip, self.deep, self.merge, self.mode = skip, deep, merge, mode

    def forward(self, x: Tensor) -> Tensor:
        deep = F.interpolate(self.deep(x), size=x.shape[2:], mode=self.mode)  # the size, not a factor: odd sides fit
        joined: Tensor = self.merge(deep if self.skip is None else torch.cat((self.skip(x), deep), 1))
        return joined


NETWORK = Hourglass
