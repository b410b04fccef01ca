"""A job, run under somebody's eyes: obeys between two steps, shows what forms, keeps the run. Only in the worker."""

from __future__ import annotations

import math
import queue
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.calibration.series import Series
from untaught.core import threads
from untaught.core.errors import BadInput, UntaughtError
from untaught.core.registry import tasks
from untaught.io import images
from untaught.io.checkpoints import Folder
from untaught.io.recipes import Recipe
from untaught.solver.run import Run
from untaught.studio import closing
from untaught.studio import messages as m
from untaught.studio.previews import Eye

NUMBERS = 0.2  # seconds between two messages of numbers
PICTURES = 0.5  # and between two pictures, while somebody watches ...
ALONE = 10.0  # ... and while nobody does: a few for the timeline
SHARE = 12.5  # a picture may cost one such part of the time, 8 %, or it comes more seldom
SAVE = 10.0  # seconds between two checkpoints; a run that is over before has none
MOMENTS = 60  # kept pictures; of more, every second one goes
FULL = 6e8  # bytes of kept pictures in full depth


class Player:
    """Plays one job after the other. `watched`: whether a page is open."""

    def __init__(self, orders: queue.Queue[Any], send: Callable[..., None]) -> None:
        self.orders, self.send = orders, send
        self.watched = False
        self.clear()

    def clear(self) -> None:
        """Forget the last job, whose arrays would otherwise live on until the next."""
        self.run: Any = None
        self.eye: Any = None
        self.recipe: Any = None

    def play(self, order: dict[str, Any]) -> None:
        self.job, self.place, self.asking = order["job"], Path(order["folder"]), order["asking"]
        self.paused, self.end, self.first = False, "", 0.0
        self.moments: list[tuple[int, int]] = []
        self.kept: set[int] = set()
        self.speed: deque[tuple[float, int]] = deque(maxlen=40)
        self.send(m.JobState(self.job, "preparing"))
        image, job, state, notes = self._compose(order)
        run = self.run = closing.ask(job) if self.asking else Run(job)
        if state is not None:
            run.load_state_dict(state)
        self.image = image
        self.eye = None if image is None else Eye.of(image.pixels)
        self.folder = Folder(self.place / "run")
        if state is None:
            self.folder.begin(self.recipe)
        opaque = image is not None and job.finish.company(image).alpha is None
        self.send(m.JobState(self.job, "running", opaque))
        now = time.monotonic()
        self.next_numbers, self.next_picture, self.next_save = now, now, now + SAVE
        self._obey()
        begun = time.monotonic()
        if not self.end:
            for iterate in run:
                self.first = self.first or time.monotonic() - begun
                self._watch(iterate)
                self._obey()
                if self.end:
                    break
        if self.end == "quit":
            self._save()
            raise SystemExit
        if self.end == "cancel":
            self.send(m.JobState(self.job, "cancelled"))
            return
        self.send(m.JobState(self.job, "finishing"))
        self._answer(job) if self.asking else self._finish(job, order, notes)

    @property
    def one(self) -> Run:
        """The run that is at work, where several are asked."""
        return self.run.run if isinstance(self.run, Series) else self.run

    def _compose(self, order: dict[str, Any]) -> tuple[Any, Any, Any, tuple[str, ...]]:
        """(image, job, state or None, what is to be said); from the kept run where there is one to go on with."""
        one = tasks.get(order["task"])
        path = order["path"]
        image = None
        if path:
            try:
                image = images.read(path, max_megapixels=math.inf)
            except BadInput as error:
                raise BadInput(str(error).replace(path, order["name"])) from error
        kept = Folder(self.place / "run")
        notes: tuple[str, ...] = ()
        state, settings = None, order["settings"]
        self.recipe = None
        threads.settle()
        if order["resume"] and (kept.path / "recipe.toml").is_file():
            self.recipe = kept.recipe()
            settings = self.recipe.settings
            threads.settle(self.recipe.threads)
            now = Recipe.now(order["task"], settings, image=image, files=one.files(settings))
            state, notes = kept.load(self.recipe)
            if apart := self.recipe.differences(now):
                notes += (f"It went on with another build ({', '.join(apart)}): the bits are not those of one run.",)
        job = one.job(image, **settings)
        if self.recipe is None:
            recipe = Recipe.now(order["task"], settings, image=image, files=one.files(settings))
            self.recipe = recipe.resolved(job, one.compose)
            if self.asking:
                self.recipe = closing.plan(job).recipe(self.recipe)
        return image, job, state, notes

    def _obey(self) -> None:
        """Take what the server says; while paused, wait for it. Orders for other jobs come too late and are passed over."""
        while True:
            try:
                kind, order = self.orders.get(block=self.paused)
            except queue.Empty:
                return
            if kind == "watch":
                self.watched = order["on"]
                self.next_picture = 0.0 if self.watched and not self.paused else self.next_picture
            elif kind == "quit":
                self.end = "quit"
                return
            elif order.get("job") == self.job:
                if kind == "pause":
                    self.paused = True
                    self._save()
                    self.send(m.JobState(self.job, "paused"))
                elif kind == "resume" and self.paused:
                    self.paused = False
                    self.speed.clear()
                    self.send(m.JobState(self.job, "running"))
                elif kind in ("stop", "cancel"):
                    self.end, self.paused = kind, False
                    return

    def _watch(self, iterate: Any) -> None:
        now = time.monotonic()
        last = iterate.verdict.stop is not None
        if now >= self.next_numbers or last:
            self.next_numbers = now + NUMBERS
            self.speed.append((now, self.run.total))
            self._numbers(iterate)
        if now >= self.next_picture and not last and not self.asking:
            self._picture(iterate)
        if now >= self.next_save:
            self._save()
            self.next_save = time.monotonic() + SAVE

    def _numbers(self, iterate: Any) -> None:
        run, whole = self.one, self.run
        earliest, latest = whole.outlook()
        index, runs = (whole.index, whole.repeat) if isinstance(whole, Series) else (0, 1)
        left = None
        if earliest is not None and len(self.speed) > 2 and self.speed[-1][1] > self.speed[0][1]:
            each = (self.speed[-1][0] - self.speed[0][0]) / (self.speed[-1][1] - self.speed[0][1])
            low = max(0, earliest - whole.total) * each * 0.85
            high = None if latest is None else max(0, latest - whole.total) * each * 1.2
            left = round(low, 1), None if high is None else round(high, 1)
        progress = iterate.verdict.progress
        if progress is None and run.steps:
            progress = min(1.0, run.step / run.steps)
        if progress is not None:
            progress = (index + (run.stage + progress) / len(run.job.stages)) / runs
        numbers = m.Numbers(
            step=whole.total,
            energy=finite(iterate.energy),
            score=finite(iterate.verdict.score),
            progress=progress,
            left=left,
            stops=earliest,
            stage=run.stage,
            stages=len(run.job.stages),
            seconds=whole.seconds,
        )
        self.send(m.JobNumbers(self.job, numbers))

    def _picture(self, iterate: Any) -> None:
        begun = time.monotonic()
        try:
            self._show(self.run.total, self.run.total, self.run.job.result(iterate.preview()))
        except OSError as error:  # a full disk costs the pictures on the way, and not the run
            self.send(m.JobTrouble(self.job, f"Pictures on the way could not be kept ({error.strerror})."))
        cost = time.monotonic() - begun
        self.next_picture = begun + max(PICTURES if self.watched else ALONE, SHARE * cost)

    def _show(self, number: int, step: int, samples: Any) -> None:
        """Write one picture for the eye, and its samples where the disk can bear them; tell which ones there are now."""
        if self.eye is None:
            self.eye = Eye.of(samples)
        icc = None if self.image is None else self.image.icc
        (self.place / f"{number}.jpg").write_bytes(self.eye.jpeg(samples, icc=icc))
        if samples.nbytes * MOMENTS <= FULL:
            store(self.place / f"{number}.npy", samples)
            self.kept.add(number)
        self.moments.append((number, step))
        if len(self.moments) > MOMENTS:
            for old, _ in self.moments[1:-1:2]:
                (self.place / f"{old}.npy").unlink(missing_ok=True)
                (self.place / f"{old}.jpg").unlink(missing_ok=True)
                self.kept.discard(old)
            self.moments = [*self.moments[0:-1:2], self.moments[-1]]
        self.send(m.JobMoments(self.job, tuple(m.KeptMoment(n, s, n in self.kept) for n, s in self.moments)))

    def _save(self) -> None:
        """Keep the run. A disk that does not take it costs only the resuming, and is said once."""
        if self.run is None or self.run.total == 0:
            return
        try:
            self.folder.save(self.run, self.recipe)
            self.send(m.JobSaved(self.job, self.run.total))
        except OSError as error:
            self.send(m.JobTrouble(self.job, f"The run could not be kept ({error.strerror}); it goes on without."))

    def _finish(self, job: Any, order: dict[str, Any], notes: tuple[str, ...]) -> None:
        """Write the result and tell of it; then judge it, which takes a second or two and may fail without harm."""
        run = self.run
        complete = run.complete
        begun = time.monotonic()
        solution = run.solution
        drawn = time.monotonic() - begun
        samples = job.result(solution.x)
        said = (*notes, *solution.notes, *job.remarks(solution.x))
        recipe = self.recipe.finished(steps=run.total, complete=complete, notes=solution.notes)
        if recipe.input:
            recipe = replace(recipe, input=order["name"])
        try:
            (self.place / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
            store(self.place / "result.npy", samples)
            self.kept.add(run.total + 1)
            self._show(run.total + 1, solution.step, samples)
        except OSError as error:  # hours of work are not lost with a disk that is full at the end
            (self.place / "result.npy").unlink(missing_ok=True)
            self._save()
            raise UntaughtError(
                f"The disk did not take the result ({error.strerror}): make room in the studio's folder, then "
                + ("resume it: the run is kept." if self.folder.states() else "begin it anew.")
            ) from error
        self.folder.remove()
        height, width = samples.shape[:2]
        depth = {"uint8": "8 bit", "uint16": "16 bit"}.get(str(samples.dtype), "32 bit float")
        self.send(
            m.JobDone(
                self.job,
                stopped=not complete,
                reason=solution.reason,
                notes=said,
                step=run.total,
                best=solution.step,
                seconds=run.seconds,
                result=m.ResultAbout(run.total + 1, width, height, depth),
                ask=m.AskCost(**closing.offer(job, run.seconds, self.first + drawn)),
            )
        )
        verdict = m.Judgement(**closing.judge(self.place, solution, job, recipe, self.image, samples))
        self.send(m.JobJudged(self.job, verdict))

    def _answer(self, job: Any) -> None:
        """Write the map of where the picture is unsure, and tell how to read it."""
        told = closing.answer(self.place, job, self.run)
        self.folder.remove()
        self.send(m.JobMapped(self.job, m.MapLegend(**told)))


def store(path: Path, samples: NDArray) -> None:
    """As `np.save`, which on a full disk may lose the end of the array without a word. OSError with the system's words."""
    samples = np.ascontiguousarray(samples)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(samples))
        file.write(samples.data)


def finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
