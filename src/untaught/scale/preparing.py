"""What a task needs of all of a large picture before its tiles, on the disk: where it is to be filled, what a JPEG holds.

A mask in black and white, and NaN, are looked at by bands, whatever the size. What else a mask may be (soft, coloured, a layer, a
copy that was painted over) is understood on the whole, as in a small picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.amounts import percent
from untaught.core.errors import BadInput
from untaught.core.registry import tasks
from untaught.io import masks
from untaught.io.images import Image
from untaught.scale import stores
from untaught.scale.parts import Coded, Marked

BAND = 512  # rows that are looked at together
FAR = 128  # rows on both sides in which what is known is looked for
GRID = 64  # pixels on whose multiples tiles, and what they see, begin
DEEP = 32.0  # pixels from what is known, at most, that a tile of its own can fill
WHOLE = 10**8  # pixels of the largest picture whose mask is understood on the whole
SAID = ("mask", "mask_keeps", "mask_colour", "tolerance", "grow")
"""The settings that say where a picture is to be filled."""


def prepared(task: str, source: stores.Source, settings: dict[str, Any], folder: Path) -> stores.Source:
    """The source with what the task needs of it. `BadInput` where that cannot be had by parts, in a sentence."""
    one = tasks.get(task)
    if one.masked:
        return replace(source, marked=_marked(source, settings, folder))
    if np.dtype(source.dtype).kind == "f":
        return replace(source, notes=_unknown(source, bool(settings.get("keep_nan")), folder))
    like = source.like
    wanted = "coefficients" in one.settings and settings.get("coefficients", True)
    if wanted and like is not None and like.format == "JPEG":
        return replace(source, coded=_coded(source.path, folder))
    return source


def _unknown(source: stores.Source, keeps: bool, folder: Path) -> tuple[str, ...]:
    """What is said of values that are NaN or infinite. `BadInput` where they are to be filled, and no tile sees enough for it."""
    band = _plain(source, "nan", False, folder)
    assert band is not None
    if not (count := sum(int(band(rows).sum()) for rows in _rows(source.shape[0]))):
        return ()
    said = f"{count} of {int(np.prod(source.shape))} values are unknown, and {'stay' if keeps else 'are filled'}"
    if keeps:
        return (said,)
    path = folder / "unknown.npy"
    _written(source, band, 0, path)
    radius = _measured(path)[0].radius
    path.unlink()
    if radius > DEEP:
        raise BadInput(
            f"Values that are unknown (NaN) lie {_far(radius)} from what is known, and in tiles at most {DEEP:.0f} are filled: "
            "give --keep-nan, or leave --memory out."
        )
    return (said,)


def _far(radius: float) -> str:
    return f"{radius:.0f} pixels" if np.isfinite(radius) else f"more than {FAR} pixels"


def _coded(path: Path, folder: Path) -> Coded:
    from untaught.io.images.jpeg import coefficients

    found = Coded.kept(coefficients(path), folder)
    if any(stores.WINDOW % n or GRID % n for n in found.like.period):
        raise BadInput(
            f"The colour of '{path}' is at 1/{found.like.period[0] // 8} x 1/{found.like.period[1] // 8} of its pixels, which does "
            "not fit into tiles: leave --memory out."
        )
    return found


def _marked(source: stores.Source, settings: dict[str, Any], folder: Path) -> Marked:
    asked = {name: settings[name] for name in SAID if settings.get(name) is not None}
    mask, grow = asked.get("mask"), int(asked.get("grow", 0))
    if isinstance(mask, str) and mask.lower() == "alpha":
        raise BadInput(
            "mask = alpha is of the whole picture: save the mask as a file of its own, or leave --memory out."
        )
    if grow > DEEP:
        raise BadInput(f"grow = {grow} is further than a tile sees: give {DEEP:.0f} or less, or leave --memory out.")
    path, notes = folder / "fill.npy", list[str]()
    bands = None if asked.get("mask_colour") else _plain(source, mask, bool(asked.get("mask_keeps")), folder)
    if bands is None:
        _understood(source, asked, path, notes)
    else:
        _written(source, bands, grow, path)
    shape, count, total = _measured(path)
    if not count:
        raise BadInput(
            "The mask marks no pixel, so that there is nothing to fill: turn it around with --mask-keeps, or name another."
        )
    if shape.radius > DEEP:
        raise BadInput(
            f"A hole reaches {_far(shape.radius)} from what is known, and in tiles at most {DEEP:.0f} are filled: leave --memory "
            "out."
        )
    if bands is not None:
        notes.append(f"{percent(count / total)} will be filled ({count} of {total} pixels).")
    return Marked(path, shape, tuple(notes))


def _plain(source: stores.Source, mask: Any, keeps: bool, folder: Path) -> Callable[[slice], NDArray] | None:
    """What makes the marks of a band of rows; None for a mask that has to be understood on the whole."""
    if isinstance(mask, str) and mask.lower() == "nan":
        array = source.array()
        return (
            None if np.dtype(source.dtype).kind != "f" else lambda rows: ~np.isfinite(stores.standard(array[rows, :]))
        )
    if mask is None or not isinstance(mask, (str, Path)):
        return None
    try:
        held = stores.open_source(Path(mask), folder / "mask.npy")
    except BadInput:  # of a type that no picture has, such as bool
        return None
    if (
        len(held.shape) != 2
        or held.shape != source.shape[:2]
        or (held.like is not None and held.like.alpha is not None)
    ):
        return None
    marks, high = held.array(), 0.0
    for rows in _rows(held.shape[0]):
        values = stores.standard(marks[rows, :])
        high = max(high, float(values.max()))
        if not np.isfinite(high) or not np.isin(values, (0, high)).all():
            return None
    return None if high == 0 else lambda rows: (marks[rows, :] != 0) != keeps


def _understood(source: stores.Source, asked: dict[str, Any], path: Path, notes: list[str]) -> None:
    """Marks of a mask that has to be seen as a whole."""
    if (pixels := source.shape[0] * source.shape[1]) > WHOLE:
        raise BadInput(
            f"A mask of {pixels / 1e6:.0f} megapixels has to be grey, in black and white alone: save it so (white: fill)."
        )
    array = source.array()
    whole = Image(stores.standard(array[:, :]), alpha=source.like.alpha if source.like else None)
    keeps, colour = bool(asked.get("mask_keeps")), asked.get("mask_colour")
    more = {name: asked[name] for name in ("tolerance", "grow") if name in asked}
    axis = -1 if len(source.shape) == 3 else None
    fill, said = masks.find(whole, asked.get("mask"), keeps=keeps, colour=colour, channel_axis=axis, **more)
    notes += said
    alike = axis is None or bool((fill == fill[..., :1]).all())
    np.save(path, fill[..., 0] if alike and axis is not None else fill)


def _written(source: stores.Source, band: Callable[[slice], NDArray], grow: int, path: Path) -> None:
    """The marks of every band, grown, on the disk."""
    height, shape = source.shape[0], band(slice(0, 1)).shape[1:]
    fill = stores.create(path, (height, *shape), bool)
    for rows in _rows(height):
        low, high = max(0, rows.start - grow), min(height, rows.stop + grow)
        wide = masks.grown(np.asarray(band(slice(low, high))), grow, -1 if len(shape) == 2 else None)
        fill[rows] = wide[rows.start - low : rows.stop - low]
    fill.flush()


def _measured(path: Path) -> tuple[masks.Shape, int, int]:
    """(the geometry of the holes, pixels that are to be filled, all pixels)."""
    fill = np.load(path, mmap_mode="r")
    height, count, radius = fill.shape[0], 0, 0.0
    for rows in _rows(height):
        low, high = max(0, rows.start - FAR), min(height, rows.stop + FAR)
        some = np.asarray(fill[low:high])
        some = np.asarray(some.any(-1)) if some.ndim == 3 else some
        here = some[rows.start - low : rows.stop - low]
        count += int(here.sum())
        if some.all():
            radius = np.inf
        elif here.any():
            from scipy import ndimage

            far = ndimage.distance_transform_edt(some)[rows.start - low : rows.stop - low]
            radius = max(radius, float(far.max()))
    return masks.Shape(count / (height * fill.shape[1]), radius), count, height * fill.shape[1]


def _rows(height: int) -> Iterator[slice]:
    return (slice(at, min(at + BAND, height)) for at in range(0, height, BAND))
