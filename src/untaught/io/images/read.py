"""From a file to an `Image`. What a file is, its own first bytes say; its name is only compared with them."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from untaught.core.errors import BadInput, Missing, OutOfMemory, UntaughtError, out_of_memory, short_of_memory, why
from untaught.io.images import ifd, png, tiff, unusual
from untaught.io.images.hidden import veiled
from untaught.io.images.picture import (
    FORMATS,
    RECIPE,
    RECIPE_BYTES,
    XMP,
    Image,
    check_bytes,
    check_size,
    sniff,
    unread,
)
from untaught.io.images.samples import cmyk_to_rgb, split, standard, stored_type, upright


def read(path: str | Path, *, max_megapixels: float = 100.0) -> Image:
    """The picture in the file `path`: upright, in the file's own encoding and depth, with all that travels with it.

    BadInput, in a sentence, for what is no single readable picture, or one of more than `max_megapixels` (judged from
    the header, before decoding). NaN and infinity are passed on: they may become a mask.
    """
    path, name = Path(path), f"'{path}'"
    with _opened(path) as (file, kind):
        if kind != "TIFF":  # which says first of how many pages it is
            check_bytes(name, file.seek(0, 2), max_megapixels)
            file.seek(0)
        if kind == "TIFF":
            image = tiff.read(file, name, max_megapixels)
        elif kind == "NPY":
            image = _read_npy(file, name, max_megapixels)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow warns of damaged EXIF, which harms no pixel
                image = _read_with_pillow(file, kind, name, max_megapixels)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    notes = image.notes
    if FORMATS.get(path.suffix.lower(), kind) != kind:
        notes = (f"{name} holds {kind}, whatever its name says.", *notes)
    return veiled(replace(image, notes=notes, sha256=digest, source=path.resolve()))


def read_recipe(path: str | Path) -> str | None:
    """The recipe (TOML) inside the file `path`, or beside it in NAME.EXT.toml; None where there is none."""
    path = Path(path)
    with _opened(path) as (file, kind):
        recipe = None
        if kind == "PNG":
            recipe = png.read_recipe(file)
        elif kind == "TIFF":
            recipe = tiff.read_recipe(file, f"'{path}'")
        beside = path.with_name(path.name + ".toml")
        return read_text(beside) if recipe is None and beside.is_file() else recipe


def read_text(path: Path) -> str:
    """The text of a recipe's file, UTF-8. BadInput where it is no file, or too long to be a recipe; OSError, UnicodeDecodeError."""
    if path.exists() and not path.is_file():
        raise BadInput(f"'{path}' is a folder, a device or a pipe: name a recipe (.toml) or a result.")
    with path.open("rb") as file:
        data = file.read(RECIPE_BYTES + 1)
    if len(data) > RECIPE_BYTES:
        raise BadInput(
            f"'{path}' is longer than {RECIPE_BYTES} bytes, and a recipe is a page or two: name another file."
        )
    return data.decode()


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, str]]:
    """The open file at its start, and its format; every failure on the way, also the caller's, becomes one sentence."""
    name, size = f"'{path}'", 0
    try:
        if path.is_dir():
            raise BadInput(f"{name} is a folder: name one picture in it.")
        if not path.exists():
            raise BadInput(f"There is no file {name}{_hint(path)}")
        if not path.is_file():
            raise BadInput(f"{name} is a device or a pipe: save the picture to a file first.")
        size = path.stat().st_size
        if size == 0:
            raise BadInput(f"{name} is empty (0 bytes): fetch it again, or name another file.")
        with path.open("rb") as file:
            head = file.read(256)
            kind = sniff(head)
            if kind is None:
                raise unread(name, head)
            file.seek(0)
            yield file, kind
    except UntaughtError:
        raise
    except MemoryError as error:
        raise OutOfMemory(
            f"{name} ({size} bytes) asks for more memory than there is: there was not enough memory, or the file is damaged; "
            "restore a part of the picture."
        ) from error
    except Exception as error:  # decoders raise whatever they like; here is the edge where it becomes a sentence
        if short_of_memory(error):
            raise out_of_memory(error) from error
        if isinstance(error, OSError) and error.strerror:  # the system's own; Pillow's have no such word
            raise BadInput(f"{name} cannot be read ({error.strerror}): make it readable, or copy it.") from error
        raise BadInput(
            f"{name} ({size} bytes) is incomplete or damaged ({why(error)}): copy it again from where it came."
        ) from error


def _hint(path: Path) -> str:
    if not path.parent.is_dir():
        return f", because there is no folder '{path.parent}'."
    near = difflib.get_close_matches(path.name, (p.name for p in path.parent.iterdir()), n=1, cutoff=0.7)
    return f": did you mean '{near[0]}'?" if near else ": check the name and the folder."


def _read_npy(file: BinaryIO, name: str, limit: float) -> Image:
    """(h, w) or (h, w, c) numbers of any real type; object arrays, which would run code, are refused."""
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, _, dtype = header(file)
    except (MemoryError, RecursionError) as error:  # Python's own parser, at brackets nested too deep
        raise ValueError("its header is no description of an array") from error
    said = " x ".join(map(str, shape)) or "one number"
    if dtype.kind not in "biuf":
        raise BadInput(f"{name} holds samples of type {dtype}: real numbers are needed, e.g. uint8, uint16 or float32.")
    if len(shape) not in (2, 3):
        raise BadInput(f"{name} is an array of {said}: (height, width) or (height, width, channels) is needed.")
    if min(shape) < 0:
        raise ValueError(f"an array of {said}")
    if 0 in shape:
        raise BadInput(f"{name} is an empty array ({said}): at least one pixel and one channel are needed.")
    check_size(name, shape[1], shape[0], limit)
    check_bytes(name, int(np.prod(shape, dtype=object)) * dtype.itemsize, limit)
    start = file.tell()
    there, needed = file.seek(0, 2) - start, int(np.prod(shape, dtype=object)) * dtype.itemsize
    if there < needed:
        raise BadInput(f"{name} is truncated: {said} {dtype} take {needed} bytes, {there} are there: fetch it again.")
    file.seek(0)
    pixels, notes = standard(np.load(file, allow_pickle=False), name)
    return Image(pixels, format="NPY", notes=notes, stored=stored_type(dtype))


def _read_with_pillow(file: BinaryIO, kind: str, name: str, limit: float) -> Image:
    """PNG, JPEG, WebP, BMP, HEIC, AVIF."""
    plugin = _plugin(kind, name)
    notes: tuple[str, ...] = ()
    decoded: np.ndarray | None = None
    data = b""
    if kind == "JPEG":
        picture, decoded, notes = unusual.jpeg(file.read(), name, limit, plugin)
    else:
        picture = plugin(file)
        width, height = picture.size
        check_size(name, width, height, limit)
    frames = getattr(picture, "n_frames", 1)
    if frames > 1:
        raise BadInput(
            f"{name} is an animation of {frames} frames, and pictures are restored one by one: save one as PNG."
        )
    if kind == "PNG":
        file.seek(0)
        png.check(data := file.read())
    if decoded is None:
        picture.load()
        decoded, said = _samples(picture, data)
        notes += said
    samples, icc = decoded, picture.info.get("icc_profile")
    if picture.mode == "CMYK":
        samples, icc, said = cmyk_to_rgb(samples, icc, name)
        notes += said
    if "mpoffset" in picture.info:
        notes += ("Only the first of its pictures is read; a preview, depth or brightness map behind it is not kept.",)
    if "photoshop" in picture.info:
        notes += ("Its IPTC and Photoshop blocks are not kept.",)
    pixels, alpha = split(samples)
    orientation, exif = ifd.take_orientation((picture.info.get("exif") or b"").removeprefix(b"Exif\0\0"))
    dpi, unit = _density(picture, kind, exif, data)
    image = Image(
        pixels,
        alpha,
        kind,
        icc=icc or None,
        exif=exif or None,
        dpi=dpi,
        unit=unit,
        text=_text(picture, kind),
        notes=notes,
        encoding=png.colour_chunks(data) if kind == "PNG" else b"",
    )
    return upright(image, orientation)


def _plugin(kind: str, name: str) -> Any:
    """What decodes it, called directly: `Image.open` knows a pixel limit of its own, a global one."""
    if kind == "HEIC":
        try:
            return importlib.import_module("pillow_heif.as_plugin").HeifImageFile
        except ImportError as error:
            raise Missing(
                f"{name} is a HEIC picture, as iPhones take them: save it as JPEG first (the iPhone does so by itself after "
                "Settings, Camera, Formats, Most Compatible), or pip install 'untaught[heif]'."
            ) from error
    module = {"PNG": "Png", "JPEG": "Jpeg", "WEBP": "WebP", "BMP": "Bmp", "AVIF": "Avif"}[kind]
    try:
        found = importlib.import_module(f"PIL.{module}ImagePlugin")
    except ImportError as error:
        raise Missing(
            f"{name} is an {kind} picture, which needs Pillow 11.3 or newer: save it as PNG first."
        ) from error
    return getattr(found, f"{module}ImageFile")


def _samples(picture: Any, data: bytes) -> tuple[np.ndarray, tuple[str, ...]]:
    """The samples of a loaded picture; `data`: the file's bytes for PNG, else empty."""
    notes: tuple[str, ...] = ()
    marked = "transparency" in picture.info and picture.mode in ("1", "L", "RGB", "I;16")
    depth, is_grey = (data[24], data[25] == 0) if data else (8, False)
    if marked:
        notes += ("The one colour that was marked as transparent became an alpha channel.",)
    if depth < 8 and is_grey:
        notes += (f"{depth}-bit grey became 8 bit, black 0 and white 255.",)
    if (
        depth == 16 or marked
    ):  # Pillow gives 16-bit colour as 8 bit without a word, and seeks 2-bit marks among 8-bit greys
        import imagecodecs

        return imagecodecs.png_decode(data), notes
    if picture.mode == "P":
        clear = "transparency" in picture.info
        notes += ("A palette became RGB" + (" with alpha." if clear else "."),)
        picture = picture.convert("RGBA" if clear else "RGB")
    elif picture.mode == "1":
        picture = picture.convert("L")
    return np.array(picture), notes


def _density(picture: Any, kind: str, exif: bytes, data: bytes) -> tuple[tuple[float, float] | None, str]:
    """Resolution and its unit, as an `Image` holds them."""
    (x, y), unit = picture.info.get("dpi") or (0, 0), "inch"
    if kind == "PNG":
        (x, y), unit = png.density(data) or ((0, 0), "inch")
    elif kind == "JPEG" and not picture.info.get("jfif_unit") and 0x011A not in ifd.tags(exif):
        (x, y), unit = picture.info.get("jfif_density") or (0, 0), ""  # Pillow makes 72 dots an inch up
    elif kind == "JPEG" and picture.info.get("jfif_unit") == 2:
        unit = "cm"
    if not unit and x == y:  # square pixels, of which nothing is said
        return None, "inch"
    return ((float(x), float(y)), unit) if x > 0 and y > 0 else (None, "inch")


def _text(picture: Any, kind: str) -> dict[str, str]:
    """Title, Comment, ... as PNG names them. A recipe belongs to the file it is in, not to what is made of it."""
    text = {k: str(v) for k, v in picture.text.items() if k != RECIPE} if kind == "PNG" else {}
    for key, value in (("Comment", picture.info.get("comment")), (XMP, picture.info.get("xmp"))):
        if value and kind != "PNG":
            raw = value if isinstance(value, bytes) else str(value).encode()
            try:
                text[key] = raw.rstrip(b"\0").decode()
            except UnicodeDecodeError:
                text[key] = raw.decode("latin-1")
    return text
