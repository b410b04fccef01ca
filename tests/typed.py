"""What a type checker sees of the package: checked by `mypy tests/typed.py`, and never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import untaught

noisy: NDArray[np.uint8] = np.zeros((8, 8), np.uint8)

assert_type(untaught.denoise(noisy, sigma=0.1), NDArray[Any])
assert_type(untaught.inpaint(Path("photo.jpg"), mask="mask.png", preset="best"), NDArray[Any])
assert_type(untaught.denoise.job(noisy, preset="paper", stop="variance:patience=500", network="unet"), untaught.Job)

untaught.denoise(noisy, sigm=0.1)  # type: ignore[call-arg]
untaught.denoise(noisy, sigma="much")  # type: ignore[arg-type]
untaught.denoise(noisy, preset="slow")  # type: ignore[arg-type]
untaught.activate(noisy)  # type: ignore[arg-type, call-arg]
print(untaught.dnoise)  # type: ignore[attr-defined]

method = untaught.Method(
    untaught.Network(untaught.Compact((16, 32)), untaught.Fed(6), output="linear", residual=0.1),
    untaught.Recorrupt(0.5, untaught.NonLocalRidge(), untaught.Crops(32, 4), refine=True),
    untaught.Adam(3e-3, "one-cycle"),
    untaught.ExponentialWeights(),
    untaught.After(300) | untaught.Plateau(),
)
estimate = untaught.Estimate(untaught.PlugAndPlay(untaught.NonLocalMeans()))


def composed(problem: untaught.Problem) -> untaught.Solution:
    return assert_type(untaught.solve(untaught.Job((estimate, untaught.Solve(method)), problem)), untaught.Solution)
