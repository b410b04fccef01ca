"""A result of another size than its picture: what counts pixels, or stands beside them, is made to fit.

The result shows the whole scene in other pixels, so that every length in it stays: twice the pixels are twice as many an inch.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import numpy as np

from untaught.io.images import geo, ifd
from untaught.io.images.hidden import NODATA
from untaught.io.images.picture import IMAGEJ, Image

_NUMBER = r"-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?"


def resized(image: Image, height: int, width: int) -> tuple[Image, tuple[str, ...]]:
    """`image`, as the company of a picture of that size, and what is said about it. Its pixels are but a stand-in.

    Where the sides do not grow alike it is another scene: what belongs to places of the picture cannot come along.
    """
    h, w = image.pixels.shape[:2]
    if (h, w) == (height, width):
        return image, ()
    across, down = width / w, height / h
    exif = ifd.resized(image.exif, (width, height), (across, down)) if image.exif else None
    if max((height - 0.5) / h, (width - 0.5) / w) > min((height + 0.5) / h, (width + 0.5) / w):
        tags = {k: v for k, v in image.tags.items() if k not in (*geo.PLACE, IMAGEJ)}
        exif = ifd.resized(image.exif, (width, height), (1, 1)) if image.exif else None
        text = {k: _sides(v, (width, height), (1, 1)) for k, v in image.text.items()}
        names = {"alpha channel": image.alpha is not None, "place of its pixels (GeoTIFF, ImageJ)": tags != image.tags}
        said = " and the ".join(name for name, there in names.items() if there)
        notes = (
            (f"The {said} ({h} x {w}) does not fit the result ({height} x {width}) and is left out.",) if said else ()
        )
        return replace(image, alpha=None, unknown=None, exif=exif, tags=tags, text=text), notes
    tags, notes = geo.scaled(image.tags, across, down), ()
    if tags.pop(IMAGEJ, None):
        notes = ("ImageJ's overlays and labels are of another size of picture: they were left out.",)
    unknown, pixels = None, image.pixels
    if image.unknown is not None and NODATA in tags:
        rows = ((np.arange(height) + 0.5) / down).astype(int).clip(0, h - 1)
        columns = ((np.arange(width) + 0.5) / across).astype(int).clip(0, w - 1)
        unknown = image.unknown[rows][:, columns]
        pixels = image.pixels[rows][:, columns]
    return replace(
        image,
        pixels=pixels,
        alpha=None if image.alpha is None else _enlarged(image.alpha, height, width),
        unknown=unknown,
        exif=exif,
        dpi=None if image.dpi is None else (image.dpi[0] * across, image.dpi[1] * down),
        text={k: _sides(v, (width, height), (across, down)) for k, v in image.text.items()},
        tags=tags,
    ), notes


def _enlarged(alpha: np.ndarray, height: int, width: int) -> np.ndarray:
    """Alpha by cubic splines that share the picture's grid; what overshoots is cut off."""
    from PIL import Image as Pillow

    plane = Pillow.fromarray(alpha.astype(np.float32)).resize((width, height), Pillow.Resampling.BICUBIC)
    made = np.asarray(plane).clip(alpha.min(), alpha.max())
    return (made if alpha.dtype.kind == "f" else np.rint(made)).astype(alpha.dtype)


def _sides(text: str, size: tuple[int, int], factors: tuple[float, float]) -> str:
    """A description for machines (XMP, OME-XML, ImageJ's lines) of the new size; plain text as it is."""
    for axis, factor in enumerate(factors):
        letter, name = "XY"[axis], ("Width", "Length")[axis]
        side = partial(_counted, number=size[axis])
        ratio, larger, smaller = (partial(f, factor=factor) for f in (_ratio, _times, _divided))
        text = re.sub(rf"""((?:tiff:Image{name}|exif:Pixel{letter}Dimension)(?:=["']|>))(\d+)""", side, text)
        text = re.sub(rf"""(tiff:{letter}Resolution(?:=["']|>))(\d+)/(\d+)""", ratio, text)
        if "<OME" in text[:1000]:
            text = re.sub(rf'(\bSize{letter}=")(\d+)', side, text)
            text = re.sub(rf'(\bPhysicalSize{letter}=")({_NUMBER})', smaller, text)
        if text.startswith("ImageJ="):
            text = re.sub(rf"^({letter.lower()}origin=)({_NUMBER})", larger, text, flags=re.MULTILINE)
    return text


def _counted(found: re.Match[str], number: int) -> str:
    return f"{found[1]}{number}"


def _times(found: re.Match[str], factor: float) -> str:
    return f"{found[1]}{float(found[2]) * factor:.15g}"


def _divided(found: re.Match[str], factor: float) -> str:
    return f"{found[1]}{float(found[2]) / factor:.15g}"


def _ratio(found: re.Match[str], factor: float) -> str:
    above, below = ifd.times(int(found[2]), int(found[3]), factor)
    return f"{found[1]}{above}/{below}"
