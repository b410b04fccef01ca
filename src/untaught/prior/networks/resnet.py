"""A residual network at full size: the alternative without scales in the Deep Image Prior paper.

Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior" (CVPR 2018, architectures compared on a large hole): it sees
only so far around each pixel, and fills small holes rather than large ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from untaught.prior.networks import _parts as parts
from untaught.prior.networks._parts import Activation, Padding, activated, conv


@dataclass(frozen=True)
class ResNet:
    """A chain of residual blocks of two 3x3 convolutions, all at the size of the picture.

    Knobs:

    - `blocks`: their number; the field of view is 4 `blocks` + 7 pixels wide
    - `width`: channels
    - `padding`: 'reflection' or 'zero', of the first and last convolution (those within are padded with zeros)
    - `activation`: 'leaky_relu' (slope 0.2), 'relu', 'swish', 'elu' or 'none'

    The defaults are the paper's comparison for inpainting: 158 979 parameters from 1 channel to 3.
    """

    blocks: int = 8
    width: int = 32
    padding: Padding = "reflection"
    activation: Activation = "leaky_relu"

    def __post_init__(self) -> None:
        parts.check_counts((self.blocks,), "blocks")
        parts.check_counts((self.width,), "width")
        parts.check_names("padding", (self.padding,), parts.PADDINGS)
        parts.check_names("activation", (self.activation,), tuple(parts.ACTIVATIONS))

    @property
    def multiple(self) -> int:
        return 1

    @property
    def shrink(self) -> int:
        return 1

    @classmethod
    def examples(cls) -> tuple[ResNet, ...]:
        return cls(blocks=1, width=4), cls(blocks=2, width=3, padding="zero", activation="elu")

    def build(self, cin: int, cout: int, *, ndim: int = 2) -> nn.Module:
        """A module (b, cin, *space) -> (b, cout, *space), without an output activation."""

        def inner(*, bias: bool) -> nn.Module:
            return conv(self.width, self.width, 3, ndim=ndim, padding="zero", bias=bias)

        def block() -> _Residual:
            # No biases: the normalisations that follow would take them away.
            first, second = inner(bias=False), inner(bias=False)
            return _Residual(first, *activated(self.width, self.activation), second, parts.BatchNorm(self.width))

        return nn.Sequential(
            conv(cin, self.width, 3, ndim=ndim, padding=self.padding),
            parts.ACTIVATIONS[self.activation](),
            *(block() for _ in range(self.blocks)),
            inner(bias=True),
            parts.BatchNorm(self.width),
            conv(self.width, cout, 3, ndim=ndim, padding=self.padding),
        )


class _Residual(nn.Sequential):
    """What its layers make of x, added to x."""

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for layer in self:
            y = layer(y)
        return x + y


NETWORK = ResNet
