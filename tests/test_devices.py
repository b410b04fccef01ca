"""A device changes nothing: every part, on an accelerator that is computed on the CPU, gives the CPU's numbers."""

from __future__ import annotations

import contextlib
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
import torch
from accelerator import DEVICE, Mixed, accelerator
from PIL import Image
from small_runs import SMALL, job, method, picture, result
from test_ends import rules
from test_features import Tiny
from test_mathematics import name, parts
from test_run import stages

import untaught
from untaught.bench.metrics import psnr
from untaught.calibration.repeated import RepeatedRuns
from untaught.classical.denoise.matching import Pass
from untaught.classical.denoise.nl_ridge import NonLocalRidge
from untaught.core import registry
from untaught.core.errors import BadInput
from untaught.prior import Ensemble, Network, codes
from untaught.prior.codes import Code, Noise
from untaught.problem import Problem, likelihoods, operators, regularisers
from untaught.problem.classifiers import of_module
from untaught.problem.likelihoods import Gaussian, Likelihood
from untaught.problem.operators import Operator
from untaught.problem.regularisers import TV, Regulariser, Smooth
from untaught.reports import report
from untaught.solver.averaging import AtSteps, ExponentialWeights, Last, Moments
from untaught.solver.loop import Run
from untaught.solver.objectives.fit import Fit
from untaught.solver.optimisers import LBFGS, Adam, Langevin
from untaught.solver.stage import Job, Solve
from untaught.solver.stopping import After

FEW = Pass(5, 16, 7)
"""A pass of the ridge for tests: most of their time would be its."""


def moved(job):
    """The job, every method of which is on the accelerator."""
    return replace(job, stages=tuple(s.on(DEVICE) for s in job.stages))


def same(job):
    """What the run gives on both devices is the same picture."""
    here = result(Run(job))
    with accelerator():
        x = result(Run(moved(job))).cpu()
    torch.testing.assert_close(x, here, rtol=1e-4, atol=1e-4)


class TestTheAcceleratorItself:
    def test_it_computes_as_the_cpu_and_says_where_it_is(self):
        with accelerator():
            a = torch.arange(6.0, device=DEVICE).view(2, 3)
            b = torch.rand((3, 2), generator=torch.Generator(DEVICE).manual_seed(0), device=DEVICE)
            assert a.device.type == (a @ b).device.type == DEVICE
            assert (a @ b).cpu().device.type == "cpu"
            a.add_(1)
            assert a.cpu().tolist() == [[1, 2, 3], [4, 5, 6]]
        expected = torch.rand((3, 2), generator=torch.Generator().manual_seed(0))
        assert torch.equal(b.held, expected)

    def test_it_refuses_what_another_device_would(self):
        with accelerator():
            a, plain = torch.ones(3, device=DEVICE), torch.ones(3)
            for mix in (
                lambda: a + plain,
                lambda: torch.cat([a, plain]),
                lambda: torch.rand(3, generator=torch.Generator(), device=DEVICE),
                lambda: plain[torch.zeros(1, dtype=torch.long, device=DEVICE)],
            ):
                with pytest.raises(Mixed):
                    mix()
            with pytest.raises(RuntimeError, match="numpy"):
                a.numpy()
            assert (a + torch.tensor(2.0)).cpu().tolist() == [3, 3, 3]  # a plain number may come along
            assert a[torch.tensor([0])].cpu().tolist() == [1]

    def test_gradients_are_the_cpus(self):
        weight, x = torch.randn(3, 2, 3, 3), torch.randn(1, 2, 6, 7)

        def gradient(w, x):
            w = w.clone().requires_grad_()
            torch.nn.functional.conv2d(x, w).square().sum().backward()
            return w.grad

        with accelerator():
            found = gradient(weight.to(DEVICE), x.to(DEVICE)).cpu()
        torch.testing.assert_close(found, gradient(weight, x))


@pytest.mark.parametrize("case", list(parts(operators, Operator)), ids=name)
def test_operators(case):
    operator, shape = case
    operator, x = operator.float(), torch.rand(shape)
    y = operator(x)
    back = operator.adjoint(y, at=x)
    with accelerator():
        moved = operator.to(DEVICE)
        mine = moved(x.to(DEVICE))
        returned = moved.adjoint(mine, at=x.to(DEVICE))
        assert mine.device.type == returned.device.type == DEVICE
        torch.testing.assert_close(mine.cpu(), y)
        torch.testing.assert_close(returned.cpu(), back)


@pytest.mark.parametrize("likelihood", list(parts(likelihoods, Likelihood)), ids=name)
def test_likelihoods(likelihood):
    levels = getattr(likelihood, "sigma", None)
    channels = len(levels) if isinstance(levels, tuple) else 1
    y, x, weight = picture(channels, seed=1), picture(channels, seed=2), (picture(channels, seed=3) > 0.4).float()

    def numbers(place):
        data, seen, known = y.to(place), x.to(place).requires_grad_(), weight.to(place)
        energy = likelihood.energy(seen, data, known)
        found = [energy.detach(), *torch.autograd.grad(energy, seen)]
        if likelihood.floor(data) is not None:
            with contextlib.suppress(BadInput):  # not all can be drawn
                found += [likelihood.draw(data, torch.Generator(place).manual_seed(0))]
                found += [likelihood.deviation(data), likelihood.trusted(data), likelihood.unbias(data)]
        assert {v.device.type for v in found if v.ndim} == {place}
        return [v.cpu() for v in found]

    expected = numbers("cpu")
    with accelerator():
        found = numbers(DEVICE)
    for mine, its in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, its)


@pytest.mark.parametrize("regulariser", list(parts(regularisers, Regulariser)), ids=name)
def test_regularisers(regulariser):
    x = picture()
    with accelerator():
        assert float(regulariser(x.to(DEVICE))) == pytest.approx(float(regulariser(x)), rel=1e-5)


class TestRuns:
    """Two stages, so that what one has found is handed on."""

    problem = Problem(picture(), likelihood=Gaussian(0.1))

    @pytest.mark.parametrize("stage", [*stages()])
    def test_stages(self, stage):
        one = stage(stop=After(3))
        same(Job((one, one), self.problem))

    @pytest.mark.parametrize("code", list(parts(codes, Code)), ids=repr)
    def test_codes(self, code):
        same(job(self.problem, method(Fit(), Network(SMALL.net, code, jitter=0.03), stop=After(3))))

    @pytest.mark.parametrize("net", [n for _, cls in registry.networks.items() for n in cls.examples()], ids=repr)
    def test_networks(self, net):
        same(job(self.problem, method(Fit(), Network(net, Noise(4)), stop=After(2))))

    @pytest.mark.parametrize("rule", list(rules()), ids=repr)
    def test_rules(self, rule):
        same(job(self.problem, method(Fit(), SMALL, stop=rule | After(6))))

    @pytest.mark.parametrize(
        "more",
        [
            *({"average": a} for a in (Last(), AtSteps((2, 4)), Moments(1), ExponentialWeights())),
            *({"optimiser": o} for o in (Adam(0.01, "one-cycle"), LBFGS(inner=4), Langevin(0.01, 1e-6))),
        ],
        ids=repr,
    )
    def test_averages_and_optimisers(self, more):
        same(job(self.problem, method(Fit(), SMALL, stop=After(4), **more)))

    @pytest.mark.slow
    def test_weights_regularisers_members_and_a_way_back(self):
        problem = replace(
            self.problem, weight=(picture(seed=1) > 0.4).float(), regulariser=0.01 * TV() + 0.1 * Smooth()
        )
        plan = method(Fit(), Ensemble(SMALL, 2), stop=After(12))
        same(job(problem, plan))
        with accelerator():
            there = Run(moved(job(problem, plan)))
            for _ in range(5):
                next(there)
            again = Run(moved(job(problem, plan)))
            again.load_state_dict(there.state_dict())
            assert torch.equal(result(again).cpu(), result(there).cpu())


def presets():
    """A task with every preset of it; those that are longer versions of others are for the long run."""
    for task in registry.presets.names():
        for preset in registry.presets.get(task):
            longer = (
                [pytest.mark.slow] if preset in ("balanced", "best") or (task == "deblur" and preset != "paper") else []
            )
            yield pytest.param(task, preset, marks=longer, id=f"{task}-{preset}")


def asked(task, preset, photo, folder):
    """(picture, settings) that between them use all that the preset is made of."""
    if task in ("activate", "preimage"):
        model = of_module(Tiny(), size=24)
        layers = {"activate": {"class_": 3, "disc": True}, "preimage": {"layer": "features"}}
        return [(() if task == "activate" else (photo,), {"model": model, **layers[task]})]
    if task == "dejpeg":
        pytest.importorskip("jpeglib", reason="the extra dejpeg is not installed")
        Image.fromarray(photo).save(folder / "blocks.jpg", quality=10)
        return [((folder / "blocks.jpg",), {})]
    holes = np.random.default_rng(0).random(photo.shape[:2]) < 0.5
    settings = {
        "denoise": ({"sigma": 0.1}, {"noise": "poisson", "gain": 50}, {"noise": "impulse", "sigma": 0.1}),
        "deblur": ({"kernel": "gauss:0.7"}, {"blind": True, "size": "5x3"}),
        "upscale": ({"factor": 2},),
        "flash": ({"flash": photo[::-1].copy()},),
        "inpaint": ({"mask": holes},),
        "reconstruct": ({"operator": "downsample:2"},),
    }
    return [((photo,), more) for more in settings.get(task, ({},))]


@pytest.mark.parametrize(("task", "preset"), list(presets()))
def test_tasks(task, preset, photo, tmp_path, monkeypatch, brief_search):
    """Two steps of every stage; noise is measured, and the problem made, on the CPU before."""
    # Winograd's sums and, where it has no AVX-512, products for gradients are the CPU's alone, and a first step of Adam makes much
    # of the last bits.
    monkeypatch.setattr("untaught.prior.kernels.winograd.CHANNELS", 1 << 30)
    monkeypatch.setattr("untaught.prior.kernels.convolution.LEAST", 1 << 62)
    for given, settings in asked(task, preset, photo[:20, :23], tmp_path):
        plan = registry.tasks.get(task).job(*given, preset=preset, **settings)
        same(replace(plan, stages=tuple(map(shorter, plan.stages))))


def shorter(stage, steps=2):
    if isinstance(stage, Solve):
        objective = fewer(stage.pooled(2).method.objective)
        return stage.changed(objective=objective, stop=After(steps), passes=min(2, stage.passes))
    return replace(stage, estimator=fewer(stage.estimator))


def fewer(part):
    """The same estimator with fewer rounds, and smaller groups of patches."""
    if isinstance(part, NonLocalRidge):
        return NonLocalRidge(FEW, (FEW,), (FEW,))
    if isinstance(part, tuple):
        return tuple(map(fewer, part))
    if not is_dataclass(part):
        return part
    less = {f.name: fewer(getattr(part, f.name)) for f in fields(part) if f.init}
    less |= {name: less[name][:2] for name in ("levels", "factors") if name in less}
    return replace(part, **less | {name: 2 for name in ("rounds", "count") if name in less})


@pytest.mark.parametrize(("fed", "repeat"), [(True, 1), (False, 2)])
def test_uncertainty_and_report(repeat, fed):
    objective, prior = registry.objectives.get("recorrupt").examples()[0] if fed else (Fit(), SMALL)
    plan = job(Problem(picture(space=(24, 26)), likelihood=Gaussian(0.1)), method(objective, prior, stop=After(6)))
    here = found(plan, repeat)
    with accelerator():
        there = found(moved(plan), repeat)
    for mine, its in zip(there, here, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-3, atol=1e-4)


def found(plan, repeat):
    series = RepeatedRuns(plan, repeat, uncertain=True)
    for _ in series:
        pass
    solution = series.solution
    assert report(solution).verdict.sentence
    return solution.x.cpu(), solution.uncertainty.deviation.cpu()


@pytest.mark.slow
def test_convolutions_of_few_bits_do_not_hurt_the_picture(photo):
    """PyTorch lets GPUs round what convolutions multiply to the 10 bits of TF32, unasked; the 7 of bfloat16 would do, too."""
    clean = photo[:32, :32]
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 25, clean.shape), 0, 255).round().astype(np.uint8)
    whole = untaught.denoise.job(noisy, sigma=25 / 255, preset="fast", steps=40)
    plan = moved(replace(whole, stages=tuple(shorter(stage, 40) for stage in whole.stages)))

    def quality(bits):
        with accelerator(bits):
            x = untaught.solve(plan).x.cpu()
        return psnr(clean, plan.result(x))

    exact = quality(23)
    for bits in (10, 7):
        coarse = quality(bits)
        assert coarse != exact
        assert coarse > exact - 0.05
