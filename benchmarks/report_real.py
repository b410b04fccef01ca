"""Inputs as people bring them, restored as they come, and destroyed in the ways that a filter can destroy them. For report.py.

Real pairs, simulated cameras, detectors and scans (crops of 64 to 128 pixels a side), patterns and documents. Each is restored with
nothing given, and then told three times the noise; smeared by means of three times the strength or blurred, and judged by the
noise as it was measured; and, of patterns, measured by the spectrum alone, which takes them for noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from truth_cases import COUNTED, PIPELINES, Case, cases, middle, photos, simulated

import untaught
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.core.geometry import box
from untaught.noise import estimate_noise, spectrum
from untaught.solver.stage import Job

SIDES = (128, 96, 112, 64)
HALVES = ("tuning", "judging")
GAIN, WORSE, LITTLE = 0.3, 2.0, 1.0
"""dB: a result of nothing given is good that is at least GAIN better than what came in, and nearly the best of its input; any is
destroyed that is WORSE under the best, the input among them, and no more than LITTLE better than what came in."""
ASIT, TOLD, SMEARED, BLURRED, EATEN = "as it comes", "told thrice", "smeared", "blurred", "eaten"


@dataclass(frozen=True, eq=False)
class Input:
    """A case in one of the halves, and the ways in which it is restored."""

    half: str
    case: Case
    ways: tuple[str, ...]


def inputs(data: Path) -> Iterator[Input]:
    halves, found = cycle(HALVES), list(cases(data, SIDES[0]))
    ways = cycle(
        ((ASIT, TOLD, SMEARED), (ASIT, BLURRED), (ASIT, SMEARED), (ASIT, TOLD, BLURRED), (ASIT, BLURRED, SMEARED))
    )
    for case in found:
        if case.noise == "real":
            both = tuple(middle(picture, SIDES[0]) for picture in case.made())
            yield Input(next(halves), replace(case, made=lambda both=both: both), next(ways))
    pictures = photos(data)
    turn, sides = cycle(pictures), cycle(SIDES)
    for noise in (*PIPELINES, *COUNTED):
        name, side = next(turn), next(sides)
        picture = middle(pictures[name], side)
        picture = picture if noise in PIPELINES else picture[..., 1]
        yield Input(next(halves), simulated(f"crop {side}", name, picture, noise), next(ways))
    for case in [c for c in found if c.group in ("pattern", "document")][::3]:
        yield Input(next(halves), case, (ASIT, SMEARED, EATEN))


def made(noisy: NDArray, way: str, preset: str) -> tuple[Job, torch.Tensor]:
    """The job that the result is judged by, and the picture in the unit of its problem."""
    job = asked(noisy, way, preset)
    y = job.problem.data
    if way == SMEARED:
        level = estimate_noise(y).sigma.view(-1, 1, 1)
        return job, NonLocalMeans(9.0, distance=4, strip=64)(y, level.to(y).expand_as(y[0])[None])
    if way == BLURRED:
        return job, box(box(y, 2), 2)
    return job, untaught.solve(job).x


def told(noisy: NDArray, preset: str) -> Job:
    """The job that is told three times the noise."""
    there = torch.from_numpy(np.atleast_3d(noisy).astype(np.float32) / np.iinfo(noisy.dtype).max)
    sigma = max(3 * estimate_noise(there.permute(2, 0, 1)).level, 1e-3)
    return untaught.denoise.job(noisy, preset=preset, noise="gaussian", sigma=sigma)


def kept(one: Input, way: str, preset: str, cache: Path) -> tuple[Job, torch.Tensor]:
    """As `made`, but made once: the picture is in the cache."""
    words = "-".join((preset, one.case.group, one.case.picture, one.case.noise, way))
    at = cache / ("".join(c if c.isalnum() else "_" for c in words) + ".npy")
    noisy, _ = one.case.made()
    if not at.exists():
        job, x = made(noisy, way, preset)
        at.parent.mkdir(parents=True, exist_ok=True)
        np.save(at, x.numpy())
        return job, x
    return asked(noisy, way, preset), torch.from_numpy(np.load(at))


def asked(noisy: NDArray, way: str, preset: str) -> Job:
    """The job that a result is judged by."""
    if way == TOLD:
        return told(noisy, preset)
    with unforetold() if way == EATEN else nullcontext():
        return untaught.denoise.job(noisy, preset=preset)


@contextmanager
def unforetold() -> Iterator[None]:
    """As noise was measured before it was asked what can be foretold."""
    before = spectrum.foretell
    spectrum.foretell = lambda picture: None
    try:
        yield
    finally:
        spectrum.foretell = before
