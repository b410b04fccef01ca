"""The contact sheets docs/images/upscale.jpg and deblur.jpg, made anew: python benchmarks/sheets_resolution.py DATA [NAME ...]

DATA holds kodak/ (free for any use). Crops of 192 x 192 pixels; every figure is of the cell that it stands above.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import untaught
from untaught.core.registry import comparisons
from untaught.reports.labels import grid

OUT = Path(__file__).parents[1] / "docs" / "images"
CROPS = {"kodim19": (230, 120), "kodim23": (60, 180)}  # top, left
SIDE = 192


def crops(folder: Path, into: Path) -> list[Path]:
    paths = []
    for name, (top, left) in CROPS.items():
        picture = np.asarray(Image.open(folder / "kodak" / f"{name}.png").convert("RGB"))
        Image.fromarray(picture[top : top + SIDE, left : left + SIDE]).save(into / f"{name}.png")
        paths.append(into / f"{name}.png")
    return paths


def sheet(task: str, paths: list[Path], options: dict[str, object], methods: tuple[str, ...], title: str) -> NDArray:
    """A row for each crop: the input, what each method made of it, the clean picture."""
    compare, rows, heads = comparisons.get(task), [], None
    for case in compare.cases(paths, options):
        given = case.input(0)
        shown = {compare.start: compare.show(given, case)}
        for method in methods:
            if method in compare.baselines:
                shown[method] = compare.run(compare.baselines[method], given, {**case.told, "clean": case.clean})
            else:
                shown[f"untaught {method}"] = getattr(untaught, task)(given, **case.told, preset=method)
        figures = [compare.score(v, case.clean)[0] for v in shown.values()]
        rows.append(([*shown.values(), case.clean], figures))
        heads = [*shown, "clean"]
        print(task, case.name, *(f"{n} {f:.2f}" for n, f in zip(shown, figures, strict=True)), flush=True)
    assert heads is not None
    means = np.mean([f for _, f in rows], 0)
    columns = [f"{n}\n{m:.2f} dB" for n, m in zip(heads, means, strict=False)] + ["clean"]
    return grid([r for r, _ in rows], columns=columns, title=title, caption="PSNR: the mean over the rows.")


SHEETS = {
    "upscale": (
        {"factor": 4.0},
        ("bicubic", "tv", "fast"),
        "x4; small pictures by Pillow's LANCZOS, 8 bit; PSNR of the luminance",
    ),
    "deblur": (
        {"kernel": "gauss:1.6", "sigma": 2 / 255},
        ("tv-best", "fast"),
        "gauss:1.6, noise of 2/255, 8 bit; PSNR over RGB, 16 pixels of the border left out",
    ),
}

if __name__ == "__main__":
    data, names = Path(sys.argv[1]), sys.argv[2:] or list(SHEETS)
    with tempfile.TemporaryDirectory() as temporary:
        paths = crops(data, Path(temporary))
        for name in names:
            options, methods, title = SHEETS[name]
            picture = sheet(name, paths, dict(options), methods, title)
            Image.fromarray(picture).save(OUT / f"{name}.jpg", quality=88)
