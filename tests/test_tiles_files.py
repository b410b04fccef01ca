"""Tiles from file to file: whoever makes them and however often that breaks off, the bits are the same, and nothing is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import tifffile
from kept_runs import cli
from PIL import Image
from tiled import CLEAN, compressed, noisy, saved, scratched

import untaught
from untaught.core.errors import BadInput, OutOfMemory, UntaughtError
from untaught.io import images, masks
from untaught.io.images.places import Places
from untaught.scale import crew, large, preparing, stores
from untaught.scale.preparing import prepared
from untaught.scale.tiling import Tiling
from untaught.solver.loop import Run


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(crew, "START", "forkserver")


def test_holes_that_no_tile_can_fill(tmp_path: Path, capsys):
    array, hole = noisy("grey"), np.zeros(CLEAN["grey"].shape, np.uint8)
    np.save(tmp_path / "in.npy", array)
    for mask, more, said in (
        (np.s_[20:50, 30:70], (), "its holes are wide, and are continued from anywhere"),
        (
            np.s_[4:156, 4:156],
            ("--recipe", "pixels"),
            "A hole reaches 76 pixels from what is known, and in tiles at most 32",
        ),
        (np.s_[9, 9:90], ("--grow", "70"), "grow = 70 is further than a tile sees"),
        (np.s_[0:0], (), "marks no pixel"),
    ):
        marks = hole.copy()
        marks[mask] = 255
        images.write(tmp_path / "mask.png", marks, places=Places(force=True))
        words = ("--mask", tmp_path / "mask.png", "--memory", "8GB", *more)
        assert cli("inpaint", tmp_path / "in.npy", "-o", tmp_path / "out.npy", *words) == 2
        err = capsys.readouterr().err
        assert said in err
        assert len(err.strip().splitlines()) == 1
    assert cli("inpaint", tmp_path / "in.npy", "-o", tmp_path / "out.npy", "--mask", "alpha", "--memory", "8GB") == 2
    assert "save the mask as a file of its own" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.npy", "mask.png"]


@pytest.mark.parametrize("how", ["plain", "keeps", "grown", "colour", "nan", "soft"])
def test_a_mask_by_bands_is_that_of_the_whole(tmp_path: Path, how: str, monkeypatch):
    monkeypatch.setattr(preparing, "BAND", 16)
    monkeypatch.setattr(preparing, "FAR", 30)
    array, draw = noisy("colour", "float32" if how == "nan" else "uint8"), np.random.default_rng(3)
    marks = (draw.random(array.shape[:2]) < 0.02).astype(np.uint8)
    marks[40:52, 60:90] = 1
    settings: dict = {"mask": str(tmp_path / "mask.png")}
    if how == "nan":
        array[marks > 0, draw.integers(3)] = np.nan
        settings = {"mask": "nan"}
    if how == "colour":
        array[marks > 0] = (255, 0, 255)
        settings = {"mask_colour": "#ff00ff"}
    marks = 1 - marks if how == "keeps" else marks
    Image.fromarray(
        (marks * 255 if how != "soft" else marks * draw.integers(90, 255, marks.shape)).astype(np.uint8)
    ).save(tmp_path / "mask.png")
    settings |= {"keeps": {"mask_keeps": True}, "grown": {"grow": 3}}.get(how, {})
    source = prepared("inpaint", saved(tmp_path, array), settings, tmp_path)
    assert source.marked is not None
    names = {"mask_keeps": "keeps", "mask_colour": "colour"}
    given = {names.get(k, k): v for k, v in settings.items() if k != "mask"}
    fill, notes = masks.find(images.Image(array), settings.get("mask"), channel_axis=-1, **given)
    at = (slice(0, array.shape[0]), slice(0, array.shape[1]))
    assert np.array_equal(source.part(at).fill, fill)
    assert source.marked.shape == masks.measure(fill, -1)
    assert source.marked.notes[-1] in notes


def test_a_mask_and_a_picture_from_file_to_file(tmp_path: Path, small_tiles, capsys):
    """What is known stays to the bit, the mask is never written over, and another mask is another run."""
    path, _, more = scratched(tmp_path)
    way = ("--preset", "instant", "--memory", "8GB", "--mask", more["mask"])
    assert cli("inpaint", path, "-o", more["mask"], *way, "--force") == 2
    assert "inputs are never overwritten" in capsys.readouterr().err
    assert cli("inpaint", path, "-o", tmp_path / "out.png", *way) == 0
    err = capsys.readouterr().err
    assert "restored in tiles of 96 x 96 pixels" in err
    assert "will be filled" in err
    lines = images.read(more["mask"]).pixels > 0
    before, after = images.read(path).pixels, images.read(tmp_path / "out.png").pixels
    assert np.array_equal(before[~lines], after[~lines])
    whole = untaught.inpaint(before, mask=lines, preset="instant")
    clean = CLEAN["colour"][lines].astype(float)
    found, alone = (((x[lines] - clean) ** 2).mean() for x in (after, whole))
    assert found < 1.1 * alone < 20**2
    assert "lines.png" in str(images.read_recipe(tmp_path / "out.png"))
    assert cli("dejpeg", compressed(tmp_path)[0], "-o", tmp_path / "jpeg.png", *way[:4]) == 0
    assert images.read(tmp_path / "jpeg.png").pixels.shape == (181, 157, 3)
    assert not list(tmp_path.glob("*.tiles"))


@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_from_file_to_file(tmp_path: Path, suffix: str, small_tiles, capsys):
    """Nothing is left beside."""
    picture, array = tmp_path / f"in{suffix}", noisy("grey", "uint16")
    if suffix == ".npy":
        np.save(picture, array)
    else:
        tifffile.imwrite(
            picture, array, tile=(32, 32), compression="zlib", resolution=(300, 300), resolutionunit="inch"
        )
    one, way = tmp_path / f"one{suffix}", ("--preset", "instant", "--memory", "8GB")
    assert cli("denoise", picture, "-o", one, *way, "--workers", 1) == 0
    assert "restored in tiles of 96 x 96 pixels" in capsys.readouterr().err
    first = images.read(one)
    assert first.pixels.dtype == np.uint16
    if suffix == ".tif":
        assert first.dpi == (300, 300)
        with tifffile.TiffFile(one) as tif:
            assert tif.is_bigtiff
            assert tif.pages.first.is_tiled
        assert "noise is independent" in str(images.read_recipe(one))
    assert not list(tmp_path.glob("*.tiles"))
    assert cli("denoise", picture, "-o", one, *way) == 2
    assert "exists already" in capsys.readouterr().err


class Killing(Tiling):
    """Its process is killed amid the third tile, once."""

    def __call__(self, number, contact=None):
        flag = self.result.with_name("killed")
        if number == 2 and not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(number, contact)


def test_however_many_processes_killed_or_stopped_the_bits_are_the_same(
    tmp_path: Path, small_tiles, monkeypatch, capsys
):
    np.save(tmp_path / "in.npy", noisy("grey"))

    def command(name: str, *more, workers: int = 1) -> int:
        words = ("--preset", "instant", "--memory", "8GB", "--workers", workers)
        return cli("denoise", tmp_path / "in.npy", "-o", tmp_path / f"{name}.npy", *words, *more)

    assert command("whole", workers=2) == 0
    with monkeypatch.context() as patch:
        patch.setattr(large, "Tiling", Killing)
        assert command("killed") == 0
    made = large.Large.__iter__

    def two(self):
        for done, count in made(self):
            yield done, count
            if done == 2:
                self.stop()

    with monkeypatch.context() as patch:
        patch.setattr(large.Large, "__iter__", two)
        patch.setattr(large.Large, "end", lambda self: ())
        command("stopped")
    lines = (tmp_path / "stopped.npy.tiles" / "done").read_text().splitlines()
    assert len(lines) in (3, 4)  # of four tiles two or three are there, and only the others are made
    capsys.readouterr()
    assert command("stopped", "--json") == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["tiles"] for line in said if "tiles" in line] == list(range(len(lines) - 1, 5))
    whole = np.load(tmp_path / "whole.npy")
    for name in ("killed", "stopped"):
        assert np.array_equal(np.load(tmp_path / f"{name}.npy"), whole)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--memory", "much"), "is no amount of memory"),
        (("--memory", "10MB"), "is too little"),
        (("--memory", "2GB", "--workers", "0"), "nobody to work"),
        (("--memory", "2GB", "--preset", "paper"), "fitted to the whole picture"),
        (("--memory", "2GB", "--report", "r.html"), "--report is of the whole picture"),
        (("--memory", "2GB", "--preset", "swift"), "There is no preset 'swift'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, words, said: str, capsys):
    np.save(tmp_path / "in.npy", noisy("grey"))
    assert cli("denoise", tmp_path / "in.npy", "-o", tmp_path / "out.npy", *words) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_files_that_are_no_picture_for_tiles(tmp_path: Path):
    for name, array, said in (
        ("a", np.zeros((4, 5, 6, 3), np.uint8), "4 x 5 x 6 x 3 values"),
        ("b", np.zeros((4, 5), np.int64), "type int64"),
        ("c", np.zeros((0, 5), np.uint8), "is empty"),
        ("d", np.asfortranarray(np.zeros((4, 5), np.uint8)), "Fortran order"),
    ):
        np.save(tmp_path / f"{name}.npy", array)
        with pytest.raises(BadInput, match=said):
            stores.open_source(tmp_path / f"{name}.npy", tmp_path / "u.npy")
    tifffile.imwrite(tmp_path / "pages.tif", np.zeros((3, 8, 9), np.uint8), photometric="minisblack")
    with pytest.raises(BadInput, match="3 pages"):
        stores.open_source(tmp_path / "pages.tif", tmp_path / "u.npy")
    cut = tmp_path / "cut.tif"
    tifffile.imwrite(cut, noisy("grey"), compression="zlib")
    cut.write_bytes(cut.read_bytes()[:3000])
    with pytest.raises(BadInput, match="damaged TIFF"):
        stores.open_source(cut, tmp_path / "u.npy")


def test_a_place_on_the_earth_is_kept_and_no_data_refused(tmp_path: Path, small_tiles):
    place = [
        (33550, 12, 3, (0.5, 0.5, 0.0)),
        (33922, 12, 6, (0.0, 0.0, 0.0, 700.0, 900.0, 0.0)),
        (34737, 2, 0, "UTM 32|"),
    ]
    tifffile.imwrite(tmp_path / "in.tif", noisy("grey"), extratags=[(*tag, True) for tag in place])
    assert (
        cli("denoise", tmp_path / "in.tif", "-o", tmp_path / "out.tif", "--preset", "instant", "--memory", "2GB") == 0
    )
    with tifffile.TiffFile(tmp_path / "in.tif") as before, tifffile.TiffFile(tmp_path / "out.tif") as after:
        for code, *_ in place:
            assert before.pages.first.tags[code].value == after.pages.first.tags[code].value
    tifffile.imwrite(tmp_path / "gone.tif", noisy("grey"), extratags=[(42113, 2, 0, "0", True)])
    with pytest.raises(BadInput, match="no data"):
        stores.open_source(tmp_path / "gone.tif", tmp_path / "u.npy")


def test_a_disk_that_is_too_small_is_known_before(tmp_path: Path):
    with pytest.raises(UntaughtError, match="GB are needed"):
        stores.create(tmp_path / "out.npy", (10**7, 10**7), np.uint16)
    assert not (tmp_path / "out.npy").exists()


@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_a_disk_that_is_too_small_ends_it_before_the_work(tmp_path: Path, suffix: str, monkeypatch, capsys):
    """For the result, and for the file that it is packed into; nothing is left."""
    array = noisy("grey")
    np.save(tmp_path / "in.npy", array)
    usage, room = shutil.disk_usage(tmp_path), array.nbytes * (1 if suffix == ".npy" else 2)
    monkeypatch.setattr(large, "Crew", None)  # no work is begun
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=room - 1))
    out = tmp_path / f"out{suffix}"
    assert cli("denoise", tmp_path / "in.npy", "-o", out, "--preset", "instant", "--memory", "2GB") != 0
    said = capsys.readouterr().err.strip().splitlines()
    assert "are needed in" in said[0]
    assert len(said) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["in.npy"]


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("shape", [(37, 53), (70, 40, 3)])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_is_read_as_it_is(tmp_path: Path, compression, shape, order):
    array = np.random.default_rng(0).integers(0, 60000, shape).astype(np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", array, compression=compression, byteorder=order, rowsperstrip=16)
    source = stores.open_source(tmp_path / "in.tif", tmp_path / "u.npy")
    assert np.array_equal(source.array(), array)


def test_the_sample_of_a_large_picture(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(stores, "WINDOW", 20)
    array = np.arange(150 * 70).reshape(150, 70).astype(np.uint16)
    sample = saved(tmp_path, array).sample().pixels
    assert sample.shape == (60, 60)
    assert np.array_equal(sample[:20, :20], array[:20, :20])
    assert np.array_equal(sample[-20:, -20:], array[-20:, -20:])


def test_want_of_memory_falls_to_tiles_and_says_so(tmp_path: Path, monkeypatch, capsys):
    picture = noisy("grey")[:60, :72]
    images.write(tmp_path / "in.png", picture)

    def refuse(job):
        raise OutOfMemory("A picture of 9 x 9 needs 9 GiB, and 1 GiB are free: take a smaller preset.")

    monkeypatch.setattr("untaught.solver.loop.refuse", refuse)
    assert cli("denoise", tmp_path / "in.png", "-o", tmp_path / "paper.png", "--preset", "paper") == 2
    assert "take a smaller preset" in capsys.readouterr().err
    assert cli("denoise", tmp_path / "in.png", "-o", tmp_path / "out.png", "--preset", "instant") == 0
    assert "take a smaller preset. It is done in tiles." in capsys.readouterr().err
    whole = untaught.denoise.job(picture, preset="instant")
    monkeypatch.undo()
    assert np.array_equal(images.read(tmp_path / "out.png").pixels, whole.result(Run(whole).course.picture()))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.png", "out.png"]
