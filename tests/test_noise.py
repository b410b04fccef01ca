"""The noise of a picture, measured on the picture alone: white, growing with brightness, shared by neighbours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from untaught import noise
from untaught.likelihoods import ClippedGaussian, Gaussian
from untaught.noise import Measured, estimate_noise


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


def test_what_was_found_is_said_and_what_was_given_is_taken():
    notes: list[str] = []
    assert noise.likelihood(torch.rand(1, 1, 9, 9), 0.1, notes) == Gaussian(0.1)
    assert noise.likelihood(torch.rand(1, 1, 9, 9), 0.1, notes, clipped=True) == ClippedGaussian(0.1)
    assert notes == []
    found = noise.likelihood(noisy(tensor(CLEAN["cat"]), 0.1), None, notes)
    assert found.sigma == pytest.approx(0.1, rel=0.12)
    assert "independent between pixels" in notes[0]


@pytest.mark.parametrize("shape", [(1, 1, 400), (1, 1, 8, 40, 40)])
def test_series_and_volumes_are_measured_too(shape):
    smooth = torch.linspace(0.2, 0.8, shape[-1]).expand(shape)
    y = smooth + 0.05 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    assert noise.likelihood(y, None, []).sigma == pytest.approx(0.05, rel=0.2)


def test_a_picture_without_noise_is_said_to_be():
    notes: list[str] = []
    smooth = torch.linspace(0, 1, 128).repeat(1, 1, 128, 1)
    assert noise.likelihood(smooth, None, notes).sigma < 0.002
    assert "no noise was found" in notes[0]


def test_real_photos_have_shared_noise(shared):
    for name in ("Canon80D_8_8_12800_printer_11", "NikonD800_6-3_125_5000_plant_3"):
        with Image.open(shared(f"polyu/{name}_real.JPG")) as image:
            found = estimate_noise(tensor(np.asarray(image)))
        assert found.correlated
        assert float(found.sigma.mean()) > 1 / 255
