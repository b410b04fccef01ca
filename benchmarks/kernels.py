"""Whether it is told from a small picture what made it smaller, and what that is worth.

    python benchmarks/kernels.py DATA [--pictures set5/bird_GT.bmp ...] [--factor 2] [--side 96] [--preset fast] [--no-decibels]

The middle of each picture is made smaller by Pillow's convention with every kernel and rounded to 8 bit. `found` is what `upscale`
makes of the small picture alone; then the PSNR (all channels, 4 pixels of the border left out) where it is told the true kernel,
where it is told none, and where lanczos3 is assumed.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import untaught
from untaught.bench.metrics import psnr
from untaught.classical.blind_kernel.shrunk import softness
from untaught.problem.operators.resample import Downsample

KERNELS = ("lanczos3", "bicubic", "box", "gauss:0.6", "gauss:1")
PICTURES = (
    "set5/butterfly_GT.bmp", "set14/comic.bmp", "set14/foreman.bmp", "kodak/kodim05.png", "kodak/kodim19.png", "set12/01.png",
    "set5/bird_GT.bmp", "set14/zebra.bmp", "set14/monarch.bmp", "kodak/kodim08.png", "kodak/kodim23.png", "set12/09.png",
    "set5/baby_GT.bmp", "kodak/kodim20.png", "set12/04.png", "set12/11.png", "inpaint11/house.png", "inpaint11/peppers256.png",
)  # fmt: skip


def tensor(picture: NDArray) -> torch.Tensor:
    return torch.from_numpy(np.atleast_3d(picture).astype(np.float32) / 255).movedim(2, 0)[None]


def smaller(picture: NDArray, factor: int, kernel: str) -> NDArray:
    space = picture.shape[:2]
    made = Downsample([n // factor for n in space], space, kernel)(tensor(picture))[0].movedim(0, 2).numpy()
    return np.rint(255 * made).clip(0, 255).astype(np.uint8).reshape(*made.shape[:2], *picture.shape[2:])


def middle(path: Path, side: int, factor: int) -> NDArray:
    picture = np.asarray(Image.open(path))
    height, width = (min(side * factor, n // factor * factor) for n in picture.shape[:2])
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return picture[top : top + height, left : left + width]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pictures", nargs="+", default=PICTURES)
    parser.add_argument("--kernels", nargs="+", default=KERNELS)
    parser.add_argument("--factor", type=int, default=2)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--no-decibels", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("picture,kernel,found" + ("" if options.no_decibels else ",told,estimated,assumed"))
    for name in options.pictures:
        clean = middle(options.data / name, options.side, options.factor)
        for kernel in options.kernels:
            small = smaller(clean, options.factor, kernel)
            found = softness(tensor(small), 1 / 255) or "lanczos3"

            @cache
            def score(told: str, small: NDArray = small, clean: NDArray = clean) -> float:
                large = untaught.upscale(small, factor=options.factor, kernel=told, preset=options.preset)
                return psnr(large[4:-4, 4:-4], clean[4:-4, 4:-4])

            decibels = [] if options.no_decibels else [f"{score(told):.2f}" for told in (kernel, found, "lanczos3")]
            print(Path(name).stem, kernel, found, *decibels, sep=",", flush=True)


if __name__ == "__main__":
    main()
