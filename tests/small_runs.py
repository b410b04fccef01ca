"""Small problems and quick methods, of which the laws of the loop are shown."""

from __future__ import annotations

import importlib
import math
import pkgutil

import torch

from untaught import classical
from untaught.classical import Estimator
from untaught.prior import Network
from untaught.prior.codes import Noise
from untaught.prior.networks.hourglass import Hourglass
from untaught.solver.averaging import ExponentialPictures, ExponentialWeights
from untaught.solver.optimisers import Adam
from untaught.solver.stage import Job, Method, Solve
from untaught.solver.stopping import After

SMALL = Network(Hourglass(down=(4, 6)), Noise(4), jitter=0.03)


def picture(channels=1, space=(12, 14), seed=0):
    grid = torch.linspace(0, 3, math.prod(space)).reshape(1, 1, *space).sin() * 0.3 + 0.5
    noise = 0.1 * torch.randn(1, channels, *space, generator=torch.Generator().manual_seed(seed))
    return (grid + noise).clamp(0, 1)


def method(objective, prior, **more):
    average = ExponentialPictures(0.9) if objective.whole else ExponentialWeights(0.9)
    return Method(prior, objective, **{"average": average, "stop": After(6), "optimiser": Adam(1e-3), **more})


def job(problem, *methods):
    return Job(tuple(Solve(m) for m in methods), problem)


def result(run):
    for _ in run:
        pass
    return run.solution.x


def estimators():
    """Every class of estimators in `classical`."""
    for module in pkgutil.walk_packages(classical.__path__, "untaught.classical."):
        importlib.import_module(module.name)
    found = sorted(Estimator.__subclasses__(), key=lambda one: one.__name__)
    assert len(found) > 4
    return found
