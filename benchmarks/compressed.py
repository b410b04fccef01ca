"""What a blurred JPEG is worth, by the noise that is assumed of it.

    python benchmarks/compressed.py DATA [choosing | judging]

The middle 128 x 128 pixels, blurred, and saved as JPEG of quality 95 and 75. A row: what the JPEG lost, of 255 (`jpeg.rounding`) |
PSNR blurred | restored by `fast` with the kernel known, as an array, whose table is found again | the same, the noise taken as 1, 2
and 3 times what was lost; 12 pixels of the border cut. The truth is used for the figures alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from truth_cases import middle

import untaught
from untaught.bench.metrics import psnr
from untaught.io.images import read
from untaught.io.images.jpeg import rounding
from untaught.problem.operators.kernels import named

SIDE, AROUND, BORDER = 128, 16, 12
TIMES = (1, 2, 3)
CASES = {
    "choosing": ("gauss:1.6", ("kodak/kodim23", "set9/image_House256rgb", "kodak/kodim19", "set9/image_F16_512rgb")),
    "judging": ("disk:3", ("set14/monarch", "set5/bird_GT", "set14/comic", "set5/baby_GT")),
}


def score(x: NDArray, clean: NDArray) -> float:
    inner = (slice(BORDER, -BORDER),) * 2
    return float(psnr(x[inner] / 255, clean[inner] / 255))


def row(path: Path, kernel: str, quality: int, jpeg: Path) -> list[float]:
    weights = named(kernel).numpy()
    wide = middle(np.asarray(Image.open(path).convert("RGB")), SIDE + 2 * AROUND)
    clean = wide[AROUND:-AROUND, AROUND:-AROUND]
    soft = ndimage.convolve(wide.astype(float), weights[..., None] / weights.sum())[AROUND:-AROUND, AROUND:-AROUND]
    Image.fromarray(np.uint8(np.clip(np.rint(soft), 0, 255))).save(jpeg, quality=quality)
    given = read(jpeg)
    lost = rounding(given) / 255
    plain = untaught.deblur(given.pixels, kernel=kernel)  # an array, that was a JPEG
    told = [untaught.deblur(given.pixels, kernel=kernel, sigma=k * lost) for k in TIMES]
    return [255 * lost, *(score(x, clean) for x in (given.pixels, plain, *told))]


def main(data: Path, *which: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for part in which or tuple(CASES):
            kernel, names = CASES[part]
            rows = []
            for name in names:
                (path,) = data.glob(f"{name}.*")
                for quality in (95, 75):
                    rows.append(row(path, kernel, quality, Path(folder) / "soft.jpg"))
                    print(
                        f"| {path.stem}, {kernel}, {quality} |",
                        " | ".join(f"{v:.2f}" for v in rows[-1]),
                        "|",
                        flush=True,
                    )
            print(f"| mean of {part} |", " | ".join(f"{v:.2f}" for v in np.mean(rows, 0)), "|", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
