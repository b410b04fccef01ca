"""Laws of the report on patterns: hardly a flat part, or nothing but black and white, and judged as what they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from judged import SIGMA, said

from untaught.core.geometry import box
from untaught.problem import Problem
from untaught.problem.likelihoods import ClippedGaussian
from untaught.reports import judge


def patterns(side: int = 72) -> dict[str, np.ndarray]:
    """(side, side) in [0, 1]: hardly a flat part, or nothing but black and white."""
    y, x = np.indices((side, side))
    code = np.random.default_rng(0).integers(0, 2, (side // 6, side // 6))
    weave = np.sin(2 * np.pi * x / 8) * np.cos(2 * np.pi * y / 8)
    return {
        "fringes": 0.5 + 0.3 * np.sin(2 * np.pi * (x / 5 + y / 9)),
        "weave": 0.5 + 0.25 * weave,
        "dots": np.where(np.hypot(x % 9 - 4, y % 9 - 4) < 3, 0.25, 0.75),
        "bricks": np.where((y % 10 < 1) | ((x + y // 10 % 2 * 9) % 18 < 1), 0.8, 0.5),
        "code": np.kron(code, np.ones((6, 6))),
    }


@pytest.mark.parametrize("name", patterns())
def test_a_pattern_is_judged_as_what_it_is(name: str) -> None:
    """A seventh of the noise is what a good filter leaves in details; more than half of it, or a smeared pattern, is bad."""
    truth = torch.from_numpy(patterns()[name]).float()[None, None]
    noise = SIGMA * torch.randn(truth.shape, generator=torch.Generator().manual_seed(3))
    y = (truth + noise).clamp(0, 1)
    problem = Problem(y, likelihood=ClippedGaussian(SIGMA))
    good, rough, smeared = truth + noise / 7, torch.lerp(truth, y, 0.6), box(y, 2)
    assert said(problem, good)[0] == "good"
    assert said(problem, smeared)[0] == "doubtful"
    if name != "code":  # black and white throughout: how much of their noise is left cannot be seen
        assert "overfitted" in said(problem, rough)[1]
        sigma = judge(replace(problem, likelihood=ClippedGaussian(3 * SIGMA)), good).verdict
        assert "sigma" in {r.name for r in sigma.reasons}
