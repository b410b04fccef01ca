"""Similar patches: for some of a picture the most similar ones in a window about each, by their leading principal components.

The grouping of BM3D (Dabov, Foi, Katkovnik and Egiazarian 2007), which every filter of patches here begins with.

The squared distances of a few neighbours to all that their windows hold are one matrix product,

    |a - b|^2 = (-2 a, |a|^2, 1) . (b, 1, |b|^2),

in which the rows of windows that overlap are shared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.errors import BadInput
from untaught.core.linear_algebra import axes

COMPONENTS = 12  # of a patch, by which patches are compared: the leading ones, which noise moves least
SPARE = 1 << 25  # bytes, more than a convolution takes beside its result
MOST = 128
"""Patches of a group in pictures of one or two channels."""
ABREAST = 8
"""Neighbours whose windows are compared with them at once."""


@dataclass(frozen=True)
class Pass:
    """One filtering: the patch's side; how many similar ones make a group, sought in a square `window` (fewer where it
    holds fewer in a corner of the picture); the distance of the patches that are grouped for. For three channels (`of`)."""

    patch: int
    group: int
    window: int = 25
    stride: int = 5

    def __post_init__(self) -> None:
        if not 0 < self.stride <= self.patch:
            raise BadInput(
                f"Patches of {self.patch} at every {self.stride}th pixel leave gaps: give a stride of 1 to {self.patch}."
            )

    @property
    def reach(self) -> int:
        """Pixels to each side that a pixel of the estimate depends on, of any number of channels (`of` adds up to four); the
        components, which all share, aside."""
        return self.window // 2 + self.patch + 4

    def of(self, channels: int, more: int) -> Pass:
        """The same for a picture of so many channels, with patches that are `more` pixels larger if there are three or more.

        With fewer, a patch of that side holds too few values to tell noise from picture: a larger one, of about as many values,
        gains 2 dB in grey pictures, where groups of more patches are worse again (docs/benchmarks).
        """
        if channels >= 3:
            return replace(self, patch=self.patch + more)
        lacking = 3 - channels
        group = min(self.group, MOST)
        return replace(self, patch=self.patch + 2 * lacking, stride=self.stride + lacking, group=group)

    def within(self, space: tuple[int, ...]) -> Pass:
        """The same with a group that a window can hold in a corner of the picture."""
        height, width = (max(0, min(n - self.patch + 1, self.window // 2 + 1)) for n in space)
        return replace(self, group=min(self.group, height * width))


@dataclass(frozen=True)
class Groups:
    """Patches by number: `at` (g,), and for each the most similar ones (g, k); `number` (g,): their places on a `grid`."""

    at: Tensor
    alike: Tensor
    grid: tuple[int, int]
    number: Tensor


def match(x: Tensor, one: Pass, *, itself: bool = True, wanted: Tensor | None = None) -> Groups:
    """For each grouped-for patch of (c, h, w) the `group` most similar ones in its window; itself: whether it is one of them.

    wanted: only for those where it is true, of every place that a patch can have, and for their neighbours on the grid.
    """
    f = components(x, one.patch)
    _, h, w = f.shape
    down, along = (grid(n, one.stride).to(x.device) for n in (h, w))
    chosen = torch.ones(len(down), len(along), dtype=torch.bool, device=x.device)
    if wanted is not None:
        chosen = F.max_pool2d(wanted[down[:, None], along].float()[None], 3, 1, 1)[0] > 0
    even = (w - 1) // one.stride + 1  # as many lie evenly apart; the last may be nearer
    found = [_nearest(f, down, 0, chosen[:, :even], one, itself)]
    if even < len(along):
        found.append(_nearest(f, down, w - 1, chosen[:, even:], one, itself))
    number, reach = chosen.flatten().nonzero()[:, 0], one.window // 2
    nearest = torch.cat(found, 1).flatten(0, 1)[number]
    moved = (nearest // one.window - reach) * w + nearest % one.window - reach
    at = (down[:, None] * w + along).flatten()[number]
    return Groups(at, at[:, None] + moved, (len(down), len(along)), number)


def _nearest(f: Tensor, down: Tensor, start: int, chosen: Tensor, one: Pass, itself: bool) -> Tensor:
    """For the patches in the rows `down` of the components f, at every stride-th column from `start` on, the places in the window
    of the most similar ones, (rows, columns, k); of those that are `chosen` (rows, columns), and anything of the others."""
    side, reach, stride, count = one.window, one.window // 2, one.stride, chosen.shape[1]
    abreast = min(ABREAST, count)
    tiles, span = -(-count // abreast), side + stride * (abreast - 1)
    f = f - f.mean((1, 2), keepdim=True)  # so that little is lost to rounding
    square = f.square().sum(0, keepdim=True)
    room = max(0, start + stride * abreast * tiles + side - f.shape[2])
    edges = (reach, room, reach, reach)
    # What lies outside is infinitely far from all: never similar.
    others = torch.cat(
        [F.pad(f, edges), F.pad(torch.ones_like(square), edges), F.pad(square, edges, value=float("inf"))]
    )
    windows = others[:, :, start:].unfold(2, span, stride * abreast)[:, :, :tiles]
    mine = F.pad(torch.cat([-2 * f, square, torch.ones_like(square)]), (0, room))
    mine = mine[:, down, start : start + stride * abreast * tiles : stride].permute(1, 2, 0)
    rows = mine.reshape(len(down), tiles, abreast, -1)
    some = F.pad(chosen, (0, abreast * tiles - count)).view(len(down), tiles, abreast).any(2)
    places = torch.zeros(len(down), tiles, abreast, one.group, dtype=torch.long, device=f.device)
    for row, top in enumerate(down.tolist()):
        which = some[row].nonzero()[:, 0]
        if not len(which):
            continue
        theirs = windows[:, top : top + side].permute(2, 0, 1, 3)[which].reshape(len(which), -1, side * span)
        apart = rows[row, which] @ theirs
        # The i-th of those abreast has its window i strides further.
        steps = (abreast * side * span, side * span + stride, span, 1)
        apart = apart.as_strided((len(which), abreast, side, side), steps).reshape(-1, side * side)
        apart[:, reach * side + reach] = -float("inf") if itself else float("inf")
        found = apart.topk(one.group, dim=1, largest=False, sorted=False).indices
        places[row, which] = found.view(len(which), abreast, -1)
    return places.flatten(1, 2)[:, :count]


def grid(n: int, stride: int) -> Tensor:
    """Every `stride`-th position of n, and the last."""
    return torch.unique(torch.cat([torch.arange(0, n, stride), torch.tensor([n - 1])]))


def components(x: Tensor, side: int) -> Tensor:
    """The leading principal components of all patches, (components, h, w): few numbers hold most of their distances."""
    return projected(x[None], leading(x[None], side))[0]


def projected(x: Tensor, ways: Tensor) -> Tensor:
    """The components of all patches of pictures (b, c, h, w) along those axes, (b, components, h, w)."""
    # Where there is no room, oneDNN ends the process; this raises, and is given back at once.
    torch.empty(SPARE, dtype=torch.uint8)
    return F.conv2d(x, ways)


def leading(x: Tensor, side: int) -> Tensor:
    """The axes of these components for the patches of all pictures (b, c, h, w), as the weights of a convolution."""
    c = x.shape[1]
    some = x.unfold(2, side, 3).unfold(3, side, 3).permute(0, 2, 3, 1, 4, 5).reshape(-1, c * side * side)
    some = some - some.mean(0)
    _, ways = axes(some.T @ some)
    return ways[:, -COMPONENTS:].T.reshape(-1, c, side, side)
