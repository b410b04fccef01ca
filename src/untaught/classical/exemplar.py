"""Wide holes, filled by a picture all of whose patches are like known ones: what stands elsewhere is continued, not smeared.

Wexler, Shechtman and Irani (TPAMI 2007): for each patch that touches the hole seek the known patch most like it, let the patches
found vote for the pixels, and again, from coarse to fine. The coarsest hole is begun in layers from its rim, as by Newson et al.
(SIAM Journal on Imaging Sciences, 2014).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.classical.inpaint import Harmonic
from untaught.classical.patchmatch import Field
from untaught.core.geometry import halve
from untaught.core.randomness import Rng

LEAST = 0.1  # trust in what lies deep in a hole
PIXELS = 1 << 14
"""Pixels that are voted for at once."""


@dataclass(frozen=True)
class Exemplar:
    """A filling from known patches of the same picture.

    patch: the side of a patch. trust: how far a filled pixel counts in comparisons, beside the one before it from the rim.
    near: what a source costs that is as far away as the picture is long, in variances of what is known: of what is alike, the near
    is more often right. deep: pixels from the rim, at most, in the coarsest hole.
    rounds: of search and vote at the coarsest level, at most; half as many a level, and `last` at least. settled: the mean change,
    as a fraction of the data's range, at which a level is done. seed: of the search; other seeds find other fillings.

    Series, volumes, and pictures that hold no wholly known patch are filled by `start`. A pixel of which one channel is unknown is
    sought as a whole, and keeps its known channels.
    """

    patch: int = 9
    trust: float = 0.7
    near: float = 3.0
    deep: int = 8
    rounds: int = 20
    last: int = 5
    settled: float = 1e-3
    seed: int = 0
    start: Harmonic = field(default_factory=Harmonic)

    local = False

    def __call__(self, y: Tensor, known: Tensor) -> Tensor:
        whole = known.amin(1, keepdim=True)
        if y.ndim != 4 or bool(known.all()) or not self._copies(whole):
            return self.start(y, known)
        filled = torch.cat([self._fill(*one) for one in zip(y.split(1), whole.split(1), strict=True)])
        return y * known + filled * (1 - known)

    def _copies(self, known: Tensor) -> bool:
        """Whether every picture of (b, 1, h, w) holds a known patch."""
        if min(known.shape[2:]) < self.patch:
            return False
        return bool((F.max_pool2d(1 - known, self.patch, 1) == 0).flatten(1).any(1).all())

    def _fill(self, y: Tensor, known: Tensor) -> Tensor:
        draw = Rng(self.seed, y.device).fork("exemplar")
        values = y[known.expand_as(y) > 0]
        small, far = self.settled * float(values.max() - values.min()), self.near * float(values.var(correction=0))
        now: Field | None = None
        levels = self._pyramid(y, known)
        for i, (picture, seen) in enumerate(reversed(levels)):
            x, depth = picture[0].permute(1, 2, 0).clone(memory_format=torch.contiguous_format), _depth(seen)
            hole, trust = depth > 0, (self.trust ** depth.to(y)).clamp_min(LEAST)
            before, now = now, Field(x, trust, ~hole, self.patch, far / max(hole.shape) ** 2)
            if before is None:
                self._layers(now, depth, draw)
            else:
                now.follow(before, draw)
                x[hole] = vote(now, hole)
            for _ in range(max(self.rounds >> i, self.last)):
                now.measure()
                now.search(draw, (1,) if i == len(levels) - 1 else (8, 1))
                made = vote(now, hole)
                change, x[hole] = float((made - x[hole]).abs().mean()), made
                if change <= small:
                    break
        return x.permute(2, 0, 1)[None]

    def _pyramid(self, y: Tensor, known: Tensor) -> list[tuple[Tensor, Tensor]]:
        """(values, what is known) at half the size each time, until no hole is deeper than `deep`."""
        levels, reach = [(y, known)], self.deep
        while not bool(F.max_pool2d(known, 2 * reach + 1, 1, reach).all()):
            y, share = halve(y), halve(known)
            known = (share == 1).to(y)
            if min(known.shape[2:]) < 3 * self.patch or not self._copies(known):
                break
            levels.append((y, known))
        return levels

    def _layers(self, field: Field, depth: Tensor, draw: torch.Generator) -> None:
        """The hole from its rim inwards, a pixel at a time, each layer from patches of what is there already."""
        trust = field.trust.clone()
        field.scatter(draw, field.wanted)
        for layer in range(1, int(depth.max()) + 1):
            field.trust.copy_(trust * (depth < layer))
            field.measure()
            for _ in range(4):
                field.search(draw, (4, 2, 1))
            field.x[depth == layer] = vote(field, depth == layer)
        field.trust.copy_(trust)


def _depth(known: Tensor) -> Tensor:
    """(h, w) of (1, 1, h, w): how many pixels each is from what is known, along rows, columns or diagonals."""
    from scipy import ndimage

    depth = ndimage.distance_transform_cdt(known[0, 0].cpu().numpy() == 0, "chessboard")
    return torch.from_numpy(depth).to(known.device)


def vote(field: Field, pixels: Tensor) -> Tensor:
    """What the patches over each of the pixels, (h, w) bool, say of it, (n, c).

    The mean, weighted by how like its source each patch is, against the 75 % quantile of the errors about that pixel (Newson et
    al.), and by the square of how far the patch is trusted.
    """
    side, (height, width) = field.side, field.grid
    trusted = F.avg_pool2d(field.trust[None, None], side, 1).square().flatten()
    found = []
    for rows, cols in zip(*(v.split(PIXELS) for v in pixels.nonzero().T), strict=True):
        errors, colours, trust = [], [], []
        for i, j in ((i, j) for i in range(side) for j in range(side)):
            r, c = rows - i, cols - j
            there = (r >= 0) & (r < height) & (c >= 0) & (c < width)
            patch = r.clamp(0, height - 1) * width + c.clamp(0, width - 1)
            source = field.source[patch]
            errors.append(torch.where(there, field.error[patch], torch.inf))
            colours.append(field.x[source // width + i, source % width + j])
            trust.append(trusted[patch])
        error = torch.stack(errors)
        usual = error.kthvalue(3 * side * side // 4, 0).values.clamp_min(torch.finfo(error.dtype).tiny)
        weight = torch.where(error.isfinite(), torch.exp(-error / (2 * usual)), 0) * torch.stack(trust)
        found.append((weight[..., None] * torch.stack(colours)).sum(0) / weight.sum(0)[:, None])
    return torch.cat(found)
