"""Named methods, as plain values that say where they come from. Budgets are steps as a function of size, never seconds.

One file a task, `presets/denoise.py`, whose `PRESETS` are a dictionary by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from untaught.core import named
from untaught.core.errors import BadInput, unknown
from untaught.core.registry import networks, presets
from untaught.problem import Problem
from untaught.solver.need import refuse_picture
from untaught.solver.stage import Estimate, Method, Solve, Stage
from untaught.solver.stopping import After, FirstOf, Rule, rule

BEYOND = 2  # times a preset's own steps, where a rule is to end the run


@dataclass(frozen=True, eq=False)
class Facts:
    """What a preset may know of a job; the truth is not among it. pictures: the values lie in [0, 1] and end there.

    stop: "preset", "auto" (networks that are fitted to the whole picture end by themselves), or a rule as it is written.
    network: "preset", or one as it is written, in the place of those.
    """

    problem: Problem
    pictures: bool
    seed: int = 0
    device: str = "cpu"
    steps: int | None = None
    stop: str = "preset"
    network: str = "preset"

    @property
    def channels(self) -> int:
        return self.problem.image_shape[1]

    @property
    def space(self) -> tuple[int, ...]:
        return tuple(self.problem.image_shape[2:])

    @property
    def sigma(self) -> float:
        """The mean standard deviation of the noise in the units of the problem; 0 where it is not known."""
        return self.problem.likelihood.level


@dataclass(frozen=True)
class Preset:
    """name, one line for people, source (paper, or the benchmark of this project), and the method for given facts."""

    name: str
    promise: str
    source: str
    stages: Callable[[Facts], tuple[Stage, ...]]


def table(task: str) -> dict[str, Preset]:
    """The presets of a task by name; none, where it has none."""
    return presets.get(task) if task in presets.names() else {}


def choose(presets: dict[str, Preset], name: str, facts: Facts) -> tuple[Stage, ...]:
    """The stages of a preset; `BadInput` with the nearest name."""
    if name not in presets:
        raise unknown("preset", name, presets)
    refuse_picture(facts.problem, facts.device)
    stages = presets[name].stages(facts)
    if facts.network != "preset":
        net = named.parse(facts.network, dict(networks.items()), "network")
        stages = _fitted(name, presets, stages, "network", lambda m: replace(m, prior=m.prior.with_net(net)))
    if facts.stop != "preset":
        early = rule(facts.stop)
        stages = _fitted(name, presets, stages, "stop", lambda m: replace(m, stop=_early(early, m.stop, facts.steps)))
    return tuple(s.seeded(facts.seed).on(facts.device) for s in stages)


def _fitted(
    name: str, presets: dict[str, Preset], stages: tuple[Stage, ...], setting: str, change: Callable[[Method], Method]
) -> tuple[Stage, ...]:
    """The stages with another method in every one that fits a network to the picture; `BadInput` where none does."""
    fitted = [isinstance(s, Solve) and s.method.overfits for s in stages]
    if not any(fitted):
        why = "a classic filter" if all(isinstance(s, Estimate) for s in stages) else "fed with the data"
        lacks = {
            "stop": "which does not overfit, so that nothing is stopped early",
            "network": "and fits no network to the picture that another could replace",
        }[setting]
        others = [n for n in presets if n == "paper" != name]
        remedy = f"leave {setting} out, or take the preset '{others[0]}'" if others else f"leave {setting} out"
        raise BadInput(f"The preset '{name}' is {why}, {lacks}: {remedy}.")
    return tuple(
        replace(s, method=change(s.method)) if isinstance(s, Solve) and fits else s
        for s, fits in zip(stages, fitted, strict=True)
    )


def _early(early: Rule, stop: Rule, steps: int | None) -> Rule:
    """`early` first, then what the preset has; its number of steps is doubled where nobody has given one."""
    given = steps is None and any(part.fixed for part in early.parts)
    rest = [After(steps or BEYOND * part.fixed) if part.fixed else part for part in stop.parts if not (part.fixed and given)]
    return FirstOf((*early.parts, *rest))


def resolve_device(device: str) -> str:
    """ "auto" as what there is; `BadInput` for a device that is not there."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda" if count else "cpu"
    kind, _, index = device.partition(":")
    if kind == "cpu" and not index:
        return device
    if kind != "cuda" or not (index == "" or index.isdigit()):
        raise unknown("device", device, ["auto", "cpu", "cuda"])
    if int(index or 0) >= count:
        raise BadInput(f"The device '{device}' is not there: torch sees {count} CUDA devices. Use --device cpu.")
    return device
