"""A network whose random convolutions stay as they are: only normalisations and biases are sought, and the code.

Deep Random Projector, Li et al., "Deep Random Projector: Accelerated Deep Image Prior", CVPR 2023.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from untaught.prior.networks.hourglass import Hourglass

if TYPE_CHECKING:
    from untaught.prior import Architecture


@dataclass(frozen=True)
class Frozen:
    """`net` with every kernel fixed at its random start; use it with a code that is sought, `Noise(learn=True)`.

    The last kernel, which mixes channels into the picture, is fixed too, as in the paper; its bias is not.
    """

    net: Architecture

    @property
    def multiple(self) -> int:
        return self.net.multiple

    @property
    def shrink(self) -> int:
        return getattr(self.net, "shrink", 1)

    @classmethod
    def examples(cls) -> tuple[Frozen, ...]:
        return (cls(Hourglass(down=(4,))),)

    def build(self, cin: int, cout: int, *, ndim: int = 2) -> nn.Module:
        """A module (b, cin, *space) -> (b, cout, *space), without an output activation."""
        module = self.net.build(cin, cout, ndim=ndim)
        for parameter in module.parameters():
            parameter.requires_grad_(parameter.ndim < 2)  # kernels have axes for channels and space, the rest has one
        return module


NETWORK = Frozen
