"""What the frozen jobs ask of the project beyond its public names: the one file of them that a change of its structure touches.

A part of a result is an array, a text, or the bytes of a file. Nothing here may decide what is right: it only asks.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import json
import os
import pkgutil
import queue
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from small_runs import estimators

import untaught

Parts = dict[str, Any]
FEW = 4  # steps that are left of a preset's own


def shortened(job: Any, steps: int = FEW) -> Any:
    """The job with so many steps at most in each stage, where a preset's own are hundreds; its rules stay."""
    from untaught.solver.stage import Solve
    from untaught.solver.stopping import After, FirstOf

    def shorter(rule: Any) -> Any:
        if isinstance(rule, FirstOf):
            return FirstOf(tuple(map(shorter, rule.rules)))
        return After(min(rule.steps, steps)) if isinstance(rule, After) else rule

    stages = (s.changed(stop=shorter(s.method.stop)) if isinstance(s, Solve) else s for s in job.stages)
    return replace(job, stages=tuple(stages))


def restored(task: str, picture: Any = None, *, full: bool = False, **settings: Any) -> Parts:
    """What a task makes of a picture: the result, and what is said. full: with all steps of the preset."""
    job = getattr(untaught, task).job(picture, **settings)
    return told(job if full or "steps" in settings else shortened(job))


def told(job: Any, solution: Any = None) -> Parts:
    """The result of a job, and what is said of it."""
    solution = solution or untaught.solve(job)
    words = [*solution.notes, *job.remarks(solution.x), solution.reason, f"step {solution.step}"]
    # Rounding to 8 bits would hide what changed in a few steps.
    return {"result": job.result(solution.x), "x": _array(solution.x), "words": "\n".join(words)}


def judged(task: str, picture: Any, **settings: Any) -> Parts:
    """The report of a result: its figures as JSON, without seconds."""
    job = getattr(untaught, task).job(picture, **settings)
    solution = untaught.solve(job)
    return {"report": report_text(untaught.report(solution).to_json())}


def report_text(text: str) -> str:
    """A report's JSON without what changes with the day: seconds, versions, hashes of files."""
    table = json.loads(text)
    table["run"].pop("seconds")
    table.pop("versions", None)
    return json.dumps(table, indent=1, sort_keys=True, ensure_ascii=False)


def resumed(task: str, picture: Any, *, at: tuple[int, ...], **settings: Any) -> Parts:
    """The result of a run that was ended after those of its steps, and begun again from the bytes that were kept."""
    from untaught.io.checkpoints import pack, unpack

    job = getattr(untaught, task).job(picture, **settings)
    job = job if "steps" in settings else shortened(job)
    run = untaught.Run(job)
    for stop in at:
        for _ in range(stop - run.total):
            next(run)
        state = pack(run.state_dict())
        run = untaught.Run(job)
        run.load_state_dict(unpack(state)[0])
    for _ in run:
        pass
    return told(job, run.solution)


def repeated(task: str, picture: Any, *, repeat: int = 1, uncertain: bool = False, **settings: Any) -> Parts:
    """The mean of several runs, how they differ, and, where that is asked for, the maps of how far it may be off."""
    from untaught.calibration.redrawn import doubting
    from untaught.calibration.repeated import RepeatedRuns
    from untaught.io.uncertainty_maps import between, maps

    job = getattr(untaught, task).job(picture, **settings)
    job = job if "steps" in settings else shortened(job)
    runs = doubting(job, repeat) if uncertain else RepeatedRuns(job, repeat)
    for _ in runs:
        pass
    solution = runs.solution
    found = told(job, solution)
    if repeat > 1:
        found["between"] = between(job, runs.done)
    if solution.uncertainty is not None:
        found |= maps(job, solution.uncertainty, solution.spread)
        found["factor"] = np.array([solution.uncertainty.factor, solution.uncertainty.error or 0.0])
    return found


@contextlib.contextmanager
def undated() -> Iterator[None]:
    """Recipes name a frozen build, so that the bytes of a file do not change with the version of a library."""
    from untaught.io.recipes import Recipe

    now = Recipe.now

    def same(*what: Any, **more: Any) -> Any:
        return replace(now(*what, **more), versions={"build": "frozen"})

    with mock.patch.object(Recipe, "now", same):
        yield


def commanded(*words: Any, into: Path) -> tuple[int, str, str]:
    """(exit code, what it printed, what it complained) of a command line that is begun in that folder."""
    from untaught.cli import main

    out, errors, before = io.StringIO(), io.StringIO(), os.getcwd()
    os.chdir(into)
    try:
        with undated(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            main([str(w) for w in words])
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), errors.getvalue()
    finally:
        os.chdir(before)
    raise AssertionError("the command line did not exit")


def written(path: Path, pixels: np.ndarray, **about: Any) -> Path:
    from untaught.io.images import Image, write

    write(path, pixels, Image(pixels, **about))
    return path


def opened(path: Path) -> np.ndarray:
    import tifffile

    from untaught.io.images import read

    if path.suffix == ".tif":  # maps have pages
        return tifffile.imread(path)
    return read(path).pixels


def text(path: Path) -> str:
    """A text that was written, without what changes with the day."""
    words = path.read_text("utf-8")
    if path.suffix == ".json":
        return report_text(words)
    return re.sub(r"[0-9.]+ (seconds|s)\b", "some seconds", words)


def forms() -> Parts:
    """The forms of all tasks as the studio's page gets them."""
    from untaught.studio.forms import schemas

    return {s["name"]: json.dumps(s, indent=1, ensure_ascii=False) for s in schemas()}


def studied(task: str, path: Path | None, settings: dict[str, Any], place: Path, *, asking: bool = False) -> Parts:
    """What the studio's engine makes of an order, checked by the task's form: its result, recipe, report and words."""
    from untaught.studio.forms import check
    from untaught.studio.running import Player

    said: list[tuple[str, dict[str, Any]]] = []
    player = Player(queue.Queue(), lambda message: said.append((message.KIND, message.plain())))
    order = {"job": "one", "task": task, "path": str(path) if path else None, "name": "photo.png"}
    with undated():
        player.play(
            {**order, "settings": check(task, settings), "folder": str(place), "resume": False, "asking": asking}
        )
    found: Parts = {}
    for kind, values in said:
        for timed in ("seconds", "ask"):
            values.pop(timed, None)
        values.get("result", {}).pop("again", None)  # which the server adds
        if kind in ("done", "judged", "mapped"):
            found[kind] = json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False)
    for name in ("recipe.toml", "result.npy", "unsure.tif", "report.json"):
        if (place / name).is_file():
            file = place / name
            found[name] = (
                np.load(file)
                if name.endswith("npy")
                else report_text(file.read_text("utf-8"))
                if name.endswith("json")
                else file.read_text("utf-8")
                if name.endswith("toml")
                else file.read_bytes()
            )
    return found


# The parts of the formula, with the examples that each gives of itself.


def drawn(*shape: int, seed: int = 0, dtype: Any = torch.float32) -> Any:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def data(channels: int = 1, space: tuple[int, ...] = (12, 14)) -> Any:
    """A small noisy picture, (1, c, *space) in [0, 1]."""
    grid = torch.linspace(0, 3, prod(space)).reshape(1, 1, *space).sin() * 0.3 + 0.5
    return (grid + 0.1 * drawn(1, channels, *space)).clamp(0, 1)


def _classes(package: str, base: type) -> dict[str, type]:
    """Every public concrete class of a module, or of all files of a package, by name."""
    module = importlib.import_module(f"untaught.{package}")
    inside = [m.name for m in pkgutil.iter_modules(getattr(module, "__path__", []))]
    found = {}
    for where in (module, *(importlib.import_module(f"untaught.{package}.{name}") for name in inside)):
        for name, c in vars(where).items():
            own = inspect.isclass(c) and issubclass(c, base) and c.__module__ == where.__name__
            if own and not inspect.isabstract(c) and not name.startswith("_") and c is not base:
                found[name] = c
    return found


def _operator(cls: Any) -> Parts:
    found = {}
    for i, (operator, shape) in enumerate(cls.examples()):
        x = drawn(*shape)
        y = operator(x)
        r = drawn(*y.shape, seed=1)
        found[f"{i} forward"], found[f"{i} back"] = _array(y), _array(operator.adjoint(r, at=x))
    return found


def _likelihood(cls: Any) -> Parts:
    found = {}
    for i, one in enumerate(cls.examples()):
        y = data(3) * 0.9 + 0.05
        prediction = (0.5 * y + 0.25).requires_grad_()
        energy = one.energy(prediction, y, None)
        energy.backward()
        found[f"{i} energy"] = np.array([float(energy.detach())])
        found[f"{i} gradient"] = _array(prediction.grad)
    return found


def _regulariser(cls: Any) -> Parts:
    found = {}
    for i, one in enumerate(cls.examples()):
        x = data(3).requires_grad_()
        energy = one(x)
        if not energy.requires_grad:  # a sum of nothing
            continue
        energy.backward()
        found[f"{i} energy"], found[f"{i} gradient"] = np.array([float(energy.detach())]), _array(x.grad)
    return found


def _network(cls: Any) -> Parts:
    from untaught.core.randomness import Rng

    found = {}
    for i, one in enumerate(cls.examples()):
        with Rng(0).initialise("network"):
            module = one.build(3, 2)
        side = max(16, 2 * one.multiple) // getattr(one, "shrink", 1)
        out = module(drawn(1, 3, side, side))
        out.square().mean().backward()
        found[f"{i} forward"] = _array(out)
        found[f"{i} gradient"] = _array(
            torch.cat([p.grad.flatten() for p in module.parameters() if p.grad is not None])
        )
    return found


def _objective(cls: Any) -> Parts:
    from untaught.solver.averaging import ExponentialPictures, ExponentialWeights

    found = {}
    for i, (objective, prior) in enumerate(cls.examples()):
        average = ExponentialPictures(0.9) if objective.whole else ExponentialWeights(0.9)
        plan = untaught.Method(prior, objective, untaught.Adam(1e-3), average, untaught.After(5))
        solution = untaught.solve(untaught.Problem(data(), likelihood=untaught.Gaussian(0.1)), plan)
        found[f"{i} x"] = _array(solution.x)
        found[f"{i} energies"] = np.array([m.energy for m in solution.history])
    return found


def _estimator(cls: Any) -> Parts:
    found = {}
    for i, one in enumerate(cls.examples()):
        problem = untaught.Problem(data(), likelihood=untaught.Gaussian(0.1))
        found[f"{i} x"] = _array(untaught.solve(untaught.Job((untaught.Estimate(one),), problem)).x)
    return found


def _rule(cls: Any) -> Parts:
    prior = untaught.Network(untaught.Hourglass(down=(4, 6)), untaught.Noise(4), jitter=0.03)
    found = {}
    for i, rule in enumerate(cls.examples()):
        plan = untaught.Method(prior, optimiser=untaught.Adam(0.01), stop=rule | untaught.After(20))
        solution = untaught.solve(untaught.Problem(data(), likelihood=untaught.Gaussian(0.1)), plan)
        found[f"{i} x"] = _array(solution.x)
        found[f"{i} words"] = f"{solution.reason}, step {solution.step}"
        found[f"{i} scores"] = np.array([np.nan if m.score is None else m.score for m in solution.history])
    return found


def _code(cls: Any) -> Parts:
    prior = [untaught.Network(untaught.Hourglass(down=(4, 6)), code) for code in cls.examples()]
    problem = untaught.Problem(data(), start=data())
    return {
        f"{i} x": _array(untaught.solve(problem, untaught.Method(one, stop=untaught.After(2))).x)
        for i, one in enumerate(prior)
    }


def _array(x: Any) -> np.ndarray:
    return x.detach().cpu().contiguous().numpy()


def parts() -> dict[str, Callable[[], Parts]]:
    """Every part of the formula there is, as "kind name", and what its examples do."""
    from untaught.core import registry
    from untaught.prior.codes import Code
    from untaught.problem.likelihoods import Likelihood
    from untaught.problem.operators import Operator
    from untaught.problem.regularisers import Regulariser

    found: dict[str, Callable[[], Parts]] = {}
    bases = {
        "problem.operators": (Operator, _operator),
        "problem.likelihoods": (Likelihood, _likelihood),
        "problem.regularisers": (Regulariser, _regulariser),
        "prior.codes": (Code, _code),
    }
    for package, (base, ask) in bases.items():
        kind = package.partition(".")[2][:-1]
        for name, cls in _classes(package, base).items():
            if cls.examples():
                found[f"{kind} {name}"] = lambda c=cls, a=ask: a(c)
    for cls in estimators():
        found[f"estimator {cls.__name__}"] = lambda c=cls: _estimator(c)
    for name, cls in registry.networks.items():
        found[f"network {name}"] = lambda c=cls: _network(c)
    for name, cls in registry.objectives.items():
        found[f"objective {name}"] = lambda c=cls: _objective(c)
    for _, some in registry.rules.items():
        for cls in some:
            found[f"rule {cls.__name__}"] = lambda c=cls: _rule(c)
    return found


def presets(task: str) -> list[str]:
    """The names of a task's presets."""
    from untaught.tasks._presets import table

    return list(table(task))
