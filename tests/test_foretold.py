"""What is foretold from elsewhere in the picture is picture: patterns, lettering, counts, empty channels, hot pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from skimage.data import chelsea

import untaught
from untaught.classical.denoise.camera import skewed
from untaught.classical.denoise.nl_bayes import NonLocalBayes, covariance
from untaught.noise import estimate_noise, find_hot, hot, mended
from untaught.noise.foretold import Foretold, foretell
from untaught.noise.impulses import find_impulses
from untaught.noise.neighbours import limited

SIDE = 96
Y, X = np.mgrid[:SIDE, :SIDE]


def lettering(size: int = 12) -> np.ndarray:
    page, rng = Image.new("L", (SIDE, SIDE), 235), np.random.default_rng(size)
    for y in range(1, SIDE, size + 3):
        line = "".join(rng.choice(list("etaoinshrdlu  "), 40))
        ImageDraw.Draw(page).text((1, y), line, fill=30, font_size=size)
    return np.asarray(page, np.float64)


def squares(step: int) -> np.ndarray:
    cells = np.random.default_rng(step).random((SIDE // step + 1,) * 2) > 0.5
    return 20 + 215.0 * np.kron(cells, np.ones((step, step)))[:SIDE, :SIDE]


PATTERNS = {
    "fringes": 128 + 100 * np.sin(2 * np.pi * (X + 0.6 * Y) / 7),
    "checkerboard": 30 + 190.0 * ((X // 3 + Y // 3) % 2),
    "lattice": 220 - 180.0 * ((X % 9 < 2) | (Y % 9 < 2)),
    "code": squares(4),
    "lettering": lettering(),
}


def noisy(clean: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    drawn = clean + np.random.default_rng(seed).normal(0, sigma, clean.shape)
    return np.clip(np.rint(drawn), 0, 255).astype(np.uint8)


def tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture.astype(np.float32) / 255)[None, None]


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_no_noise_that_neighbours_share(name: str) -> None:
    given, clean = noisy(PATTERNS[name], 8), PATTERNS[name]
    found = estimate_noise(tensor(given))
    assert not found.sharers
    assert float(found.sigma) * 255 == pytest.approx(8, rel=0.15)
    blind, told = (untaught.denoise(given, preset="instant", **kw) for kw in ({}, {"sigma": 8 / 255}))
    assert untaught.psnr(blind, clean.astype(np.uint8)) > untaught.psnr(told, clean.astype(np.uint8)) - 0.5


@pytest.mark.parametrize(
    ("name", "sigma"),
    [
        *(("bars", 10), ("lines", 25), ("cut out", 10)),
        *(
            pytest.param(*more, marks=pytest.mark.slow)
            for more in (("checkerboard", 10), ("lattice", 25), ("bars", 25))
        ),
    ],
)
def test_even_noise_is_measured_where_every_part_is_pattern_or_black(name: str, sigma: float) -> None:
    """Much of it is cut off at black and white, and patches are all alike in brightness: no law of brightness follows."""
    side = 128
    y, x = np.mgrid[:side, :side]
    rings = sum(np.cos(2 * np.pi / 9 * (x * np.cos(a) + y * np.sin(a))) for a in np.arange(3) * np.pi / 3)
    clean = {
        "bars": 255.0 * np.random.default_rng(0).integers(0, 2, side // 2 + 1)[x // 2],
        "lines": np.where((x % 7 == 0) | (y % 11 == 0), 25.0, 230.0),
        "checkerboard": 25 + 205.0 * ((x // 8 + y // 8) % 2),
        "lattice": 76 + 51 * rings,
        "cut out": 60 + 130.0 * (np.hypot(y - 64, x - 64) < 26) * (1 + np.sin(x / 9)) / 2,
    }[name]
    given = noisy(clean, sigma)
    if name == "cut out":
        given = given * (np.hypot(y - 64, x - 64) < 26).astype(np.uint8)
        clean = clean * (np.hypot(y - 64, x - 64) < 26)
    job = untaught.denoise.job(given, preset="instant")
    told = untaught.denoise.job(given, preset="instant", sigma=sigma / 255)
    blind, best = (untaught.psnr(j.result(untaught.solve(j).x), np.clip(clean, 0, 255)) for j in (job, told))
    assert not any("poisson" in note.lower() or "speckle" in note for note in job.notes), job.notes
    assert blind > best - 2.5, job.notes


@pytest.mark.parametrize("power", [1e-4, 1e-2])
def test_grey_noise_is_limited_to_what_is_not_foretold_and_colour_is_not(power: float) -> None:
    draw = torch.Generator().manual_seed(0)
    a = torch.randn(4, 4, 3, 3, generator=draw)
    cov = (a @ a.mT).to(torch.complex64)  # of white noise, had it been read as `power` over the channels
    known = Foretold(torch.full((3,), 0.02), 0.2, torch.tensor([0.5]), torch.tensor([4e-4]), 0.02)
    unit = power / float(cov.diagonal(dim1=2, dim2=3).real.mean())
    apart = torch.eye(3) - 1 / 3
    before, colour = float(cov.real.mean()) * unit, apart @ cov.real @ apart
    left = limited(cov, power, known)
    assert float(cov.real.mean()) * unit == pytest.approx(min(before, 1.25**2 * 4e-4), rel=1e-4)
    assert (left == 1) == (before < 1.25**2 * 4e-4)
    assert torch.allclose(apart @ cov.real @ apart, colour, atol=1e-5)


@pytest.mark.parametrize("sigma", [5, 20])
def test_noise_on_black_is_read_from_what_was_not_cut_off(sigma: int) -> None:
    found = foretell(tensor(noisy(np.zeros((SIDE, SIDE)), sigma)))
    assert found is not None
    assert 255 * float(found.sigma) == pytest.approx(sigma, rel=0.1)


def test_noise_that_neighbours_share_is_not_foretold() -> None:
    white = torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    shared = torch.nn.functional.avg_pool2d(white, 3, 1, 1)
    independent, other = (foretell(0.5 + 0.05 * v) for v in (white, shared))
    assert independent is not None
    assert other is not None
    assert independent.white
    assert not other.white
    assert float(independent.sigma) == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize("side", [24, 36, 48])
def test_impulses_that_all_channels_share_are_not_foretold_by_another_channel(side: int, photo: np.ndarray) -> None:
    grey = photo[:side, :side].mean(-1)
    rng = np.random.default_rng(1)
    lost, salt = rng.random(grey.shape) < 0.1, 255 * (rng.random(grey.shape) < 0.5)
    y = np.stack([np.where(lost, salt, np.rint(20 + share * grey)) for share in (0.8, 0.75, 0.7)])
    found = find_impulses(tensor(y)[0])
    assert found is not None
    assert found.kind == "salt and pepper"
    assert found.share == pytest.approx(lost.mean(), rel=0.2)


def test_strokes_of_letters_are_no_impulses_but_impulses_among_them_are() -> None:
    page = noisy(lettering(9), 10)
    assert find_impulses(tensor(page)) is None
    rng = np.random.default_rng(1)
    lost = rng.random(page.shape) < 0.05
    flat = np.full_like(page, 120)
    flat[lost] = rng.integers(0, 256, int(lost.sum()))
    assert find_impulses(tensor(flat)) is not None


def test_hot_pixels_are_found_and_points_of_light_are_not() -> None:
    rng = np.random.default_rng(0)
    sky = np.full((SIDE, SIDE), 30.0) + 20 * X / SIDE
    for y, x in rng.uniform(6, SIDE - 6, (12, 2)):
        sky += 150 * np.exp(-((Y - y) ** 2 + (X - x) ** 2) / (2 * 0.75**2))
    picture = noisy(sky, 4)
    assert find_hot(tensor(picture)) is None
    at = np.unravel_index(rng.choice(SIDE * SIDE, 9, replace=False), (SIDE, SIDE))
    hot = picture.copy()
    hot[at] = 255
    found = find_hot(tensor(hot))
    assert found is not None
    where = found[0, 0].numpy()
    assert where[at].all()
    assert where.sum() == 9
    assert float((mended(tensor(hot), found) - tensor(picture)).abs().max()) < 60 / 255
    assert np.abs(untaught.denoise(hot, preset="instant").astype(float)[at] - sky[at]).max() < 60


@pytest.mark.parametrize("size", [9, 10, 14, 16])
@pytest.mark.parametrize("inverted", [False, True])
def test_dots_of_letters_are_no_dead_pixels(size: int, inverted: bool) -> None:
    sheet = Image.new("L", (SIDE, SIDE), 255)
    for y in range(1, SIDE, size + 3):  # the last line is cut off at the rim
        ImageDraw.Draw(sheet).text((1, y), "The quick. brown, fox: jumps", fill=0, font_size=size)
    page = np.asarray(sheet, np.float64)
    assert find_hot(tensor(noisy(255 - page if inverted else page, 4))) is None


def test_points_on_nothing_else_are_the_picture() -> None:
    rng = np.random.default_rng(0)
    sky = np.zeros((SIDE, SIDE))
    at = np.unravel_index(rng.choice(SIDE * SIDE, 16, replace=False), sky.shape)
    sky[at] = rng.uniform(60, 255, 16)
    assert find_hot(tensor(noisy(sky, 6))) is None
    ground = sky + 60 * (X > SIDE / 2) + 30
    found = find_hot(tensor(noisy(ground, 6)))
    assert found is not None
    assert found.sum() > 8


@pytest.mark.parametrize("dtype", ["uint16", "float32", "float64", "int32"])
def test_counts_are_the_same_in_every_type(dtype: str) -> None:
    clean = 30 + 28 * np.sin(X / 9) * np.cos(Y / 11)
    counts = np.random.default_rng(0).poisson(clean)
    kept = untaught.denoise(counts.astype(dtype), preset="instant").astype(np.float64)
    of_floats = untaught.denoise(counts.astype(np.float64), preset="instant")
    assert np.abs(kept - of_floats).max() <= (0.51 if dtype != "float64" else 0)
    assert np.mean((kept - clean) ** 2) < 0.2 * np.mean((counts - clean) ** 2)


def test_floats_that_were_cut_off_are_restored_as_the_same_in_8_and_16_bits() -> None:
    clean = np.clip(128 + 170 * np.sin(X / 15) * np.cos(Y / 12), 0, 255)
    eight = noisy(clean, 25)
    x8, x16, xf = (
        untaught.denoise(v, preset="instant").astype(np.float64) / full
        for v, full in ((eight, 255), (eight.astype(np.uint16) * 257, 65535), (eight / np.float64(255), 1))
    )
    assert np.abs(x8 - x16).max() < 1.01 / 255
    assert np.abs(x16 - np.clip(xf, 0, 1)).max() < 1e-3


def test_a_channel_that_holds_one_value_stays_and_the_others_are_restored_as_alone() -> None:
    green = noisy(PATTERNS["fringes"], 15)
    picture = np.stack([np.zeros_like(green), green, np.full_like(green, 7)], 2)
    restored = untaught.denoise(picture, preset="instant")
    assert (restored[..., 0] == 0).all()
    assert (restored[..., 2] == 7).all()
    assert (restored[..., 1] == untaught.denoise(green, preset="instant")).all()


def test_the_covariance_of_a_patch_is_that_of_drawn_noise() -> None:
    draw = torch.Generator().manual_seed(0)
    kernel = torch.randn(2, 2, 3, 3, generator=draw, dtype=torch.float64)
    noise = torch.nn.functional.conv2d(torch.randn(1, 2, 900, 900, generator=draw, dtype=torch.float64), kernel)[0]
    rows = noise.permute(1, 2, 0).unfold(0, 3, 3).unfold(1, 3, 3).permute(0, 1, 3, 4, 2).reshape(-1, 18)
    drawn, said = rows.T @ rows / len(rows), covariance(kernel, 3)
    assert torch.allclose(said, said.T)
    assert float((drawn - said).abs().max()) < 0.03 * float(said.diagonal().max())


def test_bayes_that_is_told_the_covariance_is_better_than_told_it_is_white() -> None:
    clean = torch.from_numpy(squares(12) / 255).float()[None, None]
    kernel = torch.ones(1, 1, 3, 3) / 3
    noise = torch.nn.functional.conv2d(
        torch.randn(1, 1, SIDE + 2, SIDE + 2, generator=torch.Generator().manual_seed(0)), kernel
    )
    y, deviation = clean + 0.08 * noise, torch.tensor(0.08)
    bayes = NonLocalBayes()
    told, white = (bayes(y, deviation, k) for k in (kernel, None))
    assert told is not None
    assert white is not None
    errors = [float((x - clean).square().mean()) for x in (y, white, told)]
    assert errors[2] < 0.8 * errors[1] < 0.8 * errors[0]


def test_only_noise_of_a_camera_that_was_cut_off_at_black_is_centred() -> None:
    draw = torch.Generator().manual_seed(0)
    bright = 0.5 + 0.05 * torch.randn(1, 3, SIDE, SIDE, generator=draw)
    assert float(skewed(bright, *[torch.full_like(bright, 0.5)] * 2).abs().max()) == 0
    dark = (0.05 + 0.05 * torch.randn(1, 3, SIDE, SIDE, generator=draw)).clamp_min(0)
    mean = float(dark.mean())
    flat = torch.full_like(dark, mean)
    moved = skewed(dark, flat, flat + 1e-4 * torch.rand(dark.shape, generator=draw))
    assert float(moved.mean()) < 0  # the middle of what was cut off below is less than its mean
    assert mean + float(moved.mean()) == pytest.approx(0.05, abs=0.002)


def test_letters_are_not_measured_as_noise_and_counts_are_all_of_theirs() -> None:
    """The paper between letters is foretold best; of counts the dark is, but that is not all of their noise."""
    paper = np.full((SIDE, SIDE), 255.0)
    page = Image.fromarray(paper.astype(np.uint8))
    for y in range(2, SIDE, 11):
        ImageDraw.Draw(page).text((3, y), "quick brown fox jumps over", fill=0, font_size=9)
    for sigma in (10, 25):
        found = estimate_noise(tensor(noisy(np.asarray(page, np.float64), sigma)))
        assert float(found.sigma) * 255 == pytest.approx(sigma, rel=0.35)
    clean = np.asarray(Image.fromarray(chelsea()).convert("L").crop((100, 80, 228, 208)), np.float64)
    counts = np.clip(np.rint(np.random.default_rng(0).poisson(clean * 60 / 255) * 2.5), 0, 255).astype(np.uint8)
    blind, told = (untaught.denoise(counts, preset="instant", **kw) for kw in ({}, {"noise": "poisson", "gain": 102}))
    truth = np.clip(clean * 60 / 255 * 2.5, 0, 255).astype(np.uint8)
    assert untaught.psnr(blind, truth) > untaught.psnr(told, truth) - 1


def test_hot_pixels_are_found_alike_in_tiles_and_filled_with_the_middle_of_their_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(4)
    picture = noisy(chelsea()[100:190, 150:260, 0].astype(float), 4)
    at = rng.integers(2, 88, (2, 12))
    picture[at[0], at[1]] = 255
    x = tensor(picture)
    whole = find_hot(x)
    monkeypatch.setattr(hot, "SIDE", 16)
    parts = find_hot(x)
    assert whole is not None
    assert parts is not None
    assert torch.equal(whole, parts)
    filled = mended(x, parts)
    for b, c, i, j in parts.nonzero().tolist():
        near = x[b, c, i - 1 : i + 2, j - 1 : j + 2].flatten()
        assert filled[b, c, i, j] == near[[0, 1, 2, 3, 5, 6, 7, 8]].sort().values[3]
    assert torch.equal(filled[~parts], x[~parts])
