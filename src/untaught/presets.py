"""Named methods, as plain values that say where they come from. Budgets are steps as a function of size, never seconds."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

from untaught.errors import BadInput, unknown
from untaught.problem import Problem
from untaught.run import Stage

if TYPE_CHECKING:
    from untaught.noise import Noise


@dataclass(frozen=True, eq=False)
class Facts:
    """What a preset may know of a job; the truth is not among it. pictures: the values lie in [0, 1] and end there."""

    problem: Problem
    pictures: bool
    seed: int = 0
    device: str = "cpu"
    steps: int | None = None

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
    stages = preset.stages(facts)
    return tuple(replace(s, method=replace(s.method, seed=facts.seed, device=facts.device)) for s in stages)


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


def denoising(name: str, facts: Facts, notes: list[str]) -> tuple[Stage, ...]:
    """The stages of a preset of `DENOISING`; what it does otherwise than its name says is told in `notes`."""
    stages = choose(DENOISING, name, facts)
    if name == "instant":
        notes.append("instant is a classic filter, no network")
    elif name != "paper" and (noise := _measured(facts)):
        kind = "that neighbouring pixels share" if noise.correlated else "that changes with brightness"
        notes.append(
            f"for noise {kind} a classic filter that follows it does better than the network, and was used; "
            "give sigma to insist on the network"
        )
    return stages


def _measured(facts: Facts) -> Noise | None:
    """The noise, where it is not white: on real photos and micrographs the network lost up to 3 dB to its own guide."""
    return getattr(facts.problem.likelihood, "noise", None)


def _classic(facts: Facts) -> tuple[Stage, ...]:
    from untaught.averaging import ExponentialPictures
    from untaught.guides import NonLocalMeans
    from untaught.objectives.classic import Classic
    from untaught.priors import Pixels
    from untaught.ridge import NonLocalRidge
    from untaught.run import Method
    from untaught.stopping import After

    # Strengths in units of the measured deviation, chosen on five of the ten PolyU pairs: docs/benchmarks.
    noise = _measured(facts)
    measured = NonLocalMeans(3.0, coarse=1.2) if noise and noise.correlated else NonLocalMeans(1.2)
    guide = measured if noise else NonLocalRidge()
    return (Stage(Method(Pixels(), Classic(guide), average=ExponentialPictures(), stop=After(1))),)


def _recorrupt(facts: Facts, *, steps: int, widths: tuple[int, ...], lr: float, pool: int) -> tuple[Stage, ...]:
    """A compact network fed with recorruptions of the picture, with the non-local ridge as its guide and its last pass."""
    from untaught.averaging import ExponentialWeights
    from untaught.codes import Fed
    from untaught.networks.compact import Compact
    from untaught.objectives.recorrupt import Recorrupt
    from untaught.optimisers import Adam
    from untaught.priors import Network
    from untaught.ridge import NonLocalRidge
    from untaught.run import Method
    from untaught.stopping import After

    if _measured(facts):
        return _classic(facts)
    prior = Network(Compact(widths), Fed(2 * facts.channels), output="linear", residual=facts.sigma)
    objective = Recorrupt(0.5, NonLocalRidge(), pool=pool, refine=True)
    adam, stop = Adam(lr, "one-cycle", (0.9, 0.99)), After(facts.steps or steps)
    return (Stage(Method(prior, objective, adam, ExponentialWeights(0.99), stop, passes=pool)),)


def _fast(facts: Facts) -> tuple[Stage, ...]:
    return _recorrupt(facts, steps=600, widths=(16, 32, 48), lr=3e-3, pool=4)


def _best(facts: Facts) -> tuple[Stage, ...]:
    return _recorrupt(facts, steps=6000, widths=(32, 48, 64), lr=2e-3, pool=16)


def _paper(facts: Facts) -> tuple[Stage, ...]:
    from untaught.averaging import ExponentialPictures
    from untaught.codes import Noise
    from untaught.networks.hourglass import Hourglass
    from untaught.optimisers import Adam
    from untaught.priors import Network
    from untaught.run import Method
    from untaught.stopping import After

    jitter = 1 / 20 if facts.sigma > 37 / 255 else 1 / 30
    prior = Network(Hourglass(), Noise(32), jitter=jitter, output="sigmoid" if facts.pictures else "linear")
    adam, stop = Adam(0.01), After(facts.steps or 1800)
    return (Stage(Method(prior, optimiser=adam, average=ExponentialPictures(0.99), stop=stop)),)


_R2R = "Recorrupted-to-Recorrupted (Pang et al., CVPR 2021) guided by NL-Ridge (Herbreteau and Kervrann 2022)"
DENOISING = {
    p.name: p
    for p in (
        Preset("instant", "a classic filter, no network", "NL-Ridge; values: docs/benchmarks", _classic, 400, 9e8),
        Preset("fast", "seconds", f"{_R2R}; values: docs/benchmarks", _fast, 600, 9e8),
        Preset("best", "what minutes buy", f"{_R2R}; values: docs/benchmarks", _best, 1500, 9e8),
        Preset("paper", "the exact recipe", "Ulyanov, Vedaldi and Lempitsky, CVPR 2018: 1800 steps", _paper, 6000),
    )
}
