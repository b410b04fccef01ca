"""A session under somebody's eyes: obeys between two steps, shows what forms, tells what became of it. Only in the worker."""

from __future__ import annotations

import io
import math
import queue
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from untaught.calibration.repeated import RepeatedRuns
from untaught.core import threads
from untaught.core.errors import BadInput, UntaughtError
from untaught.core.registry import tasks
from untaught.io import images
from untaught.io.checkpoints import Folder
from untaught.io.images.places import Places
from untaught.io.images.write import write_pages
from untaught.io.recipes import Recipe
from untaught.reports.heat import flat
from untaught.session import uncertainty
from untaught.session.keeping import Keeper, resumed
from untaught.session.life import Session
from untaught.solver.loop import Run
from untaught.studio import messages as m
from untaught.studio.previews import Eye, depth, legend, overlay, store
from untaught.tasks import role

NUMBERS = 0.2  # seconds between two messages of numbers
PICTURES = 0.5  # and between two pictures, while somebody watches ...
ALONE = 10.0  # ... and while nobody does: a few for the timeline
SHARE = 12.5  # a picture may cost one such part of the time, 8 %, or it comes more seldom
SAVE = 10.0  # seconds between two checkpoints; a run that is over before has none
MOMENTS = 60  # kept pictures; of more, every second one goes
FULL = 6e8  # bytes of kept pictures in full depth


class Player:
    """Plays one job after the other. `watched`: whether a page is open. took: is told how long each took, from end to end."""

    def __init__(
        self, orders: queue.Queue[Any], send: Callable[..., None], took: Callable[..., None] = lambda *job: None
    ) -> None:
        self.orders, self.send, self.took = orders, send, took
        self.watched = False
        self.clear()

    def clear(self) -> None:
        """Forget the last job, whose arrays would otherwise live on until the next."""
        self.session: Any = None
        self.eye: Any = None

    def play(self, order: dict[str, Any]) -> None:
        self.job, self.place, self.asking = order["job"], Path(order["folder"]), order["asking"]
        self.paused, self.end, self.first = False, "", 0.0
        begun = time.monotonic()
        self.moments: list[tuple[int, int]] = []
        self.kept: set[int] = set()
        self.speed: deque[tuple[float, int]] = deque(maxlen=40)
        self.places = Places.of([order["path"]], force=True, aside=False)
        self.send(m.JobState(self.job, "preparing"))
        session = self.session = self._compose(order)
        self.composed = time.monotonic() - begun
        image = self.image = session.image
        self.eye = None if image is None else Eye.of(image.pixels)
        company = session.company()
        opaque = image is not None and image.alpha is not None and company is not None and company.alpha is None
        self.send(m.JobState(self.job, "running", opaque))
        now = time.monotonic()
        self.next_numbers, self.next_picture = now, now
        self._obey()
        begun = time.monotonic()
        for iterate in () if self.end else session:
            self.first = self.first or time.monotonic() - begun
            self._watch(iterate)
            self._obey()
            if self.end:
                break
        if self.end == "quit":
            session.keeper.save()
            raise SystemExit
        if self.end == "cancel":
            self.send(m.JobState(self.job, "cancelled"))
            return
        self.send(m.JobState(self.job, "finishing"))
        self._answer() if self.asking else self._finish(order)

    @property
    def run(self) -> Run | RepeatedRuns:
        return self.session.run

    @property
    def one(self) -> Run:
        """The run that is at work, where several are asked."""
        return self.run.run if isinstance(self.run, RepeatedRuns) else self.run

    def _compose(self, order: dict[str, Any]) -> Session:
        """The session of the order; from the kept run where there is one to go on with."""
        path, settings = order["path"], order["settings"]
        image = None
        if path:
            try:
                image = images.read(path, max_megapixels=math.inf)
            except BadInput as error:
                raise BadInput(str(error).replace(path, order["name"])) from error
        keeper = Keeper(Folder(self.place / "run"), asked=True, every=SAVE, told=self._told)
        keeper.elsewhere, keeper.continues = "make room in the studio's folder", "resume it"
        threads.settle()
        if order["resume"] and (keeper.folder.path / "recipe.toml").is_file():
            recipe, state, notes = resumed(keeper.folder, keeper.folder.recipe(), image)
            keeper.begun = True
            return Session(recipe, image, keeper, state=state, notes=notes)
        files = tasks.get(order["task"]).files(settings)
        recipe = Recipe.now(order["task"], settings, image=image, files=files)
        return Session(recipe, image, keeper, asking=self.asking)

    def _told(self, step: int, trouble: str) -> None:
        """Of every state that was kept, or could not be."""
        if trouble:
            message = f"The run could not be kept ({trouble}); it goes on without."
            self.send(m.JobTrouble(self.job, message))
        else:
            self.send(m.JobSaved(self.job, step))

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
                    self.session.keeper.save()
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

    def _numbers(self, iterate: Any) -> None:
        run, whole = self.one, self.run
        earliest, latest = whole.outlook()
        index, runs = (whole.index, whole.repeat) if isinstance(whole, RepeatedRuns) else (0, 1)
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
            self._show(self.run.total, self.run.total, self.session.job.result(iterate.preview()))
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

    def _finish(self, order: dict[str, Any]) -> None:
        """Write the result and tell of it; then judge it, which takes a second or two and may fail without harm."""
        run, begun = self.run, time.monotonic()
        ending = self.session.end()
        drawn = time.monotonic() - begun
        if ending.recipe and ending.recipe.input:
            ending.recipe = replace(ending.recipe, input=order["name"])
        last, solution = run.total + 1, ending.solution

        def put(samples: Any, like: Any, text: str | None) -> tuple[str, ...]:
            out = io.BytesIO()
            np.save(out, samples, allow_pickle=False)
            if text is not None:
                what = "The result is without its recipe, which could not be written"
                ending.attempt(what, lambda: self.places.text(self.place / "recipe.toml", text), None)
            try:
                self.places.put(self.place / "result.npy", out.getvalue())
            except UntaughtError as error:
                why = getattr(error.__cause__, "strerror", None) or str(error)
                said = f"The disk did not take the result ({why}): make room in the studio's folder."
                raise UntaughtError(said) from error
            self.kept.add(last)
            ending.attempt("The result could not be shown", lambda: self._show(last, solution.step, samples), None)
            return ()

        ending.write(put)
        ending.close()
        height, width = ending.result.shape[:2]
        came = None if self.image is None else self.image.pixels
        mixes = came is not None and (came.shape, came.dtype) == (ending.result.shape, ending.result.dtype)
        mixes &= not any(role(hint) == "mask" for hint in tasks.get(order["task"]).settings.values())
        self.send(
            m.JobDone(
                self.job,
                stopped=not ending.complete,
                reason=solution.reason,
                notes=tuple(ending.notes),
                step=run.total,
                best=solution.step,
                seconds=self.composed + run.seconds + drawn,
                result=m.ResultAbout(
                    last, width, height, depth(ending.result), mixes=mixes, draws=self.session.job.draws
                ),
                ask=m.AskCost(**uncertainty.offer(self.session.job, run.seconds, self.first + drawn)),
            )
        )
        if ending.complete and not self.session.resumed:
            self.took(order["task"], order["settings"], self.session.job, self.composed, run.seconds + drawn)
        before = len(ending.notes)
        report = ending.judge(self.places, self.place / "report.json", self.place / "report.html")
        for note in ending.notes[before:] if report else ():
            self.send(m.JobTrouble(self.job, note))
        verdict = m.Judgement("", "")
        if report is None:
            verdict = m.Judgement("not judged", f"not judged: {ending.notes[-1].rstrip('.')}")
        elif self.session.job.finish.restores:
            said = report.verdict
            verdict = m.Judgement(said.kind, said.sentence, tuple(reason.name for reason in said.reasons))
        self.send(m.JobJudged(self.job, verdict))

    def _answer(self) -> None:
        """Write the map of where the picture is unsure, and tell how to read it."""
        runs = self.run
        assert isinstance(runs, RepeatedRuns)
        pages, held, note = uncertainty.answer(self.session.job, runs)
        write_pages(self.place / "unsure.tif", pages, self.places)
        size = flat(next(iter(pages.values())))
        self.places.put(self.place / "unsure.png", overlay(size))
        self.session.keeper.end(keep=False)
        told = {"full": self.session.job.finish.full, "runs": runs.repeat, "held": held, "note": note}
        self.send(m.JobMapped(self.job, m.MapLegend(**legend(size), **told)))


def finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
