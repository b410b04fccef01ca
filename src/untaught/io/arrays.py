"""Array in: from the caller's type, range and layout to "1 c *space" in about [0, 1]; `results` is the way out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.amounts import FULL_SCALE, Amounts
from untaught.core.errors import BadInput, NothingToDo
from untaught.core.types import Channel
from untaught.io.axes import Axes

_PART = 1 << 16
"""Values that are looked at at once."""


def take(array: Any, channel_axis: Channel = "auto", *, flat: bool = False) -> tuple[NDArray, int | None]:
    """A checked array and the axis of its channels.

    "auto" takes a last axis of 3 as RGB and two axes as grey; None says that there are no channels (a series, a grey
    picture, a volume). Raises `BadInput` for anything that is no picture: empty, boolean, complex, not finite, constant
    (flat: that is one).
    """
    array = np.asarray(array)
    if array.size == 0:
        raise BadInput(f"The picture is empty: its shape is {array.shape}.")
    if array.dtype.kind not in "uif":
        raise BadInput(f"A picture of type {array.dtype} cannot be restored: give uint8, uint16 or a float type.")
    channel_axis = channels(array, channel_axis)
    space = array.ndim - (channel_axis is not None)
    if not 1 <= space <= 3:
        raise BadInput(f"An array of shape {array.shape} has {space} axes of space; 1 to 3 can be restored.")
    if array.dtype.kind == "f":
        bad = ~np.isfinite(array)
        if bad.any():
            first = ", ".join(str(int(i)) for i in np.argwhere(bad)[0])
            raise BadInput(
                f"{int(bad.sum())} of {array.size} values are NaN or infinite, the first at index ({first}): mask them."
            )
    if not flat and array.size > (1 if channel_axis is None else array.shape[channel_axis]):
        pixels = array[None] if channel_axis is None else np.moveaxis(array, channel_axis, 0)
        first = pixels[(slice(None), *((slice(1),) * space))]
        if all((part == first).all() for part in _parts(pixels)):
            raise NothingToDo(
                f"Every pixel of the picture is {', '.join(map(str, first.ravel()))}: there is nothing to restore."
            )
    return array, channel_axis


def channels(array: NDArray, channel_axis: Channel) -> int | None:
    """The axis of the channels: the one given, or the one that the shape speaks for; `BadInput` where it speaks for none."""
    if channel_axis == "auto":
        if array.ndim == 3 and array.shape[-1] in (3, 1):
            channel_axis = -1
        elif array.ndim <= 2:
            channel_axis = None
        else:
            raise BadInput(
                f"It is not clear where the channels of an array of shape {array.shape} are: give channel_axis "
                "(-1 for the last axis; None for a volume), or all axes, such as axes=ZYX."
            )
    if channel_axis is not None and not -array.ndim <= channel_axis < array.ndim:
        raise BadInput(
            f"channel_axis = {channel_axis}, but the array has {array.ndim} axes: give a number from "
            f"{-array.ndim} to {array.ndim - 1}, or None."
        )
    return channel_axis


def of_frames(array: Any, channel_axis: Channel) -> int | None:
    """The axis of the channels of a clip (t, h, w) or (t, h, w, 3); `BadInput` for an array of another shape."""
    shape = np.shape(array)
    axis = (-1 if len(shape) == 4 and shape[-1] in (1, 3) else None) if channel_axis == "auto" else channel_axis
    if len(shape) - (axis is not None) != 3 or axis == 0 or shape[0] < 2:
        raise BadInput(
            f"An array of shape {shape} is no series of frames: give (frames, height, width) or (frames, height, width, 3), or "
            "leave along = time out."
        )
    return axis


def placed(array: Any, axes: str, channel_axis: Channel, along: str = "space") -> Channel:
    """Where the channels of an array are, as `channel_axis` says or, where they are named, the axes; `BadInput` where those are of
    more than one picture."""
    if axes == "auto":
        return channel_axis
    named = Axes(axes, along)
    named.of(np.asarray(array))
    if channel_axis != "auto":
        raise BadInput(f"axes = '{axes}' say where the channels are, and channel_axis as well: give one of them.")
    if named.apart or (along == "time" and axes[0] != "T"):
        raise BadInput(
            f"An array of axes {axes} holds pictures that are restored one by one: call the task itself, which joins them, and "
            "not its job."
        )
    return named.channel_axis


def copies(array: NDArray, channel_axis: int | None) -> int:
    """How many channels the array has where they are all the same, as in a grey picture kept as RGB; 1 where they differ."""
    if channel_axis is None:
        return 1
    first, *others = np.moveaxis(array, channel_axis, 0)
    return 1 + len(others) if all(np.array_equal(first, other) for other in others) else 1


def full_scale(array: NDArray) -> float:
    """255, 65535 or 1: what a fraction of full scale is a fraction of."""
    return FULL_SCALE.get(array.dtype, 1.0)


def checked(sigma: float, array: NDArray, scale: tuple[float, float], notes: list[str]) -> float:
    """A sigma that was given, a fraction of full scale, in the unit of the data; `BadInput` where it cannot be meant.

    A picture of floats has no full scale: where its values look like those of 8 or 16 bits, a fraction of these is noticed.
    """
    full = full_scale(array)
    if full > 1 and sigma > 1:
        raise BadInput(
            f"sigma = {sigma:g} is more than the full scale of the picture: did you mean {sigma:g}/{full:g}?"
        )
    if sigma == float("inf") or sigma * full > scale[1]:
        said = f", {sigma * full:.4g} in its values," if full > 1 else ""
        units = f"as a fraction of {full:g}" if full > 1 else "in the units of the picture"
        raise BadInput(
            f"sigma = {sigma:g}{said} is more than the whole range of the picture, {scale[1]:.4g}: give it {units}."
        )
    top = float(array.max())
    if full == 1 and sigma < 1 and top > 32:
        like = next((one for one in (255.0, 4095.0, 65535.0) if top <= 1.02 * one), top)
        notes.append(
            f"sigma = {sigma:.3g} was taken in the units of this picture, whose values reach {top:.4g}: "
            f"if a fraction of {like:.4g} is meant, give {sigma * like:.3g}"
        )
    return sigma * full / scale[1]


def amounts(array: NDArray, scale: tuple[float, float]) -> Amounts:
    """How amounts in the data, with the scale (offset, gain) taken out of the array, are told."""
    full = FULL_SCALE.get(array.dtype)
    return Amounts(full, scale[1] / (full or 1.0))


def units(array: NDArray) -> tuple[float, float]:
    """(offset, gain) that bring the array to about [0, 1]: full scale for pictures, robust percentiles for anything else."""
    if array.dtype in FULL_SCALE:
        return 0.0, FULL_SCALE[array.dtype]
    low, high = (float(v) for v in np.percentile(array.astype(np.float64), [0.1, 99.9]))
    if high <= low:
        low, high = float(array.min()), float(array.max())
    return (low, high - low) if high > low else (low, 1.0)


DIM = 1 / 16
"""Of the full scale: whole numbers that stay below it have a scale of their own, as counts have, or 12 bits in 16."""
PILED, LEVEL = 3.0, 2.0
"""Times as many values at an end of the range as at the level beside it, and at that as at the next one, from and up to which noise
was cut off there: the least counts are many, too, but fall by and by."""
SEEN = 1 << 20  # values that this is asked of, at the most


def scale_of(array: NDArray) -> tuple[float, float, bool, bool]:
    """(offset, gain, cut off, below) for what is measured: `units`, but by the numbers alone and not by their type.

    The same picture in 8 or 16 bits or in floats from 0 to 1 has the same scale, and so have the same counts. cut off: whether
    values beyond [0, 1] in that scale were cut off; below: at 0, too.
    """
    full, top = full_scale(array), float(array.max())
    if DIM * full < top <= full and float(array.min()) >= 0:
        ends = int(((array == 0) | (array == full)).sum())
        clipped = ends > 0 if full > 1 else ends > max(2, 1e-4 * array.size)
        return 0.0, full, clipped, clipped and bool((array == 0).any())
    if full == 255.0:
        clipped = bool((array == 0).any())
        return *units(array), clipped, clipped
    low, gain = units(array.astype(np.float64))
    values, counts = np.unique(array.flat[:: 1 + array.size // SEEN].astype(np.float64), return_counts=True)
    below, above = _piled(counts), _piled(counts[::-1])
    low, high = float(values[0]) if below else low, float(values[-1]) if above else low + gain
    return low, high - low, below or above, below


def _piled(counts: NDArray) -> bool:
    """Whether values were cut off at the end where the levels of these counts begin."""
    if len(counts) < 3:
        return False
    end, beside, further = counts[:3].tolist()
    return end > max(2, 1e-4 * counts.sum(), PILED * beside) and beside <= LEVEL * further + 2


def still(array: NDArray, channel_axis: int | None) -> tuple[float | None, ...]:
    """By channel the value that is all it holds, or None; empty where there is no such channel, or nothing else."""
    if channel_axis is None:
        return ()
    flat = np.moveaxis(array, channel_axis, 0).reshape(array.shape[channel_axis], -1)
    found = tuple(float(c[0]) if (c == c[0]).all() else None for c in flat)
    return found if 0 < found.count(None) < len(found) else ()


def tensor(array: NDArray, channel_axis: int | None, scale: tuple[float, float]) -> Any:
    """The array as a float32 tensor (1, c, *space), with the scale (offset, gain) taken out."""
    import torch

    array = array[None] if channel_axis is None else np.moveaxis(array, channel_axis, 0)
    data = np.empty(array.shape, np.float32)
    for part, values in zip(_parts(data), _parts(array), strict=True):  # the whole is large in double precision
        part[...] = (values.astype(np.float64) - scale[0]) / scale[1]
    return torch.from_numpy(data)[None]


def _parts(array: NDArray) -> Iterator[NDArray]:
    """Views of (c, *space) that make it up, cut across its first axis of space, each small enough for a processor's cache."""
    rows = max(1, _PART * array.shape[1] // max(array.size, 1))
    return (array[:, top : top + rows] for top in range(0, array.shape[1], rows))
