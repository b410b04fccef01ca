"""Large pictures: made in parts, in bounded memory, and the time said before. The sizes are lowered here, the laws the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from math import prod

import numpy as np
import pytest
import torch
from skimage import data

import untaught
from untaught.classical.denoise import filter as classic
from untaught.classical.denoise import lichi
from untaught.classical.denoise.filter import Filter
from untaught.classical.denoise.lichi import LARGE, LARGER, LIChI, LIChIGuide, LIChIThenRidge
from untaught.classical.denoise.matching import Pass
from untaught.classical.denoise.nl_ridge import NonLocalRidge, Quick, Tiled
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.core.errors import BadInput
from untaught.core.geometry import tiles
from untaught.core.randomness import Rng
from untaught.io import images
from untaught.noise import spectrum
from untaught.prior import Network
from untaught.prior.codes import Fed
from untaught.prior.networks.compact import Compact
from untaught.problem import Problem
from untaught.problem.likelihoods import ClippedGaussian, Gaussian
from untaught.session.explain import forecast
from untaught.solver.averaging import ExponentialWeights
from untaught.solver.loop import Run
from untaught.solver.objectives import recorrupt
from untaught.solver.objectives.recorrupt import Recorrupt
from untaught.solver.stage import Estimate, Job, Method, Solve
from untaught.solver.stopping import After
from untaught.tasks.denoise import presets as denoise


def noisy(height, width, channels=3, sigma=0.1):
    rows, columns = torch.linspace(0, 9, height), torch.linspace(0, 9, width)
    truth = (0.5 + 0.3 * rows[:, None].sin() * columns.cos()).expand(1, channels, height, width)
    return truth, truth + sigma * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("space", [(1, 1), (7, 30), (30, 31), (29,), (5, 6, 7)])
def test_tiles_cover_every_pixel_once_and_are_about_equal(space):
    count, sizes = torch.zeros(space), []
    for tile in tiles(space, 10, 3):
        count[tuple(slice(s.start, s.stop) for s in tile)] += 1
        sizes.append([s.stop - s.start for s in tile])
        assert all(
            s.low == max(0, s.start - 3) and s.high == min(n, s.stop + 3) for s, n in zip(tile, space, strict=True)
        )
    assert (count == 1).all()
    assert all(max(side) <= 10 and max(side) - min(side) < len(sizes) for side in zip(*sizes, strict=True))


@pytest.mark.parametrize(("patch", "distance", "channels"), [(2, 3, 3), (0, 2, 1), (3, 1, 2)])
def test_means_by_strips_are_those_of_the_whole(patch, distance, channels):
    y = noisy(45, 52, channels)[1]
    h = torch.rand(1, 1, 45, 52, generator=torch.Generator().manual_seed(1)) / 5 + 0.1
    whole, parts = (NonLocalMeans(1.0, patch, distance, strip=s).filter(y, h) for s in (0, 16))
    inside = (..., slice(2 * patch, -2 * patch or None), slice(2 * patch, -2 * patch or None))
    torch.testing.assert_close(parts[inside], whole[inside], rtol=0, atol=2e-6)
    torch.testing.assert_close(parts, whole, rtol=0, atol=0.1)  # beyond the border one mirrors, the other does not look


def test_the_sparse_ridge_by_tiles_is_better_than_means_and_nearly_as_good_as_the_full_one():
    truth, y = noisy(80, 90)
    error = [
        float((guide(y, torch.tensor(0.1)) - truth).square().mean().sqrt())
        for guide in (Quick(), Tiled(side=50), NonLocalRidge())
    ]
    assert error[2] < 1.1 * error[1] < 1.1 * error[0]
    assert error[1] < 0.35 * 0.1


def fed(guide, likelihood, y, **more):
    objective = Recorrupt(guide=guide, pool=2, window=32, refine=True, **more)
    prior = Network(Compact((4, 6)), Fed(6), output="linear", residual=0.1)
    problem = Problem(y, likelihood=likelihood)
    model = prior.build(problem.image_shape, problem, Rng(0))
    torch.nn.init.normal_(model.net.tail.weight, std=0.05)
    return objective.bind(problem, prior), model, problem


class Still(Gaussian):
    """Whose draws are nothing, so that parts can be compared with the whole."""

    def draw(self, like, rng):
        return torch.zeros_like(like)


def test_a_picture_in_parts_is_that_of_the_whole(monkeypatch):
    y = noisy(96, 110)[1]
    objective, model, problem = fed(Quick(), Still(0.1), y)
    objective = replace(objective, refine=False)  # its components are those of a part
    found = []
    for side in (200, 50):
        monkeypatch.setattr(recorrupt, "TILE", side)
        found.append(objective.picture(model, problem, Rng(0), 2))
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=1e-5)


def test_there_are_no_seams(monkeypatch):
    truth, y = noisy(96, 110)
    monkeypatch.setattr(recorrupt, "TILE", 48)
    objective, model, problem = fed(Quick(), ClippedGaussian(0.1), y.clamp(0, 1))
    x = objective.picture(model, problem, Rng(0), 2)
    assert torch.equal(x, objective.picture(model, problem, Rng(0), 2))
    steps = (x - truth).diff(dim=2).abs().mean((0, 1, 3))
    assert float(steps[47]) < 2 * float(steps.mean())


def test_the_noise_of_a_large_picture_is_measured_on_parts_of_it(monkeypatch):
    y = noisy(700, 900, sigma=25 / 255)[1]
    whole = float(spectrum.estimate_noise(y).sigma.mean())
    monkeypatch.setattr(spectrum, "SAMPLE", 2)
    sizes = []
    monkeypatch.setattr(spectrum, "periodogram", lambda p, old=spectrum.periodogram: sizes.append(len(p)) or old(p))
    assert float(spectrum.estimate_noise(y).sigma.mean()) == pytest.approx(whole, rel=0.1)
    assert 0.95 * 4 * 31 * 31 < sizes[0] <= 4 * 31 * 31  # less those with clipped pixels


def test_a_large_picture_gets_the_quick_guides_and_a_small_one_what_it_had(monkeypatch):
    array = (noisy(40, 50)[1][0].permute(1, 2, 0).clamp(0, 1).numpy() * 255).astype(np.uint8)
    guides = []
    for limit in (2000, 1999):
        monkeypatch.setattr(denoise, "LARGE", limit)
        for preset, steps in (("fast", None), ("balanced", None), ("fast", 9), ("instant", None), ("best", None)):
            job = untaught.denoise.job(array, sigma=0.1, preset=preset, steps=steps)
            stage = job.stages[0]
            guides.append(
                type(stage.estimator.denoiser if isinstance(stage, Estimate) else stage.method.objective.guide)
            )
    assert guides == [*[LIChIGuide] * 3, LIChI, LIChIGuide, LIChI, LIChIThenRidge, Quick, Tiled, LIChIGuide]


@pytest.mark.parametrize("scene", [data.camera()[150:260, 180:300], data.astronaut()[30:130, 180:290]])
def test_a_large_picture_is_left_to_lichi_which_says_so(monkeypatch, scene):
    monkeypatch.setattr(denoise, "LARGE", 2000)
    clean = scene.astype(float)
    y = np.clip(clean + np.random.default_rng(0).normal(0, 25, clean.shape), 0, 255).astype(np.uint8)
    found = {}
    for preset in ("instant", "fast", "balanced"):
        job = untaught.denoise.job(y, sigma=25 / 255, preset=preset)
        assert isinstance(job.stages[0], Estimate)
        found[preset] = np.square(job.result(untaught.solve(job).x) - clean).mean()
    assert found["balanced"] < found["fast"] < found["instant"]
    assert "for large pictures a classic filter" in " ".join(job.notes)


@pytest.mark.parametrize("large", [LARGE, LARGER])
def test_lichi_of_a_large_picture_is_by_parts_what_it_is_at_once(monkeypatch, large):
    y = torch.from_numpy(data.camera()[150:260, 180:300] / 255).float()[None, None]
    y = y + 0.1 * torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    whole = large(y, torch.tensor(0.1))
    monkeypatch.setattr(lichi, "SIDE", 70)
    parts = replace(large, pilot=replace(large.pilot, side=70))(y, torch.tensor(0.1))
    assert float((whole - parts).square().mean().sqrt()) < 0.01


def test_a_ridge_that_would_leave_gaps_is_refused():
    with pytest.raises(BadInput, match="leave gaps"):
        Pass(5, 64, stride=6)


def test_a_huge_picture_comes_out_whole(monkeypatch):
    """The quickest guides leave no pixel out."""
    monkeypatch.setattr(denoise, "LARGE", 2000)
    monkeypatch.setattr(denoise, "HUGE", 3000)
    monkeypatch.setattr(recorrupt, "TILE", 64)
    truth, y = noisy(70, 90)
    array = (y[0].permute(1, 2, 0).clamp(0, 1).numpy() * 255).astype(np.uint8)
    job = untaught.denoise.job(array, sigma=0.1, preset="fast", steps=3)
    assert job.stages[0].method.passes == 1
    result = job.result(untaught.solve(job).x)
    clean = truth[0].permute(1, 2, 0).numpy()
    assert np.square(result / 255 - clean).mean() < 0.5 * np.square(array / 255 - clean).mean()


class Slow:
    """A guide that counts the pixels it filters."""

    seen = 0
    reach = 2

    def __call__(self, y, deviation):
        Slow.seen = max(Slow.seen, prod(y.shape[2:]))  # how often depends on the machine
        return y

    def refine(self, y, deviation, pilot):
        return pilot


class TestForecast:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        monkeypatch.setattr(recorrupt, "TILE", 64)
        monkeypatch.setattr(recorrupt, "STRIP", 16)
        monkeypatch.setattr(classic, "PART", (16, 64))

    def jobs(self, side):
        y = noisy(side, side)[1]
        objective, _, problem = fed(Slow(), Gaussian(0.1), y)
        prior = Network(Compact((4, 6)), Fed(6), output="linear")
        yield Job((Solve(Method(prior, objective, average=ExponentialWeights(), stop=After(1), passes=2)),), problem)
        yield Job((Estimate(Filter(Slow())),), problem)

    def test_it_works_on_parts_and_changes_nothing(self):
        for job in self.jobs(480):
            Slow.seen = 0
            assert forecast(job) > 0
            assert Slow.seen < 480 * 480
            run = Run(job)
            next(run)
            again = Run(job)
            next(again)
            forecast(job)
            assert torch.equal(run.solution.x, again.solution.x)

    def test_a_small_picture_needs_none(self):
        assert [forecast(job) for job in self.jobs(30)] == [None, None]

    def test_the_command_says_it_before_it_starts(self, tmp_path, untaught, monkeypatch):
        images.write(
            tmp_path / "in.png", (noisy(24, 24)[1][0].permute(1, 2, 0).clamp(0, 1).numpy() * 255).astype(np.uint8)
        )
        for seconds, words, said in (
            (200.0, [], "this will take about 3 min."),
            (40.0, [], "this will take about 40 s."),
            (29.0, [], None),
            (200.0, ["--quiet"], None),
            (200.0, ["--json"], None),
        ):
            monkeypatch.setattr("untaught.session.explain.forecast", lambda job, seconds=seconds: seconds)
            _, out, err = untaught("denoise", tmp_path / "in.png", "--preset", "instant", "--force", *words)
            assert ("this will take" in err) == (said is not None)
            assert said is None or err.startswith(f"untaught: {said}")
            if words == ["--json"]:
                assert json.loads(out.splitlines()[0]) == {"expected_seconds": 200}


def test_the_largest_picture_is_a_setting(tmp_path, untaught):
    images.write(tmp_path / "in.png", (noisy(40, 50)[1][0].permute(1, 2, 0).clamp(0, 1).numpy() * 255).astype(np.uint8))
    words = ("denoise", tmp_path / "in.png", "--preset", "instant", "--max-megapixels")
    code, _, err = untaught(*words, 0.001)
    assert code == 2
    assert "50 x 40 pixels (0.002 MP) and the limit is 0.001 MP" in err
    assert "--max-megapixels" in err
    assert untaught(*words, 0.002)[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told to keep memory")
def test_a_program_that_keeps_its_memory_takes_no_page_faults_for_it():
    lines = """
import resource, numpy
from untaught.core.allocator import keep_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        numpy.ones(1 << 22)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
before, kept, _ = faults(), keep_memory(), faults()
print(before, kept, faults())
"""
    small = {**os.environ, "NUMPY_MADVISE_HUGEPAGE": "0"}  # a huge page is one fault for two megabytes
    words = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True, env=small)
    words = words.stdout.split()
    if words[1] == "False":
        pytest.skip("this system's allocator is not glibc's")
    assert int(words[2]) < 100 < int(words[0])


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told to keep memory")
def test_what_a_program_keeps_it_gives_back_when_told():
    lines = """
import re, torch
from untaught.core.allocator import give_back, keep_memory
def held():
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1])
kept, maps = keep_memory(), [torch.ones(1 << 22) for _ in range(8)]
del maps[:-1]  # holes below one that is used still
free = held()
give_back(1 << 23)
print(kept, free - held())
"""
    words = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True).stdout.split()
    if words[0] == "False":
        pytest.skip("this system's allocator is not glibc's")
    assert int(words[1]) > 6 * (1 << 14)  # of seven maps of 16 MiB, in KiB
