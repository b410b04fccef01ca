"""Measurements that are held out of a job, by which it is seen how far its picture is off."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from untaught.classical.blended import hiding
from untaught.core.errors import BadInput
from untaught.core.geometry import box
from untaught.core.randomness import Rng
from untaught.problem import Problem
from untaught.solver.stage import Job, Solve

# How many measurements are held out, within these shares of all: a tenth of them costs a restoration of noise half a decibel,
# and fewer than some thousands do not tell a small error from the noise.
HELD, LEAST, MOST = 5000, 0.01, 0.1


def hold_out(job: Job) -> tuple[Job, Tensor]:
    """The job without some of its measurements, and where they are: 1, of the shape of the data.

    They get the weight 0. Where pixels are unknown, those held out lie like them: single ones, or holes moved to another place.
    `Recorrupt` needs every measurement: there another value stands in their place, an estimate of the others with fresh noise.
    """
    problem = job.problem
    objectives = [s.method.objective for s in job.stages if isinstance(s, Solve)]
    draw = Rng(job.seed, problem.data.device).fork("uncertainty")
    known = problem.known
    share = min(MOST, max(LEAST, HELD / float(known.sum())))
    if problem.weight is None:  # noise is another one in each channel, unless they share it
        each = known[:, :1] if problem.likelihood.shared else known
        held = (torch.rand(each.shape, generator=draw, device=known.device) < share).to(known).expand_as(known)
    else:
        unknown = known == 0
        wide = bool(unknown.any()) and float((box(known, 1)[unknown] == 0).float().mean()) > 0.05
        held = known * hiding(known, "holes" if wide else "pixels", share, draw)
    if not bool((known - held).any()):
        raise BadInput("Nothing would be left if measurements were held out: leave out uncertainty.")
    owner = next((o for o in objectives if o.needs_all), objectives[-1])

    def without(p: Problem) -> Problem:
        return owner.without(p, held, draw)

    stages = tuple(s if s.problem is None else replace(s, problem=without(s.problem)) for s in job.stages)
    return replace(job, problem=without(problem), stages=stages), held
