"""A picture larger than the memory, from one file to another: found once, restored tile by tile, and taken up where it was left.

Beside the result lies a folder, RESULT.tiles, until all is done: what the network learnt, the result so far, and which tiles
are in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import shutil
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from untaught.core.errors import BadInput, UntaughtError, memory_told
from untaught.core.machine import cores, free_memory
from untaught.core.registry import tasks
from untaught.io.images.picture import Image, format_of
from untaught.io.images.places import Places, whole
from untaught.io.recipes import Recipe
from untaught.scale import ome_zarr, stores
from untaught.scale.cluster import Cluster
from untaught.scale.crew import Contact, Crew, Died, Work, own_threads
from untaught.scale.manifest import stand
from untaught.scale.preparing import prepared
from untaught.scale.tiling import NEED, Learnt, Tiling, find, fitting, tried

if TYPE_CHECKING:
    from untaught.solver.stage import Job

MARK, DONE = "untaught-tiles", "done"
SPARE = 4 << 20  # bytes of addresses: what clearing away needs, where there is no memory left
TRIES = 3  # times that a tile is begun whose process dies


@dataclass(frozen=True)
class Learning:
    """What a process does first, so that its memory is given back: find what holds for the whole. None where it was stopped."""

    task: str
    settings: dict[str, Any]
    source: stores.Source
    state: bytes | None
    folder: Path

    def __call__(self, piece: int, contact: Contact) -> tuple[Learnt, Recipe, stores.Source] | str | None:
        try:
            with memory_told():
                source = prepared(self.task, self.source, self.settings, self.folder)
                job, filled = fitting(self.task, source, self.settings), source.marked is not None
                stopped = lambda iterate: contact.stopped  # noqa: E731
                found = Learnt(job, self.state) if self.state else find(job, stopped, filled=filled)
                if found is None:
                    return None
                keeps = bool(self.settings.get("keep_nan"))
                found = tried(found, source, keeps=keeps)  # refused on a corner, rather than amid the work
                return found, self._recipe(job).resolved(job, tasks.get(self.task).compose), source
        except UntaughtError as error:
            return str(error)

    def _recipe(self, job: Job) -> Recipe:
        image = Image(np.empty((0, 0)), sha256=self.source.sha256(), source=self.source.path.resolve())
        files = tasks.get(self.task).files(self.settings)
        return replace(Recipe.now(self.task, self.settings, image=image, files=files), notes=job.notes)


class Large:
    """for done, count in large: ... (tiles); notes = large.end(). `stop` ends it within seconds, and its tiles are kept.

    memory: bytes for all processes together; None for what is free. workers: processes; the result does not depend on them.
    cluster: works instead of processes here.

    Raises `BadInput`, before any work, where the picture cannot be read by parts, the result not be written, or another run is
    kept in its place; UntaughtError where the disk is too small, or a tile fails.
    """

    def __init__(
        self,
        task: str,
        settings: dict[str, Any],
        path: Path,
        target: Path,
        places: Places,
        *,
        memory: float | None = None,
        workers: int | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        self.crew: Crew | None = None
        self.cluster = cluster
        if cluster is not None:  # whose workers know nothing of where this command was given
            path, target = path.absolute(), target.absolute()
            settings = {**settings, **{k: f.absolute() for k, f in tasks.get(task).files(settings).items()}}
        self.target, self.places, self.stopped = target, places, False
        self.folder = target.with_name(target.name + ".tiles")
        self.kind = "ZARR" if ome_zarr.is_store(target) else format_of(target)
        self.spare = mmap.mmap(-1, SPARE)
        with self.cleared():
            self._settle(places.force)
            self.source = stores.open_source(path, self.folder / "input.npy")
            self._room(1)
            self.workers = _workers(NEED[3 if len(self.source.shape) == 3 else 1], memory, workers)
            files = [path, *tasks.get(task).files(settings).values()]
            told = [
                task,
                {name: str(v) for name, v in settings.items()},
                *((str(f.resolve()), *stand(f)) for f in files),
            ]
            digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
            self.learnt = self.folder / f"learnt-{digest}.safetensors"
            known = self.learnt.read_bytes() if self.learnt.exists() else None
            self.learning = Learning(task, settings, self.source, known, self.folder)
        self.recipe: Recipe | None = None

    def _room(self, scale: int) -> None:
        """UntaughtError, before the work, where the disk is too small for its result and for the file that it becomes."""
        if not (self.folder / "result.npy").exists():
            stores.room(self.folder, self.source.bytes * scale**2 * (1 if self.kind == "NPY" else 2))

    def _settle(self, force: bool) -> None:
        """The folder, empty or of an earlier run of ours."""
        if self.folder.exists() and not (self.folder / MARK).exists():
            raise BadInput(f"'{self.folder}' is in the way of the tiles: move it, or name another result with -o.")
        if force and self.folder.exists():
            shutil.rmtree(self.folder)
        try:
            self.folder.mkdir(exist_ok=True)
            (self.folder / MARK).touch()
        except OSError as error:
            raise BadInput(
                f"'{self.folder}' cannot be made ({error.strerror}): name another result with -o."
            ) from error

    @contextlib.contextmanager
    def cleared(self) -> Iterator[None]:
        """Before the first tile: whatever ends it leaves nothing beside the result, but for what was learnt or made already."""
        try:
            yield
        except BaseException as error:
            self.spare.close()
            traceback.clear_frames(error.__traceback__)  # which hold what there may be no memory for
            made = (self.folder / DONE).exists() or any(self.folder.glob("learnt-*"))
            if (self.folder / MARK).exists() and not made:
                shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def __iter__(self) -> Iterator[tuple[int, int]]:
        with self.cleared():
            found = self._found()
        if found is None:
            return
        tiling = Tiling(found, self.source, self.folder / "result.npy", found.side, found.halo)
        count, done = len(tiling.tiles), self._begin(found)
        yield len(done), count
        for _ in range(TRIES):
            left = (n for n in range(count) if n not in done)
            for number, said in self._answers(tiling, min(self.workers, count), left):
                if isinstance(said, Died):
                    died = said
                    continue
                if said:
                    raise UntaughtError(said)
                done.add(number)
                with (self.folder / DONE).open("a") as file:
                    file.write(f"{number}\n")
                yield len(done), count
            if len(done) == count or self.stopped:
                return
        raise UntaughtError(f"{died} The tiles that are made are kept: the same command goes on.")

    def _answers(self, work: Work, size: int, pieces: Iterator[int]) -> Iterator[tuple[int, Any]]:
        if self.cluster is not None:
            return self.cluster.answers(work, pieces)
        self.crew = Crew(size, work)
        return self.crew.answers(pieces)

    def _found(self) -> Learnt | None:
        """What holds for the whole, from a process of its own; None where it was stopped."""
        for _, answer in self._answers(self.learning, 1, iter([0])):
            if isinstance(answer, str):
                raise BadInput(answer)
            if isinstance(answer, Died):
                raise UntaughtError(str(answer))
            if answer is not None:
                found, self.recipe, self.source = answer
                if found.state and not self.learning.state:
                    os.replace(whole(self.learnt, found.state), self.learnt)
                return found
        return None

    def _begin(self, found: Learnt) -> set[int]:
        """The tiles that are there already. `BadInput` where they are of another run."""
        assert self.recipe is not None
        self.scale, self.side = found.scale, found.side
        key = f"{self.recipe.key} {self.source.shape} {self.source.dtype} {found.side} {found.halo}"
        path, result = self.folder / DONE, self.folder / "result.npy"
        if path.exists() and result.exists():
            first, *lines = path.read_text().splitlines() or [""]
            if first != key:
                raise BadInput(
                    f"'{self.folder}' holds tiles of another run: finish it as it was begun, or begin anew with --force."
                )
            return {int(line) for line in lines if line.isdigit()}
        self._room(found.scale)
        shape = (*(found.scale * n for n in self.source.shape[:2]), *self.source.shape[2:])
        stores.create(result, shape, np.dtype(self.source.dtype).newbyteorder("="))
        path.write_text(key + "\n")
        return set()

    def stop(self) -> None:
        self.stopped = True
        for one in (self.crew, self.cluster):
            if one is not None:
                one.stop()

    def end(self) -> tuple[str, ...]:
        """Put the result in its place, and clear the tiles away: what there is to say. UntaughtError where that fails; they
        stay then."""
        assert self.recipe is not None
        from untaught.io import images

        note = f"It was restored in tiles of {self.side} x {self.side} pixels."
        source = self.source.times(self.scale)
        recipe = self.recipe.finished(steps=self.recipe.steps, complete=True, notes=(note,))
        made, text = self.folder / "result.npy", recipe.to_toml()
        array = np.load(made, mmap_mode="r")
        if self.kind == "NPY":
            notes = self.places.move(self.target, made)
            notes += self.places.text(self.target.with_name(self.target.name + ".toml"), text)
        elif self.kind == "TIFF":
            tiff = self.folder / "result.tif"
            stores.write_tiff(tiff, array, source, text)
            notes = self.places.move(self.target, tiff)
        elif self.kind == "ZARR":
            ome_zarr.write(self.folder / "result.zarr", array, source.store, text)
            ome_zarr.put(self.folder / "result.zarr", self.target, self.places)
            notes = ()
        else:
            notes = images.write(self.target, np.asarray(array), self.source.like, recipe=text, places=self.places)
        del array
        shutil.rmtree(self.folder, ignore_errors=True)
        return (*recipe.notes, *notes)


def _workers(need: float, memory: float | None, workers: int | None) -> int:
    """As many processes as there are cores, or as were asked for, within the memory; `BadInput` where that is not enough for
    one."""
    if workers is not None and workers < 1:
        raise BadInput(f"--workers {workers} leaves nobody to work: give 1 or more.")
    if memory is not None and memory < need:
        raise BadInput(f"--memory {memory / 1e9:.3g}GB is too little: a tile needs {need / 1e9:.3g}GB.")
    memory = memory or free_memory() or need
    return max(1, min(workers or cores() // own_threads(), int(memory // need)))
