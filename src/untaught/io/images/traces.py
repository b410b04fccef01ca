"""Pixels that once were a JPEG: which one. Compressed as they were, they come out as they went in, and by no other table do they.

That compressing again with the same table takes nothing more, and a dip in the error over all tables so tells which it was, is
known from forensics (Farid 2009, "Exposing digital forgeries from JPEG ghosts").
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

QUALITIES = range(5, 101)  # coarser ones are of no use, and white paper may look like one of them
SEEN = 256  # pixels a side of the middle, which is asked
FEWEST = 12  # different blocks without black or white: what was cut off there comes out otherwise
# Error over the largest one of the finer tables, up to which it is no chance; 0.9 to 1 of other photos.
DIP, SHALLOW = 0.5, 0.75
FINE, MANY = 90, 100  # quality and blocks from which on the dip may be shallow
LITTLE, MUCH = 0.6, 0.2  # grey levels, up to which that error is one of rounding; and which the other has at the least
NOTHING = 0.7  # a coefficient that is nearly none, after rounding to grey levels
# Pillow's numbers for colour at all, a half and a quarter of the pixels, by the array's axes.
SAMPLINGS = {2: (0,), 3: (0, 1, 2)}
SHARES = {0: 1, 1: 2, 2: 4}


@dataclass(frozen=True)
class Compression:
    """quality: of libjpeg, 1 to 100. sampling: Pillow's number. corner: (rows, columns) before the first whole block of both."""

    quality: int
    sampling: int
    corner: tuple[int, int]

    @property
    def said(self) -> str:
        """How the colours were sampled; "" where they were not."""
        return f", colour at 1/{SHARES[self.sampling]} of the pixels" if self.sampling else ""


def trace(pixels: NDArray) -> Compression | None:
    """What JPEG those pixels were, (h, w) or (h, w, 3) uint8; None of others, and where nothing shows it."""
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        return None
    top, left = ((n - SEEN) // 2 // 16 * 16 if n > SEEN else 0 for n in pixels.shape[:2])
    pixels = pixels[top : top + SEEN, left : left + SEEN]
    grey = np.asarray(_picture(pixels).convert("L"))
    corner = _corner(grey)
    part = grey[corner[0] :, corner[1] :]
    if min(part.shape) < 8:
        return None
    different = np.unique(_blocks(part).reshape(-1, 64), axis=0, return_index=True)[1]  # flat ones would count often
    ends = np.isin(pixels, (0, 255)).reshape(*grey.shape, -1).max(2)[corner[0] :, corner[1] :]
    different = different[_blocks(ends).max((1, 2))[different] == 0]
    if len(different) < FEWEST:
        return None
    errors = np.array([_error(part, quality, 0, different) for quality in QUALITIES])
    finer = np.maximum.accumulate(errors[::-1])[::-1][1:]
    depth = np.where((np.array(QUALITIES[:-1]) >= FINE) & (len(different) >= MANY), SHALLOW, DIP)
    dips = QUALITIES[0] + np.flatnonzero((errors[:-1] < np.minimum(depth * finer, LITTLE)) & (finer > MUCH))
    if not len(dips):
        return None
    shifts = [(corner[0] + down, corner[1] + along) for down, along in product((0, 8), (0, 8))]
    asked = [
        Compression(quality, sampling, shift)
        for quality in dips[dips < dips[0] + 4].tolist()  # neighbours share most of their tables
        for sampling in SAMPLINGS[pixels.ndim]
        for shift in (shifts if sampling else shifts[:1])
        if min(pixels.shape[0] - shift[0], pixels.shape[1] - shift[1]) >= 16
    ]
    of = {t: _error(pixels[t.corner[0] :, t.corner[1] :], t.quality, t.sampling) for t in asked}
    found = min(of, key=lambda t: (of[t], -t.quality), default=None)
    return found and replace(found, corner=((found.corner[0] + top) % 16, (found.corner[1] + left) % 16))


def compressed(pixels: NDArray, found: Compression) -> tuple[bytes, tuple[int, int]]:
    """The JPEG that decodes to those pixels, nearly, and (rows, columns) that it has before them, so that blocks are whole."""
    down, along = (-n % 16 for n in found.corner)
    wide = np.pad(pixels, [(down, 0), (along, 0), (0, 0)][: pixels.ndim], "edge")
    return _saved(wide, found.quality, found.sampling), (down, along)


def _corner(grey: NDArray) -> tuple[int, int]:
    """(rows, columns) before the first whole block: there most coefficients are nothing."""
    places = [(down, along) for down, along in product(range(8), range(8)) if min(grey[down:, along:].shape) >= 8]
    return max(places, key=lambda p: _nothing(grey[p[0] :, p[1] :]), default=(0, 0))


def _nothing(grey: NDArray) -> float:
    from scipy.fft import dctn

    return float((np.abs(dctn(_blocks(grey), axes=(1, 2), norm="ortho")) < NOTHING).mean())


def _blocks(grey: NDArray) -> NDArray:
    """(n, 8, 8) float32, the whole ones."""
    h, w = (n // 8 for n in grey.shape)
    return grey[: 8 * h, : 8 * w].reshape(h, 8, w, 8).swapaxes(1, 2).reshape(-1, 8, 8).astype(np.float32)


def _error(pixels: NDArray, quality: int, sampling: int, some: NDArray | None = None) -> float:
    """What compressing takes, RMS: of the whole blocks, or of some of them."""
    from PIL import Image

    again = np.asarray(Image.open(io.BytesIO(_saved(pixels, quality, sampling))), float)
    h, w = (n // 8 for n in pixels.shape[:2])
    squares = np.square(again - pixels)[: 8 * h, : 8 * w].reshape(h, 8, w, -1).mean((1, 3)).ravel()
    return float((squares if some is None else squares[some]).mean() ** 0.5)


def _saved(pixels: NDArray, quality: int, sampling: int) -> bytes:
    _picture(pixels).save(out := io.BytesIO(), "JPEG", quality=quality, subsampling=sampling)
    return out.getvalue()


def _picture(pixels: NDArray) -> Image.Image:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(pixels))
