"""The filters of large pictures beside what stood there before: PSNR and time.

    OMP_NUM_THREADS=1 python benchmarks/guides.py DATA [--side 384] [--grey] [--steps]

Middles of Kodak photos at their own sharpness, four put together, and of some that were enlarged, as pixels of a large photo are
softer; noise of 10 and 25 grey levels, cut off at black and white; each way's PSNR and the processor's seconds a megapixel.
--steps: what a network with the quick guides makes of them, 600 steps, too (minutes).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

import untaught
from untaught.bench.metrics import psnr
from untaught.classical.denoise.lichi import LARGE, LARGER, QUICK
from untaught.classical.denoise.nl_ridge import Tiled
from untaught.core.geometry import box
from untaught.problem.likelihoods import ClippedGaussian
from untaught.tasks.denoise import presets

WAYS = {"the sparse ridge (before)": Tiled(), "LARGE": LARGE, "LARGER": LARGER, "QUICK, of small pictures": QUICK}
ENLARGED = (("kodim23", 8), ("kodim20", 4), ("kodim05", 3), ("kodim08", 2), ("kodim19", 2))


def middle(path: Path, factor: int, side: int) -> NDArray[np.uint8]:
    photo = Image.open(path).convert("RGB")
    photo = photo.resize((factor * photo.width, factor * photo.height), Image.Resampling.BICUBIC)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    return np.asarray(photo.crop((left, top, left + side, top + side)))


def scenes(folder: Path, side: int) -> dict[str, NDArray[np.uint8]]:
    a, b, c, d = (middle(folder / f"kodim{n}.png", 1, side // 2) for n in ("05", "08", "19", "23"))
    made = {"four, as they are": np.vstack([np.hstack([a, b]), np.hstack([c, d])])}
    return made | {f"{name}, {factor} times": middle(folder / f"{name}.png", factor, side) for name, factor in ENLARGED}


def tensor(picture: NDArray) -> Tensor:
    return torch.from_numpy(np.atleast_3d(picture)).movedim(2, 0)[None].float() / 255


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--side", type=int, default=384)
    parser.add_argument("--grey", action="store_true")
    parser.add_argument("--steps", action="store_true")
    args = parser.parse_args()
    for name, scene in scenes(args.data / "kodak", args.side).items():
        clean = scene.mean(2).round() if args.grey else scene.astype(float)
        for level in (10, 25):
            noise = np.random.default_rng(0).normal(0, level, clean.shape)
            noisy = np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)
            y, likelihood, found = tensor(noisy), ClippedGaussian(level / 255), []
            deviation = likelihood.deviation(box(y, 2))
            for way, denoiser in WAYS.items():
                begun = time.process_time()
                x = likelihood.unbias(denoiser(y, deviation))
                seconds = (time.process_time() - begun) / (args.side**2 / 1e6)
                made = np.clip(np.rint(255 * x[0].movedim(0, 2).numpy()), 0, 255).reshape(clean.shape)
                found.append(f"{way} {psnr(made / 255, clean / 255):.2f} ({seconds:.1f} s)")
            if args.steps:
                presets.LARGE = 1
                with torch.enable_grad():
                    made = untaught.denoise(noisy, sigma=level / 255, preset="fast", steps=600)
                found.append(f"network {psnr(made / 255, clean / 255):.2f}")
            print(f"| {name} | {level} | {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    main()
