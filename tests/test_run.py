"""Laws of the loop: bits, looking, going back, stopping; swept over every objective, prior, rule, average and optimiser."""

from __future__ import annotations

import copy
import math
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from untaught import registry
from untaught.averaging import ExponentialPictures, ExponentialWeights, Last
from untaught.codes import Noise, Start
from untaught.errors import BadInput, Stale, UntaughtError
from untaught.likelihoods import Gaussian, Laplace, Poisson
from untaught.networks.hourglass import Hourglass
from untaught.objectives.fit import Fit
from untaught.optimisers import LBFGS, Adam
from untaught.priors import Ensemble, Flat, Network, Pixels
from untaught.problem import Problem
from untaught.randomness import Rng
from untaught.regularisers import TV, Smooth
from untaught.run import Job, Method, Run, Stage, solve
from untaught.stopping import After, Auto, Discrepancy, ExponentialVariance, FirstOf, HoldOut, WindowedVariance

SMALL = Network(Hourglass(down=(4, 6)), Noise(4), jitter=0.03)


def picture(channels=1, space=(12, 14), seed=0):
    grid = torch.linspace(0, 3, math.prod(space)).reshape(1, 1, *space).sin() * 0.3 + 0.5
    noise = 0.1 * torch.randn(1, channels, *space, generator=torch.Generator().manual_seed(seed))
    return (grid + noise).clamp(0, 1)


def cases():
    """(objective, prior) for every registered objective, with an average that suits it."""
    for _, objective in registry.objectives.items():
        examples = objective.examples()
        assert examples, f"{objective.__name__} gives no examples"
        yield from examples


def method(objective, prior, **more):
    average = ExponentialPictures(0.9) if objective.whole else ExponentialWeights(0.9)
    return Method(prior, objective, **{"average": average, "stop": After(6), "optimiser": Adam(1e-3), **more})


def job(problem, *methods):
    return Job(tuple(Stage(m) for m in methods), problem)


CASES = [pytest.param(o, p, id=f"{type(o).__name__}-{type(p).__name__}-{i}") for i, (o, p) in enumerate(cases())]


def result(run):
    for _ in run:
        pass
    return run.solution.x


@pytest.mark.parametrize(("objective", "prior"), CASES)
class TestEveryObjective:
    problem = Problem(picture(), likelihood=Gaussian(0.1))

    def test_same_seed_same_bits_and_another_seed_another_picture(self, objective, prior):
        first, again, other = (result(Run(job(self.problem, method(objective, prior, seed=s)))) for s in (3, 3, 4))
        assert torch.equal(first, again)
        assert isinstance(prior, (Flat, Pixels)) or not torch.equal(first, other)

    def test_a_watched_run_equals_the_unwatched_one(self, objective, prior):
        watched = Run(job(self.problem, method(objective, prior)))
        for iterate in watched:
            assert iterate.picture().shape == self.problem.image_shape
            assert iterate.average().shape == self.problem.image_shape
            assert watched.solution.step == iterate.step
        assert torch.equal(watched.solution.x, result(Run(job(self.problem, method(objective, prior)))))

    @pytest.mark.parametrize("steps", [0, 3, 6])
    def test_interrupted_and_resumed_equals_uninterrupted(self, objective, prior, steps):
        the_job = job(self.problem, method(objective, prior), method(objective, prior, seed=9))
        first = Run(the_job)
        for _ in range(steps):
            next(first)
        state = copy.deepcopy(first.state_dict())
        resumed = Run(the_job)
        resumed.load_state_dict(state)
        assert torch.equal(result(resumed), result(Run(the_job)))
        assert [m.step for m in resumed.history] == [m.step for m in Run_of(the_job).history]

    @pytest.mark.parametrize("space", [(1,), (9,), (1, 1), (3, 17), (2, 3, 4)])
    @pytest.mark.parametrize("channels", [1])
    def test_any_size_from_one_pixel(self, objective, prior, space, channels):
        if type(objective).__name__ == "Split" and math.prod(space) < 5:
            pytest.skip("there must be something to hide")
        problem = Problem(picture(channels, space), likelihood=Gaussian(0.1))
        x = result(Run(job(problem, method(objective, prior, stop=After(2)))))
        assert x.shape == (1, channels, *space)
        assert torch.isfinite(x).all()

    def test_the_energy_falls(self, objective, prior):
        if isinstance(prior, (Flat, Pixels)):
            pytest.skip("nothing is sought, or pixels start at the data, where the energy is least")
        run = Run(job(self.problem, method(objective, prior, stop=After(60), optimiser=Adam(0.01))))
        energies = [iterate.energy for iterate in run]
        assert sum(energies[-15:]) < sum(energies[:15])


def Run_of(the_job):
    run = Run(the_job)
    result(run)
    return run


class TestExplicitPriors:
    def test_the_noisy_sine_is_the_solution_of_its_linear_system(self):
        n, weight = 200, 20.0
        t = torch.linspace(0, 4 * math.pi, n, dtype=torch.float64)
        y = t.sin() + 0.3 * torch.randn(n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        d = torch.diff(torch.eye(n, dtype=torch.float64), dim=0)
        exact = torch.linalg.solve(torch.eye(n, dtype=torch.float64) + weight * d.T @ d, y)
        problem = Problem(y[None, None], regulariser=weight * Smooth())
        x = solve(problem, Method(Pixels(), optimiser=LBFGS(), average=Last(), stop=After(20))).x[0, 0]
        assert float((x - exact).norm() / exact.norm()) < 1e-4
        assert float((exact - t.sin()).norm()) < 0.7 * float((y - t.sin()).norm())

    def test_total_variation_of_pixels_removes_noise(self):
        truth = torch.zeros(1, 1, 16, 16)
        truth[..., 8:] = 1
        y = truth + 0.2 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
        x = solve(
            Problem(y, regulariser=0.15 * TV()), Method(Pixels(), optimiser=LBFGS(), average=Last(), stop=After(30))
        ).x
        assert float((x - truth).norm()) < 0.6 * float((y - truth).norm())


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told to keep memory")
def test_a_program_that_keeps_its_memory_takes_no_page_faults_for_it():
    lines = """
import resource, numpy
from untaught.allocator import keep_memory
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


class TestGeneralReconstruction:
    def test_a_users_operator_in_a_few_lines(self):
        class Blur(nn.Module):
            def forward(self, x):
                return nn.functional.avg_pool2d(x, 3, 1, 1)

        truth = picture(3, (16, 18))
        y = Blur()(truth)
        solution = solve(Problem(y, operator=Blur(), likelihood=Gaussian(0.03)), Method(SMALL, stop=After(150)))
        assert solution.x.shape == truth.shape
        assert float((Blur()(solution.x) - y).std()) < 0.15

    def test_the_operators_own_parameters_are_sought_too(self):
        class Gain(nn.Module):
            def __init__(self):
                super().__init__()
                self.gain = nn.Parameter(torch.tensor(1.0))

            def forward(self, x):
                return self.gain * x

        operator = Gain()
        run = Run(job(Problem(2 * picture(), operator=operator), method(Fit(), SMALL)))
        result(run)
        assert float(run.problem.operator.function.gain.detach()) != 1.0
        assert float(operator.gain.detach()) == 1.0  # a run has a copy of its own

    def test_a_shape_changing_operator_says_how_large_the_picture_is(self):
        class Half(nn.Module):
            def forward(self, x):
                return nn.functional.avg_pool2d(x, 2)

            def image_shape(self, data_shape):
                return (*data_shape[:2], 2 * data_shape[2], 2 * data_shape[3])

        x = solve(Problem(torch.rand(1, 3, 5, 6), operator=Half()), Method(SMALL, stop=After(3))).x
        assert x.shape == (1, 3, 10, 12)

    def test_the_default_method_stops_by_itself(self):
        from untaught.run import default_method

        stop = default_method().stop
        assert {type(r) for r in stop.rules} == {Auto, After}


class TestLooking:
    def test_a_past_iterate_is_stale_but_keeps_its_numbers(self):
        run = Run(job(Problem(picture()), method(Fit(), SMALL)))
        first = next(run)
        next(run)
        assert first.step == 1
        assert math.isfinite(first.energy)
        with pytest.raises(Stale, match="step 1.*step 2"):
            first.picture()

    def test_the_solution_exists_before_the_first_step_and_after_any(self):
        run = Run(job(Problem(picture()), method(Fit(), SMALL)))
        assert run.solution.x.shape == (1, 1, 12, 14)
        next(run)
        assert run.solution.reason == "the run was interrupted at step 1"
        assert torch.equal(run.solution.x, run.solution.x)

    def test_the_callers_random_numbers_are_left_alone(self):
        torch.manual_seed(11)
        expected = torch.rand(3)
        torch.manual_seed(11)
        result(Run(job(Problem(picture()), method(Fit(), SMALL))))
        assert torch.equal(torch.rand(3), expected)


class TestAverages:
    def test_an_exponential_average_of_pictures_is_its_recursion(self):
        run = Run(job(Problem(picture()), method(Fit(), SMALL)))
        expected = None
        for iterate in run:
            expected = iterate.x if expected is None else 0.9 * expected + 0.1 * iterate.x
        torch.testing.assert_close(run.solution.x, expected)

    def test_the_average_of_weights_starts_with_the_weights(self):
        run = Run(job(Problem(picture()), method(Fit(), SMALL, average=ExponentialWeights(0.9))))
        iterate = next(run)
        torch.testing.assert_close(iterate.average(), iterate.picture())

    def test_last_is_the_network_itself(self):
        run = Run(job(Problem(picture()), method(Fit(), SMALL, average=Last())))
        for iterate in run:
            torch.testing.assert_close(iterate.average(), iterate.picture())

    def test_an_ensemble_returns_the_mean_of_its_members(self):
        run = Run(job(Problem(picture()), method(Fit(), Ensemble(SMALL, 3), average=Last())))
        for iterate in run:
            assert iterate.x.shape == (3, 1, 12, 14)
        with torch.no_grad():
            torch.testing.assert_close(run.solution.x, run.model().mean(0, keepdim=True))


class TestStages:
    def test_a_stage_starts_from_the_last_ones_picture(self):
        code = Network(Hourglass(down=(4, 6)), Start())
        run = Run(job(Problem(picture()), method(Fit(), SMALL, stop=After(3)), method(Fit(), code, stop=After(2))))
        pictures = [iterate.average() for iterate in run]
        assert len(pictures) == 5
        torch.testing.assert_close(run.problem.start, pictures[2])

    def test_a_job_without_stages_is_refused(self):
        with pytest.raises(BadInput, match="no stage"):
            Run(Job((), Problem(picture())))


class Broken(nn.Module):
    """An operator that gives no numbers, or a wrong picture, from its n-th call on, for some calls."""

    def __init__(self, start, stop, factor):
        super().__init__()
        self.calls, self.start, self.stop, self.factor = 0, start, stop, factor

    def forward(self, x):
        self.calls += 1
        return x * self.factor if self.start <= self.calls < self.stop else x


class TestGoingBack:
    @pytest.mark.parametrize("factor", [float("nan"), 30.0])
    def test_on_divergence_everything_goes_back_and_the_rate_is_halved(self, factor):
        plan = method(Fit(), SMALL, stop=After(40), optimiser=Adam(0.01))
        run = Run(job(Problem(picture(), operator=Broken(21, 31, factor)), plan))
        good = None
        for iterate in run:
            if iterate.step == 20:
                good = run.state_dict()
            if iterate.step == 30:
                for part in ("model", "optimiser", "average", "rule"):
                    assert same(run.state_dict()[part], good[part]), part
                assert run.cut == 0.5
        assert torch.isfinite(run.solution.x).all()
        (note,) = run.solution.notes
        assert "At step 30" in note
        assert "step 20" in note
        assert "halved" in note

    def test_a_run_that_always_diverges_ends_and_says_so(self):
        run = Run(
            job(Problem(picture(), operator=Broken(11, 10**9, float("nan"))), method(Fit(), SMALL, stop=After(500)))
        )
        result(run)
        assert "diverged ten times" in run.solution.reason
        assert run.step == 110

    def test_a_picture_without_numbers_is_never_returned(self):
        run = Run(
            job(Problem(picture(), operator=Broken(1, 10**9, float("nan"))), method(Fit(), SMALL, average=Last()))
        )
        for _ in range(3):
            next(run)
        with pytest.raises(UntaughtError, match="no numbers"):
            run.solution  # noqa: B018


def same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b or (a != a and b != b)


def rules():
    for name, some in registry.rules.items():
        for rule in some:
            assert rule.examples(), f"{rule.__name__} of {name} gives no examples"
            yield from rule.examples()
    yield from (After(7), *FirstOf.examples())


class TestStopping:
    @pytest.mark.parametrize("rule", list(rules()), ids=repr)
    def test_every_rule_ends_with_a_reason_and_does_not_depend_on_being_watched(self, rule):
        problem = Problem(picture(), likelihood=Gaussian(0.1))
        plan = method(Fit(), SMALL, stop=rule | After(60), optimiser=Adam(0.01))
        first, again = Run(job(problem, plan)), Run(job(problem, plan))
        for iterate in first:
            iterate.picture()
        assert torch.equal(first.solution.x, result(again))
        assert first.step <= 60
        assert len(first.solution.reason) > 15

    def test_the_score_of_the_window_is_the_variance_of_the_pictures(self):
        run = Run(job(Problem(picture()), method(Fit(), SMALL, stop=WindowedVariance(window=4) | After(9))))
        seen = []
        for iterate in run:
            seen.append(iterate.x[0])
            if iterate.step >= 4:
                expected = torch.stack(seen[-4:]).var(0, unbiased=False).mean()
                assert iterate.verdict.score == pytest.approx(float(expected), rel=1e-4)

    def test_a_judging_rule_returns_the_averaged_iterate_of_its_minimum(self):
        run = Run(
            job(Problem(picture()), method(Fit(), SMALL, stop=ExponentialVariance(patience=25, alpha=0.5) | After(80)))
        )
        averages = {iterate.step: iterate.average() for iterate in run}
        assert torch.equal(run.solution.x, averages[run.solution.step])
        assert run.solution.step < run.step

    def test_discrepancy_stops_at_the_noise_level(self):
        problem = Problem(picture(space=(24, 24)), likelihood=Gaussian(0.1))
        run = Run(job(problem, method(Fit(), SMALL, stop=Discrepancy(1.2) | After(900), optimiser=Adam(0.01))))
        last = [iterate.fit for iterate in run][-1]
        assert last <= 0.5 * 1.2
        assert "noise allows" in run.solution.reason

    def test_discrepancy_without_a_noise_level_is_refused(self):
        with pytest.raises(BadInput, match="give sigma"):
            Run(job(Problem(picture()), method(Fit(), SMALL, stop=Discrepancy())))

    def test_held_out_measurements_never_reach_the_run(self):
        plan = method(Fit(), SMALL, stop=HoldOut(0.3, every=1) | After(5))
        problem = Problem(picture())
        run = Run(job(problem, plan))
        held = run.rule.rules[0]._held
        assert 0.2 < float(held.mean()) < 0.4
        assert float((run.problem.data * held).abs().max()) == 0
        assert float((run.problem.weight * held).max()) == 0
        changed = problem.data + 5 * held
        other = Run(job(Problem(changed), plan))
        for a, b in zip(run, other, strict=True):
            assert a.energy == b.energy
            assert a.verdict.score < b.verdict.score

    def test_hold_out_of_ten_measurements_is_refused(self):
        with pytest.raises(BadInput, match="fewer than 10"):
            Run(job(Problem(torch.rand(1, 1, 10)), method(Fit(), SMALL, stop=HoldOut(0.1))))

    def test_whole_pictures_cannot_be_had_from_crops(self):
        objective, prior = registry.objectives.get("recorrupt").examples()[0]
        with pytest.raises(BadInput, match="sees only crops"):
            Run(job(Problem(picture(), likelihood=Gaussian(0.1)), method(objective, prior, stop=WindowedVariance())))

    def test_no_steps_are_refused(self):
        with pytest.raises(BadInput, match="0 steps"):
            After(0)


class TestRefusals:
    def test_objectives_say_what_they_need(self):
        recorrupt, fed = registry.objectives.get("recorrupt").examples()[0]
        sure, _ = registry.objectives.get("sure").examples()[0]
        known = Problem(picture(), likelihood=Gaussian(0.1))
        with pytest.raises(BadInput, match="not known"):
            recorrupt.bind(Problem(picture()), fed)
        with pytest.raises(BadInput, match="cannot be added"):
            recorrupt.bind(Problem(picture(), likelihood=Laplace()), fed)
        with pytest.raises(BadInput, match="feeds the network 3 channels.*takes 1"):
            recorrupt.bind(Problem(picture(3), likelihood=Gaussian(0.1)), fed)
        with pytest.raises(BadInput, match="operator"):
            recorrupt.bind(Problem(picture(), operator=nn.Identity(), likelihood=Gaussian(0.1)), fed)
        with pytest.raises(BadInput, match="Gaussian"):
            sure.bind(Problem(picture(), likelihood=Poisson()), fed)
        with pytest.raises(BadInput, match="Fit needs a prior with a code"):
            Fit().bind(known, fed)

    def test_an_ensemble_cannot_be_fed_and_a_refining_guide_must_be_able_to(self):
        recorrupt, fed = registry.objectives.get("recorrupt").examples()[0]
        known = Problem(picture(), likelihood=Gaussian(0.1))
        with pytest.raises(BadInput, match="cannot feed an Ensemble"):
            recorrupt.bind(known, Ensemble(fed, 2))
        with pytest.raises(BadInput, match="refine needs a guide"):
            replace(recorrupt, refine=True).bind(known, fed)
        with pytest.raises(BadInput, match="sees only crops"):
            Run(job(known, method(recorrupt, fed, stop=Discrepancy())))

    def test_pixels_cannot_be_fed(self):
        model = Pixels().build((1, 1, 4, 4), Problem(picture(space=(4, 4))), Rng(0))
        with pytest.raises(BadInput, match="no network to feed"):
            model(torch.zeros(1, 1, 4, 4))
