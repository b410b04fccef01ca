"""What a picture cannot be kept as, and what a format has no place for, is converted, and that is said."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from picture_files import SRGB, chunk, draw, exif
from PIL import Image as Pillow
from PIL import ImageCms, features

from untaught.core.errors import BadInput, Missing
from untaught.io import images
from untaught.io.images import Image


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
    (note,) = images.write(tmp_path / "a.png", draw((8, 13)), image)
    assert "alpha channel (4 x 5) does not fit the result (8 x 13)" in note
    (note,) = images.write(tmp_path / "i.png", draw((4, 5)), Image(draw((4, 5)), icc=SRGB))
    assert "profile is for RGB and the result has 1 channel" in note
    (note,) = images.write(tmp_path / "x.jpg", draw((4, 5)), Image(draw((4, 5)), exif=exif(maker=b"x" * 70000)))
    assert "no place for the picture's EXIF" in note


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_a_bmp_is_read_and_what_is_made_of_it_is_a_png(tmp_path: Path, mode: str) -> None:
    drawing = Pillow.fromarray(draw((9, 7, 4)), "RGBA").convert(mode)
    drawing.save(tmp_path / "p.bmp")
    image = images.read(tmp_path / "p.bmp")
    assert image.format == "BMP"
    grey = mode in ("1", "L")
    assert np.array_equal(image.pixels, np.asarray(drawing.convert("L" if grey else "RGB")))
    assert image.alpha is None  # the fourth byte of a plain BMP means nothing
    assert images.default_output(tmp_path / "p.bmp").suffix == ".png"


@pytest.mark.parametrize("kind", ["heic", "avif"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_what_phones_take_is_read_and_what_is_made_of_it_is_a_png(tmp_path: Path, kind: str, mode: str) -> None:
    if kind == "heic":
        pytest.importorskip("pillow_heif", reason="the extra heif is not installed").register_heif_opener()
    elif not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    rows, columns = np.mgrid[:48, :64]
    smooth = np.uint8(np.dstack([2 * rows, 3 * columns, rows + columns, 255 - rows]))
    drawing = Pillow.fromarray(smooth[..., : len(mode)], mode)
    drawing.save(tmp_path / f"p.{kind}", quality=95, exif=exif(orientation=1))
    image = images.read(tmp_path / f"p.{kind}")
    assert image.format == kind.upper()
    assert np.abs(image.pixels.astype(int) - smooth[..., :3]).mean() < 3
    assert (image.alpha is None) == (mode == "RGB")
    assert image.exif
    with pytest.raises(BadInput, match="the limit is 0.001 MP"):
        images.read(tmp_path / f"p.{kind}", max_megapixels=0.001)
    assert images.default_output(tmp_path / f"p.{kind}").suffix == ".png"
    (tmp_path / f"cut.{kind}").write_bytes((tmp_path / f"p.{kind}").read_bytes()[:-200])
    with pytest.raises(BadInput, match="incomplete or damaged"):
        images.read(tmp_path / f"cut.{kind}")


@pytest.mark.parametrize(
    ("head", "package", "said"),
    [
        (b"\0\0\0\x18ftypheic", "pillow_heif.as_plugin", "save it as JPEG first .*pip install 'untaught.heif.'"),
        (b"\0\0\0\x18ftypavif", "PIL.AvifImagePlugin", "needs Pillow 11.3 or newer"),
    ],
)
def test_without_what_reads_it_a_phones_photo_says_what_to_do(tmp_path: Path, head, package, said, monkeypatch) -> None:
    (tmp_path / "p.heic").write_bytes(head + b"\0" * 300)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(Missing, match=said):
        images.read(tmp_path / "p.heic")
