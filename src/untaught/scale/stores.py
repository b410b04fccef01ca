"""Pictures on the disk that are read by parts, and results that grow by parts: NPY and TIFF as they lie there, others unpacked
once.

A source is named by a path and opened by each process for itself. What is compressed as one piece (PNG, JPEG, strips of a TIFF) is
unpacked into an NPY file beside the result, a segment at a time, and read from there.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, UntaughtError
from untaught.io.images.geo import PLACE
from untaught.io.images.hidden import NODATA
from untaught.io.images.picture import Image, sniff
from untaught.io.images.samples import turned
from untaught.scale.ome_zarr import Chunked, is_store, look
from untaught.scale.parts import At, Coded, Marked, Seen, joined

PARTS = 3  # windows along each axis in the sample of a large picture
WINDOW = 448  # side of each
DTYPES = ("uint8", "uint16", "float32", "float64")


@dataclass(frozen=True)
class Source:
    """A picture: an array on the disk, (h, w) or (h, w, 3), of a type that is restored.

    path: of what was named. at: of what is read, offset: where its samples begin there. like: what travels with it. tags: of a
    TIFF, which say where on the Earth it lies. store: a Zarr store, which it is instead. marked: where it is to be filled. coded:
    what a JPEG holds of it. notes: what is said of values that are unknown.
    """

    path: Path
    at: Path
    shape: tuple[int, ...]
    dtype: str
    offset: int = 0
    like: Image | None = None
    tags: tuple[tuple[Any, ...], ...] = ()
    store: Chunked | None = None
    marked: Marked | None = None
    coded: Coded | None = None
    notes: tuple[str, ...] = ()

    @property
    def space(self) -> tuple[int, int]:
        """Rows and columns of what is read; those of a JPEG as they lie in the file, which may have to be turned."""
        height, width = self.shape[:2]
        return (width, height) if self.coded is not None and self.coded.like.orientation > 4 else (height, width)

    @property
    def bytes(self) -> int:
        """Of all samples."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    def array(self) -> Any:
        """The samples, of which only those that are looked at are read."""
        if self.store is not None:
            return self.store.open()
        return np.memmap(self.at, self.dtype, "r", self.offset, self.shape)

    def part(self, at: At) -> Seen:
        """What is read at those rows and columns."""
        array: Any = self.array()
        if self.coded is not None:
            array = turned(array, self.coded.like.orientation, back=True)
        pixels = standard(array[at])
        at = (slice(at[0].start, at[0].start + pixels.shape[0]), slice(at[1].start, at[1].start + pixels.shape[1]))
        fill = None if self.marked is None else self.marked.part(at, self.shape)
        return Seen(pixels, fill, None if self.coded is None else self.coded.part(at))

    def placed(self, result: NDArray) -> NDArray:
        """The result, of the picture's shape, with the rows and columns of `space`; a view, to be written to."""
        return result if self.coded is None else turned(result, self.coded.like.orientation, back=True)

    def times(self, scale: int) -> Source:
        """What travels with a result of so many times the pixels along each axis: there are as many more of them in an inch, and
        places that are counted in pixels are left out. The samples are not touched."""
        if scale == 1:
            return self
        like, store = self.like, self.store
        if like is not None and like.dpi is not None:
            like = replace(like, dpi=(like.dpi[0] * scale, like.dpi[1] * scale))
        if store is not None and store.scales:
            steps = zip(store.axes, store.scales, strict=True)
            store = replace(store, scales=tuple(s / scale if name in ("y", "x") else s for (name, _), s in steps))
        return replace(self, like=like, store=store, tags=())

    def sha256(self) -> str:
        """Of the file, or of all files of a store."""
        if self.store is None:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        for part in sorted(p for p in self.path.rglob("*") if p.is_file()):
            with part.open("rb") as file:
                digest.update(part.relative_to(self.path).as_posix().encode())
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def sample(self) -> Seen:
        """What stands for the whole where noise and settings are decided: all of a small picture, and of a large one windows, put
        together. They lie evenly; where a picture is to be filled, they lie where there is as much to be filled as is known, or
        nearest to that."""
        if self.marked is not None and max(self.space) > PARTS * WINDOW:
            return joined(self._about(self.marked))
        axes = []
        for n, period in zip(self.space, (1, 1) if self.coded is None else self.coded.like.period, strict=True):
            starts = np.linspace(0, n - WINDOW, PARTS).round().astype(int) if n > PARTS * WINDOW else np.zeros(1, int)
            side = WINDOW if len(starts) > 1 else n
            axes.append([slice(s, s + side) for s in (starts // period * period).tolist()])
        return joined([[self.part((down, along)) for along in axes[1]] for down in axes[0]])

    def _about(self, marked: Marked) -> list[list[Seen]]:
        """The windows for what is to be filled, of those of a grid, in rows."""
        side = tuple(min(WINDOW, n) for n in self.space)
        grid = [range(0, n - s + 1, s) for n, s in zip(self.space, side, strict=True)]
        places = [(slice(i, i + side[0]), slice(j, j + side[1])) for i in grid[0] for j in grid[1]]
        shares = np.array([marked.part(at, self.shape).mean() for at in places])
        most = sorted(np.argsort(-shares * (1 - shares), kind="stable")[: PARTS * PARTS].tolist())
        most = most[: len(most) // PARTS * PARTS] or most[:1]
        across = min(PARTS, len(most))
        return [[self.part(places[k]) for k in most[i : i + across]] for i in range(0, len(most), across)]


def standard(array: NDArray) -> NDArray:
    """In the byte order of this machine, in memory."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("="))


def open_source(path: Path, unpacked: Path) -> Source:
    """The picture of a file, unpacked to `unpacked` where it has to be. `BadInput` for what is no picture of one page."""
    source = (_zarr if is_store(path) else _opener(path))(path, unpacked)
    three = len(source.shape) == 3 and source.shape[2] == 3
    if not (len(source.shape) == 2 or three) or source.dtype.lstrip("<>=|") not in _names():
        raise BadInput(
            f"'{path}' holds {' x '.join(map(str, source.shape))} values of type {np.dtype(source.dtype).name}: in tiles a "
            "picture of one or three channels is restored, of 8 or 16 bits or floats."
        )
    if 0 in source.shape:
        raise BadInput(f"'{path}' is empty: its shape is {source.shape}.")
    return source


def _opener(path: Path) -> Callable[[Path, Path], Source]:
    try:
        with path.open("rb") as file:
            kind = sniff(file.read(256))
    except OSError as error:
        raise BadInput(f"'{path}' cannot be read ({error.strerror}): check the name and the folder.") from error
    return {"NPY": _npy, "TIFF": _tiff}.get(kind or "", _whole)


def _zarr(path: Path, unpacked: Path) -> Source:
    store = look(path)
    return Source(path, path, store.shape, store.dtype, store=store)


def _names() -> set[str]:
    return {np.dtype(name).str.lstrip("<>=|") for name in DTYPES}


def _npy(path: Path, unpacked: Path) -> Source:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise BadInput(f"'{path}' is no whole NPY file ({error}): save it anew where it was made.") from error
    if not array.flags.c_contiguous:
        raise BadInput(f"'{path}' is saved in Fortran order: save np.ascontiguousarray of it.")
    shape = array.shape[:2] if array.ndim == 3 and array.shape[2] == 1 else array.shape
    return Source(path, path, shape, array.dtype.str, array.offset)


def _tiff(path: Path, unpacked: Path) -> Source:
    import tifffile

    try:
        with tifffile.TiffFile(path) as tif:
            page: Any = tif.pages.first
            if len(tif.pages) > 1 and not tif.series[0].is_pyramidal:
                raise BadInput(
                    f"'{path}' has {len(tif.pages)} pages: in tiles one picture is restored; save the pages apart."
                )
            if page.photometric not in (1, 2) or page.planarconfig != 1 or page.samplesperpixel not in (1, 3):
                raise BadInput(
                    f"'{path}' is no plain grey or RGB picture ({page.photometric.name}): restore it without --memory."
                )
            if NODATA in page.tags:
                raise BadInput(
                    f"'{path}' marks values as no data (GDAL), which in tiles is not known: restore it without --memory."
                )
            like, tags = (
                _company(page, path),
                tuple((t.code, t.dtype, t.count, t.value) for t in page.tags if t.code in PLACE),
            )
            where = page.dataoffsets[0]
            if page.is_contiguous and page.is_memmappable:
                return Source(
                    path, path, page.shape, np.dtype(tif.byteorder + page.dtype.char).str, where, like, tags=tags
                )
            array = create(unpacked, page.shape, page.dtype)
            for data, index, _ in page.segments(maxworkers=1):
                if data is not None:  # tiles at the edges are filled up
                    at = array[index[2] : index[2] + data.shape[1], index[3] : index[3] + data.shape[2]]
                    at[...] = data[0, : at.shape[0], : at.shape[1]].reshape(at.shape)
            array.flush()
            return Source(path, unpacked, page.shape, array.dtype.str, array.offset, like, tags=tags)
    except (UntaughtError, MemoryError):
        raise
    except Exception as error:
        raise BadInput(f"'{path}' is a damaged TIFF ({error}): fetch it again, or save it anew.") from error


def _company(page: Any, path: Path) -> Image:
    """What is kept of a page's metadata: profile, resolution, description."""
    icc = page.tags.get(34675)
    unit = {2: "inch", 3: "cm"}.get(int(page.resolutionunit or 1), "")
    across = page.get_resolution(unit="inch") if unit else None
    dpi = (float(across[0]), float(across[1])) if across and all(across) else None
    text = {"Description": page.description} if page.description and not page.description.startswith("{") else {}
    return Image(
        np.empty((0, 0)), format="TIFF", icc=icc.value if icc else None, dpi=dpi, unit=unit, text=text, source=path
    )


def _whole(path: Path, unpacked: Path) -> Source:
    """A file that can only be decoded as a whole."""
    from untaught.io import images

    image = images.read(path, max_megapixels=float("inf"))
    array = create(unpacked, image.pixels.shape, image.pixels.dtype)
    array[...] = image.pixels
    array.flush()
    return Source(path, unpacked, image.pixels.shape, image.pixels.dtype.str, array.offset, image)


def create(path: Path, shape: Sequence[int], dtype: Any) -> np.memmap:
    """A new NPY file of that size, to be filled by parts. UntaughtError where the disk has no room for it."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    room(path.parent, size)
    array = np.lib.format.open_memmap(path, "w+", np.dtype(dtype), tuple(shape))
    try:
        with path.open("r+b") as file:  # now, since a disk that is full later kills who writes into what is mapped
            os.posix_fallocate(file.fileno(), 0, array.offset + size)
    except (OSError, AttributeError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            path.unlink()
            raise UntaughtError(_needed(path.parent, size)) from error
    return array


def room(folder: Path, size: float) -> None:
    """UntaughtError where the disk has no room for so many bytes."""
    if shutil.disk_usage(folder).free < size:
        raise UntaughtError(_needed(folder, size))


def _needed(folder: Path, size: float) -> str:
    free = shutil.disk_usage(folder).free
    return (
        f"{size / 1e9:.3g} GB are needed in '{folder}', and {free / 1e9:.3g} GB are free: make room, or name another folder with "
        "-o."
    )


def write_tiff(path: Path, array: NDArray, source: Source, recipe: str) -> None:
    """The result of a source as a tiled BigTIFF, compressed without loss, a tile at a time."""
    import tifffile

    from untaught.io.images.picture import RECIPE_TAG

    side = 512

    def tiles() -> Iterator[NDArray]:
        for row in range(0, array.shape[0], side):
            for column in range(0, array.shape[1], side):
                part = standard(array[row : row + side, column : column + side])
                room = [(0, side - n) for n in part.shape[:2]] + [(0, 0)] * (part.ndim - 2)
                yield np.pad(part, room)

    like = source.like or Image(array)
    extra = [(*tag, True) for tag in source.tags]
    extra += [(RECIPE_TAG, 2, 0, recipe.encode("ascii", "backslashreplace").decode(), True)]
    tifffile.imwrite(
        path, tiles(), shape=array.shape, dtype=array.dtype.newbyteorder("="), bigtiff=True, tile=(side, side),
        photometric="rgb" if array.ndim == 3 else "minisblack", planarconfig="contig" if array.ndim == 3 else None,
        compression="adobe_deflate", predictor=array.dtype.kind != "f", iccprofile=like.icc, resolution=like.dpi,
        resolutionunit="inch" if like.dpi else None, description=like.text.get("Description"), metadata=None, extratags=extra,
    )  # fmt: skip
