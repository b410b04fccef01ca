"""Samples: their type, their order, their colour. Arrays in, arrays out; no files here."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

import numpy as np

from untaught.core.errors import BadInput
from untaught.io.images import geo, ifd
from untaught.io.images.picture import XMP, Image


def standard(samples: np.ndarray, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The same samples as native, contiguous uint8, uint16 or float32, and what is to be said about it."""
    kind = samples.dtype.newbyteorder("=")
    if kind == np.bool_:
        return samples.astype(np.uint8) * 255, ("1-bit samples became 8 bit: 0 and 255.",)
    if kind in (np.uint8, np.uint16, np.float32):
        return np.ascontiguousarray(samples, kind), ()
    if kind.kind not in "iuf":
        raise BadInput(f"{name} holds samples of type {kind}: real numbers are needed, e.g. uint8, uint16 or float32.")
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(samples, np.float32)
    exact = np.array_equal(result, samples, equal_nan=kind.kind == "f")
    how = "exactly" if exact else "rounded to its 24 significant bits"
    return result, (f"{kind} samples became float32, {how}.",)


def stored_type(dtype: np.dtype) -> str:
    """The name of a type that `standard` turns into float32, and that a result goes back to; else ""."""
    kind = dtype.newbyteorder("=")
    return str(kind) if kind.kind in "iuf" and kind not in (np.uint8, np.uint16, np.float32) else ""


def again(pixels: np.ndarray, stored: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """float32 samples in the type that the file held them in, and what is said about it."""
    dtype = np.dtype(stored)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            result = pixels.astype(dtype)
        if not np.array_equal(np.isfinite(result), np.isfinite(pixels)):
            return pixels, (f"The result goes beyond what {stored} holds: it is float32.",)
        return result, ("The samples are float64 again, of which float32's 24 bits were worked on.",) * (
            dtype.itemsize > 4
        )
    odd = ~np.isfinite(pixels)
    if odd.any():
        return pixels, (
            f"{int(odd.sum())} samples are NaN or infinite, which {stored} does not hold: they are float32.",
        )
    info = np.iinfo(dtype)
    top = float(info.max) if int(float(info.max)) <= info.max else np.nextafter(float(info.max), 0)
    whole = np.rint(pixels.astype(np.float64))
    outside = int(((whole < info.min) | (whole > info.max)).sum())
    cut = f", and {outside} of {whole.size} that lay outside were cut off" if outside else ""
    return whole.clip(info.min, top).astype(dtype), (f"The samples are {stored} again, rounded to whole numbers{cut}.",)


def rescale(samples: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Samples of one of the three types in another, full scale (255, 65535, 1) to full scale.

    uint8 -> uint16 -> uint8 is the identity. Floats are clipped to [0, 1] on their way to integers, NaN becomes 0.
    """
    if samples.dtype == dtype:
        return samples
    if dtype == np.float32:
        return samples.astype(np.float32) / np.iinfo(samples.dtype).max
    if samples.dtype == np.float32:
        finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=0.0)
        return np.rint(np.clip(finite, 0, 1).astype(np.float64) * np.iinfo(dtype).max).astype(dtype)
    if dtype == np.uint16:
        return samples.astype(np.uint16) * np.uint16(257)
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def widen(samples: np.ndarray, bits: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Samples of an odd width (2, 4, 10, 12, 14 bits) spread over the full range of their type, reversibly."""
    top = np.iinfo(samples.dtype).max
    wide = (samples.astype(np.uint64) * top + (2**bits - 1) // 2) // (2**bits - 1)
    to = samples.dtype.itemsize * 8
    return wide.astype(samples.dtype), (f"{bits}-bit samples were spread over {to} bit, so that white stays white.",)


def split(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """(h, w), (h, w, 2 | 3 | 4) -> (h, w) or (h, w, 3), and alpha (h, w) or None."""
    if samples.ndim == 2:
        return samples, None
    if samples.shape[2] == 3:
        return samples, None
    pixels = samples[..., :-1]
    pixels = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    return np.ascontiguousarray(pixels), np.ascontiguousarray(samples[..., -1])


def join(pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """The inverse of `split`."""
    return np.ascontiguousarray(pixels if alpha is None else np.dstack((pixels, alpha)))


def unpremultiply(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Colour that was multiplied by its alpha, divided by it again (0 where alpha is 0)."""
    top = 1.0 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
    share = (alpha / top)[(...,) + (None,) * (pixels.ndim - 2)]
    colour = np.divide(pixels, share, out=np.zeros(pixels.shape), where=share > 0)
    return (colour if pixels.dtype.kind == "f" else np.rint(np.clip(colour, 0, top))).astype(pixels.dtype)


def turn(array: np.ndarray, orientation: int) -> np.ndarray:
    """Rows and columns as they are to be seen, for an EXIF or TIFF orientation 1 to 8."""
    return np.ascontiguousarray(turned(array, orientation))


def turned(array: np.ndarray, orientation: int, *, back: bool = False) -> np.ndarray:
    """The same as a view, which may be written to. back: from what is seen to the rows and columns of the file."""
    orientation = {6: 8, 8: 6}.get(orientation, orientation) if back else orientation
    if orientation in (5, 6, 7, 8):  # stored by columns: 5 is the plain transpose
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array


def upright(image: Image, orientation: int) -> Image:
    """`image` turned as its orientation asks. XMP may repeat it and is reset too, or viewers turn it twice."""
    if orientation == 1:
        return image
    text, exif = dict(image.text), image.exif
    pixels = turn(image.pixels, orientation)
    if XMP in text:
        text[XMP] = re.sub(r"""(tiff:Orientation(?:=["']|>))\d""", r"\g<1>1", text[XMP])
    if exif and orientation > 4:
        exif = ifd.resized(exif, (pixels.shape[1], pixels.shape[0]), (1, 1), turned=True)
    tags = {tag: value for tag, value in image.tags.items() if tag not in geo.PLACE}
    bare = ifd.without_thumbnail(exif) if exif else exif
    said = [f"The picture was turned upright (its orientation tag was {orientation}, now 1)."]
    said += [ifd.THUMBNAIL] if bare != exif else []
    if tags != image.tags:
        said.append("Its place on the Earth (GeoTIFF) is that of the picture before it was turned: it is not kept.")
    return replace(
        image,
        pixels=pixels,
        exif=bare,
        unknown=None if image.unknown is None else turn(image.unknown, orientation),
        tags=tags,
        alpha=None if image.alpha is None else turn(image.alpha, orientation),
        dpi=image.dpi[::-1] if image.dpi and orientation > 4 else image.dpi,
        text=text,
        notes=(*image.notes, *said),
    )


def srgb_profile() -> bytes:
    """An sRGB ICC profile, always the same bytes."""
    import imagecodecs

    profile = bytes(imagecodecs.cms_profile("srgb"))
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]  # the library writes today's date


def cmyk_to_rgb(inks: np.ndarray, icc: bytes | None, name: str) -> tuple[np.ndarray, bytes, tuple[str, ...]]:
    """(h, w, 4) uint8 or uint16, 0 = no ink -> (h, w, 3) sRGB of the same type, and its profile.

    Without a CMYK profile the colour of the inks is unknown: BadInput.
    """
    import imagecodecs

    if icc is None or icc[16:20] != b"CMYK":
        has = "no ICC profile" if icc is None else f"a profile for {icc[16:20].decode('latin-1').strip()} instead"
        raise BadInput(
            f"{name} is CMYK and has {has}, so the colour of its inks is unknown: convert it to RGB in the program "
            "it came from, or attach the profile of the press."
        )
    if inks.dtype not in (np.uint8, np.uint16):
        raise BadInput(f"{name} is CMYK with {inks.dtype} samples; 8 or 16 bit are needed: convert it to RGB first.")
    profile = srgb_profile()
    rgb = imagecodecs.cms_transform(
        np.ascontiguousarray(inks), icc, profile, colorspace="cmyk", outcolorspace="rgb", outdtype=inks.dtype
    )
    return rgb, profile, ("CMYK was converted to sRGB through the ICC profile of the file.",)
