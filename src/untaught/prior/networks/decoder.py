"""The Deep Decoder: a code, fixed upsampling and pixel-wise mixtures of channels; no encoder, few parameters.

Heckel and Hand, "Deep Decoder: Concise Image Representations from Untrained Non-convolutional Networks", ICLR 2019.
With `kernel=3` the ConvDecoder of Darestani and Heckel, "Accelerated MRI with Un-trained Neural Networks", 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from untaught.prior.networks import _parts as parts
from untaught.prior.networks._parts import Padding, Upsampling, conv


@dataclass(frozen=True)
class Decoder:
    """Layers of mix, double, rectify, normalise; a last layer without the doubling; a last mixture to the picture.

    Knobs:

    - `width`: channels of every layer; the paper's code has as many; the fewer, the less noise
      they can hold
    - `levels`: how many times the code is doubled; it is 2**levels times smaller than the picture (`shrink`)
    - `kernel`: 1, or an odd size above
    - `upsample`: 'bilinear' (linear along any number of axes) or 'nearest'
    - `padding`: 'reflection' or 'zero', where `kernel` is above 1

    The defaults are the paper's network for 512 x 512 pixels from a code of 128 x 16 x 16: 100 224 parameters.
    """

    width: int = 128
    levels: int = 5
    kernel: int = 1
    upsample: Upsampling = "bilinear"
    padding: Padding = "reflection"

    def __post_init__(self) -> None:
        parts.check_counts((self.width,), "width")
        parts.check_counts((self.levels,), "levels")
        parts.check_kernels((self.kernel,), "kernel")
        parts.check_names("upsampling", (self.upsample,), parts.UPSAMPLINGS)
        parts.check_names("padding", (self.padding,), parts.PADDINGS)

    @property
    def multiple(self) -> int:
        return 1 << self.levels

    @property
    def shrink(self) -> int:
        return 1 << self.levels

    @classmethod
    def examples(cls) -> tuple[Decoder, ...]:
        return cls(width=6, levels=2), cls(width=5, levels=1, kernel=3, upsample="nearest", padding="zero")

    def build(self, cin: int, cout: int, *, ndim: int = 2) -> nn.Module:
        """A module (b, cin, *space / shrink) -> (b, cout, *space), without an output activation."""
        layers: list[nn.Module] = []
        for i in range(self.levels + 1):
            # No bias, as in the paper. Mixing before the doubling costs a quarter, and for a 1x1 kernel is the same.
            layers += [conv(cin, self.width, self.kernel, ndim=ndim, padding=self.padding, bias=False)]
            if i < self.levels:
                layers += [nn.Upsample(scale_factor=2, mode=parts.interpolation(self.upsample, ndim))]
            # Rectified before it is normalised: the paper's order, the reverse of the other networks'.
            layers += [nn.ReLU(inplace=True), parts.BatchNorm(self.width)]
            cin = self.width
        return nn.Sequential(*layers, conv(self.width, cout, 1, ndim=ndim, bias=False))


NETWORK = Decoder
