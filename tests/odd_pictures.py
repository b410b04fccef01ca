"""Small pieces of all kinds, of which a filter or a network has to make finite pictures within the range of the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untaught.classical.denoise.camera import Camera
from untaught.classical.denoise.lichi import LARGER
from untaught.classical.denoise.nl_ridge import SPARSE, NonLocalRidge, Quick, Tiled
from untaught.classical.denoise.nlm import NonLocalMeans
from untaught.classical.inpaint import Harmonic, RidgeFill
from untaught.core import registry
from untaught.io import arrays, gaps
from untaught.io.results import Layout

SIDES = (1, 2, 3, 4, 5, 7, 8, 12, 16, 24)
INTEGERS = ("uint8", "uint16", "int8", "int16", "int32", "int64", "uint32", "uint64")


def flat(rng: np.random.Generator, y: NDArray) -> NDArray:
    """Parts that are all of one value, with one pixel that differs."""
    y[:] = np.median(y)
    y.flat[int(rng.integers(y.size))] += 0.2
    return y


def copied(rng: np.random.Generator, y: NDArray) -> NDArray:
    """Patches that are exactly alike, whose products have no full rank."""
    return np.tile(y[:2, :2], (y.shape[0] // 2 + 1, y.shape[1] // 2 + 1, *[1] * (y.ndim - 2)))[
        : y.shape[0], : y.shape[1]
    ]


def saturated(rng: np.random.Generator, y: NDArray) -> NDArray:
    return np.clip(6 * (y - 0.5) + 0.5, 0, 1)


def stepped(rng: np.random.Generator, y: NDArray) -> NDArray:
    """As an 8 x 8 block of a strong JPEG leaves it: constant blocks, and ramps without noise."""
    return np.round(y * 3) / 3 + np.linspace(0, 1e-7, y.shape[1]).reshape(1, -1, *[1] * (y.ndim - 2))


def outlier(rng: np.random.Generator, y: NDArray) -> NDArray:
    y.flat[int(rng.integers(y.size))] = 10.0 ** rng.integers(1, 300)
    return y


def scaled(rng: np.random.Generator, y: NDArray) -> NDArray:
    """From denormal numbers to the largest."""
    return y * 10.0 ** rng.integers(-320, 299)


def moved(rng: np.random.Generator, y: NDArray) -> NDArray:
    """A little contrast on a large offset."""
    return y + 10.0 ** rng.integers(0, 14)


def wide(rng: np.random.Generator, y: NDArray) -> NDArray:
    """Many orders of magnitude in one picture."""
    return np.exp(rng.uniform(1, 60) * y)


def equal(rng: np.random.Generator, y: NDArray) -> NDArray:
    return np.repeat(y[..., :1], 3, -1) if y.ndim == 3 else y


def dark(rng: np.random.Generator, y: NDArray) -> NDArray:
    """Nearly all of it exactly 0."""
    return np.where(rng.random(y.shape) < 0.9, 0.0, y)


def plain(rng: np.random.Generator, y: NDArray) -> NDArray:
    return y


KINDS = (plain, flat, copied, saturated, stepped, outlier, scaled, moved, wide, equal, dark)


def piece(number: int, pictures: list[NDArray]) -> tuple[str, NDArray]:
    """(what it is, the piece) number so-and-so: cut from one of the pictures, (h, w, 3) in [0, 1], or drawn."""
    rng = np.random.default_rng(number)
    kind = KINDS[number % len(KINDS)]
    height, width = (int(rng.choice(SIDES)) for _ in range(2))
    if pictures and rng.random() < 0.7:
        whole = pictures[int(rng.integers(len(pictures)))]
        top, left = (int(rng.integers(max(1, n - m + 1))) for n, m in zip(whole.shape, (height, width), strict=False))
        y = whole[top : top + height, left : left + width].astype(np.float64)
    else:
        y = rng.random((height, width, 3))
    y = y + rng.choice([0, 0, 0.02, 0.1]) * rng.normal(size=y.shape)
    y = y if rng.random() < 0.6 else y[..., 1]
    y = kind(rng, np.ascontiguousarray(y))
    name = str(rng.choice([*INTEGERS, "float32", "float64", "float64", "float16"]))
    dtype = np.dtype(name)
    with np.errstate(all="ignore"):
        if dtype.kind in "ui":
            info = np.iinfo(dtype)
            span = float(min(info.max, 2**53))
            y = np.clip(np.nan_to_num(y) * (255 if name == "uint8" else span), info.min, span)
        else:
            y = np.clip(y, -np.finfo(dtype).max, np.finfo(dtype).max)
        y = y.astype(dtype)
    return f"{number}: {kind.__name__}, {name}, {y.shape}", y


def pieces(count: int, pictures: list[NDArray], first: int = 0) -> Iterator[tuple[str, NDArray]]:
    for number in range(first, first + count):
        yield piece(number, pictures)


def excess(result: NDArray, y: NDArray) -> float:
    """How far a result goes beyond the range of the data, in ranges of the data, or, where these are all alike, in their size;
    infinite where it is not finite."""
    with np.errstate(all="ignore"):
        z, y = (v.astype(np.longdouble) for v in (result, y))
        if not np.isfinite(z).all():
            return float("inf")
        low, high = y.min(), y.max()
        return float(max(low - z.min(), z.max() - high, 0) / max(high - low or abs(high), np.finfo(np.float64).tiny))


FILTERS: dict[str, Callable[[], Any]] = {
    "NonLocalMeans": NonLocalMeans,
    "coarse": lambda: NonLocalMeans(3.0, coarse=1.2),
    "strips": lambda: NonLocalMeans(strip=8),
    "NonLocalRidge": NonLocalRidge,
    "sparse": lambda: SPARSE,
    "Quick": Quick,
    "Tiled": lambda: Tiled(side=16),
    "large": lambda: replace(LARGER, pilot=replace(LARGER.pilot, side=16)),
    "Camera": lambda: Camera().filtered,
}
HIDDEN = {"Harmonic": Harmonic, "RidgeFill": RidgeFill}


def ways() -> Iterator[tuple[str, str]]:
    """("filter", its name) for every classic filter, and (task, preset) for every preset that takes any picture."""
    yield from (("filter", name) for name in (*FILTERS, *HIDDEN))
    for task in ("denoise", "inpaint", "deblur", "upscale", "dejpeg", "enhance", "flash"):
        for preset in registry.presets.get(task):
            if (task, preset) != ("dejpeg", "instant"):  # which works on the coefficients of a file
                yield task, preset


def through(way: tuple[str, str], y: NDArray, steps: int = 1) -> NDArray:
    """What becomes of a piece; `UntaughtError` where that is refused in a sentence."""
    kind, name = way
    if kind == "filter":
        return _filtered(name, y)
    last = y.ndim - 1 if y.ndim == 3 else None
    space = y.shape[:2]
    settings: dict[str, Any] = {
        "inpaint": {"mask": np.indices(space).sum(0) % 3 == 0},
        "deblur": {"kernel": np.ones((1, 3)) / 3},
        "upscale": {"factor": 2},
        "flash": {"flash": np.linspace(0, 1, y.shape[0] * y.shape[1]).reshape(space)},
    }.get(kind, {})
    return registry.tasks.get(kind)(y, preset=name, steps=steps, channel_axis=last, **settings)


def _filtered(name: str, y: NDArray) -> NDArray:
    """The filter alone, on data as a task hands them in."""
    axis = 2 if y.ndim == 3 else None
    gone, _ = gaps.unknown(y)
    plain = y if gone is None else gaps.bridged(y, gone, axis)
    array, axis = arrays.take(plain, axis)
    scale = arrays.units(array)
    data = arrays.tensor(array, axis, scale)
    if name in HIDDEN:
        known = (torch.arange(data[0, 0].numel()).view(data.shape[2:]) % 3 > 0).float().expand_as(data)
        found = HIDDEN[name]()(data, known)
    else:
        found = FILTERS[name]()(data, torch.full_like(data, 0.05))
    return Layout("float64", axis)(scale[0] + scale[1] * found.double())
