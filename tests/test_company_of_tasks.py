"""Every picture task, from file to file: what came with the picture survives, and what says nothing has no say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from untaught.cli import main
from untaught.io import images

TASKS: dict[str, tuple[str, ...]] = {
    "denoise": ("--preset", "instant", "--sigma", "0.1"),
    "deblur": ("--preset", "instant", "--kernel", "gauss:0.8", "--sigma", "0.02"),
    "dejpeg": ("--steps", "2"),
    "inpaint": ("--preset", "instant", "--mask", "mask.png"),
    "upscale": ("--factor", "2", "--steps", "2"),
    "enhance": ("--steps", "2"),
    "flash": ("--guide", "guide.png", "--steps", "2"),
}
SIDE = 24
Y, X = np.mgrid[:SIDE, :SIDE]
SCENE = 0.5 + 0.3 * np.sin(Y / 3.0) * np.cos(X / 4.0)
HOLE = (slice(8, 12), slice(5, 8))  # of the mask
GONE = (slice(14, 19), slice(9, 20))  # says nothing


@pytest.fixture(autouse=True)
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mask, guide = np.zeros((SIDE, SIDE), np.uint8), (255 * SCENE[::-1]).astype(np.uint8)
    mask[HOLE] = 255
    Pillow.fromarray(mask).save("mask.png")
    Pillow.fromarray(guide).save("guide.png")


def carried(task: str, source: str) -> images.Image:
    """The result of the command on the file."""
    target = f"{task}.{source}"
    with pytest.raises(SystemExit, match="^0$"):
        main([task, source, *TASKS[task], "-o", target, "--force", "--quiet"])
    return images.read(target)


def sprite(name: str, channels: int, dtype: Any, garbage: float) -> np.ndarray:
    """A soft disk of colour, written to `name`; its alpha. Where that is 0, the colour is garbage."""
    top = np.iinfo(dtype).max
    alpha = np.clip(9 - np.hypot(Y - 11.5, X - 11.5), 0, 1)
    colour = np.stack([SCENE, SCENE * 0.5 + 0.2, 0.9 - SCENE][:channels], -1)
    noise = np.random.default_rng(3).random(colour.shape)
    colour = np.where(alpha[..., None] > 0, colour, garbage * noise)
    stored = np.rint(np.dstack((colour, alpha)) * top).astype(dtype)
    if name.endswith(".png"):
        Path(name).write_bytes(imagecodecs.png_encode(stored))
    elif name.endswith(".webp"):
        Pillow.fromarray(stored).save(name, lossless=True, exact=True)
    else:
        kind: Any = "rgb" if channels == 3 else "minisblack"
        tifffile.imwrite(name, stored, photometric=kind, planarconfig="contig", extrasamples=["unassalpha"])
    return stored[..., -1]


def pairs(first: tuple[Any, ...], *others: tuple[Any, ...]) -> list[Any]:
    """Every task with the first kind of file, and every kind with two tasks, one of which changes the size; all on long runs."""
    many = [(kind, task) for kind in others for task in TASKS]
    slow = pytest.mark.slow
    return [(task, *first) for task in TASKS] + [
        pytest.param(task, *kind, marks=[] if task in ("denoise", "upscale") else slow) for kind, task in many
    ]


@pytest.mark.parametrize(
    ("task", "suffix", "channels", "dtype"),
    pairs(
        (".png", 3, np.uint8),
        (".png", 1, np.uint16),
        (".tif", 3, np.uint16),
        (".tif", 1, np.uint8),
        (".webp", 3, np.uint8),
    ),
)
def test_what_is_hidden_by_transparency_has_no_say(task: str, suffix: str, channels: int, dtype: Any) -> None:
    alpha = sprite(f"a{suffix}", channels, dtype, 0.0)
    sprite(f"b{suffix}", channels, dtype, 1.0)
    black, loud = carried(task, f"a{suffix}"), carried(task, f"b{suffix}")
    times = 2 if task == "upscale" else 1
    for image in (black, loud):
        assert image.alpha is not None
        assert image.alpha.dtype == image.pixels.dtype == dtype
        assert image.pixels.shape[:2] == (SIDE * times, SIDE * times)
    visible = black.alpha > 0
    np.testing.assert_array_equal(black.pixels[visible], loud.pixels[visible])
    if times == 1:
        np.testing.assert_array_equal(black.alpha, alpha)
        source = images.read(f"b{suffix}").pixels
        np.testing.assert_array_equal(loud.pixels[~visible], source[~visible])  # nothing is lost that someone hid
    low, high = (f(images.read(f"a{suffix}").pixels[alpha > 0].astype(float)) for f in (np.min, np.max))
    if task in ("upscale", "denoise"):  # the rim is as light as the rest
        rim = black.pixels[(black.alpha > 0) & (black.alpha < 0.9 * np.iinfo(dtype).max)] / np.iinfo(dtype).max
        assert rim.min() > low / np.iinfo(dtype).max - 0.12
        assert rim.max() < high / np.iinfo(dtype).max + 0.12


@pytest.mark.parametrize(("task", "dtype"), pairs((np.float32,), (np.int16,), (np.uint16,)))
def test_what_a_tiff_says_survives_and_no_data_has_no_say(task: str, dtype: Any) -> None:
    made = []
    for nodata in (0, 30000):
        stored = (4000 * SCENE + 1000).astype(dtype)
        stored[GONE] = nodata
        place = [(33550, 12, 3, (0.5, 0.5, 0.0), True), (33922, 12, 6, (0.0, 0.0, 0.0, 4e5, 5e6, 0.0), True)]
        more = [(34735, 3, 4, (1, 1, 0, 0), True), (42113, 2, 0, str(nodata), True), (315, 2, 0, "N. N.", True)]
        tifffile.imwrite(
            "p.tif", stored, extratags=place + more, resolution=(30000, 30000), resolutionunit="CENTIMETER"
        )
        image = carried(task, "p.tif")
        times = 2 if task == "upscale" else 1
        with tifffile.TiffFile(f"{task}.p.tif") as file:
            tags, result = {t.code: t.value for t in file.pages[0].tags}, file.asarray()
        assert result.dtype == dtype
        assert tags[33550][:2] == (0.5 / times, 0.5 / times)
        assert tags[282][0] / tags[282][1] == 30000 * times
        assert (int(tags[296]), tags[315], tags[42113]) == (3, "N. N.", str(nodata))
        gone = np.kron(stored == nodata, np.ones((times, times), bool))
        np.testing.assert_array_equal(result == nodata, gone)
        assert image.unknown is not None
        made.append(result[~gone].astype(float))
    np.testing.assert_allclose(made[0], made[1], rtol=0, atol=1)  # 1: a known 0 is told from the no-data value 0


@pytest.mark.parametrize("task", TASKS)
def test_a_picture_that_is_transparent_throughout_is_worked_on_as_it_is(task: str) -> None:
    colour = np.rint(255 * SCENE).astype(np.uint8)
    Path("a.png").write_bytes(imagecodecs.png_encode(np.dstack((colour, colour, colour.T, 0 * colour))))
    Pillow.fromarray(np.dstack((colour, colour, colour.T))).save("o.png")
    image = carried(task, "a.png")
    assert not image.alpha.any()
    np.testing.assert_array_equal(image.pixels, carried(task, "o.png").pixels)


def test_one_colour_of_a_changing_opacity_can_be_enlarged() -> None:
    icon = np.zeros((SIDE, SIDE, 4), np.uint8)
    icon[..., 3] = np.rint(255 * np.clip(9 - np.hypot(Y - 11.5, X - 11.5), 0, 1))
    icon[icon[..., 3] > 0, :3] = 240, 150, 40
    Pillow.fromarray(icon).save("icon.png")
    image = carried("upscale", "icon.png")
    assert np.abs(image.pixels.astype(int) - (240, 150, 40)).max() <= 3  # of a network of two steps
    small = image.alpha.reshape(SIDE, 2, SIDE, 2).mean((1, 3))
    assert np.abs(small - icon[..., 3]).mean() < 4


def test_what_was_filled_is_known_afterwards() -> None:
    """A mask over no-data asks for it, and it is data then; what is not asked for stays no-data."""
    stored = (4000 * SCENE + 1000).astype(np.float32)
    stored[HOLE] = stored[GONE] = -9999
    tifffile.imwrite("p.tif", stored, extratags=[(42113, 2, 0, "-9999", True)])
    result = carried("inpaint", "p.tif").pixels
    assert (result[GONE] == -9999).all()
    assert np.abs(result[HOLE] - (4000 * SCENE + 1000)[HOLE]).max() < 1000
