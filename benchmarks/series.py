"""Frames along time beside each frame alone: PSNR and flicker.

    python benchmarks/series.py DATA
    python benchmarks/series.py DATA --still PRESET   # five frames of one scene beside one, noise of 25/255

Seven frames of 96 x 96, cut out of a photograph along a straight line, with a square that moves the other way; white noise of
15/255. Flicker: the deviation of what changes from frame to frame and not in the scene, in grey levels.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import shift

import untaught

COUNT, SIDE, SIGMA = 7, 96, 15
CLIPS = (
    ("set12/01.png", 1.3),
    ("set12/09.png", 0.4),
    ("set12/04.png", 3.1),
    ("kodak/kodim23.png", 0.6),
    ("kodak/kodim05.png", 0.0),
)


def clip(path: Path, speed: float) -> tuple[NDArray, NDArray]:
    """(clean, noisy): (frames, h, w) or (frames, h, w, 3) of float and uint8."""
    whole = np.asarray(Image.open(path)).astype(float)
    frames = []
    for t in range(COUNT):
        y, x = 20 + speed * 0.5 * t, 30 + speed * t
        cut = whole[int(y) : int(y) + SIDE + 2, int(x) : int(x) + SIDE + 2]
        part = (int(y) - y, int(x) - x) + (0,) * (cut.ndim - 2)
        frame = shift(cut, part, order=3, mode="nearest")[:SIDE, :SIDE]
        frame[30:62, 10 + 3 * t : 42 + 3 * t] = whole[90:122, 150:182]
        frames.append(frame)
    clean = np.clip(np.stack(frames), 0, 255)
    noise = np.random.default_rng(0).normal(0, SIGMA, clean.shape)
    return clean, np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


def still(folder: Path, preset: str) -> None:
    for name in ("set12/01.png", "set12/04.png", "set12/09.png", "fmd/gt/Confocal_BPAE_B_1.png"):
        scene = np.asarray(Image.open(folder / name).convert("L")).astype(float)[60:156, 60:156]
        frames = scene + np.random.default_rng(0).normal(0, 25, (5, *scene.shape))

        def quality(x: NDArray, scene: NDArray = scene) -> float:
            return float(10 * np.log10(255**2 / ((x - scene) ** 2).mean()))

        one = quality(untaught.denoise(frames[2], preset=preset))
        together = quality(untaught.denoise(frames, along="time", preset=preset)[2])
        print(f"| {name} | {one:.2f} | {together:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--still")
    asked = parser.parse_args()
    if asked.still:
        still(asked.data, asked.still)
        return
    ways: dict[str, Callable[[NDArray], NDArray]] = {
        "each alone, `instant`": lambda y: np.stack([untaught.denoise(f, preset="instant") for f in y]),
        "along time, `instant`": lambda y: untaught.denoise(y, along="time", preset="instant"),
        "along time, `fast`": lambda y: untaught.denoise(y, along="time"),
        "along time, `best`": lambda y: untaught.denoise(y, along="time", preset="best"),
    }
    for name, speed in CLIPS:
        clean, noisy = clip(asked.data / name, speed)
        for way, make in ways.items():
            begun = time.perf_counter()
            error = make(noisy).astype(float) - clean
            taken = time.perf_counter() - begun
            quality = 10 * np.log10(255**2 / (error**2).mean())
            print(
                f"| {name}, {speed} pixels a frame | {way} | {quality:.2f} | {np.diff(error, axis=0).std():.2f} | {taken:.1f} s |",
                flush=True,
            )


if __name__ == "__main__":
    main()
