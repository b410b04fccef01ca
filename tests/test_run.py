"""Laws of the loop: bits, looking, averages, stages, going back; swept over every objective, prior and average."""

from __future__ import annotations

import copy
import math
from dataclasses import fields
from itertools import islice

import pytest
import torch
from small_runs import SMALL, estimators, job, method, picture, result
from torch import nn

from untaught.core import registry
from untaught.core.errors import BadInput, Stale, UntaughtError
from untaught.core.randomness import Rng
from untaught.prior import Ensemble, Network
from untaught.prior.codes import Diffusion, Start
from untaught.prior.networks.hourglass import Hourglass
from untaught.problem import Problem
from untaught.problem.likelihoods import Gaussian
from untaught.solver.averaging import ExponentialWeights, Last
from untaught.solver.loop import Run
from untaught.solver.objectives.fit import Fit
from untaught.solver.optimisers import Adam
from untaught.solver.stage import Estimate, Job, Solve
from untaught.solver.stopping import After


class Begun(Network):
    """Begun with the same weights whatever the seed."""

    def build(self, shape, problem, rng):
        return super().build(shape, problem, Rng(0, rng.device))


def begun(prior):
    """The prior, nothing of which is drawn."""
    if not isinstance(prior, Network):
        return prior
    return Begun(**{f.name: getattr(prior, f.name) for f in fields(prior)} | {"jitter": 0.0})


def stages():
    """A stage of every registered objective, with an average that suits it, and of every estimator; a function of its settings."""
    for _, objective in registry.objectives.items():
        examples = objective.examples()
        assert examples, f"{objective.__name__} gives no examples"
        for i, (one, prior) in enumerate(examples):
            name = f"{type(one).__name__}-{type(prior).__name__}-{i}"
            yield pytest.param(lambda one=one, prior=prior, **more: Solve(method(one, prior, **more)), id=name)
    for estimator in estimators():
        for i, one in enumerate(estimator.examples()):
            yield pytest.param(lambda one=one, **_: Estimate(one), id=f"{estimator.__name__}-{i}")


@pytest.mark.parametrize("stage", [*stages()])
class TestEveryStage:
    problem = Problem(picture(), likelihood=Gaussian(0.1))

    def of(self, *stages):
        return Job(stages, self.problem)

    def test_same_seed_same_bits_and_another_seed_another_picture(self, stage):
        first, again, other = (result(Run(self.of(stage(seed=s)))) for s in (3, 3, 4))
        assert torch.equal(first, again)
        assert torch.equal(first, other) != stage().draws

    def test_a_stage_that_says_so_draws_nothing(self, stage):
        one = stage()
        if isinstance(one, Solve):
            if one.method.objective.draws or isinstance(one.method.prior, Ensemble):
                pytest.skip("it draws, or its members are begun at random")
            one = one.changed(prior=begun(one.method.prior))
        first, other = (result(Run(self.of(one.seeded(s)))) for s in (3, 4))
        assert torch.equal(first, other)

    def test_a_watched_run_equals_the_unwatched_one(self, stage):
        watched = Run(self.of(stage()))
        for iterate in watched:
            for look in (iterate.picture, iterate.average, iterate.preview):
                assert look().shape == self.problem.image_shape
            assert watched.solution.step == iterate.step
        assert torch.equal(watched.solution.x, result(Run(self.of(stage()))))

    def test_interrupted_and_resumed_equals_uninterrupted(self, stage):
        """Before the first step, amid the first stage, and between the two."""
        the_job = self.of(stage(stop=After(4)), stage(seed=9, stop=After(4)))
        whole, first, before = Run(the_job), Run(the_job), 0
        expected = result(whole)
        for steps in (0, 2, 4):
            for _ in islice(first, steps - before):
                pass
            before, resumed = steps, Run(the_job)
            resumed.load_state_dict(copy.deepcopy(first.state_dict()))
            assert torch.equal(result(resumed), expected), steps
            assert [m.step for m in resumed.history] == [m.step for m in whole.history], steps

    def test_the_outlook_holds_what_comes(self, stage):
        run = Run(self.of(stage(), stage()))
        begun = run.outlook()
        for _ in run:
            earliest, latest = run.outlook()
            assert run.total <= earliest <= latest
        assert (run.total, run.total) == run.outlook() == begun

    @pytest.mark.parametrize("space", [(1,), (9,), (1, 1), (3, 17), (2, 3, 4)])
    @pytest.mark.parametrize("channels", [1])
    def test_any_size_from_one_pixel(self, stage, space, channels):
        one = stage(stop=After(2))
        if isinstance(one, Solve) and type(one.method.objective).__name__ == "Split" and math.prod(space) < 5:
            pytest.skip("there must be something to hide")
        x = result(Run(Job((one,), Problem(picture(channels, space), likelihood=Gaussian(0.1)))))
        assert x.shape == (1, channels, *space)
        assert torch.isfinite(x).all()

    def test_the_energy_falls(self, stage):
        one = stage(stop=After(40), optimiser=Adam(0.01))
        if isinstance(one, Estimate) or not one.method.prior.learns:
            pytest.skip("nothing is sought, or pixels start at the data, where the energy is least")
        energies = [iterate.energy for iterate in Run(self.of(one))]
        assert sum(energies[-10:]) < sum(energies[:10])


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
            torch.testing.assert_close(run.solution.x, run.course.model().mean(0, keepdim=True))


class TestStages:
    def test_a_stage_starts_from_the_last_ones_picture(self):
        code = Network(Hourglass(down=(4, 6)), Start())
        run = Run(job(Problem(picture()), method(Fit(), SMALL, stop=After(3)), method(Fit(), code, stop=After(2))))
        pictures = [iterate.average() for iterate in run]
        assert len(pictures) == 5
        torch.testing.assert_close(run.course.problem.start, pictures[2])

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
                    assert same(run.state_dict()["course"][part], good["course"][part]), part
                assert run.course.fit.cut == 0.5
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


def test_a_code_that_begins_anew_is_no_divergence_and_is_kept():
    """The fit jumps when a diffusion draws its next noise: the run goes on, and goes on from a state as well."""
    ramp = torch.linspace(0, 1, 168).view(1, 1, 12, 14)
    prior = Network(SMALL.net, Diffusion(outer=4, inner=50), output="linear")
    the_job = Job((Solve(method(Fit(), prior, stop=After(160), optimiser=Adam(0.02))),), Problem(ramp))
    whole = Run(the_job)
    states = [copy.deepcopy(whole.state_dict())]
    states += [copy.deepcopy(whole.state_dict()) for i in whole if i.step in (30, 61)]
    assert not any("went back" in note for note in whole.notes)
    assert len(states) == 3
    for state in states:
        resumed = Run(the_job)
        resumed.load_state_dict(state)
        assert torch.equal(result(resumed), whole.solution.x)


def test_a_code_that_is_sought_leaves_the_picture_that_it_began_at():
    start = picture(1, (16, 16))
    before = start.clone()
    prior = Network(SMALL.net, Start(learn=True), output="linear")
    result(Run(Job((Solve(method(Fit(), prior)),), Problem(picture(1, (16, 16)), start=start))))
    assert torch.equal(start, before)
