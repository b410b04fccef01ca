"""Ten object-sized holes, 20 to 60 pixels wide, cut into known pictures: PSNR in the hole and LPIPS about it.

python benchmarks/holes.py DATA [--presets fast,balanced] [--csv holes.csv] [--sheet holes.jpg]

Where each hole lies, and its outline, are drawn from the number of the case before anything was filled; each picture is the
256 x 256 pixels about its hole. LPIPS (AlexNet) is taken on the hole's bounding box and 16 pixels around. Telea's method needs
opencv-python-headless, and is left out without it.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import untaught
from untaught.bench.comparisons.inpaint import BASELINES
from untaught.bench.metrics import lpips, psnr
from untaught.reports.labels import grid

SIDE = 256
PICTURES = (
    "kodak/kodim05.png", "kodak/kodim08.png", "kodak/kodim19.png", "kodak/kodim20.png", "kodak/kodim23.png",
    "set14/zebra.bmp", "set14/monarch.bmp", "dip/inpainting/vase.png", "dip/inpainting/library.png", "photos/dragonfly.bmp",
)  # fmt: skip
SHOWN = ("kodim05", "kodim08", "kodim19", "kodim20", "kodim23", "vase", "library")  # those that may be shown


@dataclass(frozen=True)
class Hole:
    """A clean picture (256, 256, 3) of 8 bit, and what is missing of it, (256, 256) bool."""

    name: str
    width: int
    clean: NDArray
    fill: NDArray

    def scores(self, made: NDArray, weights: Path) -> tuple[float, float]:
        """(PSNR over the missing values, LPIPS about the hole)."""
        rows, cols = (np.flatnonzero(self.fill.any(axis)) for axis in (1, 0))
        about = tuple(slice(max(0, v[0] - 16), v[-1] + 17) for v in (rows, cols))
        seen = lpips(_atleast(made[about]), _atleast(self.clean[about]), weights=weights)
        return psnr(made[self.fill], self.clean[self.fill]), seen


def _atleast(part: NDArray, side: int = 64) -> NDArray:
    """Mirrored outwards where LPIPS would not take it."""
    more = [(0, max(0, side - n)) for n in part.shape[:2]]
    return np.pad(part, [*more, (0, 0)], mode="symmetric")


def holes(data: Path) -> Iterator[Hole]:
    """The ten cases, always the same."""
    for number, (name, width) in enumerate(zip(PICTURES, np.linspace(20, 60, len(PICTURES)), strict=True)):
        draw = np.random.default_rng(number)
        with Image.open(data / name) as file:
            whole = np.asarray(file.convert("RGB"))
        at = [int(draw.integers(0, n - SIDE + 1)) for n in whole.shape[:2]]
        clean = whole[at[0] : at[0] + SIDE, at[1] : at[1] + SIDE]
        yield Hole(Path(name).stem, round(width), clean, blob(draw, width))


def blob(draw: np.random.Generator, width: float) -> NDArray:
    """A smooth outline of that mean width about the middle of the picture, up to 1.5 times as high as wide, or as wide as high."""
    middle = draw.uniform(0.4, 0.6, 2) * SIDE
    stretch = draw.uniform(1, 1.5) ** draw.choice([-0.5, 0.5])
    y, x = np.mgrid[:SIDE, :SIDE] - middle[:, None, None]
    y, x = y * stretch, x / stretch
    angle = np.arctan2(y, x)
    wave = sum(draw.uniform(0, 0.3) / k * np.cos(k * angle + draw.uniform(0, 2 * np.pi)) for k in (2, 3, 4, 5))
    return np.hypot(y, x) < width / 2 * (1 + wave)


def methods(presets: list[str]) -> dict[str, Callable[[Hole], NDArray]]:
    def classic(fill: Callable[[NDArray, NDArray], NDArray]) -> Callable[[Hole], NDArray]:
        return lambda hole: np.rint(255 * np.clip(fill(hole.clean / 255, ~hole.fill), 0, 1)).astype(np.uint8)

    def preset(name: str) -> Callable[[Hole], NDArray]:
        return lambda hole: untaught.inpaint(hole.clean, mask=hole.fill, preset=name)

    some = {name: BASELINES[name] for name in ("biharmonic", "telea") if BASELINES[name].missing is None}
    return {**{name: classic(one.run) for name, one in some.items()}, **{name: preset(name) for name in presets}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--presets", default="fast")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--only", help="cases by name, with commas between")
    options = parser.parse_args()
    todo = methods([p for p in options.presets.split(",") if p])
    rows, sheet, names = [], [], []
    for hole in holes(options.data):
        if options.only and hole.name not in options.only.split(","):
            continue
        shown = [np.where(hole.fill[..., None], 255, hole.clean).astype(np.uint8)]
        for name, fill in todo.items():
            begun = time.process_time()
            made = fill(hole)
            taken = time.process_time() - begun
            near, seen = hole.scores(made, options.data / "weights")
            rows.append((hole.name, hole.width, name, f"{near:.2f}", f"{seen:.4f}", f"{taken:.1f}"))
            print(*rows[-1], flush=True)
            shown.append(made)
        if hole.name in SHOWN:
            sheet.append([p[64:192, 64:192] for p in (*shown, hole.clean)])
            names.append(hole.name)
    for name in todo:
        near, seen, taken = np.mean([[float(v) for v in row[3:]] for row in rows if row[2] == name], axis=0)
        print(f"# {name}: {near:.2f} dB, LPIPS {seen:.4f}, {taken:.1f} processor seconds")
    if options.csv:
        with options.csv.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(
                [("picture", "width", "method", "psnr", "lpips", "cpu_seconds"), *rows]
            )
    if options.sheet:
        made = grid(
            sheet,
            names=names,
            columns=("given", *todo, "original"),
            caption="The middle 128 x 128 pixels of 256 x 256, holes 20 to 56 pixels wide.",
        )
        Image.fromarray(made).save(options.sheet, quality=78)


if __name__ == "__main__":
    main()
