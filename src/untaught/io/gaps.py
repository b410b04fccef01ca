"""What a caller hands in, as an array of numbers, and which of its values are unknown: masked, NaN, without data, beyond all range.

An unknown value never reaches its neighbours. For the run it is replaced by the known one that lies as far beyond the edge of
the gap, so that noise is measured there as elsewhere; the result there is a membrane over what was restored around it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, NothingToDo
from untaught.io.arrays import channels
from untaught.io.axes import enlarged
from untaught.io.images.hidden import mirrored

if TYPE_CHECKING:
    from untaught.io.images import Image

FAR = 2.0**24
"""Times the range of the other values: what lies further from them than single precision can hold beside them."""
RARE = 1e-3
"""Share of the values up to which such values are errors; more of them are what the picture is of."""
LARGEST = 1e300
"""Above that sums and differences of values are beyond what double precision holds."""


def numbers(picture: Any) -> NDArray:
    """An array (masked, if it was) of a picture as a caller may hold it: an array, nested lists, a Pillow image, a tensor."""
    if isinstance(picture, np.ma.MaskedArray):
        return picture
    kind = type(picture).__module__.partition(".")[0]
    if kind == "PIL":
        if picture.mode not in ("L", "RGB", "F", "I", "I;16"):
            raise BadInput(
                f"A Pillow image of mode {picture.mode} cannot be restored as it is: give picture.convert('RGB'), or its file."
            )
        return np.asarray(picture)
    if kind == "torch" and hasattr(picture, "detach"):
        if picture.is_meta:
            raise BadInput("A tensor on the device 'meta' holds no values: give one that does.")
        picture = picture.detach().cpu()
        return np.asarray((picture.float() if str(picture.dtype) == "torch.bfloat16" else picture).numpy())
    try:
        array = np.asarray(picture)
    except (ValueError, TypeError, RuntimeError) as error:
        raise BadInput(
            f"A {type(picture).__name__} is no picture ({error}): give an array of numbers, or a file."
        ) from error
    if array.dtype.kind not in "uifbc":
        raise BadInput(
            f"A {type(picture).__name__} that holds {array.dtype} is no picture: give an array of numbers, or a file."
        )
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def unknown(array: NDArray, without: NDArray | None = None) -> tuple[NDArray | None, tuple[str, ...]]:
    """(True where a value of the array is unknown, or None where all are known; the notes about it).

    Unknown is what is masked (`np.ma`), NaN or infinite, or so far from all others that single precision holds no two of them;
    and, in every channel, what `without`, (h, w), marks. Raises `BadInput` where nothing is known of a channel.
    """
    values = np.ma.getdata(array)
    gone = np.ma.getmaskarray(array).copy()
    if without is not None:
        gone |= spread(without, gone.shape)
    if values.dtype.kind == "f":
        gone |= ~np.isfinite(values)
    notes = []
    if values.dtype.kind in "uif" and values.dtype.itemsize > 2:
        some = values[~gone].astype(np.float64)
        if some.size and float(np.abs(some).max()) > LARGEST:
            raise BadInput(
                f"The picture holds values of up to {np.abs(some).max():.1g}: divide it by a number that brings them below "
                f"{LARGEST:.0g}."
            )
        # Of a small picture one value is more than a thousandth.
        low, high = np.percentile(some, [5, 95]) if some.size else (0.0, 0.0)
        low, high = (low, high) if high > low or not some.size else np.percentile(some, [0.1, 99.9])
        if high > low:
            far = ~gone & (np.abs(values - (low + high) / 2) > FAR * (high - low))
            if 0 < far.sum() <= max(1, RARE * far.size):
                notes.append(
                    f"{int(far.sum())} of {far.size} values are more than {FAR:.2g} times the range of the others away from "
                    "them, and are taken for unknown"
                )
                gone |= far
    if not gone.any():
        return None, ()
    if gone.all():
        raise NothingToDo(f"All {gone.size} values of the picture are unknown: there is nothing to restore it from.")
    return gone, (f"{int(gone.sum())} of {gone.size} values are unknown", *notes)


def bridged(array: NDArray, gone: NDArray, axis: int | None) -> NDArray:
    """The array with every unknown value replaced by a known one of its channel, mirrored at the edge of the gap."""
    result = np.ma.getdata(array).copy()
    planes = (
        [(result, gone)]
        if axis is None
        else list(zip(np.moveaxis(result, axis, 0), np.moveaxis(gone, axis, 0), strict=True))
    )
    for number, (plane, lost) in enumerate(planes):
        if not lost.any():
            continue
        if lost.all():
            raise BadInput(f"Every value of channel {number} is unknown: leave that channel out.")
        plane[lost] = plane[mirrored(lost)][lost]
    return result


@dataclass(frozen=True)
class Gaps:
    """The end of a result where values were unknown: `keep` leaves them as they came, else they are filled.

    gone: True where unknown, of the shape of the array. kept: True where a value stays as it came whatever is asked.
    original: the array that came in. whole: the run itself has filled the gaps.
    """

    gone: NDArray
    original: NDArray
    axis: int | None
    kept: NDArray | None = None
    whole: bool = False

    def __call__(self, made: NDArray) -> NDArray:
        """A float result (of any size), filled."""
        import torch

        from untaught.classical.inpaint import Harmonic

        gone = enlarged(self.gone, made.shape)
        if not self.whole:
            first = [made[None] if self.axis is None else np.moveaxis(made, self.axis, 0)]
            first += [~gone[None] if self.axis is None else np.moveaxis(~gone, self.axis, 0)]
            y, known = (torch.from_numpy(np.ascontiguousarray(v, dtype=np.float64))[None] for v in first)
            filled = Harmonic()(y, known)[0].numpy()
            made = np.where(gone, filled[0] if self.axis is None else np.moveaxis(filled, 0, self.axis), made)
        if self.kept is not None:
            made = np.where(enlarged(self.kept, made.shape), enlarged(self.original, made.shape), made)
        return made


def filled(image: Image) -> NDArray:
    """The pixels of a picture with known values in the place of unknown ones."""
    lost, _ = unknown(image.pixels, getattr(image, "unknown", None))
    plain = np.ma.getdata(image.pixels)
    return plain if lost is None else bridged(plain, lost, channels(plain, "auto"))


def told(image: Image, settings: dict[str, Any]) -> tuple[Image, dict[str, Any]]:
    """Picture and settings for a task that is told what is missing: the mask of a masked array, where no other is named."""
    pixels = image.pixels
    if np.ma.is_masked(pixels) and settings.get("mask") is None and settings.get("mask_colour") is None:
        settings = {**settings, "mask": np.ma.getmaskarray(pixels)}
    return replace(image, pixels=np.ma.getdata(pixels)), settings


def spread(without: NDArray, shape: tuple[int, ...]) -> NDArray:
    """`without`, (h, w), in every channel of an array of that shape."""
    return without if without.shape == shape else np.broadcast_to(np.asarray(without, bool)[..., None], shape)
