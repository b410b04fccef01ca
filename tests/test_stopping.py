"""Laws of stopping rules: scores against their formulas, patience, composition, refitting, refusals, and the choice of `Auto`."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
import torch

from untaught import registry, stopping
from untaught.averaging import Last
from untaught.codes import Noise
from untaught.errors import BadInput
from untaught.likelihoods import Gaussian, Laplace, Poisson, Reward
from untaught.networks.hourglass import Hourglass
from untaught.objectives.fit import Fit
from untaught.operators import FromLinear
from untaught.optimisers import Adam
from untaught.priors import Network, Pixels
from untaught.problem import Problem
from untaught.randomness import Rng
from untaught.run import Job, Method, Run, Stage, solve
from untaught.stopping import (
    After,
    Auto,
    Discrepancy,
    FirstOf,
    HoldOut,
    Plateau,
    PseudoNoise,
    Rule,
    SelfReference,
    SureRisk,
    UnsureRisk,
    Verdict,
    WindowedVariance,
)
from untaught.stopping import auto as table
from untaught.stopping._base import Minimum
from untaught.stopping.selfreference import linear, means, median

SMALL = Network(Hourglass(down=(4, 6)), Noise(4), jitter=0.03)


def scene(space=(24, 26), seed=0, sigma=0.1, channels=1):
    """(noisy, truth), (1, c, *space): a smooth picture and white noise."""
    axes = torch.meshgrid(*(torch.linspace(0, 3, n) for n in space), indexing="ij")
    truth = (0.5 + 0.3 * sum(axes).sin()).expand(1, channels, *space).clone()
    return truth + sigma * torch.randn(truth.shape, generator=torch.Generator().manual_seed(seed)), truth


def job(problem, stop, **more):
    return Job((Stage(Method(SMALL, optimiser=Adam(0.01), stop=stop, **more)),), problem)


def finished(run):
    for _ in run:
        pass
    return run


@pytest.mark.parametrize(
    "rule", [HoldOut(0.2, patience=5, every=2, refit=True), SureRisk(patience=5, refit=True, every=2)]
)
def test_a_repeated_stage_goes_on_from_any_step_to_the_same_bits(rule):
    plan = job(Problem(scene((9, 10))[0], likelihood=Gaussian(0.1)), rule | After(8))
    whole = finished(Run(plan))
    assert whole.repeat
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
        added = (run.problem.data - y).std() / 0.05
        assert float(added) == pytest.approx(1, abs=0.2)
        assert torch.equal(run.full_data, y)
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
        while not run.repeat:
            next(run)
        first = finished(Run(job(Problem(y), replace(held, refit=False) | After(12))))
        assert torch.equal(run.solution.x, first.solution.x)
        assert "interrupted" in run.solution.reason

    def test_the_next_stage_begins_with_the_repeated_one(self):
        y, _ = scene((12, 14))
        held = HoldOut(0.2, every=1, patience=3, refit=True)
        one = job(Problem(y), held | After(12))
        two = replace(one, stages=(*one.stages, Stage(Method(Pixels(), average=Last(), stop=After(1)))))
        run = finished(Run(two))
        torch.testing.assert_close(run.problem.start, finished(Run(one)).solution.x)


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
            (SelfReference(), Problem(torch.rand(1, 1, 8, dtype=torch.complex64)), "WindowedVariance"),
            (SelfReference(), Problem(torch.rand(1, 9)), "WindowedVariance"),
            (Discrepancy(), Problem(scene()[0]), "give sigma"),
        ],
        ids=lambda v: type(v).__name__,
    )
    def test_what_cannot_work(self, rule, problem, why):
        with pytest.raises(BadInput, match=why):
            rule.bind(problem, Rng(0), Fit())

    def test_rules_for_independent_noise_where_neighbours_share_it(self):
        from untaught.noise import Measured, Noise

        white = torch.zeros(1), torch.ones(1)
        shared = Measured(Noise(torch.full((1,), 0.1), True, torch.full((1, 1, 2, 2), 0.5), *white))
        for rule in (HoldOut(), UnsureRisk(), PseudoNoise(), SelfReference()):
            with pytest.raises(BadInput, match="neighbouring pixels share"):
                rule.bind(Problem(scene()[0], likelihood=shared), Rng(0), Fit())

    def test_auto_where_nothing_overfits(self):
        recorrupt, fed = registry.objectives.get("recorrupt").examples()[0]
        with pytest.raises(BadInput, match="nothing to stop early"):
            Run(Job((Stage(Method(fed, recorrupt, stop=Auto())),), Problem(scene()[0], likelihood=Gaussian(0.1))))


def kinds():
    from untaught.noise import Measured
    from untaught.operators.blur import BlindBlur, Blur

    y = scene()[0]
    holes = torch.ones_like(y)
    holes[..., 3] = 0
    yield Problem(y, likelihood=Gaussian(0.1)), table.KNOWN
    yield Problem(y), table.UNKNOWN
    yield Problem(y, likelihood=Measured.examples()[0]), table.SHARED
    yield Problem(y, likelihood=Measured.examples()[1]), table.UNEVEN
    yield Problem(y, likelihood=Laplace()), table.UNEVEN
    yield Problem(y, weight=holes), table.HOLES
    yield Problem(torch.rand(1, 2), FromLinear(torch.rand(2, 12), (3, 2, 2))), table.FEWER
    yield Problem(y, Blur(torch.full((3, 3), 1 / 9))), table.BLURRED
    yield Problem(y, BlindBlur.examples()[0][0] if BlindBlur.examples() else BlindBlur((3, 3))), table.BLIND
    yield Problem(torch.ones(1, 3, 4), likelihood=Reward()), table.EXACT


class TestAuto:
    @pytest.mark.parametrize(("problem", "what"), list(kinds()), ids=lambda v: v if isinstance(v, str) else "")
    def test_every_kind_of_problem_has_a_rule_that_does_not_refuse(self, problem, what):
        assert table.kind(problem) == what
        _, bound = Auto().bind(problem, Rng(0), Fit())
        assert isinstance(bound, Rule)
        assert any(what in remark for remark in bound.remarks)

    def test_the_table_names_every_kind_once(self):
        words = {v for k, v in vars(table).items() if k.isupper() and isinstance(v, str)}
        assert words == set(table.CHOICE)

    def test_the_choice_is_told_and_its_reason_is_the_runs(self):
        solution = solve(job(Problem(scene((12, 14))[0]), Auto() | After(5)))
        assert any("noise of unknown level" in note for note in solution.notes)
        assert solution.reason == "all 5 steps are done"

    def test_a_rule_that_refuses_gives_way_to_the_next(self, monkeypatch):
        monkeypatch.setitem(table.CHOICE, table.UNKNOWN, (SureRisk(), WindowedVariance()))
        _, bound = Auto().bind(Problem(scene()[0]), Rng(0), Fit())
        assert "WindowedVariance" in bound.remarks[0]


def test_verdicts_are_plain_values_that_a_checkpoint_holds():
    from untaught.checkpoints import pack, unpack

    verdict = Verdict(score=1.0, repeat=3)
    assert Verdict(**unpack(pack(verdict.__dict__))[0]) == verdict


def test_every_rule_of_the_package_is_found_by_its_name():
    for _, some in registry.rules.items():
        for rule in some:
            assert getattr(stopping, rule.__name__) is rule


class TestTasks:
    """stop="auto", from the library and the command line alike."""

    @pytest.fixture
    def grey(self):
        import numpy as np

        return np.rint(255 * scene((32, 36))[0][0, 0].clamp(0, 1).numpy()).astype(np.uint8)

    def test_a_fitted_network_ends_by_itself_after_twice_its_steps_at_the_latest(self, grey):
        (stage,) = registry.tasks.get("denoise").job(grey, preset="paper", stop="auto").stages
        assert stage.method.stop == Auto() | After(3600)
        (stage,) = registry.tasks.get("upscale").job(grey, preset="paper", stop="auto", steps=70).stages
        assert stage.method.stop == Auto() | After(70)

    def test_presets_keep_their_steps_unless_asked(self, grey):
        (stage,) = registry.tasks.get("denoise").job(grey, preset="paper").stages
        assert stage.method.stop == After(1800)

    def test_the_other_rules_of_a_preset_stay(self, grey):
        (stage,) = registry.tasks.get("flash").job(grey, flash=grey, preset="best", stop="auto").stages
        assert stage.method.stop.rules == (Auto(), After(1600), stopping.StuckChannel())

    def test_only_the_stages_that_fit_a_network(self, grey):
        (fit,) = registry.tasks.get("deblur").job(grey, blind=True, preset="paper", stop="auto").stages
        assert fit.method.stop == Auto() | After(10000)

    @pytest.mark.parametrize(
        ("task", "settings", "why"),
        [
            ("denoise", {"sigma": 0.1, "preset": "fast"}, "fed with the data.*preset 'paper'"),
            ("denoise", {"preset": "instant"}, "a classic filter"),
            ("upscale", {"preset": "fast"}, "does not overfit"),
        ],
    )
    def test_presets_that_do_not_overfit_say_so(self, grey, task, settings, why):
        with pytest.raises(BadInput, match=why):
            registry.tasks.get(task).job(grey, stop="auto", **settings)

    def test_another_word_is_refused_with_the_nearest(self, grey):
        with pytest.raises(BadInput, match="auto"):
            registry.tasks.get("denoise").job(grey, preset="paper", stop="atuo")

    def test_on_the_command_line(self, grey, tmp_path):
        import numpy as np

        from untaught.cli import app
        from untaught.images import read_recipe, write

        noisy, out = tmp_path / "noisy.png", tmp_path / "out.png"
        write(noisy, np.ascontiguousarray(grey))
        words = ["denoise", str(noisy), "--preset", "paper", "--steps", "2", "--stop", "auto", "-o", str(out), "-q"]
        assert not app(words, exit_on_error=False, result_action="return_value")
        assert 'stop = "auto"' in read_recipe(out)
        assert "stops the run, the rule for" in read_recipe(out)


class TestStudy:
    """`untaught bench stopping`: recorded once, judged as often as is liked."""

    @pytest.fixture
    def settings(self):
        from untaught.studies.trajectories import Settings

        return Settings(size=16, steps=12, width=4)

    @pytest.fixture
    def cases(self, tmp_path, photo, settings):
        from untaught.images import write
        from untaught.studies.trajectories import cases

        write(tmp_path / "photo.png", photo)
        return cases([tmp_path / "photo.png"], [], size=settings.size, each=1)

    def test_a_rule_is_judged_on_a_recording_as_it_would_end_the_run(self, cases, settings):
        from untaught.studies.stopping import pick
        from untaught.studies.trajectories import WATCHED, record

        (case,) = [c for c in cases if c.damage == "gaussian 25"]
        recording = record(case, WATCHED, settings)
        for name, rule in (
            ("exponential variance", stopping.ExponentialVariance(patience=2)),
            ("discrepancy", Discrepancy()),
            ("plateau", Plateau()),
        ):
            run = finished(Run(Job((Stage(settings.method(rule | After(settings.steps))),), case.problem)))
            index, _ = pick(rule, recording, recording.scores[name])
            assert recording.steps[index] == run.solution.step

    def test_rules_that_change_the_data_share_a_run_and_refuse_by_themselves(self, cases, settings):
        from untaught.studies.trajectories import CHANGED, record

        white, poisson = (
            record(next(c for c in cases if c.damage.startswith(d)), CHANGED, settings) for d in ("gaussian", "poisson")
        )
        assert set(white.scores) == {"hold-out", "SURE", "UNSURE", "pseudo-noise"}
        assert "UnsureRisk" in poisson.refused["SURE"]
        assert set(poisson.scores) == {"hold-out", "UNSURE", "pseudo-noise"}

    def test_tables_hold_every_rule_and_go_on_from_what_is_there(self, tmp_path, photo, capsys):
        from untaught.cli.stopping import stopping as command
        from untaught.images import write

        write(tmp_path / "photo.png", photo)
        arguments = {"folder": tmp_path / "kept", "size": 16, "steps": 10, "width": 4, "each": 1, "limit": 1}
        for turn in range(2):
            command(tmp_path / "photo.png", **arguments, runs="watched,changed", csv=tmp_path / f"{turn}.csv")
            said = capsys.readouterr()
            assert ("watched: " in said.err) is (turn == 0)
            assert "SURE, refit" in said.out
            assert "| auto |" in said.out
        assert (tmp_path / "0.csv").read_text().splitlines()[1:] == (tmp_path / "1.csv").read_text().splitlines()[1:]

    def test_auto_is_what_its_table_says(self, cases, settings):
        from untaught.studies.stopping import AUTO, lines
        from untaught.studies.trajectories import CHANGED, WATCHED, record

        case = cases[0]
        found = lines([record(case, run, settings) for run in (WATCHED, CHANGED)])
        (auto,) = [line for line in found if line.rule == AUTO]
        (same,) = [line for line in found if line.rule == auto.said]
        assert (auto.picked, auto.gap) == (same.picked, same.gap)
