"""How far a picture may be off: samples have the law they claim, intervals the coverage, and nothing looks at held-out values."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import scores
import tifffile
import torch
from PIL import Image

import untaught
from untaught.calibration.held import hold_out
from untaught.calibration.intervals import deviation, factor
from untaught.calibration.repeated import RepeatedRuns, goes_on
from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.io import images
from untaught.io.recipes import Recipe
from untaught.prior.networks.hourglass import Hourglass
from untaught.solver.averaging import Moments
from untaught.solver.objectives.recorrupt import Recorrupt
from untaught.solver.optimisers import Langevin
from untaught.solver.uncertainty import WIDTH

FEW = ["--sigma", "25/255", "--steps", "5"]


pytestmark = pytest.mark.usefixtures("one_thread")


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def fitted(steps=20, ensemble=1, **problem):
    """A tiny job of the paper's family."""
    net = untaught.Network(Hourglass.examples()[0], untaught.Noise(4), jitter=0.03)
    prior = untaught.Ensemble(net, ensemble) if ensemble > 1 else net
    y = torch.sigmoid(random(1, 1, 24, 20))
    problem = untaught.Problem(y, likelihood=untaught.Gaussian(0.1), **problem)
    return untaught.Job((untaught.Solve(untaught.Method(prior, stop=untaught.After(steps))),), problem)


# --- Samples ---------------------------------------------------------------------------------------------------------------


def test_langevin_reaches_the_posterior_of_a_quadratic():
    """E = mean (x - y)^2 / (2 sigma^2) at temperature 1 / n: every x has mean y and deviation sigma."""
    n, sigma = 1000, torch.linspace(0.5, 2, 1000)
    y = random(n)
    x = torch.nn.Parameter(y + 3)
    optimiser = Langevin(0.03, temperature=1 / n).build([x])
    total, squares, count = torch.zeros(n), torch.zeros(n), 0

    def energy():
        optimiser.zero_grad()
        e = ((x - y) / sigma).square().mean() / 2
        e.backward()
        return e

    for step in range(2000):
        optimiser.step(energy)
        if step >= 700:
            apart = (x.detach() - y) / sigma
            total, squares, count = total + apart, squares + apart.square(), count + 1
    assert abs(float((total / count).mean())) < 0.05
    spread = squares / count
    assert float(spread.mean()) == pytest.approx(1, rel=0.1)
    half = n // 2  # whatever the deviation
    assert float(spread[:half].mean()) == pytest.approx(float(spread[half:].mean()), rel=0.15)


def test_until_then_langevin_is_adam():
    def walk(recipe):
        x = torch.nn.Parameter(random(30))
        optimiser = recipe.build([x])
        for _ in range(5):
            optimiser.zero_grad()
            x.pow(4).sum().backward()
            optimiser.step()
        return x.detach()

    assert torch.equal(walk(Langevin(0.01, 1.0, after=5)), walk(untaught.Adam(0.01)))
    assert not torch.equal(walk(Langevin(0.01, 1.0, after=4)), walk(untaught.Adam(0.01)))


def test_moments_are_mean_and_variance():
    made = [random(2, 1, 4, 5, seed=i) for i in range(20)]
    average, state = Moments(after=5, every=3), {}
    for x in made:
        state = average.update(state, x, None)
    kept = torch.stack(made[7::3])
    assert int(state["count"]) == len(kept)
    assert torch.allclose(average.picture(state, None, None), kept.mean((0, 1))[None], atol=1e-6)
    assert torch.allclose(state["squares"] / (len(kept) - 1), kept.var(0), atol=1e-6)


def test_a_run_that_wanders_is_resumed_to_the_same_bits():
    def runs():
        return RepeatedRuns(fitted(), repeat=1, uncertain=True)

    whole, first = runs(), runs()
    for _ in whole:
        pass
    for _ in range(31):
        next(first)
    second = runs()
    second.load_state_dict(first.state_dict())
    for _ in second:
        pass
    assert torch.equal(second.solution.x, whole.solution.x)
    assert torch.equal(second.uncertainty().raw, whole.uncertainty().raw)
    assert second.solution.notes == whole.solution.notes


def test_several_runs_are_resumed_to_the_same_bits_and_their_mean_is_the_picture():
    job = fitted(8)
    whole, first = RepeatedRuns(job, 3), RepeatedRuns(job, 3)
    assert sum(1 for _ in whole) == 24
    for _ in range(11):
        next(first)
    second = RepeatedRuns(job, 3)
    second.load_state_dict(first.state_dict())
    assert sum(1 for _ in second) == 13
    assert torch.equal(second.solution.x, whole.solution.x)
    alone = [untaught.solve(job.seeded(Rng(job.seed).child("run", i).seed)).x for i in range(3)]
    assert torch.allclose(whole.solution.x, torch.stack(alone).mean(0), atol=1e-6)
    assert "dB" in whole.solution.notes[-1]
    assert "in run 2 of 3" in first.solution.reason


@pytest.mark.parametrize("given", [{"sigma": 0.1}, {"noise": "poisson", "gain": 100.0}, {"looks": 40.0}])
def test_how_runs_differ_is_told_in_levels_of_the_picture_whatever_its_noise_was_made_of(given, noisy):
    """As the results differ, without their rounding: also where the run saw roots or logarithms."""
    job = untaught.denoise.job(noisy[:20, :24], steps=3, **given)
    runs = RepeatedRuns(job, 3)
    for _ in runs:
        pass
    results = [replace(job, finish=job.finish.exact()).result(x) for x in runs.done]
    apart, solution = np.std(results, axis=0, ddof=1), runs.solution
    middle, most = re.search(r"pixel is (\S+) of 255 in the median and (\S+) at most", solution.notes[-1]).groups()
    # The median of an even number of values is the lower of the two in torch.
    assert float(middle) == pytest.approx(np.sort(apart.ravel())[(apart.size - 1) // 2], rel=0.01)
    assert float(most) == pytest.approx(apart.max(), rel=0.01)
    pairs = [-10 * np.log10(np.mean((a - b) ** 2) / 255**2) for a, b in combinations(results, 2)]
    assert solution.spread.levels == pytest.approx(sorted(pairs), abs=0.01)


def test_the_members_of_an_ensemble_are_samples():
    runs = RepeatedRuns(fitted(ensemble=3), uncertain=True)
    for _ in runs:
        pass
    assert torch.allclose(runs.run.course.variance(), runs.run.course.fit.average["x"].var(0, keepdim=True))


# --- Held-out values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fed", [False, True])
def test_no_run_sees_what_is_held_out(fed):
    job = fitted(6)
    if fed:
        objective, prior = Recorrupt.examples()[1]
        method = untaught.Method(prior, objective, average=untaught.ExponentialWeights(), stop=untaught.After(6))
        job = replace(job, stages=(untaught.Solve(method),))
    runs = RepeatedRuns(job, repeat=2, uncertain=True)
    y = job.problem.data
    other = replace(job, problem=replace(job.problem, data=torch.where(runs.held > 0, y + 5, y)))
    again = RepeatedRuns(other, repeat=2, uncertain=True)
    for one in (runs, again):
        for _ in one:
            pass
    assert 0.05 < float(runs.held.mean()) < 0.15
    assert all(torch.equal(a, b) for a, b in zip(runs.blind, again.blind, strict=True))
    assert torch.equal(runs.within if fed else runs.done[0], again.within if fed else again.done[0])
    assert again.uncertainty().factor > runs.uncertainty().factor


def test_a_share_of_another_network_is_left_out_where_doubt_is_asked_for(photo):
    job = untaught.denoise.job(photo[:24, :24], sigma=25 / 255, preset="best")
    assert len(job.stages) == 2
    runs = RepeatedRuns(job, repeat=1, uncertain=True)
    assert [type(s.method.objective) for s in runs.job.stages] == [Recorrupt]
    assert any("left out" in note for note in runs.run.notes)
    assert len(RepeatedRuns(job, repeat=2, uncertain=False).job.stages) == 2


def test_holes_are_held_out_as_holes_and_pixels_as_pixels():
    weight = torch.ones(1, 3, 40, 40)
    weight[..., 10:20, 10:20] = 0
    wide = hold_out(fitted(weight=weight[:, :1, :24, :20]))[1]
    assert float((wide[..., 1:, :] * wide[..., :-1, :]).sum()) > 10  # neighbours in a column
    single = (torch.rand(1, 1, 24, 20, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    job, held = hold_out(fitted(weight=single))
    assert torch.equal(held * single, held)
    assert torch.equal(job.problem.weight, single - held)


def test_the_factor_gives_the_coverage_that_is_claimed():
    d = random(4000).exp()
    tails = torch.distributions.StudentT(4.0)
    torch.manual_seed(0)
    held, fresh = (0.3 * d * tails.sample((4000,)) for _ in range(2))
    s, error = factor(held, d, torch.zeros(4000))
    inside = (fresh.abs() <= WIDTH * s * d).float().mean()
    assert float(inside) == pytest.approx(0.9, abs=0.02)
    assert 0 < error < 0.1


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.0])
def test_noise_is_taken_out_of_the_residuals(truth):
    """Errors of a third of the noise, whose size is known to a factor."""
    d = 0.03 * random(8000, seed=1).mul(0.5).exp()
    residual = 0.1 * random(8000, seed=2) + truth * d * random(8000, seed=3)
    s, error = factor(residual, d, torch.full((8000,), 0.1))
    assert abs(s / truth - 1) < 3 * error
    assert error < 0.35


def test_a_deviation_of_few_samples_is_smoothed_and_nowhere_none():
    variance = torch.zeros(1, 1, 20, 20)
    variance[..., 8:] = 4.0
    found = deviation(variance)
    assert float(found.min()) > 0
    assert float(found[..., 15].mean()) > 2


# --- Metrics ---------------------------------------------------------------------------------------------------------------


def test_scores_are_their_definitions():
    rng = np.random.default_rng(0)
    truth, middle = rng.normal(size=200), rng.normal(size=200)
    half = rng.random(200)
    lower, upper = middle - half, middle + half
    score = covered = 0.0
    for a, b, x in zip(lower, upper, truth, strict=True):
        covered += a <= x <= b
        score += (b - a) + (20 * (a - x) if x < a else 20 * (x - b) if x > b else 0)
    assert scores.coverage(lower, upper, truth) == pytest.approx(covered / 200)
    assert scores.interval_score(lower, upper, truth) == pytest.approx(score / 200)
    widths = [scores.interval_score(middle - w, middle + w, truth) for w in np.linspace(0, 5, 2001)]
    assert scores.constant_score(middle, truth) <= min(widths) + 1e-9
    a, b = rng.random(50), rng.integers(0, 5, 50).astype(float)
    ranks = [[np.sum(v < x) + (np.sum(v == x) + 1) / 2 for x in v] for v in (a, b)]
    assert scores.rank_correlation(a, b) == pytest.approx(np.corrcoef(*ranks)[0, 1])


# --- Refusals --------------------------------------------------------------------------------------------------------------


def test_what_has_no_samples_or_no_known_error_is_refused(photo):
    instant = untaught.denoise.job(photo, sigma=0.1, preset="instant")
    with pytest.raises(BadInput, match="classic filter"):
        RepeatedRuns(instant, uncertain=True)
    for drawn in (instant, untaught.deblur.job(photo, kernel="gauss:1", sigma=0.01)):
        with pytest.raises(BadInput, match="same picture"):
            RepeatedRuns(drawn, repeat=3)
    with pytest.raises(BadInput, match="give 1 or more"):
        RepeatedRuns(fitted(), repeat=0)
    with pytest.raises(BadInput, match="data are the picture itself"):
        RepeatedRuns(untaught.upscale.job(photo, factor=2, preset="paper"), uncertain=True)
    judged = fitted()
    method = replace(judged.stages[0].method, stop=untaught.WindowedVariance())
    with pytest.raises(BadInput, match="give steps"):
        goes_on(replace(judged, stages=(untaught.Solve(method),)))


# --- Command line ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, noisy, monkeypatch):
    Image.fromarray(noisy[:20, :24]).save(tmp_path / "noisy.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_maps_are_written_and_repeated(untaught, folder):
    narrow = ["--preset", "paper", "--network", "hourglass:down=4,6"]
    code, _, err = untaught(
        "denoise", "noisy.png", *FEW, *narrow, "-o", "out.png", "--uncertainty", "u.tif", "--repeat", 2
    )
    assert code == 0, err
    assert "2 runs differ" in err
    assert "held out" in err
    with tifffile.TiffFile(folder / "u.tif") as file:
        names, pages = [p.description for p in file.pages], [p.asarray() for p in file.pages]
    assert names[0] == "standard deviation"
    assert [p.shape for p in pages] == [(20, 24, 3)] * 4
    assert all(p.dtype == np.float32 for p in pages)
    made = np.asarray(Image.open(folder / "out.png")).astype(float)
    assert (pages[1] <= made + 0.51).all()
    assert (pages[2] >= made - 0.51).all()
    assert pages[0].min() > 0
    assert 0.5 < np.median(pages[0]) < 60  # levels of 255
    assert np.asarray(Image.open(folder / "u.png")).shape[2] == 3
    recipe = Recipe.from_toml(images.read_recipe(folder / "out.png"))
    assert (recipe.repeat, recipe.uncertainty) == (2, "u.tif")
    code, _, err = untaught("run", "out.png", "-o", "again.png", "-q")
    assert code == 0, err
    assert np.array_equal(np.asarray(Image.open(folder / "again.png")), made)
    assert np.array_equal(tifffile.imread(folder / "again.uncertainty.tif", key=0), pages[0])


def test_known_pixels_that_are_kept_are_certain(untaught, folder):
    fill = np.random.default_rng(0).random((20, 24)) > 0.6
    Image.fromarray((255 * fill).astype(np.uint8)).save(folder / "mask.png")
    code, _, err = untaught("inpaint", "noisy.png", "--mask", "mask.png", "--steps", "5", "--uncertainty", "u.tif")
    assert code == 0, err
    map_ = tifffile.imread(folder / "u.tif", key=0)
    assert (map_[~fill] == 0).all()
    assert (map_[fill] > 0).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--uncertainty", "u.png"], ["u.png", "TIFF"]),
        (["--uncertainty", "there.tif"], ["there.png", "--force"]),
        (["--uncertainty", "nowhere/u.tif"], ["nowhere"]),
        (["-o", "u.png", "--uncertainty", "u.tif"], ["u.png", "both"]),
        (["--preset", "instant", "--uncertainty", "u.tif", "--repeat", "2"], ["drawn anew", "repeat = 2"]),
        (["--preset", "instant", "--repeat", "3"], ["same picture"]),
        (["--repeat", "0"], ["repeat = 0"]),
    ],
)
def test_refused_before_the_work(arguments, words, untaught, folder, monkeypatch):
    monkeypatch.setattr("untaught.solver.loop.Run.__next__", lambda self: pytest.fail("the work was started"))
    (folder / "there.png").write_bytes(b"mine")
    before = {p.name for p in folder.iterdir()}
    code, _, err = untaught("denoise", "noisy.png", "--sigma", "0.1", *arguments)
    assert code == 2
    assert err.count("\n") == 1
    for word in words:
        assert word in err
    assert {p.name for p in folder.iterdir()} == before
