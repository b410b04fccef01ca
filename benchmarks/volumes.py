"""Volumes with noise of 0.1 and their known truth: figures of docs/benchmarks/volumes.md.

python benchmarks/volumes.py DATA presets PRESET ...   # the whole program, seconds of one thread; `gaussian`: the best width
python benchmarks/volumes.py DATA coarse               # blocks, and each slice alone, where slices lie 1, 2, 3 or 6 samples apart
python benchmarks/volumes.py DATA noise                # what the noise of ten volumes is read as, over what it is
python benchmarks/volumes.py DATA cubes WAY ...        # 96 x 96 pixels, 31 bands: a preset, or `each` band for itself by `instant`

A preset with a plus (fast+) is told the noise. Cubes: `mixed` of five materials of smooth spectra, whose shares are photographs,
under a shading that makes it of no low rank; `filters`, a colour photograph as 31 overlapping filters see it (rank 3); `pines`, 31
of the bands of Indian Pines (AVIRIS), where the package `tensorly` is installed, which has noise of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image
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


def made(y: NDArray, preset: str, axes: str, sigma: float) -> NDArray:
    told = {"sigma": sigma} if preset.endswith("+") else {}
    found: NDArray = untaught.denoise(y, axes=axes, preset=preset.rstrip("+"), **told)
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
                found = decibels(bm4d(y) if preset == "bm4d" else made(y, preset, "ZYX", SIGMA), truth)
            print(f"    {preset} {found:.2f} dB, {time.process_time() - start:.1f} s", flush=True)


def coarse(folder: Path) -> None:
    deviation = torch.tensor(SIGMA)

    def by(filtered: Callable[..., torch.Tensor], y: NDArray) -> NDArray:
        with torch.no_grad():
            return filtered(torch.from_numpy(y).float()[None, None], deviation)[0, 0].numpy()

    for apart in (1, 2, 3, 6):
        for name, truth in (
            ("bodies", bodies((24 * apart, 48, 48), 0)[::apart]),
            ("clouds", smooth((24 * apart, 48, 48), 2)[::apart]),
        ):
            y = noisy(truth)
            slices = np.stack([by(QUICK, part) for part in y])
            print(
                f"{name}, slices {apart} samples apart: blocks {decibels(by(Blocks(), y), truth):.2f}, "
                f"each slice alone {decibels(slices, truth):.2f} dB",
                flush=True,
            )


def noise(folder: Path) -> None:
    rng, shape = np.random.default_rng(5), (24, 48, 48)
    more = [("bodies", bodies(shape, k)) for k in (3, 4)]
    more += [("veins", (smooth(shape, k) > np.median(smooth(shape, k))).astype(float)) for k in (3, 4)]
    more += [("texture", ndimage.gaussian_filter(rng.normal(size=shape), 1)) for _ in range(2)]
    read = []
    for name, truth in (*volumes(folder), *more):
        y = noisy((truth - truth.min()) / np.ptp(truth))
        job = untaught.denoise.job(y, axes="ZYX", preset="instant")
        read.append(job.problem.likelihood.level * job.finish.scale[1] / SIGMA)
        print(f"{name}: {read[-1]:.3f}", flush=True)
    print(f"mean {np.mean(read):.3f}, of nine in ten at most {np.quantile(read, 0.9):.3f}")


def cubes(folder: Path, *names: str) -> None:
    for (name, truth), sigma in product(spectra(folder), (0.05, 25 / 255, 0.1)):
        y = truth + sigma * np.random.default_rng(0).normal(size=truth.shape)
        print(f"{name}, noise {sigma:.3f}: {decibels(y, truth):.2f}", flush=True)
        for way in names:
            start = time.process_time()
            if way.startswith("each"):
                x = np.stack(
                    [made(band, way.replace("each", "instant"), "YX", sigma) for band in np.moveaxis(y, -1, 0)], -1
                )
            else:
                x = made(y, way, "YXC", sigma)
            print(f"    {way} {decibels(x, truth):.2f} dB, {time.process_time() - start:.1f} s", flush=True)


def spectra(folder: Path) -> Iterator[tuple[str, NDArray]]:
    rng, at = np.random.default_rng(0), np.linspace(0, 1, 31)

    def part(name: str, mode: str, top: int, left: int) -> NDArray:
        return np.asarray(Image.open(folder / name).convert(mode), float)[top : top + 96, left : left + 96] / 255

    photos = ("kodak/kodim08.png", "kodak/kodim05.png", "set12/04.png", "kodak/kodim20.png", "set12/11.png")
    shares = np.stack([part(photo, "L", 100, 100) for photo in photos], -1)
    bumps = [[(rng.uniform(0.2, 1), rng.uniform(), rng.uniform(0.08, 0.3)) for _ in range(3)] for _ in photos]
    cube = shares @ np.stack([sum(a * np.exp(-(((at - m) / w) ** 2) / 2) for a, m, w in three) for three in bumps])
    shade = ndimage.gaussian_filter(rng.normal(size=(96, 96)), 8)
    yield (
        "mixed",
        np.clip((cube / cube.max() * (1 + 0.2 * shade / np.abs(shade).max())[..., None]) ** (1 + 0.1 * at), 0, 1),
    )
    seen = np.stack([np.exp(-(((400 + 300 * at - m) / 45) ** 2) / 2) for m in (610, 545, 460)])
    yield "filters", part("kodak/kodim23.png", "RGB", 150, 150) @ seen / seen.sum(0).max()
    try:
        from tensorly import datasets
    except ImportError:
        return
    pines = np.asarray(datasets.load_indian_pines().tensor, float)[20:116, 20:116, :186:6]
    yield "pines", (pines - pines.min()) / np.ptp(pines)


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"presets": presets, "coarse": coarse, "noise": noise, "cubes": cubes}[sys.argv[2]](
        Path(sys.argv[1]), *sys.argv[3:]
    )
