"""Laws of the explanation: what it counts is what the run has, and its time is the sum of its parts."""

from __future__ import annotations

import inspect
import json
import time

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from untaught.classical.denoise.filter import Filter
from untaught.cli.explain import _command, _engines, _time
from untaught.cli.restoring import command
from untaught.core.registry import tasks
from untaught.io import images
from untaught.io.results import Layout
from untaught.prior import Network, Pixels
from untaught.prior.codes import Fed, Noise
from untaught.prior.kernels.bare import ROWS, Convolution, Noted, alone, plain
from untaught.prior.kernels.convolution import Conv2d
from untaught.prior.networks.hourglass import Hourglass
from untaught.prior.networks.unet import UNet
from untaught.problem import Problem
from untaught.problem.likelihoods import Gaussian
from untaught.session.explain import Cost, costs, formula, said
from untaught.solver.averaging import ExponentialWeights
from untaught.solver.loop import Run, solve
from untaught.solver.memory import needed
from untaught.solver.objectives._base import Crops
from untaught.solver.objectives.fit import Fit
from untaught.solver.objectives.recorrupt import Recorrupt
from untaught.solver.optimisers import Adam
from untaught.solver.result import Scaled
from untaught.solver.stage import Estimate, Job, Method, Solve
from untaught.solver.stopping import After, WindowedVariance

NET = Hourglass(down=(4, 6))
SHORT = 0.02  # seconds of probing
SEVEN = After(7)


def problem(side=32, channels=1):
    data = torch.rand(1, channels, side, side, generator=torch.Generator().manual_seed(0))
    return Problem(data, likelihood=Gaussian(0.1))


def fit(side=32, stop=SEVEN):
    return Job((Solve(Method(Network(NET, Noise(4), jitter=0.1), stop=stop)),), problem(side))


def fed(side=32):
    objective = Recorrupt(crops=Crops(8, 2), pool=6)
    method = Method(Network(NET, Fed(1), output="linear"), objective, Adam(), ExponentialWeights(), After(50), passes=4)
    return Job((Solve(method),), problem(side))


@pytest.mark.parametrize("job", [fit(), fed(), Job((Solve(Method(Pixels(), Fit(), stop=After(3))),), problem())])
def test_the_parameters_are_those_of_the_run(job):
    (cost,) = costs(job, seconds=SHORT)
    assert cost.parameters == sum(p.numel() for p in Run(job).course.model.parameters())
    assert cost.steps == job.stages[0].method.stop.steps


def test_the_work_of_a_step_grows_with_the_pixels():
    small, large = (costs(fit(side), seconds=SHORT)[0].flop for side in (32, 64))
    assert small > 0
    assert large == pytest.approx(4 * small, rel=0.02)


def test_the_work_of_a_step_on_crops_does_not():
    small, large = (costs(fed(side), seconds=SHORT)[0].flop for side in (32, 64))
    assert small == large > 0


class Single:
    """One 1x1 convolution."""

    multiple = 1

    def build(self, cin, cout, *, ndim=2):
        return torch.nn.Conv2d(cin, cout, 1, bias=False)


class Wide(Single):
    """Three of 3x3, with 64 channels between them."""

    def build(self, cin, cout, *, ndim=2):
        ends = ((cin, 64), (64, 64), (64, cout))
        return torch.nn.Sequential(*(Conv2d(a, b, 3, padding=1, bias=False) for a, b in ends))


def test_a_convolution_is_counted_as_its_products_and_sums():
    """One 1x1 convolution: 2 cin cout pixels forward, as much for its weights; its fixed input needs no gradient."""
    job = Job((Solve(Method(Network(Single(), Noise(3)), stop=After(2))),), problem(16))
    assert costs(job, seconds=SHORT)[0].flop == 2 * (2 * 3 * 1 * 16 * 16)


def noted(net, channels=4, side=32):
    """(the calls of a forward and a backward pass, the operations of each, as PyTorch counts them)"""
    model = net.build(channels, 1)
    z = torch.rand(1, channels, side, side, generator=torch.Generator().manual_seed(0))
    with plain(model), Noted() as seen:
        with FlopCounterMode(display=False) as there:
            x = model(z)
        with FlopCounterMode(display=False) as back:
            x.square().mean().backward()
    return seen.calls, there.get_total_flops(), back.get_total_flops()


@pytest.mark.parametrize("net", [NET, Hourglass((4, 64), downsample="lanczos2"), *UNet.examples()], ids=str)
def test_the_operations_of_the_noted_convolutions_are_those_that_pytorch_counts(net):
    calls, there, back = noted(net)
    assert sum(n * c.flop for c, n in calls.items() if c.gradients is None) == there > 0
    assert sum(n * c.flop for c, n in calls.items() if c.gradients is not None) == back > there


def test_rows_stand_for_the_whole_by_their_share_of_the_operations():
    rest = ((1, 1), (1, 1), (1, 1), False, (0, 0), 1)
    for gradients in (None, (True, True), (False, True)):
        whole = Convolution((1, 3, 128, 40), (1, 5, 128, 40), (5, 3, 3, 3), rest, torch.float32, gradients)
        part = whole.part(0.5)
        assert (part.shape, part.made) == ((1, 3, 64, 40), (1, 5, 64, 40))
        assert part.flop == whole.flop / 2
        assert whole.part(1e-9).shape[2] == ROWS
        assert whole.part(2.0) == whole


def test_wide_kernels_count_as_their_plain_sum_also_where_they_are_taken_in_another_way():
    """Pixels enough for Winograd's way, which PyTorch's counter does not see."""
    job = Job((Solve(Method(Network(Wide(), Noise(3)), stop=After(2))),), problem(32))
    taps = 9 * 32 * 32
    assert costs(job, seconds=SHORT)[0].flop == 2 * taps * (2 * 3 * 64 + 3 * 64 * 64 + 3 * 64)


@pytest.mark.parametrize("job", [fit(), fed(), Job((fit().stages[0],) * 2, problem())])
def test_the_convolutions_alone_take_some_of_the_step(job):
    for cost in costs(job, seconds=SHORT):
        assert cost.engine == pytest.approx(cost.convolution_seconds / cost.step_seconds)
        assert cost.engine > 0


def test_looking_at_the_convolutions_is_bounded_by_its_budget():
    """A step that is said to take long is looked at by rows, and what is found is about the same."""
    calls = noted(Hourglass((16, 16)), side=256)[0]
    step = alone(calls, device="cpu", step=1e-9, budget=0)
    begun = time.perf_counter()
    found = alone(calls, device="cpu", step=8 * step, budget=2 * step)
    assert time.perf_counter() - begun < 3 * step
    assert step / 4 < found < 4 * step


@pytest.mark.parametrize(
    "stage", [Solve(Method(Pixels(), stop=After(3))), Estimate(Filter(lambda noisy, deviation: noisy))]
)
def test_without_a_network_there_are_none(stage):
    (cost,) = costs(Job((stage,), problem()), seconds=SHORT)
    assert cost.convolution_seconds is None
    assert cost.engine is None


def test_the_time_is_the_sum_of_its_parts():
    assert Cost(1, 1, 100, 0.5, 3.0, 2.0).seconds == 100 * 0.5 + 3 + 2
    assert Cost(1, 1, None, 0.5, 3.0, 2.0).seconds is None


def test_prepared_inputs_are_counted_once_each():
    """Their cost is not in that of a step, however many fall into the probe; what they share is counted once."""
    wait = 0.2

    def slow(noisy, deviation):
        time.sleep(wait)
        return noisy

    objective = Recorrupt(guide=slow, crops=Crops(8, 2), pool=6)
    prior = Network(NET, Fed(2), output="linear", residual=1.0)
    method = Method(prior, objective, Adam(), ExponentialWeights(), After(100), passes=2)
    (cost,) = costs(Job((Solve(method),), problem()), seconds=SHORT)
    assert cost.step_seconds < wait
    assert 7 * wait * 0.8 < cost.prepare_seconds < 7 * wait * 1.4


def test_a_rule_that_cannot_know_its_end_gives_no_time():
    (open_end,) = costs(fit(stop=WindowedVariance(window=4)), seconds=SHORT)
    (either,) = costs(fit(stop=WindowedVariance(window=4) | After(9)), seconds=SHORT)
    assert open_end.seconds is None
    assert (either.steps, either.early) == (9, True)


def test_every_stage_has_its_cost_and_looking_changes_nothing():
    one = fit().stages[0]
    job = Job((one, one), problem())
    before = solve(job).x
    assert len(costs(job, seconds=SHORT)) == 2
    assert torch.equal(solve(job).x, before)


@pytest.mark.parametrize(
    ("task", "settings", "preset"),
    [
        ("denoise", {"sigma": 0.1}, "fast"),
        ("upscale", {"factor": 2}, "fast"),
        ("upscale", {"factor": 2}, "best"),
        ("inpaint", {"mask": np.eye(20, 24, dtype=np.uint8)}, "fast"),
        pytest.param("inpaint", {"mask": np.eye(20, 24, dtype=np.uint8)}, "best", marks=pytest.mark.slow),
        pytest.param("deblur", {"kernel": "gauss:1", "sigma": 0.02}, "balanced", marks=pytest.mark.slow),
        pytest.param("deblur", {"blind": True, "sigma": 0.02, "size": "5x5"}, "fast", marks=pytest.mark.slow),
    ],
)
def test_every_task_has_a_cost_before_it_is_begun(task, settings, preset, brief_search):
    picture = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    job = tasks.get(task).job(picture, preset=preset, **settings)
    found = costs(job, seconds=0)
    assert len(found) == len(job.stages)
    assert all(cost.seconds is not None and np.isfinite(cost.seconds) and cost.seconds > 0 for cost in found)


def test_the_formula_says_the_numbers():
    job = Job(fit().stages, problem(), Scaled(Layout("uint8", None), 0.0, 255.0))
    (cost,) = costs(job, seconds=SHORT)
    lines = dict(formula(job, [cost], name="x.png", dtype="uint8", sigma_given=True))
    assert "32 x 32, 1 channel, uint8" in lines["y"]
    assert "sigma = 25.5 of 255, given" in lines["E"]
    assert f"{cost.parameters:,} parameters" in lines["f"]
    assert "Noise(channels=4" in lines["z"]
    assert "7 steps" in lines["stop"]
    unknown = dict(formula(job, [cost], name="x.png", dtype="uint8", sigma_given=False))
    assert "measured on the picture" in unknown["E"]


def test_large_tensors_are_said_by_their_size():
    assert said(torch.zeros(3, 4)) == "tensor 3 x 4"
    assert said(Adam(0.5)).startswith("Adam(lr=0.5")


# The command


@pytest.mark.parametrize("name", tasks.names())
def test_it_takes_the_settings_of_the_task_and_nothing_about_files(name):
    own = set(inspect.signature(command(name)).parameters)
    here = set(inspect.signature(_command(name)).parameters)
    assert here - {"json"} == own & {"picture", *inspect.signature(tasks.get(name).compose).parameters}
    assert not {"output", "force"} & here


def test_the_command_prints_the_formula_and_json(tmp_path, noisy, untaught):
    path = tmp_path / "noisy.png"
    images.write(path, np.ascontiguousarray(noisy[:32, :32]))

    def run(*words):
        code, out, _ = untaught(
            "explain", "denoise", path, "--preset", "paper", "--steps", 5, "--sigma", "25/255", *words
        )
        assert code == 0
        return out

    text = run()
    for symbol in [
        "y",
        "A",
        "E",
        "R",
        "f",
        "z",
        "objective",
        "optimiser",
        "average",
        "stop",
        "passes",
        "memory",
        "engine",
        "time",
    ]:
        assert any(line.startswith(symbol + " ") for line in text.splitlines()), symbol
    facts = json.loads(run("--json"))
    job = tasks.get("denoise").job(noisy[:32, :32], preset="paper", steps=5, sigma=25 / 255)
    assert facts["stages"][0]["parameters"] == sum(p.numel() for p in Run(job).course.model.parameters())
    assert facts["compose_seconds"] > 0
    assert facts["seconds"] == pytest.approx(facts["compose_seconds"] + sum(s["seconds"] for s in facts["stages"]))
    assert facts["stages"][0]["engine"] > 0
    assert needed(job) <= facts["memory_bytes"] < 2e9  # as its steps hold, which the least one does not fall short of
    assert not list(tmp_path.glob("*untaught*"))  # nothing was restored


def test_stages_of_one_step_are_told_together():
    def cost(steps, seconds):
        return Cost(1, 0, steps, seconds, 0.0, 0.0)

    told = _time([cost(1, 2.0), cost(1, 3.0), cost(9, 1.0), cost(1, 4.0)], 18.0)
    assert told.startswith("about 18 s: 5 s for 2 stages of one step + 9 steps of 1 s + ")
    assert "1 step of 4 s" in told


def test_a_step_is_told_beside_its_convolutions_as_a_share_or_as_a_factor():
    slower, quicker, none = (Cost(1, 1, 9, 0.04, 0.0, 0.0, convolution_seconds=s) for s in (0.03, 0.1, None))
    assert _engines([slower]) == [("engine", "a step takes 40 ms, its convolutions alone 30 ms: 75 % of the step")]
    (second,) = _engines([none, quicker])
    assert second[0] == "engine 2"
    assert "100 ms" in second[1]
    assert second[1].endswith("2.5 times as long")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["denois", "x.png"], "denoise"),
        (["denoise", "absent.png"], "There is no file"),
        (["denoise", "noisy.png", "--preset", "papr"], "did you mean 'paper'?"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_2(tmp_path, noisy, monkeypatch, untaught, words, sentence):
    images.write(tmp_path / "noisy.png", noisy)
    monkeypatch.chdir(tmp_path)
    code, _, err = untaught("explain", *words)
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert sentence in err
