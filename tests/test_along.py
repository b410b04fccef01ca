"""Frames along time: better than each alone, with less flicker, and the same from whatever files they come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from kept_runs import cli
from scipy.ndimage import gaussian_filter
from skimage import data

import untaught
from untaught.bench.metrics import psnr
from untaught.classical.denoise.nl_ridge import Pass
from untaught.classical.denoise.series import SeriesRidge
from untaught.core.errors import BadInput
from untaught.io import images
from untaught.scale import along

SIGMA = 15


def clip(moves: int, channels: int = 1, count: int = 6, side: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """(clean, noisy) frames of uint8; the view moves by so many pixels a frame, and a square goes the other way."""
    whole = data.astronaut() if channels == 3 else data.camera()
    frames = []
    for t in range(count):
        frame = whole[60 : 60 + side, 190 + moves * t : 190 + moves * t + side].copy()
        frame[9:21, 14 - t : 26 - t] = whole[100:112, 220:232]
        frames.append(frame)
    clean = np.stack(frames)
    noise = np.random.default_rng(0).normal(0, SIGMA, clean.shape)
    return clean, np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


def flicker(made: np.ndarray, clean: np.ndarray) -> float:
    """What changes from frame to frame and not in the scene, where that is flat, in grey levels."""
    error = made.astype(float) - clean
    steep = np.abs(np.gradient(clean.astype(float), axis=(1, 2))).max(0)
    steep = steep.max(-1, keepdims=True) if clean.ndim == 4 else steep
    flat = np.broadcast_to(steep < np.median(steep), error.shape)[1:]
    return float(np.sqrt((np.diff(error, axis=0)[flat] ** 2).mean()))


def quality(made: np.ndarray, clean: np.ndarray) -> float:
    return psnr(made / 255, clean / 255)


@pytest.mark.parametrize(("moves", "channels"), [(0, 1), pytest.param(1, 3, marks=pytest.mark.slow)])
def test_frames_together_are_better_than_each_alone_and_flicker_less(moves: int, channels: int):
    clean, noisy = clip(moves, channels)
    together = untaught.denoise(noisy, along="time")
    alone = np.stack([untaught.denoise(frame, preset="instant") for frame in noisy])
    assert (together.shape, together.dtype) == (noisy.shape, noisy.dtype)
    assert quality(together, clean) > quality(alone, clean) + 0.3
    assert flicker(together, clean) < 0.9 * flicker(alone, clean)


@pytest.mark.parametrize("noise", ["auto", pytest.param("poisson", marks=pytest.mark.slow)])
def test_noise_of_other_kinds_is_taken_as_what_it_is_in_a_frame(noise: str):
    """As cameras have it: shared by neighbours, or louder where it is brighter."""
    clean, _ = clip(1, count=5, side=72)
    rng = np.random.default_rng(0)
    if noise == "auto":
        shared = gaussian_filter(rng.normal(0, 1, clean.shape), (0, 0.8, 0.8))
        noisy = clean + 12 * shared / shared.std()
    else:
        noisy = 6.0 * rng.poisson(clean / 6)
    noisy = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    together = untaught.denoise(noisy, along="time", noise=noise)
    alone = np.stack([untaught.denoise(frame, preset="instant", noise=noise) for frame in noisy])
    assert quality(together, clean) > quality(alone, clean)
    assert flicker(together, clean) < 0.6 * flicker(noisy, clean)


def test_clean_frames_stay_as_they_are():
    clean, _ = clip(1, count=3)
    assert quality(untaught.denoise(clean, along="time"), clean) > 40


def test_a_cut_between_two_scenes_is_no_worse_than_each_alone():
    """Where nothing is there again in the frames beside, none of them is mixed in."""
    one, other = clip(0, count=1), clip(0, count=1)
    clean, noisy = (np.stack([a[0], b[0, ::-1, ::-1]]) for a, b in zip(one, other, strict=True))
    together = untaught.denoise(noisy, along="time", preset="instant")
    alone = np.stack([untaught.denoise(frame, preset="instant") for frame in noisy])
    assert quality(together, clean) > quality(alone, clean) - 0.3
    assert quality(together, clean) > quality(noisy, clean) + 3


def test_in_tiles_it_is_what_it_is_at_once():
    clean, noisy = clip(1, side=80)
    y = torch.from_numpy(noisy[None, None] / 255).float()
    whole = SeriesRidge(then=(Pass(5, 32),), frames=1)
    parts = replace(whole, whole=1, side=(3, 48, 48))
    first, second = (f(y, torch.tensor(SIGMA / 255))[0, 0].numpy() for f in (whole, parts))
    truth = clean / 255
    assert abs(psnr(first, truth) - psnr(second, truth)) < 0.02
    at_seam = np.abs((first - second)[:, 46:50]).mean() * 255
    assert at_seam < 1


def film(path: Path, frames: np.ndarray, kind: str = "420jpeg") -> Path:
    height, width = frames.shape[1:]
    colour = bytes([128]) * (2 * (height // 2) * (width // 2))
    head = f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C{kind}\n".encode()
    path.write_bytes(head + b"".join(b"FRAME\n" + f.tobytes() + colour for f in frames))
    return path


def test_the_same_frames_from_any_files_are_restored_alike(tmp_path: Path, monkeypatch):
    """A film stays one of its size and colours; a picture for each frame, in the order of their numbers."""
    side = 28
    _, noisy = clip(1, count=11, side=side)
    tifffile.imwrite(tmp_path / "in.tif", noisy, photometric="minisblack", resolution=(300, 300), resolutionunit="inch")
    np.save(tmp_path / "in.npy", noisy)
    film(tmp_path / "in.y4m", noisy)
    (tmp_path / "frames").mkdir()
    for i, frame in enumerate(noisy):
        images.write(tmp_path / "frames" / f"{i}.png", frame)  # 2 comes before 10
    how = ["--along", "time", "--preset", "instant", "-q"]
    for kind in ("tif", "npy", "y4m"):
        assert cli("denoise", tmp_path / f"in.{kind}", "-o", tmp_path / f"out.{kind}", *how) == 0
    files = [str(tmp_path / "frames" / f"{i}.png") for i in range(11)]
    assert cli("denoise", *files, "-o", tmp_path / "out", *how) == 0
    first = np.load(tmp_path / "out.npy")
    assert not np.array_equal(first, noisy)
    assert np.array_equal(tifffile.imread(tmp_path / "out.tif"), first)
    assert np.array_equal(np.stack([images.read(tmp_path / "out" / f"{i}.png").pixels for i in range(11)]), first)
    with tifffile.TiffFile(tmp_path / "out.tif") as tif:
        assert len(tif.pages) == 11
        assert tif.pages.first.resolution == (300, 300)
        assert 'along = "time"' in tif.pages.first.tags[65000].value
    before, after = ((tmp_path / f"{name}.y4m").read_bytes() for name in ("in", "out"))
    assert len(before) == len(after)
    size = 6 + side * side * 3 // 2
    for i, frame in enumerate(first):
        at = before.index(b"FRAME") + i * size + 6
        assert after[at : at + side * side] == frame.tobytes()
        assert after[at + side * side : at + size - 6] == before[at + side * side : at + size - 6]
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []


def test_a_clip_by_parts_is_what_it_is_at_once(tmp_path: Path, monkeypatch):
    clean, noisy = clip(1, count=12, side=32)
    np.save(tmp_path / "in.npy", noisy)
    how = ["--along", "time", "--preset", "instant", "-q"]
    assert cli("denoise", tmp_path / "in.npy", "-o", tmp_path / "once.npy", *how) == 0
    monkeypatch.setattr(along, "VALUES", 1)
    assert cli("denoise", tmp_path / "in.npy", "-o", tmp_path / "parts.npy", *how) == 0
    once, parts = np.load(tmp_path / "once.npy"), np.load(tmp_path / "parts.npy")
    assert abs(quality(once, clean) - quality(parts, clean)) < 0.02
    assert np.abs(once.astype(int) - parts).mean() < 1


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("one.png", [], "is one picture"),
        ("none.tif", [], "There is no file"),
        ("one.tif", [], "no series of frames"),
        ("cut.y4m", [], "cut off or damaged at frame 2"),
        ("deep.y4m", [], "pixels of the kind 420p10"),
        ("in.npy", ["--preset", "paper"], "fitted to all frames"),
        ("in.npy", ["--memory", "2GB"], "--memory is of one picture"),
        ("in.npy", ["-o", "out.png"], "cannot hold several frames"),
    ],
)
def test_what_is_no_clip_is_one_sentence(tmp_path: Path, monkeypatch, capsys, name, more, said):
    monkeypatch.chdir(tmp_path)
    _, noisy = clip(1, count=3, side=32)
    np.save("in.npy", noisy)
    images.write(Path("one.png"), noisy[0])
    tifffile.imwrite("one.tif", noisy[0], photometric="minisblack")
    film(Path("deep.y4m"), noisy, "420p10")
    whole = film(Path("cut.y4m"), noisy).read_bytes()
    Path("cut.y4m").write_bytes(whole[: len(whole) // 2])
    there = sorted(Path().iterdir())
    assert cli("denoise", name, "--along", "time", *more) == 2
    err = capsys.readouterr().err.strip()
    assert said in err
    assert len(err.splitlines()) == 1
    assert sorted(Path().iterdir()) == there


def test_arrays_that_are_no_frames():
    with pytest.raises(BadInput, match="did you mean 'time'"):
        untaught.denoise(np.zeros((20, 20), np.uint8), along="tim")
    with pytest.raises(BadInput, match="no series of frames"):
        untaught.denoise(np.zeros((20, 20), np.uint8), along="time")
