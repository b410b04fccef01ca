"""JPEG once more: (decoded picture, the file's quantisation tables) -> picture."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray


def again(picture: NDArray, tables: list[list[int]]) -> NDArray:
    """Compressed once more on every shifted grid, and the mean taken (Nosratinia 2001): each hides the others' blocks."""
    from PIL import Image

    whole, total = np.rint(255 * picture).astype(np.uint8), np.zeros(picture.shape)
    for down in range(8):
        for across in range(8):
            margin = [(down, 8 - down), (across, 8 - across)] + [(0, 0)] * (picture.ndim - 2)
            file = io.BytesIO()
            Image.fromarray(np.pad(whole, margin, mode="edge")).save(file, "JPEG", qtables=tables)
            shifted = np.asarray(Image.open(file)) / 255
            total += shifted[down : down + picture.shape[0], across : across + picture.shape[1]]
    return total / 64
