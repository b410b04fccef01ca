"""What a person asks for, by name. A task is one file: a function that composes a `Job` from typed arguments.

`untaught.denoise(picture, ...)` returns an array; `untaught.denoise.job(picture, ...)` the job that would make it.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from untaught.core.callers import own_settings
from untaught.core.docstrings import completed
from untaught.core.errors import BadInput, memory_told, unknown
from untaught.core.registry import tasks
from untaught.core.types import Ge, Gt, Le, Role

if TYPE_CHECKING:
    from untaught.io.axes import Axes
    from untaught.solver.stage import Job

__all__ = ["Task", "task", "tasks"]


class Task:
    """A function from typed arguments to a `Job`, callable from array (or path) to array. local: whether a part of the result is
    made of a part of the picture, so that a large one can be restored in tiles."""

    local = True

    def __init__(self, compose: Callable[..., Job]) -> None:
        self.compose = compose
        self.__name__ = compose.__name__
        functools.update_wrapper(self, compose)
        self.__doc__ = completed(compose.__doc__ or "", self.settings)

    @own_settings()
    @memory_told()
    def job(self, picture: Any = None, **settings: Any) -> Job:
        """The frozen job: y, A, E, R, the method, and how its result is brought back. Nothing is run yet."""
        self.check(settings)
        given = {k: _guide(v) if role(self.settings[k]) == "picture" else v for k, v in settings.items()}
        if self.subject is None:
            if picture is not None:
                raise BadInput(f"{self.__name__} takes no picture: give its settings by name only.")
            return self.compose(**given)
        if picture is None:
            raise BadInput(f"{self.__name__} needs a picture: an array, or the path of a file.")
        if self.subject == "measurements":
            return self.compose(self._measured(picture), **given)
        from untaught.io import gaps
        from untaught.io.images import hidden
        from untaught.tasks._gaps import spanned

        image = _image(picture)
        if self.masked:
            image, given = gaps.told(image, given)
            return self.compose(image, **given)
        # What a file marks as no data, or hides by transparency, has no say; `images.write` puts it back.
        image = replace(image, pixels=hidden.seen(image), unknown=None)
        compose = self.compose if self.subject == "file" else lambda image, **given: self.compose(image.pixels, **given)
        return spanned(compose, image, given)

    def read(self, path: str | Path, *, max_megapixels: float = 100.0) -> Any:
        """An `images.Image` of the file, with pixels of any shape and type where the task takes measurements."""
        if self.subject == "measurements":
            from untaught.io import measurements

            return measurements.read(path, max_megapixels=max_megapixels)
        from untaught.io import images

        return images.read(path, max_megapixels=max_megapixels)

    def _measured(self, data: Any) -> Any:
        import numpy as np

        from untaught.io.images import Image

        if isinstance(data, str) or hasattr(data, "__fspath__"):
            return self.read(data).pixels
        return data.pixels if isinstance(data, Image) else np.asanyarray(data)

    @functools.cached_property
    def masked(self) -> bool:
        """Whether a mask says what is missing: then the task sees to what is unknown itself."""
        return any(role(hint) == "mask" for hint in self.settings.values())

    @functools.cached_property
    def subject(self) -> str | None:
        """What the first argument is: "picture" (the task gets an array), "file" (an `images.Image`), "measurements" (an array that
        is none of a picture), or None: no picture."""
        hints = get_type_hints(self.compose, include_extras=True, localns={"Job": object})
        first = next(iter(inspect.signature(self.compose).parameters.values()))
        return None if first.kind is first.KEYWORD_ONLY else role(hints[first.name])

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        """The annotation of every keyword setting, by name."""
        hints = get_type_hints(self.compose, include_extras=True, localns={"Job": object})
        return {
            p.name: hints[p.name]
            for p in inspect.signature(self.compose).parameters.values()
            if p.kind is p.KEYWORD_ONLY
        }

    def files(self, settings: dict[str, Any]) -> dict[str, Path]:
        """The settings that name files that are there: a mask, a guide, a kernel, weights."""
        found = {k: Path(v) for k, v in settings.items() if isinstance(v, (str, Path)) and role(self.settings.get(k))}
        return {k: path for k, path in found.items() if path.is_file()}

    def beside(self, settings: dict[str, Any]) -> bool:
        """Whether these settings name another picture, or a mask."""
        return any(role(self.settings.get(k)) in ("picture", "mask") and v is not None for k, v in settings.items())

    def check(self, settings: dict[str, Any]) -> None:
        """Refuse unknown names and numbers outside the bounds of their annotation."""
        for name, value in settings.items():
            if name not in self.settings:
                raise unknown(f"setting of {self.__name__}", name, self.settings)
            for bound in getattr(self.settings[name], "__metadata__", ()):
                if value is not None and not _within(value, bound):
                    raise BadInput(f"{name} = {value} is outside what it can be: {_words(bound)}.")

    @own_settings()
    @memory_told()
    def __call__(self, picture: Any = None, **settings: Any) -> Any:
        """Run the job and return the restored array, of the type, range and layout that came in."""
        import numpy as np

        if settings.get("axes", "auto") != "auto" and "axes" in self.settings:
            from untaught.io.axes import Axes

            named = Axes(settings["axes"], settings.get("along", "space"))
            if named.apart:
                return self._each(np.asanyarray(picture), named, settings)

        from untaught.solver.loop import solve

        job = self.job(picture, **settings)
        solution = solve(job)
        for note in (*solution.notes, *job.remarks(solution.x)):
            logging.getLogger("untaught").info(note)
        result = job.result(solution.x)
        if not isinstance(picture, np.ma.MaskedArray) or self.subject == "measurements":
            return result
        from untaught.io.axes import enlarged

        return np.ma.array(result, mask=enlarged(np.ma.getmaskarray(picture), result.shape))

    def _each(self, array: Any, named: Axes, settings: dict[str, Any]) -> Any:
        """The results of an array of several pictures, joined."""
        import numpy as np

        from untaught.io.axes import enlarged

        masked, given = isinstance(array, np.ma.MaskedArray), settings
        if masked and self.masked and settings.get("mask") is None:
            given = {**settings, "mask": np.ma.getmaskarray(array)}
        made = named.each(array, lambda part: np.ma.getdata(self(array[part], **named.settings(given, array, part))))
        return np.ma.array(made, mask=enlarged(np.ma.getmaskarray(array), made.shape)) if masked else made

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


def role(annotation: Any) -> str | None:
    """The name of the `Role` that an annotation carries."""
    return next((m.name for m in getattr(annotation, "__metadata__", ()) if isinstance(m, Role)), None)


def _lookup(name: str) -> Task:
    return tasks.get(name)


def _guide(picture: Any) -> Any:
    """A picture beside the one that is restored, as an array in which nothing is unknown; None where there is none."""
    from untaught.io import gaps

    return None if picture is None else gaps.filled(_image(picture))


def _image(picture: Any) -> Any:
    from untaught.io.gaps import numbers
    from untaught.io.images import Image, read

    if isinstance(picture, str) or hasattr(picture, "__fspath__"):
        return read(picture)
    return replace(picture, pixels=numbers(picture.pixels)) if isinstance(picture, Image) else Image(numbers(picture))


def task(compose: Callable[..., Job]) -> Task:
    """Make a task of a function whose parameters are annotated with the vocabulary of `untaught.types`."""
    return Task(compose)
