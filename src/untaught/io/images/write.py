"""From samples to a file: checked before the work, encoded to the format's best, put in place in one move."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from untaught.core.errors import BadInput, UntaughtError, why
from untaught.io.images import jpeg, png, tiff
from untaught.io.images.fit import fit
from untaught.io.images.picture import FORMATS, XMP, Image, format_of, sniff
from untaught.io.images.places import Places
from untaught.io.images.samples import join


def default_output(path: str | Path) -> Path:
    """NAME.untaught.EXT beside the input; a file whose extension says nothing gets that of what it holds."""
    path = Path(path)
    if path.suffix.lower() in FORMATS:
        return path.with_name(f"{path.stem}.untaught{path.suffix}")
    return path.with_name(f"{path.name}.untaught{suffix(path)}")


def suffix(path: Path) -> str:
    """The extension for what a file holds, whatever its name says; .png where that is no picture."""
    try:
        with path.open("rb") as file:
            kind = sniff(file.read(256))
    except OSError:
        kind = None
    return next((s for s, k in FORMATS.items() if k == kind), ".png")


def check_output(
    path: str | Path, *, source: str | Path | None = None, force: bool = False, places: Places | None = None
) -> Path:
    """`path`, where a result can be written: asked before any work, so that none is done in vain. Else BadInput.

    source: the input, which is never overwritten; force: an existing file may be. places: instead of both, all of a command.
    """
    path = Path(path)
    places = places or Places.of([source], force=force)
    if os.path.isdir(path):  # which never raises
        return places.check(path)
    return places.check(path, also=(_beside(path),) if format_of(path) in ("JPEG", "WEBP", "NPY") else ())


def write(
    path: str | Path,
    pixels: np.ndarray,
    like: Image | None = None,
    *,
    recipe: str | None = None,
    places: Places | None = None,
    quality: int | None = None,
) -> tuple[str, ...]:
    """Write `pixels`, (h, w) or (h, w, 3) uint8, uint16 or float, to `path`; its extension names the format.

    Alpha, ICC profile, EXIF, resolution and text come from `like`. Where that is of another size, the result shows the same
    scene in other pixels, and they are made to fit: alpha is enlarged with it, and every length stays. The recipe goes into
    PNG (text "untaught") and TIFF (tag 65000), and beside the others (NAME.EXT.toml). NPY takes any (h, w, c).
    Floats are in [0, 1] where they must become integers. quality: of JPEG and WebP, from 1 to 100, where it is not the best.
    Returns a sentence for every conversion and loss.

    The file appears whole or not at all: UntaughtError tells what failed, and nothing that was there is changed. A part of the
    company that cannot be written is left out, and said. places: what a command may write; a picture that its format does not
    take at all is then kept as .npy beside, since it may be hours of work.
    """
    path = Path(path)
    kind = format_of(path)
    pixels = np.asarray(pixels)
    if places is None:
        if like is not None and _is_same(path, like.source):
            raise BadInput(f"'{path}' is the input itself, which is never overwritten: name another file.")
        data, beside, notes = _with_company(kind, pixels, like or Image(pixels), recipe, path, quality)
        return notes + Places.of([like.source if like else None], force=True, aside=False).put(path, data, beside)
    try:
        data, beside, notes = _with_company(kind, pixels, like or Image(pixels), recipe, path, quality)
    except Exception as error:
        out = io.BytesIO()
        np.save(out, pixels, allow_pickle=False)
        raw = path.with_name(path.name + ".npy")
        said = places.put(raw, out.getvalue())
        places.went[path] = places.went[raw]
        return (f"The result could not become {kind} ({why(error)}): its samples are in '{places.went[raw]}'.", *said)
    return notes + places.put(path, data, beside)


_PARTS = {
    "icc": "ICC profile",
    "exif": "EXIF",
    "dpi": "resolution",
    "text": "title and other text",
    "encoding": "colour chunks",
    "alpha": "alpha channel",
}


def _with_company(
    kind: str, pixels: np.ndarray, like: Image, recipe: str | None, path: Path, quality: int | None = None
) -> tuple[bytes, bytes | None, tuple[str, ...]]:
    """(the file, the recipe beside it, what was lost): with all that travels with the picture, else without what is in the way.

    What metadata hold no check foresees altogether; they must not cost the picture.
    """
    plain = [name for name in _PARTS if name != "alpha" and getattr(like, name)]
    ways: list[tuple[list[str], bool]] = [([], True), ([], False), *(([name], True) for name in plain)]
    ways += [(plain, True), (plain, False), ([*plain, "alpha"], False)]
    first: Exception | None = None
    for without, carried in ways:
        bare = replace(like, **{name: {"text": {}, "encoding": b""}.get(name) for name in without})  # type: ignore[arg-type]
        told = recipe if carried else None
        try:
            fitted, company, notes = fit(pixels, bare, kind, path)
            inside = told if kind in ("PNG", "TIFF") else None
            beside = told.encode() if told is not None and inside is None else None
            data = _encode(kind, fitted, company, inside, quality)
        except Exception as error:
            first = first or error
            continue
        lost = [_PARTS[name] for name in without] + ([] if carried or recipe is None else ["recipe"])
        if lost and first is not None:
            verb = "is" if len(lost) == 1 and lost[0] not in (_PARTS["text"], _PARTS["encoding"]) else "are"
            said = f"The picture's {', '.join(lost)} {verb} not in '{path.name}'"
            notes += (f"{said}: what {kind} was given could not be written ({why(first)}).",)
        return data, beside, notes
    assert first is not None
    if isinstance(first, (UntaughtError, MemoryError)):
        raise first
    raise UntaughtError(f"'{path}' could not be made ({why(first)}): name a file of another format.") from first


def write_pages(path: str | Path, pages: dict[str, np.ndarray], places: Places | None = None) -> tuple[str, ...]:
    """A TIFF of several float32 pages, (h, w) or (h, w, 3), each with its name as description; whole or not at all.

    Returns what there is to say of its place.
    """
    import tifffile

    out = io.BytesIO()
    with tifffile.TiffWriter(out) as file:
        for name, pixels in pages.items():
            file.write(
                np.ascontiguousarray(pixels, np.float32),
                photometric="rgb" if pixels.ndim == 3 else "minisblack",
                planarconfig="contig" if pixels.ndim == 3 else None,
                compression="adobe_deflate",
                description=name,
                metadata=None,
            )
    return (places or Places(force=True, aside=False)).put(Path(path), out.getvalue())


def _encode(kind: str, pixels: np.ndarray, like: Image, recipe: str | None, quality: int | None = None) -> bytes:
    """The bytes of the file. JPEG: quality 95, no colour subsampling; WebP: without loss, also where alpha is 0."""
    from PIL import Image as Pillow

    if kind == "PNG":
        return png.encode(join(pixels, like.alpha), like, recipe)
    if kind == "TIFF":
        return tiff.encode(pixels, like.alpha, like, recipe)
    out = io.BytesIO()
    if kind == "NPY":
        np.save(out, pixels, allow_pickle=False)
        return out.getvalue()
    extra: dict[str, Any] = {"icc_profile": like.icc, "xmp": like.text[XMP].encode() if XMP in like.text else None}
    if kind == "JPEG":
        extra |= {"quality": quality or 95, "subsampling": 0, "exif": b"Exif\0\0" + like.exif if like.exif else None}
        extra |= {"comment": like.text["Comment"].encode() if "Comment" in like.text else None}
    else:
        extra |= {"lossless": True, "exact": True} if quality is None else {"quality": quality}
        extra |= {"exif": like.exif}
    Pillow.fromarray(join(pixels, like.alpha)).save(out, kind, **{k: v for k, v in extra.items() if v is not None})
    return jpeg.dense(out.getvalue(), like) if kind == "JPEG" else out.getvalue()


def _is_same(path: Path, other: str | Path | None) -> bool:
    with contextlib.suppress(OSError):  # one of them is not there
        return other is not None and path.samefile(other)
    return False


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".toml")
