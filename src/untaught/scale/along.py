"""A clip of any length along time: what holds for all of it is found on some frames, and then some frames at a time are restored.

As in `tiling`, for the axis of time: a part is seen with as many frames more, before and after, as the estimate depends on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, memory_told
from untaught.core.geometry import strips
from untaught.core.registry import tasks
from untaught.io.images import Image
from untaught.io.recipes import Recipe
from untaught.scale.clips import Clip

if TYPE_CHECKING:
    from untaught.solver.stage import Job

SAMPLE = 5  # frames of the middle, on which noise is measured
VALUES = 1 << 26  # that are restored at a time, or twice the frames that are seen beside, if those are more


@dataclass
class Along:
    """for done, count in along: ... (frames of all tracks). Then `end`. Raises `BadInput`, before any work, for what the task
    refuses, and for a preset that fits a network to all frames."""

    task: str
    settings: dict[str, Any]
    clip: Clip

    def __post_init__(self) -> None:
        self.jobs = [self._job(track, shape) for track, shape in enumerate(self.clip.tracks)]
        first = next((job for job in self.jobs if job is not None), None)
        if first is None:
            raise BadInput("Every frame is of one value alone: there is nothing to restore.")
        recipe = Recipe.now(self.task, self.settings, image=replace(self.clip.like, pixels=np.empty((0, 0))))
        self.notes = first.notes
        self.recipe = replace(recipe, notes=self.notes).resolved(first, tasks.get(self.task).compose)
        self.clip.recipe = self.recipe.finished(steps=self.recipe.steps, complete=True, notes=()).to_toml()

    def _job(self, track: int, shape: tuple[int, ...]) -> Job | None:
        """The job of the frames in the middle, which stands for all; None for a plane of one value, as of a film without colour."""
        middle = max(0, shape[0] - SAMPLE) // 2
        sample = self.clip.read(track, middle, min(shape[0], middle + SAMPLE))
        if track and (sample == sample.flat[0]).all():
            return None
        job = tasks.get(self.task).job(Image(sample), **self.settings)
        from untaught.solver.stage import Estimate

        if len(job.stages) > 1 or not isinstance(job.stages[0], Estimate):
            raise BadInput(
                "A network would be fitted to all frames at once: take --preset instant, fast, balanced or best."
            )
        return job

    def __iter__(self) -> Iterator[tuple[int, int]]:
        done, count = 0, sum(shape[0] for shape in self.clip.tracks)
        yield done, count
        with memory_told():
            for track, (shape, job) in enumerate(zip(self.clip.tracks, self.jobs, strict=True)):
                if job is None:
                    done += shape[0]
                    continue
                beside = job.stages[0].estimator.denoiser.frames_seen  # type: ignore[union-attr]
                at_once = max(2 * beside, VALUES // prod(shape[1:]))
                for part in strips(shape[0], at_once, beside):
                    made = restored(job, self.clip.read(track, part.low, part.high))
                    self.clip.put(track, part.start, made[part.start - part.low : part.stop - part.low])
                    done += part.stop - part.start
                    yield done, count

    def end(self) -> tuple[str, ...]:
        """Put the result in its place: what there is to say."""
        return (*self.notes, *self.clip.end())


def restored(job: Job, frames: NDArray) -> NDArray:
    """Other frames than those that the job was made of, (t, h, w) or (t, h, w, 3), by what was found on these; of their type."""
    import torch

    channels, grey = job.problem.data.shape[1], frames.ndim == 3
    if frames.dtype.kind == "f" and not np.isfinite(frames).all():
        raise BadInput(
            "Some values of the frames are NaN or infinite, which along time are not filled: leave --along out."
        )
    seen = frames[..., None] if grey else frames
    if seen.shape[-1] > channels and (seen != seen[..., :1]).any():
        raise BadInput("The frames in the middle are grey, and others are not: restore them apart.")
    y = torch.from_numpy(np.moveaxis(seen, -1, 0)[:channels].astype(np.float64))[None]
    problem = replace(job.problem, data=job.finish.measured(y).float())
    with torch.no_grad():
        x = job.stages[0].estimator.estimate(problem)  # type: ignore[union-attr]
    made: NDArray = replace(job, finish=job.finish.on(frames)).result(x)
    return made
