"""Noise that was cut off at black or white is as strong as it was before."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from untaught.noise import estimate_noise
from untaught.noise.cut import censored, truncated

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
