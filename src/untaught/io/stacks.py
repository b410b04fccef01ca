"""Files of many pictures: multi-page TIFF, ImageJ hyperstacks and OME-TIFF, whose axes the file may name, NPY of any shape, and
the volumes of scanners (`medical`)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, UntaughtError
from untaught.io import medical
from untaught.io.axes import Axes
from untaught.io.images.picture import FORMATS, check_size, format_of
from untaught.io.images.places import Places, temporary
from untaught.io.images.write import check_output

NAMED = "file"  # axes as the file names them
IMAGEJ = "TZCYXS"  # its axes, in its order


@dataclass(frozen=True)
class Hyperstack:
    """array: as it is in the file. axes: a letter for each. imagej, resolution: what an ImageJ file says besides. ome: how far
    samples lie apart, as an OME-TIFF says it. volume: what a scanner's file says besides.
    """

    array: NDArray
    axes: str
    imagej: dict[str, Any] = field(default_factory=dict)
    resolution: tuple[Any, Any] | None = None
    ome: dict[str, Any] = field(default_factory=dict)
    volume: medical.Volume | None = None


def read(path: Path, axes: str, limit: float = 100.0) -> Hyperstack:
    """The stack in a file, with the axes given or, for "file", those that it names. limit: megapixels of one picture.

    `BadInput` where it is none, where it does not name them, and where those given are not as many as it has.
    """
    if not path.exists():
        raise BadInput(f"There is no file '{path}': name a TIFF, an NPY, a NIfTI or the folder of a DICOM series.")
    suffix = path.suffix.lower()
    if suffix not in (".tif", ".tiff", ".npy") and not medical.is_nifti(path) and not medical.is_dicom(path):
        raise BadInput(f"'{path}' holds one picture: --axes is of TIFF (also ImageJ's and OME), NPY, NIfTI and DICOM.")
    try:
        if medical.is_nifti(path) or medical.is_dicom(path):
            found = _of_scanner(medical.read_nifti(path) if medical.is_nifti(path) else medical.read_dicom(path))
        else:
            found = Hyperstack(np.load(path, allow_pickle=False), "") if suffix == ".npy" else _tiff(path, limit)
    except (UntaughtError, MemoryError):
        raise
    except Exception as error:  # readers raise whatever they like
        raise BadInput(f"'{path}' is no stack that can be read ({error}): save it anew.") from error
    array = found.array.astype(found.array.dtype.newbyteorder("="), copy=False)
    if axes == NAMED:
        axes = found.axes
        if not axes or set(axes) - set("TZCYXSPVMRHAL"):
            raise BadInput(
                f"'{path}' ({' x '.join(map(str, array.shape))}) does not say what its axes are: say it, such as --axes ZYX for a "
                "volume, TYX for frames, CYX for channels."
            )
    Axes(axes).of(array)
    return replace(found, array=array, axes=axes)


def _of_scanner(volume: medical.Volume) -> Hyperstack:
    """Written as TIFF it keeps how far samples lie apart."""
    x, y, z = volume.spacing
    sizes = {f"PhysicalSize{letter}": size for letter, size in zip("XYZ", (x, y, z), strict=True)}
    units = {f"{name}Unit": "mm" for name in sizes}
    return Hyperstack(volume.array, volume.axes, {"spacing": z, "unit": "mm"}, (1 / x, 1 / y), sizes | units, volume)


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
        sizes = dict(re.findall(r'\b(PhysicalSize[XYZ](?:Unit)?)="([^"]*)"', tif.ome_metadata or ""))
        return Hyperstack(series.asarray(), series.axes, said, resolution, sizes)


def beside(files: dict[str, Path], shape: tuple[int, ...]) -> dict[str, NDArray]:
    """Those of files that a task is told, by setting, which hold a stack of that shape: a mask for every picture."""
    found = {}
    for name, path in files.items():
        if path.suffix.lower() in (".npy", ".tif", ".tiff"):
            array = np.load(path, allow_pickle=False) if path.suffix.lower() == ".npy" else _tiff(path, np.inf).array
            if array.shape == shape:
                found[name] = array
    return found


def finer(stack: Hyperstack, shape: tuple[int, ...]) -> Hyperstack:
    """The stack of a result of that shape: where it has more samples along an axis, they lie the closer."""
    times = {letter: n / old for letter, n, old in zip(stack.axes, shape, stack.array.shape, strict=True)}
    x, y, z = (times.get(letter, 1.0) for letter in "XYZ")
    if x == y == z == 1:
        return stack
    said, ome = {**stack.imagej}, {**stack.ome}
    if "spacing" in said:
        said["spacing"] = float(said["spacing"]) / z
    for letter in times:
        if (name := f"PhysicalSize{letter}") in ome:
            ome[name] = float(ome[name]) / times[letter]
    at = stack.resolution
    dense = None if at is None else tuple(_number(v) * n for v, n in zip(at, (x, y), strict=True))
    return replace(stack, imagej=said, ome=ome, resolution=dense)


def _number(value: Any) -> float:
    """A TIFF's rational."""
    return float(value[0]) / float(value[1]) if isinstance(value, tuple) else float(value)


def check(target: Path, source: Path, places: Places) -> None:
    """`BadInput`, before any work, where the result cannot be written there."""
    if medical.is_nifti(target):
        places.check(target)
    elif medical.is_dicom(source) and target.suffix.lower() not in FORMATS:  # a folder
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise BadInput(f"'{target}' is there already: name a folder that is empty, or none yet.")
    else:
        check_output(target, places=places)
        if format_of(target) not in ("TIFF", "NPY"):
            raise BadInput(f"'{target}' cannot hold a stack: end it in .tif, .npy or .nii.gz.")


def named(path: Path) -> Path:
    """Where the result of a file goes by itself."""
    if path.is_dir() or not medical.is_dicom(path):
        whole = next((path.name[-len(end) :] for end in medical.NIFTI if path.name.lower().endswith(end)), path.suffix)
        return path.with_name(f"{path.name.removesuffix(whole)}.untaught{'' if path.is_dir() else whole}")
    return path.parent.with_name(f"{path.parent.name}.untaught")


def write(target: Path, array: NDArray, stack: Hyperstack, places: Places) -> tuple[str, ...]:
    """The array into `target`, with the axes of the stack: what there is to say."""
    import tifffile

    nifti = medical.is_nifti(target)
    if not nifti and stack.volume is not None and target.suffix.lower() not in FORMATS:
        return medical.write_dicom(target, array, stack.volume, places)
    end = ".nii.gz" if target.name.lower().endswith(".gz") else target.suffix.lower()
    way = temporary(target.resolve())
    path = way.with_name(way.name + end)
    try:
        if nifti:
            known = stack.volume
            affine, header = (None, None) if known is None else (known.affine, known.header)
            medical.write_nifti(path, array, stack.axes, affine, header)
        elif end == ".npy":
            np.save(path, array)
        else:
            order = [IMAGEJ.find(letter) for letter in stack.axes]
            plain = -1 not in order and order == sorted(order) and array.dtype in (np.uint8, np.uint16, np.float32)
            plain = plain and not (stack.ome and not stack.imagej)  # what came as OME says more
            more: dict[str, Any] = {"imagej": True, "resolution": stack.resolution} if plain else {"ome": True}
            colour = "rgb" if stack.axes[-1] == "S" and array.shape[-1] in (3, 4) else "minisblack"
            metadata = {"axes": stack.axes, **(stack.imagej if plain else stack.ome)}
            tifffile.imwrite(path, array, photometric=colour, metadata=metadata, **more)
        return places.move(target, path)
    finally:
        path.unlink(missing_ok=True)
