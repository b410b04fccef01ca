"""Dark photos with a guide: `flash` beside `denoise` of the dark photo alone, in dB, on simulated pairs.

python benchmarks/guided.py DATA [--side 256] [--noise 10] [--pictures kodim08,kodim19] [--presets fast]

The dark photo is the picture at 0.3 of its light, warmer, with normal noise, in 8 bits; "jpeg" the same as a JPEG of quality 85.
The guide is the same picture with the light of a flash: it falls off to the corners, has a reflection (255) and a shadow (0.35)
that the dark photo has not, noise of 2, and is a JPEG of quality 90. "another" is a guide that shows another picture.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import untaught
from untaught.bench.metrics import psnr

PICTURES = ("kodim05", "kodim08", "kodim19", "kodim20", "kodim23")


def opened(data: Path, name: str, side: int) -> NDArray:
    """The middle of a picture, (side, side, 3), floats from 0 to 255."""
    picture = np.asarray(Image.open(data / "kodak" / f"{name}.png").convert("RGB")).astype(float)
    rows, cols = ((n - side) // 2 for n in picture.shape[:2])
    return picture[rows : rows + side, cols : cols + side]


def whole(values: NDArray) -> NDArray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def jpeg(pixels: NDArray, quality: int) -> NDArray:
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "JPEG", quality=quality)
    return np.asarray(Image.open(held))


def lit(picture: NDArray, draw: np.random.Generator) -> NDArray:
    """The same with flash."""
    y, x = np.mgrid[-1 : 1 : picture.shape[0] * 1j, -1 : 1 : picture.shape[1] * 1j]
    light = 0.9 * picture * (1.15 - 0.25 * (x**2 + y**2))[..., None] + 6
    light[(x - 0.3) ** 2 + (y + 0.3) ** 2 < 0.06] = 255
    light[(x > -0.6) & (x < -0.34) & (y > 0) & (y < 0.6)] *= 0.35
    return jpeg(whole(light + draw.normal(0, 2, light.shape)), 90)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("data", type=Path)
    ask.add_argument("--side", type=int, default=256)
    ask.add_argument("--noise", type=float, default=10)
    ask.add_argument("--pictures", type=lambda v: v.split(","), default=PICTURES)
    ask.add_argument("--presets", type=lambda v: v.split(","), default=["fast"])
    told = ask.parse_args()
    pictures = {name: opened(told.data, name, told.side) for name in told.pictures}
    presets = [f"flash {preset}, {guide}" for preset in told.presets for guide in ("its scene", "another")]
    print("| picture | dark | denoise instant | denoise fast |", " | ".join(presets), "| seconds |")
    print("|---|" + "---|" * (4 + len(presets)))
    for i, (name, clean) in enumerate(pictures.items()):
        draw = np.random.default_rng(i)
        truth = whole(0.3 * clean * [1.15, 0.95, 0.7])
        noisy = whole(0.3 * clean * [1.15, 0.95, 0.7] + draw.normal(0, told.noise, clean.shape))
        guides = lit(clean, draw), lit(list(pictures.values())[i - 1], draw)
        for kind, dark in {"": noisy, ", jpeg": jpeg(noisy, 85)}.items():
            alone = [untaught.denoise(dark, preset=preset) for preset in ("instant", "fast")]
            begun = time.perf_counter()
            made = [untaught.flash(dark, flash=g, align=False, preset=p) for p in told.presets for g in guides]
            each = (time.perf_counter() - begun) / len(made)
            scores = " | ".join(f"{psnr(v, truth):.2f}" for v in (dark, *alone, *made))
            print(f"| {name}{kind} | {scores} | {each:.0f} |", flush=True)


if __name__ == "__main__":
    main()
