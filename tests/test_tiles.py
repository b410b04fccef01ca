"""Laws of tiles: they are the whole to within a hundredth of a decibel, whoever makes them and however often that breaks off."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from kept_runs import cli
from PIL import Image
from skimage import data

import untaught
from untaught.bench.metrics import psnr
from untaught.core.errors import BadInput, OutOfMemory, UntaughtError
from untaught.core.registry import tasks
from untaught.io import images, masks
from untaught.io.images.places import Places
from untaught.problem.operators.blur import Blur
from untaught.problem.operators.kernels import named
from untaught.scale import crew, large, preparing, stores, tiling
from untaught.scale.parts import Seen
from untaught.scale.preparing import prepared
from untaught.scale.tiling import Answering, Tiling, find, job_of
from untaught.solver.loop import Run

SIDE, NEAR = 96, 56  # with a halo that is less than the real one, no tile sees all of these small pictures
CLEAN = {"grey": data.camera()[100:260, 100:288], "colour": data.astronaut()[0:160, 150:338]}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(crew, "START", "forkserver")


def noisy(kind: str, dtype: str = "uint8") -> np.ndarray:
    rng, clean = np.random.default_rng(0), CLEAN[kind]
    y = clean + rng.normal(0, 25, clean.shape)
    if dtype == "counts":
        return np.clip(4 * rng.poisson(clean / 4), 0, 255).astype(np.uint8)
    if dtype == "uint16":
        return (257 * np.clip(y, 0, 255)).astype(np.uint16)
    return np.clip(y, 0, 255).astype(np.uint8) if dtype == "uint8" else (y / 100 - 1).astype(dtype)


def saved(folder: Path, array: np.ndarray) -> stores.Source:
    np.save(folder / "in.npy", array)
    return stores.open_source(folder / "in.npy", folder / "unpacked.npy")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "counts"])
@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_a_result_knows_the_way_back_to_its_data(tmp_path: Path, kind: str, dtype: str):
    source = saved(tmp_path, noisy(kind, dtype)[:64, :72].copy())
    job = job_of("denoise", source, {"noise": "poisson"} if dtype == "counts" else {})
    array = np.asarray(source.array()).astype(np.float64)
    given = torch.from_numpy(np.moveaxis(array if array.ndim == 3 else array[..., None], -1, 0).copy())[None]
    assert torch.allclose(job.finish.measured(given).float(), job.problem.data, atol=1e-6)


def tiled(
    tmp_path: Path, source: stores.Source, settings: dict, task: str = "denoise", near: int = NEAR
) -> tuple[np.ndarray, int]:
    """The result of four tiles, and how many times larger than the picture it is."""
    result = tmp_path / "result.npy"
    source = prepared(task, source, settings, tmp_path)
    found = find(job_of(task, source, settings), filled=source.marked is not None)
    assert found is not None
    found = tiling.tried(found, source, keeps=settings.get("keep_nan", False))
    stores.create(result, (*(found.scale * n for n in source.shape[:2]), *source.shape[2:]), source.dtype)
    work = Tiling(found, source, result, SIDE, near)
    assert len(work.tiles) == 4
    assert [work(number) for number in range(4)] == [""] * 4
    return np.load(result), found.scale


@pytest.mark.parametrize(
    ("kind", "dtype", "settings"),
    [
        ("grey", "uint16", {"preset": "instant"}),
        ("grey", "float32", {"preset": "instant", "strength": 0.5}),
        ("grey", "counts", {"preset": "instant", "noise": "poisson"}),
        ("colour", "uint8", {"steps": 4}),
    ],
)
def test_tiled_is_untiled(tmp_path: Path, kind: str, dtype: str, settings: dict):
    """In quality; and along the seams it differs no more, and is no steeper, than anywhere."""
    source = saved(tmp_path, noisy(kind, dtype))
    made = tiled(tmp_path, source, settings)[0].astype(float)
    whole = untaught.denoise(np.asarray(source.array()), **settings).astype(float)
    scale, offset = {"uint16": (257, 0), "float32": (0.01, -1)}.get(dtype, (1, 0))
    made, whole = (made - offset) / scale, (whole - offset) / scale
    clean = CLEAN[kind].astype(float)
    assert abs(psnr(made / 255, clean / 255) - psnr(whole / 255, clean / 255)) < 0.02
    assert_seamless(made, whole, SIDE - 1)


def assert_seamless(made: np.ndarray, whole: np.ndarray, seam: int):
    """What they differ by has no step along the seam, and is there hardly rougher than elsewhere."""
    apart = made - whole
    edges = [np.moveaxis(apart, axis, 0)[seam : seam + 2] for axis in (0, 1)]
    steps = np.concatenate([(edge[1] - edge[0]).ravel() for edge in edges])
    assert abs(steps.mean()) < 0.5
    everywhere = np.concatenate([np.diff(apart, axis=axis).ravel() for axis in (0, 1)])
    assert np.sqrt((steps**2).mean()) < max(1.0, 2 * np.sqrt((everywhere**2).mean()))


def test_one_tile_is_the_whole_to_the_bit(tmp_path: Path):
    source = saved(tmp_path, noisy("grey"))
    found = find(job_of("denoise", source, {"preset": "instant"}))
    assert found is not None
    whole = untaught.denoise(np.asarray(source.array()), preset="instant")
    assert np.array_equal(Answering(found)(Seen(np.asarray(source.array()))), whole)


def test_what_cannot_be_done_in_tiles_says_so(tmp_path: Path):
    source = saved(tmp_path, noisy("grey"))
    with pytest.raises(BadInput, match="fitted to the whole picture"):
        find(job_of("denoise", source, {"preset": "paper"}))
    with pytest.raises(BadInput, match="which Downsample does not promise"):
        find(job_of("upscale", source, {"factor": 1.5}))
    with pytest.raises(BadInput, match="fitted to the whole picture, .*: leave --memory out.$"):
        tiling.fitting("enhance", source, {})
    with pytest.raises(BadInput, match="leave --memory out, or take --preset instant or fast.$"):
        tiling.fitting("denoise", source, {"preset": "paper"})


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


def test_a_mask_and_a_picture_from_file_to_file(tmp_path: Path, small, capsys):
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


def large_camera() -> np.ndarray:
    return data.camera()[100:420, 100:476]


def halved() -> tuple[np.ndarray, np.ndarray]:
    """A picture made smaller, and what it was."""
    clean = large_camera()[:216, :232]
    return np.asarray(Image.fromarray(clean).resize((116, 108), Image.Resampling.LANCZOS)), clean


def blurred() -> tuple[np.ndarray, np.ndarray]:
    clean = torch.from_numpy(large_camera()[:164, :192].astype(np.float32))[None, None]
    y = Blur(named("disk:1.5"))(clean)[0, 0].numpy()
    low, left = ((n - m) // 2 for n, m in zip(clean.shape[2:], y.shape, strict=True))
    seen = np.clip(y + np.random.default_rng(1).normal(0, 2, y.shape), 0, 255).astype(np.uint8)
    return seen, clean[0, 0, low : low + y.shape[0], left : left + y.shape[1]].numpy()


def compressed(folder: Path) -> tuple[Path, np.ndarray, dict]:
    """A JPEG with coarse colour, whose last blocks are cut off, and which lies on its side."""
    clean = CLEAN["colour"][:157, :181]
    exif = Image.Exif()
    exif[274] = 5
    Image.fromarray(clean).save(folder / "in.jpg", quality=20, exif=exif)
    return folder / "in.jpg", clean.transpose(1, 0, 2), {}


def scratched(folder: Path, apart: int = 0) -> tuple[Path, np.ndarray, dict]:
    """A picture with lines over it, so far apart; or with one, across the seams; and where they are."""
    clean = CLEAN["colour"]
    rows, columns = np.indices(clean.shape[:2])
    lines = ((rows + 2 * columns) % apart < 3) | ((rows - columns) % 48 < 2) if apart else abs(rows - columns) < 2
    Image.fromarray(np.where(lines[..., None], 255, clean).astype(np.uint8)).save(folder / "in.png")
    Image.fromarray(255 * lines.astype(np.uint8)).save(folder / "lines.png")
    return folder / "in.png", clean, {"mask": str(folder / "lines.png")}


LOCAL = {  # of every task that can be done in tiles: data and truth, what is done, how far a tile sees
    "denoise": (lambda: (noisy("grey"), CLEAN["grey"]), {"preset": "instant"}, NEAR),
    "upscale": (halved, {"factor": 2, "steps": 3}, 40),
    "deblur": (blurred, {"kernel": "disk:1.5", "preset": "instant", "sigma": 2 / 255}, 56),
    "dejpeg": (compressed, {"preset": "instant"}, 64),
    "inpaint": (lambda folder: scratched(folder, 32), {"preset": "instant"}, NEAR),
}


@pytest.mark.parametrize(
    "task", [pytest.param(name, marks=pytest.mark.slow) if name == "inpaint" else name for name in tasks.names()]
)
def test_every_task_is_in_tiles_what_it_is_as_a_whole_or_refuses(tmp_path: Path, task: str, monkeypatch):
    monkeypatch.setattr(tiling, "CORNER", 32)
    one = tasks.get(task)
    if task not in LOCAL:
        mask = {"mask": np.eye(*CLEAN["grey"].shape, dtype=bool)} if one.masked else {}
        whole = not one.local or one.subject not in ("picture", "file") or one.beside(mask)
        assert whole or refused(task, saved(tmp_path, noisy("grey")))
        return
    assert_whole(tmp_path, task, *LOCAL[task])


@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("dejpeg", {"preset": "balanced", "steps": 3}),
        ("inpaint", {"preset": "fast", "steps": 3, "seed": 1}),
    ],
)
@pytest.mark.slow
def test_a_network_that_corrects_a_classic_answers_for_every_tile(tmp_path: Path, task: str, settings: dict):
    make, _, near = LOCAL[task]
    assert_whole(tmp_path, task, make, settings, near)


def assert_whole(tmp_path: Path, task: str, make, settings: dict, near: int):
    one = tasks.get(task)
    if one.subject == "file" and task != "upscale":
        path, clean, more = make(tmp_path)
        settings, seen = {**settings, **more}, path
        source = stores.open_source(path, tmp_path / "unpacked.npy")
    else:
        seen, clean = make()
        source = saved(tmp_path, seen)
    made, scale = tiled(tmp_path, source, settings, task, near)
    whole = one(seen, **settings)
    made, whole, clean = (x.astype(float) for x in (made, whole, clean))
    assert made.shape == whole.shape == clean.shape
    assert abs(psnr(made / 255, clean / 255) - psnr(whole / 255, clean / 255)) < 0.02
    assert_seamless(made, whole, scale * SIDE - 1)


def refused(task: str, source: stores.Source) -> bool:
    with pytest.raises(UntaughtError):
        tiling.check(job_of(task, source, {}))
    return True


def test_row_noise_is_of_whole_rows(tmp_path: Path):
    """A tile would keep what the whole is freed of: 5 dB."""
    striped = CLEAN["grey"] + np.random.default_rng(0).normal(0, 12, (len(CLEAN["grey"]), 1))
    source = saved(
        tmp_path, np.clip(striped + np.random.default_rng(1).normal(0, 10, striped.shape), 0, 255).astype(np.uint8)
    )
    with pytest.raises(BadInput, match="row or column noise was taken off, which is found along whole rows"):
        find(job_of("denoise", source, {"preset": "instant"}))


def test_hot_pixels_are_found_on_the_whole_and_filled_in_every_tile(tmp_path: Path):
    picture = CLEAN["grey"].copy()
    at = ([20, 50, 120, 140], [30, 150, 40, 170])
    picture[at] = np.where(picture[at] < 128, 255, 0)
    source = saved(tmp_path, picture)
    made, _ = tiled(tmp_path, source, {"preset": "instant"})
    whole = untaught.denoise(picture, preset="instant")
    assert np.abs(made[at].astype(int) - whole[at].astype(int)).max() <= 2
    assert np.abs(made[at].astype(int) - CLEAN["grey"][at]).max() < 40


def test_points_of_light_have_the_shape_that_the_whole_told_in_a_tile_with_few_of_them(tmp_path: Path):
    rng, at = np.random.default_rng(4), np.mgrid[:160, :188]
    places = [*rng.uniform(8, (80, 180), (30, 2)), (140.3, 150.6), (130.2, 175.1)]
    apart = [((at - np.reshape(place, (2, 1, 1))) ** 2).sum(0) for place in places]
    light = sum(high * np.exp(-far / (2 * 1.3**2)) for high, far in zip([60] * 30 + [42] * 2, apart, strict=True))
    picture = (50 + light + rng.normal(0, 11, light.shape)).astype(np.float32)
    source = saved(tmp_path, picture)
    assert any("points of light" in note for note in job_of("denoise", source, {"preset": "instant"}).notes)
    made, _ = tiled(tmp_path, source, {"preset": "instant"})
    whole = untaught.denoise(picture, preset="instant")
    for far in apart[-2:]:  # alone in the last tile: 0.06 of the flux is lost or won where they are no points to it
        assert abs((made - whole)[far <= 16].sum()) < 0.035 * light[far <= 16].sum()


@pytest.fixture
def small(monkeypatch):
    """Tiles of 96 pixels."""
    monkeypatch.setattr(tiling, "SIDE", SIDE)


@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_from_file_to_file(tmp_path: Path, suffix: str, small, capsys):
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


def test_however_many_processes_killed_or_stopped_the_bits_are_the_same(tmp_path: Path, small, monkeypatch, capsys):
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


def test_a_tile_that_is_not_as_the_sample_was(tmp_path: Path, monkeypatch):
    """Refused, and not restored as something else: colour where the sample was grey."""
    monkeypatch.setattr(stores, "WINDOW", 20)  # of which the sample sees the corners, the sides and the middle
    grey = np.repeat(noisy("grey")[..., None], 3, axis=2)
    grey[30, 30, 1] ^= 1
    source = saved(tmp_path, grey)
    found = find(job_of("denoise", source, {"preset": "instant"}))
    assert found is not None
    stores.create(tmp_path / "result.npy", source.shape, source.dtype)
    assert "channels are all the same" in Tiling(found, source, tmp_path / "result.npy", SIDE)(0)
    assert not np.load(tmp_path / "result.npy").any()


@pytest.mark.parametrize(
    ("task", "kind", "settings"),
    [
        ("denoise", "grey", {"preset": "instant"}),
        ("denoise", "colour", {"preset": "instant", "keep_nan": True}),
        ("deblur", "grey", {"kernel": "gauss:1", "preset": "instant"}),
        pytest.param("upscale", "colour", {"factor": 2, "steps": 4}, marks=pytest.mark.slow),
    ],
)
def test_unknown_values_are_in_tiles_what_they_are_in_the_whole(tmp_path: Path, task: str, kind: str, settings: dict):
    picture = noisy(kind, "float32")
    gone = np.random.default_rng(1).random(picture.shape) < 0.02
    gone[88:104, 90:110] = True  # across the seams
    picture[gone] = np.nan
    source = saved(tmp_path, picture)
    made, scale = tiled(tmp_path, source, settings, task)
    whole = getattr(untaught, task)(picture, **settings)
    keeps = settings.get("keep_nan", False)
    lost = gone.repeat(scale, 0).repeat(scale, 1)
    for result in (made, whole):
        assert np.array_equal(np.isnan(result), lost if keeps else np.zeros_like(lost))
    apart = np.abs(made - whole)
    assert np.nanmean(apart[~lost]) < 0.06  # of a range of 2.5
    assert keeps or apart[lost].mean() < 0.1
    assert any(
        f"values are unknown, and {'stay' if keeps else 'are filled'}" in n
        for n in job_of(task, prepared(task, source, settings, tmp_path), settings).notes
    )


def test_unknown_values_that_no_tile_can_fill_are_refused_or_stay(tmp_path: Path):
    picture = noisy("grey", "float32")
    picture[:, :40] = np.nan
    source = saved(tmp_path, picture)
    with pytest.raises(BadInput, match=r"lie 40 pixels from what is known.*give --keep-nan"):
        prepared("denoise", source, {}, tmp_path)
    made, _ = tiled(tmp_path, source, {"preset": "instant", "keep_nan": True})
    assert np.array_equal(np.isnan(made), np.isnan(picture))


def test_a_place_on_the_earth_is_kept_and_no_data_refused(tmp_path: Path, small):
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
