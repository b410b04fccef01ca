"""How the data judge f in one step: one objective a file."""

from untaught.solver.objectives._base import Crops, Objective

__all__ = ["Crops", "Objective"]
