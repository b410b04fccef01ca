"""Denoising as a library: arrays in, arrays out, laws of scale and type, refusals."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage import data

import untaught
from untaught.bench.metrics import psnr
from untaught.calibration.repeated import RepeatedRuns
from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.io import arrays
from untaught.problem import Problem
from untaught.problem.likelihoods import ClippedGaussian
from untaught.reports import report
from untaught.solver.averaging import Last
from untaught.solver.loop import Run
from untaught.solver.objectives.fit import Fit
from untaught.solver.objectives.recorrupt import Recorrupt
from untaught.solver.stopping import After
from untaught.tasks.denoise.presets import PRESETS

FEW = {"steps": 10, "sigma": 25 / 255}


@pytest.fixture
def small(noisy):
    """uint8, (24, 28, 3): what a restoration of which only the bits matter is made of."""
    return noisy[:24, :28].copy()


def test_importing_costs_no_torch():
    code = (
        "import sys, untaught, untaught.cli; untaught.denoise; print('torch' in sys.modules, 'skimage' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_network_loads_no_compiler():
    """torch loads its own, and sympy, where an optimiser or some small functions are first called: two seconds of every command."""
    code = (
        "import sys, numpy, untaught; from untaught.tasks.denoise import denoise;"
        "x = numpy.random.default_rng(0).random((48, 48)).astype('float32');"
        "job = denoise.job(x, sigma=0.1, preset='fast', steps=2, device='cpu');"
        "untaught.report(untaught.solve(job)); print('torch._dynamo' in sys.modules, 'sympy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_every_public_name_is_there():
    for name in untaught.__all__:
        assert getattr(untaught, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'dnoise'"):
        untaught.dnoise  # noqa: B018


def test_a_noisy_photo_gets_better(noisy, photo):
    clean = untaught.denoise(noisy, sigma=25 / 255, steps=40)
    assert psnr(clean, photo) > psnr(noisy, photo) + 9


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("impulses", [False, True])
def test_a_grey_picture_kept_as_rgb_is_restored_as_the_grey_one(noisy, strength, impulses):
    grey = noisy[:28, :32, 1].copy()
    if impulses:
        grey[np.random.default_rng(0).random(grey.shape) < 0.05] = 255
    settings = {"steps": 3, "strength": strength}
    alone = untaught.denoise(grey, **settings)
    for axis in (0, -1):
        copies = np.stack([grey] * 3, axis)
        together = untaught.denoise(copies, channel_axis=axis, **settings)
        assert np.array_equal(together, np.stack([alone] * 3, axis))
    assert "its channels are all the same" in untaught.denoise.job(np.stack([grey] * 3, -1)).notes[0]
    floats = grey.astype(np.float32) * 3 - 100
    together = untaught.denoise(np.stack([floats] * 3, -1), **settings)
    assert np.array_equal(together, np.stack([untaught.denoise(floats, **settings)] * 3, -1))


def test_a_report_of_impulses_does_not_mind_where_the_channels_are(photo):
    y = np.stack([photo[..., 1]] * 3, 0)
    y[:, np.random.default_rng(0).random(y.shape[1:]) < 0.05] = 255
    series = RepeatedRuns(untaught.denoise.job(y, channel_axis=0, steps=2), 2)
    for _ in series:
        pass
    assert "How 2 runs differ" in report(series.solution).to_html()


def test_grain_that_the_channels_share_is_removed_whatever_the_preset(photo):
    grain = np.random.default_rng(0).normal(0, 15, photo.shape[:2])
    y = np.clip(photo * [1.0, 0.9, 0.8] + grain[..., None], 0, 255).astype(np.uint8)
    truth = (photo * [1.0, 0.9, 0.8]).astype(np.uint8)
    for preset in ("instant", "fast"):
        for sigma in (None, 15 / 255):
            assert psnr(untaught.denoise(y, preset=preset, sigma=sigma), truth) > psnr(y, truth) + 3.5
    assert "that the channels share" in " ".join(untaught.denoise.job(y, sigma=15 / 255).notes)


@pytest.mark.slow
def test_where_noise_grows_with_brightness_the_network_is_above_the_filter():
    clean = data.camera()[100:196, 100:196]
    counts = np.random.default_rng(0).poisson(clean / 255 * 30)
    y = np.clip(np.rint(counts / 30 * 255), 0, 255).astype(np.uint8)
    instant, fast = (psnr(untaught.denoise(y, preset=preset), clean) for preset in ("instant", "fast"))
    assert psnr(y, clean) + 6 < instant < fast


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_runs_and_keeps_type_and_shape(preset, noisy):
    small = noisy[:20, :23]
    clean = untaught.denoise(small, preset=preset, steps=4, sigma=25 / 255)
    assert (clean.dtype, clean.shape) == (small.dtype, small.shape)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("layout", ["grey", "rgb", "channels first", "series", "volume"])
def test_type_and_layout_are_preserved(dtype, layout, noisy):
    array = noisy[:16, :18]
    options = {}
    if layout == "grey":
        array = array[..., 0]
    if layout == "channels first":
        array, options = np.moveaxis(array, -1, 0), {"channel_axis": 0}
    if layout == "series":
        array = array[0, :, 0]
    if layout == "volume":
        array, options = np.stack([array[..., 0]] * 5), {"channel_axis": None}
    array = array.astype(dtype) * (257 if dtype == np.uint16 else 1)
    sigma = 25 if np.dtype(dtype).kind == "f" else 25 / 255
    clean = untaught.denoise(array, sigma=sigma, steps=3, **options)
    assert (clean.dtype, clean.shape) == (array.dtype, array.shape)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1, 3), (2, 2, 3), (33, 65)])
def test_any_size_from_one_pixel(shape):
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    for preset in PRESETS:
        assert untaught.denoise(array, sigma=0.1, steps=2, preset=preset).shape == shape


def test_same_seed_same_bits(small):
    first, again, other = (untaught.denoise(small, seed=s, **FEW) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_scaling_and_shifting_the_input_scales_and_shifts_the_output(small):
    y = small.astype(np.float64)
    a, b = 37.5, -4.0
    plain = untaught.denoise(y, sigma=25, steps=20)
    moved = untaught.denoise(a * y + b, sigma=25 * a, steps=20)
    np.testing.assert_allclose((moved - b) / a, plain, atol=0.02)


def test_small_contrasts_on_a_large_offset_survive():
    y = 1e8 + np.random.default_rng(0).normal(0, 10, (24, 24))
    assert len(np.unique(untaught.denoise(y, sigma=5, steps=2))) > 100


def test_faint_noise_of_a_16_bit_camera_is_found():
    y = np.rint(1000 + np.random.default_rng(0).normal(0, 20, (96, 96))).astype(np.uint16)
    _, unit, *_ = arrays.scale_of(y)
    assert unit * float(np.mean(untaught.denoise.job(y).problem.likelihood.sigma)) == pytest.approx(20, rel=0.15)


def test_8_and_16_bit_agree(small):
    eight = untaught.denoise(small, **FEW)
    sixteen = untaught.denoise(small.astype(np.uint16) * 257, **FEW)
    assert np.abs(sixteen / 257 - eight).max() < 0.51


def test_strength_blends_with_the_input(small):
    full = untaught.denoise(small, **FEW).astype(float)
    half = untaught.denoise(small, strength=0.5, **FEW).astype(float)
    assert np.abs(full - small).max() > 9
    assert np.array_equal(untaught.denoise(small, strength=0, **FEW), small)
    assert np.abs(half - (full + small) / 2).max() <= 1


def test_a_job_pickles_to_the_same_job(small):
    job = untaught.denoise.job(small, **FEW)
    again = pickle.loads(pickle.dumps(job))
    first, second = (j.result(untaught.solve(j).x) for j in (job, again))
    assert np.array_equal(first, second)
    assert pickle.loads(pickle.dumps(untaught.denoise)) is untaught.denoise


def test_an_unknown_noise_level_is_estimated_and_said(noisy):
    job = untaught.denoise.job(noisy, steps=3)
    (note,) = [n for n in job.notes if "sigma" in n]
    assert "estimated" in note
    assert float(np.mean(job.problem.likelihood.sigma)) == pytest.approx(25 / 255, rel=0.25)


def test_a_path_is_read_and_nothing_is_written(small, tmp_path):
    from PIL import Image

    path = tmp_path / "noisy.png"
    Image.fromarray(small).save(path)
    assert np.array_equal(untaught.denoise(path, **FEW), untaught.denoise(small, **FEW))
    assert [p.name for p in tmp_path.iterdir()] == ["noisy.png"]


@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        (lambda a: a[:0], {}, r"empty.*\(0, 56, 3\)"),
        (lambda a: a * np.nan, {}, "All 8064 values of the picture are unknown"),
        (lambda a: a * 0 + 7, {}, "Every pixel of the picture is 7, 7, 7"),
        (lambda a: a > 9, {}, "type bool"),
        (lambda a: a * 1j, {}, "type complex"),
        (lambda a: a[..., None, None, None], {}, "channel_axis"),
        (lambda a: a, {"channel_axis": 5}, "channel_axis = 5.*3 axes"),
        (lambda a: a, {"sigma": 0}, "sigma = 0 .*above 0"),
        (lambda a: a, {"sigma": -0.1}, "sigma = -0.1"),
        (lambda a: a, {"sigma": float("nan")}, "sigma = nan"),
        (lambda a: a, {"sigma": 25}, "did you mean 25/255"),
        (lambda a: a.astype(float), {"sigma": 1e6}, "whole range"),
        (lambda a: a, {"preset": "fats"}, "did you mean 'fast'"),
        (lambda a: a, {"strength": 1.5}, "strength = 1.5"),
        (lambda a: a, {"steps": 0}, "steps = 0"),
        (lambda a: a, {"seed": -1}, "seed = -1"),
        (lambda a: a, {"device": "cuda:99"}, "'cuda:99' is not there"),
        (lambda a: a, {"device": "gpu"}, "no device 'gpu'"),
    ],
)
def test_bad_input_gets_a_sentence(change, options, sentence, noisy):
    with pytest.raises(BadInput, match=sentence):
        untaught.denoise(change(noisy), **{"sigma": 0.1, **options})


def test_memory_predicted_above_what_there_is_is_refused(noisy, monkeypatch):
    monkeypatch.setattr("untaught.solver.memory.free_memory", lambda device: 1e5)
    with pytest.raises(untaught.UntaughtError, match=r"needs about .* KiB.*97.7 KiB are free"):
        untaught.denoise(noisy, **FEW)


@pytest.mark.parametrize(("preset", "sigma", "steps"), [("instant", 0, 1), ("fast", 15, 3), ("paper", 15, 3)])
def test_impulses_are_filled_and_grain_is_removed(preset, sigma, steps, photo):
    rng, photo = np.random.default_rng(0), photo[:40, :40]
    y = photo + rng.normal(0, 1, photo.shape) * sigma
    salt = rng.random(photo.shape) < 0.5
    y = np.where(rng.random(photo.shape) < 0.2, 255 * salt, np.rint(y).clip(0, 255)).astype(np.uint8)
    job = untaught.denoise.job(y, preset=preset, steps=steps)
    assert "impulses (salt and pepper)" in job.notes[0]
    clean = untaught.denoise(y, preset=preset, steps=steps)
    assert (clean.dtype, clean.shape) == (y.dtype, y.shape)
    if preset != "paper":
        white = float(np.std(y - photo.astype(float))) / 255
        as_white = untaught.denoise(y, noise="gaussian", sigma=white, preset="instant")
        assert psnr(clean, photo) > psnr(as_white, photo) + 2
    assert pickle.loads(pickle.dumps(job)).notes == job.notes


@pytest.mark.slow
def test_a_network_beside_the_filter_is_no_worse_than_the_filter_on_a_cameras_jpeg(shared):
    from untaught.io.images import read

    noisy, clean = (
        read(shared(f"polyu/Canon80D_8_8_6400_comproom_12_{kind}.JPG")).pixels[176:272, 176:272]
        for kind in ("real", "mean")
    )
    fast, balanced = (psnr(untaught.denoise(noisy, preset=p), clean) for p in ("fast", "balanced"))
    assert psnr(noisy, clean) + 2 < fast < balanced + 0.01


def test_kinds_and_their_parameters_belong_together(noisy):
    with pytest.raises(BadInput, match="looks = 3 is no property of poisson noise, which has gain"):
        untaught.denoise(noisy, noise="poisson", looks=3)
    with pytest.raises(BadInput, match="gain = 0"):
        untaught.denoise(noisy, gain=0)


def test_an_unknown_option_names_the_nearest(noisy):
    with pytest.raises(BadInput, match="'sgima': did you mean 'sigma'"):
        untaught.denoise(noisy, sgima=0.1)


class TestBest:
    """A share of a generator beside the fed network."""

    def job(self, **settings):
        noisy = np.clip(np.full((24, 24), 128) + 25 * np.random.default_rng(0).standard_normal((24, 24)), 0, 255)
        return untaught.denoise.job(noisy.astype(np.uint8), **{"sigma": 25 / 255, "preset": "best", **settings})

    @pytest.mark.parametrize("preset", ["balanced", "best"])
    def test_the_generator_comes_where_it_can_help(self, monkeypatch, preset):
        assert [type(s.method.objective) for s in self.job(preset=preset).stages] == [Recorrupt, Fit]
        assert len(self.job(preset="fast").stages) == 1
        assert len(self.job(preset=preset, sigma=3 / 255).stages) == 1
        assert len((few := self.job(preset=preset, steps=7)).stages) == 1
        assert any(f"{preset} is the fed network alone" in note for note in few.notes)
        volume = untaught.denoise.job(
            np.eye(9, dtype=np.float32)[None].repeat(4, 0), sigma=0.1, preset=preset, channel_axis=None
        )
        assert len(volume.stages) == 1
        monkeypatch.setattr("untaught.tasks._rows.PIXELS", 24 * 24 - 1)
        assert len(self.job(preset=preset).stages) == 1

    def test_balanced_has_it_where_there_is_time_or_much_noise(self, monkeypatch):
        steps = lambda sigma: [s.method.stop.steps for s in self.job(preset="balanced", sigma=sigma / 255).stages]  # noqa: E731
        assert steps(25) == steps(50) == [800, 280]
        monkeypatch.setattr("untaught.tasks.denoise.presets.SMALL", 24 * 24 - 1)
        assert (steps(25), steps(50)) == ([800], [100, 280])

    @pytest.mark.parametrize("preset", ["balanced", "best"])
    def test_its_share_grows_with_the_noise(self, preset):
        levels = (10, 25, 50)
        shares = [self.job(preset=preset, sigma=v / 255).stages[-1].method.objective.share for v in levels]
        assert shares == pytest.approx([v / 255 for v in levels])

    def test_a_share_of_a_generator_is_not_stopped_early(self):
        for preset in ("balanced", "best"):
            with pytest.raises(BadInput, match=f"'{preset}' is fed with the data"):
                self.job(preset=preset, stop="auto")

    def short(self, share=0.3):
        first, last = self.job().stages
        fed = replace(first.method, stop=After(2))
        beside = replace(last.method, objective=Fit(share), stop=After(3), average=Last())
        return replace(self.job(), stages=(replace(first, method=fed), replace(last, method=beside)))

    def test_the_result_is_so_far_from_the_first_stage_to_the_network(self):
        found = [untaught.solve(self.short(share)).x for share in (0.0, 0.5, 0.999999)]
        torch.testing.assert_close(found[1], (found[0] + found[2]) / 2, rtol=0, atol=1e-4)
        assert float((found[0] - found[2]).abs().max()) > 0.02

    def test_until_it_is_over_the_first_stage_is_the_result(self):
        run = Run(self.short())
        for _ in range(3):
            next(run)
        assert torch.equal(run.solution.x, run.course.problem.start)
        next(run), next(run)
        assert not torch.equal(run.solution.x, run.course.problem.start)

    def test_black_stays_black(self):
        """Noise that was cut off has another mean than none, which the generator alone would show."""
        y = torch.zeros(1, 1, 16, 16)
        problem = Problem(y, likelihood=ClippedGaussian(0.2), start=torch.zeros_like(y))
        mean = problem.likelihood.unbias(torch.full_like(y, 0.0798))  # E[max(0, 0.2 n)]
        assert float(mean.max()) < 0.005
        network = lambda **_: torch.full_like(y, 0.0798)  # noqa: E731
        assert float(Fit(0.5).picture(network, problem, Rng(0)).max()) < 0.005
        assert float(Fit().picture(network, problem, Rng(0)).max()) > 0.07
