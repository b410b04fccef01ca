"""Laws of files: what goes in comes out, bit for bit, and a second reader agrees.

The second readers are Pillow for 8 bit, libtiff for TIFF and, for 16-bit PNG, a decoder written out here.
"""

from __future__ import annotations

import hashlib
import io
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
from picture_files import chunk, draw, full
from PIL import Image as Pillow

from untaught.core.errors import BadInput
from untaught.io import images
from untaught.io.images import Image

KINDS = {".png": "PNG", ".jpg": "JPEG", ".tif": "TIFF", ".webp": "WEBP", ".npy": "NPY"}


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


def test_reading_is_light_and_an_image_travels(tmp_path: Path) -> None:
    import pickle
    import subprocess
    import sys

    code = "import sys, untaught.io.images; sys.exit(any(m in sys.modules for m in ('torch', 'PIL', 'tifffile', 'skimage')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    image = full(draw((4, 5, 3)))
    assert pickle.loads(pickle.dumps(image)).text == replace(image).text


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint32", "uint64", "float64"])
def test_a_tiff_of_any_type_of_numbers_stays_one(tmp_path: Path, dtype: str) -> None:
    here, there = tmp_path / "a.tif", tmp_path / "b.tif"
    tifffile.imwrite(here, np.arange(42, dtype=dtype).reshape(6, 7))
    image = images.read(here)
    images.write(there, image.pixels, image)
    assert tifffile.imread(there).dtype == dtype
    assert np.array_equal(tifffile.imread(there), tifffile.imread(here))
