"""The filling from similar patches alone, on the middles of pictures: dB by how much is missing, and processor seconds.

    python benchmarks/fillings.py DATA [--missing 0.5 0.7 0.9] [--pictures kodak/kodim05.png ...] [--colour] [--side 128]
        [--text | --strokes]

Masks are drawn with seed 0; --text: lines of letters in the place of single pixels. --strokes: nine
thin lines across the picture, as scratches are.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from untaught.bench.metrics import psnr
from untaught.classical.inpaint import RidgeFill
from untaught.studio.examples import scratches

PICTURES = (
    "inpaint11/house.png", "inpaint11/montage.png", "kodak/kodim05.png", "kodak/kodim19.png",
    "inpaint11/peppers256.png", "inpaint11/barbara.png", "kodak/kodim08.png", "kodak/kodim20.png", "kodak/kodim23.png",
    "set12/01.png", "set12/11.png",
)  # fmt: skip


def middle(path: Path, side: int, mode: str) -> NDArray:
    picture = np.asarray(Image.open(path).convert(mode))
    top, left = ((n - side) // 2 for n in picture.shape[:2])
    return picture[top : top + side, left : left + side]


def letters(side: int) -> NDArray:
    """What is known beside lines of letters, (side, side) bool."""
    page = Image.new("L", (side, side))
    for row in range(0, side, 22):
        text = "What was written over it is lost, and is to be found again"
        ImageDraw.Draw(page).text((3, row), text, fill=255, font=ImageFont.load_default(14))
    return np.asarray(page) < 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--missing", type=float, nargs="+", default=[0.5, 0.7, 0.9])
    parser.add_argument("--pictures", nargs="+", default=PICTURES)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--colour", action="store_true")
    parser.add_argument("--text", action="store_true")
    parser.add_argument("--strokes", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("picture,missing,psnr,cpu_seconds")
    for missing in [0.0] if options.text or options.strokes else options.missing:
        for name in options.pictures:
            clean = middle(options.data / name, options.side, "RGB" if options.colour else "L")
            drawn = np.random.default_rng(0).random(clean.shape[:2]) >= missing
            seen = letters(options.side) if options.text else drawn
            if options.strokes:
                seen = ~scratches(clean.shape[:2], np.random.default_rng(0))
            x = torch.from_numpy(np.atleast_3d(clean).astype(np.float32) / 255).movedim(2, 0)[None]
            known = torch.from_numpy(seen.astype(np.float32)).expand_as(x).contiguous()
            begun = time.process_time()
            made = RidgeFill()(x * known, known)
            taken = time.process_time() - begun
            result = np.rint(255 * made[0].movedim(0, 2).clamp(0, 1).numpy()).astype(np.uint8).reshape(clean.shape)
            print(
                Path(name).stem,
                f"{1 - seen.mean():.2f}",
                f"{psnr(result, clean):.2f}",
                f"{taken:.1f}",
                sep=",",
                flush=True,
            )


if __name__ == "__main__":
    main()
