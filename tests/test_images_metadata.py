"""What travels along with a picture, as Pillow sees it too: profiles, EXIF, orientation, text, the recipe."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from picture_files import RECIPE, SRGB, camera, chunk, draw, exif, full
from PIL import Image as Pillow
from PIL import ImageOps

from untaught.io import images
from untaught.io.images import Image, ifd


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


@pytest.mark.parametrize("dpi", [None, (300.0, 300.0)])
def test_exif_that_states_a_resolution_stays_in_every_format(tmp_path: Path, dpi: Any) -> None:
    """WebP has no other place for it, and a picture read from WebP has it nowhere else."""
    block = Pillow.Exif()
    block[0x010F], block[0x011A], block[0x011B], block[0x0128] = "Maker", 300.0, 300.0, 2
    pixels = draw((8, 9, 3), np.uint8)
    for suffix in (".png", ".jpg", ".tif", ".webp"):
        path = tmp_path / f"p{suffix}"
        notes = images.write(path, pixels, Image(pixels, exif=block.tobytes().removeprefix(b"Exif\0\0"), dpi=dpi))
        assert not [note for note in notes if "could not be written" in note]
        with Pillow.open(path) as picture:
            assert picture.getexif()[0x010F] == "Maker"


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
    assert images.write(tmp_path / "larger.tif", larger, image) == ()
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "larger.tif"), larger)
    said = images.read(tmp_path / "larger.tif").text["Description"]
    assert 'SizeX="14"' in said
    assert 'SizeY="12"' in said
    for other in (draw((6, 7)), draw((6, 7, 3), np.uint16)):
        (note,) = images.write(tmp_path / "other.tif", other, image)
        assert "OME description" in note


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
