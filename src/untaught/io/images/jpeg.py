"""What a JPEG really holds: quantised cosine coefficients and their tables, before any decoder has rounded them to pixels."""

from __future__ import annotations

import io
import struct
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from untaught.core.errors import BadInput
from untaught.core.registry import require
from untaught.io.images import ifd, traces
from untaught.io.images.picture import Image as Picture

SEEN = 1024  # pixels a side of the middle, which tells what compression took of all of it


@dataclass(frozen=True, eq=False)
class Coefficients:
    """One JPEG, plane by plane (brightness first), in the orientation of the file.

    counts: (blocks down, blocks across, 8, 8) int16 each, in quantisation steps, rows of rising vertical frequency.
    steps: the 64 entries of each plane's quantisation table, row by row.
    shrink: (down, across), the pixels that a sample of each plane stands for.
    colour: the planes are YCbCr; otherwise they are the picture's own channels. size: (height, width) of the picture.
    orientation: the EXIF tag, 1 to 8: how `images.turn` brings the picture upright.
    """

    counts: tuple[np.ndarray, ...]
    steps: tuple[tuple[int, ...], ...]
    shrink: tuple[tuple[int, int], ...]
    colour: bool
    size: tuple[int, int]
    orientation: int = 1

    @property
    def period(self) -> tuple[int, int]:
        """(down, across), the pixels after which the blocks of all planes begin together."""
        return 8 * max(down for down, _ in self.shrink), 8 * max(across for _, across in self.shrink)

    @property
    def measurements(self) -> np.ndarray:
        """All counts in a row, (1, n) float32: plane after plane, block after block."""
        return np.concatenate([c.reshape(1, -1) for c in self.counts], axis=1).astype(np.float32)

    def part(self, at: tuple[slice, slice]) -> Coefficients:
        """What the file says of rows and columns, as it lies there; they begin at multiples of `period`."""
        counts = tuple(
            np.ascontiguousarray(
                c[tuple(slice(s.start // (8 * k), -(-s.stop // (8 * k))) for s, k in zip(at, shrink, strict=True))]
            )
            for c, shrink in zip(self.counts, self.shrink, strict=True)
        )
        return replace(self, counts=counts, size=(at[0].stop - at[0].start, at[1].stop - at[1].start), orientation=1)


def coefficients(path: str | Path) -> Coefficients:
    """The coefficients of the JPEG at `path`, baseline or progressive.

    `Missing` without the package jpeglib; `BadInput`, in a sentence, for what holds none that can be worked with:
    another file, CMYK, 12 bit, planes whose sizes are no whole multiples.
    """
    jpeglib = require("jpeglib", extra="dejpeg")
    from PIL import Image

    name = f"'{path}'"
    try:
        found = jpeglib.read_dct(str(path))
        with Image.open(path) as header:
            exif = header.info.get("exif") or b""
    except OSError as error:  # jpeglib's own
        raise BadInput(f"The coefficients of {name} cannot be read ({error}): save it anew as JPEG or PNG.") from error
    space = str(found.jpeg_color_space).removeprefix("JCS_")
    if space not in ("GRAYSCALE", "YCbCr", "RGB"):
        raise BadInput(f"{name} holds {space} coefficients: only grey, YCbCr and RGB are understood; save it as RGB.")
    planes = [p for p in (found.Y, found.Cb, found.Cr) if p is not None]
    factors = np.atleast_2d(found.samp_factor)[: len(planes)]
    largest = factors.max(0)
    if (largest % factors).any():
        said = ", ".join("x".join(map(str, f)) for f in factors)
        raise BadInput(f"The planes of {name} are sampled {said}, no whole multiples of each other: save it as PNG.")
    return Coefficients(
        tuple(np.ascontiguousarray(p) for p in planes),
        tuple(_steps(found, i) for i in range(len(planes))),
        tuple((int(d), int(a)) for d, a in largest // factors),
        space == "YCbCr",
        (int(found.height), int(found.width)),
        ifd.take_orientation(exif.removeprefix(b"Exif\0\0"))[
            0
        ],  # Pillow's own would ask XMP as well, and `read` does not
    )


def decoded(file: bytes) -> Coefficients:
    """The same of a JPEG in memory."""
    with tempfile.TemporaryDirectory() as folder:  # what reads them wants a file
        path = Path(folder) / "picture.jpg"
        path.write_bytes(file)
        return coefficients(path)


def rounding(picture: Picture) -> float:
    """The deviation, in grey levels, of what compression took from a picture that is, or was, a JPEG; 0 of any other.

    It is compressed once more with the same tables, its blocks elsewhere: that takes about as much from it as was taken.
    """
    from PIL import Image

    pixels = np.asarray(picture.pixels)
    found = _tables(picture, pixels) if pixels.dtype == np.uint8 and min(pixels.shape[:2]) >= 16 else None
    if found is None:
        return 0.0
    how, corner = found
    top, left = (max(0, (n - SEEN) // 2 // 8 * 8) + at % 8 for n, at in zip(pixels.shape[:2], corner, strict=True))
    lost = []
    for shift in (3, 4):  # a picture that was turned may have its blocks at one of them
        part = np.ascontiguousarray(pixels[top + shift :, left + shift :][:SEEN, :SEEN])
        Image.fromarray(part).save(out := io.BytesIO(), "JPEG", **how)
        lost.append(float(np.square(np.asarray(Image.open(out), float) - part).mean() ** 0.5))
    return max(lost)


def _tables(picture: Picture, pixels: np.ndarray) -> tuple[dict[str, Any], tuple[int, int]] | None:
    """How Pillow saves as that JPEG was saved, and (rows, columns) before its first block."""
    from PIL import Image, JpegImagePlugin

    if picture.format != "JPEG" or picture.source is None:
        once = traces.trace(pixels)
        return ({"quality": once.quality, "subsampling": once.sampling}, once.corner) if once else None
    with Image.open(picture.source) as file:
        if not isinstance(file, JpegImagePlugin.JpegImageFile) or sorted(file.size) != sorted(pixels.shape[1::-1]):
            return None
    return saving(picture.source), (0, 0)


def saving(path: Path) -> dict[str, Any]:
    """How Pillow saves as that JPEG was saved: with its tables, and its colours at its resolution."""
    from PIL import JpegImagePlugin

    with path.open("rb") as opened:
        file = JpegImagePlugin.JpegImageFile(opened)
        return {"qtables": file.quantization, "subsampling": JpegImagePlugin.get_sampling(file)}


def quality(path: Path) -> int | None:
    """The quality from 1 to 100 whose standard table (Annex K of the JPEG standard, scaled as libjpeg does) is nearest; None of a
    file without a table for brightness."""
    tables = saving(path)["qtables"]
    if 0 not in tables:
        return None
    mean = sum(tables[0]) / 64
    scale = 100 * mean / 57.625  # the mean of the standard's table for brightness
    return round(100 - scale / 2 if scale <= 100 else 5000 / scale) or 1


def density(dpi: tuple[float, float], unit: str) -> tuple[int, int, int] | None:
    """(unit, across, down) as JFIF's header says it, in whole numbers; None where these would be off by over a hundredth."""
    inch, cm = (1, dpi), (2, (dpi[0] / 2.54, dpi[1] / 2.54))
    for number, (x, y) in {"inch": (inch, cm), "cm": (cm, inch), "": ((0, dpi),)}[unit]:
        if all(1 <= round(d) <= 65535 and abs(round(d) - d) <= d / 100 for d in (x, y)):
            return number, round(x), round(y)
    return None


def dense(data: bytes, like: Picture) -> bytes:
    """The JPEG `data` (its JFIF header first) with the resolution of `like`."""
    found = density(like.dpi, like.unit) if like.dpi else None
    return data if found is None else data[:13] + struct.pack(">BHH", *found) + data[18:]


def _steps(found: Any, plane: int) -> tuple[int, ...]:
    table = found.qt[found.quant_tbl_no[plane]]
    return tuple(int(v) for v in np.asarray(table).ravel())
