"""What a camera does with its raw data: demosaicing, tone curve, sharpening, JPEG. Pictures are (h, w, c), floats in [0, 1]."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Demosaicing = Literal["bilinear", "malvar"]
Subsampling = Literal["4:2:0", "4:4:4"]

_NEAR = np.outer((1, 2, 1), (1, 2, 1)) / 4
_CROSS = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4

# Malvar, He and Cutler (ICASSP 2004), figure 2: green at red and blue; red (or blue) at green in its own row; at blue (or red).
_GREEN = np.array([[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]) / 8
_ROW = np.array([[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]) / 8
_ACROSS = (
    np.array([[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]) / 8
)


def demosaic(raw: NDArray, how: Demosaicing) -> NDArray:
    """(h, w, 3) from the one colour a pixel that a Bayer mosaic RGGB keeps of `raw` (h, w, 3); a grey picture stays what it is.

    bilinear: the mean of the nearest. malvar: that, corrected by the second differences of the colour that is measured.
    """
    from scipy import ndimage

    if raw.shape[2] == 1:
        return raw
    h, w = raw.shape[:2]
    raw = np.pad(raw, ((0, h == 1), (0, w == 1), (0, 0)), mode="edge")  # four pixels at least, for the three colours
    rows, columns = (np.arange(n) % 2 == 0 for n in raw.shape[:2])
    red, blue = np.outer(rows, columns), np.outer(~rows, ~columns)
    in_red, in_blue = np.outer(rows, ~columns), np.outer(~rows, columns)  # green, in a row with red, with blue
    kept = np.stack([red, in_red | in_blue, blue], 2)

    def filtered(picture: NDArray, taps: NDArray) -> NDArray:
        return ndimage.correlate(picture, taps, mode="mirror")  # which keeps the order of the colours

    if how == "bilinear":
        taps = (_NEAR, _CROSS, _NEAR)
        return np.stack([filtered(raw[..., k] * kept[..., k], taps[k]) for k in range(3)], 2)[:h, :w]
    mosaic = (raw * kept).sum(2)
    along, down, across = (filtered(mosaic, taps) for taps in (_ROW, _ROW.T, _ACROSS))
    found = np.stack(
        [
            np.select([red, in_red, in_blue], [mosaic, along, down], across),
            np.where(red | blue, filtered(mosaic, _GREEN), mosaic),
            np.select([blue, in_blue, in_red], [mosaic, along, down], across),
        ],
        2,
    )
    return found[:h, :w]


def tone(light: NDArray, contrast: float) -> NDArray:
    """Light as it is shown: the curve of sRGB (IEC 61966-2-1), and a share of contrast, 0 to 1, of an S with it."""
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)
    return shown + contrast * (shown**2 * (3 - 2 * shown) - shown)


def light(shown: NDArray, contrast: float) -> NDArray:
    """The light that `tone` shows so."""
    grid = np.linspace(0, 1, 4097) ** 2  # close together where the curve is steep
    return np.interp(shown, tone(grid, contrast), grid)


def sharpened(picture: NDArray, amount: float) -> NDArray:
    """An unsharp mask: `amount` times what a Gaussian of one pixel takes away is added."""
    from scipy import ndimage

    blurred = ndimage.gaussian_filter(picture, (1, 1, 0), mode="nearest")
    return picture + amount * (picture - blurred)


def jpeg(picture: NDArray, quality: int | None, chroma: Subsampling) -> NDArray:
    """As it is read back from a JPEG of that quality and with the colour so coarse; None: as it is."""
    from PIL import Image

    if quality is None:
        return picture
    samples = np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples).save(
        file, "JPEG", quality=quality, subsampling=chroma
    )
    return np.asarray(Image.open(file)).reshape(picture.shape) / 255
