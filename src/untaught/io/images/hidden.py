"""Samples that say nothing: where they are, what a task sees in their place, and how they come back.

No-data is a number that stands for "nobody knows"; the colour under full transparency is what a program happened to leave.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from untaught.io.images.picture import Image

NODATA = 42113  # GDAL's tag: the value, as text


def number(nodata: str) -> float | None:
    """The value that the tag names, or None."""
    try:
        return float(nodata.strip(" \0"))
    except ValueError:
        return None


def marked(samples: np.ndarray, nodata: str) -> np.ndarray | None:
    """(h, w), True where every sample of (h, w) or (h, w, c) is the no-data value; None where none is, or it is no number."""
    value = number(nodata)
    if value is None:
        return None
    if samples.dtype.kind == "f":
        with np.errstate(over="ignore"):
            same = np.isnan(samples) if np.isnan(value) else samples == np.array(value).astype(samples.dtype)
    else:
        same = samples == value
    unknown = same if samples.ndim == 2 else same.all(-1)
    return np.ascontiguousarray(unknown) if unknown.any() else None


def apart(samples: np.ndarray, nodata: str, unknown: np.ndarray | None) -> np.ndarray:
    """A result in which nothing that is known equals the no-data value by chance: the next number stands for it."""
    chance = marked(samples, nodata)
    if chance is not None and unknown is not None:
        chance = chance & ~unknown
    if chance is None or not chance.any() or np.isnan(samples[chance]).any():
        return samples
    value, result = samples[chance].ravel()[0], samples.copy()
    if samples.dtype.kind == "f":
        result[chance] = np.nextafter(value, samples.dtype.type(value == 0))  # towards 0
    else:
        result[chance] = value - 1 if value == np.iinfo(samples.dtype).max else value + 1
    return result


def veiled(image: Image) -> Image:
    """`image` whose fully transparent pixels are unknown too; where that is all of it, its colour is what there is."""
    clear = np.zeros(image.pixels.shape[:2], bool) if image.alpha is None else image.alpha == 0
    unknown = clear if image.unknown is None else clear | image.unknown
    return replace(image, unknown=unknown if unknown.any() and not unknown.all() else None)


def seen(image: Image) -> np.ndarray:
    """The pixels for a task: those that say nothing look like known ones near them, so that they lead nothing astray."""
    if image.unknown is None or image.unknown.shape != image.pixels.shape[:2] or image.unknown.all():
        return image.pixels
    return np.ascontiguousarray(image.pixels[mirrored(image.unknown)])


def mirrored(unknown: np.ndarray) -> tuple[np.ndarray, ...]:
    """For every place the indices of a known one, itself where it is: the one as far beyond the edge of the gap, so that noise is
    there as elsewhere, and the nearest where that is unknown too. unknown: True in gaps, not everywhere.
    """
    from scipy import ndimage

    near = ndimage.distance_transform_edt(unknown, return_distances=False, return_indices=True)
    gap = unknown.nonzero()
    far = [(2 * n[gap] - i).clip(0, size - 1) for n, i, size in zip(near, gap, unknown.shape, strict=True)]
    sound = ~unknown[tuple(far)]
    for n, other in zip(near, far, strict=True):
        n[gap] = np.where(sound, other, n[gap])
    return tuple(near)


def restored(pixels: np.ndarray, like: Image) -> np.ndarray:
    """A result whose unknown pixels are again as they were stored."""
    if like.unknown is None or (pixels.shape, pixels.dtype) != (like.pixels.shape, like.pixels.dtype):
        return pixels
    return np.where(like.unknown[(...,) + (None,) * (pixels.ndim - 2)], like.pixels, pixels)
