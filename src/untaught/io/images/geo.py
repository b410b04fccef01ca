"""GeoTIFF: the tags that say where on the Earth a picture is, and the same place for a picture of other pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

PIXEL_SCALE, TIEPOINT, TRANSFORMATION, KEYS = 33550, 33922, 34264, 34735
PLACE = (PIXEL_SCALE, TIEPOINT, TRANSFORMATION, KEYS, 34736, 34737)
_RASTER_TYPE, _POINT = 1025, 2  # the key that says whether (0, 0) is the corner of the first pixel or its centre


def scaled(tags: dict[int, Any], across: float, down: float) -> dict[int, Any]:
    """`tags` for a picture of `across` times as many columns and `down` times as many rows of the same ground."""
    tags = dict(tags)
    keys = np.ravel(tags.get(KEYS, ())).tolist()[4:]
    shift = 0.5 if (_RASTER_TYPE, _POINT) in zip(keys[::4], keys[3::4], strict=False) else 0.0
    if PIXEL_SCALE in tags:
        x, y, *z = tags[PIXEL_SCALE]
        tags[PIXEL_SCALE] = (x / across, y / down, *z)
    if TIEPOINT in tags:  # (column, row, height, x, y, z), any number of times
        points = np.reshape(tags[TIEPOINT], (-1, 6)).astype(np.float64)
        points[:, 0] = (points[:, 0] + shift) * across - shift
        points[:, 1] = (points[:, 1] + shift) * down - shift
        tags[TIEPOINT] = tuple(points.ravel().tolist())
    if TRANSFORMATION in tags:
        old = np.diag([1 / across, 1 / down, 1.0, 1.0])  # from new columns and rows to the old ones
        old[:2, 3] = shift / across - shift, shift / down - shift
        tags[TRANSFORMATION] = tuple((np.reshape(tags[TRANSFORMATION], (4, 4)) @ old).ravel().tolist())
    return tags
