"""Laws of files: what goes in comes out, a second reader agrees, every refusal is a sentence, a write is whole or none.

The second readers are Pillow for 8 bit and metadata, libtiff for TIFF and, for 16-bit PNG, a decoder written out here.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow
from PIL import ImageCms, ImageOps, TiffImagePlugin

from untaught import images
from untaught.errors import BadInput, UntaughtError
from untaught.images import Image, ifd

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
KINDS = {".png": "PNG", ".jpg": "JPEG", ".tif": "TIFF", ".webp": "WEBP", ".npy": "NPY"}


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


def second(path: Path) -> np.ndarray:
    """The samples of a file by another way than ours."""
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix == ".tif":  # ours is tifffile, this is libtiff
        return imagecodecs.tiff_decode(path.read_bytes())
    if path.read_bytes()[24] == 16 and path.suffix == ".png":
        return plain_png16(path.read_bytes())
    with Pillow.open(path) as picture:
        return np.array(picture)


def plain_png16(data: bytes) -> np.ndarray:
    """A 16-bit PNG decoded by hand, so that no library is taken at its word."""
    width, height, _, colour = struct.unpack(">IIBB", data[16:26])
    channels, at, packed = {0: 1, 4: 2, 2: 3, 6: 4}[colour], 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        packed += data[at + 8 : at + 8 + length] if data[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + length
    step, raw = 2 * channels, zlib.decompress(packed)
    rows, before = [], np.zeros(width * step, np.int64)
    for y in range(height):
        start = y * (1 + width * step)
        kind, line = raw[start], np.frombuffer(raw[start + 1 : start + 1 + width * step], np.uint8).astype(np.int64)
        row = np.zeros(width * step, np.int64)
        for i in range(width * step):
            left, corner = (row[i - step], before[i - step]) if i >= step else (0, 0)
            p = left + before[i] - corner
            near = min((abs(p - left), 0, left), (abs(p - before[i]), 1, before[i]), (abs(p - corner), 2, corner))[2]
            row[i] = (line[i] + (0, left, before[i], (left + before[i]) // 2, near)[kind]) % 256
        rows.append(before := row)
    samples = np.array(rows, np.uint8).view(">u2").astype(np.uint16).reshape(height, width, channels)
    return samples[..., 0] if channels == 1 else samples


# ---------------------------------------------------------------------------------------------- round trips


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [
        *((".png", t) for t in (np.uint8, np.uint16)),
        *((s, t) for s in (".tif", ".npy") for t in (np.uint8, np.uint16, np.float32)),
        (".webp", np.uint8),
    ],
)
def test_what_goes_in_comes_out_bit_for_bit(
    tmp_path: Path, suffix: str, dtype: Any, channels: int, alpha: bool
) -> None:
    pixels = draw((13, 9) if channels == 1 else (13, 9, 3), dtype)
    veil = draw((13, 9), dtype, 1) if alpha else None
    path = tmp_path / f"p{suffix}"
    notes = images.write(path, pixels, Image(pixels, veil))
    back = images.read(path)
    want = np.repeat(pixels[..., None], 3, -1) if (suffix, channels) == (".webp", 1) else pixels
    assert back.format == KINDS[suffix]
    assert back.pixels.dtype == dtype
    np.testing.assert_array_equal(back.pixels, want)
    seen = second(path)
    if alpha and suffix != ".npy":
        np.testing.assert_array_equal(back.alpha, veil)
        np.testing.assert_array_equal(seen, np.dstack((want, veil)))
    else:
        assert back.alpha is None
        np.testing.assert_array_equal(seen, want)
        assert any("no place for the picture's alpha" in note for note in notes) == alpha
    assert back.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7, 3), (7, 1), (64, 300, 3)])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_any_size(tmp_path: Path, suffix: str, shape: tuple[int, ...]) -> None:
    pixels = draw(shape, np.uint16)
    assert images.write(tmp_path / f"p{suffix}", pixels) == ()
    np.testing.assert_array_equal(images.read(tmp_path / f"p{suffix}").pixels, pixels)


def test_pillow_would_lose_16_bit_colour_and_we_do_not(tmp_path: Path) -> None:
    pixels = np.full((4, 5, 3), 1000, np.uint16)
    images.write(tmp_path / "p.png", pixels)
    with Pillow.open(tmp_path / "p.png") as picture:
        assert np.array(picture).max() == 3  # why imagecodecs is a dependency
    assert (images.read(tmp_path / "p.png").pixels == 1000).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_95_without_subsampling_and_grey_stays_grey(tmp_path: Path, channels: int) -> None:
    ramp = np.add.outer(np.arange(64), 2 * np.arange(96)).astype(np.uint8) // 2
    pixels = ramp if channels == 1 else np.dstack((ramp, ramp.T[:64, :1] + ramp // 2, 255 - ramp))
    assert images.write(tmp_path / "p.jpg", pixels) == ()
    back = images.read(tmp_path / "p.jpg")
    assert back.pixels.shape == pixels.shape
    assert np.abs(back.pixels.astype(int) - pixels).mean() < 1
    best = io.BytesIO()
    Pillow.fromarray(pixels).save(best, "JPEG", quality=95)
    with Pillow.open(tmp_path / "p.jpg") as ours, Pillow.open(best) as theirs:
        assert ours.quantization == theirs.quantization
        assert [layer[1:3] for layer in ours.layer] == [(1, 1)] * channels


@pytest.mark.parametrize(
    "how",
    [
        {"compression": "lzw"},
        {"compression": "zlib", "predictor": True},
        {"compression": "zstd"},
        {"compression": "packbits"},
        {"tile": (16, 16), "compression": "lzw"},
        {"bigtiff": True, "compression": "zlib"},
        {"byteorder": ">"},
        {"rowsperstrip": 3},
        {"planarconfig": "separate"},
    ],
    ids=str,
)
def test_every_layout_of_tiff(tmp_path: Path, how: dict) -> None:
    pixels = draw((33, 41, 3), np.uint16)
    stored = np.moveaxis(pixels, -1, 0) if "planarconfig" in how else pixels
    tifffile.imwrite(tmp_path / "p.tif", stored, photometric="rgb", **how)
    image = images.read(tmp_path / "p.tif")
    np.testing.assert_array_equal(image.pixels, pixels)
    assert image.pixels.dtype.isnative
    assert image.notes == ()
    assert image.text.get("Description") is None


@pytest.mark.parametrize("grey", [True, False])
def test_jpeg_in_tiff(tmp_path: Path, grey: bool) -> None:
    ramp = np.add.outer(np.arange(64), 2 * np.arange(96)).astype(np.uint8) // 2
    pixels = ramp if grey else np.dstack((ramp, ramp, 255 - ramp))
    Pillow.fromarray(pixels).save(tmp_path / "p.tif", compression="jpeg", quality=95)
    image = images.read(tmp_path / "p.tif")
    assert image.pixels.shape == pixels.shape
    assert np.abs(image.pixels.astype(int) - pixels).mean() < 2


def test_interlaced_16_bit_png(tmp_path: Path) -> None:
    pixels, body = draw((11, 13, 3), np.uint16), b""
    for y, x, dy, dx in (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):
        body += b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels[y::dy, x::dx])
    header = struct.pack(">IIBBBBB", 13, 11, 16, 2, 0, 0, 1)
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")
    (tmp_path / "p.png").write_bytes(file)
    np.testing.assert_array_equal(images.read(tmp_path / "p.png").pixels, pixels)


def test_real_16_bit_tiffs(tmp_path: Path, shared: Callable[[str], Path]) -> None:
    for name in ("worms_C20_w1.tif", "staph_ADSAStaphInfection2_A01_w2.tif"):
        image = images.read(shared(f"tiff16/{name}"))
        with Pillow.open(shared(f"tiff16/{name}")) as picture:
            np.testing.assert_array_equal(image.pixels, np.array(picture))
            dpi = picture.info["dpi"]
        images.write(tmp_path / name, image.pixels, image)
        with Pillow.open(tmp_path / name) as picture:
            np.testing.assert_array_equal(np.array(picture), image.pixels)
            assert picture.info["dpi"] == pytest.approx(dpi)
            assert picture.tag_v2[305] == image.text["Software"]
    for name, pages in (("pims_stuck_5frames.tif", 5), ("stardist_img3d.tif", 31)):
        with pytest.raises(BadInput, match=f"holds {pages} pages .* extract one"):
            images.read(shared(f"tiff16/{name}"))


# ---------------------------------------------------------------------------------------------- what travels along


def full(pixels: np.ndarray) -> Image:
    text = {"Title": "A ship", "Description": "Ölbild, 1889", "Author": "N. N.", "XML:com.adobe.xmp": "<x:xmpmeta/>"}
    return Image(pixels, icc=SRGB, exif=exif(), dpi=(300.0, 150.0), text=text)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_metadata_survives_and_a_second_reader_sees_it(tmp_path: Path, suffix: str, dtype: Any) -> None:
    pixels, path = draw((8, 9, 3), dtype), tmp_path / f"p{suffix}"
    like = full(pixels)
    notes = " ".join(images.write(path, pixels, like))
    back = images.read(path)
    assert back.icc == SRGB
    assert back.exif is not None
    with Pillow.open(path) as picture:
        assert picture.info["icc_profile"] == SRGB
        if suffix == ".webp":
            assert "resolution" in notes
        else:
            assert picture.info["dpi"] == pytest.approx((300, 150), abs=0.02)
            assert back.dpi == pytest.approx((300, 150), abs=0.02)
    seen = camera(path)
    assert seen["make"] == "Maker & sons"
    assert seen["model"] == "M1"
    assert seen[0x829A] == pytest.approx(0.02)
    assert (seen[0x8827], seen[0x927C], seen[2]) == (400, b"Maker\0note\xff\x01\x02", (48.0, 8.0, 30.0))
    kept = {
        ".png": set(like.text),
        ".tif": set(like.text),
        ".jpg": {"XML:com.adobe.xmp"},
        ".webp": {"XML:com.adobe.xmp"},
    }
    for key, value in like.text.items():
        if key in kept[suffix]:
            assert back.text[key] == value
        else:
            assert back.text.get("Comment") == value or f"text '{key}'" in notes
    # and once more around: nothing wears off
    images.write(tmp_path / f"again{suffix}", back.pixels, back)
    again = images.read(tmp_path / f"again{suffix}")
    assert (again.icc, again.exif, again.dpi, again.text) == (back.icc, back.exif, back.dpi, back.text)


@pytest.mark.parametrize("there", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("here", [".png", ".jpg", ".tif", ".webp"])
def test_exif_travels_between_formats(tmp_path: Path, here: str, there: str) -> None:
    images.write(tmp_path / f"a{here}", draw((8, 9, 3)), full(draw((8, 9, 3))))
    image = images.read(tmp_path / f"a{here}")
    images.write(tmp_path / f"b{there}", image.pixels, image)
    assert camera(tmp_path / f"b{there}") == camera(tmp_path / f"a{here}")


def test_a_field_that_cannot_be_written_does_not_cost_the_picture(tmp_path: Path) -> None:
    pixels = draw((4, 5))
    (note,) = images.write(tmp_path / "p.png", pixels, Image(pixels, text={"\u20ac" * 100: "x"}), recipe=RECIPE)
    assert "text are not in 'p.png'" in note
    np.testing.assert_array_equal(images.read(tmp_path / "p.png").pixels, pixels)
    assert images.read_recipe(tmp_path / "p.png") == RECIPE
    (note,) = images.write(tmp_path / "p.jpg", pixels, Image(pixels, dpi=(254000.0, 254000.0)))
    assert "no place for the picture's resolution" in note


def test_an_ome_description_does_not_lie(tmp_path: Path) -> None:
    pixels = draw((6, 7), np.uint16)
    tifffile.imwrite(tmp_path / "p.ome.tif", pixels, ome=True)
    image = images.read(tmp_path / "p.ome.tif")
    assert images.write(tmp_path / "same.tif", pixels, image) == ()
    assert images.read(tmp_path / "same.tif").text["Description"] == image.text["Description"]
    larger = draw((12, 14), np.uint16)
    (note,) = images.write(tmp_path / "larger.tif", larger, image)
    assert "OME description" in note
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "larger.tif"), larger)


def test_png_colour_chunks_stay(tmp_path: Path) -> None:
    data = imagecodecs.png_encode(draw((5, 6, 3), np.uint16))
    gamma = chunk(b"gAMA", struct.pack(">I", 100000))
    (tmp_path / "p.png").write_bytes(data[:33] + gamma + data[33:])
    image = images.read(tmp_path / "p.png")
    images.write(tmp_path / "q.png", image.pixels, image)
    with Pillow.open(tmp_path / "q.png") as picture:
        assert picture.info["gamma"] == 1.0
    assert "gamma" in images.write(tmp_path / "q.tif", image.pixels, image)[0]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_reset(tmp_path: Path, orientation: int, suffix: str) -> None:
    path = tmp_path / f"p{suffix}"
    stored = np.kron(draw((4, 6, 3)), np.ones((8, 8, 1), np.uint8))
    if suffix == ".tif":
        tifffile.imwrite(path, stored, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    else:
        how = {"lossless": True} if suffix == ".webp" else {"quality": 95} if suffix == ".jpg" else {}
        Pillow.fromarray(stored).save(path, exif=b"Exif\0\0" + exif(orientation), dpi=(300, 150), **how)
    image = images.read(path)
    with Pillow.open(path) as picture:
        want = np.array(ImageOps.exif_transpose(picture))
    np.testing.assert_array_equal(image.pixels, want)
    assert [f"orientation tag was {orientation}, now 1" in n for n in image.notes] == [True] * (orientation > 1)
    if suffix in (".jpg", ".png"):
        assert image.dpi == pytest.approx((150, 300) if orientation > 4 else (300, 150), abs=0.02)
    images.write(tmp_path / f"q{suffix}", image.pixels, image)
    with Pillow.open(tmp_path / f"q{suffix}") as picture:
        assert picture.getexif().get(ifd.ORIENTATION, 1) == 1
    if suffix != ".tif":
        assert camera(tmp_path / f"q{suffix}") == camera(path)
        assert sum(a != b for a, b in zip(exif(orientation), image.exif, strict=True)) == (orientation > 1)


def test_alpha_and_xmp_turn_with_the_picture(tmp_path: Path) -> None:
    rgba, xmp = draw((4, 6, 4)), b'<x:xmpmeta tiff:Orientation="6"/>'
    Pillow.fromarray(rgba).save(tmp_path / "p.webp", lossless=True, exact=True, exif=exif(6), xmp=xmp)
    image = images.read(tmp_path / "p.webp")
    np.testing.assert_array_equal(image.alpha, np.rot90(rgba[..., 3], -1))
    assert image.text["XML:com.adobe.xmp"] == '<x:xmpmeta tiff:Orientation="1"/>'


def test_a_damaged_exif_block_harms_nothing(tmp_path: Path) -> None:
    whole = exif(6)
    for cut in (4, 9, 20, 60, len(whole) - 3):
        Pillow.fromarray(draw((8, 9, 3))).save(tmp_path / "p.jpg", exif=b"Exif\0\0" + whole[:cut])
        image = images.read(tmp_path / "p.jpg")
        for suffix in (".tif", ".jpg", ".png", ".webp"):
            notes = images.write(tmp_path / f"q{suffix}", image.pixels, image)
            assert images.read(tmp_path / f"q{suffix}").pixels.shape == image.pixels.shape
            assert ("place for the picture's EXIF" in " ".join(notes)) == (suffix == ".tif")


RECIPE = 'task = "denoise"\nsigma = 0.1  # √, ü\n'


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".npy"])
def test_the_recipe_comes_back_and_a_second_reader_sees_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"p{suffix}"
    pixels = draw((5, 6, 3), np.uint16)
    images.write(path, pixels, recipe=RECIPE)
    assert images.read_recipe(path) == RECIPE
    if suffix == ".png":
        with Pillow.open(path) as picture:
            assert picture.text["untaught"] == RECIPE
    elif suffix == ".tif":
        with tifffile.TiffFile(path) as tif:
            assert tif.pages[0].tags[65000].value == RECIPE.strip()
    else:
        assert (tmp_path / f"p{suffix}.toml").read_text(encoding="utf-8") == RECIPE
    image = images.read(path)  # a recipe is of the file it is in, not of what is made of it
    images.write(tmp_path / f"q{suffix}", image.pixels, image)
    assert images.read_recipe(tmp_path / f"q{suffix}") is None


# ---------------------------------------------------------------------------------------------- said conversions


def cmyk_profile() -> bytes:
    """A small ICC profile of four inks: lut8 from CMYK to Lab, two nodes an axis (all that a converter needs)."""
    from skimage.color import rgb2lab

    c, m, y, k = np.meshgrid(*[[0.0, 1.0]] * 4, indexing="ij")
    lab = rgb2lab(np.stack([(1 - c) * (1 - k), (1 - m) * (1 - k), (1 - y) * (1 - k)], -1))
    nodes = np.rint(np.clip(lab * (255 / 100, 1, 1) + (0, 128, 128), 0, 255)).astype(np.uint8).tobytes()
    ramp = bytes(range(256))
    unit = struct.pack(">9i", *(65536 * np.eye(3, dtype=int).ravel()).tolist())
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + unit + ramp * 4 + nodes + ramp * 3
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"inks\0" + b"\0" * 78
    tags, at, table, body = {b"desc": text, b"wtpt": white, b"A2B0": lut}, 128 + 4 + 36, b"", b""
    for name, data in tags.items():
        data += b"\0" * (-len(data) % 4)
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", 3) + table + body


@pytest.mark.parametrize("how", ["jpeg", "tiff8", "tiff16"])
def test_cmyk_goes_through_its_profile(tmp_path: Path, how: str) -> None:
    inks, icc = np.kron(draw((3, 4, 4)), np.ones((8, 8, 1), np.uint8)), cmyk_profile()
    path = tmp_path / ("p.jpg" if how == "jpeg" else "p.tif")
    if how == "jpeg":
        Pillow.fromarray(inks, "CMYK").save(path, icc_profile=icc, quality=100, subsampling=0)
    else:
        stored = inks if how == "tiff8" else inks.astype(np.uint16) * 257
        tifffile.imwrite(path, stored, photometric="separated", iccprofile=icc)
    image = images.read(path)
    assert image.icc is not None
    assert image.icc[16:20] == b"RGB "
    assert any("CMYK was converted to sRGB" in note for note in image.notes)
    with Pillow.open(path) if how != "tiff16" else Pillow.fromarray(inks, "CMYK") as picture:
        want = ImageCms.profileToProfile(picture, io.BytesIO(icc), io.BytesIO(image.icc), outputMode="RGB")
    scale = 257 if how == "tiff16" else 1
    assert image.pixels.dtype == (np.uint16 if how == "tiff16" else np.uint8)
    assert np.abs(image.pixels / scale - np.array(want)).max() <= 1.5
    assert image.pixels.std() > 30 * scale


def test_palette_one_bit_and_marked_colours_are_said(tmp_path: Path) -> None:
    rgb = draw((2, 2, 3))[[[0, 1], [1, 0]], [[0, 1], [0, 1]]]
    palette = Pillow.fromarray(rgb).quantize(4)
    want = np.array(palette.convert("RGB"))
    for name in ("p.png", "p.tif"):
        palette.save(tmp_path / name)
        image = images.read(tmp_path / name)
        np.testing.assert_array_equal(image.pixels, want)
        assert "palette" in image.notes[0].lower()
    palette.save(tmp_path / "clear.png", transparency=0)
    image = images.read(tmp_path / "clear.png")
    np.testing.assert_array_equal(image.alpha, 255 * (np.array(palette) != 0))

    bits = draw((9, 11)) > 127
    for name in ("b.png", "b.tif"):
        Pillow.fromarray(bits).save(tmp_path / name)
        image = images.read(tmp_path / name)
        np.testing.assert_array_equal(image.pixels, 255 * bits.astype(np.uint8))
        assert "1-bit" in image.notes[0]

    pixels = draw((5, 6, 3), np.uint16)
    data, mark = imagecodecs.png_encode(pixels), pixels[2, 3].astype(">u2").tobytes()
    (tmp_path / "t.png").write_bytes(data[:33] + chunk(b"tRNS", mark) + data[33:])
    image = images.read(tmp_path / "t.png")
    np.testing.assert_array_equal(image.pixels, pixels)
    np.testing.assert_array_equal(image.alpha == 0, (pixels == pixels[2, 3]).all(-1))
    assert "transparent" in image.notes[0]


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_narrow_grey_png_is_widened(tmp_path: Path, bits: int) -> None:
    numbers = np.arange(2**bits, dtype=np.uint8)
    packed = np.packbits(np.unpackbits(numbers[:, None], axis=1)[:, -bits:].ravel())
    header = struct.pack(">IIBBBBB", len(numbers), 1, bits, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" + packed.tobytes()))
    (tmp_path / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b""))
    image = images.read(tmp_path / "p.png")
    np.testing.assert_array_equal(image.pixels[0], numbers * (255 // (2**bits - 1)))
    assert f"{bits}-bit grey" in image.notes[0]
    mark = chunk(b"tRNS", struct.pack(">H", 1))
    (tmp_path / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + mark + body + chunk(b"IEND", b""))
    image = images.read(tmp_path / "p.png")
    np.testing.assert_array_equal(image.pixels[0], numbers * (255 // (2**bits - 1)))
    np.testing.assert_array_equal(image.alpha[0], np.where(numbers == 1, 0, 255))


def test_odd_tiffs_are_converted_and_said(tmp_path: Path) -> None:
    def through(array: np.ndarray, **how: Any) -> Image:
        tifffile.imwrite(tmp_path / "p.tif", array, **how)
        return images.read(tmp_path / "p.tif")

    grey = draw((6, 7), np.uint16)
    image = through(grey, photometric="miniswhite")
    np.testing.assert_array_equal(image.pixels, 65535 - grey)
    assert "inverted" in image.notes[0]

    image = through(grey >> 4, bitspersample=12, photometric="minisblack")
    np.testing.assert_array_equal(np.rint(image.pixels / 65535 * 4095), grey >> 4)
    assert "12-bit" in image.notes[0]

    image = through(draw((6, 7), np.float64), photometric="minisblack")
    assert image.pixels.dtype == np.float32
    assert "float64 samples became float32, rounded" in image.notes[0]
    signed = grey.astype(np.int16)
    image = through(signed, photometric="minisblack")
    np.testing.assert_array_equal(image.pixels, signed)
    assert "int16 samples became float32, exactly" in image.notes[0]

    pixels, alpha = draw((6, 7, 3)), np.array([0, 128, 255, 255, 64, 1, 0], np.uint8) * np.ones((6, 1), np.uint8)
    pressed = np.rint(pixels * (alpha / 255.0)[..., None]).astype(np.uint8)
    image = through(np.dstack((pressed, alpha)), photometric="rgb", extrasamples=["assocalpha"])
    np.testing.assert_array_equal(image.alpha, alpha)
    assert np.abs(image.pixels.astype(int) - pixels)[:, 1:4].max() <= 1
    assert (image.pixels[:, 0] == 0).all()
    assert "multiplied by its alpha" in image.notes[0]

    three = draw((6, 7, 3), np.uint16)
    image = through(three, photometric="minisblack", planarconfig="contig")
    np.testing.assert_array_equal(image.pixels, three)


def test_npy_keeps_numbers(tmp_path: Path) -> None:
    path = tmp_path / "p.npy"
    for shape in ((4, 5), (4, 5, 1), (4, 5, 7)):
        for dtype in (">u2", ">f4", "<u2", "u1"):
            pixels = np.asfortranarray(draw(shape, np.dtype(dtype).newbyteorder("=")).astype(dtype))
            np.save(path, pixels)
            image = images.read(path)
            np.testing.assert_array_equal(image.pixels, pixels)
            assert image.pixels.dtype.isnative
            assert image.pixels.flags.c_contiguous
            assert image.notes == ()
            images.write(tmp_path / "q.npy", image.pixels, image)
            np.testing.assert_array_equal(np.load(tmp_path / "q.npy"), pixels)
    np.save(path, draw((4, 5)) > 100)
    image = images.read(path)
    assert set(np.unique(image.pixels)) == {0, 255}
    assert "1-bit" in image.notes[0]
    odd = np.array([[np.nan, 1], [np.inf, 3]], np.float32)  # may become a mask: not refused here
    np.save(path, odd)
    np.testing.assert_array_equal(images.read(path).pixels, odd)


def test_depth_that_a_format_lacks_is_said(tmp_path: Path) -> None:
    deep = draw((8, 9), np.uint16)
    for suffix in (".jpg", ".webp"):
        assert "16-bit samples were rounded to 8 bit" in images.write(tmp_path / f"p{suffix}", deep)[0]
    grey = images.read(tmp_path / "p.webp").pixels[..., 0]
    np.testing.assert_array_equal(grey, np.rint(deep / 257))
    floats = np.array([[0, 0.5, 1], [-1, 2, np.nan]], np.float32)
    (note,) = images.write(tmp_path / "f.png", floats)
    assert "clipped to [0, 1] and scaled to 16 bit" in note
    assert "2 of 6 samples lay outside" in note
    assert "1 were NaN" in note
    np.testing.assert_array_equal(images.read(tmp_path / "f.png").pixels, [[0, 32768, 65535], [0, 65535, 0]])
    assert "scaled to 8 bit" in images.write(tmp_path / "f.jpg", floats)[0]
    assert images.write(tmp_path / "f.tif", floats) == ()
    image = Image(draw((4, 5)), draw((4, 5), np.uint8, 1))  # alpha follows the depth of the result, reversibly
    images.write(tmp_path / "a.png", draw((4, 5), np.uint16), image)
    np.testing.assert_array_equal(images.read(tmp_path / "a.png").alpha, image.alpha.astype(int) * 257)
    (note,) = images.write(tmp_path / "a.png", draw((8, 10)), image)
    assert "alpha channel (4 x 5) does not fit the result (8 x 10)" in note
    (note,) = images.write(tmp_path / "i.png", draw((4, 5)), Image(draw((4, 5)), icc=SRGB))
    assert "profile is for RGB and the result has 1 channel" in note
    (note,) = images.write(tmp_path / "x.jpg", draw((4, 5)), Image(draw((4, 5)), exif=exif(maker=b"x" * 70000)))
    assert "no place for the picture's EXIF" in note


# ---------------------------------------------------------------------------------------------- refusals of read


def refused(path: Path, *parts: str, **how: Any) -> None:
    with pytest.raises(BadInput) as caught:
        images.read(path, **how)
    said = str(caught.value)
    assert "\n" not in said
    assert str(path) in said
    for part in parts:
        assert part in said


def test_what_is_no_file(tmp_path: Path) -> None:
    refused(tmp_path / "noisy.png", "There is no file", "check the name")
    (tmp_path / "noisy.png").write_bytes(b"")
    refused(tmp_path / "nosiy.png", "did you mean 'noisy.png'?")
    refused(tmp_path / "no" / "noisy.png", "there is no folder")
    refused(tmp_path, "is a folder")
    refused(tmp_path / "noisy.png", "is empty (0 bytes)")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "a device or a pipe")
    refused(tmp_path / ("x" * 300 + ".png"), "File name too long")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"GIF89a", "a GIF picture"),
        (b"hello, I am a text\n", "plain text"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\0\0\0\x18ftypheic", "a HEIC picture"),
        (b"II*\0\x10\0\0\0CR\2\0", "a raw camera file"),
        (b"PK\x03\x04", "NPZ"),
        (b"\x01\x02\x03\xff\xfe", "bytes 01 02 03 ff fe"),
    ],
)
def test_what_is_no_picture(tmp_path: Path, head: bytes, words: str) -> None:
    (tmp_path / "p.png").write_bytes(head + b"\0" * (300 if b"\0" in head or head[0] == 1 else 0))
    refused(tmp_path / "p.png", words, "convert it to PNG, JPEG, TIFF, WebP or NPY")


def test_magic_bytes_go_before_names(tmp_path: Path) -> None:
    images.write(tmp_path / "p.png", draw((4, 5, 3)))
    (tmp_path / "p.png").rename(tmp_path / "p.jpg")
    image = images.read(tmp_path / "p.jpg")
    assert image.format == "PNG"
    assert "holds PNG, whatever its name says" in image.notes[0]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".npy"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_truncated_anywhere(tmp_path: Path, suffix: str, dtype: Any) -> None:
    images.write(tmp_path / f"p{suffix}", draw((40, 50, 3), dtype))
    data = (tmp_path / f"p{suffix}").read_bytes()
    path = tmp_path / f"cut{suffix}"
    for share in (0.01, 0.05, 0.3, 0.6, 0.9, 0.97):
        path.write_bytes(data[: max(12, int(share * len(data)))])
        refused(path, "truncated")


def test_truncation_is_said_in_bytes(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", draw((4, 5), np.uint16))
    whole = (tmp_path / "p.npy").read_bytes()
    (tmp_path / "p.npy").write_bytes(whole[:-7])
    refused(tmp_path / "p.npy", "4 x 5 uint16 take 40 bytes, 33 are there")
    tifffile.imwrite(tmp_path / "p.tif", draw((4, 5)), photometric="minisblack")
    whole = (tmp_path / "p.tif").read_bytes()
    (tmp_path / "p.tif").write_bytes(whole[:-7])
    refused(tmp_path / "p.tif", f"reach to byte {len(whole)}, it ends at {len(whole) - 7}")


def test_animations_and_pages(tmp_path: Path) -> None:
    frames = [Pillow.fromarray(draw((8, 9, 3), seed=s)) for s in range(3)]
    for suffix in (".png", ".webp"):
        frames[0].save(tmp_path / f"p{suffix}", save_all=True, append_images=frames[1:], duration=100)
        refused(tmp_path / f"p{suffix}", "an animation of 3 frames", "save one")
    tifffile.imwrite(tmp_path / "p.tif", draw((4, 8, 9)), photometric="minisblack")
    refused(tmp_path / "p.tif", "holds 4 pages", "extract one", "key=0")
    tifffile.imwrite(
        tmp_path / "v.tif", draw((2, 5, 16, 16)), volumetric=True, tile=(16, 16, 16), photometric="minisblack"
    )
    refused(tmp_path / "v.tif", "volume")
    with tifffile.TiffWriter(tmp_path / "t.tif") as tif:  # a preview behind the picture is no second page
        tif.write(draw((8, 9)), photometric="minisblack")
        tif.write(draw((4, 4)), photometric="minisblack", subfiletype=1)
    np.testing.assert_array_equal(images.read(tmp_path / "t.tif").pixels, draw((8, 9)))
    frames[0].save(tmp_path / "p.jpg", "MPO", save_all=True, append_images=frames[1:])
    assert "Only the first" in images.read(tmp_path / "p.jpg").notes[0]


def test_bombs_are_refused_from_the_header(tmp_path: Path) -> None:
    """None of these holds samples: whoever decodes first says 'truncated', whoever allocates first dies."""
    sig, wide = b"\x89PNG\r\n\x1a\n", 60000
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", wide, wide, 16, 6, 0, 0, 0))
    (tmp_path / "p.png").write_bytes(sig + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b""))
    refused(tmp_path / "p.png", "60000 x 60000", "3600 MP", "limit is 100 MP", "--max-megapixels 3600")
    jpeg = io.BytesIO()
    Pillow.new("RGB", (8, 8)).save(jpeg, "JPEG")
    data = jpeg.getvalue()
    at = data.index(b"\xff\xc0") + 5
    (tmp_path / "p.jpg").write_bytes(data[:at] + struct.pack(">HH", wide, wide) + data[at + 4 :])
    refused(tmp_path / "p.jpg", "3600 MP")
    tifffile.imwrite(tmp_path / "p.tif", draw((8, 8)), photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "p.tif", mode="r+") as tif:
        for tag in (256, 257):
            tif.pages[0].tags[tag].overwrite(wide)
    refused(tmp_path / "p.tif", "3600 MP")
    head = (
        np.lib.format.magic(1, 0)
        + struct.pack("<H", 64)
        + b"{'descr':'|u1','fortran_order':False,'shape':(60000,60000)}".ljust(64)
    )
    (tmp_path / "p.npy").write_bytes(head)
    refused(tmp_path / "p.npy", "3600 MP")
    images.write(tmp_path / "ok.webp", draw((100, 200, 3)))
    refused(tmp_path / "ok.webp", "200 x 100 pixels (0.02 MP)", "limit is 0.01 MP", max_megapixels=0.01)
    assert images.read(tmp_path / "ok.webp", max_megapixels=0.02).pixels.shape == (100, 200, 3)


def test_more_than_pillows_own_limit_is_ours_to_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images.write(tmp_path / "p.png", draw((100, 200, 3)))
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 50)
    assert images.read(tmp_path / "p.png").pixels.shape == (100, 200, 3)


def test_colours_that_would_be_misread(tmp_path: Path) -> None:
    inks = draw((8, 9, 4))
    Pillow.fromarray(inks, "CMYK").save(tmp_path / "p.jpg")
    refused(tmp_path / "p.jpg", "CMYK and has no ICC profile", "convert it to RGB")
    tifffile.imwrite(tmp_path / "p.tif", inks, photometric="separated", iccprofile=SRGB)
    refused(tmp_path / "p.tif", "CMYK and has a profile for RGB instead")
    tifffile.imwrite(tmp_path / "l.tif", draw((8, 9, 3)), photometric="cielab")
    refused(tmp_path / "l.tif", "CIELAB")
    tifffile.imwrite(
        tmp_path / "r.tif", draw((8, 9), np.uint16), photometric="cfa", extratags=[(33421, 3, 2, (2, 2), True)]
    )
    refused(tmp_path / "r.tif", "raw camera file", "develop it")
    for channels in (2, 5, 9):
        many = draw((8, 9, channels), np.uint16)
        tifffile.imwrite(tmp_path / "m.tif", many, photometric="minisblack", planarconfig="contig")
        refused(tmp_path / "m.tif", f"{channels} samples a pixel", "NPY")


def test_arrays_that_are_no_pictures(tmp_path: Path) -> None:
    path = tmp_path / "p.npy"
    for array, part in (
        (np.zeros(5), "an array of 5:"),
        (np.zeros((2, 3, 4, 5)), "2 x 3 x 4 x 5"),
        (np.zeros((0, 5)), "an empty array (0 x 5)"),
        (np.zeros((3, 5, 0)), "an empty array (3 x 5 x 0)"),
        (np.zeros((3, 5), complex), "type complex128"),
        (np.array([["a", "b"]]), "type <U1"),
        (np.array([[None, {}]]), "type object"),
    ):
        np.save(path, array, allow_pickle=True)
        refused(path, part)


# ---------------------------------------------------------------------------------------------- writing


def test_default_output(tmp_path: Path) -> None:
    assert images.default_output("a/photo.of.a.JPG") == Path("a/photo.of.a.untaught.JPG")
    images.write(tmp_path / "p.png", draw((2, 2)))
    (tmp_path / "p.png").rename(tmp_path / "scan")
    assert images.default_output(tmp_path / "scan").name == "scan.untaught.png"


def test_check_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(path: Path, *parts: str, **how: Any) -> None:
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(BadInput) as caught:
            images.check_output(path, **how)
        assert all(part in str(caught.value) for part in (*parts, str(path.parent)))
        assert sorted(tmp_path.rglob("*")) == before

    there = tmp_path / "there.png"
    there.write_bytes(b"x")
    assert images.check_output(tmp_path / "new.tif") == tmp_path / "new.tif"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["there.png"]
    no(tmp_path, "is a folder")
    no(tmp_path / "new.gif", "ends in '.gif'", ".png, .jpg")
    no(tmp_path / "new", "has no extension")
    no(tmp_path / "absent" / "new.png", "does not exist (none is created)")
    no(there, "exists already", "--force")
    assert images.check_output(there, force=True) == there
    no(there, "is the input itself", source=there, force=True)
    (tmp_path / "link.png").symlink_to(there)
    no(tmp_path / "link.png", "is the input itself", source=there, force=True)
    (tmp_path / "new.jpg.toml").write_text("mine")
    with pytest.raises(BadInput, match=r"new\.jpg\.toml' exists already"):
        images.check_output(tmp_path / "new.jpg")

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    no(tmp_path / ("x" * 300 + ".png"), "File name too long")
    monkeypatch.setattr(Path, "touch", deny)  # root, as in many containers, may write anywhere
    no(tmp_path / "new.png", "cannot be written (Permission denied)")


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    images.write(path, draw((4, 5)))
    before, image = path.read_bytes(), images.read(path)
    with pytest.raises(BadInput, match="is the input itself"):
        images.write(path, image.pixels, image)
    assert path.read_bytes() == before
    (tmp_path / "link.png").symlink_to(tmp_path / "other.png")
    images.write(tmp_path / "link.png", image.pixels, image)  # through a link: the link stays one
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "other.png").is_file()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("moment", ["open", "fsync", "replace"])
def test_a_failed_write_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, moment: str
) -> None:
    path = tmp_path / f"p{suffix}"
    images.write(path, draw((40, 50)), recipe=RECIPE)
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*{"open": (Path, "open"), "fsync": (os, "fsync"), "replace": (os, "replace")}[moment], fail)
    with pytest.raises(UntaughtError, match=r"could not be written \(No space left on device; \d+ bytes") as caught:
        images.write(path, draw((40, 50), seed=1), recipe="other = 1\n")
    monkeypatch.undo()
    assert str(path) in str(caught.value)
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_disk_that_fills_up_in_the_middle(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "p.tif"
    images.write(path, draw((40, 50)))
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))  # the system itself now breaks the write off
    try:
        with pytest.raises(UntaughtError, match="File too large"):
            images.write(path, draw((400, 500)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"p.tif": before}


def test_a_folder_that_goes_away(tmp_path: Path) -> None:
    with pytest.raises(UntaughtError, match="No such file or directory"):
        images.write(tmp_path / "gone" / "p.png", draw((4, 5)))
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written(tmp_path: Path) -> None:
    for name, pixels, part in (
        ("p.png", draw((4, 5, 2)), "2 channels cannot be written to PNG"),
        ("p.tif", np.zeros((4, 5), np.int64), "type int64"),
        ("p.png", np.zeros((0, 5), np.uint8), "An array of 0 x 5 is no picture"),
        ("p.webp", np.zeros((1, 16384), np.uint8), "WEBP ends at 16383 a side"),
        ("p.bmp", draw((4, 5)), "ends in '.bmp'"),
    ):
        with pytest.raises(BadInput) as caught:
            images.write(tmp_path / name, pixels)
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    images.write(tmp_path / "p.png", draw((4, 5, 1)))
    assert images.read(tmp_path / "p.png").pixels.shape == (4, 5)


def test_reading_is_light_and_an_image_travels(tmp_path: Path) -> None:
    import pickle
    import subprocess
    import sys

    code = (
        "import sys, untaught.images; sys.exit(any(m in sys.modules for m in ('torch', 'PIL', 'tifffile', 'skimage')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    image = full(draw((4, 5, 3)))
    assert pickle.loads(pickle.dumps(image)).text == replace(image).text
