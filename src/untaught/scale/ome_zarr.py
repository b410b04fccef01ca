"""Zarr stores: arrays in chunks, read by parts; results as OME-Zarr 0.5, with a pyramid, axes and scales, and their recipe.

What is read: OME-Zarr of any version that the package `zarr` reads, its finest level; and plain arrays whose axes are known. Axes
besides y, x and c have to be of length 1. What is written has the axes, the units and the scales of what was read.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, UntaughtError, why
from untaught.core.registry import require
from untaught.io.images.places import Places

CHUNK = 512  # pixels along y and x
TOP = 512  # longest side of the coarsest level
VERSION = "0.5"


def is_store(path: Path | None) -> bool:
    """Whether a name is that of a store, by its end."""
    return path is not None and path.suffix.lower() == ".zarr"


@dataclass(frozen=True)
class Chunked:
    """Where the finest level lies, and what its axes are: (name, size), as they lie. meta: (axis, scale) as OME-Zarr has them."""

    path: Path
    level: str
    axes: tuple[tuple[str, int], ...]
    dtype: str
    meta: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    scales: tuple[float, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """(h, w), or (h, w, 3)."""
        size = dict(self.axes)
        return (size["y"], size["x"]) if size.get("c", 1) == 1 else (size["y"], size["x"], size["c"])

    def open(self) -> Lazy:
        zarr = require("zarr", extra="big")
        found = zarr.open(str(self.path), mode="r")
        return Lazy(found[self.level] if self.level else found, [name for name, _ in self.axes], self.shape)


@dataclass(frozen=True, eq=False)
class Lazy:
    """A store's array as (h, w) or (h, w, 3), of which only what is looked at is read."""

    array: Any
    names: Sequence[str]
    shape: tuple[int, ...]

    def __getitem__(self, at: tuple[slice, slice]) -> NDArray:
        where = {"y": at[0], "x": at[1], "c": slice(None) if len(self.shape) == 3 else 0}
        part = np.asarray(self.array[tuple(where.get(name, 0) for name in self.names)])
        left = [name for name in self.names if isinstance(where.get(name), slice)]
        return part.transpose([left.index(name) for name in ("y", "x", "c")[: len(self.shape)]])


def look(path: Path) -> Chunked:
    """`BadInput` for what is no store, for one whose axes are not known, and for volumes and series."""
    zarr = require("zarr", extra="big")
    try:
        found = zarr.open(str(path), mode="r")
        level, meta = "", tuple[dict[str, Any], ...]()
        scales = tuple[float, ...]()
        if hasattr(found, "array_keys"):
            attributes = dict(found.attrs)
            scene = attributes.get("ome", attributes).get("multiscales", [{}])[0]
            if not scene.get("datasets"):
                raise BadInput(f"'{path}' is a group without a picture (multiscales): name one of its arrays.")
            level, meta = scene["datasets"][0]["path"], tuple(scene.get("axes", ()))
            steps = scene["datasets"][0].get("coordinateTransformations", [])
            scales = next((tuple(map(float, t["scale"])) for t in steps if t["type"] == "scale"), ())
        array = found[level] if level else found
        names = tuple(a["name"] for a in meta) or getattr(array.metadata, "dimension_names", None)
        names = names or (("y", "x") if array.ndim == 2 else ())
        shape, dtype, chunks = array.shape, np.dtype(array.dtype), array.chunks
    except UntaughtError:
        raise
    except Exception as error:
        raise BadInput(f"'{path}' is no Zarr store that can be read ({why(error)}): fetch it again.") from error
    if len(names) != len(shape) or not {"y", "x"} <= set(names):
        raise BadInput(
            f"'{path}' does not say which of its {len(shape)} axes are y and x: save it with dimension_names, or as OME-Zarr."
        )
    if 0 in chunks:
        raise BadInput(f"'{path}' has chunks of {' x '.join(map(str, chunks))}, which hold nothing: save it anew.")
    axes = tuple(zip(names, map(int, shape), strict=True))
    if odd := [f"{name} of {n}" for name, n in axes if name not in ("y", "x", "c") and n > 1]:
        raise BadInput(
            f"'{path}' has an axis {odd[0]}, and one picture is restored at a time: save its pictures apart."
        )
    return Chunked(path, level, axes, dtype.str, meta, scales if len(scales) == len(axes) else ())


def check(path: Path, places: Places) -> None:
    """`BadInput` where a store cannot be written there."""
    require("zarr", extra="big")
    if not path.parent.is_dir():
        raise BadInput(f"The folder '{path.parent}' does not exist (none is created): make it, or name another.")
    if any(other.exists() and path.exists() and path.samefile(other) for other in places.inputs):
        raise BadInput(f"'{path}' is the input itself, which is never overwritten: name another with -o.")
    if os.path.lexists(path) and not (places.force and (path / "zarr.json").is_file()):
        remedy = "replace it with --force, or name" if (path / "zarr.json").is_file() else "name"
        raise BadInput(f"'{path}' exists already: {remedy} another with -o.")


def put(made: Path, target: Path, places: Places) -> None:
    """Move a whole store to its place. UntaughtError where something has come there meanwhile."""
    check(target, places)
    old = made.with_name("replaced.zarr")
    if target.exists():
        os.replace(target, old)
    os.rename(made, target)
    shutil.rmtree(old, ignore_errors=True)
    places.went[target] = target


def write(path: Path, array: NDArray, like: Chunked | None, recipe: str) -> None:
    """The array (h, w) or (h, w, 3) as OME-Zarr 0.5, with levels of half the size each; a band of chunks at a time."""
    zarr = require("zarr", extra="big")
    names = [name for name, _ in like.axes] if like else (["y", "x"] if array.ndim == 2 else ["c", "y", "x"])
    kinds = {"y": "space", "x": "space", "z": "space", "c": "channel", "t": "time"}
    axes = list(like.meta) if like and like.meta else [{"name": n, "type": kinds[n]} for n in names if n in kinds]
    scale = list(like.scales) if like and like.scales else [1.0] * len(names)
    group = zarr.open_group(str(path), mode="w", zarr_format=3)
    finer: Any = array
    datasets: list[dict[str, Any]] = []
    while True:
        level = len(datasets)
        h, w = (array.shape[0], array.shape[1]) if level == 0 else (-(-finer.shape[0] // 2), -(-finer.shape[1] // 2))
        size = {"y": h, "x": w, "c": array.shape[2] if array.ndim == 3 else 1}
        stored = group.create_array(
            str(level), shape=[size.get(n, 1) for n in names], dtype=array.dtype.newbyteorder("="),
            chunks=[min(CHUNK, size[n]) if n in ("y", "x") else 1 for n in names], dimension_names=names,
        )  # fmt: skip
        for row in range(0, h, CHUNK):
            band = finer[row : row + CHUNK, 0:w] if level == 0 else _halved(finer[2 * row : 2 * (row + CHUNK), :])
            stored[tuple(slice(row, row + CHUNK) if n == "y" else slice(None) for n in names)] = _laid(band, names)
        steps = [s * 2**level if n in ("y", "x") else s for n, s in zip(names, scale, strict=True)]
        datasets.append({"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": steps}]})
        finer = Lazy(stored, names, (h, w, *array.shape[2:]))
        if max(h, w) <= TOP:
            break
    scene = {"name": path.stem, "axes": axes, "datasets": datasets, "type": "mean"}
    group.attrs.update({"ome": {"version": VERSION, "multiscales": [scene]}, "untaught": recipe})


def _halved(x: NDArray) -> NDArray:
    """Means of 2 x 2; a last row or column that is alone counts twice."""
    room = [(0, n % 2) for n in x.shape[:2]] + [(0, 0)] * (x.ndim - 2)
    x = np.pad(x, room, mode="edge")
    mean = x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2, *x.shape[2:]).mean((1, 3), dtype=np.float64)
    return (np.rint(mean) if x.dtype.kind in "ui" else mean).astype(x.dtype)


def _laid(band: NDArray, names: Sequence[str]) -> NDArray:
    """(h, w) or (h, w, 3) along the axes of a store, those that it has not with the length 1."""
    own = ["y", "x", "c"][: band.ndim]
    left = [own.index(name) for name in names if name in own]
    return band.transpose(left)[tuple(slice(None) if name in own else None for name in names)]
