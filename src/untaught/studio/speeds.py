"""How long a job will take on this computer: from one step of each of its stages, taken once on a small piece of a picture and
remembered; and from how long jobs took that were foretold so. Only in the engine's process.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import OutOfMemory, UntaughtError
from untaught.core.registry import tasks
from untaught.io.images import Image, jpeg, read
from untaught.session.explain import begin, said, timed
from untaught.solver.memory import refuse
from untaught.studio import marked
from untaught.studio.messages import Prospect
from untaught.tasks import role

if TYPE_CHECKING:
    from untaught.problem import Problem
    from untaught.solver.stage import Job, Stage

PIECE = 128**2  # pixels of what is tried
SEEN = ((768**2, 800**2), (2**17, 400**2))  # (pixels above which presets change, and so many that show how)
STEPS = 2  # that are timed, after a first one that prepares what is used again
KEPT = 500  # stages that are remembered
NEWS = 0.4  # how much of what is known of a preset gives way to the last job
LENT = ("mask", "picture")  # what a job may lack while it is asked about
FAR = math.log(4)  # further off than so many times, a job says more of the machine's day than of the preset


@dataclass(frozen=True)
class Speed:
    """Of a stage, on a picture of so many pixels. step: seconds of one; prepare, final: of one input, and of the last picture."""

    pixels: int
    step: float
    prepare: float
    final: float

    def of(self, stage: Stage, steps: int, pixels: int) -> float:
        """The seconds of the stage on another picture. Where it learns on crops, a step does not grow with it."""
        times = pixels / self.pixels
        most = pixels if stage.window is None else min(pixels, stage.window**2)
        each = self.step * (times if stage.whole else 1)
        items = min(steps, max(1, stage.items))
        return steps * each + items * self.prepare * max(1.0, most / self.pixels) + self.final * times


class Speeds:
    """What is known of this computer. folder: where it is kept, if it is the studio's own."""

    def __init__(self, folder: Path) -> None:
        self.known: dict[str, Speed] = {}
        self.ratios: dict[str, float] = {}
        self.lock = threading.Lock()
        self.path: Path | None = folder / "speeds.json"
        try:
            if not folder.exists():
                marked.make(folder)
            told = json.loads(self.path.read_text(encoding="utf-8")) if marked.mine(folder) else {}
            self.known = {name: Speed(*values) for name, values in told["stages"].items()}
            self.ratios = {name: float(value) for name, value in told["ratios"].items()}
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            pass  # nothing is known yet
        if not marked.mine(folder):
            self.path = None

    def foretell(self, task: str, image: Image, settings: dict[str, Any], idle: Callable[[], bool]) -> Prospect:
        """What is known of that job. idle: whether what is not known may be tried now.

        A piece of the picture is asked. All of it is only where the piece is refused, since a sky may be flat and what is under
        it not; and where a mask or a guide is given, which belongs to all of it.
        """
        with self.lock:
            try:
                seconds = self._seconds(task, image, settings, idle)
                doubt = any(settings.get(n) for n, hint in tasks.get(task).settings.items() if role(hint) in LENT)
            except UntaughtError:
                seconds, doubt = None, True
            why = refusal(task, image, settings, alone=idle()) if doubt else None
            return Prospect(None if why else seconds, why)

    def _seconds(self, task: str, image: Image, settings: dict[str, Any], idle: Callable[[], bool]) -> float | None:
        """The seconds of that job; None where nobody knows. `UntaughtError` where one of a piece of the picture is refused."""
        with self._room() as folder:
            begun = time.perf_counter()
            count = prod(image.pixels.shape[:2])
            enough = next((some for above, some in SEEN if count > above), count)
            seen = piece(image, enough, folder / "seen.jpg")
            job = waiting(task, seen, settings)
            composed = time.perf_counter() - begun
            times = count / prod(seen.pixels.shape[:2])
            if idle():  # else a job holds memory that this one will have
                refuse(job, times)
            if any(signature(stage, job) not in self.known for stage in job.stages):
                if not idle():
                    return None
                self._try(job, waiting(task, piece(image, PIECE, folder / "piece.jpg"), settings))
            seconds = self._sum(job, times)
            if seconds is None:
                return None
            return (seconds + composed * times) * math.exp(self.ratios.get(_name(task, settings), 0.0))

    @contextlib.contextmanager
    def _room(self) -> Iterator[Path]:
        """Where pieces of JPEGs lie: beside what is known, where the next ones take their places."""
        if self.path is not None:
            yield self.path.parent
        else:
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder)

    def took(self, task: str, settings: dict[str, Any], job: Job, composed: float, seconds: float) -> None:
        """What a job took after it was composed, to foretell the next one better."""
        if not self.lock.acquire(blocking=False):  # something was tried beside it, which made it slower than it is
            return
        try:
            if not (foretold := self._sum(job, 1.0)):
                return
            off = math.log((composed + seconds) / (composed + foretold))
            name, off = _name(task, settings), max(-FAR, min(FAR, off))
            before = self.ratios.get(name)
            self.ratios[name] = off if before is None else before + NEWS * (off - before)
            self._keep()
        finally:
            self.lock.release()

    def _sum(self, job: Job, times: float) -> float | None:
        total, pixels = 0.0, round(times * prod(job.problem.image_shape[2:]))
        for stage in job.stages:
            speed = self.known.get(signature(stage, job))
            if speed is None or stage.steps is None:
                return None
            total += speed.of(stage, stage.steps, pixels)
        return total

    def _try(self, job: Job, small: Job) -> None:
        """A few steps of each stage that is not known, on the small problem; what they find is thrown away."""
        for i, stage in enumerate(job.stages):
            if (name := signature(stage, job)) in self.known:
                continue
            own = small.problem
            if i < len(small.stages) and signature(small.stages[i], small) == name:
                stage = small.stages[i]  # what is as large as its picture is so here
                own = stage.problem or own
            if i and own.start is None:  # what the stage before would hand on: its size is what matters here
                own = replace(own, start=own.operator.adjoint(own.data))
            self.known[name] = _tried(stage, own)
        for name in list(self.known)[:-KEPT]:
            del self.known[name]
        self._keep()

    def _keep(self) -> None:
        if self.path is not None:
            told = {"stages": {name: astuple(one) for name, one in self.known.items()}, "ratios": self.ratios}
            with contextlib.suppress(OSError):  # costs only that it is tried again
                marked.put(self.path, json.dumps(told))


def _tried(stage: Stage, problem: Problem) -> Speed:
    """A few steps of it, and its picture: a person waits, so that `explain.costs`, which takes many, would be too long."""
    course = begin(stage, problem)
    first, *others = (timed(course.advance) for _ in range(1 + min(STEPS, (stage.steps or STEPS) - 1)))
    each = min(others or [first])
    return Speed(prod(problem.image_shape[2:]), each, max(0.0, first - each), timed(lambda: course.render(1)))


def signature(stage: Stage, job: Job) -> str:
    """What decides how long a step takes: which parts, how large, on which device. Values that are no counts do not."""
    parts = f"{said(stage.timed)} {stage.device} {type(job.problem.operator).__name__} {job.problem.image_shape[1]}"
    for told, short in ((r"\d+\.\d+(e-?\d+)?", "#"), (r"(#, )+#", "#"), (r"tensor [\d x]+", "tensor ")):
        parts = re.sub(told, short, parts)
    return parts


def piece(image: Image, count: int, path: Path) -> Image:
    """The middle of a picture, of about so many pixels; a JPEG stays one, of the same quantisation, written to that path."""
    height, width = image.pixels.shape[:2]
    if height * width <= count:
        return image
    high = min(height, math.isqrt(count))
    wide = min(width, -(-count // high))
    high = min(height, -(-count // wide))
    top, left = (height - high) // 2, (width - wide) // 2
    pixels = image.pixels[top : top + high, left : left + wide]
    if image.format == "JPEG" and image.source is not None and pixels.dtype == np.uint8:
        return _jpeg(pixels, image.source, path)
    return Image(np.ascontiguousarray(pixels), format=image.format)


def _jpeg(pixels: NDArray, like: Path, path: Path) -> Image:
    from PIL import Image as Pillow

    Pillow.fromarray(pixels).save(path, "JPEG", **jpeg.saving(like))
    return read(path)


def waiting(task: str, image: Image, settings: dict[str, Any]) -> Job:
    """The job of a piece of a picture, with a mask and a guide that are lent: thin holes, and itself."""
    one = tasks.get(task)
    return _lent(task, image, {k: v for k, v in settings.items() if role(one.settings[k]) not in LENT})


def refusal(task: str, image: Image | None, settings: dict[str, Any], *, alone: bool = True) -> str | None:
    """The sentence with which a job of all of the picture is refused; None where it is not. What it lacks yet is lent.

    alone: whether no other job runs, whose memory this one will have.
    """
    try:
        job = tasks.get(task).job(None, **settings) if image is None else _lent(task, image, settings)
        if alone:
            refuse(job)
    except UntaughtError as error:
        return str(error) if alone or not isinstance(error, OutOfMemory) else None
    return None


def _lent(task: str, image: Image, settings: dict[str, Any]) -> Job:
    one, given = tasks.get(task), {name for name, value in settings.items() if value}
    roles = {what: [name for name, hint in one.settings.items() if role(hint) == what] for what in LENT}
    lent: dict[str, Any] = {}
    if not given & {*roles["mask"], "mask_colour"}:
        lent |= dict.fromkeys(roles["mask"][:1], _scratched(image.pixels))
    if not given & {*roles["picture"]}:
        lent |= dict.fromkeys(roles["picture"][:1], image.pixels)
    return one.job(image, **{**settings, **lent})


def _scratched(pixels: NDArray) -> NDArray:
    """A mask of thin lines."""
    mask = np.zeros(pixels.shape[:2], bool)
    mask[:: max(2, min(24, len(mask) // 2))] = True
    return mask


def _name(task: str, settings: dict[str, Any]) -> str:
    return f"{task} {settings.get('preset', '')} {settings.get('blind', '')}"
