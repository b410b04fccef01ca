"""When the run ends, and which iterate is its best: values in the loop, composed with |, each with a reason in a sentence.

One idea a file, whose `RULES` are the rules that it holds. No rule may look at the truth.
"""

from __future__ import annotations

from untaught.core.errors import unknown
from untaught.solver.iterate import Verdict
from untaught.solver.stopping._base import After, FirstOf, Rule, State
from untaught.solver.stopping.auto import Auto
from untaught.solver.stopping.discrepancy import Discrepancy
from untaught.solver.stopping.holdout import HoldOut
from untaught.solver.stopping.plateau import Plateau
from untaught.solver.stopping.pseudonoise import PseudoNoise
from untaught.solver.stopping.selfreference import SelfReference
from untaught.solver.stopping.stuck import StuckChannel
from untaught.solver.stopping.sure import SureRisk, UnsureRisk
from untaught.solver.stopping.variance import ExponentialVariance, WindowedVariance


def named(name: str) -> Rule:
    """The rule that a word stands for: "auto"."""
    if name != "auto":
        raise unknown("stopping rule", name, ["auto"])
    return Auto()


__all__ = [
    "After",
    "Auto",
    "Discrepancy",
    "ExponentialVariance",
    "FirstOf",
    "HoldOut",
    "Plateau",
    "PseudoNoise",
    "Rule",
    "SelfReference",
    "State",
    "StuckChannel",
    "SureRisk",
    "UnsureRisk",
    "Verdict",
    "WindowedVariance",
    "named",
]
