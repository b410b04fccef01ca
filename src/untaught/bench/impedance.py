"""How hard a network resists: the loss of fitting a picture, the picture with noise, its pixels shuffled, white noise.

Ulyanov, Vedaldi and Lempitsky 2018, figure 2: all four are fitted in the end, but the natural picture long before the noise.
That difference is the whole prior. The trajectory (PSNR against a reference, step by step) shows what follows from it: a
noisy picture is first restored and then spoilt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from untaught.bench._pixels import array, fit, tensor
from untaught.bench.metrics import psnr
from untaught.core.errors import BadInput, unknown
from untaught.io import arrays
from untaught.reports import labels
from untaught.reports.plot import Axis, Curve, plot

if TYPE_CHECKING:
    from untaught.solver.iterate import Iterate
    from untaught.solver.stage import Job

NETWORKS = {"narrow": 32, "paper": 128}
"""Channels of each of the five levels of the paper's hourglass."""
PICTURE, NOISY, SHUFFLED, WHITE = "picture", "picture + noise", "shuffled pixels", "white noise"
START = 1.4
"""The plot ends here: above 1 the network has only its brightness still to find."""


@dataclass(frozen=True, eq=False)
class Target:
    """What is fitted, floats in [0, 1], (h, w) or (h, w, 3); reference: what the trajectory is measured against, or None."""

    name: str
    pixels: NDArray
    reference: NDArray | None = None

    @property
    def variance(self) -> float:
        """The mean square error of the best constant picture: what the loss is measured in."""
        axes = tuple(range(2))
        return float(np.mean(np.var(self.pixels, axis=axes)))


@dataclass
class Trace:
    """What a run left behind, a number for every step; `look` is its watcher. psnr: of the network, and of the average."""

    target: Target
    mean_square: list[float] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)
    psnr_average: list[float] = field(default_factory=list)

    def look(self, iterate: Iterate) -> None:
        self.mean_square.append(iterate.fit)
        truth = self.target.reference
        if truth is not None:
            assert iterate.x is not None
            self.psnr.append(psnr(array(iterate.x, truth), truth))
            self.psnr_average.append(psnr(array(iterate.average(), truth), truth))

    @property
    def relative(self) -> list[float]:
        return [value / self.target.variance for value in self.mean_square]

    def reached(self, share: float) -> int | None:
        """The first step at which no more than this share of the variance is left, or None."""
        return next((i + 1 for i, value in enumerate(self.relative) if value <= share), None)


def reduced(pixels: NDArray, size: int) -> NDArray:
    """The picture as floats in [0, 1] with at most `size` pixels a side: the means of what each pixel covers."""
    from PIL import Image

    x = pixels.astype(np.float32) / arrays.full_scale(pixels)
    if pixels.dtype.kind == "f":
        offset, gain = arrays.units(pixels)
        x = ((pixels - offset) / gain).clip(0, 1).astype(np.float32)
    height, width = x.shape[:2]
    if max(height, width) <= size:
        return x
    to = tuple(max(1, round(n * size / max(height, width))) for n in (width, height))
    channels = x[..., None] if x.ndim == 2 else x
    small = [np.asarray(Image.fromarray(c).resize(to, Image.Resampling.BOX)) for c in np.moveaxis(channels, -1, 0)]
    return np.stack(small, axis=-1).reshape(*small[0].shape, *x.shape[2:])


def targets(picture: NDArray, *, sigma: float, seed: int, reference: NDArray | None = None) -> list[Target]:
    """The four of the paper. picture: floats in [0, 1]. sigma: of the noise of the second, clipped to [0, 1].

    The shuffled picture moves whole pixels, so that its colours stay; the white noise is uniform on [0, 1].
    The second has the picture itself as its reference.
    """
    rng = np.random.default_rng(seed)
    noisy = np.clip(picture + rng.normal(0, sigma, picture.shape), 0, 1)
    pixels = picture.reshape(-1, *picture.shape[2:])
    shuffled = pixels[rng.permutation(len(pixels))].reshape(picture.shape)
    return [
        Target(PICTURE, picture, reference),
        Target(NOISY, noisy, picture),
        Target(SHUFFLED, shuffled),
        Target(WHITE, rng.random(picture.shape)),
    ]


def job(target: Target, *, network: str, steps: int, seed: int, device: str = "cpu", lr: float = 0.01) -> Job:
    """Fit the target by its mean square error with the paper's denoising hourglass, whose code stays what it is."""
    from untaught.prior.networks.hourglass import Hourglass

    if network not in NETWORKS:
        raise unknown("network", network, NETWORKS)
    net = Hourglass((NETWORKS[network],) * 5)
    return fit(tensor(target.pixels), net, lr=lr, steps=steps, seed=seed, device=device)


def check(picture: NDArray, reference: NDArray | None, *, network: str, size: int, steps: int, sigma: float) -> None:
    """Refuse before the work what would come to nothing."""
    if network not in NETWORKS:
        raise unknown("network", network, NETWORKS)
    for name, value in (("size", size), ("steps", steps)):
        if value < 1:
            raise BadInput(f"--{name} {value} leaves nothing to fit: give 1 or more.")
    if not 0 < sigma <= 1:
        raise BadInput(f"sigma = {sigma:g} is no fraction of full scale above 0: did you mean {sigma:g}/255?")
    arrays.take(picture)
    if reference is not None and reference.shape != picture.shape:
        shapes = [" x ".join(map(str, a.shape)) for a in (reference, picture)]
        raise BadInput(f"The reference is {shapes[0]}, the picture {shapes[1]}: both must be of one size and channels.")
    small = reduced(picture, size)
    if not np.var(small, axis=(0, 1)).any():
        raise BadInput(f"Reduced to {size} pixels the picture is one flat colour: give a larger --size.")


def figure(traces: Sequence[Trace], caption: str) -> NDArray:
    """The loss curves, beneath them the trajectories, beneath them what was fitted. (h, w, 3) uint8."""
    steps = [range(1, len(t.mean_square) + 1) for t in traces]
    panels = [
        plot(
            [Curve(t.target.name, s, t.relative) for t, s in zip(traces, steps, strict=True)],
            Axis("step", log=True),
            Axis("mean square error / variance", low=0.0, high=START),
            title="Loss of fitting",
        )
    ]
    tracked = [(i, t, s) for i, (t, s) in enumerate(zip(traces, steps, strict=True)) if t.psnr]
    if tracked:
        curves = []
        for i, t, s in tracked:
            curves.append(Curve(f"{t.target.name} (network)", s, t.psnr, "dashes", colour=i + 4))
            curves.append(Curve(f"{t.target.name} (average)", s, t.psnr_average, colour=i))
            best = int(np.argmax(t.psnr_average))
            peak = f"{t.psnr_average[best]:.1f} dB at {best + 1}"
            curves.append(Curve("", [best + 1], [t.psnr_average[best]], "dots", names=[peak], colour=i))
        title = "Trajectory: PSNR against the clean picture"
        panels.append(plot(curves, Axis("step", log=True), Axis("PSNR (dB)"), title=title))
    cells = [t.target.pixels for t in traces]
    panels.append(labels.grid([cells], columns=[t.target.name for t in traces], caption=caption, least=128, wide=760))
    return labels.stack(*panels)


def said(traces: Sequence[Trace]) -> list[str]:
    """The curves in sentences: when each target was fitted by half and by nine tenths; where each trajectory peaked."""
    lines = []
    for t in traces:
        at = [t.reached(share) for share in (0.5, 0.1)]
        parts = [
            f"{word} of its variance at step {step}" if step else f"not {word} of its variance"
            for word, step in zip(("half", "nine tenths"), at, strict=True)
        ]
        lines.append(f"{t.target.name}: fitted {', '.join(parts)}; {t.relative[-1]:.3g} of it left in the end.")
        if t.psnr_average:
            best = int(np.argmax(t.psnr_average))
            lines.append(
                f"{t.target.name}: the average reached {t.psnr_average[best]:.2f} dB at step {best + 1} and ended at "
                f"{t.psnr_average[-1]:.2f} dB (the best step is known from the reference alone)."
            )
    return lines


@dataclass(frozen=True)
class StepOfFit:
    """relative: to the variance of the target. psnr: of the network, and of the average; None without a reference."""

    target: str
    step: int
    mean_square: float
    relative: float
    psnr: float | None
    psnr_average: float | None


def rows(traces: Sequence[Trace]) -> Iterator[StepOfFit]:
    """One for each target and step, to the digits that say something."""
    for t in traces:
        for i, values in enumerate(zip(t.mean_square, t.relative, strict=True)):
            scores = (round(t.psnr[i], 3), round(t.psnr_average[i], 3)) if t.psnr else (None, None)
            yield StepOfFit(t.target.name, i + 1, *(float(f"{v:.6g}") for v in values), *scores)
