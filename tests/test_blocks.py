"""Volumes: which blocks are similar, and what the ridge of blocks restores, against the truth and against what is simpler."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

import untaught
from untaught.classical.denoise.blocks import BlockPass, Blocks, leading, match
from untaught.classical.denoise.matching import grid
from untaught.classical.denoise.nl_ridge import NonLocalRidge
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.classical.total_variation import TotalVariation, _transposed
from untaught.core.errors import BadInput
from untaught.problem.likelihoods import Gaussian
from untaught.problem.regularisers import differences


def bodies(shape, seed=0):
    """Ellipsoids of a few brightnesses, each over what it hides."""
    rng, at, made = np.random.default_rng(seed), np.indices(shape).astype(float), np.zeros(shape)
    for _ in range(12):
        middle, radii = rng.uniform(0, 1, 3) * shape, rng.uniform(0.1, 0.3, 3) * shape + 1
        inside = sum(((a - m) / r) ** 2 for a, m, r in zip(at, middle, radii, strict=True)) < 1
        made[inside] = rng.uniform(0.3, 1)
    return made


def veins(shape, seed=0):
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2.5)
    return (smooth > np.median(smooth)).astype(float)


def noisy(truth, sigma, seed=0):
    return truth + sigma * np.random.default_rng(seed).normal(size=truth.shape)


def error(x, truth):
    return float(np.mean((np.asarray(x) - truth) ** 2))


def tensor(x):
    return torch.from_numpy(x).float()[None, None]


@pytest.mark.parametrize("space", [(9, 13, 11), (4, 20, 8), (7, 7, 7)])
@pytest.mark.parametrize(
    "one", [BlockPass((3, 3, 3), 9, (5, 5, 7), (2, 2, 2)), BlockPass((2, 4, 3), 7, (3, 7, 5), (2, 3, 1))]
)
def test_the_nearest_blocks_of_the_window_are_found(space, one):
    x = torch.rand(2, *space, generator=torch.Generator().manual_seed(0))
    ways = leading(x, one.patch)
    f = torch.nn.functional.conv3d(x[None], ways)[0].double()
    where = torch.stack(torch.meshgrid(*map(torch.arange, f.shape[1:]), indexing="ij"), -1).flatten(0, 2)
    apart = torch.cdist(f.flatten(1).T, f.flatten(1).T).square()
    outside = ((where[:, None] - where).abs() > torch.tensor(one.window) // 2).any(-1)
    apart[outside] = float("inf")
    at = torch.cartesian_prod(*(grid(n, s) for n, s in zip(f.shape[1:], one.stride, strict=True)))
    found = match(x, one, ways)
    assert len(found) == len(at)
    for (i, j, k), group in zip(at.tolist(), found, strict=True):
        mine = apart[(i * f.shape[2] + j) * f.shape[3] + k]
        asked = mine.topk(one.group, largest=False).values
        torch.testing.assert_close(mine[group].sort().values, asked, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "truth", [bodies((16, 32, 32)), pytest.param(veins((16, 32, 32)), marks=pytest.mark.slow)], ids=["bodies", "veins"]
)
def test_blocks_beat_gaussian_means_and_slices(truth):
    y, deviation = noisy(truth, 0.1), torch.tensor(0.1)
    made = error(Blocks()(tensor(y), deviation)[0, 0].numpy(), truth)
    gaussian = min(error(ndimage.gaussian_filter(y, s), truth) for s in np.arange(0.3, 2, 0.1))
    means = error(NonLocalMeans()(tensor(y), deviation)[0, 0].numpy(), truth)
    slices = [NonLocalRidge()(tensor(part), deviation)[0, 0].numpy() for part in y]
    assert made < 0.8 * min(gaussian, means)
    assert made < 0.9 * error(np.stack(slices), truth)


def test_a_volume_that_is_coarser_along_z_is_not_smoothed_along_it():
    """Every sixth slice of fine veins has little to do with the next one: blocks do no worse than slices alone."""
    truth = veins((72, 40, 40))[::6]
    y, deviation = noisy(truth, 0.1), torch.tensor(0.1)
    slices = [NonLocalRidge()(tensor(part), deviation)[0, 0].numpy() for part in y]
    assert error(Blocks()(tensor(y), deviation)[0, 0].numpy(), truth) < error(np.stack(slices), truth)


@pytest.mark.slow
def test_a_volume_in_parts_is_as_good_as_at_once():
    truth = bodies((8, 24, 24))
    y, deviation = tensor(noisy(truth, 0.1)), torch.tensor(0.1)
    whole, parts = (b(y, deviation)[0, 0].numpy() for b in (Blocks(), Blocks(whole=1, side=12)))
    assert error(parts, truth) < 1.02 * error(whole, truth)


@pytest.mark.parametrize("shape", [(1, 9, 9), (2, 40, 40), (3, 5, 64), (5, 5, 5), (40, 2, 2)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_is_restored_and_made_no_worse(shape, channels):
    truth = np.stack([ndimage.gaussian_filter(bodies(shape, k), 1) for k in range(channels)])
    y = noisy(truth, 0.2)
    x = Blocks()(torch.from_numpy(y).float()[None], torch.tensor(0.2))[0].numpy()
    assert np.isfinite(x).all()
    assert error(x, truth) < error(y, truth)


def test_noise_may_differ_from_place_to_place():
    truth = bodies((12, 32, 32))
    sigma = np.where(np.arange(32) < 16, 0.02, 0.2) * np.ones(truth.shape)
    y = truth + sigma * np.random.default_rng(0).normal(size=truth.shape)
    told = error(Blocks()(tensor(y), tensor(sigma))[0, 0].numpy(), truth)
    even = error(Blocks()(tensor(y), tensor(sigma).square().mean().sqrt())[0, 0].numpy(), truth)
    assert told < even


def test_the_ridge_of_any_task_takes_blocks_for_a_volume():
    truth = bodies((12, 24, 24))
    y, deviation = tensor(noisy(truth, 0.1)), torch.tensor(0.1)
    assert torch.equal(NonLocalRidge()(y, deviation), replace(Blocks(), rounds=0)(y, deviation))


@pytest.mark.parametrize("preset", ["fast"])  # which the others are, too
def test_no_preset_of_volumes_is_below_the_one_before(preset):
    truth = bodies((10, 20, 20)).astype(np.float32)
    y = noisy(truth, 0.1).astype(np.float32)
    below = error(untaught.denoise(y, axes="ZYX", preset="instant"), truth)
    assert error(untaught.denoise(y, axes="ZYX", preset=preset), truth) <= 1.01 * below


def coarse():
    """Clouds whose slices lie four samples apart."""
    x = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(64, 32, 32)), 2.5)
    return ((x - x.min()) / np.ptp(x))[::4]


def test_total_variation_is_told_how_far_samples_lie_apart():
    truth = coarse()
    problem = untaught.Problem(tensor(noisy(truth, 0.1)), likelihood=Gaussian(0.1))

    def least(**more):
        tries = (TotalVariation(strength, 40, **more).estimate(problem)[0, 0] for strength in (0.1, 0.2, 0.4, 0.8))
        return min(error(x.numpy(), truth) for x in tries)

    assert least(spacing=(4, 1, 1)) < 0.95 * least()
    assert torch.equal(
        TotalVariation(rounds=3, spacing=(2, 2, 2)).estimate(problem), TotalVariation(rounds=3).estimate(problem)
    )


def test_a_slope_costs_by_how_far_it_goes_and_not_by_how_many_samples():
    fine = tensor(np.linspace(0, 1, 13)[:, None, None] * np.ones((13, 8, 8)))
    for prior in (untaught.TV, untaught.Smooth):
        steps, apart = fine[:, :, 1:-1].diff(dim=2), fine[:, :, ::3].diff(dim=2) / 3
        torch.testing.assert_close(steps.mean(), apart.mean())
        assert float(prior(spacing=(3, 1, 1))(fine[:, :, ::3])) < float(prior()(fine[:, :, ::3]))
    with pytest.raises(BadInput, match="3 axes"):
        untaught.TV(spacing=(3, 1))(fine)


def test_differences_and_their_adjoint_agree_with_any_spacing():
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(1, 2, 5, 6, 7, generator=draw, dtype=torch.float64)
    parts = [torch.rand(x.shape, generator=draw, dtype=torch.float64) for _ in range(3)]
    there = sum((d * p).sum() for d, p in zip(differences(x, (3, 1, 2)), parts, strict=True))
    torch.testing.assert_close(there, (x * _transposed(parts, (3, 1, 2))).sum())
