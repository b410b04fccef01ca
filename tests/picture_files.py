"""Pictures for tests of files: samples, all that can travel with them, EXIF as Pillow understands it, a PNG chunk."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageCms, TiffImagePlugin

from untaught.io.images import Image, ifd

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RECIPE = 'task = "denoise"\nsigma = 0.1  # √, ü\n'


def draw(shape: tuple[int, ...], dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    """Noise over the whole range of the type: every bit matters."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.random(shape).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def exif(orientation: int = 1, maker: bytes = b"Maker\0note\xff\x01\x02") -> bytes:
    """An EXIF block with values inside and outside the entries, a sub-directory and a place."""
    block = Pillow.Exif()
    block[ifd.ORIENTATION], block[ifd.MAKE], block[ifd.MODEL] = orientation, "Maker & sons", "M1"
    block[0x0132], block[0x010D] = "2024:02:29 12:00:00", "inventory 7"
    block.get_ifd(ifd.EXIF).update({0x829A: TiffImagePlugin.IFDRational(1, 50), 0x8827: 400, 0x927C: maker})
    block.get_ifd(ifd.GPS).update({1: "N", 2: (48.0, 8.0, 30.0)})
    return block.tobytes().removeprefix(b"Exif\0\0")


def camera(path: Path) -> dict[Any, Any]:
    """The EXIF of a file as Pillow understands it."""
    with Pillow.open(path) as picture:
        block = picture.getexif()
        names = {"make": block.get(ifd.MAKE), "model": block.get(ifd.MODEL), "date": block.get(0x0132)}
        return {**names, **block.get_ifd(ifd.EXIF), **block.get_ifd(ifd.GPS)}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def full(pixels: np.ndarray) -> Image:
    text = {"Title": "A ship", "Description": "Ölbild, 1889", "Author": "N. N.", "XML:com.adobe.xmp": "<x:xmpmeta/>"}
    return Image(pixels, icc=SRGB, exif=exif(), dpi=(300.0, 150.0), text=text)
