"""Pictures for truth.py: real pairs, drawn patterns, documents, and simulated cameras, detectors and scans.

Patterns are what measuring takes for noise: they repeat, have hardly a flat part, or consist of black.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage import data as samples

from untaught.noise import simulate
from untaught.noise.simulate.detectors import FAR

SEED = 0
LETTERS = "The quick brown fox jumps over the lazy dog, 0123456789. "

PIPELINES = (
    "sensor:iso=800",
    "sensor:iso=3200",
    "sensor:iso=12800,demosaic=bilinear",
    "sensor:iso=6400,quality=75",
    "sensor:iso=6400,chroma=4:4:4,quality=98",
    "sensor:iso=6400,quality=none,sharpen=0",
    "phone",
    "phone:chroma=0.12,luma=0.08,size=2",
    "film",
    "film:amount=0.1,size=1.5,colour=0",
    "halftone",
    "halftone:period=3,blur=1",
    "line-scan",
    "banding",
    "white:sigma=0.06",
)
COUNTED = (
    "counts:photons=1",
    "counts:photons=10",
    "counts:photons=100",
    "counts:photons=1000",
    "counts:photons=30,offset=0",
    "scmos",
    "scmos:photons=50,row=3",
    "emccd",
    "emccd:photons=100",
)


@dataclass(frozen=True, eq=False)
class Case:
    """group, picture, noise: its name. made: (noisy, truth). told: what a method may be told of the noise, if it can be."""

    group: str
    picture: str
    noise: str
    made: Callable[[], tuple[NDArray, NDArray]]
    told: dict[str, Any] = field(default_factory=dict)


def cases(data: Path, side: int) -> Iterator[Case]:
    """All of them; what is drawn or simulated is side x side, real pairs are whole."""
    yield from _real(data)
    drawn = {name: np.rint(255 * np.clip(x, 0, 1)).astype(np.uint8) for name, x in patterns(side).items()}
    for name, clean in drawn.items():
        for sigma in (10, 25):
            yield simulated("pattern", name, clean, f"white:sigma={sigma / 255:.4f}")
        if name == "object on black":  # as it was cut out of a noisy picture: black without noise
            yield _cut_out(clean, 25 / 255)
    pages = {"page": middle(samples.page(), side), "text": middle(samples.text(), side), "small text": drawn["text"]}
    for name, clean in pages.items():
        for noise in ("white:sigma=0.06", "sensor:iso=3200", "film", "line-scan"):
            yield simulated("document", name, clean, noise)
    pictures = {name: middle(picture, side) for name, picture in photos(data).items()}
    yield from _each("simulated", pictures, PIPELINES, 3)
    for name, clean in textures(data).items():
        for noise in ("white:sigma=0.0314", "sensor:iso=3200", "film"):
            yield simulated("texture", name, middle(clean, side), noise)
    grey = {name: np.rint(picture @ [0.299, 0.587, 0.114]).astype(np.uint8) for name, picture in pictures.items()}
    yield from _each("detector", grey | {"black": drawn["object on black"][..., 0]}, COUNTED, 2)


def _each(group: str, pictures: dict[str, NDArray], noises: tuple[str, ...], count: int) -> Iterator[Case]:
    """Every noise on the next `count` pictures."""
    turn = cycle(pictures.items())
    for noise in noises:
        for name, clean in islice(turn, count):
            yield simulated(group, name, clean, noise)


def simulated(group: str, name: str, clean: NDArray, noise: str) -> Case:
    pipeline = simulate.pipeline(noise)
    return Case(group, name, noise, lambda: pipeline(clean, SEED), told(pipeline))


def _cut_out(clean: NDArray, sigma: float) -> Case:
    def made() -> tuple[NDArray, NDArray]:
        noisy, truth = simulate.White(sigma)(clean, SEED)
        return noisy * (clean.max(2, keepdims=True) > 0), truth

    return Case("pattern", "object cut out", f"white:sigma={sigma:.4f}", made, {"sigma": sigma})


def told(pipeline: simulate.Simulation) -> dict[str, Any]:
    """What `denoise` can be told of this noise; nothing where it has no words for it."""
    match simulate.text(pipeline).partition(":")[0], pipeline:
        case "white", simulate.White(sigma=sigma):
            return {"sigma": sigma}
        case "counts", _ if not pipeline.offset and not pipeline.read:
            return {"noise": "poisson", "gain": pipeline.photons * (1 + FAR / math.sqrt(pipeline.photons))}
    return {}


def _real(data: Path) -> Iterator[Case]:
    pairs = [("polyu", f, f.with_name(f.name.replace("_real", "_mean"))) for f in data.glob("polyu/*_real.JPG")]
    pairs += [("fmd", f, data / "fmd" / "gt" / f.name) for f in data.glob("fmd/raw/*.png")]
    for name, truth in (("d600_iso3200_1", "mean"), ("phone", "clean")):
        if (noisy := data / "camera" / f"{name}_real.png").exists():
            pairs.append(("camera", noisy, noisy.with_name(f"{name}_{truth}.png")))
    for group, noisy, truth in sorted(pairs):
        made = lambda files=(noisy, truth): tuple(np.asarray(Image.open(file)) for file in files)  # noqa: E731
        yield Case(group, noisy.stem.removesuffix("_real"), "real", made)


def photos(data: Path) -> dict[str, NDArray]:
    found = {file.stem: np.asarray(Image.open(file).convert("RGB")) for file in sorted(data.glob("kodak/*.png"))}
    return found | {name: getattr(samples, name)() for name in ("astronaut", "coffee", "rocket", "chelsea")}


def textures(data: Path) -> dict[str, NDArray]:
    """Pictures that are texture nearly all over."""
    files = [data / name for name in ("kodak/kodim05.png", "kodak/kodim08.png", "set14/comic.bmp", "set14/zebra.bmp")]
    found = {file.stem: np.asarray(Image.open(file).convert("RGB")) for file in files if file.exists()}
    return found | {name: getattr(samples, name)() for name in ("grass", "gravel", "brick", "chelsea")}


def middle(picture: NDArray, side: int) -> NDArray:
    top, left = (max(0, (n - side) // 2) for n in picture.shape[:2])
    return picture[top : top + side, left : left + side]


def patterns(side: int) -> dict[str, NDArray]:
    """Pictures (side, side) and (side, side, 3) in [0, 1], by name."""
    rng = np.random.default_rng(SEED)
    y, x = np.indices((side, side))

    def blocks(size: int, values: NDArray) -> NDArray:
        return values[y // size % len(values), x // size % values.shape[1]]

    black = np.zeros((side, side, 3))
    disk = np.hypot(y - side / 2, x - side / 2) < side / 5
    black[disk] = (middle(samples.coffee(), side)[:side, :side] / 255)[disk]
    stars = np.zeros((side, side))
    stars[tuple(rng.integers(2, side - 2, (2, side // 3)))] = rng.uniform(0.2, 1, side // 3)
    photo = middle(samples.astronaut(), side) / 255
    hexagons = sum(np.cos(2 * np.pi / 9 * (x * math.cos(a) + y * math.sin(a))) for a in np.arange(3) * math.pi / 3)
    return {
        "fringes": 0.5 + 0.45 * np.sin(2 * np.pi * x / 6),
        "slanted fringes": 0.5 + 0.4 * np.sin(2 * np.pi * np.stack([x / 5 + y / 9, x / 7 - y / 5, y / 4], 2)),
        "checkerboard": blocks(8, np.array([[0.1, 0.9], [0.9, 0.1]])),
        "fine checkerboard": blocks(2, np.array([[0.2, 0.8], [0.8, 0.2]])),
        "QR code": blocks(5, rng.integers(0, 2, (side // 5 + 1, side // 5 + 1)).astype(float)),
        "bar code": np.broadcast_to(rng.integers(0, 2, side // 2 + 1)[x // 2], (side, side)).astype(float),
        "text": page(side, 9),
        "large text": page(side, 28),
        "lattice": 0.3 + 0.2 * hexagons,
        "one-pixel lines": np.where((x % 7 == 0) | (y % 11 == 0), 0.1, 0.9),
        "circles": 0.5 + 0.45 * np.sin(np.hypot(x - side / 2, y - side / 2) ** 2 / side),
        "object on black": black,
        "stars": np.minimum(1, stars),
        "an empty channel": photo * [1, 1, 0],
        "a cartoon": blocks(24, rng.random((side // 24 + 1, side // 24 + 1, 3))),
    }


def page(side: int, size: int) -> NDArray:
    """Black letters of that size on white."""
    font, sheet = ImageFont.load_default(size), Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(sheet)
    for line, top in enumerate(range(3, side, round(1.3 * size))):
        draw.text((4, top), (LETTERS[5 * line % 40 :] + 4 * LETTERS)[: side // 4], fill=0, font=font)
    return np.asarray(sheet) / 255
