"""TIFF, by tifffile: every page is judged by its tags before a sample of it is decoded."""

from __future__ import annotations

import io
import math
import struct
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np

from untaught.core.errors import BadInput
from untaught.io.images import directories, geo, ifd, inner
from untaught.io.images.hidden import NODATA, marked, number
from untaught.io.images.picture import DEVELOP, IMAGEJ, RECIPE_BYTES, RECIPE_TAG, XMP, Image, check_bytes, check_size
from untaught.io.images.samples import cmyk_to_rgb, join, split, standard, stored_type, unpremultiply, upright, widen

TEXT = {"Title": 269, "Description": 270, "Software": 305, "DateTime": 306, "Author": 315, "Copyright": 33432}
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}  # photometric interpretation -> samples that are colour
_LERC = 34887
_RAW = (32803, 34892)  # colour filter array, linear raw
MAKER = "Its maker note is kept byte for byte, but not at its old place: what it counts from there may not be found."
_UNITS = {1: "", 2: "inch", 3: "cm"}
# Carried over, and their types.
_TAGS = {
    **dict.fromkeys((*geo.PLACE[:3], 34736), 12),
    geo.KEYS: 3,
    34737: 2,
    42112: 2,
    NODATA: 2,
}
# Others that say something of the picture, and are not: what a page is called and lies, curves, primaries, all private ones
# but those that say how samples are stored, and those that are read elsewhere.
_SAYING = {285, 286, 287, 301, 316, 318, 319}
_ELSEWHERE = {
    32995,
    32996,
    32997,
    32998,
    33432,
    33723,
    34377,
    ifd.EXIF,
    ifd.GPS,
    34675,
    50674,
    50838,
    IMAGEJ,
    RECIPE_TAG,
    *_TAGS,
}


def read(file: BinaryIO, name: str, limit: float) -> Image:
    """The one picture of a TIFF or BigTIFF. `file` at any position; `limit` in megapixels."""
    import tifffile

    directories.check(file, name)
    file.seek(0)
    with tifffile.TiffFile(file) as tif:
        page = _only_page(tif, name)
        check_size(name, page.imagewidth, page.imagelength, limit)
        if page.is_tiled:  # one vast tile is a bomb as well
            check_size(f"A tile of {name}", page.tilewidth, page.tilelength * max(1, page.tiledepth), limit)
        extra = _judge(page, name)
        size = file.seek(0, io.SEEK_END)
        check_bytes(name, size, limit)
        end = max((o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
        if end > size:
            raise BadInput(f"{name} is truncated: its samples reach to byte {end}, it ends at {size}: fetch it again.")
        _check_segments(page, file, name)
        samples = page.asarray()
        if page.axes == "SYX":
            samples = np.moveaxis(samples, 0, -1)
        image = _tags(page, samples, _metadata(page, file, _picture(page, samples, extra, name)))
        return upright(image, int(_value(page, 274, 1)))


def _only_page(tif: Any, name: str) -> Any:
    """The only full page; previews and masks do not count."""
    pages = [page for page in tif.pages if not (page.is_reduced or page.is_mask)]
    first = pages[0] if pages else tif.pages[0]
    if not pages or first.photometric in _RAW or 50706 in first.tags:
        raise BadInput(f"{name} is a camera RAW file: {DEVELOP}.")
    count = len(pages)
    if count == 1 and not tif.is_ome:  # ImageJ and tifffile also describe a whole stack in its first page
        count = max(1, math.prod(tif.series[0].shape) // max(1, math.prod(first.shape)))
    if first.ndim > 3 or "Z" in first.axes:
        raise BadInput(f"{name} is a volume of {' x '.join(map(str, first.shape))}: denoise --axes ZYX restores one.")
    if count > 1:
        raise BadInput(
            f"{name} holds {count} pages and one picture at a time can be worked on: extract one, "
            f"e.g. tifffile.imwrite('page0.tif', tifffile.imread({name}, key=0)); frames of a clip: denoise --along time; a "
            "stack: denoise --axes, such as ZYX for a volume."
        )
    return first


def _check_segments(page: Any, file: BinaryIO, name: str) -> None:
    """BadInput where a strip or tile says in its own header that it is larger than the directory made room for."""
    import tifffile

    if page.compression not in (*tifffile.TIFF.IMAGE_COMPRESSIONS, _LERC, 34927):  # the last: WebP's first number
        return  # the decoders of bytes are given the room they have
    what, width, height = "strip", page.imagewidth, page.rowsperstrip
    if page.is_tiled:
        what, width, height = "tile", page.tilewidth, page.tilelength
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    for place, length in zip(page.dataoffsets, page.databytecounts, strict=False):
        file.seek(place)
        data = file.read(length)
        if page.compression == _LERC:
            data = _unwrapped(page, data, width * height * samples * 16)
        found = inner.area(data) if data else 0
        if found is None:
            raise BadInput(
                f"{name} is a TIFF compressed as {getattr(page.compression, 'name', page.compression)} whose {what}s do not "
                "say their size: save it without compression, or as deflate."
            )
        room = width * height * (samples if page.compression == _LERC else 1)
        if found > room:
            raise BadInput(
                f"{name} is damaged: a {what} of {width} x {height} pixels would unpack to {found} pixels; fetch it again, "
                "or save it anew where it was made."
            )
        if data[:2] == b"\xff\xd8" and (count := inner.scans(data)) > inner.SCANS:
            raise BadInput(f"{name} holds a JPEG of {count} scans, and encoders make about ten: save it anew.")


def _unwrapped(page: Any, data: bytes, most: int) -> bytes:
    """A LERC strip without the deflate or zstd that may be around it."""
    import imagecodecs

    around = [*_value(page, 50674, (0, 0)), 0, 0][1]
    if around == 1:
        return bytes(imagecodecs.zlib_decode(data, out=most + 1024))
    return bytes(imagecodecs.zstd_decode(data, out=most + 1024)) if around == 2 else data


def _judge(page: Any, name: str) -> int:
    """How many samples of a pixel are not colour (0 or 1); BadInput for what would be misread."""
    colours = _COLOURS.get(int(page.photometric))
    if colours is None or (page.photometric == 6 and page.compression not in (6, 7)):
        raise BadInput(f"{name} is a TIFF in {_word(page.photometric)}, which cannot be read: save it as RGB or grey.")
    if page.dtype is None:
        raise BadInput(f"{name} has samples of {page.bitspersample} bits of an unknown type: save it with 8, 16 or 32.")
    samples = page.samplesperpixel
    if colours == 1 and samples == 3 and page.photometric == 1:  # three channels that do not call themselves RGB
        return 0
    marked = bool(page.extrasamples) and page.extrasamples[0] in (1, 2) and page.photometric != 3
    if samples == colours or (samples == colours + 1 and (marked or colours > 1)):
        return samples - colours
    raise BadInput(
        f"{name} has {samples} samples a pixel, of which {colours} {'is' if colours == 1 else 'are'} "
        f"{_word(page.photometric)}: save its channels one by one, or as NPY."
    )


def _picture(page: Any, samples: np.ndarray, extra: int, name: str) -> Image:
    """Samples as they were stored -> pixels and alpha of a standard type."""
    notes: tuple[str, ...] = ()
    icc, bits = page.iccprofile, page.bitspersample
    if page.photometric == 3:
        samples, notes = _look_up(page, samples)
    elif samples.dtype.kind == "u" and bits not in (8, 16, 32, 64):
        samples, notes = widen(samples, bits)
    stored = "" if page.photometric == 3 else stored_type(samples.dtype)
    samples, said = standard(samples, name)
    notes += said
    if page.photometric == 0:
        top = 1 if samples.dtype == np.float32 else np.iinfo(samples.dtype).max
        colour = slice(None) if samples.ndim == 2 else slice(0, 1)
        samples = samples.copy()
        samples[..., colour] = top - samples[..., colour]
        notes += ("White was stored as 0: the samples were inverted.",)
    if page.photometric == 5:
        inks, alpha = (samples[..., :4], samples[..., 4].copy()) if extra else (samples, None)
        pixels, icc, said = cmyk_to_rgb(inks, icc, name)
        notes += said
    else:
        pixels, alpha = split(samples)
    kind = int(page.extrasamples[0]) if extra and page.extrasamples else 2
    if alpha is not None and kind == 1:
        pixels = unpremultiply(pixels, alpha)
        notes += ("Colour was stored multiplied by its alpha: it was divided by it again.",)
    elif alpha is not None and kind == 0:
        notes += ("A fourth sample of unstated meaning was taken for alpha and is kept as it is.",)
    return Image(pixels, alpha, "TIFF", icc=icc, notes=notes, stored=stored)


def _look_up(page: Any, samples: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    table = np.asarray(page.colormap).T  # (colours, 3) of 16 bit, which nearly always are 8 bit in disguise
    low, high = table & 255, table >> 8
    if not high.any():  # a common fault: 8-bit numbers in the 16-bit table
        table = low.astype(np.uint8)
    elif ((low == 0) | (low == high)).all():
        table = high.astype(np.uint8)
    return table[samples.astype(np.intp)], (f"A palette of {len(table)} colours became RGB.",)


def _metadata(page: Any, file: BinaryIO, image: Image) -> Image:
    """Resolution, text and EXIF of a page, added to `image`."""
    notes = image.notes
    text = {key: str(_value(page, tag)).strip("\0 ") for key, tag in TEXT.items() if tag in page.tags}
    if page.is_shaped:  # tifffile's own note on the shape would be wrong as soon as the shape changes
        text.pop("Description", None)
    if 700 in page.tags:
        text[XMP] = bytes(_value(page, 700)).rstrip(b"\0").decode("utf-8", "replace")
    if 33723 in page.tags or 34377 in page.tags:
        notes += ("Its IPTC and Photoshop blocks are not kept.",)
    exif, wanted = None, {ifd.EXIF, ifd.GPS, ifd.MAKE, ifd.MODEL, *(tag for key, tag in TEXT.items() if key in text)}
    if page.parent.is_ome:  # a description for machines, true of this picture only
        wanted.discard(TEXT["Description"])
    try:
        if not page.parent.is_bigtiff:  # whose directories have another shape; EXIF is hardly ever seen there
            there = (lambda at, n: (file.seek(at), file.read(n))[1]), page.parent.byteorder, page.offset
            exif = ifd.extract(*there, wanted)
            notes += () if ifd.moves(*there) else (MAKER,)
    except (struct.error, ValueError):
        notes += ("Its EXIF block is damaged and is not kept.",)
    dpi, unit = None, _UNITS.get(int(_value(page, 296, 2)), "")
    if 282 in page.tags and 283 in page.tags:
        (a, b), (c, d) = _value(page, 282), _value(page, 283)
        inch = 2.54 if unit == "cm" else 1.0
        dpi = (a / b * inch, c / d * inch) if a and b and c and d else None
        if not unit and dpi == (1, 1) and not page.parent.is_imagej:  # one pixel a pixel says nothing
            dpi = None
    text = {k: v for k, v in text.items() if v}
    return replace(image, exif=exif, dpi=dpi, unit=unit if dpi else "inch", text=text, notes=notes)


def _tags(page: Any, samples: np.ndarray, image: Image) -> Image:
    """What other programs noted, and which of the samples say nothing, added to `image`; `samples` as they were stored."""
    there = {tag: _value(page, tag) for tag in (*_TAGS, IMAGEJ) if tag in page.tags}
    tags, notes, unknown = {tag: value for tag, value in there.items() if _is_usable(tag, value)}, image.notes, None
    if odd := there.keys() - tags.keys():
        notes += (f"Its tags {', '.join(map(str, sorted(odd)))} do not hold what they should, and are not kept.",)
    if NODATA in tags:
        said = str(tags[NODATA]).strip(" \0")
        unknown = marked(samples if image.alpha is None else samples[..., :-1], said)
        if unknown is not None:
            notes += (f"{int(unknown.sum())} pixels hold {said}, which means no data: they are left as they are.",)
            value = image.pixels[unknown].ravel()[0]
            if not image.stored and image.pixels.dtype.kind != "f" and value != float(said):  # turned over, or spread
                tags[NODATA] = str(value)
    others = [t for t in page.tags if t.code in _SAYING or (t.code >= 32768 and t.code not in _ELSEWHERE)]
    if others:
        notes += (f"Its tags {', '.join(f'{t.name} ({t.code})' for t in others)} are not kept.",)
    return replace(image, tags=tags, notes=notes, unknown=unknown)


def _is_usable(tag: int, value: Any) -> bool:
    """Whether a tag of another program holds what its rules say, so that it can be scaled and written."""
    if tag == IMAGEJ:
        return isinstance(value, dict)
    if _TAGS[tag] == 2:
        return isinstance(value, str) and (tag != NODATA or number(value) is not None)
    many = np.ravel(value)
    groups = {geo.PIXEL_SCALE: 3, geo.TIEPOINT: 6, geo.TRANSFORMATION: 16, geo.KEYS: 4}.get(tag, 1)
    fits = many.dtype.kind in "iuf" and many.size > 0 and many.size % groups == 0
    return fits and (tag not in (geo.PIXEL_SCALE, geo.TRANSFORMATION) or many.size == groups)


def _value(page: Any, tag: int, default: Any = None) -> Any:
    return page.tags[tag].value if tag in page.tags else default


def _word(photometric: Any) -> str:
    words = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK"}
    return words.get(int(photometric), getattr(photometric, "name", "?"))


def read_recipe(file: BinaryIO, name: str) -> str | None:
    """The recipe of a TIFF, without decoding the picture."""
    import tifffile

    directories.check(file, name)
    file.seek(0)
    with tifffile.TiffFile(file) as tif:
        tag = tif.pages.first.tags.get(RECIPE_TAG)
        if tag is None:
            return None
        file.seek(tag.valueoffset)  # tag.value has lost its last newline
        if tag.valuebytecount > RECIPE_BYTES:
            raise ValueError(f"a recipe of {tag.valuebytecount} bytes")
        return file.read(tag.valuebytecount).rstrip(b"\0").decode()


def encode(pixels: np.ndarray, alpha: np.ndarray | None, like: Image, recipe: str | None) -> bytes:
    """A deflated TIFF of (h, w) or (h, w, 3) numbers of any type, with the metadata of `like`.

    Its EXIF must be sound: a damaged block cannot be moved.
    """
    import tifffile

    exif, camera = like.exif or b"", {}
    order, first = ifd.start(exif or b"II*\0\0\0\0\0")
    texts = {tag: like.text[key].encode() for key, tag in TEXT.items() if key in like.text}
    for tag, kind, count, value in ifd.entries(ifd.reader(exif), order, first) if exif else ():
        (place,) = camera[tag] = struct.unpack(order + "I", value)
        if kind == 2:
            texts.setdefault(tag, (value if count <= 4 else exif[place : place + count]).split(b"\0")[0])
    tags: list[tuple[int, int, int, Any, bool]] = []

    def add(tag: int, text: bytes, kind: int = 2) -> None:
        data = text + b"\0" * (kind == 2)
        tags.append((tag, kind, len(data), data, True))

    description, software = texts.pop(TEXT["Description"], b""), texts.pop(TEXT["Software"], b"")
    for tag, text in texts.items():
        add(tag, text)
    if XMP in like.text:
        add(700, like.text[XMP].encode(), kind=1)
    if recipe is not None:
        add(RECIPE_TAG, recipe.encode())
    for tag, kind in _TAGS.items():
        if tag in like.tags and kind == 2:
            add(tag, str(like.tags[tag]).rstrip("\0").encode())
        elif tag in like.tags:
            values = tuple(np.ravel(like.tags[tag]).tolist())
            tags.append((tag, kind, len(values), values, True))
    if IMAGEJ in like.tags:
        tags.extend(tifffile.tifffile.imagej_metadata_tag(like.tags[IMAGEJ], order))
    small = pixels.nbytes < 2**31  # beyond, it becomes a BigTIFF, whose directories have another shape
    pointers = [tag for tag in (ifd.EXIF, ifd.GPS) if tag in camera and small]
    for tag in pointers:  # tifffile writes no sub-directories: a neighbour holds the room until it is patched below
        tags.append((tag - 1, 4, 1, 0, True))

    inch = 2.54 if like.unit == "cm" else 1.0
    out = io.BytesIO()
    tifffile.imwrite(
        out,
        join(pixels, alpha),
        byteorder=order,
        photometric="rgb" if pixels.ndim == 3 else "minisblack",
        planarconfig="contig" if pixels.ndim == 3 or alpha is not None else None,
        extrasamples=None if alpha is None else ["unassalpha"],
        compression="adobe_deflate",
        predictor=pixels.dtype.kind != "f" and pixels.dtype.itemsize < 8,  # which tifffile cannot take differences of
        iccprofile=like.icc,
        description=description or None,
        software=software or False,
        resolution=None if like.dpi is None else (like.dpi[0] / inch, like.dpi[1] / inch),
        resolutionunit={"": "none", "inch": "inch", "cm": "centimeter"}[like.unit] if like.dpi else None,
        metadata=None,
        extratags=tags,
    )
    if pointers:
        _attach(out, exif, order, {tag: camera[tag][0] for tag in pointers})
    return out.getvalue()


def _attach(out: io.BytesIO, exif: bytes, order: ifd.Order, pointers: dict[int, int]) -> None:
    """Append sub-directories of `exif` and turn the entries that hold their room into pointers."""
    import tifffile

    out.seek(0)
    with tifffile.TiffFile(out) as tif:
        rooms = {tag: tif.pages.first.tags[tag - 1].offset for tag in pointers}
    for tag, place in pointers.items():
        end = out.seek(0, io.SEEK_END)
        end += out.write(b"\0" * (end % 2))
        out.write(ifd.moved(ifd.reader(exif), order, place, end, depth=1))
        out.seek(rooms[tag])
        out.write(struct.pack(order + "HHII", tag, 4, 1, end))
