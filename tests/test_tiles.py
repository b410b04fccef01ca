"""Laws of tiles: they are the whole to within a hundredth of a decibel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from tiled import CLEAN, NEAR, SIDE, compressed, noisy, saved, scratched

import untaught
from untaught.bench.metrics import psnr
from untaught.core.errors import BadInput, UntaughtError
from untaught.core.registry import tasks
from untaught.problem.operators.blur import Blur
from untaught.problem.operators.kernels import named
from untaught.scale import stores, tiling
from untaught.scale.parts import Seen
from untaught.scale.preparing import prepared
from untaught.scale.tiling import Answering, Tiling, find, job_of


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
        pytest.param("grey", "float32", {"preset": "instant", "strength": 0.5}, marks=pytest.mark.slow),
        ("grey", "counts", {"preset": "instant", "noise": "poisson"}),
        pytest.param("colour", "uint8", {"steps": 4}, marks=pytest.mark.slow),
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


LOCAL = {  # of every task that can be done in tiles: data and truth, what is done, how far a tile sees
    "denoise": (lambda: (noisy("grey"), CLEAN["grey"]), {"preset": "instant"}, NEAR),
    "upscale": (halved, {"factor": 2, "steps": 3}, 40),
    "deblur": (blurred, {"kernel": "disk:1.5", "preset": "instant", "sigma": 2 / 255}, 64),
    "dejpeg": (compressed, {"preset": "instant"}, 64),
    "inpaint": (lambda folder: scratched(folder, 32), {"preset": "instant"}, NEAR),
}


DEAR = "inpaint", "upscale"


@pytest.mark.parametrize(
    "task", [pytest.param(name, marks=pytest.mark.slow) if name in DEAR else name for name in tasks.names()]
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
    if one.subject == "file" and task not in ("upscale", "deblur"):
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
        pytest.param("denoise", "colour", {"preset": "instant", "keep_nan": True}, marks=pytest.mark.slow),
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
