"""A picture of any size, in tiles: noise, settings and the network are found on the whole, and each tile is restored with its halo.

    x[tile] = (what was found on the whole)(y[tile + halo])[tile]

A result that is so many times larger than the picture has tiles so many times larger.

What stands for the whole is a sample of it (`Source.sample`), all of a small picture. A network is one that is fed with the
picture: it learns once, on the sample, and then answers for every tile. A network that is fitted to all of a picture cannot do
that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, UntaughtError
from untaught.core.registry import tasks
from untaught.scale.stores import Source, standard
from untaught.session.writing import why

if TYPE_CHECKING:
    from untaught.scale.crew import Contact
    from untaught.solver.stage import Job

HALO = 96  # pixels that a tile sees beyond itself: as far as guides, networks and last passes reach together
SIDE = (
    1024 - 2 * HALO
)  # of a tile, for itself: on the grid of whatever a network shrinks by, and never another, for the same bits
CORNER = 64  # pixels a side of what is tried before
NEED = {1: 1.0e9, 3: 1.35e9}  # bytes that a process holds at most, by channels: docs/large.md


@dataclass(frozen=True)
class Learnt:
    """What was found on the whole: the job of the sample, what its network learnt (packed), or None, and how many times larger the
    result is."""

    job: Job
    state: bytes | None
    scale: int = 1

    @property
    def side(self) -> int:
        """Of a tile, for itself."""
        return SIDE if self.scale == 1 else max(64, (SIDE + 2 * HALO) // self.scale - HALO)

    @property
    def halo(self) -> int:
        return HALO if self.scale == 1 else HALO // 2


def find(job: Job, look: Callable[[Any], bool] = lambda iterate: False) -> Learnt | None:
    """Let the network of a job learn; None where `look`, which sees every iterate, says to stop. `BadInput`, before any step,
    for a job that cannot be done in tiles."""
    from untaught.io.checkpoints import pack
    from untaught.solver.run import Run
    from untaught.solver.stage import Solve

    check(job)
    if not isinstance(job.stages[0], Solve):
        return Learnt(job, None)
    run = Run(job)
    for iterate in run:
        if look(iterate) and not run.over:
            return None
    return Learnt(job, pack(run.state_dict()))


def tried(found: Learnt, source: Source) -> Learnt:
    """The same, as a corner of the picture shows it: how many times larger its result is. `BadInput` where it cannot be made."""
    corner = standard(source.array()[:CORNER, :CORNER])
    made = Answering(found).made(corner)
    scale = max(1, made.shape[0] // corner.shape[0])
    if made.dtype != corner.dtype or made.shape != (*(scale * n for n in corner.shape[:2]), *corner.shape[2:]):
        raise BadInput(f"Its result is of another type ({made.dtype}) or size than the picture: leave --memory out.")
    return replace(found, scale=scale)


def check(job: Job) -> None:
    """`BadInput` for a job of which a tile cannot be done for itself."""
    from untaught.solver.stage import Solve

    stage, operator = job.stages[0], job.problem.operator
    if operator.sought or operator.tile((CORNER, CORNER)) is None:
        raise BadInput(
            f"A part of the data has to be of a part of the picture, which {type(operator).__name__} does not promise: leave "
            "--memory out."
        )
    if (
        len(job.stages) > 1
        or job.problem.weight is not None
        or (isinstance(stage, Solve) and not stage.method.objective.transfers)
    ):
        what = "impulses are filled" if job.problem.weight is not None else "a network is fitted to the whole picture"
        raise BadInput(
            f"This cannot be done in tiles, since {what}: leave --memory out, or take --preset fast or instant."
        )


class Answering:
    """What makes a tile of what it sees; a process has one, whatever the number of tiles."""

    def __init__(self, found: Learnt) -> None:
        from untaught.io.checkpoints import unpack
        from untaught.solver.run import Run

        self.job, self.scale, self.run = found.job, found.scale, None
        if found.state is not None:
            self.run = Run(found.job)
            self.run.load_state_dict(unpack(found.state)[0])

    def __call__(self, array: NDArray) -> NDArray:
        """The picture of an array (h, w) or (h, w, 3), of its type. `BadInput` for one that is not as the sample was."""
        made = self.made(array)
        if (made.shape, made.dtype) != ((*(self.scale * n for n in array.shape[:2]), *array.shape[2:]), array.dtype):
            raise BadInput(
                f"Its result is of another type ({made.dtype}) or size than the picture: leave --memory out."
            )
        return made

    def made(self, array: NDArray) -> NDArray:
        """The same, of whatever size."""
        import torch

        from untaught.core.geometry import pad_to

        finish, channels = self.job.finish, self.job.problem.data.shape[1]
        seen = finite(array if array.ndim == 3 else array[..., None])
        if seen.shape[2] > channels and (seen != seen[..., :1]).any():
            raise BadInput(
                "Its channels are all the same where the picture was looked at, and differ elsewhere: leave --memory out."
            )
        y = torch.from_numpy(np.moveaxis(seen, -1, 0)[:channels].astype(np.float64))[None]
        operator = self.job.problem.operator.tile(y.shape[2:])
        assert operator is not None  # by `check`
        data, start = finish.measured(y).float(), self.job.problem.start
        if start is not None:  # a first guess is the data, as large as their picture
            start = pad_to(data, operator.image_shape(tuple(data.shape))[2:])
        problem = replace(self.job.problem, data=data, operator=operator, start=start)
        with torch.no_grad():
            if self.run is None:
                x = self.job.stages[0].estimator.estimate(problem)  # type: ignore[union-attr]
            else:
                x = self.run.course.answer(problem, self.job.stages[0].passes)  # type: ignore[attr-defined]
        made: NDArray = replace(self.job, finish=finish.on(array)).result(x)
        return made


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
            made = self._answering(standard(self.source.array()[seen]))[inner]
        except Exception as error:
            return str(error) if isinstance(error, UntaughtError) else f"A tile could not be restored ({why(error)})."
        whole = np.lib.format.open_memmap(self.result, "r+")
        whole[kept] = made
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
    """The job of the sample that stands for the whole. `BadInput` as of the task, and for values that are not finite."""
    from untaught.io.images import Image

    return tasks.get(task).job(Image(finite(source.sample())), **settings)


def finite(array: NDArray) -> NDArray:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadInput(
            "Some values of the picture are NaN or infinite, which in tiles is not filled: leave --memory out."
        )
    return array
