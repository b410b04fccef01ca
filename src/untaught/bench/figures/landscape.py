"""The energy over a plane, and the way of a run across it: near the truth, and past it.

The plane is laid through pictures of the run itself; distances in it are root mean squares, of values in [0, 1]. Where noise is
removed it holds the truth, the noisy picture y and the first iterate, and the energy is the squared distance from y. Where pixels
are missing its axes are the known and the missing pixels of the first iterate's error, and the energy is the squared distance along
the first alone: the truth lies in a valley of pictures that explain the data equally well. Pixels without a network would go
straight down, to y, or to the bottom of the valley with the missing pixels as they began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untaught.bench._pixels import fit, tensor
from untaught.bench.figures._base import Figure, Made, Panel, Reproduced, Runner, Size, Track
from untaught.bench.figures._pictures import photo, small
from untaught.reports import labels
from untaught.reports.plot import Axis, Curve, plot

STEPS = {"noise": (3000, 1200), "holes": (3000, 600)}
"""At full size, and on a CPU."""
SIGMA, MISSING = 0.15, 0.7
if TYPE_CHECKING:
    from untaught.solver.stage import Job

PATH, STRAIGHT, TRUTH, LEVELS = 0, 1, 2, 6


@dataclass
class Crossing(Track):
    """Notes where each picture lies on the plane, and how far it is from the truth in all directions.

    toward: y - truth, where there is noise; known: 1 where a pixel is, where some are missing.
    """

    toward: NDArray | None = None
    known: NDArray | None = None

    def look(self, iterate: Any) -> None:
        import torch

        assert self.clean is not None
        x = iterate.x[0].permute(1, 2, 0).cpu().double() - torch.from_numpy(self.clean)
        if "axes" not in self.kept:
            self.kept["axes"] = [torch.from_numpy(a) for a in self._axes(x.numpy())]
        scale = x.numel() ** 0.5
        across, up = (float((x * axis).sum()) / scale for axis in self.kept["axes"])
        self.note(across=across, up=up, apart=float(x.norm()) / scale)

    def _axes(self, first: NDArray) -> tuple[NDArray, NDArray]:
        if self.known is not None:
            both = first * self.known, first * (1 - self.known)
        else:
            assert self.toward is not None
            unit = self.toward / np.linalg.norm(self.toward)
            both = self.toward, first - (first * unit).sum() * unit
        return both[0] / np.linalg.norm(both[0]), both[1] / np.linalg.norm(both[1])


def _panels(size: Size) -> list[Panel]:
    name, pixels = photo(size, "set9/image_House256rgb.png", "chelsea")
    truth = small(pixels, size.pixels(64, 256)) / 255
    rng = np.random.default_rng(size.seed)
    noisy = np.clip(truth + rng.normal(0, SIGMA, truth.shape), 0, 1)
    known = np.broadcast_to(rng.random((*truth.shape[:2], 1)) >= MISSING, truth.shape).astype(float)

    def make(kind: str, run: Runner) -> Made:
        noise = kind == "noise"
        job, way = (
            _job(noisy if noise else truth, None if noise else known, size, size.taken(*STEPS[kind])),
            Crossing(truth),
        )
        way.toward, way.known = (noisy - truth, None) if noise else (None, known)
        solution = run(job, way)
        apart = way.curves["apart"]
        best, at = int(np.argmin(apart)), f"{' x '.join(map(str, truth.shape[:2]))}, {len(apart)} steps"
        data = float(np.sqrt(np.mean((noisy - truth) ** 2))) if noise else 0.0
        found = [("y", data)] if noise else []
        found += [(f"nearest, at step {best + 1}", apart[best]), (f"end, at step {len(apart)}", apart[-1])]
        what, seconds = "distance from the truth, RMS", round(solution.seconds, 1)
        rows = [Reproduced(kind, name, method, what, round(value, 5), at, seconds=seconds) for method, value in found]
        return Made(rows, {"data": np.array([data])}, way.curves)

    return [Panel(kind, partial(make, kind)) for kind in STEPS]


def _job(data: NDArray, known: NDArray | None, size: Size, steps: int) -> Job:
    """Mean squares to what is known, and a code that stays what it is, so that the way is smooth."""
    from untaught.prior.networks.hourglass import Hourglass

    net = Hourglass((128 if size.full else 32,) * 5)
    job = fit(tensor(data), net, lr=0.01, steps=steps, seed=size.seed, device=size.device)
    return job if known is None else replace(job, problem=replace(job.problem, weight=tensor(known)))


def _draw(made: Mapping[str, Made]) -> NDArray:
    return labels.stack(*(_plane(kind, m) for kind, m in made.items()))


def _plane(kind: str, made: Made) -> NDArray:
    across, up, apart = (made.curves[name] for name in ("across", "up", "apart"))
    noise, data, best = kind == "noise", float(made.pictures["data"][0]), int(np.argmin(apart))
    low, high = (min(*across, 0.0), max(*across, data)), (min(*up, 0.0), max(up))
    (left, right), (bottom, top) = (((a - 0.1 * (b - a) - 1e-3), (b + 0.1 * (b - a) + 1e-3)) for a, b in (low, high))
    between = max(right - left, top - bottom) / 9
    levels: list[tuple[list[float], list[float]]]
    if noise:
        turn, end = np.linspace(0, 2 * np.pi, 200), (data, 0.0)
        rings = [between * i for i in range(1, 12)]
        levels = [([data + r * float(np.cos(a)) for a in turn], [r * float(np.sin(a)) for a in turn]) for r in rings]
        title = "Noise: the energy is the squared distance from y, and the truth lies on its slope"
        names = "from the truth toward y, RMS", "toward the first iterate, RMS"
    else:
        end, levels = (0.0, up[0]), [([between * i] * 2, [bottom, top]) for i in range(-10, 11)]
        title = "Missing pixels: the energy is 0 along a valley, and the truth lies somewhere in it"
        names = "known pixels, RMS", "missing pixels, RMS"

    def at(steps: list[int]) -> tuple[list[float], list[float]]:
        return [across[i] for i in steps], [up[i] for i in steps]

    nearest = f"nearest, step {best + 1}" if best < 0.9 * len(apart) else ""  # no room for both
    named = [nearest, f"end, step {len(apart)}"]
    some = sorted({round(i) - 1 for i in np.geomspace(1, len(apart), 120)})  # its later steps go to and fro
    curves = [Curve("" if i else "equal energy", x, y, colour=LEVELS) for i, (x, y) in enumerate(levels)]
    curves += [
        Curve("pixels, no network", [across[0], end[0]], [up[0], end[1]], "dashes", colour=STRAIGHT),
        Curve("network", *at(some), "line", (), PATH),
        Curve("", *at([best, len(apart) - 1]), "dots", named, PATH),
        Curve("", [0.0], [0.0], "dots", ["truth"], TRUTH),
    ]
    curves += [Curve("", [data], [0.0], "dots", ["y"], STRAIGHT)] if noise else []
    axes = Axis(names[0], low=left, high=right), Axis(names[1], low=bottom, high=top)
    return plot(curves, *axes, title=title, size=(900, 460))


FIGURES = (
    Figure(
        "landscape",
        "IJCV 2020",
        "The energy over a plane of pictures, and the way of a run across it",
        "Two real runs, laid on a plane through their own pictures. The truth is not the minimum of the energy: "
        "with noise that is the noisy picture, with missing pixels a whole valley. Descent over pixels goes "
        "straight to the wrong place; descent over the weights of a network bends toward the truth, passes it, and "
        "with noise goes on to y, so that it has to be stopped.",
        _panels,
        _draw,
    ),
)
