"""How much of scratches `untaught mask --find scratches` finds, and what it marks besides.

    python benchmarks/scratches.py DATA

Six bent scratches are drawn into the middle of each picture, of 1 to 3 pixels and six shades, twice; then a JPEG of quality 90 is
made of that, noise of 5/255 added, or the scratch drawn with a soft rim. Limits were chosen on the first half. found: of the
scratch, where it changed the picture by more than 25/255; besides: of the picture, more than 3 pixels away; clean: of the picture
without any.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage import data as samples
from truth_cases import middle

from untaught.io.proposals import propose
from untaught.studio.examples import make

SIDE = 256
CHOOSING = (
    "kodak/kodim05",
    "kodak/kodim19",
    "kodak/kodim23",
    "set9/image_F16_512rgb",
    "set12/04",
    "astronaut",
    "coffee",
)
JUDGING = (
    "kodak/kodim08", "kodak/kodim20", "set14/zebra", "set14/monarch", "set14/comic", "set5/baby_GT", "set5/bird_GT",
    "set9/image_Peppers512rgb", "set9/image_House256rgb", "set12/01", "set12/09", "chelsea", "rocket",
)  # fmt: skip
SHADES = (235, 20, 255, 60, 200, 128)
KINDS = ("as drawn", "JPEG 90", "noise 5", "soft rim")


def picture(data: Path, name: str) -> NDArray:
    if "/" in name:
        (file,) = data.glob(f"{name}.*")
        return middle(np.asarray(Image.open(file).convert("RGB")), SIDE)
    return middle(getattr(samples, name)(), SIDE)


def drawn(shape: tuple[int, ...], width: int, rng: np.random.Generator) -> NDArray:
    """Six bent lines, most of them upright, as a boolean picture."""
    paper = Image.new("L", shape[1::-1])
    for _ in range(6):
        lies = rng.random() < 0.4
        long, wide = (shape[1], shape[0]) if lies else shape[:2]
        at, angle, points = rng.uniform(0, wide), rng.normal(0, 0.35), []
        for along in range(int(rng.uniform(-40, long / 2)), int(rng.uniform(long / 2, long + 40)), 6):
            points.append((along, at) if lies else (at, along))
            angle += rng.normal(0, 0.06)
            at += 6 * np.tan(np.clip(angle, -1, 1))
        ImageDraw.Draw(paper).line(points, fill=255, width=width)
    return np.asarray(paper) > 0


def scratched(clean: NDArray, where: NDArray, shade: int, kind: str) -> NDArray:
    share = ndimage.gaussian_filter(where.astype(float), 0.6) if kind == "soft rim" else where.astype(float)
    made = np.uint8(np.rint(clean + share[..., None] * (shade - clean.astype(float))))
    if kind == "JPEG 90":
        Image.fromarray(made).save(out := io.BytesIO(), "JPEG", quality=90)
        return np.asarray(Image.open(out))
    noise = 5 * np.random.default_rng(1).standard_normal(made.shape) if kind == "noise 5" else 0
    return np.uint8(np.clip(np.rint(made + noise), 0, 255))


def scores(clean: NDArray, damaged: NDArray, where: NDArray) -> tuple[float, float]:
    found = propose(damaged, "scratches")
    seen = where & (np.abs(damaged.astype(float) - clean).mean(-1) > 25)
    near = ndimage.binary_dilation(where, np.ones((7, 7), bool))
    return float(found[seen].mean()), float((found & ~near).mean())


def rows(data: Path, names: tuple[str, ...], kind: str) -> Iterator[tuple[float, float]]:
    for i in range(2 * len(names)):
        clean, rng = picture(data, names[i // 2]), np.random.default_rng(100 + i)
        where = drawn(clean.shape, 1 + i % 3, rng)
        yield scores(clean, scratched(clean, where, SHADES[i % 6], kind), where)


def main() -> None:
    data = Path(sys.argv[1])
    print("| pictures | scratches | found | besides | clean |\n|---|---|---|---|---|")
    made = make("scratches")
    page = np.asarray(Image.open(io.BytesIO(made.data)))
    where = np.asarray(Image.open(io.BytesIO(made.mask or b""))) > 127
    found, besides = scores(np.zeros_like(page), page, where)
    print(f"| the page's example | as drawn | {found:.0%} | {besides:.2%} | |", flush=True)
    for half, names in (("choosing", CHOOSING), ("judging", JUDGING)):
        clean = np.mean([propose(picture(data, name), "scratches").mean() for name in names])
        for kind in KINDS:
            found, besides = np.mean(list(rows(data, names, kind)), axis=0)
            print(f"| {half} | {kind} | {found:.0%} | {besides:.2%} | {clean:.2%} |", flush=True)


if __name__ == "__main__":
    main()
