"""JPEGs that Pillow alone does not read: more than 8 bits, lossless, or without an end marker."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from untaught.core.errors import BadInput
from untaught.io.images import inner
from untaught.io.images.picture import check_size
from untaught.io.images.samples import widen

_END = b"\xff\xd9"
# What is behind a whole picture changes nothing.
_TAILS = (
    _END,
    64 * b"\x5a\xa3\x1d" + _END,
    64 * b"\xc6\x0b\x75" + _END,
)


def jpeg(
    data: bytes, name: str, limit: float, plugin: Callable[[Any], Any]
) -> tuple[Any, np.ndarray | None, tuple[str, ...]]:
    """(Pillow's picture, its samples where Pillow cannot decode them, notes) of the bytes of a JPEG."""
    found = list(inner.frames(data))
    if not found:
        raise ValueError("no frame is in it")
    at, marker, bits, width, height = found[0]
    check_size(name, max(w for *_, w, _ in found), max(h for *_, h in found), limit)
    if len(found) > 1:
        raise BadInput(f"{name} is a hierarchical JPEG or holds {len(found)} frames: save it anew as PNG.")
    if (count := inner.scans(data)) > inner.SCANS:
        raise BadInput(f"{name} is a JPEG of {count} scans, and encoders make about ten: save it anew, as PNG.")
    if bits == 8 and marker in (0xC0, 0xC1, 0xC2):
        picture, notes = _loaded(data, plugin)
        return picture, None, notes
    kind = f"{bits}-bit JPEG" if bits != 8 else "JPEG"
    way = "lossless" if marker == 0xC3 else "hierarchical" if marker < 0xC8 else "arithmetic-coded"
    kind = kind if marker <= 0xC2 else f"{way} {kind}"
    try:
        import imagecodecs

        samples = imagecodecs.jpeg8_decode(data)
        plain = data[: at + 1] + b"\xc0" + data[at + 2 : at + 4] + b"\x08" + data[at + 5 :]
        picture = plugin(io.BytesIO(plain))  # for what travels with it
        if samples.shape[:2] != (height, width) or (samples.ndim == 3 and samples.shape[2] != 3):
            raise ValueError(f"samples of shape {samples.shape}")
    except Exception as error:
        raise BadInput(
            f"{name} is a {kind}, which cannot be read here ({str(error)[:100] or type(error).__name__}): save it as PNG or "
            "TIFF in the program that made it."
        ) from error
    notes = (f"It is a {kind}.",)
    if bits not in (8, 16):
        samples, said = widen(samples, bits)
        notes += said
    return picture, samples, notes


def _loaded(data: bytes, plugin: Callable[[Any], Any]) -> tuple[Any, tuple[str, ...]]:
    """The decoded picture, also of a file that has all but its end marker: then no tail put behind it changes a sample."""
    picture = plugin(io.BytesIO(data))
    try:
        picture.load()
        return picture, ()
    except OSError:
        tried = [plugin(io.BytesIO(data.rstrip(b"\0").removesuffix(b"\xff") + tail)) for tail in _TAILS]
        for one in tried:
            try:
                one.load()
            except OSError:
                break
        else:
            pixels = [np.asarray(one) for one in tried]
            if all(np.array_equal(pixels[0], other) for other in pixels[1:]):
                return tried[0], (
                    "The end marker of the JPEG is missing, and perhaps a last refinement: all rows are there.",
                )
        raise
