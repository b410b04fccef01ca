"""What a picture is here, which formats there are, and how a file says which one it holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from untaught.core.errors import BadInput

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".npy": "NPY",
}
SUFFIXES = (*FORMATS, ".bmp", ".heic", ".heif", ".avif")  # of what is read
XMP = "XML:com.adobe.xmp"  # PNG's own keyword for an XMP packet; those of the other formats are kept under it too
RECIPE = "untaught"  # the PNG keyword of a recipe
IMAGEJ = 50839  # the TIFF tag of what ImageJ adds: overlays, labels, look-up tables
RECIPE_TAG = 65000  # the TIFF tag of a recipe: the first of those that the format leaves to everybody
RECIPE_BYTES = 2**18  # the longest recipe that is read; they are of a page or two

AVIF = {"avif", "avis"}
HEIC = {"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"}
BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}  # bytes: two letters alone would be no sign of a picture

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x93NUMPY", "NPY"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
RAW = "a camera RAW file"
DEVELOP = "develop it in a photo program, and save it from there as TIFF (16 bit) or JPEG"
_OTHERS = (  # said by name, because "not a picture" would be untrue of most of them
    (b"GIF8", "a GIF picture"),
    (b"8BPS", "a Photoshop document"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive (or NPZ, or an office document)"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"v/1\x01", "an OpenEXR picture"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SIMPLE  =", "a FITS file"),
    (b"IIRO", RAW),
    (b"IIRS", RAW),
    (b"IIU\0", RAW),
    (b"FUJIFILMCCD-RAW", RAW),
    (b"<svg", "an SVG drawing"),
    (b"<", "a web page or another XML file"),
    (b"P5", "a PGM picture"),
    (b"P6", "a PPM picture"),
)


@dataclass(frozen=True, eq=False)
class Image:
    """One picture as it came from a file.

    pixels    (h, w) grey or (h, w, 3) RGB; NPY may hold (h, w, c). uint8, uint16 or float32, native and contiguous;
              integers use their full range, floats are as they came and may hold NaN or infinity
    alpha     (h, w) of the same type, not premultiplied; kept, never touched by restoration
    exif      a bare TIFF block, its orientation 1: the pixels are already upright
    dpi       (x, y), of pixels an inch; of a unit that only the description names (ImageJ), or of none, where unit is ""
    unit      in which the file states its resolution: "inch", "cm" or ""
    text      Title, Description, Author, Comment, ... ; an XMP packet is under "XML:com.adobe.xmp"
    notes     a sentence for every conversion that was applied
    sha256    of the file's bytes
    encoding  a PNG's own colour chunks (gAMA, cHRM, sRGB, cICP) as they stood
    source    the file, resolved: `write` refuses to overwrite it
    unknown   (h, w), True where the samples say nothing: no-data, and colour under full transparency. Tasks do not learn
              from them, and `write` puts back what stood there
    stored    the type of the file's samples where float32 stands for it ("int16"): `write` goes back to it
    tags      TIFF tags of other programs, by number: the place on the Earth, GDAL's and ImageJ's own
    coded     the `jpeg.Coefficients` of a JPEG that is no file: of a part of one
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    format: str = ""
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    text: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sha256: str = ""
    encoding: bytes = b""
    source: Path | None = None
    unit: str = "inch"
    unknown: np.ndarray | None = None
    stored: str = ""
    tags: dict[int, Any] = field(default_factory=dict)
    coded: Any = None


def sniff(head: bytes) -> str | None:
    """The format whose magic bytes begin `head`, or None. BMP, HEIC and AVIF are read, and never written."""
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BMP_HEADERS:
        return "BMP"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp" and (brands := {head[i : i + 4].decode("latin-1") for i in (8, *range(16, 40, 4))}):
        return "AVIF" if brands & AVIF else "HEIC" if head[8:12].decode("latin-1") in HEIC else None
    if head[8:10] == b"CR":  # Canon's CR2 is a TIFF whose first picture is a mere preview
        return None
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def describe(head: bytes) -> str:
    """What a file that is not one of our formats seems to be, in words."""
    if head[4:8] == b"ftyp":
        return RAW if head[8:12] == b"crx " else f"a film (brand '{head[8:12].decode('latin-1').strip()}')"
    if head[8:10] == b"CR":
        return RAW
    if head[128:132] == b"DICM":
        return "a DICOM file"
    for magic, words in _OTHERS:
        if head.startswith(magic):
            return words
    try:
        text = head[:64].decode()
    except UnicodeDecodeError:
        text = "\0"
    readable = text.isprintable() or (text.isascii() and "\0" not in text)
    return "plain text" if readable else f"bytes {head[:8].hex(' ')}"


def unread(name: str, head: bytes) -> BadInput:
    """Why a file that begins so is not read, and what to do."""
    what = describe(head)
    if what == RAW:
        return BadInput(f"{name} is a camera RAW file: {DEVELOP}.")
    return BadInput(f"{name} holds {what}, not a picture that can be read: save it as PNG, JPEG or TIFF.")


def format_of(path: Path) -> str:
    """The format that the extension of `path` asks for; BadInput names the known ones."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        has = f"ends in '{path.suffix}'" if path.suffix else "has no extension"
        raise BadInput(f"'{path}' {has}: end it in {', '.join(FORMATS)}.") from None


def check_size(name: str, width: int, height: int, limit: float) -> None:
    """Refuse, from the header alone, what would take too much memory to decode. `limit` in megapixels."""
    megapixels = width * height / 1e6
    if megapixels > limit:
        raise BadInput(
            f"{name} is {width} x {height} pixels ({megapixels:.4g} MP) and the limit is {limit:g} MP: "
            f"start again with --max-megapixels {math.ceil(megapixels)}, or cut out a part of it."
        )


def check_bytes(name: str, size: int, limit: float) -> None:
    """Refuse a file that is longer than any picture of `limit` megapixels: four channels of 8 bytes, and as much again."""
    most = limit * 64e6 + 2**26
    if size > most:
        raise BadInput(
            f"{name} is {size / 1e6:.4g} MB long and a picture of {limit:g} MP takes {most / 1e6:.4g} MB at most: raise the "
            f"limit with --max-megapixels {math.ceil(size / 64e6)}, or restore a part of it."
        )
