"""Enlarging: the operator is Pillow's, the task takes the small picture alone and keeps its type, refusals."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import untaught
from untaught.bench.metrics import psnr
from untaught.core.errors import BadInput, UntaughtError
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.problem.likelihoods import Gaussian
from untaught.problem.operators.resample import KERNELS, Downsample, resized
from untaught.solver.objectives.pairs import Pairs
from untaught.solver.stage import Estimate
from untaught.tasks.upscale.presets import PRESETS

PILLOW = {"box": Image.Resampling.BOX, "bicubic": Image.Resampling.BICUBIC, "lanczos3": Image.Resampling.LANCZOS}
SIZES = [((13, 17), (52, 68)), ((13, 17), (41, 50)), ((1, 5), (4, 23)), ((150, 3), (601, 12)), ((9, 9), (10, 11))]


@pytest.mark.parametrize("kernel", sorted(PILLOW))
@pytest.mark.parametrize(("small", "large"), SIZES)
def test_the_operator_is_pillows_resize_in_floats(kernel, small, large):
    x = np.random.default_rng(0).random(large, np.float32)
    expected = np.asarray(Image.fromarray(x).resize(small[::-1], PILLOW[kernel]))
    found = Downsample(small, large, kernel)(torch.from_numpy(x)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("small", "large"), SIZES)
def test_resized_is_pillows_bicubic_in_both_directions(small, large):
    for before, after in ((small, large), (large, small)):
        x = np.random.default_rng(0).random(before, np.float32)
        expected = np.asarray(Image.fromarray(x).resize(after[::-1], Image.Resampling.BICUBIC))
        np.testing.assert_allclose(resized(torch.from_numpy(x)[None, None], after)[0, 0], expected, atol=1e-5)


def papers_downsampler(x: np.ndarray, factor: int) -> np.ndarray:
    """The Deep Image Prior's, written out: lanczos2, 4 factor taps (phase 0.5), borders repeated, every factor-th pixel."""
    taps = np.array([(i + 0.5 - 2 * factor) / factor for i in range(4 * factor)])
    taps = np.sinc(taps) * np.sinc(taps / 2)
    kernel = np.outer(taps, taps) / taps.sum() ** 2
    pad = (4 * factor - factor) // 2
    wide = np.pad(x, pad, mode="edge")
    view = np.lib.stride_tricks.sliding_window_view(wide, kernel.shape)[::factor, ::factor]
    return np.einsum("ijkl,kl->ij", view, kernel)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_the_papers_downsampler_is_lanczos2_with_repeated_borders(factor):
    x = np.random.default_rng(1).random((6 * factor, 5 * factor))
    operator = Downsample((6, 5), x.shape, "lanczos2", border="repeat")
    found = operator(torch.from_numpy(x)[None, None])[0, 0]
    np.testing.assert_allclose(found, papers_downsampler(x, factor), atol=1e-6)


@pytest.mark.parametrize("kernel", sorted(KERNELS))
@pytest.mark.parametrize("border", ["renormalise", "repeat"])
def test_a_constant_picture_stays_constant(kernel, border):
    operator = Downsample((3, 7), (10, 16), kernel, border=border)
    torch.testing.assert_close(operator(torch.full((1, 1, 10, 16), 0.7)), torch.full((1, 1, 3, 7), 0.7))


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(BadInput, match="8 x 8 cannot be made smaller to 9 x 4"):
        Downsample((9, 4), (8, 8))
    with pytest.raises(BadInput, match=r"data are 3 x 4.*makes pictures of 4 x 4"):
        Downsample((4, 4), (8, 8)).image_shape((1, 3, 3, 4))


class TestPairs:
    def test_the_way_is_made_in_equal_strides(self):
        assert Pairs().sizes((10, 10), (80, 80)) == [(20, 20), (40, 40), (80, 80)]
        assert Pairs().sizes((10, 10), (17, 17)) == [(17, 17)]
        assert Pairs().sizes((100, 50), (300, 150)) == [(173, 87), (300, 150)]

    def test_what_is_put_back_agrees_with_the_data(self):
        operator = Downsample((12, 12), (36, 36))
        y = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(0))
        x = Pairs(repeats=30).put_back(resized(y, (36, 36)), y, operator)
        assert float((operator(x) - y).abs().max()) < 5e-3

    def test_a_share_of_nothing_is_the_other_estimate_and_the_finish_has_the_last_word(self):
        (_, prior), (shared, _) = Pairs.examples()
        operator = Downsample((9, 10), (18, 20))
        y = torch.rand(1, 1, 9, 10, generator=torch.Generator().manual_seed(0))
        problem = Problem(y, operator)
        asked = Problem(y, operator, Gaussian(shared.rounding), start=resized(y, (18, 20)))
        rng, other = Rng(0), shared.other.estimate(asked)

        def picture(**changed):
            return replace(shared, **changed).bind(problem, prior).picture(lambda z: z, problem, rng)

        torch.testing.assert_close(picture(share=0.0, finish=None), other)
        plain = picture(other=None, finish=None)
        torch.testing.assert_close(picture(share=0.25, finish=None), other + 0.25 * (plain - other))
        torch.testing.assert_close(shared.quick().bind(problem, prior).picture(lambda z: z, problem, rng), plain)
        found = shared.finish.estimate(replace(asked, start=plain))
        torch.testing.assert_close(picture(other=None), shared.put_back(found, y, operator))

    def test_other_operators_are_refused(self, photo):
        problem = Problem(torch.rand(1, 3, 8, 8), operator=torch.nn.ReLU())
        (_, prior) = Pairs.examples()[0]
        with pytest.raises(BadInput, match="use Downsample"):
            Pairs().bind(problem, prior)


def small_of(photo):
    return np.asarray(
        Image.fromarray(photo).resize((photo.shape[1] // 2, photo.shape[0] // 2), Image.Resampling.LANCZOS)
    )


@pytest.fixture
def learns(monkeypatch):
    """The network, however small the picture."""
    monkeypatch.setattr("untaught.tasks.upscale.presets.FEW", 0)


@pytest.mark.parametrize("preset", sorted(PRESETS))
@pytest.mark.usefixtures("learns")
def test_every_preset_runs_and_keeps_the_type(preset, photo):
    small = small_of(photo)[:10, :11]
    large = untaught.upscale(small, factor=2, preset=preset, steps=2)
    assert (large.dtype, large.shape) == (small.dtype, (20, 22, 3))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(("shape", "factor", "large"), [
    ((1, 1, 3), 4, (4, 4, 3)),
    ((1, 9), 1.5, (2, 14)),
    ((5, 7), 8, (40, 56)),
    ((6, 5, 3), 2.5, (15, 12, 3)),
])  # fmt: skip
@pytest.mark.parametrize("few", [0, 3600])
def test_any_size_any_factor(dtype, shape, factor, large, few, monkeypatch):
    monkeypatch.setattr("untaught.tasks.upscale.presets.FEW", few)
    array = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    result = untaught.upscale(array, factor=factor, steps=2)
    assert (result.dtype, result.shape) == (np.dtype(dtype), large)


def test_too_few_pixels_to_learn_from_are_enlarged_without_a_network_and_that_is_said(photo):
    few, more = photo[:40], np.tile(photo, (2, 2, 1))
    for picture, said in ((few, True), (more, False)):
        job = untaught.upscale.job(picture, factor=2, steps=40)
        assert all(isinstance(stage, Estimate) for stage in job.stages) == said
        assert any("no network" in note for note in job.notes) == said
    small = small_of(photo)
    bicubic = np.asarray(Image.fromarray(small).resize(photo.shape[1::-1], Image.Resampling.BICUBIC))
    assert psnr(untaught.upscale(small, factor=2) / 255, photo / 255) > psnr(bicubic / 255, photo / 255)


def shapes(side: int) -> np.ndarray:
    """Grey on grey, drawn at four times the size and averaged: edges of every direction, none of them at a border of pixels."""
    y, x = (np.mgrid[: 4 * side, : 4 * side] + 0.5) / (4 * side)
    scene = np.full(x.shape, 80.0)
    scene[(x - 0.4) ** 2 + (y - 0.45) ** 2 < 0.08] = 190
    scene[np.abs(x + 0.6 * y - 1.1) < 0.07] = 30
    return np.rint(scene.reshape(side, 4, side, 4).mean((1, 3))).astype(np.uint8)


@pytest.mark.parametrize("few", [pytest.param(0, marks=pytest.mark.slow), 1 << 20])
def test_edges_become_sharper_than_by_interpolation_and_have_no_halo(few, monkeypatch):
    monkeypatch.setattr("untaught.tasks.upscale.presets.FEW", few)
    clean = shapes(128)
    small = np.asarray(Image.fromarray(clean).resize((64, 64), Image.Resampling.LANCZOS))
    bicubic = np.asarray(Image.fromarray(small).resize((128, 128), Image.Resampling.BICUBIC))
    large = untaught.upscale(small, factor=2, steps=80)
    assert psnr(large, clean) > psnr(bicubic, clean) + 2

    def halo(x):
        return max(float(x.max()) - float(clean.max()), float(clean.min()) - float(x.min()))

    assert halo(large) < halo(bicubic)


@pytest.mark.usefixtures("learns")
def test_it_is_the_small_picture_when_made_smaller_again(photo):
    small = small_of(photo)
    large = untaught.upscale(small, factor=2, steps=60)
    again = Downsample(small.shape[:2], large.shape[:2])(torch.from_numpy(large / 1.0).permute(2, 0, 1)[None])
    assert psnr(again[0].permute(1, 2, 0).numpy() / 255, small / 255) > 42
    assert np.array_equal(large, untaught.upscale(small, factor=2, steps=60))


def test_the_kernel_that_was_assumed_is_said(photo):
    assert any("lanczos3" in n for n in untaught.upscale.job(photo).notes)
    assert any("lanczos2" in n for n in untaught.upscale.job(photo, preset="paper").notes)
    assert not any("lanczos" in n for n in untaught.upscale.job(photo, kernel="box").notes)


def test_the_papers_recipe_follows_the_factor(photo):
    for factor, steps, jitter in ((4, 2000, 0.03), (8, 4000, 0.05)):
        (stage,) = untaught.upscale.job(photo[:8, :8], factor=factor, preset="paper").stages
        assert (stage.method.stop.steps, stage.method.prior.jitter) == (steps, jitter)


@pytest.mark.usefixtures("learns")
def test_a_job_pickles_to_the_same_job(photo):
    job = untaught.upscale.job(small_of(photo), factor=1.7, steps=2)
    first, second = (j.result(untaught.solve(j).x) for j in (job, pickle.loads(pickle.dumps(job))))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"factor": 1}, "factor = 1 .*above 1"),
        ({"factor": 0.5}, "factor = 0.5 .*above 1"),
        ({"factor": float("nan")}, "factor = nan"),
        ({"factor": float("inf")}, "factor = inf is more than 1000"),
        ({"factor": 1.001}, "leaves 48 x 56 pixels as they are"),
        ({"factor": 900}, "GiB are free"),
        ({"kernel": "lanzcos3"}, "did you mean 'lanczos3'"),
        ({"preset": "bets"}, "did you mean 'best'"),
        ({"steps": 0}, "steps = 0"),
    ],
)
def test_bad_input_gets_a_sentence(options, sentence, photo):
    with pytest.raises(UntaughtError, match=sentence):
        untaught.upscale(photo, **options)


def test_from_the_command_line(photo, tmp_path, monkeypatch, untaught):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(small_of(photo)).save("in.png")
    assert untaught("upscale", "in.png", "--factor", 2, "--steps", 2, "-o", "out.png")[0] == 0
    with Image.open("out.png") as result:
        assert result.size == (56, 48)
    code, _, said = untaught("upscale", "in.png", "--factor", 1)
    assert code == 2
    assert "above 1" in said


class TestBench:
    def test_the_small_picture_and_the_scores_are_those_of_published_tables(self, photo, tmp_path, monkeypatch):
        from untaught.bench.comparisons.upscale import luminance, made_smaller
        from untaught.core.registry import comparisons

        wide = np.tile(photo, (2, 2, 1))[:90, :100]
        clean, small = made_smaller(wide, 4)
        assert (clean.shape, small.shape) == ((64, 96, 3), (16, 24, 3))
        assert np.array_equal(clean, wide[13:77, 2:98])
        assert luminance(np.full((1, 1, 3), 255, np.uint8)) * 255 == pytest.approx(235, abs=1e-3)
        Image.fromarray(wide).save(tmp_path / "a.png")
        monkeypatch.setattr("untaught.bench.competitors.total_variation.UPSCALE", (3e-4,))
        compare = comparisons.get("upscale")
        (case,) = compare.cases([tmp_path / "a.png"], {"factor": 2.5})
        given = case.input(0)
        assert given.shape == (25, 38, 3)
        results = {n: compare.run(b, given, {**case.told, "clean": case.clean}) for n, b in compare.baselines.items()}
        scores = {n: compare.score(r, case.clean)[0] for n, r in results.items()}
        assert scores["tv"] > scores["bicubic"]
        assert all(r.shape == case.clean.shape for r in results.values())

    def test_the_bicubic_protocol_is_another_crop_another_kernel_and_told(self, photo, tmp_path):
        from untaught.bench.comparisons.upscale import made_smaller
        from untaught.core.registry import comparisons

        wide = np.tile(photo, (2, 2, 1))[:90, :103]
        clean, small = made_smaller(wide, 4, "bicubic")
        assert np.array_equal(clean, wide[:88, :100])
        exact = Downsample((22, 25), (88, 100), "bicubic")(torch.from_numpy(clean / 1.0).permute(2, 0, 1)[None])
        assert (
            float((exact[0].permute(1, 2, 0) - torch.from_numpy(small / 1.0)).abs().max()) <= 1
        )  # rounded, axis by axis
        Image.fromarray(wide).save(tmp_path / "a.png")
        compare = comparisons.get("upscale")
        (case,) = compare.cases([tmp_path / "a.png"], {"factor": 4, "kernel": "bicubic"})
        assert case.told == {"factor": 4, "kernel": "bicubic"}
        found = [compare.run(compare.baselines[name], case.input(0), case.told) for name in ("bicubic", "no prior")]
        scores = [compare.score(x, case.clean)[0] for x in found]
        assert scores[1] > scores[0]
        with pytest.raises(BadInput, match="lanczos9"):
            compare.cases([tmp_path / "a.png"], {"factor": 4, "kernel": "lanczos9"})

    @pytest.mark.parametrize(
        ("pictures", "options", "sentence"),
        [([], {"factor": 4}, "no pictures"), (["a"], {}, "--factor 4"), (["a"], {"factor": 1}, "above 1")],
    )
    def test_what_it_needs_is_asked_for(self, pictures, options, sentence):
        from untaught.core.registry import comparisons

        with pytest.raises(BadInput, match=sentence):
            comparisons.get("upscale").cases(pictures, options)


def grainy(side: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """A disc on a ramp, made smaller to `side` and noisy, and what it was, twice as large."""
    down, across = np.mgrid[: 2 * side, : 2 * side] / (2 * side)
    truth = 0.3 + 0.3 * across + 0.2 * (np.hypot(down - 0.5, across - 0.4) < 0.3)
    clean = Image.fromarray(truth.astype(np.float32)).resize((side, side), Image.Resampling.LANCZOS)
    noise = np.random.default_rng(side).normal(0, sigma, (side, side))
    return np.clip(np.rint(255 * np.asarray(clean) + noise), 0, 255).astype(np.uint8), truth


@pytest.mark.parametrize("sigma", [10, 25])
def test_noise_is_not_enlarged_with_the_picture(sigma):
    small, truth = grainy(48, sigma)
    bicubic = np.asarray(Image.fromarray(small).resize((96, 96), Image.Resampling.BICUBIC))
    assert psnr(untaught.upscale(small, factor=2) / 255, truth) > psnr(bicubic / 255, truth) + 3


@pytest.mark.parametrize("preset", ["fast", "balanced", "best"])
def test_no_network_learns_from_noise(preset):
    job = untaught.upscale.job(grainy(64, 15)[0], factor=2, preset=preset)
    assert any("noise of about" in note for note in job.notes)
    assert all(isinstance(stage, Estimate) for stage in job.stages)


def test_texture_is_not_taken_for_noise():
    draw = np.random.default_rng(0)
    texture = np.kron(draw.integers(0, 255, (24, 24)), np.ones((4, 4))).astype(np.uint8)
    waves = np.rint(127 + 100 * np.sin(np.hypot(*np.mgrid[:96, :96]) ** 1.5 / 9)).astype(np.uint8)
    letters = np.asarray(Image.fromarray(texture).resize((64, 64), Image.Resampling.LANCZOS))
    for small in (texture, waves, letters):
        assert not any("noise" in note for note in untaught.upscale.job(small, factor=2).notes)


@pytest.mark.parametrize("times", [2, 3])
def test_repeated_pixels_are_enlarged_as_the_picture_that_they_repeat(times, photo):
    """Their blocks were taken for detail, and photos came out below bicubic interpolation and below repeating once more."""
    small = photo[: 36 // times, : 30 // times]
    repeated = small.repeat(times, 0).repeat(times, 1)
    job = untaught.upscale.job(repeated, factor=2)
    assert any(f"repeated {times} times" in note for note in job.notes)
    assert np.array_equal(untaught.upscale(repeated, factor=2), untaught.upscale(small, factor=2 * times, kernel="box"))
    assert not any("repeated" in note for note in untaught.upscale.job(photo, factor=2).notes)


def test_pixel_art_stays_pixel_art():
    """Pixels of few colours that are repeated are drawn so: smoothed, they came out at 30 to 34 dB."""
    colours = np.random.default_rng(0).integers(0, 256, (6, 3), np.uint8)
    small = colours[np.random.default_rng(1).integers(0, 6, (9, 7))]
    art = small.repeat(4, 0).repeat(4, 1)
    assert np.array_equal(untaught.upscale(art, factor=2), small.repeat(8, 0).repeat(8, 1))
    assert untaught.upscale(art, factor=1.5).shape == (54, 42, 3)
