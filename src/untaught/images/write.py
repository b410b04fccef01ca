"""From samples to a file: checked before the work, encoded to the format's best, put in place in one move."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from pathlib import Path
from typing import Any

import numpy as np

from untaught.errors import BadInput, UntaughtError, short_of_memory
from untaught.images import jpeg, png, tiff
from untaught.images.fit import fit
from untaught.images.picture import FORMATS, XMP, Image, format_of, sniff
from untaught.images.samples import join


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
    try:
        if path.is_dir():
            raise BadInput(f"'{path}' is a folder: name a file in it, e.g. '{path / 'result.png'}'.")
        kind = format_of(path)
        if not path.parent.is_dir():
            raise BadInput(f"The folder '{path.parent}' does not exist (none is created): make it, or name another.")
        if _is_same(path, source):
            raise BadInput(f"'{path}' is the input itself, which is never overwritten: name another file with -o.")
        for file in (path, _beside(path)) if kind in ("JPEG", "WEBP", "NPY") else (path,):
            if file.exists() and not force:
                raise BadInput(f"'{file}' exists already: replace it with --force, or name another file with -o.")
        trial = _temporary(path.resolve())
        trial.touch(exist_ok=False)
        trial.unlink()
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead to themselves, before Python 3.13
        why = getattr(error, "strerror", None) or "its links lead to themselves"
        raise BadInput(f"'{path}' cannot be written ({why}): name another file or folder.") from error
    return path


def write(
    path: str | Path, pixels: np.ndarray, like: Image | None = None, *, recipe: str | None = None
) -> tuple[str, ...]:
    """Write `pixels`, (h, w) or (h, w, 3) uint8, uint16 or float, to `path`; its extension names the format.

    Alpha, ICC profile, EXIF, resolution and text come from `like`. Where that is of another size, the result shows the same
    scene in other pixels, and they are made to fit: alpha is enlarged with it, and every length stays. The recipe goes into
    PNG (text "untaught") and TIFF (tag 65000), and beside the others (NAME.EXT.toml). NPY takes any (h, w, c).
    Floats are in [0, 1] where they must become integers. Returns a sentence for every conversion and loss.

    The file appears whole or not at all: UntaughtError tells what failed, and nothing that was there is changed.
    """
    path = Path(path)
    kind = format_of(path)
    if like is not None and _is_same(path, like.source):
        raise BadInput(f"'{path}' is the input itself, which is never overwritten: name another file.")
    pixels, like, notes = fit(np.asarray(pixels), like or Image(pixels), kind, path)
    try:
        data = _encode(kind, pixels, like, recipe)
    except (UntaughtError, MemoryError):
        raise
    except Exception as error:  # a field that no check foresaw must not cost the picture, which may be hours of work
        if short_of_memory(error):
            raise
        data = _encode(kind, pixels, Image(pixels, like.alpha), recipe)
        notes += (f"Profile, EXIF, resolution and text are not in '{path.name}': {kind} took them not ({error}).",)
    files = {path.resolve(): data}
    if recipe is not None and kind not in ("PNG", "TIFF"):
        files[_beside(path.resolve())] = recipe.encode()
    _put(files)
    return notes


def write_pages(path: str | Path, pages: dict[str, np.ndarray]) -> None:
    """A TIFF of several float32 pages, (h, w) or (h, w, 3), each with its name as description; whole or not at all."""
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
    _put({Path(path).resolve(): out.getvalue()})


def _encode(kind: str, pixels: np.ndarray, like: Image, recipe: str | None) -> bytes:
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
        extra |= {"quality": 95, "subsampling": 0, "exif": b"Exif\0\0" + like.exif if like.exif else None}
        extra |= {"comment": like.text["Comment"].encode() if "Comment" in like.text else None}
    else:
        extra |= {"lossless": True, "exact": True, "exif": like.exif}
    Pillow.fromarray(join(pixels, like.alpha)).save(out, kind, **{k: v for k, v in extra.items() if v is not None})
    return jpeg.dense(out.getvalue(), like) if kind == "JPEG" else out.getvalue()


def _is_same(path: Path, other: str | Path | None) -> bool:
    with contextlib.suppress(OSError):  # one of them is not there
        return other is not None and path.samefile(other)
    return False


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
