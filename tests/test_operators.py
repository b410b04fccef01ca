"""Operators of our own against what they are called after: scikit-image's Radon transform, Fourier transforms, sensors, rays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.transform import radon

import untaught
from untaught.core.errors import BadInput
from untaught.problem.operators.blur import Blur, VaryingBlur
from untaught.problem.operators.fourier import Fourier, coil_maps
from untaught.problem.operators.mosaic import Mosaic
from untaught.problem.operators.noncartesian import NonCartesian
from untaught.problem.operators.phase import PhaseRetrieval
from untaught.problem.operators.radon import Radon
from untaught.problem.operators.sensing import CompressedSensing
from untaught.problem.operators.stack import Stack


def smooth(side):
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / side
    blobs = np.exp(-((x - 0.1) ** 2) / 0.01 - (y + 0.15) ** 2 / 0.02) + 0.5 * np.exp(-(x**2 + y**2) / 0.02)
    return np.where(x**2 + y**2 < 0.24, blobs, 0)


@pytest.mark.parametrize("side", [65, 101])
def test_radon_is_scikit_images(side):
    angles = np.array([0.0, 17.0, 45.0, 90.0, 131.0, 200.0])
    expected = radon(smooth(side), angles, circle=True).T
    found = Radon(angles, side)(torch.tensor(smooth(side))[None, None])[0, 0].numpy()
    assert np.abs(found - expected).max() < 0.01 * expected.max()


def test_a_picture_within_the_rays_keeps_its_sum_in_every_view():
    picture = smooth(41)
    found = Radon(np.linspace(0, 360, 23), 61, size=41)(torch.tensor(picture)[None, None])
    np.testing.assert_allclose(found[0, 0].sum(1).numpy(), picture.sum(), rtol=2e-3)


def test_the_center_moves_the_sinogram_and_the_pitch_scales_it():
    x = torch.tensor(smooth(41))[None, None]
    plain = Radon((10.0, 80.0), 61, size=41)(x)
    moved = Radon((10.0, 80.0), 61, size=41, center=33)(x)
    torch.testing.assert_close(moved[..., 3:], plain[..., :-3])
    fine = Radon((10.0, 80.0), 121, size=41, pitch=0.5)(x)
    torch.testing.assert_close(fine[..., ::2], plain)


def test_a_fan_from_far_away_is_parallel_and_a_near_one_is_magnified():
    x = torch.tensor(smooth(41))[None, None]
    parallel = Radon((0.0, 50.0), 61, size=41)(x)
    far = Radon((0.0, 50.0), 61, size=41, fan=(1e6, 0.0))(x)
    torch.testing.assert_close(far, parallel, rtol=1e-3, atol=1e-3)
    near = Radon((0.0, 50.0), 61, size=41, fan=(1e6, 1e6), pitch=2.0)(x)
    torch.testing.assert_close(near, parallel, rtol=1e-3, atol=1e-3)


def test_held_out_rays_are_whole_views():
    held = Radon(np.arange(20), 5).held_out((1, 1, 20, 5), 0.2, torch.Generator().manual_seed(0))
    assert held.all(-1).sum() == held.any(-1).sum() == 4


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Radon((), 5), "no"),
        (lambda: Radon((0.0,), 0), "0 detectors"),
        (lambda: Radon((0.0,), 9, fan=(3.0, 1.0)), "within the picture"),
        (lambda: Radon((0.0, 1.0), 9).image_shape((1, 1, 9, 2)), r"\(9, 2\).*\(2, 9\)"),
        (lambda: Fourier(torch.zeros(3, 3)), "nothing was sampled"),
        (lambda: Fourier(torch.ones(3, 3), torch.ones(2, 4, 3)), r"\(3, 3\).*\(2, 4, 3\)"),
        (lambda: NonCartesian(np.ones((5, 2)), (4, 4)), r"\(5, 2\), up to 1"),
        (lambda: NonCartesian(np.zeros((5, 2)), (4, 4)).image_shape((1, 1, 4)), r"\(1, 4\).*\(1, 5\)"),
        (lambda: Fourier(torch.ones(3, 3)).image_shape((1, 1, 4, 3)), r"\(1, 4, 3\)"),
        (lambda: Mosaic("rgbg"), "did you mean 'rggb'"),
        (lambda: Mosaic(((0.5,),)), "numbers from 0"),
        (lambda: Mosaic().image_shape((1, 3, 4, 4)), r"\(3, 4, 4\)"),
        (lambda: Stack([], (1, 3)), "no operators"),
        (lambda: Stack([Blur(torch.ones(1, 1))], (1, 3, 3)).image_shape((1, 8)), r"\(8,\).*\(9,\)"),
        (lambda: PhaseRetrieval(torch.ones(2, 3)).image_shape((1, 1, 3)), r"\(1, 3\).*\(2, 3\)"),
        (lambda: VaryingBlur(torch.ones(1, 1, 1), torch.ones(1, 4, 4) / 2), "do not sum to 1"),
        (lambda: CompressedSensing((1, 3), 4), "4 measurements of 3"),
        (lambda: CompressedSensing((1, 3), 2).image_shape((1, 3)), r"\(3,\).*\(2,\)"),
    ],
)
def test_what_does_not_fit_is_one_sentence(make, words):
    with pytest.raises(BadInput, match=words):
        make()


def test_fourier_is_numpys_and_loses_nothing_where_all_is_sampled():
    x = torch.randn(1, 2, 6, 5, dtype=torch.float64)
    picture = (x[0, 0] + 1j * x[0, 1]).numpy()
    a = Fourier()
    expected = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(picture), norm="ortho"))
    np.testing.assert_allclose(a(x)[0, 0].numpy(), expected)
    torch.testing.assert_close(a.adjoint(a(x)), x)


def test_maps_of_coils_are_found_up_to_a_phase():
    side = 64
    y, x = np.mgrid[:side, :side] / side
    scene = ((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.15) * (0.6 + 0.4 * np.sin(9 * x))
    coils = np.stack([np.exp(-((x - a) ** 2 + (y - b) ** 2) / 0.5) for a, b in ((0, 0), (1, 0), (0, 1), (1, 1))])
    coils = coils / np.sqrt((coils**2).sum(0))
    samples = Fourier(maps=torch.tensor(coils))(torch.tensor(scene)[None, None].repeat(1, 2, 1, 1))
    found = coil_maps(samples[0].to(torch.complex64), torch.ones(side, side)).abs().numpy()
    inside = scene > 0
    apart = np.abs(found - coils)[:, inside]
    assert apart.max() < 0.12  # at the rim, of what is smooth
    assert apart.mean() < 0.03


def test_held_out_frequencies_are_held_out_for_all_coils():
    held = Fourier().held_out((1, 4, 8, 9), 0.3, torch.Generator().manual_seed(0))
    assert held.any()
    assert (held.all(1) == held.any(1)).all()


def test_a_mosaic_has_the_colours_of_its_pattern():
    x = torch.arange(3.0).view(1, 3, 1, 1).expand(1, 3, 6, 6)
    assert Mosaic("rggb")(x)[0, 0, :2, :2].tolist() == [[0, 1], [1, 2]]
    counts = torch.bincount(Mosaic("xtrans")(x).flatten().long()).tolist()
    assert counts == [8, 20, 8]  # as on the sensor


def test_rows_of_compressed_sensing_are_orthonormal():
    a = CompressedSensing((1, 8, 8), 16)
    y = torch.randn(3, 16)
    torch.testing.assert_close(a(a.adjoint(y)), y, rtol=1e-4, atol=1e-5)


def test_a_blur_that_does_not_vary_is_a_blur():
    kernel, x = torch.full((3, 3), 1 / 9), torch.rand(1, 2, 8, 9)
    weights = torch.rand(2, 8, 9).softmax(0)
    torch.testing.assert_close(VaryingBlur(kernel.expand(2, 3, 3), weights)(x), Blur(kernel)(x))


def test_a_stack_measures_what_its_parts_measure():
    x = torch.rand(1, 3, 8, 8)
    sharp = Stack.pansharpen(3, (8, 8), 2)
    y = sharp(x)
    assert y.shape == (1, 3 * 16 + 64)
    torch.testing.assert_close(y[:, 48:].view(1, 1, 8, 8), x.mean(1, keepdim=True))
    torch.testing.assert_close(sharp.join([one(x) for one in sharp.operators]), y)


def test_intensities_know_nothing_of_a_sign_and_enough_of_the_rest():
    """Six masks are enough for a picture, up to its sign (Wirtinger flow, as the pixels' own descent)."""
    truth = torch.tensor(smooth(16) + 0.2, dtype=torch.float32)[None, None]
    a = PhaseRetrieval.random(6, (16, 16))
    torch.testing.assert_close(a(-truth), a(truth))
    start = torch.full_like(truth, float(a(truth).mean(1).sum().div(256).sqrt()))
    problem = untaught.Problem(a(truth), a, start=start)
    method = untaught.Method(
        untaught.Pixels(), optimiser=untaught.Adam(0.02), average=untaught.Last(), stop=untaught.After(400)
    )
    x = untaught.solve(problem, method).x
    assert min(float((x - truth).abs().max()), float((x + truth).abs().max())) < 0.02


def test_what_is_measured_once_can_be_held_out():
    problem = untaught.Problem(torch.rand(1, 1, 20, 9), Radon(np.arange(20), 9))
    method = untaught.Method(untaught.Network.examples()[0], stop=untaught.HoldOut(0.1) | untaught.After(3))
    run = untaught.Run(untaught.Job((untaught.Solve(method),), problem))
    weight = run.course.problem.weight[0, 0]
    assert (weight.sum(1) == 0).sum() == 2


@pytest.mark.parametrize("space", [(7,), (8, 11), (1, 5), (4, 6, 3)])
def test_frequencies_off_the_grid_are_those_of_the_plain_sum(space):
    draw = np.random.default_rng(0)
    k = draw.uniform(-0.5, 0.5, (20, len(space)))
    k[0], k[1] = 0.5, -0.5
    x = draw.normal(size=(2, *space))
    places = np.stack(np.meshgrid(*[np.arange(n) - n // 2 for n in space], indexing="ij"), -1).reshape(-1, len(space))
    exact = np.exp(-2j * np.pi * k @ places.T) @ (x[0] + 1j * x[1]).ravel() / x[0].size ** 0.5
    found = NonCartesian(k, space)(torch.tensor(x)[None])[0, 0].numpy()
    assert np.abs(found - exact).max() < 1e-4 * np.abs(exact).max()


def test_frequencies_on_the_grid_are_fouriers():
    x = torch.rand(1, 2, 6, 8, dtype=torch.float64)
    grid = torch.meshgrid(*[(torch.arange(n) - n // 2) / n for n in (6, 8)], indexing="ij")
    found = NonCartesian(torch.stack(grid, -1).view(-1, 2), (6, 8))(x)
    torch.testing.assert_close(found.view(1, 1, 6, 8), Fourier()(x), atol=1e-4, rtol=0)


def test_angles_that_are_no_numbers_and_an_axis_out_of_sight_are_refused(tmp_path):
    np.save(tmp_path / "angles.npy", [0.0, np.nan])
    with pytest.raises(BadInput, match="angles are not all numbers"):
        untaught.reconstruct(np.ones((2, 8)), operator=f"radon:angles={tmp_path / 'angles.npy'}", preset="instant")
    with pytest.raises(BadInput, match="No ray meets the picture"):
        untaught.reconstruct(np.ones((2, 8)), operator="radon:center=500", preset="instant")
