"""Named methods, as plain values that say where they come from. Budgets are steps as a function of size, never seconds.

One file a task, `presets/denoise.py`, whose `PRESETS` are a dictionary by name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from untaught.errors import BadInput, unknown
from untaught.problem import Problem
from untaught.registry import presets
from untaught.run import Stage
from untaught.stopping import After, Auto, FirstOf, Rule

BEYOND = 2  # times a preset's own steps, where a rule is to end the run


@dataclass(frozen=True, eq=False)
class Facts:
    """What a preset may know of a job; the truth is not among it. pictures: the values lie in [0, 1] and end there.

    stop: "preset", or "auto": networks that are fitted to the whole picture end by themselves.
    """

    problem: Problem
    pictures: bool
    seed: int = 0
    device: str = "cpu"
    steps: int | None = None
    stop: str = "preset"

    @property
    def channels(self) -> int:
        return self.problem.image_shape[1]

    @property
    def space(self) -> tuple[int, ...]:
        return tuple(self.problem.image_shape[2:])

    @property
    def sigma(self) -> float:
        """The mean standard deviation of the noise in the units of the problem; 0 where it is not known."""
        level = getattr(self.problem.likelihood, "sigma", None)
        return 0.0 if level is None else sum(level) / len(level) if isinstance(level, tuple) else float(level)


@dataclass(frozen=True)
class Preset:
    """name, one line for people, source (paper, or the benchmark of this project), the method for given facts, and the
    memory in bytes that a pixel of the picture needs beside a fixed part (measured; see docs/benchmarks)."""

    name: str
    promise: str
    source: str
    stages: Callable[[Facts], tuple[Stage, ...]]
    bytes_a_pixel: float
    bytes_fixed: float = 3e8


def table(task: str) -> dict[str, Preset]:
    """The presets of a task by name; none, where it has none."""
    return presets.get(task) if task in presets.names() else {}


def choose(presets: dict[str, Preset], name: str, facts: Facts) -> tuple[Stage, ...]:
    """The stages of a preset; `BadInput` with the nearest name, or where they would not fit into memory."""
    if name not in presets:
        raise unknown("preset", name, presets)
    preset = presets[name]
    needed = preset.bytes_fixed + preset.bytes_a_pixel * prod(facts.space) * max(1.0, facts.channels / 3)
    free = free_memory(facts.device)
    if free is not None and needed > free:
        smaller = [p.name for p in presets.values() if p.bytes_a_pixel < preset.bytes_a_pixel]
        remedy = f"use the preset '{smaller[0]}', or restore a part of it" if smaller else "restore a part of it"
        raise BadInput(
            f"The preset '{name}' needs about {needed / 2**30:.1f} GiB for a picture of "
            f"{' x '.join(map(str, facts.space))}, and {free / 2**30:.1f} GiB are free: {remedy}."
        )
    stages = preset.stages(facts) if facts.stop == "preset" else by_themselves(name, presets, facts)
    return tuple(replace(s, method=replace(s.method, seed=facts.seed, device=facts.device)) for s in stages)


def by_themselves(name: str, presets: dict[str, Preset], facts: Facts) -> tuple[Stage, ...]:
    """The stages of a preset, with `Auto` in every one that fits a network, and twice the preset's steps as its limit.

    `BadInput` for another word than "auto", and where no network is fitted.
    """
    from untaught.objectives.fit import Fit
    from untaught.priors import Pixels

    if facts.stop != "auto":
        raise unknown("way to stop", facts.stop, ["preset", "auto"])
    stages = presets[name].stages(facts)
    methods = [s.method for s in stages]
    fitted = [type(m.objective) is Fit and not m.objective.beside and not isinstance(m.prior, Pixels) for m in methods]
    if not any(fitted):
        why = "a classic filter" if all(s.method.stop == After(1) for s in stages) else "fed with the data"
        others = [n for n in presets if n == "paper" != name]
        remedy = f"leave stop out, or take the preset '{others[0]}'" if others else "leave stop out"
        raise BadInput(
            f"The preset '{name}' is {why}, which does not overfit, so that nothing is stopped early: {remedy}."
        )
    return tuple(
        replace(s, method=replace(s.method, stop=_early(s.method.stop, facts.steps))) if fits else s
        for s, fits in zip(stages, fitted, strict=True)
    )


def _early(stop: Rule, steps: int | None) -> Rule:
    """Auto first, then what the preset has; its number of steps is doubled where nobody has given one."""
    rules = stop.rules if isinstance(stop, FirstOf) else (stop,)
    return FirstOf(
        (Auto(), *(After(steps or BEYOND * rule.steps) if isinstance(rule, After) else rule for rule in rules))
    )


def free_memory(device: str) -> float | None:
    """Free bytes on the device, or None where the system does not say."""
    if device.startswith("cuda"):
        import torch

        return float(torch.cuda.mem_get_info(device)[0])
    try:
        with open("/proc/meminfo") as lines:
            return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        try:
            return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        except (ValueError, OSError, AttributeError):
            return None


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
