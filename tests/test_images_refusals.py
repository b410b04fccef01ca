"""What is refused of files that are read: in one sentence, which names the file, and from the header where that is enough."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from picture_files import SRGB, chunk, draw
from PIL import Image as Pillow

from untaught.core.errors import BadInput
from untaught.io import images


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
        (b"\0\0\0\x18ftypisom", "a film"),
        (b"BMW and other cars", "plain text"),
        (b"II*\0\x10\0\0\0CR\2\0", "a camera RAW file"),
        (b"\0\0\0\x18ftypcrx ", "a camera RAW file"),
        (b"FUJIFILMCCD-RAW 0201", "a camera RAW file"),
        (b"PK\x03\x04", "NPZ"),
        (b"\x01\x02\x03\xff\xfe", "bytes 01 02 03 ff fe"),
    ],
)
def test_what_is_no_picture(tmp_path: Path, head: bytes, words: str) -> None:
    (tmp_path / "p.png").write_bytes(head + b"\0" * (300 if b"\0" in head or head[0] == 1 else 0))
    refused(tmp_path / "p.png", words, "develop it" if "RAW" in words else "save it as PNG, JPEG or TIFF")


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
    refused(tmp_path / "r.tif", "camera RAW file", "develop it")
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
