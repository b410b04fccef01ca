"""What a person asks for, by name. A task is one file: a function that composes a `Job` from typed arguments.

`untaught.denoise(picture, ...)` returns an array; `untaught.denoise.job(picture, ...)` the job that would make it.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_type_hints

from untaught.errors import BadInput, unknown
from untaught.registry import tasks
from untaught.types import Ge, Gt, Le

if TYPE_CHECKING:
    from untaught.run import Job

__all__ = ["Task", "task", "tasks"]


class Task:
    """A function from typed arguments to a `Job`, callable from array (or path) to array."""

    def __init__(self, compose: Callable[..., Job]) -> None:
        self.compose = compose
        self.__name__ = compose.__name__
        functools.update_wrapper(self, compose)

    def job(self, picture: Any, **settings: Any) -> Job:
        """The frozen job: y, A, E, R, the method, and how its result is brought back. Nothing is run yet."""
        self.check(settings)
        return self.compose(_array(picture), **settings)

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        """The annotation of every keyword setting, by name."""
        hints = get_type_hints(self.compose, include_extras=True, localns={"Job": object})
        return {
            p.name: hints[p.name]
            for p in inspect.signature(self.compose).parameters.values()
            if p.kind is p.KEYWORD_ONLY
        }

    def check(self, settings: dict[str, Any]) -> None:
        """Refuse unknown names and numbers outside the bounds of their annotation."""
        for name, value in settings.items():
            if name not in self.settings:
                raise unknown(f"setting of {self.__name__}", name, self.settings)
            for bound in getattr(self.settings[name], "__metadata__", ()):
                if value is not None and not _within(value, bound):
                    raise BadInput(f"{name} = {value} is outside what it can be: {_words(bound)}.")

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


def _within(value: Any, bound: Any) -> bool:
    """Whether the value keeps the bound; a NaN keeps none."""
    match bound:
        case Ge(ge=low):
            return bool(value >= low)
        case Gt(gt=low):
            return bool(value > low)
        case Le(le=high):
            return bool(value <= high)
    return True


def _words(bound: Any) -> str:
    match bound:
        case Ge(ge=low):
            return f"give {low} or more"
        case Gt(gt=low):
            return f"give a number above {low}"
    return f"give {bound.le} or less"


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
