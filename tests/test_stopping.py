"""Laws of stopping rules: scores against their formulas, patience, composition, refitting, refusals."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
import torch
from small_runs import SMALL
from stopped_runs import finished, job, scene

from untaught.core import registry
from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.prior import Pixels
from untaught.problem import Problem
from untaught.problem.likelihoods import Gaussian, Poisson, Reward
from untaught.problem.operators.fourier import Fourier
from untaught.solver import stopping
from untaught.solver.averaging import Last
from untaught.solver.iterate import Verdict
from untaught.solver.loop import Run
from untaught.solver.objectives.fit import Fit
from untaught.solver.stage import Job, Method, Solve
from untaught.solver.stopping import (
    After,
    Auto,
    Discrepancy,
    FirstOf,
    HoldOut,
    Plateau,
    PseudoNoise,
    SelfReference,
    SureRisk,
    UnsureRisk,
)
from untaught.solver.stopping._base import Minimum
from untaught.solver.stopping.selfreference import linear, means, median


@pytest.mark.parametrize(
    "rule", [HoldOut(0.2, patience=5, every=2, refit=True), SureRisk(patience=5, refit=True, every=2)]
)
def test_a_repeated_stage_goes_on_from_any_step_to_the_same_bits(rule):
    plan = job(Problem(scene((9, 10))[0], likelihood=Gaussian(0.1)), rule | After(8))
    whole = finished(Run(plan))
    assert whole.course.fit.repeat
    for at in (3, 8, whole.total - 1):
        first = Run(plan)
        for _ in range(at):
            next(first)
        second = Run(plan)
        second.load_state_dict(copy.deepcopy(first.state_dict()))
        finished(second)
        assert torch.equal(second.solution.x, whole.solution.x)
        assert second.solution.notes == whole.solution.notes
        assert second.solution.reason == whole.solution.reason


@dataclass(frozen=True)
class Valley(Minimum):
    """A score with a known minimum, and a false one before it."""

    def step(self, state, iterate):
        return self.judge(state, iterate, abs(iterate.step - 20) - 30.0 * (iterate.step == 4))

    def reason(self, state):
        return f"the valley was at step {state['at']}"


class TestMinimum:
    def test_it_stops_its_patience_after_the_minimum_and_returns_the_average_there(self):
        run = Run(job(Problem(scene((12, 14))[0]), Valley(patience=7, warmup=5) | After(60)))
        averages = {iterate.step: iterate.average() for iterate in run}
        assert run.step == 27
        assert run.solution.step == 20
        assert run.solution.reason == "the valley was at step 20"
        assert torch.equal(run.solution.x, averages[20])

    def test_without_a_warm_up_a_false_minimum_is_believed(self):
        assert finished(Run(job(Problem(scene((12, 14))[0]), Valley(patience=9) | After(60)))).solution.step == 4


class TestComposition:
    def test_the_first_that_judges_says_what_is_best_and_the_first_that_stops_ends_it(self):
        rule = After(9) | Valley(patience=99, warmup=5) | After(30)
        assert isinstance(rule, FirstOf)
        assert len(rule.rules) == 3
        run = finished(Run(job(Problem(scene((12, 14))[0]), rule)))
        assert run.step == 9
        assert run.solution.reason == "all 9 steps are done"
        assert run.solution.step == 9

    def test_a_rule_by_its_name(self):
        assert Method(SMALL, stop="auto").stop == Auto()  # type: ignore[arg-type]
        with pytest.raises(BadInput, match="stopping rule"):
            Method(SMALL, stop="never")  # type: ignore[arg-type]


class TestAddedNoise:
    """A linear map of the data stands for the run: its error, and its divergence, are known."""

    n, gain = 40_000, 0.3

    def bound(self, rule, sigma=0.1):
        y, truth = scene((200, 200), sigma=sigma)
        problem, bound = rule.bind(Problem(y, likelihood=Gaussian(sigma)), Rng(0), Fit())
        return bound, y, truth, problem.data

    @pytest.mark.parametrize("gain", [0.05, 0.3, 0.8])
    def test_the_share_is_the_divergence(self, gain):
        bound, y, _, noisier = self.bound(SureRisk())
        share = bound.mean(bound.share(y + gain * (noisier - y)))
        assert share == pytest.approx(gain, abs=0.02)

    @pytest.mark.parametrize("gain", [0.0, 0.3, 0.8])
    def test_sure_is_the_error_against_the_truth(self, gain):
        bound, _, truth, noisier = self.bound(SureRisk(strength=0.1))
        picture = truth.mean() + gain * (noisier - truth.mean())
        error = float((picture - truth).square().mean())
        # On the data with the noise of both the error is that, up to what a tenth more noise makes of it.
        assert bound.score(picture) == pytest.approx(error, abs=0.04 * 0.1)

    @pytest.mark.parametrize("rule", [SureRisk(), UnsureRisk(), PseudoNoise()], ids=lambda r: type(r).__name__)
    def test_the_minimum_is_that_of_the_error_along_a_path_of_less_and_less_smoothing(self, rule):
        bound, _, truth, noisier = self.bound(rule, sigma=0.2)
        spectrum, f = torch.fft.rfft2(noisier), torch.fft.fftfreq(200).square()
        radius = f[:, None] + torch.fft.rfftfreq(200).square()
        path = [torch.fft.irfft2(spectrum * torch.exp(-radius * w), (200, 200)) for w in torch.logspace(4, 1, 40)]
        scores = torch.tensor([bound.score(p) for p in path])
        errors = torch.tensor([float((p - truth).square().mean()) for p in path])
        assert 3 < int(errors.argmin()) < 36
        assert float(errors[scores.argmin()]) < 1.1 * float(errors.min())

    def test_unsure_needs_no_sigma_and_rises_when_noise_is_fitted(self):
        y, truth = scene((200, 200))
        problem, bound = UnsureRisk().bind(Problem(y), Rng(0), Fit())
        scores = [bound.score(truth + g * (problem.data - truth)) for g in (0.0, 0.2, 0.5)]
        blurred = bound.score(truth.mean().expand_as(truth))
        assert blurred > scores[0] * 2
        assert scores[0] == pytest.approx(0.01, rel=0.1)  # sigma squared, which it has found
        assert scores == pytest.approx([scores[0]] * 3, rel=0.15)  # g is the same picture whatever the share

    def test_it_is_added_once_and_told(self):
        y, _ = scene((12, 14))
        run = Run(job(Problem(y, likelihood=Gaussian(0.1)), SureRisk(strength=0.5) | After(3)))
        added = (run.course.problem.data - y).std() / 0.05
        assert float(added) == pytest.approx(1, abs=0.2)
        assert torch.equal(run.course.all_data, y)
        (note,) = run.solution.notes
        assert "0.5 times as strong" in note


class TestSelfReference:
    def test_references_say_nothing_of_a_pixels_own_value(self):
        y, _ = scene((9, 10), channels=2)
        changed = y.clone()
        changed[0, :, 4, 5] += 3
        for make in (lambda v: list(means(v, torch.ones_like(v))), lambda v: [median(v)]):
            for before, after in zip(make(y), make(changed), strict=True):
                torch.testing.assert_close(before[0, :, 4, 5], after[0, :, 4, 5], atol=1e-5, rtol=0)
                assert not torch.equal(before, after)

    def test_the_linear_prediction_is_exact_where_a_picture_is_linear(self):
        plane = torch.linspace(0, 1, 30)[:, None] + torch.linspace(0, 2, 20)
        found = linear(plane[None, None], Rng(0))
        torch.testing.assert_close(found[..., 2:-2, 2:-2], plane[None, None, 2:-2, 2:-2], atol=1e-3, rtol=0)

    @pytest.mark.parametrize("space", [(40,), (20, 22), (6, 7, 8)])
    def test_what_it_takes_is_nearer_to_the_truth_than_the_data(self, space):
        y, truth = scene(space, sigma=0.2)
        _, bound = SelfReference().bind(Problem(y), Rng(0), Fit())
        assert float((bound._reference - truth).square().mean()) < 0.6 * float((y - truth).square().mean())

    def test_unknown_measurements_are_not_looked_at(self):
        y, _ = scene()
        weight = (torch.rand(y.shape, generator=torch.Generator().manual_seed(1)) > 0.5).float()
        bound = [SelfReference().bind(Problem(d, weight=weight), Rng(0), Fit())[1] for d in (y, y + 9 * (1 - weight))]
        assert torch.equal(bound[0]._reference, bound[1]._reference)


class TestRefit:
    def test_the_stage_is_done_again_on_all_measurements_for_the_steps_found(self):
        y, _ = scene((12, 14))
        held = HoldOut(0.2, every=1, patience=3, refit=True)
        run = finished(Run(job(Problem(y), held | After(12))))
        first = finished(Run(job(Problem(y), replace(held, refit=False) | After(12))))
        steps = first.solution.step
        again = finished(Run(job(Problem(y), After(steps))))
        assert torch.equal(run.solution.x, again.solution.x)
        assert run.total == first.total + steps
        assert any(f"done again for {steps} steps, on all measurements" in note for note in run.solution.notes)

    def test_an_interrupted_repetition_returns_what_was_found_before(self):
        y, _ = scene((12, 14))
        held = HoldOut(0.2, every=1, patience=3, refit=True)
        run = Run(job(Problem(y), held | After(12)))
        while not run.course.fit.repeat:
            next(run)
        first = finished(Run(job(Problem(y), replace(held, refit=False) | After(12))))
        assert torch.equal(run.solution.x, first.solution.x)
        assert "interrupted" in run.solution.reason

    def test_the_next_stage_begins_with_the_repeated_one(self):
        y, _ = scene((12, 14))
        held = HoldOut(0.2, every=1, patience=3, refit=True)
        one = job(Problem(y), held | After(12))
        two = replace(one, stages=(*one.stages, Solve(Method(Pixels(), average=Last(), stop=After(1)))))
        run = finished(Run(two))
        torch.testing.assert_close(run.course.problem.start, finished(Run(one)).solution.x)


class TestPlateau:
    def test_it_stops_when_the_energy_rests_and_not_before(self):
        energies = [1 / (k + 1) for k in range(50)] + [0.02] * 50
        rule, state, stopped = Plateau(0.01, 20, 1.0), Plateau().init(), None
        for k, energy in enumerate(energies, 1):
            state, verdict = rule.step(state, SimpleNamespace(step=k, energy=energy))
            stopped = stopped or (k if verdict.stop else None)
        assert stopped == 70

    def test_energies_below_0_fall_too(self):
        rule, state = Plateau(0.01, 5, 1.0), Plateau().init()
        for k in range(1, 50):
            state, verdict = rule.step(state, SimpleNamespace(step=k, energy=-float(k)))
            assert verdict.stop is None

    @pytest.mark.parametrize("bad", [{"tolerance": 1.0}, {"patience": 0}, {"alpha": 0.0}])
    def test_settings_that_see_nothing_are_refused(self, bad):
        with pytest.raises(BadInput, match="sees no plateau"):
            Plateau(**bad)


class TestRefusals:
    """Before the run, with the reason and an alternative."""

    @pytest.mark.parametrize(
        ("rule", "problem", "why"),
        [
            (SureRisk(), Problem(scene()[0], likelihood=Poisson()), "UnsureRisk"),
            (SureRisk(), Problem(scene()[0]), "needs white Gaussian noise of known sigma"),
            (SureRisk(strength=0.0), Problem(scene()[0], likelihood=Gaussian(0.1)), "give 0.25"),
            (UnsureRisk(), Problem(torch.ones(1, 1, 4), likelihood=Reward()), "Plateau"),
            (HoldOut(), Problem(torch.rand(1, 1, 10)), "fewer than 10"),
            (HoldOut(1.5), Problem(scene()[0]), "between 0 and 1"),
            (HoldOut(), Problem(torch.ones(1, 1, 400), likelihood=Reward()), "Plateau"),
            (SelfReference(), Problem(torch.rand(1, 1, 8, 8, dtype=torch.complex64), Fourier()), "WindowedVariance"),
            (SelfReference(), Problem(torch.rand(1, 9)), "WindowedVariance"),
            (Discrepancy(), Problem(scene()[0]), "give sigma"),
        ],
        ids=lambda v: type(v).__name__,
    )
    def test_what_cannot_work(self, rule, problem, why):
        with pytest.raises(BadInput, match=why):
            rule.bind(problem, Rng(0), Fit())

    def test_rules_for_independent_noise_where_neighbours_share_it(self):
        from untaught.noise import Measured, NoiseModel

        white = torch.zeros(1), torch.ones(1)
        shared = Measured(NoiseModel(torch.full((1,), 0.1), True, torch.full((1, 1, 2, 2), 0.5), *white))
        for rule in (HoldOut(), UnsureRisk(), PseudoNoise(), SelfReference()):
            with pytest.raises(BadInput, match="neighbouring pixels share"):
                rule.bind(Problem(scene()[0], likelihood=shared), Rng(0), Fit())

    def test_auto_where_nothing_overfits(self):
        recorrupt, fed = registry.objectives.get("recorrupt").examples()[0]
        with pytest.raises(BadInput, match="nothing to stop early"):
            Run(Job((Solve(Method(fed, recorrupt, stop=Auto())),), Problem(scene()[0], likelihood=Gaussian(0.1))))


def test_verdicts_are_plain_values_that_a_checkpoint_holds():
    from untaught.io.checkpoints import pack, unpack

    verdict = Verdict(score=1.0, repeat=3)
    assert Verdict(**unpack(pack(verdict.__dict__))[0]) == verdict


def test_every_rule_of_the_package_is_found_by_its_name():
    for _, some in registry.rules.items():
        for rule in some:
            assert getattr(stopping, rule.__name__) is rule
