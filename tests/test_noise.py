"""The noise of a picture, measured on the picture alone: white, growing with brightness, shared by neighbours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from untaught import noise
from untaught.core.errors import BadInput
from untaught.noise import Measured, estimate_noise
from untaught.problem.likelihoods import ClippedGaussian, Gaussian, Poisson, PoissonGaussian, Speckle


def tensor(array):
    array = np.asarray(array, dtype=np.float32) / 255
    return torch.from_numpy(array if array.ndim == 3 else array[..., None]).permute(2, 0, 1)[None]


def noisy(clean, sigma, seed=0):
    draw = np.random.default_rng(seed).normal(0, sigma, tuple(clean.shape)).astype(np.float32)
    return (clean + torch.from_numpy(draw)).clamp(0, 1)


CLEAN = {"cat": data.chelsea()[:256, 100:400], "coins": data.coins(), "astronaut": data.astronaut()[:300, :300]}


@pytest.mark.parametrize("name", sorted(CLEAN))
@pytest.mark.parametrize("sigma", [10, 25, 50])
def test_white_noise_is_measured_within_a_tenth_and_found_white(name, sigma):
    found = estimate_noise(noisy(tensor(CLEAN[name]), sigma / 255))
    assert not found.correlated
    assert float(255 * found.sigma.square().mean().sqrt()) == pytest.approx(sigma, rel=0.12)


def test_noise_shared_by_neighbours_is_found_and_drawn_with_its_correlation():
    clean = tensor(CLEAN["cat"])
    white = torch.randn(1, 3, 258, 302, generator=torch.Generator().manual_seed(0))
    shared = 0.04 * 3 * torch.nn.functional.avg_pool2d(white, 3, 1)
    found = estimate_noise(clean + shared)
    assert found.correlated
    drawn = found.draw(clean, torch.Generator().manual_seed(1))
    neighbours = float((drawn[..., 1:] * drawn[..., :-1]).mean() / drawn.square().mean())
    assert neighbours == pytest.approx(2 / 3, abs=0.15)
    assert float(drawn.std()) == pytest.approx(0.04, rel=0.35)


def test_noise_that_grows_with_brightness_is_found():
    clean = torch.linspace(0.1, 0.9, 320).repeat(1, 1, 320, 1)
    counts = torch.poisson(clean * 200, generator=torch.Generator().manual_seed(0)) / 200
    found = estimate_noise(counts)
    dark, bright = (found.map(torch.full((1, 1, 8, 8), v)).mean() for v in (0.15, 0.85))
    assert float(bright / dark) == pytest.approx((0.85 / 0.15) ** 0.5, rel=0.3)


@pytest.mark.parametrize(
    ("channels", "side"), [(3, 128), *(pytest.param(*more, marks=pytest.mark.slow) for more in ((1, 400), (2, 200)))]
)
def test_white_noise_of_unknown_strength_is_restored_with_its_own(channels, side):
    draw = torch.Generator().manual_seed(0)
    levels = []
    for _ in range(6):
        flat = 0.5 + 0.1 * torch.randn(1, channels, side, side, generator=draw)
        levels.append(np.mean(noise.measure(flat, "auto", []).likelihood.sigma))
    assert sum(levels) / 6 == pytest.approx(0.1, rel=0.02)


def shared_noise(clean, sigma):
    """The same noise in every channel."""
    draw = torch.randn(clean.shape[-2:], generator=torch.Generator().manual_seed(0))
    return clean + sigma / 255 * draw


def test_noise_that_the_channels_share_is_found_and_drawn_so():
    clean = tensor(CLEAN["cat"])
    assert not estimate_noise(noisy(clean, 10 / 255)).shared
    found = estimate_noise(shared_noise(clean, 10))
    assert found.shared
    assert not found.correlated
    drawn = found.draw(clean, torch.Generator().manual_seed(0))
    assert float((drawn[:, 0] * drawn[:, 1]).mean() / drawn.square().mean()) > 0.9
    assert float(drawn.std()) == pytest.approx(10 / 255, rel=0.12)
    notes: list[str] = []
    told = noise.measure(shared_noise(clean, 10), "auto", notes, sigma=0.05).likelihood
    assert isinstance(told, Measured)
    assert told.sigma == pytest.approx((0.05,) * 3)
    assert "shared by the channels" in notes[0]
    assert not isinstance(noise.measure(shared_noise(clean, 10), "gaussian", [], sigma=0.05).likelihood, Measured)
    for other in (1e-6, 2 / 255, 0.2):  # which the noise that was found is not
        assert noise.measure(shared_noise(clean, 10), "auto", [], sigma=other).likelihood.sigma == other


def test_the_grain_beside_impulses_is_measured_without_bias():
    draw = torch.Generator().manual_seed(0)
    y = 0.5 + 0.1 * torch.randn(1, 1, 256, 256, generator=draw)
    y[torch.rand(y.shape, generator=draw) < 0.03] = 1
    assert noise.measure(y, "auto", []).likelihood.sigma == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 3, 5, 7), (1, 1, 2, 9), (1, 2, 16, 16), (1, 3, 33, 128)])
def test_any_size(shape):
    x = torch.rand(shape)
    found = estimate_noise(x)
    assert torch.isfinite(found.sigma).all()
    assert found.draw(x, torch.Generator().manual_seed(0)).shape == shape


@pytest.mark.parametrize("example", Measured.examples(), ids=["shared", "growing"])
def test_a_measured_model_draws_what_it_says(example):
    flat = torch.full((1, 1, 200, 200), 0.5)
    drawn = example.draw(flat, torch.Generator().manual_seed(0))
    assert float(drawn.std()) == pytest.approx(float(example.deviation(flat).mean()), rel=0.05)
    y = flat + drawn
    assert float(example.energy(flat, y)) == pytest.approx(0.5, rel=0.05)
    assert float(example.energy(flat + 0.05, y)) > float(example.energy(flat, y))


def normal(data, notes, *scale, **given):
    return noise.measure(data, "gaussian", notes, *scale, **given).likelihood


def test_what_was_found_is_said_and_what_was_given_is_taken():
    notes: list[str] = []
    assert normal(torch.rand(1, 1, 9, 9), notes, sigma=0.1) == Gaussian(0.1)
    assert normal(torch.rand(1, 1, 9, 9), notes, noise.Scale(clipped=True), sigma=0.1) == ClippedGaussian(0.1)
    assert notes == []
    found = normal(noisy(tensor(CLEAN["cat"]), 0.1), notes)
    assert found.sigma == pytest.approx(0.1, rel=0.12)
    assert "independent between pixels" in notes[0]


@pytest.mark.parametrize("shape", [(1, 1, 400), (1, 1, 8, 40, 40)])
def test_series_and_volumes_are_measured_too(shape):
    smooth = torch.linspace(0.2, 0.8, shape[-1]).expand(shape)
    y = smooth + 0.05 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    assert normal(y, []).sigma == pytest.approx(0.05, rel=0.2)


def test_a_picture_without_noise_is_said_to_be():
    notes: list[str] = []
    smooth = torch.linspace(0, 1, 128).repeat(1, 1, 128, 1)
    assert normal(smooth, notes).sigma < 0.002
    assert "no noise was found" in notes[0]


def test_real_photos_have_shared_noise(shared):
    for name in ("Canon80D_8_8_12800_printer_11", "NikonD800_6-3_125_5000_plant_3"):
        with Image.open(shared(f"polyu/{name}_real.JPG")) as image:
            found = estimate_noise(tensor(np.asarray(image)))
        assert found.correlated
        assert float(found.sigma.mean()) > 1 / 255


def colour(name):
    return (
        np.asarray(CLEAN[name], np.float32)[..., :3] / 255 if CLEAN[name].ndim == 3 else CLEAN[name][:, :, None] / 255
    )


def eight_bit(x):
    return torch.from_numpy(np.rint(255 * np.clip(x, 0, 1)).astype(np.float32) / 255).permute(2, 0, 1)[None]


def counted(x, gain, sigma=0.0):
    rng = np.random.default_rng(0)
    return rng.poisson(x * gain) / gain + rng.normal(0, 1, x.shape) * sigma / 255


def found_in(y, kind="auto", **given):
    notes: list[str] = []
    return noise.measure(y, kind, notes, noise.Scale(clipped=True), **given), notes


@pytest.mark.parametrize("name", ["cat", "astronaut"])
@pytest.mark.parametrize("gain", [30, 100])
def test_counts_are_recognised_and_counted(name, gain):
    found, notes = found_in(eight_bit(counted(colour(name), gain)))
    assert found.kind in ("poisson", "poisson-gaussian")
    assert "a = " in notes[0]
    assert found.likelihood.gain == pytest.approx(gain, rel=0.25)


@pytest.mark.parametrize("name", ["cat", pytest.param("astronaut", marks=pytest.mark.slow)])
def test_counts_read_with_noise_give_both_numbers(name):
    y = eight_bit(counted(colour(name), 100, 10))
    found, notes = found_in(y)
    assert found.kind == "poisson-gaussian"
    assert "Poisson-Gaussian, a = " in notes[0]
    assert found.likelihood.gain == pytest.approx(100, rel=0.2)
    assert 255 * found.likelihood.sigma == pytest.approx(10, rel=0.25)
    assert found_in(y, "poisson-gaussian", gain=100)[0].likelihood.sigma == pytest.approx(10 / 255, rel=0.35)
    assert found_in(y, "poisson-gaussian", sigma=10 / 255)[0].likelihood.gain == pytest.approx(100, rel=0.25)


@pytest.mark.parametrize("name", ["cat", "astronaut"])
@pytest.mark.parametrize("looks", [4, 30])
def test_speckle_is_recognised_by_its_growth(name, looks):
    y = eight_bit(colour(name) * np.random.default_rng(0).gamma(looks, 1 / looks, colour(name).shape))
    found, notes = found_in(y)
    assert found.kind == "speckle"
    assert "of the brightness" in notes[0]
    assert found.likelihood.looks == pytest.approx(looks, rel=0.25)


@pytest.mark.parametrize("name", ["cat", pytest.param("coins", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("kind", "share"), [("salt and pepper", 0.1), ("salt and pepper", 0.6), ("random values", 0.1)]
)
@pytest.mark.parametrize("sigma", [0, 15])
def test_impulses_are_found_one_by_one(name, kind, share, sigma):
    rng, clean = np.random.default_rng(0), colour(name)
    lost = rng.random(clean.shape) < share
    other = rng.random(clean.shape) if kind == "random values" else (rng.random(clean.shape) < 0.5)
    y = eight_bit(np.where(lost, other, clean + rng.normal(0, 1, clean.shape) * sigma / 255))
    found, notes = found_in(y)
    assert found.kind == "impulse"
    assert kind in notes[0]
    far = (y - eight_bit(clean)).abs() > 0.3
    lost = torch.from_numpy(lost).permute(2, 0, 1)[None]
    assert float(found.lost[lost & far].float().mean()) > 0.8
    assert float(found.lost[~lost].float().mean()) < 0.01
    assert (
        found.likelihood.sigma < 8 / 255 if sigma == 0 else found.likelihood.sigma == pytest.approx(15 / 255, rel=0.2)
    )


def test_single_photons_on_a_dark_ground_are_not_taken_for_impulses():
    rng = np.random.default_rng(0)
    bright = 0.4 * (np.hypot(*np.mgrid[-80:80, -80:80]) < 30) + 0.02
    counted = rng.gamma(3 * rng.poisson(16 * bright) + 1e-9, 1 / 48) + 0.02
    y = torch.from_numpy(np.clip(counted, 0, 1)).float()[None, None]
    assert float((y > 0.06).float().mean()) > 0.1
    assert found_in(y)[0].kind != "impulse"


@pytest.mark.parametrize("name", sorted(CLEAN))
@pytest.mark.parametrize("sigma", [0, 5, 25, 50])
def test_normal_noise_and_clean_pictures_are_taken_for_nothing_else(name, sigma):
    assert found_in(eight_bit(colour(name) + np.random.default_rng(0).normal(0, 1, colour(name).shape) * sigma / 255))[
        0
    ].kind == ("gaussian")


def test_a_picture_whose_dark_is_not_at_0_is_counted_from_its_dark():
    y = counted(colour("cat"), 100).astype(np.float32)
    moved = torch.from_numpy((y - 0.2) / 0.5).permute(2, 0, 1)[None]
    found = noise.measure(moved, "auto", [], noise.Scale(unit=0.5, dark=-0.4))
    assert found.kind in ("poisson", "poisson-gaussian")
    assert found.likelihood.gain == pytest.approx(50, rel=0.25)


def test_what_is_given_is_taken_and_what_does_not_belong_together_is_refused():
    y = eight_bit(colour("coins"))
    assert found_in(y, gain=30.0)[0].likelihood == Poisson(30.0)
    assert found_in(y, gain=30.0, sigma=0.1)[0].likelihood == PoissonGaussian(30.0, 0.1)
    assert found_in(y, looks=3.0)[0].likelihood == Speckle(3.0)
    assert found_in(y, "gaussian", sigma=0.1)[0].likelihood == ClippedGaussian(0.1)
    for kind, given, sentence in (
        ("poisson", {"sigma": 0.1}, "sigma = 0.1 is no property of poisson noise, which has gain"),
        ("gaussian", {"gain": 3.0}, "gain = 3 .*gaussian.*sigma"),
        ("speckle", {"gain": 3.0}, "looks"),
        ("auto", {"gain": 3.0, "looks": 3.0}, "one kind"),
        ("impulse", {"looks": 3.0}, "looks = 3"),
    ):
        with pytest.raises(BadInput, match=sentence):
            found_in(y, kind, **given)
    with pytest.raises(BadInput, match="cannot be measured on a series.*--looks"):
        found_in(torch.rand(1, 1, 50), "speckle")
    with pytest.raises(BadInput, match="No impulses were found"):
        found_in(torch.linspace(0, 1, 64).repeat(1, 1, 64, 1), "impulse")


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 3, 5, 7), (1, 1, 2, 9), (1, 1, 9), (1, 1, 3, 8, 9)])
@pytest.mark.parametrize("kind", ["auto", "gaussian"])
def test_any_size_has_some_kind(shape, kind):
    assert found_in(torch.rand(shape), kind)[0].likelihood.sigma


def test_points_of_light_on_black_are_no_law_of_brightness():
    """Of the flat parts all are black: they say nothing of brighter ones."""
    draw, sky = np.random.default_rng(0), np.zeros((128, 128))
    sky[tuple(draw.integers(0, 128, (2, 40)))] = draw.uniform(80, 250, 40)
    y = np.clip(np.rint(sky + draw.normal(0, 10, sky.shape)), 0, 255) / 255
    found = noise.measure(torch.from_numpy(y).float()[None, None], "auto", [], noise.Scale(clipped=True))
    assert found.kind in ("gaussian", "impulse")


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("lines", [1, 2, 3])
def test_the_noise_of_a_few_lines_is_measured_as_that_of_a_series(lines, channels, turned):
    photo = tensor(data.chelsea()[100 : 100 + lines, 50:250, :channels])
    photo = photo.mT if turned else photo
    found = noise.measure(noisy(photo, 20 / 255), "auto", [])
    assert 255 * found.likelihood.sigma == pytest.approx(20, rel=0.2)
    assert 255 * noise.measure(photo, "auto", []).likelihood.sigma < 5
