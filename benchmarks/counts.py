"""Counts over an offset, points of light and signals, with known truth and nothing given: figures of docs/science.md.

python benchmarks/counts.py DATA counts PRESET SIDE   # offset 100, gain 2, reading 3, 3 photons a pixel: found, and told everything
python benchmarks/counts.py DATA micrographs SIDE     # the nine of fmd/ whose neighbours share no noise, `instant`
python benchmarks/counts.py DATA stars PRESET         # 30 to 100 high over noise of 11: median flux over the true one, eight draws
python benchmarks/counts.py DATA signals PRESET SAMPLES
python benchmarks/counts.py DATA classics PRESET      # Donoho and Johnstone's, and a heart's, noise of 0.07
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import untaught

PICTURES = (
    "set12/01.png",
    "set12/09.png",
    "set12/04.png",
    "fmd/gt/Confocal_BPAE_B_1.png",
    "fmd/gt/TwoPhoton_BPAE_B_1.png",
)


def middle(path: Path, side: int) -> NDArray:
    a = np.asarray(Image.open(path).convert("L"), float)
    i, j = ((n - side) // 2 for n in a.shape)
    return a[i : i + side, j : j + side]


def decibels(x: NDArray, truth: NDArray, span: float) -> float:
    return float(10 * np.log10(span**2 / np.mean((x - truth) ** 2)))


def counts(folder: Path, preset: str, side: str) -> None:
    for name in PICTURES:
        photo, rng = middle(folder / name, int(side)), np.random.default_rng(0)
        light = 3 * photo / photo.mean()
        y, truth = 100 + 2 * rng.poisson(light) + 3 * rng.normal(size=light.shape), 100 + 2 * light
        for said, given in (("nothing", {}), ("all", {"dark": 100, "gain": 0.5, "read_noise": 3})):
            x = untaught.denoise(y, preset=preset, **given)
            flux = 100 * ((x - y).sum() / (y - 100).sum())
            print(
                f"{name}, {said} given: {decibels(x, truth, float(np.ptp(truth))):.2f} dB, flux {flux:+.2f} %",
                flush=True,
            )


def micrographs(folder: Path, side: str) -> None:
    gains = []
    for path in sorted((folder / "fmd" / "raw").glob("[CT]*.png")):
        y, truth = middle(path, int(side)).astype(np.uint8), middle(folder / "fmd" / "gt" / path.name, int(side))
        x = untaught.denoise(y, preset="instant")
        gains.append(decibels(x, truth, 255))
        print(f"{path.stem}: {decibels(y, truth, 255):.2f} -> {gains[-1]:.2f} dB", flush=True)
    print(f"mean: {np.mean(gains):.2f} dB")


def stars(folder: Path, preset: str) -> None:
    at = np.mgrid[:160, :160]
    for width in (0.64, 0.85, 1.1, 1.7):
        kept: list[float] = []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            places, high = rng.uniform(6, 154, (70, 2)), rng.uniform(30, 100, 70)
            apart = [((at - place[:, None, None]) ** 2).sum(0) for place in places]
            light = sum(h * np.exp(-d / (2 * width**2)) for h, d in zip(high, apart, strict=True))
            x = untaught.denoise(200 + light + 11 * rng.normal(size=light.shape), preset=preset) - 200
            alone = [k for k, place in enumerate(places) if np.sort(np.hypot(*(places - place).T))[1] > 9]
            kept += [x[apart[k] <= 16].sum() / light[apart[k] <= 16].sum() for k in alone]
        print(f"{2.355 * width:.1f} pixels wide: {100 * np.median(kept):.1f} % of the flux in the median", flush=True)


def sequences(n: int) -> Iterator[tuple[str, NDArray, float]]:
    """(name, truth, deviation of the noise)."""
    t, rng = np.arange(n) / n, np.random.default_rng(3)
    yield "sine", np.sin(6 * np.pi * t), 0.3
    lines: Any = zip(rng.uniform(0.2, 1, 14), rng.uniform(0, 1, 14), rng.uniform(0.001, 0.01, 14), strict=True)
    spectrum = sum(a / (1 + ((t - c) / w) ** 2) for a, c, w in lines)
    yield "spectrum", spectrum / spectrum.max(), 0.05
    yield "steps", np.repeat(rng.uniform(0, 1, 20), n // 20), 0.1
    yield "chirp", np.sin(200 * t**3), 0.2
    yield "doppler", np.sqrt(t * (1 - t)) * np.sin(2 * np.pi * 1.05 / (t + 0.05)), 0.1
    beats: Any = ((1, 0.5, 0.01), (0.2, 0.3, 0.03), (0.3, 0.75, 0.05))
    yield "beats", sum(a * np.exp(-(((t * 20) % 1 - c) ** 2) / (2 * w * w)) for a, c, w in beats), 0.1


def signals(folder: Path, preset: str, samples: str) -> None:
    for name, truth, sigma in sequences(int(samples)):
        y = truth + sigma * np.random.default_rng(0).normal(size=len(truth))
        x = untaught.denoise(y, preset=preset)
        print(
            f"{name}: {decibels(y, truth, float(np.ptp(truth))):.2f} -> {decibels(x, truth, float(np.ptp(truth))):.2f} dB"
        )


def classics(folder: Path, preset: str) -> None:
    import pywt

    heart = pywt.data.ecg()[:1024].astype(float)
    names = ("Blocks", "Bumps", "HeaviSine", "Doppler", "LinChirp", "Piece-Polynomial")
    for name, x in [*((n, pywt.data.demo_signal(n, 2048)) for n in names), ("heart", heart)]:
        truth = (x - x.min()) / np.ptp(x)
        y = truth + 0.07 * np.random.default_rng(0).normal(size=len(truth))
        print(f"{name}: {decibels(y, truth, 1):.2f} -> {decibels(untaught.denoise(y, preset=preset), truth, 1):.2f} dB")


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"counts": counts, "micrographs": micrographs, "stars": stars, "signals": signals, "classics": classics}[
        sys.argv[2]
    ](Path(sys.argv[1]), *sys.argv[3:])
