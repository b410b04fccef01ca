"""Every reader's work is bounded by what the header says and the limit allows; what is odd but usable is read, with a note."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import struct
import sys
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from picture_files import chunk, draw
from PIL import Image as Pillow

from untaught.core.errors import BadInput
from untaught.io import images
from untaught.io.checkpoints import pack, unpack
from untaught.io.recipes import Recipe
from untaught.problem.classifiers._find import read as read_weights

FLAT = np.full((512, 512, 3), 90, np.uint8)
PICTURES = [c for c in tifffile.COMPRESSION if c in (*tifffile.TIFF.IMAGE_COMPRESSIONS, 34887, 34927)]
BYTES = [c for c in tifffile.COMPRESSION if c not in PICTURES]


def as_tiff(code: Any, array: np.ndarray = FLAT) -> bytes:
    out = io.BytesIO()
    try:
        tifffile.imwrite(out, array, compression=code, photometric="rgb", metadata=None, rowsperstrip=len(array))
    except Exception as error:
        pytest.skip(f"tifffile cannot write it: {error}")
    return out.getvalue()


def shrunk(data: bytes, side: int) -> bytes:
    """The same strips under a directory that says another size."""
    out = io.BytesIO(data)
    with tifffile.TiffFile(out, mode="r+") as tif:
        for tag in (256, 257, 278):
            if tag in tif.pages.first.tags:
                tif.pages.first.tags[tag].overwrite(side)
    return out.getvalue()


@pytest.mark.parametrize("code", PICTURES)
def test_a_strip_has_room_for_what_it_says(tmp_path: Path, code: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the decoder is not even called where it has not."""
    path = tmp_path / "p.tif"
    path.write_bytes(whole := as_tiff(code))
    assert images.read(path).pixels.shape == FLAT.shape
    path.write_bytes(shrunk(whole, 8))
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda *_: pytest.fail("decoded"))
    with pytest.raises(BadInput, match="would unpack to"):
        images.read(path)


@pytest.mark.parametrize("code", BYTES)
def test_packed_bytes_get_the_room_of_the_directory(tmp_path: Path, code: Any) -> None:
    import tracemalloc

    path = tmp_path / "p.tif"
    path.write_bytes(shrunk(as_tiff(code, np.repeat(FLAT, 8, axis=0)), 8))
    images_read = images.read
    tracemalloc.start()
    with contextlib.suppress(BadInput):
        images_read(path)
    assert tracemalloc.get_traced_memory()[1] < (3 if code != 1 else 8) * 2**20  # 6 MiB unpacked
    tracemalloc.stop()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("back", [0, 1, 2])
def test_directories_in_a_ring(tmp_path: Path, order: Any, big: bool, back: int) -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out, bigtiff=big, byteorder=order) as tif:
        for _ in range(3):
            tif.write(draw((8, 9)), photometric="minisblack", subfiletype=1, metadata=None)
    data = bytearray(out.getvalue())
    with tifffile.TiffFile(io.BytesIO(data)) as tif:
        places, last = [p.offset for p in tif.pages], tif.pages[-1]
        end = last.offset + (8 + 20 * len(last.tags) if big else 2 + 12 * len(last.tags))
    struct.pack_into(order + ("Q" if big else "I"), data, end, places[back])
    (tmp_path / "p.tif").write_bytes(data)
    began = time.process_time()
    for reader in (images.read, images.read_recipe):
        with pytest.raises(BadInput, match="comes after itself"):
            reader(tmp_path / "p.tif")
    assert time.process_time() - began < 1


@pytest.mark.parametrize("tag", [256, 257, 258, 259, 262, 273, 277, 278, 279])
@pytest.mark.parametrize("count", [0, 7, 2**31 - 1, 2**32 - 1])
def test_counts_out_of_all_bounds(tmp_path: Path, tag: int, count: int) -> None:
    data = bytearray(as_tiff(1, draw((8, 9, 3))))
    with tifffile.TiffFile(io.BytesIO(data)) as tif:
        place = tif.pages.first.tags[tag].offset
    struct.pack_into("<I", data, place + 4, count)
    (tmp_path / "p.tif").write_bytes(data)
    try:  # a count that harms nothing may be read past
        assert images.read(tmp_path / "p.tif").pixels.shape == (8, 9, 3)
    except BadInput as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said


@pytest.mark.parametrize(
    "shape", ["-" * 4000 + "1", "(" * 900 + ")" * 900, "(-3,5)", "(3,-5,3)", f"({2**70},5)", "(1e9,)"]
)
def test_headers_of_arrays(tmp_path: Path, shape: str) -> None:
    head = f"{{'descr':'|u1','fortran_order':False,'shape':{shape}}}\n".encode()
    (tmp_path / "p.npy").write_bytes(np.lib.format.magic(1, 0) + struct.pack("<H", len(head)) + head + bytes(64))
    with pytest.raises(BadInput):
        images.read(tmp_path / "p.npy")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_end_marker(tmp_path: Path, progressive: bool) -> None:
    path = tmp_path / "p.jpg"
    Pillow.fromarray(draw((40, 56, 3))).save(path, progressive=progressive)
    whole, expected = path.read_bytes(), images.read(path).pixels
    for end in (b"", b"\xff", b"\0" * 9):
        path.write_bytes(whole[:-2] + end)
        image = images.read(path)
        np.testing.assert_array_equal(image.pixels, expected)
        assert end or "end marker" in image.notes[0]  # Pillow takes some ends for whole
    for missing in (3, 4, 6, 10, 40, len(whole) // 2):
        path.write_bytes(whole[:-missing])
        with pytest.raises(BadInput, match="truncated"):
            images.read(path)


@pytest.mark.parametrize(
    ("bits", "lossless", "words"),
    [
        (12, False, "12-bit JPEG"),
        (8, True, "lossless JPEG"),
        (12, True, "lossless 12-bit"),
        (16, True, "lossless 16-bit"),
    ],
)
@pytest.mark.parametrize("colour", [False, True])
def test_jpegs_of_other_kinds(tmp_path: Path, bits: int, lossless: bool, words: str, colour: bool) -> None:
    smooth = np.add.outer(np.arange(40), np.arange(56)).astype(np.float64) / 96
    values = np.rint(smooth * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    values = np.dstack((values, values, values)) if colour else values
    path = tmp_path / "p.jpg"
    path.write_bytes(imagecodecs.jpeg8_encode(values, level=100, lossless=lossless, bitspersample=bits))
    image = images.read(path)
    assert words in image.notes[0]
    full = np.iinfo(image.pixels.dtype).max
    np.testing.assert_allclose(image.pixels / full, values / (2**bits - 1), atol=0 if lossless and bits != 12 else 0.01)


def test_a_png_has_one_header(tmp_path: Path) -> None:
    images.write(tmp_path / "p.png", draw((8, 9, 3), np.uint16))
    data = (tmp_path / "p.png").read_bytes()
    second = chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 16, 2, 0, 0, 0))
    (tmp_path / "p.png").write_bytes(data[:33] + second + data[33:])
    with pytest.raises(BadInput):
        images.read(tmp_path / "p.png")
    recipe = chunk(b"tEXt", b"untaught\0behind the end")
    (tmp_path / "p.png").write_bytes(data + recipe)
    assert images.read_recipe(tmp_path / "p.png") is None


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_recipes_that_unpack_to_gigabytes(tmp_path: Path, kind: bytes) -> None:
    packed = zlib.compress(bytes(2**26), 9)
    body = {b"tEXt": bytes(2**20), b"zTXt": b"\0" + packed, b"iTXt": b"\1\0\0\0" + packed}[kind]
    images.write(tmp_path / "p.png", draw((8, 9)))
    data = (tmp_path / "p.png").read_bytes()
    (tmp_path / "p.png").write_bytes(data[:33] + chunk(kind, b"untaught\0" + body) + data[33:])
    with pytest.raises(BadInput, match="recipe"):
        images.read_recipe(tmp_path / "p.png")


def test_recipes_that_are_none(tmp_path: Path) -> None:
    endless = tmp_path / "endless.toml"
    endless.write_bytes(b"#" * 2**20)
    for path, part in ((endless, "longer than"), (Path("/dev/zero"), "a device"), (tmp_path, "a folder")):
        with pytest.raises(BadInput, match=part):
            Recipe.read(path)
    for text in ("a = " + "9" * 5000, "a = " + "9" * 40, "a = " + "[" * 5000, "[files]\nmask = 'x'"):
        with pytest.raises(BadInput, match="no whole recipe"):
            Recipe.from_toml(text)


def test_links_that_lead_to_themselves(tmp_path: Path) -> None:
    (tmp_path / "p.png").symlink_to(tmp_path / "p.png")
    with pytest.raises(BadInput):
        images.read(tmp_path / "p.png")
    with pytest.raises(BadInput, match="cannot be written"):
        images.check_output(tmp_path / "p.png")


def test_a_file_longer_than_any_picture(tmp_path: Path) -> None:
    images.write(tmp_path / "p.png", draw((8, 9)))
    with (tmp_path / "p.png").open("r+b") as file:
        file.truncate(10**13)  # a hole, which takes no room
    with pytest.raises(BadInput, match="limit"):
        images.read(tmp_path / "p.png")


def test_weights_that_unpack_to_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez_compressed(path, a=np.zeros(2**25, np.float32))
    with pytest.raises(BadInput, match="at most"):
        read_weights(path)
    for shape in ("(1000000000000,)", "(-1,)", "(3,)"):
        head = f"{{'descr':'<f4','fortran_order':False,'shape':{shape}}}\n".encode()
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("a.npy", np.lib.format.magic(1, 0) + struct.pack("<H", len(head)) + head + bytes(16))
        with pytest.raises(BadInput, match="no weights"):
            read_weights(path)
    with pytest.raises(BadInput, match="a device"):
        read_weights(Path("/dev/zero"))


def test_a_state_asks_for_no_more_than_it_holds() -> None:
    import torch

    data = pack({"x": torch.ones(4, 5).T})
    assert b'\\"stride\\": [1, 5]' in data
    for stride in (b"[9, 5]", b"[0, 5]", b"[1, 0]"):
        made = data.replace(b"[1, 5]", stride)
        if stride == b"[9, 5]":
            with pytest.raises(ValueError, match="strides"):
                unpack(made)
    with pytest.raises(ValueError, match="no state"):
        unpack(data[:-1])


def test_hundreds_of_damaged_files() -> None:
    """The first 300 of those that `benchmarks/fuzz.py` tries by the thousand."""
    place = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"
    spec = importlib.util.spec_from_file_location("fuzz", place)
    assert spec
    assert spec.loader
    fuzz = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = fuzz
    spec.loader.exec_module(fuzz)
    outcomes, failures, _ = fuzz.sweep(300, 0)
    assert not failures
    assert outcomes["read"] > 20
    assert outcomes["refused"] > 20
