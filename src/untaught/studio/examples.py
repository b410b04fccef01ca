"""Pictures to try it with, made on the spot from the samples that come with scikit-image."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.studio.messages import ExampleMade

EXAMPLES: dict[str, tuple[str, str]] = {
    "grain": ("grain", "denoise"),
    "scratches": ("scratches", "inpaint"),
    "small": ("too small", "upscale"),
    "blocks": ("JPEG blocks", "dejpeg"),
    "flat": ("little detail", "enhance"),
}
"""name: (words, the task that it is for); those whose task is not there are not offered, and three at most are."""


def make(name: str) -> ExampleMade:
    """The picture of that name, and the mask of its damage where it has one."""
    from skimage import data

    cat = data.chelsea()[10:290, 85:365]
    rng = np.random.default_rng(7)
    mask = None
    if name == "grain":
        noisy = np.clip(cat / 255 + rng.normal(0, 25 / 255, cat.shape), 0, 1)
        return ExampleMade(png(np.rint(255 * noisy).astype(np.uint8)))
    if name == "small":
        from PIL import Image as Pillow

        face = Pillow.fromarray(data.astronaut()[10:266, 96:352])
        return ExampleMade(png(np.asarray(face.resize((96, 96), Pillow.Resampling.BICUBIC))))
    if name == "blocks":
        return ExampleMade(encode(data.coffee()[60:340, 140:460], "JPEG", quality=12))
    if name == "scratches":
        picture = data.astronaut()[14:222, 112:320].copy()
        mask = scratches(picture.shape[:2], rng)
        picture[mask] = 235
        return ExampleMade(png(picture), png((255 * mask).astype(np.uint8)))
    return ExampleMade(png(data.coffee()[60:340, 140:460]))


def scratches(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray:
    """Nine bent lines of two or three pixels, as a boolean picture."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    height, width = shape
    paper = Pillow.new("L", (width, height), 0)
    pen = ImageDraw.Draw(paper)
    for _ in range(9):
        x, angle = rng.uniform(0, width), rng.normal(0, 0.35)
        points = []
        for y in range(int(rng.uniform(-40, height / 2)), int(rng.uniform(height / 2, height + 40)), 6):
            points.append((x, y))
            angle += rng.normal(0, 0.08)
            x += 6 * np.tan(np.clip(angle, -1, 1))
        pen.line(points, fill=255, width=int(rng.integers(2, 4)))
    return np.asarray(paper) > 0


def png(pixels: NDArray) -> bytes:
    return encode(pixels, "PNG")


def encode(pixels: NDArray, kind: str, **how: Any) -> bytes:
    from PIL import Image as Pillow

    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, kind, **how)
    return out.getvalue()
