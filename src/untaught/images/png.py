"""PNG's chunks: what Pillow and libpng leave out when the samples are 16 bit is carried over chunk by chunk."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np

from untaught.images.picture import RECIPE, Image

COLOUR = (b"gAMA", b"cHRM", b"sRGB", b"cICP")
_SIGNATURE = 8


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, the whole chunk with length and checksum) of every chunk."""
    at = _SIGNATURE
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at : at + 12 + length]
        at += 12 + length


def density(data: bytes) -> tuple[tuple[float, float], str] | None:
    """(x, y) dots an inch and "inch", or of no unit and "", which tells the shape of a pixel; None where nothing is said."""
    for kind, chunk in chunks(data):
        if kind == b"pHYs":
            x, y, metre = struct.unpack(">IIB", chunk[8:-4])
            return ((x * 0.0254, y * 0.0254), "inch") if metre else ((x, y), "")
    return None


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def colour_chunks(data: bytes) -> bytes:
    """The chunks that say what the numbers mean, other than the ICC profile, as they stand."""
    return b"".join(chunk for kind, chunk in chunks(data) if kind in COLOUR)


def read_recipe(data: bytes) -> str | None:
    """The recipe of a PNG file, without decoding the picture."""
    for kind, chunk in chunks(data):
        body = chunk[8:-4]
        key, _, rest = body.partition(b"\0")
        if key.decode("latin-1") != RECIPE:
            continue
        if kind == b"tEXt":
            return rest.decode("latin-1")
        if kind == b"zTXt":
            return zlib.decompress(rest[1:]).decode("latin-1")
        if kind == b"iTXt":
            packed, text = rest[0], rest[2:].split(b"\0", 2)[2]
            return (zlib.decompress(text) if packed else text).decode()
    return None


def encode(samples: np.ndarray, like: Image, recipe: str | None) -> bytes:
    """A PNG of (h, w) or (h, w, 2 | 3 | 4) uint8 or uint16, with all the metadata of `like`.

    Pillow writes every kind of metadata but no 16-bit colour, libpng the reverse: so Pillow writes a picture of one
    pixel, and its chunks are moved into the real one.
    """
    import imagecodecs
    from PIL import Image as Pillow
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, value in like.text.items():
        info.add_itxt(key, value) if not value.isascii() else info.add_text(key, value)
    if recipe is not None:
        info.add_itxt(RECIPE, recipe)
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[1 if samples.ndim == 2 else samples.shape[2]]
    extra = {"icc_profile": like.icc, "exif": like.exif}
    tiny = io.BytesIO()
    Pillow.new(mode, (1, 1)).save(tiny, "PNG", pnginfo=info, **{k: v for k, v in extra.items() if v})
    metadata = b"".join(c for kind, c in chunks(tiny.getvalue()) if kind not in (b"IHDR", b"IDAT", b"IEND"))
    if like.dpi:  # Pillow takes inches only
        x, y = (round(d / 0.0254) if like.unit else round(d) for d in like.dpi)
        metadata = _chunk(b"pHYs", struct.pack(">IIB", x, y, bool(like.unit))) + metadata
    data = bytes(imagecodecs.png_encode(samples, level=4))
    body = _SIGNATURE + 25  # IHDR is always 25 bytes; colour and profile must stand before the samples
    return data[:body] + like.encoding + metadata + data[body:]
