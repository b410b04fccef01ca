"""U-Net: the alternative that the Deep Image Prior paper compares for large-hole inpainting.

Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015, in the form of Ulyanov, Vedaldi and Lempitsky, "Deep Image
Prior" (CVPR 2018, architectures compared on a large hole): convolutions keep the size, and only those on the way
down are normalised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from untaught.prior.networks import _parts as parts
from untaught.prior.networks._parts import Padding, Upsampling, conv

Norm = Literal["batch", "instance"]
NORMS: dict[str, Callable[[int], nn.Module]] = {"batch": parts.BatchNorm, "instance": parts.InstanceNorm}
UPSAMPLINGS = ("deconv", *parts.UPSAMPLINGS)


@dataclass(frozen=True)
class UNet:
    """Two 3x3 convolutions a level; max-pooled on the way down, joined with the full level on the way up.

    Knobs:

    - `channels`: of each level, finest first; every level but the last halves the size
    - `upsample`: 'deconv' (transposed convolution of 4 pixels), 'bilinear' or 'nearest' (each before a convolution)
    - `norm`: 'instance' (each picture by itself, nothing to learn) or 'batch'; used on the way down only
    - `padding`: 'zero' or 'reflection'

    The defaults are the paper's comparison for inpainting: 1 616 315 parameters from 1 channel to 3.
    """

    channels: tuple[int, ...] = (8, 16, 32, 64, 128, 128)
    upsample: Literal["deconv"] | Upsampling = "deconv"
    norm: Norm = "instance"
    padding: Padding = "zero"

    def __post_init__(self) -> None:
        parts.check_counts(self.channels, "channels")
        parts.check_names("upsampling", (self.upsample,), UPSAMPLINGS)
        parts.check_names("normalisation", (self.norm,), tuple(NORMS))
        parts.check_names("padding", (self.padding,), parts.PADDINGS)

    @property
    def multiple(self) -> int:
        return 1 << (len(self.channels) - 1)

    @property
    def shrink(self) -> int:
        return 1

    @classmethod
    def examples(cls) -> tuple[UNet, ...]:
        return (
            cls(channels=(4, 6, 6)),
            cls(channels=(3, 5), upsample="bilinear", norm="batch", padding="reflection"),
            cls(channels=(4, 4), upsample="nearest"),
        )

    def build(self, cin: int, cout: int, *, ndim: int = 2) -> nn.Module:
        """A module (b, cin, *space) -> (b, cout, *space), without an output activation."""
        return nn.Sequential(self._level(0, cin, ndim), conv(self.channels[0], cout, 1, ndim=ndim))

    def _level(self, i: int, cin: int, ndim: int) -> nn.Module:
        """Level `i` with all that lies below it: `cin` channels in, `channels[i]` out."""
        here = self.channels[i]
        enter = self._twice(cin, here, ndim, NORMS[self.norm])
        if i + 1 == len(self.channels):
            return enter
        rise = self._rise(self.channels[i + 1], here, ndim)
        deep = nn.Sequential(parts.MAX[ndim](2), self._level(i + 1, here, ndim), rise)
        return _Level(enter, deep, self._twice(2 * here, here, ndim))

    def _rise(self, cin: int, cout: int, ndim: int) -> nn.Module:
        if self.upsample == "deconv":
            return parts.DECONV[ndim](cin, cout, 4, stride=2, padding=1)
        larger = nn.Upsample(scale_factor=2, mode=parts.interpolation(self.upsample, ndim))
        return nn.Sequential(larger, conv(cin, cout, 3, ndim=ndim, padding=self.padding))

    def _twice(self, cin: int, cout: int, ndim: int, norm: Callable[[int], nn.Module] | None = None) -> nn.Sequential:
        layers: list[nn.Module] = []
        for c in (cin, cout):
            layers += [conv(c, cout, 3, ndim=ndim, padding=self.padding), *([norm(cout)] if norm else [])]
            layers += [nn.ReLU(inplace=True)]
        return nn.Sequential(*layers)


class _Level(nn.Module):
    """One floor of the U: what enters is kept at full size, and joined with what came up from below."""

    def __init__(self, enter: nn.Module, deep: nn.Module, merge: nn.Module) -> None:
        super().__init__()
        self.enter, self.deep, self.merge = enter, deep, merge

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        joined: Tensor = self.merge(torch.cat((self.deep(x), x), 1))
        return joined


NETWORK = UNet
