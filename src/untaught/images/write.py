"""From samples to a file: checked before the work, encoded to the format's best, put in place in one move."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from dataclasses import replace
from pathlib import Path

import numpy as np

from untaught.errors import BadInput, UntaughtError
from untaught.images import ifd, png, tiff
from untaught.images.picture import FORMATS, RECIPE, XMP, Image, format_of, sniff
from untaught.images.samples import join, rescale

_TYPES = {  # what a format holds, the best last
    "PNG": (np.uint8, np.uint16),
    "JPEG": (np.uint8,),
    "WEBP": (np.uint8,),
    "TIFF": (np.uint8, np.uint16, np.float32),
    "NPY": (np.uint8, np.uint16, np.float32),
}
_SIDE = {"JPEG": 65535, "WEBP": 16383}  # the longest side that the format can say
_SEGMENT = 65533 - 29  # the most bytes of a JPEG segment, less the longest of its headers


def default_output(path: str | Path) -> Path:
    """NAME.untaught.EXT beside the input; a file whose extension says nothing gets that of what it holds."""
    path = Path(path)
    if path.suffix.lower() in FORMATS:
        return path.with_name(f"{path.stem}.untaught{path.suffix}")
    try:
        with path.open("rb") as file:
            kind = sniff(file.read(256))
    except OSError:
        kind = None
    suffix = next((s for s, k in FORMATS.items() if k == kind), ".png")
    return path.with_name(f"{path.name}.untaught{suffix}")


def check_output(path: str | Path, *, source: str | Path | None = None, force: bool = False) -> Path:
    """`path`, where a result can be written: asked before any work, so that none is done in vain. Else BadInput.

    source: the input, which is never overwritten; force: an existing file may be.
    """
    path = Path(path)
    if path.is_dir():
        raise BadInput(f"'{path}' is a folder: name a file in it, e.g. '{path / 'result.png'}'.")
    kind = format_of(path)
    if not path.parent.is_dir():
        raise BadInput(f"The folder '{path.parent}' does not exist (none is created): make it, or name another.")
    if source is not None and path.exists() and Path(source).exists() and path.samefile(source):
        raise BadInput(f"'{path}' is the input itself, which is never overwritten: name another file with -o.")
    for file in (path, _beside(path)) if kind in ("JPEG", "WEBP", "NPY") else (path,):
        if file.exists() and not force:
            raise BadInput(f"'{file}' exists already: replace it with --force, or name another file with -o.")
    trial = _temporary(path.resolve())
    try:
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        raise BadInput(f"The folder '{path.parent}' cannot be written ({error.strerror}): name another.") from error
    return path


def write(
    path: str | Path, pixels: np.ndarray, like: Image | None = None, *, recipe: str | None = None
) -> tuple[str, ...]:
    """Write `pixels`, (h, w) or (h, w, 3) uint8, uint16 or float, to `path`; its extension names the format.

    Alpha, ICC profile, EXIF, resolution and text come from `like`. The recipe goes into PNG (text "untaught") and TIFF
    (tag 65000), and beside the others (NAME.EXT.toml). NPY takes any (h, w, c). Floats are in [0, 1] where they must
    become integers. Returns a sentence for every conversion and loss.

    The file appears whole or not at all: UntaughtError tells what failed, and nothing that was there is changed.
    """
    path = Path(path)
    kind = format_of(path)
    if like is not None and like.source and path.exists() and like.source.exists() and path.samefile(like.source):
        raise BadInput(f"'{path}' is the input itself, which is never overwritten: name another file.")
    pixels, like, notes = _fit(np.asarray(pixels), like or Image(pixels), kind, path)
    if kind == "PNG":
        data = png.encode(join(pixels, like.alpha), like, recipe)
    elif kind == "TIFF":
        data = tiff.encode(pixels, like.alpha, like, recipe)
    else:
        data = _encode_npy(pixels) if kind == "NPY" else _encode_with_pillow(kind, pixels, like)
    files = {path.resolve(): data}
    if recipe is not None and kind not in ("PNG", "TIFF"):
        files[_beside(path.resolve())] = recipe.encode()
    _put(files)
    return notes


def _fit(pixels: np.ndarray, like: Image, kind: str, path: Path) -> tuple[np.ndarray, Image, tuple[str, ...]]:
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
    pixels, notes = _depth(pixels, kind)
    text = {key: value for key, value in like.text.items() if key != RECIPE}
    like, lost = replace(like, text=text), []
    if like.alpha is not None:
        if like.alpha.shape != pixels.shape[:2]:
            size = " x ".join(map(str, like.alpha.shape))
            notes += (f"The alpha channel ({size}) does not fit the result ({shape}) and is not in '{path.name}'.",)
            like = replace(like, alpha=None)
        elif kind in ("JPEG", "NPY"):
            lost.append("alpha channel")
            like = replace(like, alpha=None)
        else:
            like = replace(like, alpha=rescale(like.alpha, pixels.dtype))
    space = {b"GRAY": ("grey", 1), b"RGB ": ("RGB", 3)}.get(like.icc[16:20]) if like.icc else None
    if space and space[1] != channels:
        notes += (f"The ICC profile is for {space[0]} and the result has {channels} channel(s): it was left out.",)
        like = replace(like, icc=None)
    like, more = _company(like, kind)
    if lost := lost + more:
        notes += (f"{kind} has no place for the picture's {', '.join(lost)}: not in '{path.name}'.",)
    if kind == "WEBP" and channels == 1:
        notes += ("WebP knows no grey: the three channels are equal.",)
    return np.ascontiguousarray(pixels), like, notes


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
    lost += [f"text '{key}'" for key in text if key not in keys]
    text = {key: value for key, value in text.items() if key in keys}
    refused = {"NPY": {"icc", "exif", "dpi"}, "WEBP": {"dpi"}}.get(kind, set())
    exif = like.exif or b""
    if (kind == "JPEG" and len(exif) > _SEGMENT) or (kind == "TIFF" and exif and not ifd.is_sound(exif)):
        refused = {*refused, "exif"}  # too long for a segment; or damaged, and TIFF must move what is in it
    names = {"icc": "ICC profile", "exif": "EXIF", "dpi": "resolution"}
    lost += [names[part] for part in names if part in refused and getattr(like, part)]
    if like.encoding and kind != "PNG" and not like.icc and b"sRGB" not in like.encoding:
        lost.append("gamma")
    return replace(like, text=text, **dict.fromkeys(refused)), lost


def _encode_npy(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, pixels, allow_pickle=False)
    return out.getvalue()


def _encode_with_pillow(kind: str, pixels: np.ndarray, like: Image) -> bytes:
    """JPEG at quality 95 without colour subsampling; WebP without loss, also where alpha is 0."""
    from PIL import Image as Pillow

    extra = {"icc_profile": like.icc, "xmp": like.text[XMP].encode() if XMP in like.text else None}
    if kind == "JPEG":
        extra |= {"quality": 95, "subsampling": 0, "exif": b"Exif\0\0" + like.exif if like.exif else None}
        extra |= {"dpi": tuple(round(d) for d in like.dpi) if like.dpi else None}
        extra |= {"comment": like.text["Comment"].encode() if "Comment" in like.text else None}
    else:
        extra |= {"lossless": True, "exact": True, "exif": like.exif}
    out = io.BytesIO()
    Pillow.fromarray(join(pixels, like.alpha)).save(out, kind, **{k: v for k, v in extra.items() if v is not None})
    return out.getvalue()


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".toml")


def _temporary(path: Path) -> Path:
    return path.with_name(f".untaught-{secrets.token_hex(6)}.tmp")  # short, whatever the length of the name


def _put(files: dict[Path, bytes]) -> None:
    """Every file whole on the disk under a temporary name first, then each in its place in one move."""
    made: dict[Path, Path] = {}
    at = next(iter(files))
    try:
        for at, data in files.items():
            made[temporary := _temporary(at)] = at
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for temporary, at in made.items():
            os.replace(temporary, at)
    except OSError as error:
        raise UntaughtError(
            f"'{at}' could not be written ({error.strerror}; {len(files[at])} bytes are needed) and what was there is "
            "unchanged: make room, or name another folder."
        ) from error
    finally:
        for temporary in made:
            with contextlib.suppress(OSError):  # the folder may have gone as well: the error above says so
                temporary.unlink(missing_ok=True)
    _sync_folder(at.parent)


def _sync_folder(folder: Path) -> None:
    """Make the renames last through a power cut, where the system can."""
    with contextlib.suppress(OSError):  # Windows cannot open a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
