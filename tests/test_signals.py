"""Signals: what is smooth, has steps, slopes or spikes, or comes again, each against its truth and against one way alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

import untaught
from untaught.classical.denoise.plateaus import Plateaus, shortest
from untaught.classical.denoise.signals import Pieces, Signals
from untaught.classical.denoise.splines import LocalSplines
from untaught.noise.differences import quietest_differences

SAMPLES = 1500


def steps():
    return np.repeat(np.random.default_rng(3).uniform(0, 1, 10), SAMPLES // 10)


def sine():
    return np.sin(6 * np.pi * np.arange(SAMPLES) / SAMPLES)


def spikes():
    at = np.arange(SAMPLES) % 100
    return sum(a * np.exp(-(((at - c) / w) ** 2) / 2) for a, c, w in ((1, 50, 1), (0.2, 30, 3), (0.3, 75, 5)))


def spectrum():
    t, rng = np.arange(SAMPLES) / SAMPLES, np.random.default_rng(1)
    lines = zip(rng.uniform(0.2, 1, 8), rng.uniform(0, 1, 8), rng.uniform(0.002, 0.01, 8), strict=True)
    return sum(a / (1 + ((t - c) / w) ** 2) for a, c, w in lines)


def noisy(truth, sigma=0.1, seed=0):
    return truth + sigma * np.random.default_rng(seed).normal(size=truth.shape)


def error(x, truth):
    return float(np.mean((np.asarray(x) - truth) ** 2))


def made(way, y, sigma=0.1):
    return way(torch.from_numpy(y)[None, None], torch.tensor([[[sigma]]]))[0, 0].numpy()


@pytest.mark.parametrize("n", [2, 3, 50, 400])
@pytest.mark.parametrize("strength", [0.01, 0.3, 2.0, 1e3])
def test_the_signal_of_least_energy_keeps_its_conditions(n, strength):
    y = noisy(np.sin(np.arange(n) / 9), 0.3)
    x = shortest(y, strength)
    pull, jumps = np.cumsum(y - x)[:-1], np.diff(x)
    assert abs((y - x).sum()) < 1e-9 * n * np.abs(y).max()
    assert (np.abs(pull) <= strength * (1 + 1e-9)).all()
    np.testing.assert_allclose(pull[jumps > 0], -strength, rtol=1e-9)
    np.testing.assert_allclose(pull[jumps < 0], strength, rtol=1e-9)


def test_plateaus_follow_the_noise_as_one_value_each():
    y = noisy(steps()[:300])
    x, step = shortest(y, 0.3), 1e-6
    own = [(shortest(y + step * (np.arange(len(y)) == i), 0.3)[i] - x[i]) / step for i in range(0, 300, 7)]
    sizes = np.bincount(number := np.cumsum(np.diff(x, prepend=x[0]) != 0))[number]
    np.testing.assert_allclose(own, 1 / sizes[::7], atol=1e-3)


def test_steps_are_no_matter_of_splines():
    y, truth = noisy(steps()), steps()
    assert error(made(Signals(), y), truth) < 0.6 * error(made(LocalSplines(), y), truth)
    assert error(made(Plateaus(whole=True), y), truth) < error(made(Plateaus(), y), truth)


def test_spikes_that_come_again_are_told_by_one_another():
    y, truth = noisy(spikes()), spikes()
    assert error(made(Signals(), y), truth) < 0.6 * error(made(LocalSplines(), y), truth)
    assert error(made(Pieces(), y), truth) < 0.6 * error(made(LocalSplines(), y), truth)


SOME = [spikes, *(pytest.param(more, marks=pytest.mark.slow) for more in (steps, sine, spectrum))]


@pytest.mark.parametrize("signal", SOME)
def test_what_is_chosen_is_nearly_the_best_of_all_ways(signal):
    truth = signal()
    y = noisy(truth, 0.15)
    least = min(error(made(way, y, 0.15), truth) for way in Signals().ways)
    assert error(made(Signals(), y, 0.15), truth) < 1.3 * least


@pytest.mark.parametrize("signal", SOME)
def test_little_is_lost_to_total_variation_of_the_strength_that_only_the_truth_tells(signal):
    truth = signal()
    y = noisy(truth)
    assert error(untaught.denoise(y), truth) < 1.2 * min(error(shortest(y, 0.1 * k), truth) for k in (1, 2, 4, 8, 16))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 20, 70, 200])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_length_is_finite_and_keeps_its_shape(n, channels):
    y = torch.rand(1, channels, n, generator=torch.Generator().manual_seed(0))
    x = Signals()(y, torch.tensor(0.2))
    assert x.shape == y.shape
    assert bool(x.isfinite().all())


@pytest.mark.slow
def test_a_long_signal_in_parts_has_no_seams():
    truth = np.tile(steps(), 2)
    y = noisy(truth)
    whole, parts = made(Signals(), y), made(Signals(part=1000, halo=500), y)
    assert error(parts, truth) < 1.2 * error(whole, truth)


@pytest.mark.slow
def test_no_preset_of_signals_is_below_the_one_before():
    truth = spectrum()
    y = noisy(truth)
    errors = [error(untaught.denoise(y, preset=p), truth) for p in ("instant", "fast", "balanced", "best")]
    assert all(b <= 1.001 * a for a, b in itertools.pairwise(errors))


def test_what_swings_as_fast_as_noise_is_no_noise():
    """A chirp up to the highest frequency: its quiet end tells the noise."""
    t = np.arange(2000) / 2000
    truth = 0.5 + 0.5 * np.sin(np.pi * 2000 / 2 * t**2)
    y = noisy(truth, 0.07)
    assert error(untaught.denoise(y, preset="instant"), truth) < 0.5 * error(y, truth)


@pytest.mark.parametrize("n", [300, 600, 5000])
def test_the_noise_of_a_series_is_read_without_a_bias(n):
    found = [
        quietest_differences(torch.randn(1, 1, n, generator=torch.Generator().manual_seed(seed))) for seed in range(20)
    ]
    assert np.mean(found) == pytest.approx(1, abs=0.04)
