"""How much of a result is taken: between the picture that came in and the one that was made, in their own samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# As the page's canvas mixes (W3C, Compositing and Blending Level 1, "Lum"), so that it shows what is saved.
LUMA = (
    0.3,
    0.59,
    0.11,
)
ROWS = 256  # done at once: a large picture in floats would take several times its memory


def mixed(before: NDArray, after: NDArray, brightness: float, colour: float) -> NDArray:
    """before + brightness * Y(after - before) + colour * (the rest of after - before), of the type of `after`.

    Both (h, w) or (h, w, c), of one shape and type; Y is the brightness where there are three channels, and else all there is.
    brightness, colour: from 0 to 1. 0 and 0 give the values of `before`, 1 and 1 those of `after`, to the bit. Where `before` is
    no number, `after` is taken.
    """
    if brightness == colour and brightness in (0, 1):
        return after if brightness else before
    out = np.empty_like(after)
    whole = after.dtype.kind in "iu"
    for top in range(0, after.shape[0], ROWS):
        b, a = (v[top : top + ROWS].astype(np.float64) for v in (before, after))
        change = a - b
        light = change
        if change.ndim == 3 and change.shape[2] == 3:
            light = np.broadcast_to((change @ np.array(LUMA))[..., None], change.shape)
        made = b + brightness * light + colour * (change - light)
        made = np.where(np.isfinite(b), made, a)
        if whole:
            made = np.clip(np.rint(made), 0, np.iinfo(after.dtype).max)
        out[top : top + ROWS] = made
    return out


def shrunk(pixels: NDArray, side: int | None) -> NDArray:
    """The picture with its longer side of `side` pixels, never more than it has, in its own type; Lanczos."""
    height, width = pixels.shape[:2]
    if side is None or side >= max(height, width):
        return pixels
    from PIL import Image as Pillow

    size = tuple(max(1, round(n * side / max(height, width))) for n in (width, height))
    channels = pixels.reshape(height, width, -1)
    small = np.dstack(
        [
            np.asarray(Pillow.fromarray(channels[..., c].astype(np.float32)).resize(size, Pillow.Resampling.LANCZOS))
            for c in range(channels.shape[2])
        ]
    )
    if pixels.dtype.kind in "iu":
        small = np.clip(np.rint(small), 0, np.iinfo(pixels.dtype).max)
    return small.astype(pixels.dtype).reshape(*small.shape[:2], *pixels.shape[2:])
