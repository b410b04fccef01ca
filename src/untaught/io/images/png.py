"""PNG's chunks: what Pillow and libpng leave out when the samples are 16 bit is carried over chunk by chunk."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from untaught.io.images.picture import RECIPE, RECIPE_BYTES, Image

COLOUR = (b"gAMA", b"cHRM", b"sRGB", b"cICP")
_SIGNATURE = 8  # bytes before the first chunk


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, the whole chunk with length and checksum) of every chunk; what stands behind IEND is none."""
    at = _SIGNATURE
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        yield kind, data[at : at + 12 + length]
        if kind == b"IEND":
            return
        at += 12 + length


def check(data: bytes) -> None:
    """ValueError where the size could be read in two ways: one header is there, and it comes first."""
    kinds = [kind for kind, _ in chunks(data)]
    if kinds[:1] != [b"IHDR"] or kinds.count(b"IHDR") > 1 or data[8:12] != b"\0\0\0\x0d":
        raise ValueError("its header is not its first chunk, or not its only one")


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


def read_recipe(file: BinaryIO) -> str | None:
    """The recipe of a PNG file, without decoding the picture. ValueError for one too long to be a recipe."""
    file.seek(_SIGNATURE)
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        length, kind = struct.unpack(">I4s", head)
        if kind not in (b"tEXt", b"zTXt", b"iTXt"):
            file.seek(length + 4, 1)
            continue
        body = file.read(min(length, RECIPE_BYTES + 100))  # a keyword is shorter than that
        file.seek(length - len(body) + 4, 1)
        key, _, rest = body.partition(b"\0")
        if key.decode("latin-1") != RECIPE:
            continue
        if length > len(body):
            raise ValueError(f"a recipe of {length} bytes")
        if kind == b"tEXt":
            return rest.decode("latin-1")
        if kind == b"zTXt":
            return _inflate(rest[1:]).decode("latin-1")
        packed, text = rest[0], rest[2:].split(b"\0", 2)[2]
        return (_inflate(text) if packed else text).decode()
    return None


def _inflate(data: bytes) -> bytes:
    work = zlib.decompressobj()
    text = work.decompress(data, RECIPE_BYTES)
    if not work.eof:
        raise ValueError(f"a packed recipe that is cut short, or longer than {RECIPE_BYTES} bytes")
    return text


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
