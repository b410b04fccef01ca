"""Where pixels are: padding, symmetries, strips; and what is built on them: fed networks, guides."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from untaught.classical.denoise.matching import Pass
from untaught.classical.denoise.nl_ridge import NonLocalRidge, piloted
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.core.geometry import box, crop_to, mirror, pad_to, padded, strips, symmetry, unsymmetry
from untaught.core.randomness import Rng
from untaught.prior import Network
from untaught.prior.codes import Fed
from untaught.prior.networks.compact import Compact, shuffle, unshuffle
from untaught.problem import Problem
from untaught.solver.objectives._base import Crops, apply


@given(st.integers(1, 9), st.integers(0, 40), st.integers(0, 40))
def test_mirroring_repeats_the_edge_and_is_symmetric(n, before, after):
    index = mirror(n, before, after)
    assert len(index) == n + before + after
    assert index[before : before + n] == list(range(n))
    assert all(abs(a - b) <= 1 for a, b in itertools.pairwise(index))
    assert all(0 <= i < n for i in index)


@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 8))
def test_cropping_undoes_padding(h, w, multiple):
    x = torch.arange(h * w, dtype=torch.float32).view(1, 1, h, w)
    space = padded((h, w), multiple)
    assert all(n % multiple == 0 for n in space)
    assert torch.equal(crop_to(pad_to(x, space), (h, w)), x)


@given(st.integers(1, 300), st.integers(1, 50), st.integers(0, 30))
def test_strips_cover_every_row_once_and_see_their_halo(n, height, halo):
    found = list(strips(n, height, halo))
    assert [row for s in found for row in range(s.start, s.stop)] == list(range(n))
    for s in found:
        assert s.low == max(0, s.start - halo)
        assert s.high == min(n, s.stop + halo)


@pytest.mark.parametrize("which", range(8))
@pytest.mark.parametrize("space", [(5,), (4, 4), (3, 5), (2, 3, 4)])
def test_a_symmetry_is_undone_and_the_eight_differ(which, space):
    x = torch.arange(float(torch.tensor(space).prod())).view(1, 1, *space)
    assert torch.equal(unsymmetry(symmetry(x, which), which), x)
    if space == (4, 4):
        others = [symmetry(x, k) for k in range(8) if k != which]
        assert not any(torch.equal(symmetry(x, which), o) for o in others)


@pytest.mark.parametrize("space", [(40,), (1, 1), (30, 41), (20, 5, 18)])
def test_a_wide_box_is_the_same_mean_along_all_axes_at_once(space):
    x, radius = torch.rand(1, 2, *space, generator=torch.Generator().manual_seed(0)), 9
    radii = [min(radius, (n - 1) // 2) for n in space]
    for at in ([0] * len(space), [n // 2 for n in space], [n - 1 for n in space]):
        around = tuple(slice(max(0, i - r), i + r + 1) for i, r in zip(at, radii, strict=True))
        torch.testing.assert_close(box(x, radius)[(0, 1, *at)], x[0, 1][around].mean())


def test_box_is_the_mean_of_the_neighbourhood():
    x = torch.randn(1, 1, 7, 8)
    assert float(box(x, 1)[0, 0, 3, 4]) == pytest.approx(float(x[0, 0, 2:5, 3:6].mean()), abs=1e-6)
    assert float(box(x, 1)[0, 0, 0, 0]) == pytest.approx(float(x[0, 0, :2, :2].mean()), abs=1e-6)


@pytest.mark.parametrize("space", [(8,), (4, 6), (2, 4, 6)])
def test_shuffling_undoes_unshuffling(space):
    x = torch.randn(2, 3, *space)
    assert torch.equal(shuffle(unshuffle(x, 2), 2), x)


@pytest.mark.parametrize("net", Compact.examples(), ids=repr)
@pytest.mark.parametrize("space", [(90, 31), (200, 17)])
def test_a_fed_network_by_strips_equals_the_whole(net, space):
    y = torch.rand(1, 2, *space)
    model = Network(net, Fed(2), output="linear").build((1, 1, *space), Problem(y[:, :1]), Rng(0))
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.2)
    with torch.no_grad():
        whole, parts = apply(model, y), apply(model, y, pixels=space[1] * 40)
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-6)


def test_crops_of_several_layers_are_of_the_same_place():
    x = torch.rand(1, 1, 20, 30)
    a, b = Crops(8, 5).draw([x, 2 * x], Rng(3))
    assert a.shape == (5, 1, 8, 8)
    assert torch.equal(b, 2 * a)
    assert len({float(c.sum()) for c in a}) > 1


THREE = NonLocalRidge(then=(Pass(5, 64), Pass(5, 256, 35)))
GUIDES = [NonLocalMeans(), NonLocalMeans(coarse=0.4), NonLocalRidge(), THREE]


@pytest.mark.parametrize("guide", GUIDES, ids=repr)
class TestGuides:
    def picture(self):
        rows = torch.linspace(0, 9, 48)
        return (0.5 + 0.3 * (rows[:, None].sin() * rows.cos()))[None, None].repeat(1, 3, 1, 1)

    def test_noise_is_removed(self, guide):
        truth, sigma = self.picture(), 0.1
        noisy = truth + sigma * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
        assert float((guide(noisy, torch.tensor(sigma)) - truth).square().mean()) < 0.25 * sigma**2

    def test_a_constant_picture_stays(self, guide):
        flat = torch.full((1, 3, 40, 40), 0.3)
        torch.testing.assert_close(guide(flat, torch.tensor(0.1)), flat, rtol=0, atol=2e-3)

    @pytest.mark.parametrize(
        "shape", [(1, 1, 1), (1, 2, 30), (1, 1, 1, 1), (1, 3, 9, 8), (1, 1, 40, 7), (1, 1, 3, 4, 5)]
    )
    def test_any_size(self, guide, shape):
        x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
        found = guide(x, torch.tensor(0.1))
        assert found.shape == shape
        assert torch.isfinite(found).all()

    def test_it_commutes_with_scaling(self, guide):
        noisy = self.picture() + 0.02 * torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(1))
        one, two = guide(noisy, torch.tensor(0.02)), guide(2 * noisy, torch.tensor(0.04))
        torch.testing.assert_close(two / 2, one, rtol=0, atol=5e-3)


def test_the_ridge_bears_flat_pictures_and_bright_spots():
    flat = torch.zeros(1, 1, 48, 48)
    flat[..., 24:] = 1
    assert torch.isfinite(NonLocalRidge()(flat, torch.tensor(1e-5))).all()
    spot = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    spot[..., :7, 30:37] = 2000
    assert torch.isfinite(NonLocalRidge()(spot, torch.tensor(1.0))).all()


def test_patches_of_fewer_channels_hold_about_as_many_values():
    few = Pass(5, 256)
    assert few.of(3, 2) == Pass(7, 256)
    assert (few.of(1, 2).patch, few.of(1, 2).group) == (9, 128)
    for channels in (1, 2, 3):
        made = few.of(channels, 0)
        assert made.patch**2 * channels == pytest.approx(75, rel=0.35)
        assert made.reach <= few.reach + 4


def test_a_grey_picture_needs_larger_patches():
    from skimage import data

    clean = torch.from_numpy(data.camera()[180:276, 200:296].copy()).float()[None, None] / 255
    y = clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    ridge, sigma = NonLocalRidge(), torch.tensor(0.1)
    small = NonLocalRidge(Pass(3, 16, stride=3), (Pass(1, 128, stride=1),))  # 7 and 5 pixels a side, as in colour
    errors = [float((guide(y, sigma) - clean).square().mean()) for guide in (ridge, small)]
    assert errors[0] < 0.85 * errors[1]


def test_the_ridge_by_strips_is_nearly_that_of_the_whole():
    noisy = TestGuides().picture().repeat(1, 1, 4, 1)
    noisy = noisy + 0.1 * torch.randn(noisy.shape, generator=torch.Generator().manual_seed(0))
    whole, parts = (NonLocalRidge(pixels=p)(noisy, torch.tensor(0.1)) for p in (1 << 20, 48 * 90))
    assert float((whole - parts).square().mean().sqrt()) < 0.02


@pytest.mark.parametrize(("k", "n"), [(12, 20), (20, 20), (21, 20), (40, 9), (1, 3)])
def test_the_smaller_system_gives_the_ridge(k, n):
    draw = torch.Generator().manual_seed(k)
    noisy, pilot = torch.randn(2, 3, k, n, generator=draw)
    noise = torch.rand(3, generator=draw) + 0.1
    estimate, sure = piloted(noisy, pilot, noise)
    x, v = pilot.double(), (noise + 2e-5 * pilot.square().sum((1, 2)) / k).double()
    mix = x @ torch.linalg.inv(x.mT @ x + v[:, None, None] * torch.eye(n)) @ x.mT
    torch.testing.assert_close(estimate / sure[..., None], (mix @ noisy.double()).float(), rtol=1e-3, atol=1e-4)
    diagonal = mix.diagonal(dim1=1, dim2=2).clamp_min(1e-2)
    torch.testing.assert_close(sure, (1 / diagonal).float(), rtol=1e-3, atol=1e-3)


def test_each_pass_with_the_one_before_as_its_pilot_makes_a_better_picture():
    truth = TestGuides().picture()
    noisy = truth + 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    error = [
        float((NonLocalRidge(then=then)(noisy, torch.tensor(0.1)) - truth).square().mean())
        for then in ((), THREE.then[:1], THREE.then)
    ]
    assert error[2] < error[1] < error[0]


def test_a_better_pilot_makes_a_better_picture():
    truth = TestGuides().picture()
    noisy = truth + 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    ridge, sigma = NonLocalRidge(), torch.tensor(0.1)
    first = ridge(noisy, sigma)
    best = ridge.refine(noisy, sigma, truth)
    assert float((best - truth).square().mean()) < float((first - truth).square().mean())
