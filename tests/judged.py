"""For tests of the report: a natural picture, its noise, and what is said of a result."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from untaught.problem import Problem
from untaught.reports import judge

SIGMA = 20 / 255


@cache
def natural() -> torch.Tensor:
    """(1, 3, 128, 128) in [0, 1]."""
    from skimage import data

    cut = data.chelsea()[60:188, 120:248].astype(np.float32) / 255
    return torch.from_numpy(cut).permute(2, 0, 1)[None].contiguous()


def noisy(clean: torch.Tensor, sigma: float = SIGMA) -> torch.Tensor:
    return clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))


def said(problem: Problem, x: torch.Tensor) -> tuple[str, set[str]]:
    v = judge(problem, x).verdict
    return v.kind, {r.name for r in v.reasons}
