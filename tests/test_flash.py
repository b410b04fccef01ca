"""Guided by a picture: the guide is brought onto the grid, a stuck colour starts the run anew, and both are said."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import untaught
from untaught.bench.metrics import psnr
from untaught.classical.registration import moved, shift
from untaught.core.errors import BadInput
from untaught.prior import Parametrisation, Prior
from untaught.prior.codes import Picture
from untaught.problem import Problem
from untaught.solver.loop import Run, solve
from untaught.solver.optimisers import Adam
from untaught.solver.stage import Job, Method, Solve
from untaught.solver.stopping import After, StuckChannel
from untaught.tasks.flash.presets import PRESETS

FEW = {"steps": 3}


@pytest.fixture
def pair():
    """(dark and noisy, with flash), uint8, (96, 112, 3): the second of another colour, and lighter in the middle."""
    from skimage import data

    photo = data.chelsea()[60:156, 120:232] / 255
    light = np.exp(-(np.linspace(-1, 1, 112) ** 2))[None, :, None]
    bright = np.clip(photo * light * [0.9, 1.0, 1.1], 0, 1)
    dark = np.clip(0.4 * photo * [1.2, 1.0, 0.6] + np.random.default_rng(0).normal(0, 0.05, photo.shape), 0, 1)
    return tuple(np.rint(255 * v).astype(np.uint8) for v in (dark, bright))


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_runs_and_keeps_type_and_shape(preset, pair):
    dark, bright = (p[:20, :23] for p in pair)
    result = untaught.flash(dark, flash=bright, preset=preset, **FEW)
    assert (result.dtype, result.shape) == (dark.dtype, dark.shape)


def test_the_papers_network_has_the_papers_number_of_parameters(pair):
    run = Run(untaught.flash.job(pair[0], flash=pair[1], preset="paper"))
    assert sum(p.numel() for p in run.course.model.parameters()) == 2_184_307
    assert run.steps == 601
    assert run.course.method.optimiser.lr == 0.1
    assert run.course.method.prior.jitter == 0
    assert run.course.model.z.shape[1] == 3


def guides(bright):
    """Pictures that are no help, by name."""
    from skimage import data

    scene = data.coffee()[100 : 100 + bright.shape[0], 200 : 200 + bright.shape[1]]
    return {"another scene": scene, "noise": np.random.default_rng(9).integers(0, 256, bright.shape).astype(np.uint8)}


def test_a_guide_is_of_use_where_it_shows_the_scene_and_spoils_nothing_else(pair):
    from skimage import data

    truth = np.clip(0.4 * data.chelsea()[60:156, 120:232] / 255 * [1.2, 1.0, 0.6], 0, 1)
    alone = psnr(untaught.denoise(pair[0], preset="instant") / 255, truth)
    assert alone > psnr(pair[0] / 255, truth) + 5
    assert psnr(untaught.flash(pair[0], flash=pair[1], steps=60) / 255, truth) > alone + 0.5
    for name, guide in guides(pair[1]).items():
        assert psnr(untaught.flash(pair[0], guide=guide, steps=20) / 255, truth) > alone - 0.05, name


def test_a_guide_with_the_photos_own_noise_is_left_aside_and_said(pair):
    alone = untaught.denoise(pair[0], preset="instant", noise="gaussian").astype(float)
    lighter = np.minimum(pair[0].astype(int) * 2, 255).astype(np.uint8)
    for guide in (pair[0], lighter):
        job = untaught.flash.job(pair[0], guide=guide, steps=20)
        solution = solve(job)
        assert any("has the noise of the photo itself" in note for note in solution.notes)
        assert np.abs(job.result(solution.x) - alone).max() <= 1


@pytest.mark.parametrize("form", ["grey", "float", "16 bit", "larger"])
def test_any_picture_can_guide(form, pair):
    dark, guide = pair
    if form == "grey":
        guide = guide[..., 1]
    if form == "float":
        guide = guide.astype(np.float32) * 1e4 - 7
    if form == "16 bit":
        guide = guide.astype(np.uint16) * 257
    if form == "larger":
        guide = np.kron(guide, np.ones((2, 2, 1), np.uint8))
    job = untaught.flash.job(dark, guide=guide, **FEW)
    code = job.stages[1].method.prior.code
    assert isinstance(code, Picture)
    assert tuple(code.image.shape) == (1, 1 if form == "grey" else 3, 96, 112)
    assert untaught.flash(dark, guide=guide, **FEW).shape == dark.shape
    assert any("resized from 224 x 192 to 112 x 96" in n for n in job.notes) == (form == "larger")


@pytest.mark.parametrize("by", [(2.0, -3.0), (-1.5, 0.75)])
def test_a_shifted_guide_is_moved_back_to_a_fraction_of_a_pixel_and_said(by, pair):
    dark, bright = (torch.from_numpy(p / 255).permute(2, 0, 1)[None].float() for p in pair)
    found = shift(moved(bright, *by), dark)
    assert found == pytest.approx((-by[0], -by[1]), abs=0.5)
    guide = (255 * moved(bright, *by)[0].permute(1, 2, 0).clamp(0, 1)).numpy().astype(np.uint8)
    alone = untaught.flash.job(pair[0], flash=guide, align=False, **FEW).notes
    (note,) = set(untaught.flash.job(pair[0], flash=guide, **FEW).notes) - set(alone)
    assert "was moved by" in note


def test_moving_there_and_back_leaves_the_middle():
    x = torch.rand(1, 2, 20, 30, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(moved(moved(x, 2, 3), -2, -3)[..., 4:-4, 4:-4], x[..., 4:-4, 4:-4])


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1, 3), (33, 65)])
def test_any_size_from_one_pixel(shape):
    draw = np.random.default_rng(0)
    dark, bright = (draw.integers(0, 256, shape).astype(np.uint8) for _ in range(2))
    assert untaught.flash(dark, flash=bright, **FEW).shape == shape


class Stuck(Prior):
    """A picture whose first channel is white, with no way back, at a first start; and the data's mean at any other."""

    def build(self, shape, problem, rng):
        return _Stuck(problem, first=rng.seed == 0)

    @classmethod
    def examples(cls):
        return ()


class _Stuck(Parametrisation):
    def __init__(self, problem, first):
        super().__init__()
        self.x = nn.Parameter(problem.data.clone())
        self.first = first

    def forward(self, z=None, *, rng=None):
        return torch.cat([self.x[:, :1] * 0 + 1, self.x[:, 1:]], 1) if self.first else self.x


class TestStuckColour:
    problem = Problem(torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 0.4)

    def job(self, rule):
        method = Method(Stuck(), optimiser=Adam(1e-3), stop=After(9) | rule)
        return Job((Solve(method),), self.problem)

    def test_it_starts_anew_at_half_the_rate_and_says_why(self):
        run = Run(self.job(StuckChannel(4)))
        steps = [iterate.step for iterate in run]
        assert steps == [1, 2, 3, 4, *range(1, 10)]
        assert run.course.optimiser.param_groups[0]["lr"] == pytest.approx(5e-4)
        (note,) = run.solution.notes
        assert note == (
            "At step 4 red fitted worse than one plain colour would: the run began anew, with half the learning rate."
        )
        assert float((run.solution.x - self.problem.data).abs().max()) < 0.02

    def test_an_interrupted_run_goes_on_after_its_new_start(self):
        whole = solve(self.job(StuckChannel(4)))
        for steps in (3, 4, 5, 7):
            first, second = Run(self.job(StuckChannel(4))), Run(self.job(StuckChannel(4)))
            for _ in range(steps):
                next(first)
            second.load_state_dict(first.state_dict())
            assert solve_rest(second).notes == whole.notes
            assert torch.equal(solve_rest(second).x, whole.x)

    def test_a_picture_that_is_never_right_is_left_at_that(self):
        class Always(Stuck):
            def build(self, shape, problem, rng):
                return _Stuck(problem, first=True)

        job = self.job(StuckChannel(2))
        stage = replace(job.stages[0], method=replace(job.stages[0].method, prior=Always()))
        notes = solve(replace(job, stages=(stage,))).notes
        assert len(notes) == 5
        assert "try another seed" in notes[-1]

    def test_data_that_are_no_picture_are_refused(self):
        from untaught.problem.operators import FromLinear

        problem = Problem(torch.ones(1, 2), FromLinear(torch.ones(2, 48), (3, 4, 4)))
        with pytest.raises(BadInput, match="leave it out"):
            Run(Job((Solve(Method(Stuck(), stop=After(9) | StuckChannel())),), problem))


def solve_rest(run):
    for _ in run:
        pass
    return run.solution


def test_a_job_pickles_to_the_same_job(pair):
    job = untaught.flash.job(pair[0], flash=pair[1], steps=4)
    first, second = (j.result(solve(j).x) for j in (job, pickle.loads(pickle.dumps(job))))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda dark, bright: {}, "flash is missing: give it with --flash"),
        (lambda dark, bright: {"flash": bright, "guide": bright}, "both given"),
        (lambda dark, bright: {"flash": bright[:, :40]}, r"40 x 96 and the picture 112 x 96.*Crop"),
        (lambda dark, bright: {"guide": bright * 0}, "guide cannot be used.*Every pixel"),
        (lambda dark, bright: {"guide": bright * np.nan}, "All 32256 values of the picture are unknown"),
        (lambda dark, bright: {"flash": bright, "preset": "bst"}, "did you mean 'best'"),
        (lambda dark, bright: {"flash": bright, "channel_axis": None}, "two axes of space"),
    ],
)
def test_bad_input_gets_a_sentence(change, sentence, pair):
    with pytest.raises(BadInput, match=sentence):
        untaught.flash(pair[0], **change(*pair))


def test_a_file_that_is_not_there(pair, tmp_path):
    with pytest.raises(BadInput, match="There is no file"):
        untaught.flash(pair[0], flash=tmp_path / "flash.png")


class TestNoiseBesideTheGuide:
    """Coarse grain is told from texture by a picture that has the same texture, and other grain."""

    @staticmethod
    def grainy(scale: float, deviation: float):
        """(a dark photo with grain as coarse as a camera's, its guide, and that of another scene), (1, 3, 192, 192)."""
        from scipy.ndimage import gaussian_filter
        from skimage import data

        grass = np.stack([data.grass()[:192, :192]] * 3, -1) / 255
        other = np.stack([data.brick()[:192, :192]] * 3, -1) / 255
        draw = np.random.default_rng(0)
        grain = gaussian_filter(draw.normal(size=grass.shape), (scale, scale, 0))
        dark = 0.2 + 0.3 * grass * [1.2, 1.0, 0.8] + deviation * grain / grain.std()
        guide = grass + draw.normal(0, 0.01, grass.shape)
        return tuple(torch.from_numpy(v).float().movedim(-1, 0)[None] for v in (dark, guide, other))

    @staticmethod
    def left(dark, guide):
        from untaught.classical.guided import GuidedFilter

        return [dark - GuidedFilter(g).estimate(Problem(dark)) for g in (guide, guide.flip(2, 3))]

    @pytest.mark.parametrize("scale", [0.7, 1.0, 1.5])
    def test_it_is_as_strong_as_it_is(self, scale):
        from untaught.noise import noise_beside

        dark, guide, _ = self.grainy(scale, 0.08)
        found = noise_beside(dark, *self.left(dark, guide), 0.02)
        assert found is not None
        assert found.correlated
        assert found.level == pytest.approx(0.08, rel=0.2)
        drawn = found.draw(dark, torch.Generator().manual_seed(0))
        alike = [
            float((v[..., 1:] * v[..., :-1]).mean() / v.square().mean()) for v in (drawn, self.left(dark, guide)[0])
        ]
        assert alike[0] == pytest.approx(alike[1], abs=0.1)

    def test_where_the_photo_alone_shows_as_much_nothing_is_told(self):
        from untaught.noise import noise_beside

        dark, guide, _ = self.grainy(1.0, 0.08)
        assert noise_beside(dark, *self.left(dark, guide), 0.07) is None

    def test_neither_a_clean_photo_nor_a_small_one_has_any(self):
        from untaught.noise import noise_beside

        for dark, guide in (self.grainy(1.0, 0.0)[:2], [v[..., :20, :20] for v in self.grainy(1.0, 0.08)[:2]]):
            assert noise_beside(dark, *self.left(dark, guide), 0.0) is None

    def test_a_guide_of_another_scene_makes_no_noise_of_the_photo(self, pair):
        from skimage import data

        from untaught.noise import noise_beside

        dark = torch.from_numpy(0.4 * data.chelsea()[:192, 120:312] / 255).float().movedim(-1, 0)[None]
        other = torch.from_numpy(data.coffee()[:192, 200:392] / 255).float().movedim(-1, 0)[None]
        assert noise_beside(dark, *self.left(dark, other), 0.0) is None
