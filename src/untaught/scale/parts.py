"""What is read of a large picture beside its samples, by parts: where it is to be filled, and what a JPEG holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from untaught.io.images.jpeg import Coefficients
from untaught.io.masks import Shape

At = tuple[slice, slice]


@dataclass(frozen=True, eq=False)
class Seen:
    """A part of a picture. pixels: (h, w) or (h, w, 3). fill: True where they are to be filled, of their shape. coded: what the
    file holds of them, as a JPEG; the pixels lie as they do there."""

    pixels: NDArray
    fill: NDArray | None = None
    coded: Coefficients | None = None


@dataclass(frozen=True)
class Marked:
    """Where a picture is to be filled. path: an NPY file of bool, (h, w), or of the picture's shape. shape, notes: of all of it."""

    path: Path
    shape: Shape
    notes: tuple[str, ...]

    def part(self, at: At, shape: tuple[int, ...]) -> NDArray:
        """At rows and columns of a picture of that shape."""
        fill = np.load(self.path, mmap_mode="r")[at]
        fill = fill[..., None] if fill.ndim < len(shape) else fill
        return np.broadcast_to(fill, (*fill.shape[:2], *shape[2:])).copy()


@dataclass(frozen=True, eq=False)
class Coded:
    """A JPEG's coefficients. paths: of NPY files, one for each plane. like: the rest of them, without counts."""

    paths: tuple[Path, ...]
    like: Coefficients

    @classmethod
    def kept(cls, whole: Coefficients, folder: Path) -> Coded:
        """The same, on the disk."""
        paths = tuple(folder / f"plane-{i}.npy" for i in range(len(whole.counts)))
        for path, counts in zip(paths, whole.counts, strict=True):
            np.save(path, counts)
        return cls(paths, replace(whole, counts=()))

    def part(self, at: At) -> Coefficients:
        """Of rows and columns as they lie in the file, from multiples of `like.period` on."""
        return replace(self.like, counts=tuple(np.load(p, mmap_mode="r") for p in self.paths)).part(at)


def joined(parts: list[list[Seen]]) -> Seen:
    """Parts in rows and columns as one picture; all but the last begin and end where the blocks of a JPEG do."""

    def of(layers: list[list[NDArray]]) -> NDArray:
        return np.concatenate([np.concatenate(row, axis=1) for row in layers], axis=0)

    first = parts[0][0]
    pixels = of([[p.pixels for p in row] for row in parts])
    fills = [[p.fill for p in row if p.fill is not None] for row in parts]
    files = [[p.coded for p in row if p.coded is not None] for row in parts]
    coded = first.coded
    if coded is not None:
        counts = tuple(of([[c.counts[i] for c in row] for row in files]) for i in range(len(coded.counts)))
        coded = replace(coded, counts=counts, size=(pixels.shape[0], pixels.shape[1]))
    return Seen(pixels, None if first.fill is None else of(fills), coded)
