"""Files of many pictures: multi-page TIFF, ImageJ hyperstacks and OME-TIFF, whose axes the file may name, and NPY of any shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, UntaughtError
from untaught.io.axes import Axes
from untaught.io.images.picture import check_size, format_of
from untaught.io.images.places import Places, temporary

NAMED = "file"  # axes as the file names them
IMAGEJ = "TZCYXS"  # its axes, in its order


@dataclass(frozen=True)
class Hyperstack:
    """array: as it is in the file. axes: a letter for each. imagej, resolution: what an ImageJ file says besides."""

    array: NDArray
    axes: str
    imagej: dict[str, Any] = field(default_factory=dict)
    resolution: tuple[Any, Any] | None = None


def read(path: Path, axes: str, limit: float = 100.0) -> Hyperstack:
    """The stack in a file, with the axes given or, for "file", those that it names. limit: megapixels of one picture.

    `BadInput` where it is none, where it does not name them, and where those given are not as many as it has.
    """
    if not path.is_file():
        raise BadInput(f"There is no file '{path}': name a TIFF or an NPY.")
    suffix = path.suffix.lower()
    if suffix not in (".tif", ".tiff", ".npy"):
        raise BadInput(f"'{path}' holds one picture: --axes is of TIFF (also ImageJ's and OME) and NPY.")
    try:
        found = Hyperstack(np.load(path, allow_pickle=False), "") if suffix == ".npy" else _tiff(path, limit)
    except (UntaughtError, MemoryError):
        raise
    except Exception as error:  # readers raise whatever they like
        raise BadInput(f"'{path}' is no stack that can be read ({error}): save it anew as TIFF.") from error
    array = found.array.astype(found.array.dtype.newbyteorder("="), copy=False)
    if axes == NAMED:
        axes = found.axes
        if not axes or set(axes) - set("TZCYXSPVMRHAL"):
            raise BadInput(
                f"'{path}' ({' x '.join(map(str, array.shape))}) does not say what its axes are: say it, such as --axes ZYX for a "
                "volume, TYX for frames, CYX for channels."
            )
    Axes(axes).of(array)
    return Hyperstack(array, axes, found.imagej, found.resolution)


def _tiff(path: Path, limit: float) -> Hyperstack:
    import tifffile

    with tifffile.TiffFile(path) as tif:
        if len(tif.series) > 1 and not tif.is_ome:
            raise BadInput(f"'{path}' holds {len(tif.series)} series of pages of different sizes: save one of them.")
        series, page = tif.series[0], tif.pages.first
        check_size(f"'{path}'", page.imagewidth, page.imagelength, limit)
        said = {
            k: v for k, v in (tif.imagej_metadata or {}).items() if k in ("spacing", "unit", "finterval", "fps", "Info")
        }
        at = page.tags.get(282), page.tags.get(283)
        resolution = (at[0].value, at[1].value) if tif.is_imagej and at[0] and at[1] else None
        return Hyperstack(series.asarray(), series.axes, said, resolution)


def write(target: Path, array: NDArray, stack: Hyperstack, places: Places) -> tuple[str, ...]:
    """The array into `target`, TIFF or NPY, with the axes of the stack: what there is to say."""
    import tifffile

    kind, way = format_of(target), temporary(target.resolve())
    if kind not in ("TIFF", "NPY"):
        raise BadInput(f"'{target}' cannot hold a stack: end it in .tif or .npy.")
    path = way.with_suffix(".npy" if kind == "NPY" else ".tif")
    try:
        if kind == "NPY":
            np.save(path, array)
            return places.move(target, path)
        order = [IMAGEJ.find(letter) for letter in stack.axes]
        plain = -1 not in order and order == sorted(order) and array.dtype in (np.uint8, np.uint16, np.float32)
        more: dict[str, Any] = {"imagej": True, "resolution": stack.resolution} if plain else {"ome": True}
        colour = "rgb" if stack.axes[-1] == "S" and array.shape[-1] in (3, 4) else "minisblack"
        metadata = {"axes": stack.axes, **(stack.imagej if plain else {})}
        tifffile.imwrite(path, array, photometric=colour, metadata=metadata, **more)
        return places.move(target, path)
    finally:
        path.unlink(missing_ok=True)
