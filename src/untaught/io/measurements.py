"""Measurements as files: arrays of any shape and type, real or complex, from NumPy, MATLAB, HDF5, tables and pictures."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, UntaughtError, short_of_memory, why
from untaught.core.registry import require
from untaught.io.images.picture import Image

HDF5, MATLAB = (".h5", ".hdf5", ".hdf", ".nxs"), (".mat",)
TABLES = (".txt", ".csv", ".tsv")


def read(path: str | Path, *, max_megapixels: float = 100.0) -> Image:
    """The array in a file, as it is, in an `Image` that tells where it came from.

    path: a file, or FILE:NAME for an array in a file that holds several (HDF5, MATLAB, NPZ). `BadInput` where there is none, with
    the names that there are; `Missing` where a package lacks that reads it.
    """
    file, name = _split(str(path))
    suffix = file.suffix.lower()
    if suffix not in (".npy", ".npz", *HDF5, *MATLAB, *TABLES):
        from untaught.io.images import read as picture

        return picture(path, max_megapixels=max_megapixels)
    if not file.is_file():
        raise BadInput(f"There is no file '{file}': check the name and the folder.")
    try:
        array = _array(file, suffix, name)
    except UntaughtError:
        raise
    except Exception as error:  # readers raise whatever they like
        if short_of_memory(error):
            raise
        raise BadInput(
            f"'{file}' cannot be read as {suffix[1:].upper()} ({why(error)}): save it anew, as .npy."
        ) from error
    if array.dtype.kind not in "biufc" or not array.size:
        raise BadInput(
            f"'{path}' holds an array of {array.dtype}, {array.shape}: measurements are numbers, at least one."
        )
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return Image(
        np.ascontiguousarray(array),
        format="NPY",
        sha256=digest,
        source=Path(f"{file.resolve()}:{name}") if name else file.resolve(),
    )


def load(path: str | Path) -> NDArray:
    """The array alone."""
    return read(path).pixels


def file_of(path: str | Path) -> Path:
    """The file, of FILE:NAME."""
    return _split(str(path))[0]


def _split(path: str) -> tuple[Path, str]:
    """The file, and the name of the array in it."""
    before, colon, name = path.rpartition(":")
    if colon and len(before) > 1 and not Path(path).exists() and Path(before).suffix:
        return Path(before), name
    return Path(path), ""


def _array(file: Path, suffix: str, name: str) -> NDArray:
    if suffix == ".npy":
        return np.load(file, allow_pickle=False)
    if suffix == ".npz":
        with np.load(file, allow_pickle=False) as found:
            return found[_chosen(file, list(found), name)]
    if suffix in TABLES:
        return np.loadtxt(file, delimiter="," if suffix == ".csv" else None)
    if suffix in MATLAB:
        from scipy.io import loadmat

        found = {k: v for k, v in loadmat(file).items() if isinstance(v, np.ndarray) and v.size > 1}
        return found[_chosen(file, list(found), name)]
    h5py = require("h5py", extra="science")
    with h5py.File(file) as opened:
        names: list[str] = []
        opened.visititems(
            lambda key, item: names.append(key) if isinstance(item, h5py.Dataset) and item.size > 1 else None
        )
        return opened[_chosen(file, names, name.strip("/"))][...]


def _chosen(file: Path, names: list[str], name: str) -> Any:
    if name in names:
        return name
    if name or len(names) != 1:
        said = ", ".join(names) or "none"
        raise BadInput(
            f"'{file}' has no array '{name}': name one of {said}, as in {file.name}:{(names or ['NAME'])[0]}."
        )
    return names[0]
