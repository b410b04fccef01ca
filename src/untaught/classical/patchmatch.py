"""The nearest-neighbour field of a picture with holes: for each patch that touches one, the known patch most like it.

PatchMatch (Barnes et al., SIGGRAPH 2009), of all patches at once: what neighbours found is taken over in jumps, as in jump flooding
(Rong and Tan 2006), and places at random are tried in windows that halve.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

PATCHES = 1 << 14
"""Patches that are compared at once."""


class Field:
    """Where the patches of a picture (h, w, c) come from. Its owner fills the picture in place, and says what of it is trusted.

    trust: (h, w), how much each pixel counts in a comparison; 0 for what is not there yet. known: (h, w) bool. side: of a patch.
    Patches are named by the flat number of their upper left corner. wanted: (n,), those that touch a hole. source: of every patch
    the known one that it is taken from. error: their mean square difference, infinite where nothing is trusted, and `far` times the
    square of their distance in pixels.
    """

    def __init__(self, x: Tensor, trust: Tensor, known: Tensor, side: int, far: float = 0.0) -> None:
        self.x, self.trust, self.side, self.far = x, trust, side, far
        self.grid = h, w = x.shape[0] - side + 1, x.shape[1] - side + 1
        self.allowed = (F.max_pool2d((~known).to(x)[None, None], side, 1) == 0).flatten()
        self.wanted = (~self.allowed).nonzero()[:, 0]
        self.source = torch.arange(h * w, device=x.device)
        self.error = torch.full((h * w,), torch.inf, dtype=x.dtype, device=x.device)

    def scatter(self, draw: torch.Generator, patches: Tensor) -> None:
        """Sources at random."""
        places = self.allowed.nonzero()[:, 0]
        self.source[patches] = places[torch.randint(len(places), patches.shape, generator=draw, device=places.device)]

    def follow(self, coarser: Field, draw: torch.Generator) -> None:
        """The displacements of a field of half the size, and, until `measure`, its errors."""
        middle = self.side // 2
        here = self._place(self.wanted)
        above = [((v + middle) // 2 - middle).clamp(0, n - 1) for v, n in zip(here, coarser.grid, strict=True)]
        patch = above[0] * coarser.grid[1] + above[1]
        there = coarser._place(coarser.source[patch])
        rows, cols = (v + 2 * (t - p) for v, t, p in zip(here, there, above, strict=True))
        self.source[self.wanted], _ = self._patch(rows, cols)
        self.error[self.wanted] = coarser.error[patch]
        self.scatter(draw, self.wanted[~self.allowed[self.source[self.wanted]]])

    def measure(self) -> None:
        """The errors, as the picture is now."""
        self.error[self.wanted] = self._apart(self.wanted, self.source[self.wanted])

    def search(self, draw: torch.Generator, jumps: tuple[int, ...]) -> None:
        """One round: what neighbours at each of the jumps found, and places at random about the best so far."""
        rows, cols = self._place(self.wanted)
        for i, j in ((i, j) for n in jumps for i, j in ((-n, 0), (n, 0), (0, -n), (0, n))):
            neighbour, there = self._patch(rows + i, cols + j)
            theirs = self._place(self.source[neighbour])
            self._offer(theirs[0] - i, theirs[1] - j, there)
        radius = max(self.grid)
        while radius:
            best = self._place(self.source[self.wanted])
            by = torch.randint(-radius, radius + 1, (2, len(rows)), generator=draw, device=rows.device)
            self._offer(best[0] + by[0], best[1] + by[1], torch.ones_like(rows, dtype=torch.bool))
            radius //= 2

    def _offer(self, rows: Tensor, cols: Tensor, some: Tensor) -> None:
        """Places for some of what is wanted; the better ones are taken."""
        patch, there = self._patch(rows, cols)
        new = some & there & self.allowed[patch] & (patch != self.source[self.wanted])
        wanted, patch = self.wanted[new], patch[new]
        error = self._apart(wanted, patch)
        better = error < self.error[wanted]
        wanted = wanted[better]
        self.source[wanted], self.error[wanted] = patch[better], error[better]

    def _place(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        return patches // self.grid[1], patches % self.grid[1]

    def _patch(self, rows: Tensor, cols: Tensor) -> tuple[Tensor, Tensor]:
        """(the patches, or what is wanted where a place is outside; whether it is inside)."""
        inside = (rows >= 0) & (rows < self.grid[0]) & (cols >= 0) & (cols < self.grid[1])
        return torch.where(inside, rows * self.grid[1] + cols, self.wanted), inside

    def _apart(self, these: Tensor, others: Tensor) -> Tensor:
        c, n, found = self.x.shape[2], self.side**2, [self.error[:0]]
        values, trust = windows(self.x, self.side), windows(self.trust[..., None], self.side)
        for a, b in zip(these.split(PATCHES), others.split(PATCHES), strict=True):
            here, there = self._place(a), self._place(b)
            square = (values[here] - values[there]).square_().view(len(a), n, c).sum(2)
            weight = trust[here].view(len(a), n)
            way = (here[0] - there[0]).square() + (here[1] - there[1]).square()
            found.append(((square * weight).sum(1) / (c * weight.sum(1))).nan_to_num(nan=torch.inf) + self.far * way)
        return torch.cat(found)


def windows(x: Tensor, side: int) -> Tensor:
    """All patches of a contiguous picture (h, w, c), without a copy: (h - side + 1, w - side + 1, side, side * c)."""
    h, w, c = x.shape
    return x.as_strided((h - side + 1, w - side + 1, side, side * c), (w * c, c, w * c, 1))
