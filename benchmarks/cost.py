"""How seconds and memory of `denoise` grow with the picture: squares of one photo, each restored in a process of its own.

python benchmarks/cost.py DATA OUT.csv [--preset fast] [--sigma 25/255] [--sizes 128 256 512 1024 2048] [--steps N] [--photo FILE]

Squares up to the photo's shorter side are cut from its middle; larger ones are that middle, enlarged (bicubic); the noise comes
in after that. Seconds are those of the restoration, without the start of the process and without reading the file; memory is the
largest that the process held. A row is written as soon as it is measured, and rows that are there are not measured again: another
machine, or number of threads, gets another file. A plot is drawn beside the CSV (OUT.png), and the exponents of seconds and memory
are printed: 1 is in proportion to the pixels.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from untaught.bench.cases import draw

FIELDS = ["preset", "sigma", "steps", "threads", "size", "seconds", "peak MB"]


def square(photo: Image.Image, size: int) -> NDArray:
    """(size, size, 3), uint8: the middle of the photo, enlarged where it is smaller."""
    side = min(size, *photo.size)
    left, top = ((n - side) // 2 for n in photo.size)
    middle = photo.convert("RGB").crop((left, top, left + side, top + side))
    return np.asarray(middle if side == size else middle.resize((size, size), Image.Resampling.BICUBIC))


def restore(file: Path, preset: str, sigma: float, steps: int | None) -> None:
    """The child: as the command does it; prints what it took."""
    import torch

    import untaught
    from untaught.bench.bench import peak
    from untaught.core.allocator import keep_memory
    from untaught.io import images

    keep_memory()
    picture = images.read(file).pixels
    begun = time.perf_counter()
    job = untaught.denoise.job(picture, preset=preset, sigma=sigma, steps=steps)
    job.result(untaught.solve(job).x)
    seconds = time.perf_counter() - begun
    print(
        json.dumps(
            {"seconds": round(seconds, 3), "peak MB": round(peak() / 2**20, 1), "threads": torch.get_num_threads()}
        )
    )


def measured(picture: NDArray, options: argparse.Namespace) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "noisy.png"
        Image.fromarray(picture).save(file, compress_level=1)
        words = [
            sys.executable,
            __file__,
            str(file),
            "-",
            "--child",
            "--preset",
            options.preset,
            "--sigma",
            options.sigma,
        ]
        if options.steps:
            words += ["--steps", str(options.steps)]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def rows(file: Path, options: argparse.Namespace) -> dict[int, tuple[float, float]]:
    """(seconds, MB) by size, of this preset, sigma and number of steps."""
    if not file.exists():
        return {}
    asked = (options.preset, options.sigma, str(options.steps or ""))
    with file.open(newline="") as lines:
        found = [r for r in csv.DictReader(lines) if (r["preset"], r["sigma"], r["steps"]) == asked]
    return {int(r["size"]): (float(r["seconds"]), float(r["peak MB"])) for r in found}


def exponent(sizes: list[int], values: list[float]) -> float:
    """p of values ~ pixels^p, by least squares of the logarithms."""
    return float(np.polyfit(np.log([n * n for n in sizes]), np.log(values), 1)[0])


def figure(found: dict[int, tuple[float, float]], title: str, target: Path) -> None:
    from untaught.reports.labels import stack
    from untaught.reports.plot import Axis, Curve, plot

    sizes = sorted(found)
    pixels = [float(n * n) for n in sizes]
    middle = len(sizes) // 2
    panels = []
    for i, label in enumerate(("seconds", "peak memory, MB")):
        values = [found[n][i] for n in sizes]
        line = [values[middle] * p / pixels[middle] for p in pixels]
        p = exponent(sizes, values)
        print(f"{label}: in proportion to pixels^{p:.2f}, {sizes[0]} to {sizes[-1]} a side")
        names = [str(n) for n in sizes]
        curves = [
            Curve("measured", pixels, values, "both", names),
            Curve("proportional", pixels, line, "dashes", colour=6),
        ]
        upward = Axis(label, log=True, high=1.5 * max(*values, *line))  # the names stand above their dots
        panels.append(plot(curves, Axis("pixels", log=True), upward, title=f"{title}: {label}"))
    Image.fromarray(stack(*panels)).save(target, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--sigma", default="25/255")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256, 512, 1024, 2048])
    parser.add_argument("--steps", type=int, help="instead of the preset's own")
    parser.add_argument("--photo", default="photos/cat_720p.jpg", help="in DATA")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sigma = float(Fraction(options.sigma))
    if options.child:
        return restore(options.data, options.preset, sigma, options.steps)
    photo = Image.open(options.data / options.photo)
    for size in options.sizes:
        found = rows(options.out, options)
        if size not in found:
            new = measured(draw(square(photo, size), sigma, 0), options)
            begins = not options.out.exists()
            with options.out.open("a", newline="") as file:
                writer = csv.DictWriter(file, FIELDS)
                if begins:
                    writer.writeheader()
                told = {"preset": options.preset, "sigma": options.sigma, "steps": options.steps or "", "size": size}
                writer.writerow({**told, **new})
            found[size] = (new["seconds"], new["peak MB"])
        print(f"{size} x {size}: {found[size][0]:.2f} s, {found[size][1]:.0f} MB", flush=True)
    if len(found) > 1:
        figure(found, f"denoise --preset {options.preset}, sigma {options.sigma}", options.out.with_suffix(".png"))
    return None


if __name__ == "__main__":
    main()
