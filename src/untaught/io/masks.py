"""Which pixels are to be filled: from a file, an array, transparency, NaN or a colour. True means fill.

A mask is asked of the picture as the caller holds it, and is of its full shape: NaN may be missing in one channel alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.amounts import percent
from untaught.core.errors import BadInput, NothingToDo
from untaught.io import arrays, marks

if TYPE_CHECKING:
    from untaught.io.images import Image

WORDS = ("alpha", "nan")
MOST = 2 / 3  # of a picture: more of it is damaged less often than a mask is turned around


@dataclass(frozen=True)
class Shape:
    """What the holes look like. missing: fraction of the pixels. radius: of the largest disk that lies in a hole, in pixels."""

    missing: float
    radius: float


@dataclass(frozen=True, eq=False)
class Holes:
    """What is to be filled, and what is said of it. fill: True there, of the shape of the pixels. shape: of the whole picture's
    holes, where this is a part of it."""

    fill: NDArray
    shape: Shape
    notes: tuple[str, ...]


def holes(image: Image, mask: Any, **how: Any) -> Holes:
    """As `find` finds them; a mask that is `Holes` has found them already."""
    if isinstance(mask, Holes):
        return mask
    fill, notes = find(image, mask, **how)
    return Holes(fill, measure(fill, how.get("channel_axis")), tuple(notes))


def find(
    image: Image,
    mask: Any,
    *,
    keeps: bool = False,
    colour: str | None = None,
    tolerance: float = 0.0,
    grow: int = 0,
    channel_axis: int | None = None,
) -> tuple[NDArray, list[str]]:
    """(True where a value is to be filled, of the shape of `image.pixels`; what is to be said about it).

    mask: a path, "alpha", "nan", or an array of bool or numbers (white, True: fill; the opposite with keeps). colour: what
    is painted in it, "#rrggbb", is filled too; tolerance: how far a channel may be from it, as a fraction of full scale.
    grow: so many pixels around what is marked are filled as well. What a mask may look like, and what a soft edge means:
    `marks`.
    Raises `BadInput` where nothing, or everything, would be filled, and for a mask of another size.
    """
    array = np.asarray(image.pixels)
    if mask is None and colour is None:
        raise BadInput(f"What is to be filled is not said: {_suggest(image)}.")
    if keeps and (mask is None or _word(mask)):
        raise BadInput(
            "mask_keeps (--mask-keeps) turns a mask from a file or an array around, and there is none: drop it."
        )
    notes: list[str] = []
    fill: NDArray = np.zeros(array.shape, bool)
    if mask is not None:
        fill, notes = _asked(image, mask, channel_axis, keeps)
    if colour is not None:
        fill = fill | _spread(_painted(array, colour, tolerance, channel_axis), array, channel_axis)
    bare = bool(_across(fill, channel_axis, every=True).all())
    fill = grown(fill, grow, channel_axis)
    some = _across(fill, channel_axis)
    if not fill.any():
        raise NothingToDo(
            f"{_name(mask, colour)} marks no pixel, so that there is nothing to fill: {_remedy(mask, keeps)}."
        )
    if some.all() and _across(fill, channel_axis, every=True).all():
        raise BadInput(
            f"{_name(mask, colour)} marks all {some.size} pixels, and nothing is left to fill them from: "
            f"{_remedy(mask, keeps) if bare or not grow else f'grow by less than {grow} pixels (--grow)'}."
        )
    notes.append(f"{percent(some.mean())} will be filled ({int(some.sum())} of {some.size} pixels).")
    if some.mean() > MOST and mask is not None and not _word(mask):
        means, do = ("to be filled", "drop") if keeps else ("known", "add")
        notes.append(f"That is most of the picture: if white in the mask means {means}, {do} --mask-keeps.")
    return fill, notes


def measure(fill: NDArray, channel_axis: int | None) -> Shape:
    """The geometry by which a method is chosen; what lies outside the picture is not known either."""
    from scipy import ndimage

    some = _across(fill, channel_axis)
    return Shape(float(some.mean()), float(ndimage.distance_transform_edt(some).max()))


def _word(mask: Any) -> bool:
    return isinstance(mask, str) and mask.lower() in WORDS


def _asked(image: Image, mask: Any, axis: int | None, keeps: bool) -> tuple[NDArray, list[str]]:
    array = np.asarray(image.pixels)
    notes: list[str] = []
    space = _space(array, axis)
    if _word(mask) and mask.lower() == "nan":
        if array.dtype.kind != "f":
            raise BadInput(
                f"mask = nan, but a picture of type {array.dtype} can hold none: name a mask, or a --mask-colour."
            )
        return ~np.isfinite(array), []
    if _word(mask):
        if image.alpha is None:
            raise BadInput("mask = alpha, but the picture has no alpha channel: name a mask, or a --mask-colour.")
        clear = image.alpha.max() - image.alpha if image.alpha.max() else np.ones_like(image.alpha)
        return _spread(marks.hole(clear / marks.full(image.alpha)), array, axis), []
    name = f"The mask '{mask}'" if isinstance(mask, str) or hasattr(mask, "__fspath__") else "The mask"
    alpha = None
    if name != "The mask":
        from untaught.io.images import read

        held = read(mask)
        values, alpha, flat = held.pixels, held.alpha, held.pixels.ndim == 2
    else:
        values = np.asarray(mask)
        if values.dtype.kind not in "buif" or values.size == 0:
            raise BadInput(
                f"A mask of type {values.dtype} and shape {values.shape} marks nothing: give bool or numbers, 1 = fill."
            )
        if values.shape == array.shape and (axis is None or values.max() <= 1):
            # Of the picture's own shape, and no picture of 8 or 16 bit: it may say something else of each channel.
            split = values[None] if axis is None else np.moveaxis(values, axis, 0)
            if axis is not None and (split != split[:1]).any():
                return np.moveaxis(_each(split, name, notes, keeps), 0, axis), notes
        if axis is not None and values.shape == array.shape:
            values = np.moveaxis(values, axis, -1)
        flat = values.ndim == len(space) or values.shape[-1] > 4
        if not flat and values.shape[-1] in (2, 4):
            values, alpha = values[..., :-1], values[..., -1]
    marked = values.shape if flat else values.shape[:-1]
    _same(marked, space)
    photo = array[..., None] if axis is None else np.moveaxis(array, axis, -1)
    return _spread(
        marks.understand(values[..., None] if flat else values, alpha, photo, name, notes, keeps), array, axis
    ), notes


def _each(split: NDArray, name: str, notes: list[str], keeps: bool) -> NDArray:
    """One mask for each channel, channels first."""
    return np.stack([marks.hole(part) for part in marks.levels(split, name, notes, keeps)])


def grown(fill: NDArray, grow: int, channel_axis: int | None = None) -> NDArray:
    """The holes with all that lies within `grow` pixels of them, in each channel by itself."""
    from scipy import ndimage

    if not grow:
        return fill
    split = fill[None] if channel_axis is None else np.moveaxis(fill, channel_axis, 0)
    wider = [p if not p.any() else ndimage.distance_transform_edt(~p) <= grow for p in split]
    return wider[0] if channel_axis is None else np.moveaxis(np.stack(wider), 0, channel_axis)


def _space(array: NDArray, axis: int | None) -> tuple[int, ...]:
    return array.shape if axis is None else tuple(np.delete(array.shape, axis))


def _across(fill: NDArray, axis: int | None, *, every: bool = False) -> NDArray:
    """Of the pixels: those that are marked in any, or in every, channel."""
    return fill if axis is None else np.asarray(fill.all(axis) if every else fill.any(axis))


def _spread(marked: NDArray, array: NDArray, axis: int | None) -> NDArray:
    """A mask of the pixels as one of all values; `BadInput` where it is of another size."""
    _same(marked.shape, _space(array, axis))
    return marked.copy() if axis is None else np.broadcast_to(np.expand_dims(marked, axis), array.shape).copy()


def _same(marked: tuple[int, ...], space: tuple[int, ...]) -> None:
    if marked != space:
        turned = " (it is turned by 90 degrees)" if marked[::-1] == space and len(space) == 2 else ""
        raise BadInput(
            f"The mask is {_said(marked)}, the picture {_said(space)}{turned}: make a mask of the picture's own size."
        )


def _said(shape: tuple[int, ...]) -> str:
    """Width x height, as pictures are spoken of."""
    return " x ".join(map(str, shape[::-1] if len(shape) == 2 else shape)) + (" pixels" if len(shape) == 2 else "")


def _painted(array: NDArray, colour: str, tolerance: float, axis: int | None) -> NDArray:
    digits = colour.removeprefix("#")
    digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    try:
        wanted = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)] if len(digits) == 6 else []
    except ValueError:
        wanted = []
    if not wanted:
        raise BadInput(f"'{colour}' is no colour: write red, green and blue as '#ff00ff'.")
    pixels = array[..., None] if axis is None else np.moveaxis(array, axis, -1)
    if pixels.shape[-1] == 1:
        if len(set(wanted)) > 1:
            raise BadInput(f"'{colour}' is no grey, and the picture is: write e.g. '#808080', or name a mask.")
        wanted = wanted[:1]
    if pixels.shape[-1] != len(wanted):
        raise BadInput(f"The picture has {pixels.shape[-1]} channels, and a colour three: name a mask instead.")
    full = arrays.full_scale(array)
    apart = np.abs(pixels.astype(np.float64) / full - np.array(wanted)).max(-1)
    return np.asarray(apart <= tolerance + 0.5 / 65535 + (1e-6 if full == 1 else 0))


def _suggest(image: Image) -> str:
    array = np.asarray(image.pixels)
    if array.dtype.kind == "f" and (odd := int((~np.isfinite(array)).sum())):
        return f"the picture holds {odd} values that are NaN or infinite, so give mask = nan (--mask nan)"
    if image.alpha is not None and (clear := int((image.alpha < 0.5 * marks.full(image.alpha)).sum())):
        return f"the picture has {clear} transparent pixels, so give mask = alpha (--mask alpha)"
    return (
        "give --mask mask.png (white: fill), --mask alpha, --mask nan or --mask-colour '#ff00ff'; "
        "`untaught mask` proposes one"
    )


def _name(mask: Any, colour: str | None) -> str:
    if mask is None:
        return f"The colour {colour}"
    named = f" '{mask}'" if isinstance(mask, str) or hasattr(mask, "__fspath__") else ""
    return f"The mask{named}" + (f" with the colour {colour}" if colour else "")


def _remedy(mask: Any, keeps: bool) -> str:
    if mask is None:
        return "choose another --mask-colour, or --tolerance"
    if _word(mask):
        return "name a mask"
    return (
        "drop --mask-keeps" if keeps else "paint white what is to be filled, or add --mask-keeps if white means known"
    )
