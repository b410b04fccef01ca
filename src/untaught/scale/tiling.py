"""A picture of any size, in tiles: noise, settings and the network are found on the whole, and each tile is restored with its halo.

    x[tile] = (what was found on the whole)(y[tile + halo])[tile]

A result that is so many times larger than the picture has tiles so many times larger.

What stands for the whole is a sample of it (`Source.sample`), all of a small picture. A network is one that is fed with the
picture: it learns once, on the sample, and then answers for every tile. A network that is fitted to all of a picture cannot do
that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, UntaughtError, why
from untaught.core.registry import tasks
from untaught.io.gaps import Gaps, bridged, filled
from untaught.scale.parts import Seen
from untaught.scale.preparing import SAID
from untaught.scale.stores import Source

if TYPE_CHECKING:
    from untaught.problem import Problem
    from untaught.scale.crew import Contact
    from untaught.solver.stage import Job

SEEN = 1024  # pixels a side of all that a tile sees
HALO, ENLARGED = 64, 48  # of them beyond itself, where pictures stay as large as they are, and where they are enlarged
# Pixels a side that are the tile's own: on the grid of what a network shrinks by and of a JPEG's blocks, always, for the same bits.
SIDE = SEEN - 2 * HALO
CORNER = 64  # pixels a side of what is tried before
FITTED = "a network is fitted to the whole picture, and one that has seen a part knows nothing of the next"
NEED = {1: 1.0e9, 3: 1.35e9}  # bytes that a process holds at most, by channels: docs/large.md


@dataclass(frozen=True)
class Learnt:
    """What was found on the whole: the job of the sample, what its network learnt (packed), or None, how many times larger the
    result is, and whether values that are unknown stay so."""

    job: Job
    state: bytes | None
    scale: int = 1
    keeps: bool = False

    @property
    def side(self) -> int:
        """Of a tile, for itself."""
        return SIDE if self.scale == 1 else max(64, SEEN // self.scale - 2 * ENLARGED)

    @property
    def halo(self) -> int:
        return HALO if self.scale == 1 else ENLARGED


def find(job: Job, look: Callable[[Any], bool] = lambda iterate: False, *, filled: bool = False) -> Learnt | None:
    """Let the network of a job learn; None where `look`, which sees every iterate, says to stop. `BadInput`, before any step,
    for a job that cannot be done in tiles."""
    from untaught.io.checkpoints import pack
    from untaught.solver.fitting import Fitting
    from untaught.solver.loop import Run
    from untaught.solver.stage import Solve

    check(job, filled)
    if not isinstance(job.stages[-1], Solve):
        return Learnt(job, None)
    run = Run(job)
    for iterate in run:
        if look(iterate) and not run.complete:
            return None
    assert isinstance(run.course, Fitting)
    return Learnt(job, pack({"run": run.state_dict(), "decided": run.course.decided()}))


def tried(found: Learnt, source: Source, *, keeps: bool = False) -> Learnt:
    """The same, as a corner of the picture shows it: how many times larger its result is. `BadInput` where it cannot be made.
    keeps: values that are unknown stay so."""
    found = replace(found, keeps=keeps)
    seen = source.part((slice(0, CORNER), slice(0, CORNER)))
    if seen.fill is not None:  # what is known stays, so that its type does, too
        return found
    corner, made = seen.pixels, Answering(found).made(seen)
    scale = max(1, made.shape[0] // corner.shape[0])
    if made.dtype != corner.dtype or made.shape != (*(scale * n for n in corner.shape[:2]), *corner.shape[2:]):
        raise BadInput(f"Its result is of another type ({made.dtype}) or size than the picture: leave --memory out.")
    return replace(found, scale=scale)


def check(job: Job, filled: bool = False) -> None:
    """`BadInput` for a job of which a tile cannot be done for itself. filled: where it is to be filled is known of every tile."""
    if why := unfit(job, filled):
        raise BadInput(f"This cannot be done in tiles, since {why}: leave --memory out.")


def unfit(job: Job, filled: bool = False) -> str:
    """Why a tile cannot be done for itself; "" where it can."""
    from untaught.solver.stage import Estimate, Solve

    operator, weight = job.problem.operator, job.problem.weight
    if operator.sought or operator.tile((CORNER, CORNER)) is None:
        name = type(operator).__name__
        return f"a part of the data has to be of a part of the picture, which {name} does not promise"
    if weight is not None and not filled and not operator.quantised:
        return "impulses, or other values that are unknown, are filled"
    if any(stage.problem is not None or stage.onward for stage in job.stages):
        return FITTED if any(isinstance(stage, Solve) for stage in job.stages[:-1]) else "impulses are filled"
    if job.finish.whole:
        return job.finish.whole
    *before, last = job.stages
    fitted = isinstance(last, Solve) and not last.method.objective.transfers
    if fitted or any(isinstance(stage, Solve) for stage in before):
        return FITTED
    if any(isinstance(stage, Estimate) and not stage.estimator.local for stage in job.stages):
        return "its holes are wide, and are continued from anywhere in the picture"
    return ""


class Answering:
    """What makes a tile of what it sees; a process has one, whatever the number of tiles."""

    def __init__(self, found: Learnt) -> None:
        from untaught.io.checkpoints import unpack
        from untaught.solver.loop import Run

        self.job, self.scale, self.keeps, self.run = found.job, found.scale, found.keeps, None
        if found.state is not None:
            state, last = unpack(found.state)[0], found.job.stages[-1]
            objective = replace(last.method.objective, **state["decided"])  # type: ignore[union-attr, type-var]
            self.job = replace(found.job, stages=(*found.job.stages[:-1], last.changed(objective=objective)))  # type: ignore[union-attr]
            self.run = Run(self.job)
            self.run.load_state_dict(state["run"])

    def __call__(self, seen: Seen) -> NDArray:
        """The picture of what is seen, of its type. `BadInput` for one that is not as the sample was."""
        array = seen.pixels
        if seen.fill is not None and not seen.fill.any():
            return array
        made = self.made(seen)
        if (made.shape, made.dtype) != ((*(self.scale * n for n in array.shape[:2]), *array.shape[2:]), array.dtype):
            raise BadInput(
                f"Its result is of another type ({made.dtype}) or size than the picture: leave --memory out."
            )
        return made

    def made(self, seen: Seen) -> NDArray:
        """The same, of whatever size."""
        import torch

        job = self._job(seen)
        x: Any = None
        with torch.no_grad():
            for stage in job.stages:
                problem = stage.asked(job, x)
                if self.run is not None and stage is job.stages[-1]:
                    x = self.run.course.answer(problem, stage.passes)  # type: ignore[attr-defined]
                else:
                    x = stage.estimator.estimate(problem)  # type: ignore[union-attr]
        made: NDArray = job.result(x)
        return made

    def _job(self, seen: Seen) -> Job:
        """The job of the whole on what is seen, with what is unknown in it as it is in a small picture."""
        import torch

        gone = ~np.isfinite(seen.pixels) if seen.fill is None and seen.pixels.dtype.kind == "f" else None
        if gone is None or not gone.any():
            return replace(self.job, problem=self._asked(seen), finish=self.job.finish.on(seen.pixels, seen.fill))
        axis = -1 if gone.ndim == 3 else None
        known = replace(seen, pixels=_bridged(seen.pixels, gone, self.job.finish.scale[0], axis))
        problem, weighs = self._asked(known), all(stage.weighs for stage in self.job.stages)
        if weighs:
            of = gone if axis is None or problem.data.shape[1] > 1 else gone.any(-1)
            problem = replace(problem, weight=torch.from_numpy(~_first(of))[None].float())
        gaps = Gaps(gone, seen.pixels, axis, gone if self.keeps else None, weighs)
        return replace(self.job, problem=problem, finish=self.job.finish.on(known.pixels).bridging(gone, gaps))

    def _asked(self, seen: Seen) -> Problem:
        """The problem of the whole with the data of what is seen."""
        import torch

        from untaught.core.geometry import pad_to

        whole, finish = self.job.problem, self.job.finish
        operator = whole.operator.tile(seen.pixels.shape[:2])
        assert operator is not None  # by `check`
        if operator.quantised:
            assert seen.coded is not None
            data = operator.levelled(torch.from_numpy(seen.coded.measurements))  # type: ignore[operator]
            return replace(whole, data=data, operator=operator, weight=operator.energies(), start=None)  # type: ignore[operator]
        channels, array, weight = whole.data.shape[1], seen.pixels, None
        if seen.fill is not None:
            array = np.where(seen.fill, np.array(finish.scale[0], array.dtype), array)
            weight = torch.from_numpy(~_first(seen.fill))[None].float()
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BadInput(
                "Some values that are to be kept are NaN or infinite: mark them in the mask, or give --mask nan."
            )
        array = _first(array)
        if len(array) > channels and (array != array[:1]).any():
            raise BadInput(
                "Its channels are all the same where the picture was looked at, and differ elsewhere: leave --memory out."
            )
        data, start = finish.measured(torch.from_numpy(array[:channels].astype(np.float64))[None]).float(), whole.start
        if start is not None:  # a first guess is the data, as large as their picture
            start = pad_to(data, operator.image_shape(tuple(data.shape))[2:])
        return replace(whole, data=data, operator=operator, weight=weight, start=start)


def _bridged(array: NDArray, gone: NDArray, otherwise: float, axis: int | None) -> NDArray:
    """With known values in the place of unknown ones; `otherwise` in a channel that has none hereabouts."""
    none = gone.all((0, 1))
    return bridged(np.where(none, np.asarray(otherwise, array.dtype), array), gone & ~none, axis)


def _first(array: NDArray) -> NDArray:
    """The channels first."""
    return np.ascontiguousarray(np.moveaxis(array if array.ndim == 3 else array[..., None], -1, 0))


@dataclass(frozen=True)
class Tiling:
    """The work of a process: the tile of that number, into the result. Frozen, and it pickles.

    found: on the whole. source: what is read; result: an NPY file that is there already.
    """

    found: Learnt
    source: Source
    result: Path
    side: int = SIDE
    halo: int = HALO

    @cached_property
    def tiles(self) -> list[tuple[tuple[slice, ...], ...]]:
        """Of each tile what is seen, what is kept, and where that is in what was seen."""
        from untaught.core.geometry import cuts, tiles

        return [cuts(tile) for tile in tiles(self.source.space, (self.side, self.side), self.halo)]

    def __call__(self, number: int, contact: Contact | None = None) -> str:
        """Make one: "", or why it could not be made."""
        seen, kept, inner = self.tiles[number]
        kept, inner = (tuple(_times(s, self.found.scale) for s in part) for part in (kept, inner))
        try:
            made = self._answering(self.source.part((seen[0], seen[1])))[inner]
        except Exception as error:
            return str(error) if isinstance(error, UntaughtError) else f"A tile could not be restored ({why(error)})."
        whole = np.lib.format.open_memmap(self.result, "r+")
        self.source.placed(whole)[kept] = made
        whole.flush()
        return ""

    @cached_property
    def _answering(self) -> Answering:
        return Answering(self.found)

    def __getstate__(self) -> dict[str, Any]:
        own = self.__dict__
        return {name: own[name] for name in ("found", "source", "result", "side", "halo")}


def _times(part: slice, scale: int) -> slice:
    return slice(scale * part.start, scale * part.stop)


def job_of(task: str, source: Source, settings: dict[str, Any]) -> Job:
    """The job of the sample that stands for the whole. `BadInput` as of the task."""
    from untaught.io.images import Image
    from untaught.io.masks import Holes

    seen = source.sample()
    if source.marked is None:
        image = Image(seen.pixels, format="" if seen.coded is None else "JPEG", coded=seen.coded)
        job = tasks.get(task).job(replace(image, pixels=filled(image)), **settings)
        return replace(job, notes=(*source.notes, *job.notes))
    assert seen.fill is not None
    found = Holes(seen.fill, source.marked.shape, source.marked.notes)
    given = {name: value for name, value in settings.items() if name not in SAID}
    return tasks.get(task).job(Image(seen.pixels), mask=found, **given)


def fitting(task: str, source: Source, settings: dict[str, Any]) -> Job:
    """The same, of which tiles can be done for themselves. `BadInput` for another, with the presets that can."""
    job = job_of(task, source, settings)
    why = unfit(job, source.marked is not None)
    if not why:
        return job
    others = []
    for preset in get_args(tasks.get(task).settings.get("preset")) if why == FITTED else ():
        with contextlib.suppress(UntaughtError):
            if not unfit(job_of(task, source, {**settings, "preset": preset}), source.marked is not None):
                others.append(preset)
    remedy = f", or take --preset {' or '.join(others)}" if others else ""
    raise BadInput(f"This cannot be done in tiles, since {why}: leave --memory out{remedy}.")
