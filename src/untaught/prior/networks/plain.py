"""A chain of convolutions at full resolution: the small network of ZS-N2N.

Mansour and Heckel, "Zero-Shot Noise2Noise: Efficient Image Denoising without any Data", CVPR 2023.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from torch import nn

from untaught.prior.networks import _parts as parts
from untaught.prior.networks._parts import ACTIVATIONS, conv


@dataclass(frozen=True)
class Plain:
    """`layers` convolutions of 3x3 and `width` channels, each with a leaky ReLU (slope 0.2), and a last one of 1x1.

    The defaults are the paper's network: 22 275 parameters from 3 channels to 3.
    """

    width: int = 48
    layers: int = 2

    def __post_init__(self) -> None:
        parts.check_counts((self.width,), "width")
        parts.check_counts((self.layers,), "layers")

    @property
    def multiple(self) -> int:
        return 1

    @property
    def reach(self) -> int:
        """Pixels of the input, to each side, that a pixel of the output depends on."""
        return self.layers

    @classmethod
    def examples(cls) -> tuple[Plain, ...]:
        return cls(width=5), cls(width=4, layers=1)

    def build(self, cin: int, cout: int, *, ndim: int = 2) -> nn.Module:
        """A module (b, cin, *space) -> (b, cout, *space), without an output activation."""
        chain = [
            layer
            for a, b in itertools.pairwise((cin, *[self.width] * self.layers))
            for layer in (conv(a, b, 3, ndim=ndim, padding="zero"), ACTIVATIONS["leaky_relu"]())
        ]
        return nn.Sequential(*chain, conv(self.width, cout, 1, ndim=ndim))


NETWORK = Plain
