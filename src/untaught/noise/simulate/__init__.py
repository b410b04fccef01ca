"""Noise with known truth: a clean picture and a seed give a noisy picture, and what it would be without the noise.

    noisy, truth = pipeline("sensor:iso=6400,quality=90")(picture, seed=3)

`cameras`: sensor and phone, from the scene to the JPEG. `detectors`: counts, sCMOS, EMCCD. `scans`: film grain, halftone, stripes,
banding. One family a file, whose `SIMULATIONS` are the pipelines that it holds.
"""

from __future__ import annotations

from untaught.core import parsing
from untaught.core.registry import simulations
from untaught.noise.simulate._base import Simulated, Simulation, White


def kinds() -> dict[str, type[Simulation]]:
    """Every pipeline by its name."""
    return simulations.kinds(White)


def pipeline(written: str) -> Simulation:
    """The pipeline that is written, "film:amount=0.05"; `BadInput` with the nearest name, the fields and an example."""
    return parsing.parse(written, kinds(), "noise")


def text(simulation: Simulation) -> str:
    """How a pipeline is written."""
    return parsing.text(simulation, kinds())


__all__ = ["Simulated", "Simulation", "White", "kinds", "pipeline", "text"]
