"""Similar patches, combined linearly: the weights are those of least risk, and how the work is cut up changes nothing."""

from __future__ import annotations

import pytest
import torch

from untaught.bench.metrics import psnr
from untaught.classical.denoise import nl_ridge
from untaught.classical.denoise.lichi import QUICK, LIChI, LIChIGuide
from untaught.classical.denoise.matching import Pass, match
from untaught.classical.denoise.nl_ridge import NonLocalRidge, combined, patches, piloted, taken

SMALL = LIChI(NonLocalRidge(then=()), Pass(3, 16, 9, stride=2), 2)


def scene(channels: int = 1, side: int = 40) -> torch.Tensor:
    """Stripes and an edge, (1, c, side, side)."""
    down, along = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    x = 0.5 + 0.2 * torch.sin(down / 2 + along / 3) + 0.2 * (along > side / 2)
    return torch.stack([x * (1 - 0.1 * c) for c in range(channels)])[None]


@pytest.mark.parametrize("patches_of_a_group", [5, 12])
@pytest.mark.parametrize("affine", [False, True])
def test_weights_are_those_of_least_risk(patches_of_a_group, affine):
    """T = argmin |T X - X|^2 + n v |T|^2, its rows adding up to one where that is asked: solved in double precision."""
    draw, k, n, load = torch.Generator().manual_seed(0), patches_of_a_group, 8, 0.7
    noisy, pilot = (torch.randn(1, k, n, generator=draw) for _ in range(2))
    estimate, sure = piloted(noisy, pilot, torch.tensor([load]), affine=affine)
    x = pilot[0].double()
    system = torch.zeros(k + affine, k + affine, dtype=torch.float64)
    system[:k, :k] = x @ x.T + load * torch.eye(k, dtype=torch.float64)
    wanted = torch.zeros(k + affine, k, dtype=torch.float64)
    wanted[:k] = x @ x.T
    if affine:  # Lagrange's multiplier of the sum
        system[k, :k] = system[:k, k] = wanted[k] = 1
    mix = torch.linalg.solve(system, wanted)[:k].T
    torch.testing.assert_close((estimate / sure[:, :, None])[0].double(), mix @ noisy[0].double(), rtol=0, atol=2e-3)
    torch.testing.assert_close(1 / sure[0].double(), mix.diagonal(), rtol=0, atol=2e-3)


def test_patches_that_are_left_alone_make_the_picture(monkeypatch):
    x, one = scene(3)[0], Pass(3, 9, 7, stride=2)
    monkeypatch.setattr(nl_ridge, "VALUES", 40 * 27)
    rows = patches(x, one.patch)
    same = combined(
        lambda some: (2 * taken(rows, some), torch.full(some.shape, 2.0)), match(x, one).alike, x, one.patch
    )
    torch.testing.assert_close(same, x)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_every_round_is_nearer(channels):
    clean, sigma = scene(channels), 0.1
    noisy = clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    pilot = SMALL.pilot(noisy, torch.tensor(sigma))
    error = [float((x - clean).square().mean()) for x in (noisy, pilot, SMALL(noisy, torch.tensor(sigma)))]
    assert error[2] < error[1] < error[0]


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_guide_makes_its_pilot_better(channels):
    guide, clean, sigma = LIChIGuide(), scene(channels, 64), torch.tensor(0.1)
    noisy = clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    pilot = guide(noisy, sigma)
    found = guide.refine(noisy, sigma, pilot)
    error = [float((x - clean).square().mean()) for x in (noisy, pilot, found)]
    assert error[2] < error[1] < error[0]


def test_a_guide_shares_in_colour_alone():
    noisy, sigma = scene(3) + 0.1 * torch.randn(1, 3, 40, 40), torch.tensor(0.1)
    whole, none = LIChIGuide(share=1.0), LIChIGuide(share=0.0)
    rounds = LIChI.refine(whole, noisy, sigma, noisy)
    torch.testing.assert_close(whole.refine(noisy, sigma, noisy), rounds)
    torch.testing.assert_close(none.refine(noisy, sigma, noisy), none.pilot.refine(noisy, sigma, rounds))
    grey = noisy[:, :1]
    assert torch.equal(none.refine(grey, sigma, grey), whole.refine(grey, sigma, grey))


@pytest.mark.parametrize("space", [(1, 1), (1, 40), (3, 3), (7, 50), (30,), (5, 6, 7)])
def test_any_size(space):
    noisy = torch.rand(1, 1, *space, generator=torch.Generator().manual_seed(0))
    found = SMALL(noisy, torch.tensor(0.1))
    assert found.shape == noisy.shape
    assert bool(found.isfinite().all())


def test_no_noise_leaves_the_picture():
    x = scene()
    assert float((SMALL.refine(x, torch.tensor(0.0), x) - x).square().mean().sqrt()) < 5e-3


@pytest.mark.parametrize("sigma", [1e-6, 1e-5, 1e-4, 1e-3])
def test_next_to_no_noise_leaves_flat_colours(sigma):
    """Patches that are alike but for rounding leave a system of next to nothing: 14 to 61 of 255 came of it."""
    x = scene(3, 48).mul(6).round() / 6
    assert float((QUICK(x, torch.tensor(sigma)) - x).abs().max()) < 1.5 / 255


def test_tiles_are_not_seen(monkeypatch):
    """But for the components, which are those of a tile: no more than the noise is changed by them."""
    clean = scene(1, 96)
    noisy = clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    whole = SMALL(noisy, torch.tensor(0.1))
    monkeypatch.setattr("untaught.classical.denoise.lichi.SIDE", 40)
    parts = SMALL(noisy, torch.tensor(0.1))
    assert float((whole - parts).square().mean().sqrt()) < 0.01
    assert abs(psnr(whole.numpy(), clean.numpy()) - psnr(parts.numpy(), clean.numpy())) < 0.2
