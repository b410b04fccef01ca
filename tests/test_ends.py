"""Laws of when a run ends, and of what it refuses to begin; swept over every rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from small_runs import SMALL, job, method, picture, result
from torch import nn

from untaught.calibration.held import hold_out
from untaught.core import registry
from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.noise import Measured, estimate_noise
from untaught.prior import Ensemble, Pixels
from untaught.problem import Problem
from untaught.problem.likelihoods import Gaussian, Laplace, Poisson
from untaught.solver.loop import Run
from untaught.solver.objectives.fit import Fit
from untaught.solver.optimisers import LBFGS, Adam
from untaught.solver.stopping import After, Discrepancy, ExponentialVariance, FirstOf, HoldOut, WindowedVariance
from untaught.solver.stopping.auto import SHARED, kind


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

    def test_discrepancy_from_the_start_stops_where_the_start_explains_the_data_as_well(self):
        """Of noise whose level no likelihood knows, a filter's picture says how near to the data is too near."""
        noisy = picture(space=(24, 24))
        start = torch.nn.functional.avg_pool2d(noisy, 3, 1, 1, count_include_pad=False)
        problem = Problem(noisy, likelihood=Laplace(0.1), start=start)
        stop = Discrepancy(1.1, decay=0.0, start=True)
        run = Run(job(problem, method(Fit(), SMALL, stop=stop | After(900), optimiser=Adam(0.01))))
        fits = [iterate.fit for iterate in run]
        enough = 1.1 * float(problem.energy(start))
        assert fits[-1] <= enough < min(fits[:-1])
        with pytest.raises(BadInput, match="there is none"):
            Run(job(Problem(noisy), method(Fit(), SMALL, stop=stop)))

    def test_held_out_measurements_never_reach_the_run(self):
        plan = method(Fit(), SMALL, stop=HoldOut(0.3, every=1) | After(5))
        problem = Problem(picture())
        run = Run(job(problem, plan))
        held = run.course.rule.rules[0]._held
        assert 0.2 < float(held.mean()) < 0.4
        assert float((run.course.problem.data * held).abs().max()) == 0
        assert float((run.course.problem.weight * held).max()) == 0
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


def test_rules_that_need_independent_noise_refuse_channels_that_share_it():
    shared = torch.randn(1, 1, 48, 50, generator=torch.Generator().manual_seed(0)).expand(1, 3, 48, 50)
    problem = Problem(0.5 + 0.05 * shared, likelihood=Measured(estimate_noise(0.5 + 0.05 * shared)))
    with pytest.raises(BadInput, match="the channels share it"):
        HoldOut().bind(problem, Rng(0), Fit())
    assert kind(problem) == SHARED
    _, held = hold_out(job(problem, method(Fit(), SMALL)))
    assert torch.equal(held[:, 0], held[:, 2])


def test_lbfgs_says_that_it_has_one_rate():
    weight = nn.Parameter(torch.zeros(3))
    with pytest.raises(BadInput, match="one rate for all"):
        LBFGS().build([{"params": [weight]}, {"params": [weight], "rate": 0.01}])
