"""A noisy picture whose truth is known, and a small run of it that a rule ends."""

from __future__ import annotations

import torch
from small_runs import SMALL

from untaught.solver.optimisers import Adam
from untaught.solver.stage import Job, Method, Solve


def scene(space=(24, 26), seed=0, sigma=0.1, channels=1):
    """(noisy, truth), (1, c, *space): a smooth picture and white noise."""
    axes = torch.meshgrid(*(torch.linspace(0, 3, n) for n in space), indexing="ij")
    truth = (0.5 + 0.3 * sum(axes).sin()).expand(1, channels, *space).clone()
    return truth + sigma * torch.randn(truth.shape, generator=torch.Generator().manual_seed(seed)), truth


def job(problem, stop, **more):
    return Job((Solve(Method(SMALL, optimiser=Adam(0.01), stop=stop, **more)),), problem)


def finished(run):
    for _ in run:
        pass
    return run
