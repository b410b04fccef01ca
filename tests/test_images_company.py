"""What travels with a picture, through every format and every size of the result: it comes out, or a note names it."""

from __future__ import annotations

import io
import itertools
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from picture_files import SRGB, draw, exif
from PIL import Image as Pillow

from untaught.io import images
from untaught.io.images import Image, ifd

SUFFIXES = (".png", ".jpg", ".tif", ".webp", ".npy")
NOTHING = (".webp", ".npy")  # have no place for a resolution
SHAPE = (12, 16)
KEYS = (1, 1, 0, 1, 1024, 0, 1, 1)
POINT = (1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, 2)
ROTATED = (0.3, 0.4, 0.0, 1000.0, 0.4, -0.3, 0.0, 2000.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 1.0)


def through(tmp_path: Path, image: Image, size: tuple[int, int], suffix: str) -> tuple[Image, str]:
    """A result of that size beside what came with `image`, written and read again, and all that was said."""
    pixels = draw((*size, *image.pixels.shape[2:]), image.pixels.dtype, 5)
    notes = images.write(tmp_path / f"q{suffix}", pixels, image)
    return images.read(tmp_path / f"q{suffix}"), " ".join(notes)


def tif(tmp_path: Path, pixels: np.ndarray, **how: Any) -> Image:
    tifffile.imwrite(tmp_path / "p.tif", pixels, **how)
    return images.read(tmp_path / "p.tif")


FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "alpha": ({"alpha": draw(SHAPE, seed=3)}, "alpha channel"),
    "icc": ({"icc": SRGB}, "ICC profile"),
    "exif": ({"exif": exif()}, "EXIF"),
    "dpi": ({"dpi": (300.0, 150.0)}, "resolution"),
    "dpi in cm": ({"dpi": (508.0, 508.0), "unit": "cm"}, "resolution"),
    "no unit": ({"dpi": (4.0, 3.0), "unit": ""}, "resolution"),
    "text": ({"text": {"Author": "N. N."}}, "text 'Author'"),
    "comment": ({"text": {"Comment": "a ship"}}, "text 'Comment'"),
    "xmp": ({"text": {"XML:com.adobe.xmp": "<x:xmpmeta/>"}}, "text 'XML:com.adobe.xmp'"),
    "place": (
        {"tags": {33550: (0.5, 0.5, 0.0), 33922: (0.0, 0.0, 0.0, 4e5, 5e6, 0.0), 34735: KEYS}},
        "place on the Earth",
    ),
    "gdal": ({"tags": {42112: "<GDALMetadata/>"}}, "GDAL metadata"),
    "no-data": ({"tags": {42113: "7"}}, "no-data value"),
    "imagej": ({"tags": {50839: {"Info": "a cell"}}}, "ImageJ metadata"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("times", [1, 2])
def test_what_goes_in_comes_out_or_a_note_names_it(tmp_path: Path, field: str, suffix: str, times: int) -> None:
    more, name = FIELDS[field]
    image = Image(draw((*SHAPE, 3)), **more)
    back, notes = through(tmp_path, image, (SHAPE[0] * times, SHAPE[1] * times), suffix)
    for key, value in more.items():
        kept = getattr(back, key)
        if key == "unit":
            continue
        if name in notes or (field == "imagej" and times > 1 and "ImageJ's overlays" in notes):
            assert not kept or key == "text" or (field == "imagej" and 50839 not in kept), notes
        elif key == "alpha":
            assert kept.shape == back.pixels.shape[:2]
        elif key == "dpi":
            assert kept == pytest.approx([times * d for d in value], abs=0.02)
        elif key == "tags":
            assert set(kept) == set(value), notes
        elif key == "text":
            assert set(value.values()) <= set(kept.values()), notes
        else:
            assert kept is not None, notes


RESOLUTIONS = [
    ((300.0, 150.0), "inch"),
    ((25.4 * 100, 2540.0), "cm"),
    ((30000 * 2.54,) * 2, "cm"),
    ((40 / 13,) * 2, ""),
]
SIZES = [(12, 16), (24, 32), (36, 48), (18, 24), (31, 41), (6, 8)]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("dpi", "unit"), RESOLUTIONS)
@pytest.mark.parametrize("size", SIZES)
def test_every_length_stays_whatever_the_size(tmp_path: Path, suffix: str, dpi: Any, unit: str, size: Any) -> None:
    """The side of the picture in inches (or ImageJ's units) is the same before and after, in every format and unit."""
    image = Image(draw(SHAPE), dpi=dpi, unit=unit)
    back, notes = through(tmp_path, image, size, suffix)
    if "resolution" in notes:
        assert back.dpi is None
        assert suffix in NOTHING or unit == "" or max(dpi) > 65535 / 3
        return
    assert back.unit == unit or suffix != ".tif"
    exact = 1e-6 if suffix == ".tif" else 0.011
    for axis in (0, 1):
        was, now = SHAPE[1 - axis] / image.dpi[axis], back.pixels.shape[1 - axis] / back.dpi[axis]
        assert now == pytest.approx(was, rel=exact)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("size", SIZES)
def test_imagej_keeps_its_scale_and_its_own_tags(tmp_path: Path, size: Any, order: Any) -> None:
    more = {
        "unit": "um",
        "spacing": 0.5,
        "xorigin": 4,
        "Info": "a cell, \u00b5m",
        "Labels": ["one"],
        "Ranges": (0.0, 9.0),
    }
    image = tif(
        tmp_path, draw(SHAPE, np.uint16), imagej=True, byteorder=order, resolution=(40 / 13, 20 / 13), metadata=more
    )
    _, notes = through(tmp_path, image, size, ".tif")
    with tifffile.TiffFile(tmp_path / "p.tif") as before, tifffile.TiffFile(tmp_path / "q.tif") as after:
        told, tags = after.imagej_metadata, after.pages[0].tags
        assert int(tags[296].value) == 1
        for axis, tag in enumerate((282, 283)):
            was = np.divide(*before.pages[0].tags[tag].value) * size[1 - axis] / SHAPE[1 - axis]
            assert np.divide(*tags[tag].value) == pytest.approx(was, rel=1e-6)
        assert (told["unit"], told["spacing"], told["ImageJ"]) == ("um", 0.5, before.imagej_metadata["ImageJ"])
        assert float(told["xorigin"]) == pytest.approx(4 * size[1] / SHAPE[1])
        if size == SHAPE:
            assert tags[50839].value == before.pages[0].tags[50839].value
        else:
            assert "ImageJ's overlays" in notes


@pytest.mark.parametrize("size", SIZES)
def test_ome_says_the_true_size(tmp_path: Path, size: Any) -> None:
    meta = {
        "PhysicalSizeX": 0.325,
        "PhysicalSizeXUnit": "\u00b5m",
        "PhysicalSizeY": 0.65,
        "PhysicalSizeYUnit": "\u00b5m",
    }
    image = tif(tmp_path, draw(SHAPE, np.uint16), ome=True, metadata=meta)
    back, notes = through(tmp_path, image, size, ".tif")
    assert notes == ""
    with tifffile.TiffFile(tmp_path / "q.tif") as file:
        pixels = tifffile.xml2dict(file.pages[0].description)["OME"]["Image"]["Pixels"]
        assert file.is_ome
        assert file.series[0].shape == back.pixels.shape
    assert (pixels["SizeY"], pixels["SizeX"]) == size
    assert pixels["PhysicalSizeX"] * size[1] == pytest.approx(0.325 * SHAPE[1])
    assert pixels["PhysicalSizeY"] * size[0] == pytest.approx(0.65 * SHAPE[0])


def ground(tags: dict[int, Any], column: float, row: float) -> tuple[float, float]:
    """Where the point of the raster (0 at the outer edge) lies on the ground, by GeoTIFF's rules."""
    half = 0.5 if tuple(tags[34735]) == POINT else 0.0
    column, row = column - half, row - half
    if 34264 in tags:
        x, y, *_ = np.reshape(tags[34264], (4, 4)) @ (column, row, 0, 1)
        return x, y
    (sx, sy, _), (i, j, _, x, y, _) = tags[33550], tags[33922][:6]
    return x + (column - i) * sx, y - (row - j) * sy


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [KEYS, POINT])
@pytest.mark.parametrize("rotated", [False, True])
def test_every_point_stays_on_its_ground(tmp_path: Path, size: Any, keys: Any, rotated: bool) -> None:
    tags = [(34735, 3, len(keys), keys, True), (42112, 2, 0, "<GDALMetadata/>", True), (34737, 2, 0, "WGS 84|", True)]
    if rotated:
        tags += [(34264, 12, 16, ROTATED, True)]
    else:
        tags += [(33550, 12, 3, (0.5, 0.25, 0.0), True), (33922, 12, 6, (3.0, 2.0, 0.0, 4e5, 5e6, 0.0), True)]
    image = tif(tmp_path, draw(SHAPE, np.float32), extratags=tags)
    back, notes = through(tmp_path, image, size, ".tif")
    assert notes == ""
    assert set(back.tags) == set(image.tags) == {tag for tag, *_ in tags}
    assert (back.tags[42112], back.tags[34737]) == ("<GDALMetadata/>", "WGS 84|")
    for across, down in itertools.product((0, 0.3, 1), (0, 0.8, 1)):
        before = ground(image.tags, across * SHAPE[1], down * SHAPE[0])
        assert ground(back.tags, across * size[1], down * size[0]) == pytest.approx(before, rel=1e-12)


TYPES = [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float16, np.float32, np.float64]


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
@pytest.mark.parametrize("dtype", TYPES)
def test_the_type_that_goes_in_comes_out(tmp_path: Path, dtype: Any, suffix: str) -> None:
    kind = np.dtype(dtype)
    top = (
        3.4e38
        if kind.kind == "f" and kind.itemsize > 2
        else float((np.finfo if kind.kind == "f" else np.iinfo)(kind).max)
    )
    low = -top if kind.kind == "f" else float(np.iinfo(kind).min)
    stored = np.clip(np.array([[0, 1, 2, 3], [100, 77, low, top]]), low, top).astype(kind)
    path = tmp_path / f"p{suffix}"
    np.save(path, stored) if suffix == ".npy" else tifffile.imwrite(path, stored)
    image = images.read(path)
    images.write(tmp_path / f"q{suffix}", image.pixels, image)
    back = np.load(tmp_path / "q.npy") if suffix == ".npy" else tifffile.imread(tmp_path / "q.tif")
    assert back.dtype == stored.dtype
    np.testing.assert_allclose(back.astype(float), stored.astype(float), rtol=2**-24)
    with np.errstate(over="ignore"):  # a result may go where the type does not
        beyond = (image.pixels.astype(float) * 4).astype(image.pixels.dtype)
    notes = " ".join(images.write(tmp_path / f"q{suffix}", beyond, image))
    assert kind in (np.uint8, np.uint16, np.float32, np.float64) or "lay outside" in notes or "float32" in notes


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("value", ["-9999", "nan", "-3.4028234663852886e+38", "-1.7976931348623157e+308"])
@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, np.float64, np.uint8])
def test_no_data_is_unknown_and_stays(tmp_path: Path, dtype: Any, value: str, size: Any) -> None:
    number = float(value if np.dtype(dtype).kind == "f" else "255" if dtype == np.uint8 else "-9999")
    with np.errstate(over="ignore"):
        number = np.array(number).astype(dtype)
    pixels = draw(SHAPE, np.uint8).astype(dtype) // 2
    pixels[2:6, 3:9] = number
    where = pixels[2:6, 3:9].size
    image = tif(tmp_path, pixels, extratags=[(42113, 2, 0, repr(number.item()), True)])
    assert image.unknown is not None
    assert (image.unknown.sum(), image.unknown[2:6, 3:9].all()) == (where, True)
    made = np.full(size, 50, image.pixels.dtype)
    if abs(float(number)) < 1e30:
        made[-2:, -2:] = number  # a value that a task happens to find is no no-data
    images.write(tmp_path / "q.tif", made, image)
    back = tifffile.imread(tmp_path / "q.tif")
    gone = np.isnan(back) if np.isnan(number) else back == number
    assert back.dtype == dtype
    assert not gone[-2:, -2:].any()
    gone[-2:, -2:] = abs(float(number)) < 1e30
    assert (back[~gone] == 50).all()
    gone[-2:, -2:] = False
    assert gone.sum() == pytest.approx(where * math.prod(size) / math.prod(SHAPE), rel=0.15)
    assert images.read(tmp_path / "q.tif").tags[42113] == image.tags[42113]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_grows_with_its_picture(tmp_path: Path, suffix: str, dtype: Any, channels: int, size: Any) -> None:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    soft = np.clip(6 - np.hypot(y - 5.5, x - 7.5), 0, 1)
    alpha = np.rint(soft * np.iinfo(dtype).max).astype(dtype)
    back, _ = through(tmp_path, Image(draw(SHAPE + (3,) * (channels > 1), dtype), alpha), size, suffix)
    assert back.alpha is not None
    assert back.alpha.shape == size
    share = back.alpha / np.iinfo(back.alpha.dtype).max
    y, x = (np.mgrid[: size[0], : size[1]] + 0.5) * (SHAPE[0] / size[0])
    near = 0.01 if size == SHAPE else 0.04 if size > SHAPE else 0.07
    assert np.abs(share - np.clip(6 - np.hypot(y - 6, x - 8), 0, 1)).mean() < near


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("times", [1, 2])
def test_exif_tells_the_true_size_and_shows_no_old_picture(
    tmp_path: Path, suffix: str, orientation: int, times: int
) -> None:
    block, tiny = Pillow.Exif(), io.BytesIO()
    Pillow.fromarray(draw((8, 8, 3))).save(tiny, "JPEG")
    block[ifd.ORIENTATION], block[0x011A], block[0x011B] = orientation, 72.0, 36.0
    block.get_ifd(ifd.EXIF).update({0xA002: 16, 0xA003: 12, 0x8827: 400})
    data = block.tobytes().removeprefix(b"Exif\0\0")
    at, (count,) = len(data) + len(data) % 2, struct.unpack_from(">H", data, 8)
    link = 10 + 12 * count
    second = struct.pack(">HHHIIHHIII", 2, 0x201, 4, 1, at + 30, 0x202, 4, 1, tiny.tell(), 0)
    data = data[:link] + struct.pack(">I", at) + data[link + 4 :].ljust(at - link - 4, b"\0") + second + tiny.getvalue()
    Pillow.fromarray(draw((*SHAPE, 3))).save(tmp_path / "p.jpg", exif=b"Exif\0\0" + data)
    image = images.read(tmp_path / "p.jpg")
    h, w = (n * times for n in image.pixels.shape[:2])
    _, notes = through(tmp_path, image, (h, w), suffix)
    with Pillow.open(tmp_path / f"q{suffix}") as picture:
        seen = picture.getexif()
        inside = seen.get_ifd(ifd.EXIF)
        assert (inside[0xA002], inside[0xA003], inside[0x8827]) == (w, h, 400)
        if suffix != ".tif":
            left = picture.info["exif"].removeprefix(b"Exif\0\0")
            assert left[link : link + 4] == bytes(4)  # there is no second directory
            across, down = (36, 72) if orientation == 6 else (72, 36)
            assert (seen[0x011A], seen[0x011B]) == (across * times, down * times)
    assert "thumbnail" in notes + " ".join(image.notes)
    assert tiny.getvalue() not in (tmp_path / f"q{suffix}").read_bytes()
    if orientation == 1 and suffix in (".png", ".webp"):  # it is kept where the picture is what it was
        images.write(tmp_path / f"q{suffix}", image.pixels, image)
        assert tiny.getvalue() in (tmp_path / f"q{suffix}").read_bytes()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("counted", ["from the file", "from the note", "from elsewhere", "no places"])
def test_a_maker_note_moves_with_its_places(tmp_path: Path, order: Any, counted: str) -> None:
    body, start = b"lens 24-70 mm", 200  # EXIF of one directory, its note at 200
    at = {"from the file": start + 30, "from the note": 30, "from elsewhere": 7000, "no places": 0}[counted]
    note = struct.pack(order + "HHHII", 1, 7, 2, len(body), at) + bytes(16) + body
    note = b"text without a directory" if counted == "no places" else note
    sub = struct.pack(order + "HHHII", 1, 0x927C, 7, len(note), start) + bytes(4)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    block = head + struct.pack(order + "HHHII", 1, ifd.EXIF, 4, 1, 26) + bytes(4) + sub
    image = Image(draw((8, 9, 3)), exif=block.ljust(start, b"\0") + note)
    said = " ".join(images.write(tmp_path / "p.tif", draw((8, 9, 3), seed=2), image))
    data = (tmp_path / "p.tif").read_bytes()
    with tifffile.TiffFile(tmp_path / "p.tif") as file:
        sub_at = file.pages[0].tags[ifd.EXIF].valueoffset
    _, _, count, value = next(ifd.entries(ifd.reader(data), order, sub_at))
    (place,) = struct.unpack(order + "I", value)
    assert ("maker note" in said) == (counted == "from elsewhere")
    moved = data[place : place + count]
    if counted == "from the file":
        _, _, _, value = next(ifd.entries(ifd.reader(data), order, place))
        (inner,) = struct.unpack(order + "I", value)
        assert data[inner : inner + len(body)] == body
    else:
        assert moved == note


def test_tags_that_are_not_kept_are_named(tmp_path: Path) -> None:
    image = tif(tmp_path, draw(SHAPE), extratags=[(65123, 3, 1, 5, True), (285, 2, 0, "page one", True)])
    (note,) = [n for n in image.notes if "not kept" in n]
    assert "65123" in note
    assert "285" in note


@pytest.mark.parametrize("size", [SHAPE, (24, 32)])
def test_tags_that_hold_nonsense_harm_nothing(tmp_path: Path, size: Any) -> None:
    tags = [(33550, 12, 2, (1.0, 1.0), True), (33922, 12, 5, (1.0,) * 5, True), (34264, 12, 1, 1.0, True)]
    tags += [(34735, 3, 3, (1, 1, 0), True), (42113, 2, 0, "none", True), (50839, 2, 0, "text", True)]
    image = tif(tmp_path, draw(SHAPE, np.int16), extratags=tags)
    assert "do not hold what they should" in " ".join(image.notes)
    assert not image.tags
    back, _ = through(tmp_path, image, size, ".tif")
    assert back.pixels.shape == size
