"""What each pass of the non-local ridge gives, and in which time: middles of 256 x 256, published noise of 25/255.

    python benchmarks/ridge.py DATA [--pictures F16 House Peppers kodim03]

A pass is written patch/group/window/stride; the first has no pilot, each other one takes what was found before. The filter is told
sigma and nothing of the clipping.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from untaught.bench.metrics import psnr
from untaught.classical.denoise.matching import Pass
from untaught.classical.denoise.nl_ridge import NonLocalRidge

SIGMA, SIDE = 25 / 255, 256
PICTURES = {
    "F16": ("image_F16_512rgb", "F16"),
    "House": ("image_House256rgb", "House"),
    "Peppers": ("image_Peppers512rgb", "peppers"),
    "kodim03": ("kodim03", "kodim03"),
}
CHAINS = (
    "7/16/25/4 5/64/25/4",
    "7/16/25/5 5/128/25/5",
    "7/16/25/5 5/128/25/5 5/192/35/5",
    "7/16/25/5 5/128/25/5 5/256/35/5",
    "7/16/25/5 5/128/25/5 5/256/35/4",
    "7/16/25/5 5/128/25/5 5/384/45/5",
    "7/16/25/5 5/128/25/5 7/256/35/7",
    "7/16/25/5 5/128/25/5 7/256/35/7 5/256/35/5",
)


def middle(path: Path) -> NDArray:
    picture = np.asarray(Image.open(path).convert("RGB"))
    top, left = ((n - SIDE) // 2 for n in picture.shape[:2])
    return picture[top : top + SIDE, left : left + SIDE]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pictures", nargs="+", choices=PICTURES, default=list(PICTURES))
    options = parser.parse_args()
    print(f"# {torch.get_num_threads()} threads, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")
    print("passes", *options.pictures, "seconds", sep=",")
    for chain in CHAINS:
        first, *then = (Pass(*map(int, one.split("/"))) for one in chain.split())
        ridge, found, seconds = NonLocalRidge(first, tuple(then)), [], 0.0
        for name in options.pictures:
            clean, noisy = (f"set9/{PICTURES[name][0]}.png", f"published/{PICTURES[name][1]}_sigma25.png")
            y = torch.from_numpy(middle(options.data / noisy).astype(np.float32) / 255).movedim(-1, 0)[None]
            begun = time.perf_counter()
            x = ridge(y, torch.tensor(SIGMA))
            seconds += time.perf_counter() - begun
            result = np.rint(255 * x[0].movedim(0, -1).clamp(0, 1).numpy()).astype(np.uint8)
            found.append(f"{psnr(result, middle(options.data / clean)):.2f}")
        print(chain, *found, f"{seconds / len(found):.1f}", sep=",", flush=True)


if __name__ == "__main__":
    main()
