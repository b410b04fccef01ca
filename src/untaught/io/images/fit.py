"""What a format can hold: samples and their company are made to fit it, and every loss becomes a sentence."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from untaught.core.errors import BadInput
from untaught.io.images import geo, ifd, jpeg, tiff
from untaught.io.images.hidden import NODATA, apart, number, restored
from untaught.io.images.picture import IMAGEJ, RECIPE, XMP, Image
from untaught.io.images.resized import resized
from untaught.io.images.samples import again, rescale

_TYPES = {  # what a format holds, the best last
    "PNG": (np.uint8, np.uint16),
    "JPEG": (np.uint8,),
    "WEBP": (np.uint8,),
    "TIFF": (np.uint8, np.uint16, np.float32),
    "NPY": (np.uint8, np.uint16, np.float32),
}
_TAGS = {  # what only TIFF has a place for
    "place on the Earth (GeoTIFF)": geo.PLACE,
    "GDAL metadata": (42112,),
    "no-data value": (NODATA,),
    "ImageJ metadata": (IMAGEJ,),
}
_SIDE = {"JPEG": 65535, "WEBP": 16383}  # the longest side that the format can say
_SEGMENT = 65533 - 29  # the most bytes of a JPEG segment, less the longest of its headers


def fit(pixels: np.ndarray, like: Image, kind: str, path: Path) -> tuple[np.ndarray, Image, tuple[str, ...]]:
    """Samples, and their company, as the format can hold them; and what is said about the rest."""
    shape = " x ".join(map(str, pixels.shape))
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise BadInput(f"An array of {shape or 'one number'} is no picture: (h, w) or (h, w, channels) is needed.")
    if channels not in (1, 3) and kind != "NPY":
        raise BadInput(f"A picture of {channels} channels cannot be written to {kind}, which takes 1 or 3: use .npy.")
    if max(pixels.shape[:2]) > _SIDE.get(kind, np.inf):
        raise BadInput(f"'{path}' would be {shape} and {kind} ends at {_SIDE[kind]} a side: write PNG or TIFF.")
    if pixels.ndim == 3 and channels == 1 and kind != "NPY":
        pixels = pixels[..., 0]
    like, notes = resized(like, *pixels.shape[:2])
    if like.exif and (kind == "TIFF" or not np.array_equal(pixels, like.pixels)):
        like, was = replace(like, exif=ifd.without_thumbnail(like.exif)), like.exif
        notes += (ifd.THUMBNAIL,) * (like.exif != was)
    if (
        kind == "TIFF"
        and like.exif
        and ifd.is_sound(like.exif)
        and not ifd.moves(ifd.reader(like.exif), *ifd.start(like.exif))
    ):
        notes += (tiff.MAKER,)
    pixels = restored(pixels, like)
    pixels, alpha, said = _samples(pixels, like, kind)
    notes += said
    text = {key: value for key, value in like.text.items() if key != RECIPE}
    if "<OME" in text.get("Description", "") and not _is_of(text["Description"], pixels):
        del text["Description"]  # it states a size and a type, and readers believe it rather than the tags
        notes += ("Its OME description is of another type of picture: it was left out.",)
    lost = ["alpha channel"] if alpha is not None and kind in ("JPEG", "NPY") else []
    like = replace(like, text=text, alpha=None if lost else alpha)
    space = {b"GRAY": ("grey", 1), b"RGB ": ("RGB", 3), b"CMYK": ("CMYK", 4)}.get(like.icc[16:20]) if like.icc else None
    if space and space[1] != channels:
        notes += (f"The ICC profile is for {space[0]} and the result has {channels} channel(s): it was left out.",)
        like = replace(like, icc=None)
    like, more = _company(like, kind)
    if lost := lost + more:
        notes += (f"{kind} has no place for the picture's {', '.join(lost)}: not in '{path.name}'.",)
    if kind == "WEBP" and channels == 1:
        notes += ("WebP knows no grey: the three channels are equal.",)
    return np.ascontiguousarray(pixels), like, notes


def _samples(pixels: np.ndarray, like: Image, kind: str) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Samples and alpha in the best type that the format holds: the file's own, where float32 stood for it."""
    pixels, notes = _depth(pixels, kind)
    alpha = None if like.alpha is None else rescale(like.alpha, pixels.dtype)
    if like.stored and kind in ("TIFF", "NPY") and (pixels.dtype, like.pixels.dtype) == (np.float32, np.float32):
        pixels, said = again(pixels, like.stored)
        notes += said
        if pixels.dtype == like.stored:
            alpha = None if alpha is None else again(alpha, like.stored)[0]
            value = number(str(like.tags.get(NODATA, "")))
            if (
                like.unknown is not None and value is not None and np.isfinite(value) and alpha is None
            ):  # as exact as the type is
                pixels[like.unknown] = pixels.dtype.type(value)
    if kind == "TIFF" and NODATA in like.tags:
        pixels = apart(pixels, str(like.tags[NODATA]), like.unknown)
    return pixels, alpha, notes


def _is_of(ome: str, pixels: np.ndarray) -> bool:
    """Whether an OME description states the size and the type of these samples."""
    kind = {"float32": "float", "float64": "double"}.get(str(pixels.dtype), str(pixels.dtype))
    said = dict(re.findall(r'\b(SizeX|SizeY|SizeC|Type)="([^"]*)"', ome[ome.find("<Pixels") :].partition(">")[0]))
    height, width, channels = (*pixels.shape, 1)[:3]
    return said == {"SizeX": str(width), "SizeY": str(height), "SizeC": str(channels), "Type": kind}


def _depth(pixels: np.ndarray, kind: str) -> tuple[np.ndarray, tuple[str, ...]]:
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    pixels = pixels.astype(np.float32 if pixels.dtype.kind == "f" else pixels.dtype.newbyteorder("="), copy=False)
    types = _TYPES[kind]
    if pixels.dtype not in _TYPES["NPY"]:
        raise BadInput(f"Samples of type {pixels.dtype} cannot be written: make them uint8, uint16 or float32.")
    if pixels.dtype in types:
        return pixels, ()
    result = rescale(pixels, np.dtype(types[-1]))
    bits = result.itemsize * 8
    if pixels.dtype == np.uint16:
        return result, (f"16-bit samples were rounded to 8 bit, all that {kind} holds: PNG or TIFF keep them.",)
    outside, odd = int(((pixels < 0) | (pixels > 1)).sum()), int(np.isnan(pixels).sum())
    said = f"Floats were clipped to [0, 1] and scaled to {bits} bit, because {kind} holds no floats"
    clipped = f"; {outside} of {pixels.size} samples lay outside" if outside else ""
    return result, (said + clipped + (f"; {odd} were NaN and became 0" if odd else "") + ".",)


def _holds(kind: str, dpi: tuple[float, float], unit: str) -> bool:
    """Whether the format can say this resolution, to a hundredth."""
    if kind == "PNG":
        counts = [d / 0.0254 if unit else d for d in dpi]
        return all(1 <= round(n) < 2**31 and abs(round(n) - n) <= n / 100 for n in counts)
    return kind == "TIFF" or (kind == "JPEG" and jpeg.density(dpi, unit) is not None)


def _company(like: Image, kind: str) -> tuple[Image, list[str]]:
    """`like` with only what the format can hold, and the names of the rest."""
    lost: list[str] = []
    text = dict(like.text)
    keys = {"PNG": set(text), "TIFF": {*tiff.TEXT, XMP}, "JPEG": {"Comment", XMP}, "WEBP": {XMP}, "NPY": set()}[kind]
    if kind == "TIFF" and "Description" not in text and "Comment" in text:
        text["Description"] = text.pop("Comment")
    if kind == "JPEG" and "Comment" not in text and "Description" in text:
        text["Comment"] = text.pop("Description")
    if kind == "JPEG":  # a segment ends at 64 KiB
        keys -= {key for key in keys & set(text) if len(text[key].encode()) > _SEGMENT}
    exif = like.exif or b""
    refused = {"icc", "exif"} if kind == "NPY" else set()
    if like.dpi and not _holds(kind, like.dpi, like.unit):
        refused = {*refused, "dpi"}
    if (kind == "JPEG" and len(exif) > _SEGMENT) or (kind == "TIFF" and exif and not ifd.is_sound(exif)):
        refused = {*refused, "exif"}  # too long for a segment; or damaged, and TIFF must move what is in it
    also = b"" if "exif" in refused else exif  # what stands in the EXIF block as well is not lost
    lost += [f"text '{key}'" for key, value in text.items() if key not in keys and value.encode() not in also]
    names = {"icc": "ICC profile", "exif": "EXIF", "dpi": "resolution"}
    lost += [names[part] for part in names if part in refused and getattr(like, part)]
    if kind == "WEBP" and "exif" not in refused and 0x011A in ifd.tags(exif):
        lost = [name for name in lost if name != "resolution"]  # it stands there as well
    if kind != "TIFF":
        lost += [name for name, tags in _TAGS.items() if any(tag in like.tags for tag in tags)]
    text = {key: value for key, value in text.items() if key in keys}
    if like.encoding and kind != "PNG" and not like.icc and b"sRGB" not in like.encoding:
        lost.append("gamma")
    nothing: dict[str, Any] = dict.fromkeys(refused)
    return replace(like, text=text, **nothing), lost
