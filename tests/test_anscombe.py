"""Noise made even: one deviation, an unbiased way back, and jobs that go there and back."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from skimage import data

import untaught
from untaught.bench.metrics import psnr
from untaught.noise.anscombe import Anscombe, Logarithm, stabiliser
from untaught.noise.curve import proportional
from untaught.problem.likelihoods import Gaussian, Poisson, PoissonGaussian, Speckle

N = 200_000


@pytest.mark.parametrize("counts", [1.0, 3.0, 10.0, 50.0, 400.0])
@pytest.mark.parametrize("reading", [0.0, 0.5, 3.0])  # in counts
def test_the_inverse_of_the_mean_of_transformed_counts_is_the_truth(counts, reading):
    rng, gain, dark = np.random.default_rng(0), 80.0, 0.1
    t = stabiliser(PoissonGaussian(gain, reading / gain, dark))
    y = torch.from_numpy((rng.poisson(counts, N) + reading * rng.normal(size=N)) / gain + dark)
    even = t.forward(y)
    found = float(t.inverse(even.mean()) - dark) * gain
    assert found == pytest.approx(counts, rel=0.02, abs=0.03)
    assert float(even.std()) == pytest.approx(t.deviation, rel=0.04 if counts > 3 or reading > 1 else 0.25)
    # the algebraic inverse is not good enough where counts are few
    plain = float((even.mean() / 2).square()) - 3 / 8 - reading**2
    assert abs(plain - counts) > 0.15


@pytest.mark.parametrize("looks", [1, 4.0, 25.0])
@pytest.mark.parametrize("truth", [0.05, 0.8])
def test_the_inverse_of_the_mean_of_logarithms_is_the_truth(looks, truth):
    t = stabiliser(Speckle(looks))
    y = torch.from_numpy(truth * np.random.default_rng(0).gamma(looks, 1 / looks, N)).clamp_min(1e-9)
    even = Logarithm(looks, 1e-9).forward(y)
    assert float(t.inverse(even.mean())) == pytest.approx(truth, rel=0.01)
    assert float(even.std()) == pytest.approx(t.deviation, rel=0.01)


def test_even_noise_needs_no_transform():
    assert stabiliser(Gaussian(0.1)) is None
    assert stabiliser(Poisson(7.0)) == Anscombe(7.0)


def counted(photo, gain):
    y = np.random.default_rng(0).poisson(photo / 255 * gain) / gain
    return np.rint(255 * np.clip(y, 0, 1)).astype(np.uint8)


@pytest.mark.parametrize("preset", ["instant", "fast"])
def test_counts_are_restored_better_than_by_white_noise(photo, preset):
    noisy = counted(photo, 20)
    white = float(np.std(noisy.astype(float) - photo)) / 255  # told the very deviation
    as_white = untaught.denoise(noisy, noise="gaussian", sigma=white, preset=preset, steps=10)
    as_counts = untaught.denoise(noisy, noise="poisson", gain=20, preset=preset, steps=10)
    assert as_counts.dtype == np.uint8
    assert psnr(as_counts, photo) > psnr(as_white, photo) + 0.2
    assert psnr(as_counts, photo) > psnr(noisy, photo) + 5


def test_such_a_job_pickles_and_counts_in_floats_keep_their_unit(photo):
    counts = np.random.default_rng(0).poisson(photo[..., 1] / 255 * 50).astype(np.float64)
    job = untaught.denoise.job(counts, noise="poisson", gain=1, preset="instant")
    first, again = (j.result(untaught.solve(j).x) for j in (job, pickle.loads(pickle.dumps(job))))
    assert np.array_equal(first, again)
    assert first.mean() == pytest.approx(counts.mean(), rel=0.02)
    ten = untaught.denoise(10 * counts, noise="poisson", gain=0.1, preset="instant")
    np.testing.assert_allclose(ten, 10 * first, rtol=1e-3, atol=0.01)


@pytest.mark.parametrize("across", [100, 200])
def test_counts_in_eight_bits_lose_little_by_not_being_told(across):
    """Though the flat parts of such a piece are all dark."""
    clean = data.camera()[100:196, across : across + 96]
    y = np.clip(np.rint(np.random.default_rng(0).poisson(clean / 255 * 30) / 30 * 255), 0, 255).astype(np.uint8)
    alone, told = (untaught.denoise(y, preset="instant", **more) for more in ({}, {"noise": "poisson", "gain": 30}))
    assert psnr(alone, clean) > psnr(told, clean) - 0.6


def test_speckle_is_found_where_no_bright_part_is_flat():
    clean = data.astronaut()[200:296, 200:296]
    y = np.clip(np.rint(clean * np.random.default_rng(3).gamma(10, 0.1, clean.shape)), 0, 255).astype(np.uint8)
    alone, told = (untaught.denoise(y, preset="instant", **more) for more in ({}, {"noise": "speckle", "looks": 10}))
    assert psnr(alone, clean) > psnr(told, clean) - 1


def test_only_noise_that_follows_a_law_closely_and_over_a_wide_range_has_it():
    x = torch.tensor([0.1, 0.3, 0.6])
    speckle, counts = proportional(x, 0.1 * x**2), proportional(x, 0.02 * x)
    assert speckle is not None
    assert counts is not None
    assert (speckle.c, counts.a) == (pytest.approx(0.1), pytest.approx(0.02))
    assert proportional(x, torch.full((3,), 0.01)) is None
    assert proportional(torch.tensor([0.4, 0.5, 0.6]), 0.1 * torch.tensor([0.4, 0.5, 0.6]) ** 2) is None
    assert proportional(x, torch.tensor([0.01, 0.005, 0.04])) is None
