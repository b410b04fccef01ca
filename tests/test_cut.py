"""Noise that was cut off at black or white is as strong as it was before."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

import untaught
from untaught.io import arrays
from untaught.noise import estimate_noise
from untaught.noise.cut import censored, grounded, truncated
from untaught.noise.kinds import Scale, measure

SIDE = 96


@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.5, 0.9])
def test_the_variances_are_those_of_drawn_numbers(share):
    x = torch.randn(400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    least = x.quantile(share)
    assert censored(share) == pytest.approx(float(x.clamp_min(least).var()), rel=0.02)
    assert truncated(share) == pytest.approx(float(x[x > least].var()), rel=0.03)


def test_nothing_cut_off_is_the_whole_variance():
    assert censored(0) == truncated(0) == 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("level", [12, 25, 50, 128, 205, 230, 243])
def test_a_flat_part_near_black_or_white(level, channels):
    drawn = level + np.random.default_rng(1).normal(0, 25, (channels, SIDE, SIDE))
    found = estimate_noise(torch.from_numpy(np.clip(np.rint(drawn), 0, 255).astype(np.float32) / 255))
    assert 255 * found.level == pytest.approx(25, rel=0.12)


@pytest.mark.parametrize("size", [1, 2, 8])
def test_two_levels_near_both_ends(size):
    rows, columns = np.indices((SIDE, SIDE)) // size
    drawn = np.where((rows + columns) % 2, 26, 230) + np.random.default_rng(2).normal(0, 25, (SIDE, SIDE))
    found = estimate_noise(torch.from_numpy(np.clip(np.rint(drawn), 0, 255).astype(np.float32)[None] / 255))
    assert 255 * found.level == pytest.approx(25, rel=0.15)


OTHERS = {  # how the same values may be kept: dtype, times, offset
    "8 bit in 16": (np.uint16, 1, 0),
    "12 bit in 16": (np.uint16, 16, 0),
    "floats up to 255": (np.float32, 1, 0),
    "floats around 0": (np.float32, 2 / 255, -1),
    "Hounsfield units": (np.int16, 8, -1024),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("ends", [(-40, 300), (-20, 120), (140, 290)])
def test_what_was_cut_off_is_seen_in_any_unit(other, ends):
    drawn = np.linspace(*ends, 64) + np.random.default_rng(0).normal(0, 20, (64, 64))
    cut = np.clip(np.rint(drawn), 0, 255)
    kind, times, offset = OTHERS[other]
    low, unit, clipped, below = arrays.scale_of((times * cut + offset).astype(kind))
    assert (clipped, below) == (True, ends[0] < 0)
    if below:
        assert low == pytest.approx(offset)
    if ends[1] > 255:
        assert low + unit == pytest.approx(255 * times + offset)


@pytest.mark.parametrize("other", OTHERS)
def test_the_answer_does_not_hang_on_the_unit(other):
    drawn = np.linspace(-10, 265, 48) + np.random.default_rng(0).normal(0, 20, (48, 48))
    cut = np.clip(np.rint(drawn), 0, 255)
    kind, times, offset = OTHERS[other]
    plain = untaught.denoise(cut.astype(np.uint8), preset="instant").astype(float)
    moved = untaught.denoise((times * cut + offset).astype(kind), preset="instant").astype(float)
    assert np.abs((moved - offset) / times - plain).max() < 1.01  # both were rounded


@pytest.mark.parametrize("photons", [0.05, 0.5, 2, 20])
def test_few_counts_are_not_cut_off(photons):
    counts = np.random.default_rng(0).poisson(photons * np.linspace(0.2, 1.8, 64), (64, 64))
    assert arrays.scale_of(counts.astype(np.float32))[2:] == (False, False)


@pytest.mark.parametrize("colour", [(236, 236, 236), (40, 42, 50), (128, 128, 128), (90, 160, 110)])
@pytest.mark.parametrize("lines", [0, 3])
def test_the_noise_of_a_photo_on_a_plain_page_is_that_of_the_photo(colour, lines):
    photo = data.astronaut()[60:132, 180:252]
    page = np.zeros((104, 120, 3)) + colour
    page[4 : 4 + 5 * lines : 5, 8:100:3] = 250 - np.array(colour)  # something like lettering
    page[26:98, 24:96] = np.clip(photo + np.random.default_rng(0).normal(0, 20, photo.shape), 0, 255).round()
    found = measure(torch.from_numpy(page.astype(np.float32) / 255).movedim(2, 0)[None], "auto", [], Scale(1.0))
    assert 255 * found.likelihood.sigma == pytest.approx(20, rel=0.15)


def test_a_drawing_on_a_plain_page_stays_as_it_is():
    page = torch.full((1, 3, 96, 96), 0.92)
    for i in range(6):
        page[:, :, 8 + 14 * i : 18 + 14 * i, 10 : 30 + 8 * i] = torch.tensor([0.1 + 0.1 * i, 0.4, 0.8])[
            None, :, None, None
        ]
    assert grounded(page) is page
