"""A non-local ridge: similar patches are combined linearly, with the weights of least risk for the group.

Herbreteau and Kervrann, "Towards a unified view of unsupervised non-local methods for image denoising: the NL-Ridge approach"
(2022). For k similar patches, the rows of Y with n values each of noise variance v, the estimate is Z = T Y with

    T = I - n v (Y Y^T)^-1              from the noisy patches alone (least by Stein's estimate), and
    T = I - n v (X X^T + n v I)^-1      where a pilot X of the clean patches is at hand.

Two passes make an estimate; a better pilot makes a better one. Patches are colour patches, matched by their leading principal
components.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.errors import BadInput
from untaught.geometry import cuts, strips, tiles
from untaught.guides import NonLocalMeans

COMPONENTS = 12


@dataclass(frozen=True)
class Pass:
    """One filtering: the patch's side, how many similar ones make a group."""

    patch: int
    group: int


@dataclass(frozen=True)
class NonLocalRidge:
    """The guide, in two passes.

    loud: deviation, as a fraction of full scale, from which the patches are two pixels larger.
    window: side of the square in which similar patches are sought. stride: distance of the patches that are grouped for.
    pixels: larger pictures are filtered by strips of about that many, so that memory does not grow with them.
    """

    first: Pass = Pass(7, 16)
    second: Pass = Pass(5, 64)
    loud: float = 37 / 255
    window: int = 25
    stride: int = 4
    pixels: int = 1 << 18

    def __post_init__(self) -> None:
        side = min(self.first.patch, self.second.patch)
        if self.stride > side:
            raise BadInput(
                f"Patches of {side} at every {self.stride}th pixel leave gaps: give a stride of {side} or less."
            )

    @property
    def reach(self) -> int:
        """Pixels to each side that a pixel of the estimate depends on; the components, which all share, aside."""
        return 2 * (self.window // 2 + self.first.patch + 2)

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a picture (1, c, h, w); `deviation` of its noise broadcasts against it.

        Series, volumes and pictures too small for a group are left to non-local means.
        """
        if not self._fits(noisy):
            return NonLocalMeans()(noisy, deviation)
        return self._by_strips(self._two, noisy, deviation.expand_as(noisy))

    def refine(self, noisy: Tensor, deviation: Tensor, pilot: Tensor) -> Tensor:
        """A further pass with a pilot of the clean picture."""
        if not self._fits(noisy):
            return pilot
        return self._by_strips(self._again, noisy, deviation.expand_as(noisy), pilot)

    def _fits(self, y: Tensor) -> bool:
        spread = self.window // 2 + 1
        patches = [min(n - self.first.patch - 1, spread) for n in y.shape[2:]]
        return y.ndim == 4 and min(patches) > 0 and patches[0] * patches[1] >= max(self.first.group, self.second.group)

    def _passes(self, deviation: Tensor) -> tuple[Pass, Pass]:
        more = 2 if float(deviation.square().mean().sqrt()) >= self.loud else 0
        return replace(self.first, patch=self.first.patch + more), replace(self.second, patch=self.second.patch + more)

    def _two(self, y: Tensor, deviation: Tensor) -> Tensor:
        first, second = self._passes(deviation)
        pilot = self._filter(y, self._match(y, first), first, deviation.square(), None)
        return self._filter(y, self._match(pilot, second), second, deviation.square(), pilot)

    def _again(self, y: Tensor, deviation: Tensor, pilot: Tensor) -> Tensor:
        second = self._passes(deviation)[1]
        return self._filter(y, self._match(pilot, second), second, deviation.square(), pilot)

    def _by_strips(self, function, *layers: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        height, width = layers[0].shape[2:]
        halo = self.reach  # two passes
        rows = max(self.pixels // width, 4 * halo)
        parts = [
            function(*(v[0, :, s.low : s.high] for v in layers))[:, s.start - s.low : s.stop - s.low]
            for s in strips(height, rows, halo)
        ]
        return torch.cat(parts, dim=1)[None]

    def _match(self, x: Tensor, one: Pass) -> Tensor:
        """For each grouped-for patch the numbers of the `group` most similar ones in its window, (groups, group)."""
        f = components(x, one.patch)
        _, h, w = f.shape
        reach = self.window // 2
        down, along = (grid(n, self.stride).to(x.device) for n in (h, w))
        reference = f[:, down][:, :, along]
        wide = F.pad(f, [reach] * 4, value=float("inf"))  # no patch there: never similar
        apart = f.new_empty(self.window, self.window, len(down), len(along))
        for j in range(self.window):
            column = wide.index_select(2, along + j)
            for i in range(self.window):
                difference = column.index_select(1, down + i).sub_(reference)
                torch.sum(difference.square_(), 0, out=apart[i, j])
        apart[reach, reach] = -1  # the patch itself, always
        nearest = (
            apart.flatten(2).flatten(0, 1).T.contiguous().topk(one.group, dim=1, largest=False, sorted=False).indices
        )
        moved = (nearest // self.window - reach) * w + nearest % self.window - reach
        return (down[:, None] * w + along).reshape(-1, 1) + moved

    def _filter(self, y: Tensor, groups: Tensor, one: Pass, variance: Tensor, pilot: Tensor | None) -> Tensor:
        """Every group by its ridge; where patches overlap, their mean weighted by the certainty of each."""
        c, height, width = y.shape
        p, n = one.patch, c * one.patch**2
        rows = patches(y, p)
        clean = None if pilot is None else patches(pilot, p)
        mean = n * F.avg_pool2d(variance.mean(0, keepdim=True)[None], p, 1).flatten()
        total, weights = torch.zeros_like(rows), rows.new_zeros(len(rows))
        for some in groups.split(256):
            flat, size = some.flatten(), some.shape
            noisy = rows.index_select(0, flat).view(*size, n)
            known = noisy if clean is None else clean.index_select(0, flat).view(*size, n)
            noise = mean[some].mean(1)
            gram = known @ known.mT
            # Without a pilot the products hold the noise already; a trace keeps equal patches solvable, in single precision too.
            trace = 2e-5 * gram.diagonal(dim1=1, dim2=2).mean(1)
            gram.diagonal(dim1=1, dim2=2).add_((noise * (1.0 if clean is not None else 1e-4) + trace + 1e-12)[:, None])
            mix = torch.cholesky_inverse(torch.linalg.cholesky(gram)).mul_(-noise[:, None, None])
            mix.diagonal(dim1=1, dim2=2).add_(1)
            sure = 1 / mix.square().sum(1).clamp_min_(1e-2)
            total.index_add_(0, flat, (mix.mul_(sure[:, :, None]) @ noisy).view(-1, n))
            weights.index_add_(0, flat, sure.flatten())
        h, w = height - p + 1, width - p + 1
        total, weights = total.view(h, w, p, p, c), weights.view(h, w, 1)
        result, count = y.new_zeros(height, width, c), y.new_zeros(height, width, 1)
        for i in range(p):
            for j in range(p):
                result[i : i + h, j : j + w] += total[:, :, i, j]
                count[i : i + h, j : j + w] += weights
        return (result / count).permute(2, 0, 1)


SPARSE = NonLocalRidge(second=Pass(5, 32), window=15, stride=5, pixels=1 << 19)
"""A third of the time and about 0.4 dB less: for large pictures (docs/benchmarks)."""


@dataclass(frozen=True)
class Quick:
    """A guide for large pictures: non-local means by strips, and a sparse ridge where there is a better pilot than they."""

    means: NonLocalMeans = NonLocalMeans(distance=4, strip=64)
    ridge: NonLocalRidge = SPARSE

    @property
    def reach(self) -> int:
        """Pixels to each side that a pixel of the estimate, and of the last pass, depends on."""
        return max(self.means.reach, self.ridge.window // 2 + self.ridge.second.patch + 2)

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """The estimate of a picture (1, c, *space); `deviation` of its noise broadcasts against it."""
        return self.means(noisy, deviation)

    def refine(self, noisy: Tensor, deviation: Tensor, pilot: Tensor) -> Tensor:
        """One pass of the ridge with a pilot of the clean picture."""
        return self.ridge.refine(noisy, deviation, pilot)


@dataclass(frozen=True)
class Tiled:
    """Another ridge by tiles of at most `side`, so that its memory grows neither with the height nor with the width."""

    ridge: NonLocalRidge = SPARSE
    side: int = 1024

    def __call__(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        deviation, x = deviation.expand_as(noisy), torch.empty_like(noisy)
        for tile in tiles(noisy.shape[2:], self.side, self.ridge.reach):
            seen, kept, inner = ((slice(None), slice(None), *v) for v in cuts(tile))
            x[kept] = self.ridge(noisy[seen], deviation[seen])[inner]
        return x


def grid(n: int, stride: int) -> Tensor:
    """Every `stride`-th position of n, and the last."""
    return torch.unique(torch.cat([torch.arange(0, n, stride), torch.tensor([n - 1])]))


def patches(x: Tensor, side: int) -> Tensor:
    """All patches of (c, h, w), one a row, (positions, side * side * c)."""
    found = x.permute(1, 2, 0).contiguous().unfold(0, side, 1).unfold(1, side, 1)
    return found.permute(0, 1, 3, 4, 2).reshape(found.shape[0] * found.shape[1], -1)


def components(x: Tensor, side: int) -> Tensor:
    """The leading principal components of all patches, (components, h, w): few numbers hold most of their distances."""
    c = x.shape[0]
    some = x.unfold(1, side, 3).unfold(2, side, 3).permute(1, 2, 0, 3, 4).reshape(-1, c * side * side)
    some = some - some.mean(0)
    _, axes = torch.linalg.eigh(some.T @ some)
    return F.conv2d(x[None], axes[:, -COMPONENTS:].T.reshape(-1, c, side, side))[0]
