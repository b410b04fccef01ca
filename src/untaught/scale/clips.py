"""Series of frames in files: a TIFF of several pages, an NPY of frames, a YUV4MPEG2 film, or a file for each frame.

What is restored is a track: frames of one size, grey or RGB. A film holds one for each plane, as its pixels lie there, so that
nothing is converted.
"""

from __future__ import annotations

import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, UntaughtError
from untaught.io import images
from untaught.io.images.picture import Image, check_size, format_of
from untaught.io.images.places import Places, temporary
from untaught.scale.stores import create

HELD = 64  # frames that are files of their own and are held, since neighbours are asked for again
# How much smaller colour is: down, across.
_PLANES = {
    "mono": None,
    "444": (1, 1),
    "422": (1, 2),
    "420": (2, 2),
    "411": (1, 4),
}


class Clip(ABC):
    """tracks: the shapes (frames, height, width) or (frames, height, width, 3) of what is restored by itself. recipe: what goes
    with the result."""

    tracks: tuple[tuple[int, ...], ...]
    like: Image
    recipe: str = ""

    @abstractmethod
    def read(self, track: int, low: int, high: int) -> NDArray:
        """The frames from `low` up to `high` of a track."""

    @abstractmethod
    def put(self, track: int, low: int, made: NDArray) -> None:
        """Restored frames, from number `low` on. They are seen by nobody until `end`, but for files of their own."""

    @abstractmethod
    def end(self) -> tuple[str, ...]:
        """Put the result in its place: what there is to say."""

    def close(self) -> None:
        """Clear away what is only on the way."""


class Pages(Clip):
    """One file that holds all frames: TIFF or NPY. limit: megapixels of a frame."""

    def __init__(self, path: Path, target: Path, places: Places, limit: float) -> None:
        self.target, self.places, self.on_the_way = target, places, temporary(target.resolve()).with_suffix(".npy")
        if format_of(target) not in ("TIFF", "NPY"):
            raise BadInput(f"'{target}' cannot hold several frames: end it in .tif or .npy.")
        self.frames, self.like = _stack(path, limit)
        self.tracks = (self.frames.shape,)

    def read(self, track: int, low: int, high: int) -> NDArray:
        return np.ascontiguousarray(self.frames[low:high], self.frames.dtype.newbyteorder("="))

    def put(self, track: int, low: int, made: NDArray) -> None:
        new = not self.on_the_way.exists()
        result = (
            create(self.on_the_way, self.frames.shape, made.dtype)
            if new
            else np.lib.format.open_memmap(self.on_the_way, "r+")
        )
        result[low : low + len(made)] = made

    def end(self) -> tuple[str, ...]:
        import tifffile

        if format_of(self.target) == "NPY":
            notes = self.places.move(self.target, self.on_the_way)
            return notes + self.places.text(self.target.with_name(self.target.name + ".toml"), self.recipe)
        array, tiff, like = np.load(self.on_the_way, mmap_mode="r"), self.on_the_way.with_suffix(".tif"), self.like
        tifffile.imwrite(
            tiff, array, bigtiff=array.nbytes > 2**31, photometric="rgb" if array.ndim == 4 else "minisblack",
            compression="adobe_deflate", predictor=array.dtype.kind != "f", iccprofile=like.icc, resolution=like.dpi,
            resolutionunit="inch" if like.dpi else None, metadata=None,
            extratags=[(65000, 2, 0, self.recipe.encode("ascii", "backslashreplace").decode(), True)],
        )  # fmt: skip
        return self.places.move(self.target, tiff)

    def close(self) -> None:
        for path in (self.on_the_way, self.on_the_way.with_suffix(".tif")):
            path.unlink(missing_ok=True)


def _stack(path: Path, limit: float) -> tuple[NDArray, Image]:
    import tifffile

    name = f"'{path}'"
    try:
        if path.suffix.lower() == ".npy":
            frames: Any = np.load(path, mmap_mode="r", allow_pickle=False)
        else:
            with tifffile.TiffFile(path) as tif:
                series = tif.series[0]
                shape = [n for n in series.shape if n > 1]
                if len(shape) > 2:
                    check_size(name, shape[2], shape[1], limit)
                frames = series.asarray().reshape(shape)
    except (UntaughtError, MemoryError):
        raise
    except Exception as error:
        raise BadInput(f"{name} is no series of frames that can be read ({error}): save it anew as TIFF.") from error
    if frames.ndim not in (3, 4) or (frames.ndim == 4 and frames.shape[-1] != 3) or len(frames) < 2:
        said = " x ".join(map(str, frames.shape))
        raise BadInput(f"{name} holds {said} values, and no series of frames: leave --along time out.")
    if frames.dtype.newbyteorder("=") not in (np.uint8, np.uint16, np.float32):
        raise BadInput(f"{name} holds frames of type {frames.dtype}: save them as 8 or 16 bit, or as float32.")
    like = Image(np.empty((0, 0)), format="TIFF", source=path.resolve())
    if path.suffix.lower() != ".npy":
        with tifffile.TiffFile(path) as tif:
            page: Any = tif.pages.first
            icc, unit = page.tags.get(34675), int(page.resolutionunit or 1)
            across = page.get_resolution(unit="inch") if unit in (2, 3) else None
            like = replace(like, icc=icc.value if icc else None, dpi=across if across and all(across) else None)
    return frames, like


class Planes(Clip):
    """YUV4MPEG2 (.y4m), 8 bit: each plane is restored as it lies there, and the film stays what it was beside."""

    def __init__(self, path: Path, target: Path, places: Places, limit: float) -> None:
        if target.suffix.lower() != ".y4m":
            raise BadInput(f"'{target}' cannot hold the planes of a film: end it in .y4m.")
        self.path, self.target, self.places = path, target, places
        self.on_the_way = temporary(target.resolve())
        self.like = Image(np.empty((0, 0)), source=path.resolve())
        with path.open("rb") as file:
            head = file.readline(1024).decode("ascii", "replace").split()
        if not head or head[0] != "YUV4MPEG2":
            raise BadInput(f"'{path}' is no YUV4MPEG2 film, whatever its name says: convert it with ffmpeg.")
        told = {word[0]: word[1:] for word in head[1:]}
        kind = re.match(r"(mono|4\d\d)(?!.*p1\d)(?!.*alpha)(?!mono\d)", told.get("C", "420jpeg"))
        if kind is None or kind[1] not in _PLANES or re.fullmatch(r"mono\d+", told.get("C", "")):
            raise BadInput(
                f"'{path}' has pixels of the kind {told.get('C')}: 8 bit, mono, 420, 422, 444 or 411 are read."
            )
        try:
            width, height = int(told["W"]), int(told["H"])
        except (KeyError, ValueError) as error:
            raise BadInput(f"'{path}' does not say how large its frames are: convert it anew with ffmpeg.") from error
        check_size(f"'{path}'", width, height, limit)
        less = _PLANES[kind[1]]
        small = [] if less is None else [(-(-height // less[0]), -(-width // less[1]))] * 2
        self.planes = [(height, width), *small]
        self.at = _frames(path, sum(h * w for h, w in self.planes))
        self.tracks = tuple((len(self.at), *plane) for plane in self.planes)

    def read(self, track: int, low: int, high: int) -> NDArray:
        film = np.memmap(self.path, np.uint8, "r")
        return np.stack([self._plane(film, track, frame).copy() for frame in range(low, high)])

    def put(self, track: int, low: int, made: NDArray) -> None:
        if not self.on_the_way.exists():
            shutil.copyfile(self.path, self.on_the_way)
        film = np.memmap(self.on_the_way, np.uint8, "r+")
        for frame, pixels in enumerate(made, low):
            self._plane(film, track, frame)[...] = pixels
        film.flush()

    def _plane(self, film: NDArray, track: int, frame: int) -> NDArray:
        first = self.at[frame] + sum(h * w for h, w in self.planes[:track])
        height, width = self.planes[track]
        return film[first : first + height * width].reshape(height, width)

    def end(self) -> tuple[str, ...]:
        notes = self.places.move(self.target, self.on_the_way)
        return notes + self.places.text(self.target.with_name(self.target.name + ".toml"), self.recipe)

    def close(self) -> None:
        self.on_the_way.unlink(missing_ok=True)


def _frames(path: Path, size: int) -> list[int]:
    """Where the samples of every frame begin. `BadInput` for a film that is cut off, or of fewer than two frames."""
    found: list[int] = []
    end = path.stat().st_size
    with path.open("rb") as file:
        file.readline(1024)
        while line := file.readline(1024):
            begin = file.tell()
            if not line.startswith(b"FRAME") or begin + size > end:
                raise BadInput(f"'{path}' is cut off or damaged at frame {len(found) + 1}: fetch it again.")
            found.append(begin)
            file.seek(begin + size)
    if len(found) < 2:
        raise BadInput(f"'{path}' holds {len(found)} frames, and along time there have to be two or more.")
    return found


class Files(Clip):
    """A file for each frame, in the order of their names; the results are written into a folder as they come."""

    def __init__(self, paths: Sequence[Path], names: Sequence[Path], places: Places, limit: float) -> None:
        self.paths, self.names, self.places = list(paths), list(names), places
        self.frame = lru_cache(maxsize=HELD)(lambda i: images.read(self.paths[i], max_megapixels=limit))
        self.like, first = self.frame(0), self.frame(0).pixels
        if len(self.paths) < 2:
            raise BadInput(
                "Along time there have to be two frames or more: name all of them, or leave --along time out."
            )
        self.notes: list[str] = []
        self.tracks = ((len(self.paths), *first.shape),)

    def read(self, track: int, low: int, high: int) -> NDArray:
        frames, first = [self.frame(i).pixels for i in range(low, high)], self.frame(0).pixels
        for i, frame in enumerate(frames, low):
            if (frame.shape, frame.dtype) != (first.shape, first.dtype):
                raise BadInput(
                    f"'{self.paths[i]}' is {' x '.join(map(str, frame.shape))}, {frame.dtype}, and '{self.paths[0]}' is "
                    f"{' x '.join(map(str, first.shape))}, {first.dtype}: frames of one size and type make a series."
                )
        return np.stack(frames)

    def put(self, track: int, low: int, made: NDArray) -> None:
        for i, pixels in enumerate(made, low):
            self.notes += images.write(self.names[i], pixels, self.frame(i), recipe=self.recipe, places=self.places)

    def end(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.notes))
