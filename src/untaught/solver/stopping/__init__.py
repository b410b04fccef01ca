"""When the run ends, and which iterate is its best: values in the loop, composed with |, each with a reason in a sentence.

One idea a file, whose `RULES` are the rules that it holds. No rule may look at the truth.
"""

from __future__ import annotations

from untaught.core import parsing
from untaught.core.registry import rules
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
from untaught.solver.stopping.validated import Validated
from untaught.solver.stopping.variance import ExponentialVariance, WindowedVariance


def kinds() -> dict[str, type[Rule]]:
    """Every rule by its name."""
    return rules.kinds(After)


def rule(written: str) -> Rule:
    """The rule that is written, "variance:patience=500|after:3000"; `BadInput` with the nearest name, the fields, an example."""
    first, *others = (parsing.parse(one, kinds(), "stopping rule") for one in written.split("|"))
    for other in others:
        first = first | other
    return first


def text(rule: Rule) -> str:
    """How a rule is written."""
    return "|".join(parsing.text(part, kinds()) for part in rule.parts)


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
    "Validated",
    "Verdict",
    "WindowedVariance",
    "rule",
    "text",
]
