"""Undoing blur: borders of which nothing is assumed, known and sought kernels, presets, refusals."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from blurred_photos import blurred, under
from PIL import Image

import untaught
from untaught.bench.metrics import psnr
from untaught.classical.plug_and_play import PlugAndPlay
from untaught.core.errors import BadInput
from untaught.problem import Problem
from untaught.problem.likelihoods import Gaussian
from untaught.problem.operators import kernels
from untaught.problem.operators.blur import BlindBlur, Blur, SoughtBlur
from untaught.solver.loop import Run
from untaught.solver.objectives.bootstrap import damaged
from untaught.solver.stage import Job
from untaught.tasks.deblur.presets import PRESETS


def test_the_blur_is_a_convolution_of_what_the_kernel_saw_whole():
    draw = np.random.default_rng(0)
    x, k = draw.random((20, 31)), draw.random((4, 7))
    k /= k.sum()
    seen = np.lib.stride_tricks.sliding_window_view(x, k.shape)
    expected = np.einsum("ijkl,kl->ij", seen, k[::-1, ::-1])
    found = Blur(torch.from_numpy(k)).double()(torch.from_numpy(x)[None, None])[0, 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_sought_kernel_is_a_kernel_and_learns_at_its_own_rate():
    operator = BlindBlur((5, 3), seed=1)
    kernel = operator.kernel.detach()
    assert float(kernel.sum()) == pytest.approx(1)
    assert float(kernel.min()) > 0
    picture = np.random.default_rng(0).integers(0, 256, (16, 16)).astype(np.uint8)
    job = untaught.deblur.job(picture, blind=True, steps=2, preset="paper")
    before = [p.clone() for p in job.problem.operator.parameters()]
    run = Run(job)
    next(run)
    assert [g["lr"] for g in run.course.optimiser.param_groups] == pytest.approx([0.01, 1e-4])
    moved, kept = run.course.problem.operator, job.problem.operator
    assert not torch.equal(moved.kernel, kept.kernel)
    assert all(torch.equal(a, b) for a, b in zip(before, kept.parameters(), strict=True))


def test_a_round_with_hardly_any_trust_in_the_last_one_solves_for_the_data():
    operator = Blur(kernels.gauss(0.6))
    x = torch.rand(1, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    problem = Problem(operator.double()(x), operator, untaught.Gaussian(0.01), start=x * 0 + 0.5)
    plain = PlugAndPlay(lambda u, level: u, (1e3,), iterations=300)
    found = plain.estimate(problem)
    torch.testing.assert_close(operator(found), problem.data, atol=1e-4, rtol=0)


def test_rounds_with_no_blur_and_no_denoiser_blend_data_and_start_by_their_variances():
    y, v = torch.full((1, 1, 4, 4), 1.0), torch.zeros(1, 1, 4, 4)
    problem = Problem(y, likelihood=untaught.Gaussian(0.1), start=v)
    x = PlugAndPlay(lambda u, level: u, (0.2,), strength=1.0).estimate(problem)
    torch.testing.assert_close(x, torch.full_like(x, 0.2**2 / (0.1**2 + 0.2**2)))


def test_what_a_sought_kernel_is_off_by_counts_as_noise():
    y, v = torch.full((1, 1, 4, 4), 1.0), torch.zeros(1, 1, 4, 4)
    operator = SoughtBlur((1, 1))
    operator.take(torch.ones(1, 1), 0.0, error=0.03)
    plain = PlugAndPlay(lambda u, level: u, (0.2,))
    x, known = (
        plain.estimate(Problem(y, a, Gaussian(sigma), start=v))
        for a, sigma in ((operator, 0.04), (Blur(torch.ones(1, 1)), 0.05))
    )
    torch.testing.assert_close(x, known)
    with pytest.raises(BadInput, match="not known"):
        plain.check(Problem(y))


def test_a_guide_without_a_pilot_is_refused_where_one_is_asked_for():
    problem = Problem(torch.zeros(1, 1, 8, 8), likelihood=untaught.Gaussian(0.1))
    with pytest.raises(BadInput, match="takes no pilot"):
        PlugAndPlay(lambda u, level: u, pilot=True).check(problem)


@pytest.mark.parametrize("preset", ["instant", "fast"])
def test_a_blurred_photo_gets_better(preset, photo):
    data = blurred(photo)
    sharp = untaught.deblur(data, kernel="gauss:1.2", sigma=2 / 255, preset=preset)
    assert psnr(sharp, under(photo, data)) > psnr(data, under(photo, data)) + 1.5


@pytest.mark.parametrize("noise", [1, 2, 3])
def test_a_smooth_picture_of_little_noise_gets_no_worse(noise):
    """Its few rounds fell from one level to the next so fast that what the kernel enlarged was left as texture: 9 dB below."""
    y, x = np.mgrid[:48, :48]
    ramp = 90 + 60 * x / 48 + 40 * y / 48
    noisy = np.rint(ramp + np.random.default_rng(1).normal(0, noise, ramp.shape)).astype(np.uint8)
    found = untaught.deblur(noisy, kernel="disk:2", preset="instant")
    assert psnr(found, ramp.astype(np.uint8)) > psnr(noisy, ramp.astype(np.uint8))


@pytest.mark.parametrize("preset", ["instant", "fast"])
@pytest.mark.parametrize("noise", [0, 1, 3])
def test_where_there_is_no_detail_none_is_made_of_the_noise(noise, preset):
    """A ramp of 8 bit came out with waves of up to 24 levels, an even ground in noise of 3 with errors of 5.6."""
    y, x = np.mgrid[:48, :48]
    for sky in (20 + 1.7 * x, 90 + 0.4 * y + 0.1 * x):
        noisy = np.rint(sky + np.random.default_rng(1).normal(0, noise, sky.shape)).astype(np.uint8)
        found = untaught.deblur(noisy, kernel="disk:3", preset=preset)
        assert np.sqrt(np.square(found - sky).mean()) < max(1.5, noise / 2)


@pytest.mark.parametrize("preset", ["instant", "fast"])
@pytest.mark.parametrize("sigma", [1e-5, 1 / 255, 3 / 255, 25 / 255])
def test_no_level_is_far_below_the_one_before(preset, sigma, photo):
    (stage,) = untaught.deblur.job(photo, kernel="gauss:1.2", preset=preset, sigma=sigma).stages
    levels = stage.estimator.levels
    assert all(b >= 0.699 * a for a, b in pairwise(levels))


def test_what_has_no_network_says_so(photo):
    said = {p: " ".join(untaught.deblur.job(photo, kernel="gauss:1", preset=p).notes) for p in PRESETS}
    assert {p for p, notes in said.items() if "no network" in notes} == {"instant", "fast"}
    assert "no network" in " ".join(untaught.deblur.job(photo, blind=True).notes)


class TestBootstrap:
    @pytest.fixture
    def stages(self, photo):
        job = untaught.deblur.job(blurred(photo), kernel="gauss:1.2", sigma=2 / 255, preset="balanced", steps=2)
        return job.problem, job.stages

    def test_the_estimate_that_it_repeats_is_that_of_the_stages_before(self, stages):
        problem, (*rounds, learn) = stages
        plain = untaught.solve(Job(tuple(rounds), problem)).x
        torch.testing.assert_close(learn.method.objective.first.estimate(problem), plain)

    def test_it_starts_at_the_estimate_and_learns_from_other_data_of_it(self, stages):
        problem, (*_, learn) = stages
        c = torch.full(problem.image_shape, 0.5) + 0.2 * torch.rand(problem.image_shape)
        problem = replace(problem, start=c)
        run = Run(Job((learn,), problem))
        torch.testing.assert_close(run.course.render(1), c)
        other, target = damaged(problem, c, 31, torch.Generator().manual_seed(0))
        assert target.shape[2:] == other.start.shape[2:] == (31, 31)
        noise = other.data - problem.operator(target)
        assert float(noise.std()) == pytest.approx(2 / 255, rel=0.05)

    @pytest.mark.slow
    def test_the_network_adds_to_the_filter(self, photo):
        data = blurred(photo)
        given = {"kernel": "gauss:1.2", "sigma": 2 / 255}
        plain, more = (untaught.deblur(data, preset=p, **given) for p in ("fast", "balanced"))
        assert psnr(more, under(photo, data)) > psnr(plain, under(photo, data))


@pytest.mark.parametrize("k", [5, 41])
def test_a_window_holds_more_than_the_kernel_takes(k):
    problem = Problem(torch.rand(1, 1, 120 - k + 1), Blur(torch.full((k,), 1 / k)), Gaussian(0.01))
    part, target = damaged(problem, torch.rand(1, 1, 120), 32, torch.Generator())
    assert part.data.shape[2] == target.shape[2] - k + 1 >= min(32, k) - 4


@pytest.mark.parametrize(
    ("preset", "blind"),
    [
        pytest.param(p, n % 2 > 0, marks=[pytest.mark.slow] if p in ("balanced", "best") else [])
        for n, p in enumerate(PRESETS)
    ],
)
def test_every_preset_runs_and_keeps_type_and_shape(preset, blind, photo, brief_search):
    data = blurred(photo)[:14, :15]
    given = {"blind": True, "size": "5x3"} if blind else {"kernel": "gauss:0.7"}
    sharp = untaught.deblur(data, preset=preset, steps=2, **given)
    assert (sharp.dtype, sharp.shape) == (data.dtype, data.shape)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((1, 1), np.uint8),
        ((1, 9), np.uint16),
        ((2, 3, 3), np.float32),
        ((14, 9, 3), np.uint8),
        ((14, 9, 3), np.uint16),
        ((14, 9, 3), np.float32),
    ],
)
def test_any_size_from_one_pixel(shape, dtype):
    array = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    for given in ({"kernel": np.ones((1, 1))}, {"blind": True, "size": "1"}):
        sharp = untaught.deblur(array, steps=2, **given)
        assert (sharp.dtype, sharp.shape) == (array.dtype, array.shape)


def test_series_and_volumes_take_kernels_of_their_own_axes():
    draw = np.random.default_rng(0)
    series, volume = draw.random(40), draw.random((6, 7, 8))
    assert untaught.deblur(series, kernel=np.full(3, 1 / 3), steps=2).shape == (40,)
    assert untaught.deblur(volume, kernel=np.full((2, 2, 2), 1 / 8), steps=2, channel_axis=None).shape == (6, 7, 8)


def test_a_kernel_from_a_file_is_divided_by_its_sum_and_that_is_said(photo, tmp_path):
    kernel = kernels.gauss(1.2).numpy()
    Image.fromarray(np.rint(255 * kernel / kernel.max()).astype(np.uint8)).save(tmp_path / "k.png")
    np.save(tmp_path / "k.npy", kernel.astype(np.float32))
    data = blurred(photo)
    picture, floats = (untaught.deblur.job(data, kernel=str(tmp_path / n), steps=2) for n in ("k.png", "k.npy"))
    assert any("divided by its sum" in n for n in picture.notes)
    assert not any("divided" in n for n in floats.notes)
    torch.testing.assert_close(picture.problem.operator.kernel, floats.problem.operator.kernel, atol=1e-3, rtol=0)


def test_the_noise_is_estimated_and_said(photo):
    job = untaught.deblur.job(blurred(photo, sigma=5 / 255), kernel="gauss:1.2")
    assert 255 * job.problem.likelihood.sigma == pytest.approx(5, rel=0.3)
    assert any("sigma was estimated" in n for n in job.notes)


def test_same_seed_same_bits_and_jobs_pickle(photo):
    data = blurred(photo)[:16, :16]
    for given in ({"kernel": "disk:1"}, {"blind": True, "size": "3x3"}):
        job = untaught.deblur.job(data, steps=3, **given)
        results = [j.result(untaught.solve(j).x) for j in (job, job, pickle.loads(pickle.dumps(job)))]
        assert np.array_equal(results[0], results[1])
        assert np.array_equal(results[0], results[2])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "How is it blurred.*gauss:1.6.*blind"),
        ({"kernel": "gauss:1", "blind": True}, "leave out one"),
        (
            {"kernel": "gauss:30"},
            "kernel is 241 x 241, and the picture is only 48 x 56.*smaller blur, or more of the picture",
        ),
        ({"kernel": np.full((3, 3), 0.2)}, "sums to 1.8, not to 1: divide it by its sum"),
        ({"kernel": np.array([[-0.5, 1.5]])}, "negative weights, the least -0.5"),
        ({"kernel": np.array([[np.nan, 1]])}, "NaN"),
        ({"kernel": np.ones((0, 3))}, "kernel is empty"),
        ({"kernel": np.full(3, 1 / 3)}, "give a kernel of 2 axes"),
        ({"kernel": np.array([["a"]])}, "give numbers"),
        ({"kernel": "nowhere.png"}, "no file 'nowhere.png'"),
        ({"kernel": "gauss"}, "gauss:1.6"),
        ({"blind": True, "size": "0x3"}, "size = '0x3'.*15x15"),
        ({"blind": True, "size": "big"}, "size = 'big'"),
        ({"blind": True, "size": "99x3"}, "kernel is 99 x 3"),
        ({"kernel": "gauss:1", "sigma": 2}, "did you mean 2/255"),
        ({"kernel": "gauss:1", "preset": "fats"}, "did you mean 'fast'"),
    ],
)
def test_bad_input_gets_a_sentence(options, sentence, photo):
    with pytest.raises(BadInput, match=sentence):
        untaught.deblur(photo, **options)


def test_coloured_and_black_kernel_files_are_refused(photo, tmp_path):
    for name, value, sentence in (("c", photo, "coloured"), ("b", np.zeros((5, 5), np.uint8), "black")):
        Image.fromarray(value).save(tmp_path / f"{name}.png")
        with pytest.raises(BadInput, match=sentence):
            untaught.deblur(photo, kernel=tmp_path / f"{name}.png")


def test_from_the_command_line(photo, tmp_path, monkeypatch, untaught):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(blurred(photo)).save("in.png")
    assert untaught("deblur", "in.png", "--kernel", "gauss:1.2", "--steps", "1")[0] == 0
    code, _, said = untaught("deblur", "in.png", "--kernel", "gauss:99", "--force")
    assert code == 2
    assert "kernel is" in said


class TestBench:
    def test_every_method_gets_the_valid_part_and_is_scored_on_it(self, photo, tmp_path, monkeypatch):
        from untaught.core.registry import comparisons

        Image.fromarray(np.tile(photo, (2, 2, 1))[:, :90]).save(tmp_path / "a.png")
        monkeypatch.setattr("untaught.bench.competitors.total_variation.DEBLUR", (1e-3,))
        compare = comparisons.get("deblur")
        (case,) = compare.cases([tmp_path / "a.png"], {"kernel": "gauss:1", "sigma": 2 / 255})
        given = case.input(0)
        assert case.clean.shape == given.shape == (88, 82, 3)
        assert not np.array_equal(given, case.input(1))
        told = {**case.told, "clean": case.clean}
        scores = {n: compare.score(compare.run(b, given, told), case.clean)[0] for n, b in compare.baselines.items()}
        blurred = compare.score(given, case.clean)[0]
        assert scores["tv-best"] > blurred
        assert scores["rl-best"] >= max(blurred, scores["richardson-lucy"])

    def test_richardson_lucy_iterate_by_iterate_is_scikit_images(self, photo):
        from skimage.restoration import richardson_lucy

        from untaught.bench.competitors.richardson_lucy import iterates

        y, kernel = photo[..., 0] / 255, kernels.gauss(1.0).numpy()
        ours = [x for _, x in zip(range(5), iterates(y, kernel), strict=False)][-1]
        np.testing.assert_allclose(ours, richardson_lucy(y, kernel, num_iter=5), atol=1e-9)

    @pytest.mark.parametrize(
        ("pictures", "options", "sentence"),
        [
            ([], {"kernel": "disk:1", "sigma": 0.1}, "no pictures"),
            (["a"], {"sigma": 0.1}, "--kernel gauss:1.6"),
            (["a"], {"kernel": "disk:1"}, "--sigma"),
        ],
    )
    def test_what_it_needs_is_asked_for(self, pictures, options, sentence):
        from untaught.core.registry import comparisons

        with pytest.raises(BadInput, match=sentence):
            comparisons.get("deblur").cases(pictures, options)


@pytest.mark.parametrize("kept", ["file", "array"])
def test_a_blurred_jpeg_comes_out_better_than_it_went_in(tmp_path, kept):
    """What it lost is not seen in fine differences, of which it has none; and pixels show what JPEG they were."""
    from skimage import data

    wide = data.astronaut()[:112, 160:272]
    soft = blurred(wide, "gauss:1.6", 0)
    clean = under(wide, soft)
    Image.fromarray(soft).save(path := tmp_path / "soft.jpg", quality=60)
    before = np.asarray(Image.open(path))
    after = untaught.deblur(path if kept == "file" else before, kernel="gauss:1.6", preset="instant")
    inner = (slice(8, -8),) * 2
    assert psnr(after[inner] / 255, clean[inner] / 255) > psnr(before[inner] / 255, clean[inner] / 255) + 1


@pytest.mark.parametrize("damage", ["salt", "levels"])
def test_what_no_blur_leaves_is_noise(damage):
    """Impulses and coarse levels lie at frequencies that the kernel takes away: they are not amplified."""
    down, across = np.mgrid[:80, :80]
    truth = 0.2 + 0.6 * ((down // 20 + across // 16) % 2)
    blurred = Blur(kernels.named("gauss:2"))(torch.from_numpy(truth)[None, None].float())[0, 0].numpy()
    truth = truth[8:-8, 8:-8]
    y = np.rint(255 * blurred).astype(np.uint8)
    clean = untaught.deblur.job(y, kernel="gauss:2", preset="instant")
    if damage == "salt":
        y = np.where(np.random.default_rng(0).random(y.shape) < 0.03, 255, y).astype(np.uint8)
    else:
        y = y // 48 * 48 + 24
    job = untaught.deblur.job(y, kernel="gauss:2", preset="instant")
    assert job.problem.likelihood.level > 4 * clean.problem.likelihood.level
    assert any("was taken for noise" in note for note in job.notes)
    assert not any("was taken for noise" in note for note in clean.notes)
    found = untaught.deblur(y, kernel="gauss:2", preset="instant")
    assert psnr(found / 255, truth) > psnr(y / 255, truth)
