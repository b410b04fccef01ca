"""Volumes by what suits them, and spectral cubes by what their bands have in common, each against the truth and what is simpler."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

import untaught
from untaught.classical.denoise.bands import Bands
from untaught.classical.denoise.blocks import LARGE, BlockPass, Blocks
from untaught.classical.denoise.lichi import QUICK
from untaught.classical.denoise.volumes import Volumes, least, spline

SMALL = Blocks(BlockPass((3, 3, 3), 16, (5, 5, 5)), (), BlockPass((3, 3, 3), 16, (5, 5, 5), (2, 2, 2)), rounds=1)


def clouds(shape, width=2.5):
    x = ndimage.gaussian_filter(np.random.default_rng(2).normal(size=shape), width)
    return (x - x.min()) / np.ptp(x)


def veins(shape):
    return (clouds(shape, 1.5) > 0.5).astype(float)


def noisy(truth, sigma=0.1):
    return truth + sigma * np.random.default_rng(0).normal(size=truth.shape)


def error(x, truth):
    return float(np.mean((np.asarray(x) - truth) ** 2))


def made(way, y, sigma=0.1):
    return way(torch.from_numpy(y).float()[None, None], torch.tensor(sigma))[0, 0].numpy()


@pytest.mark.parametrize("truth", [clouds((12, 20, 20)), veins((12, 20, 20))], ids=["clouds", "veins"])
@pytest.mark.slow
def test_what_is_chosen_is_nearly_the_best_of_all_ways(truth):
    y = noisy(truth)
    smooth = error(spline(torch.from_numpy(y)[None, None], 0.01, (-1.0, 3.0, 33))[0][0, 0].numpy(), truth)
    ways = [error(made(way, y), truth) for way in (Blocks(), LARGE)]
    assert error(made(Volumes(doubt=1.0), y), truth) < 1.05 * min(smooth, *ways)


def test_the_mean_of_two_is_that_of_least_risk():
    draw = torch.Generator().manual_seed(0)
    y, a, b = (torch.randn(500, generator=draw, dtype=torch.float64) for _ in range(3))
    follows = [0.4, 0.1]
    shares = torch.linspace(0, 1, 1001, dtype=torch.float64)
    risks = [float((y - torch.lerp(a, b, s)).square().mean() + 2 * (0.4 - 0.3 * s)) for s in shares]
    best = torch.lerp(a, b, shares[int(np.argmin(risks))])
    torch.testing.assert_close(least(y, [a, b], follows), best, atol=1e-2, rtol=0)
    assert torch.equal(least(y, [y, a], [0.0, 5.0]), y)


def test_a_spline_follows_the_noise_by_as_much_as_it_says():
    y = torch.from_numpy(noisy(clouds((4, 5, 6))))[None, None]
    only = (1.0, 1.0, 1)
    x, follows = spline(y, 0.01, only)
    moved = torch.eye(120, dtype=torch.float64).view(120, 1, 4, 5, 6)
    own = torch.stack([(spline(y + one[None], 0.01, only)[0] - x)[one[None] > 0] for one in moved])
    assert follows == pytest.approx(0.01 * float(own.mean()))


def test_a_volume_beyond_what_memory_is_meant_for_is_left_to_the_first_way():
    y = torch.from_numpy(noisy(veins((8, 12, 12)))).float()[None, None]
    assert torch.equal(Volumes((SMALL, LARGE), most=100)(y, torch.tensor(0.1)), SMALL(y, torch.tensor(0.1)))


def cube(bands=12, shape=(32, 32), rank=2):
    """Bands that are sums of few pictures, each of them with edges."""
    rng = np.random.default_rng(1)
    pictures = [(ndimage.gaussian_filter(rng.normal(size=shape), 2) > 0).astype(float) for _ in range(rank)]
    return np.tensordot(rng.uniform(0, 0.5, (bands, rank)), pictures, 1)


def of_bands(y, sigma, way=None):
    return (way or Bands())(torch.from_numpy(y).float()[None], torch.as_tensor(sigma))[0].numpy()


def test_bands_are_restored_by_what_they_have_in_common():
    truth = cube()
    y = noisy(truth)
    together, each = of_bands(y, 0.1), np.stack([of_bands(y[i : i + 1], 0.1, QUICK)[0] for i in range(len(y))])
    assert error(together, truth) < 0.5 * error(each, truth)
    assert error(together, truth) < 0.8 * error(of_bands(y, 0.1, QUICK), truth)


def test_every_band_may_have_a_noise_of_its_own():
    truth, sigma = cube(), np.linspace(0.01, 0.3, 12, dtype=np.float32)[:, None, None]
    y = truth + sigma * np.random.default_rng(0).normal(size=truth.shape)
    told, even = of_bands(y, sigma[None]), of_bands(y, float(np.sqrt(np.mean(sigma**2))))
    assert error(told, truth) < 0.5 * error(even, truth)
    assert all(error(a, b) <= error(c, b) for a, b, c in zip(told, truth, y, strict=True))


def test_noise_has_nothing_in_common():
    y = noisy(np.zeros((12, 32, 32)))
    assert error(of_bands(y, 0.1), 0) < 0.02 * error(y, 0)


@pytest.mark.slow
def test_a_cube_is_one_whatever_the_order_of_its_axes_and_the_preset():
    truth = cube(8).astype(np.float32)
    y = noisy(truth).astype(np.float32)
    x = untaught.denoise(y, axes="CYX", sigma=0.1, preset="instant")
    assert error(x, truth) < 0.2 * error(y, truth)
    for axes, order in (("YXC", (1, 2, 0)), ("YCX", (1, 0, 2))):
        turned = untaught.denoise(y.transpose(order), axes=axes, sigma=0.1)
        np.testing.assert_allclose(turned, x.transpose(order), atol=1e-6)
    volume = untaught.denoise(np.repeat(y[:, None], 6, 1), axes="CZYX", sigma=0.1, preset="instant")
    assert np.isfinite(volume).all()
