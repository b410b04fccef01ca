"""Frames of one scene: what stands still gains by all of them, and what moves loses nothing by those that do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, shift
from skimage import data

import untaught
from untaught.classical.denoise.series import SeriesRidge
from untaught.classical.denoise.still import Steadied

SIGMA = 0.1


def photo():
    return data.camera()[100:356:4, 150:406:4] / 255


def smooth():
    x = gaussian_filter(np.random.default_rng(0).normal(size=(64, 64)), 6)
    return (x - x.min()) / np.ptp(x)


def noisy(truth):
    return truth + SIGMA * np.random.default_rng(0).normal(size=truth.shape)


def decibels(x, truth):
    return float(-10 * np.log10(np.mean((np.asarray(x) - truth) ** 2)))


def made(way, y, sigma=SIGMA):
    return way(torch.from_numpy(y).float()[None, None], torch.tensor(sigma))[0, 0].numpy()


@pytest.mark.parametrize("preset", ["instant", pytest.param("fast", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("scene", "gain"), [(photo, 2), (smooth, 1)]
)  # of what is smooth one frame alone tells nearly all
def test_five_frames_of_one_scene_are_better_than_one(scene, gain, preset):
    truth = scene()
    y = noisy(np.stack([truth] * 5))
    one = decibels(untaught.denoise(y[2], preset=preset), truth)
    assert decibels(untaught.denoise(y, along="time", preset=preset)[2], truth) > one + gain


@pytest.mark.parametrize(
    ("scene", "speed"),
    [
        (smooth, 0.5),
        *(pytest.param(*more, marks=pytest.mark.slow) for more in ((photo, 0.1), (photo, 1.0), (smooth, 3.0))),
    ],
)
def test_what_moves_loses_next_to_nothing(scene, speed):
    truth = np.stack([shift(scene(), (0, speed * t), order=3, mode="mirror") for t in range(5)])
    y = noisy(truth)
    assert decibels(made(Steadied(), y), truth) > decibels(made(SeriesRidge(), y), truth) - 0.1


def test_a_square_that_moves_over_what_stands_still_leaves_no_trail():
    still = smooth()
    truth = np.stack([still] * 6)
    for t in range(6):
        truth[t, 20:36, 6 + 6 * t : 22 + 6 * t] = 1.5
    y = noisy(truth)
    passed = (truth > 1.4).any(0) & (truth[3] < 1.4)
    x, before = made(Steadied(), y), made(SeriesRidge(), y)
    assert np.mean((x[3] - truth[3])[passed] ** 2) < 1.2 * np.mean((before[3] - truth[3])[passed] ** 2)


@pytest.mark.parametrize("wrong", [pytest.param(0.8, marks=pytest.mark.slow), 1.25])
def test_noise_that_is_told_wrongly_does_no_more_harm_than_before(wrong):
    truth = np.stack([photo()] * 5)
    y = noisy(truth)
    found, before = (decibels(made(way, y, wrong * SIGMA), truth) for way in (Steadied(), SeriesRidge()))
    assert found > before - 0.1


@pytest.mark.slow
def test_frames_before_and_after_are_seen_as_far_as_it_says():
    y = noisy(np.stack([photo()] * 18))
    few = Steadied(SeriesRidge(then=(), frames=1), frames=2, last=SeriesRidge(then=(), frames=1))
    other = y.copy()
    other[0] += 1
    far = few.frames_seen + 1
    assert not np.array_equal(made(few, y)[1], made(few, other)[1])
    np.testing.assert_allclose(made(few, y)[far], made(few, other)[far], atol=0.02)  # but for the components
