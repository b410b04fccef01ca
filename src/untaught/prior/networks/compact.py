"""A small U-shaped network for objectives that feed it crops of the degraded picture: few passes, no normalisation.

Without normalisation a pixel's answer depends on its neighbourhood alone, so a network fitted on crops can be applied to the
whole picture, and by strips.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from untaught.prior.networks import _parts as parts
from untaught.prior.networks._parts import AVG, CONV


@dataclass(frozen=True)
class Compact:
    """Levels of 3x3 convolutions and ReLU; down by averages, up by a 1x1 convolution, nearest upsampling and a sum.

    widths: channels of each level, finest first; multiples of 16 are fastest on a CPU.
    down, up: how many convolutions each level has on the way down, and on the way up.
    unshuffle: the finest level works at 1 / unshuffle of the resolution, with unshuffle^ndim pixels side by side as channels.
    The last layer starts at 0: with a residual prior the first picture is the estimate that is fed.
    """

    widths: tuple[int, ...] = (16, 32, 48)
    down: int = 2
    up: int = 1
    unshuffle: int = 1

    def __post_init__(self) -> None:
        parts.check_counts(self.widths, "widths")
        for name, least in (("down", 1), ("up", 0), ("unshuffle", 1)):
            parts.check_counts((getattr(self, name),), name, least)

    def build(self, cin: int, cout: int, *, ndim: int = 2) -> nn.Module:
        return _Compact(self, cin, cout, ndim)

    @property
    def multiple(self) -> int:
        return self.unshuffle * 2 ** (len(self.widths) - 1)

    @property
    def reach(self) -> int:
        """Pixels of the input, to each side, that a pixel of the output may depend on."""
        levels = [(self.down + self.up + 2) * 2**i for i in range(len(self.widths))]
        return self.unshuffle * (sum(levels) + 1)

    @classmethod
    def examples(cls) -> tuple[Compact, ...]:
        return Compact((4, 6), unshuffle=2), Compact((4,)), Compact((4, 4, 4), 1, 2)


class _Compact(nn.Module):
    def __init__(self, recipe: Compact, cin: int, cout: int, ndim: int) -> None:
        super().__init__()
        self.factor, conv = recipe.unshuffle, CONV[ndim]
        wide = self.factor**ndim

        def chain(first: int, width: int, count: int) -> nn.Sequential:
            sizes = [first, *[width] * count]
            return nn.Sequential(
                *[
                    layer
                    for a, b in itertools.pairwise(sizes)
                    for layer in (conv(a, b, 3, padding=1), nn.ReLU(inplace=True))
                ]
            )

        widths = recipe.widths
        self.down = nn.ModuleList(chain(a, b, recipe.down) for a, b in itertools.pairwise((cin * wide, *widths)))
        self.across = nn.ModuleList(conv(b, a, 1) for a, b in itertools.pairwise(widths))
        self.up = nn.ModuleList(chain(a, a, recipe.up) for a in widths[:-1])
        self.tail = conv(widths[0], cout * wide, 3, padding=1)
        self.pool = AVG[ndim](2)
        for module in self.modules():
            if isinstance(module, conv):
                nn.init.kaiming_normal_(module.weight, a=0.7)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        nn.init.zeros_(self.tail.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = unshuffle(x, self.factor)
        kept = []
        for i, level in enumerate(self.down):
            x = level(x if i == 0 else self.pool(x))
            kept.append(x)
        for level, across, skip in zip(reversed(self.up), reversed(self.across), reversed(kept[:-1]), strict=True):
            x = level(skip + F.interpolate(across(x), scale_factor=2))
        return shuffle(self.tail(x), self.factor)


def unshuffle(x: Tensor, factor: int) -> Tensor:
    """(b, c, *space) -> (b, c factor^n, *space / factor): blocks of pixels become channels."""
    if factor == 1:
        return x
    b, c, *space = x.shape
    n = len(space)
    x = x.reshape(b, c, *(v for s in space for v in (s // factor, factor)))
    x = x.permute(0, *range(2, 2 + 2 * n, 2), 1, *range(3, 3 + 2 * n, 2))
    return x.reshape(b, *(s // factor for s in space), -1).movedim(-1, 1)


def shuffle(x: Tensor, factor: int) -> Tensor:
    """The inverse of `unshuffle`."""
    if factor == 1:
        return x
    b, _, *space = x.shape
    n = len(space)
    x = x.movedim(1, -1).reshape(b, *space, -1, *[factor] * n)
    x = x.permute(0, 1 + n, *(v for i in range(n) for v in (1 + i, 2 + n + i)))
    return x.reshape(b, x.shape[1], *(s * factor for s in space))


NETWORK = Compact
