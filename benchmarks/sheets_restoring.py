"""The contact sheets of dejpeg, enhance and flash: docs/images/*.jpg. Made anew in some minutes on two cores.

python benchmarks/sheets_restoring.py DATA [--only dejpeg] [--out docs/images]

DATA holds kodak/ and dip/ (see the benchmarks' README); only pictures that may be shown are used.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import untaught
from untaught.bench.comparisons.dejpeg import encoded
from untaught.bench.metrics import psnr
from untaught.reports.labels import grid
from untaught.solver.loop import Run


def read(path: Path, box: tuple[int, int, int, int] | None = None) -> NDArray:
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB").crop(box) if box else file.convert("RGB"))


def dejpeg(data: Path) -> NDArray:
    """Crops of Kodak photos at quality 10: clean, decoder, ours."""
    rows, names = [], []
    for name, box in (
        ("kodim23", (128, 104, 296, 232)),
        ("kodim19", (184, 320, 352, 448)),
    ):
        clean = read(data / "kodak" / f"{name}.png", box)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "photo.jpg"
            path.write_bytes(encoded(clean, 10))
            shown, ours = read(path), untaught.dejpeg(path)
        rows.append([clean, shown, ours])
        names.append(name)
        print(f"dejpeg {name}: decoder {psnr(shown, clean):.2f}, ours {psnr(ours, clean):.2f} dB", flush=True)
    return grid(
        rows,
        names=names,
        columns=("clean", "JPEG, quality 10, as decoded", "untaught dejpeg"),
        caption="Crops of Kodak photos, saved by Pillow (4:2:0), restored from the files' coefficients.",
    )


def enhance(data: Path) -> NDArray:
    """One run on a Kodak photo: the base at three moments, and what it gives at amount 1."""
    clean = read(data / "kodak" / "kodim08.png", (200, 100, 440, 260))
    from untaught.tasks.enhance.presets import MOMENTS

    job = untaught.enhance.job(clean, detail="fine")
    shown = {"the photo": (None, clean)}
    for iterate in Run(job):
        for name, moment in MOMENTS.items():
            if iterate.step == moment:
                base = iterate.x[0].permute(1, 2, 0).numpy().clip(0, 1)
                shown[f"{name}: step {moment}"] = (base, job.result(iterate.x))
                print(f"enhance {name}", flush=True)
    return grid(
        [[base for base, _ in shown.values()], [result for _, result in shown.values()]],
        columns=tuple(shown),
        caption="Above what the network has drawn of the photo, below the photo plus what that lacks (amount 1).",
    )


def flash(data: Path) -> NDArray:
    """The authors' cave: without flash, with flash, and the first cleaned with the help of the second."""
    folder = data / "dip" / "flash_no_flash"
    dark, bright = read(folder / "cave01_01_noflash.jpg"), read(folder / "cave01_00_flash.jpg")
    small = [np.asarray(Image.fromarray(p).resize((258, 235), Image.Resampling.LANCZOS)) for p in (dark, bright)]
    result = untaught.flash(small[0], flash=small[1])
    print("flash", small[0].mean((0, 1)), result.mean((0, 1)), flush=True)
    return grid(
        [[small[0], small[1], result]],
        columns=("without flash", "with flash", "untaught flash"),
        caption="The pair of the Deep Image Prior paper at a third of its size.",
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--only")
    options = parser.parse_args()
    for make in (dejpeg, enhance, flash):
        if options.only in (None, make.__name__):
            Image.fromarray(make(options.data)).save(options.out / f"{make.__name__}.jpg", quality=88)


if __name__ == "__main__":
    main()
