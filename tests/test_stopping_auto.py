"""Stopping by `Auto`: its choice for every kind of problem, the tasks that offer it, and the study that its table is of."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from stopped_runs import finished, job, scene
from test_mathematics import parts

from untaught.core import registry
from untaught.core.errors import BadInput
from untaught.core.randomness import Rng
from untaught.problem import Problem, operators
from untaught.problem.likelihoods import Gaussian, Laplace, Reward
from untaught.problem.operators import FromLinear, Operator
from untaught.solver import stopping
from untaught.solver.loop import Run, solve
from untaught.solver.objectives.fit import Fit
from untaught.solver.stage import Job, Solve
from untaught.solver.stopping import (
    After,
    Auto,
    Discrepancy,
    ExponentialVariance,
    Plateau,
    Rule,
    SureRisk,
    WindowedVariance,
)
from untaught.solver.stopping import auto as table


def kinds():
    from untaught.noise import Measured
    from untaught.problem.operators.blur import BlindBlur, Blur

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


OPERATORS = {type(one): (one, shape) for one, shape in parts(operators, Operator) if not one.sought}


@pytest.mark.parametrize("case", OPERATORS.values(), ids=lambda case: type(case[0]).__name__)
def test_on_any_operator_a_run_goes_on_while_its_picture_forms(case):
    """However still the pictures are: who explains the data better with every step has not begun to fit their noise."""
    operator, shape = case
    problem = Problem(operator(torch.rand(shape)), operator, likelihood=Gaussian(0.1))
    problem, rule = Auto().bind(problem, Rng(0), Fit())
    state, x = rule.init(), torch.zeros(problem.image_shape)
    for step in range(1, 700):
        energy = 1000 * 0.99**step
        state, verdict = rule.step(state, SimpleNamespace(step=step, energy=energy, fit=energy, x=x))
        assert verdict.stop is None


@pytest.mark.parametrize("rule", [WindowedVariance(window=4, patience=40), ExponentialVariance(patience=40)])
def test_the_stillest_picture_is_sought_among_those_that_explain_the_data(rule):
    problem = Problem(torch.rand(1, 1, 8, 8), likelihood=Gaussian(0.1))
    problem, rule = rule.bind(problem, Rng(0), Fit())
    draw, state, best = torch.Generator().manual_seed(0), rule.init(), 0
    for step in range(1, 400):
        formed = min(1.0, step / 200)
        wander = abs(step - 300) / 300 * formed  # none while nothing is shown, and least at step 300
        x = formed + wander * torch.randn(1, 1, 8, 8, generator=draw)
        seen = SimpleNamespace(step=step, energy=0.5 + 50 * (1 - formed) ** 2, x=x)
        state, verdict = rule.step(state, seen)
        best = step if verdict.best else best
        if verdict.stop:
            break
    assert 290 < best < 340


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
        (stage,) = registry.tasks.get("flash").job(grey, flash=grey, preset="paper", stop="auto").stages
        assert stage.method.stop.rules == (Auto(), After(1202), stopping.StuckChannel())

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
        from untaught.io.images import read_recipe, write

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
        from untaught.bench.trajectories import RunSettings

        return RunSettings(size=16, steps=12, width=4)

    @pytest.fixture
    def cases(self, tmp_path, photo, settings):
        from untaught.bench.trajectories import cases
        from untaught.io.images import write

        write(tmp_path / "photo.png", photo)
        return cases([tmp_path / "photo.png"], [], size=settings.size, each=1)

    def test_a_rule_is_judged_on_a_recording_as_it_would_end_the_run(self, cases, settings):
        from untaught.bench.stopping import pick
        from untaught.bench.trajectories import WATCHED, record

        (case,) = [c for c in cases if c.level == "gaussian 25"]
        recording = record(case, WATCHED, settings)
        for name, rule in (
            ("exponential variance", stopping.ExponentialVariance(patience=2)),
            ("discrepancy", Discrepancy()),
            ("plateau", Plateau()),
        ):
            run = finished(Run(Job((Solve(settings.method(rule | After(settings.steps))),), case.problem)))
            index, _ = pick(rule, recording, recording.scores[name])
            assert recording.steps[index] == run.solution.step

    def test_rules_that_change_the_data_share_a_run_and_refuse_by_themselves(self, cases, settings):
        from untaught.bench.trajectories import CHANGED, record

        white, poisson = (
            record(next(c for c in cases if c.level.startswith(d)), CHANGED, settings) for d in ("gaussian", "poisson")
        )
        assert set(white.scores) == {"hold-out", "SURE", "UNSURE", "pseudo-noise"}
        assert "UnsureRisk" in poisson.refused["SURE"]
        assert set(poisson.scores) == {"hold-out", "UNSURE", "pseudo-noise"}

    def test_tables_hold_every_rule_and_go_on_from_what_is_there(self, tmp_path, photo, capsys):
        from untaught.cli.stopping import stopping as command
        from untaught.io.images import write

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
        from untaught.bench.stopping import AUTO, lines
        from untaught.bench.trajectories import CHANGED, WATCHED, record

        case = cases[0]
        found = lines([record(case, run, settings) for run in (WATCHED, CHANGED)])
        (auto,) = [line for line in found if line.rule == AUTO]
        (same,) = [line for line in found if line.rule == auto.said]
        assert (auto.picked, auto.gap) == (same.picked, same.gap)
