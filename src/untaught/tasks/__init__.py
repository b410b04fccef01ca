"""What a person asks for, by name. A task is one file: a function that composes a `Job` from typed arguments.

`untaught.denoise(picture, ...)` returns an array; `untaught.denoise.job(picture, ...)` the job that would make it.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from untaught.registry import tasks

if TYPE_CHECKING:
    from untaught.run import Job

__all__ = ["Task", "task", "tasks"]


class Task:
    """A function from typed arguments to a `Job`, callable from array (or path) to array."""

    def __init__(self, compose: Callable[..., Job]) -> None:
        self.compose = compose
        functools.update_wrapper(self, compose)

    def job(self, picture: Any, **settings: Any) -> Job:
        """The frozen job: y, A, E, R, the method, and how its result is brought back. Nothing is run yet."""
        return self.compose(_array(picture), **settings)

    def __call__(self, picture: Any, **settings: Any) -> Any:
        """Run the job and return the restored array, of the type, range and layout that came in."""
        from untaught.run import solve

        job = self.job(picture, **settings)
        solution = solve(job)
        for note in solution.notes:
            logging.getLogger("untaught").info(note)
        return job.result(solution.x)

    def __reduce__(self) -> Any:
        return _lookup, (self.compose.__name__,)


def _lookup(name: str) -> Task:
    return tasks.get(name)


def _array(picture: Any) -> Any:
    if isinstance(picture, str) or hasattr(picture, "__fspath__"):
        from untaught.images import read

        return read(picture).pixels
    return picture


def task(compose: Callable[..., Job]) -> Task:
    """Make a task of a function whose parameters are annotated with the vocabulary of `untaught.types`."""
    return Task(compose)
