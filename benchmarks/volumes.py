"""Volumes with noise of 0.1 and their known truth: figures of docs/benchmarks/volumes.md.

python benchmarks/volumes.py DATA presets PRESET ...   # the whole program, seconds of one thread; `gaussian`: the best width
python benchmarks/volumes.py DATA coarse               # blocks, and each slice alone, where slices lie 1, 2, 3 or 6 samples apart
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from scipy import ndimage

import untaught
from untaught.classical.denoise.blocks import Blocks
from untaught.classical.denoise.lichi import QUICK

SIGMA = 0.1


def bodies(shape: tuple[int, ...], seed: int) -> NDArray:
    rng, at, made = np.random.default_rng(seed), np.indices(shape).astype(float), np.zeros(shape)
    for _ in range(20):
        middle, radii = rng.uniform(0, 1, 3) * shape, rng.uniform(0.1, 0.3, 3) * shape + 1
        made[sum(((a - m) / r) ** 2 for a, m, r in zip(at, middle, radii, strict=True)) < 1] = rng.uniform(0.3, 1)
    return made


def smooth(shape: tuple[int, ...], seed: int) -> NDArray:
    x = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2.5)
    return (x - x.min()) / np.ptp(x)


def volumes(folder: Path) -> Iterator[tuple[str, NDArray]]:
    nuclei = tifffile.imread(folder / "tiff16" / "stardist_img3d.tif").astype(float)
    yield "nuclei, 31 x 61 x 57", (nuclei - nuclei.min()) / np.ptp(nuclei)
    yield "bodies, 24 x 48 x 48", bodies((24, 48, 48), 0)
    veins = smooth((24, 48, 48), 1)
    yield "veins, 24 x 48 x 48", (veins > np.median(veins)).astype(float)
    yield "clouds, 24 x 48 x 48", smooth((24, 48, 48), 2)


def noisy(truth: NDArray) -> NDArray:
    made: NDArray = truth + SIGMA * np.random.default_rng(0).normal(size=truth.shape)
    return made


def decibels(x: Any, truth: NDArray) -> float:
    return float(-10 * np.log10(np.mean((np.asarray(x) - truth) ** 2)))


def gaussian(y: NDArray, truth: NDArray) -> float:
    return max(decibels(ndimage.gaussian_filter(y, s), truth) for s in np.arange(0.3, 2, 0.1))


def bm4d(y: NDArray) -> NDArray:
    """Of Tampere University, where it is installed: pip install bm4d."""
    import bm4d as package

    found: NDArray = package.bm4d(y, SIGMA)
    return found


def presets(folder: Path, *names: str) -> None:
    for name, truth in volumes(folder):
        y = noisy(truth)
        print(f"{name}: {decibels(y, truth):.2f}", flush=True)
        for preset in names:
            start = time.process_time()
            if preset == "gaussian":
                found = gaussian(y, truth)
            else:
                x = bm4d(y) if preset == "bm4d" else untaught.denoise(y, axes="ZYX", preset=preset)
                found = decibels(x, truth)
            print(f"    {preset} {found:.2f} dB, {time.process_time() - start:.1f} s", flush=True)


def coarse(folder: Path) -> None:
    deviation = torch.tensor(SIGMA)

    def made(filtered: Callable[..., torch.Tensor], y: NDArray) -> NDArray:
        with torch.no_grad():
            return filtered(torch.from_numpy(y).float()[None, None], deviation)[0, 0].numpy()

    for apart in (1, 2, 3, 6):
        for name, truth in (
            ("bodies", bodies((24 * apart, 48, 48), 0)[::apart]),
            ("clouds", smooth((24 * apart, 48, 48), 2)[::apart]),
        ):
            y = noisy(truth)
            slices = np.stack([made(QUICK, part) for part in y])
            print(
                f"{name}, slices {apart} samples apart: blocks {decibels(made(Blocks(), y), truth):.2f}, "
                f"each slice alone {decibels(slices, truth):.2f} dB",
                flush=True,
            )


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"presets": presets, "coarse": coarse}[sys.argv[2]](Path(sys.argv[1]), *sys.argv[3:])
