"""The jobs: a queue that every page sees, one of them with the worker, each one outliving the page that asked for it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from untaught.core.errors import BadInput
from untaught.studio import forms, marked, worker
from untaught.studio import messages as m
from untaught.studio.link import Link, words
from untaught.studio.pictures import Pictures
from untaught.studio.shelf import OVER, Entry, Shelf, rescued
from untaught.studio.views import EngineView

WITH_WORKER = {"preparing", "running", "paused", "stopping", "cancelling", "finishing"}
PATIENCE = 5.0  # seconds that an order to stop or cancel may go unheard
REST = 5.0  # seconds at most before another engine is made, where one after the other does not live
HOUR = 3600.0  # seconds between two looks at what is too old
CURVE = 600  # points of a curve; of more, every second one goes


class Jobs:
    """tell: is called with a job's id whenever something about it has changed, and with patient=True where only numbers have."""

    def __init__(
        self, shelf: Shelf, pictures: Pictures, tell: Callable[..., None], engine: Callable[[Any], None] = worker.main
    ) -> None:
        self.shelf, self.pictures, self.tell = shelf, pictures, tell
        self.all: dict[str, Entry] = {job.id: job for job in shelf.load()}
        self.link = Link(self.hear, self.died, engine)
        self.engine = EngineView()
        self.on_measured: Callable[[m.PictureMeasured], None] = lambda said: None
        self.on_death: Callable[[], None] = lambda: None
        self.active: Entry | None = None
        self.watched = False
        self.deaths = 0  # of engines since one was ready
        self.timers: dict[str, asyncio.TimerHandle] = {}

    def begin(self) -> None:
        """Make an engine, and from then on see to it that there is one, and that nothing is kept for too long."""
        self._engine()
        self._tidy()

    # What pages ask for

    def get(self, id: str) -> Entry:
        if id not in self.all:
            raise BadInput("This job is not here any more: it was removed.")
        return self.all[id]

    def add(
        self, task: str, picture: str | None, name: str, settings: dict[str, Any], *, of: str | None = None
    ) -> Entry:
        job = Entry(secrets.token_urlsafe(12), task, picture, name, settings, created=time.time(), of=of)
        marked.make(self.place(job))
        self.all[job.id] = job
        self._changed(job)
        self._trim()
        self._next()
        return job

    def place(self, job: Entry) -> Path:
        return self.shelf.place(job)

    def pause(self, job: Entry) -> None:
        self._need(job, {"running", "preparing"}, "be paused")
        self.link.send(m.PauseJob(job.id))

    def go_on(self, job: Entry) -> None:
        """Out of a pause; or a run that an earlier server, or a crash, left."""
        if job.state == "paused":
            self.link.send(m.ResumeJob(job.id))
            return
        self._need(job, {"interrupted", "failed"}, "be resumed")
        job.state, job.resume, job.message, job.ended = "waiting", True, "", 0.0
        self._changed(job)
        self._next()

    def stop(self, job: Entry) -> None:
        """End it and keep the best picture so far. Heard or not, this returns at once, and it ends within `PATIENCE`: only where
        there is no picture to fall back on, a slow step is waited for.
        """
        self._need(job, {"running", "paused"}, "be stopped")
        job.state = "stopping"
        self.link.send(m.StopJob(job.id))
        each = job.numbers.seconds / max(1, job.numbers.step) if job.numbers else 0.0
        self._expect(job, PATIENCE if self._whole(job) else PATIENCE + 3 * each)
        self._changed(job)

    def cancel(self, job: Entry) -> None:
        """End it and discard it."""
        if job.state == "waiting" or job.state in OVER:
            self.remove(job)
            return
        if job.state != "cancelling":
            job.state = "cancelling"
            self.link.send(m.CancelJob(job.id))
            self._expect(job, PATIENCE)
            self._changed(job)

    def again(self, job: Entry, how: str) -> dict[str, Any] | None:
        """The settings of another go at it; None where there is nothing to change for that."""
        picture = self.pictures.all.get(job.picture) if job.picture else None
        sigma = picture.measured.sigma if picture and picture.measured else None
        return forms.again(how, job.task, job.settings, job.numbers.step if job.numbers else 0, sigma)

    def unsure(self, job: Entry) -> Entry:
        """Ask where the result of a job is unsure: with the settings that made it, once, and then it is known."""
        self._need(job, {"done"}, "be asked where it is unsure")
        if job.ask is None or job.ask.why:
            raise BadInput(job.ask.why if job.ask else "This result was rescued, and cannot be asked: begin it anew.")
        asked = self.question(job)
        if asked is not None and asked.state not in ("failed", "interrupted"):
            return asked
        if asked is not None:
            self.remove(asked)
        settings = job.settings
        if job.numbers and job.numbers.stopped and forms.has(job.task, "steps"):
            settings = {**settings, "steps": job.numbers.step}
        return self.add(job.task, job.picture, job.name, settings, of=job.id)

    def question(self, job: Entry) -> Entry | None:
        """The job that asks about the result of this one."""
        return next((j for j in self.all.values() if j.of == job.id), None)

    def remove(self, job: Entry) -> None:
        if job.state in WITH_WORKER:
            raise BadInput("This job is running: cancel it first.")
        if (asked := self.question(job)) is not None:
            self.cancel(asked)
        self.all.pop(job.id, None)
        marked.remove(self.place(job))
        self.tell(job.id)
        used = {j.picture for j in self.all.values()} | {v for j in self.all.values() for v in j.settings.values()}
        if job.picture and job.picture not in used and len(self.pictures.all) > 20:
            self.pictures.drop(job.picture)

    def watch(self, on: bool) -> None:
        self.watched = on
        self.link.send(m.Watch(on))

    # What the worker says

    def hear(self, told: m.Message) -> None:
        match told:
            case m.EngineReady(devices, threads):
                self.engine = EngineView("ready", devices, threads)
                self.deaths = 0
                self.tell("")
                self._next()
            case m.EngineBroken(message):
                self.engine = replace(self.engine, state="broken", message=message)
                self.tell("")
            case m.PictureMeasured():
                self.on_measured(told)
            case m.OfJob(id) if id in self.all:
                job = self.all[id]
                self._hear_of(job, told)
                self._changed(job, patient=isinstance(told, m.JobNumbers))

    def _hear_of(self, job: Entry, told: m.OfJob) -> None:
        match told:
            case m.JobState(_, state, opaque):
                job.opaque = job.opaque if opaque is None else opaque
                self._state(job, state)
            case m.JobNumbers(_, numbers):
                job.numbers = numbers
                job.curve.append((numbers.step, numbers.energy, numbers.score))
                if len(job.curve) > CURVE:
                    job.curve = [*job.curve[:-1:2], job.curve[-1]]
            case m.JobMoments(_, moments):
                job.moments = moments
            case m.JobSaved(_, step):
                job.saved = step
            case m.JobTrouble(_, message):
                job.note(message)
            case m.JobDone():
                job.reason, job.ask, job.judging = told.reason, told.ask, True
                job.note(*map(self.pictures.named, told.notes))
                ended = replace(job.numbers or m.Numbers(), step=told.step, best=told.best, left=None)
                job.numbers = replace(ended, seconds=told.seconds, stopped=told.stopped)
                hows = ("softer", "sharper", *(("seed",) if told.result.draws else ()))
                again = tuple(how for how in hows if self.again(job, how) is not None)
                job.result = replace(told.result, again=again)
                self._over(job, "done")
            case m.JobJudged(_, verdict):
                job.verdict, job.judging, job.written = verdict, False, ""
            case m.JobMapped(_, legend):
                job.map = legend
                self._over(job, "done")
            case m.JobFailed(_, message):
                job.message = self.pictures.named(message)
                self._over(job, "failed")

    def _state(self, job: Entry, state: Any) -> None:
        heard = state in ("finishing", "cancelled")
        if heard:
            self._heard(job)
        if state == "cancelled":
            self._over(job, "failed")
            self.remove(job)
        elif heard or job.state not in ("stopping", "cancelling"):
            job.state = state

    def died(self, code: int | None) -> None:
        """The worker is gone: its job becomes a sentence, another worker is made, and the queue goes on."""
        self.deaths += 1
        self.on_death()
        job, self.active = self.active, None
        for done in self.all.values():
            if done.judging:
                done.judging = False
                self._changed(done)
        if job is not None:
            self._heard(job)
            if job.state == "cancelling":
                job.state = "failed"
                self.remove(job)
            elif job.state == "stopping" and self._rescue(job):
                pass
            else:
                kept = f"It was kept at step {job.saved} and can be resumed." if job.saved else "Begin it anew."
                where = f" at step {job.numbers.step}" if job.numbers else ""
                job.message = f"The engine ended unexpectedly{where} ({words(code)}). {kept}"
                job.state = "failed"
            if job.id in self.all:
                self._changed(job)
        if self.engine.state != "broken":
            self.engine = replace(self.engine, state="starting")
        self.tell("")
        self._another()

    def _another(self) -> None:
        """Another engine: at once after one that had been ready, and the later the more of them did not come so far."""
        rest = 0.0 if self.deaths < 2 else min(REST, 0.05 * 2.0 ** min(self.deaths, 20))
        self.timers[""] = asyncio.get_running_loop().call_later(rest, self._engine)

    def _engine(self) -> None:
        try:
            self.link.start()
        except OSError:  # no memory or no process left for it just now
            self.deaths += 1
            self._another()
        else:
            self.watch(self.watched)

    def _whole(self, job: Entry) -> list[m.KeptMoment]:
        """The moments that are kept in full depth."""
        return [moment for moment in job.moments if moment.whole]

    def _rescue(self, job: Entry) -> bool:
        """A run that did not hear "stop" and was killed: its last kept moment is the result. False where there is none."""
        whole = self._whole(job)
        if not whole:
            return False
        last = whole[-1]
        try:
            shutil.copy(self.place(job) / f"{last.n}.npy", self.place(job) / "result.npy")
        except OSError:
            return False
        about = self.pictures.all[job.picture].about if job.picture in self.pictures.all else None
        reason = f"it did not stop within {PATIENCE:g} s and was ended; this is its picture of step {last.step}"
        rescued(job, last, reason, about.depth if about else "")
        job.numbers = replace(job.numbers or m.Numbers(), stopped=True, left=None)
        return True

    # What follows from it

    def _next(self) -> None:
        """Give the worker the first that waits, if it has nothing to do."""
        if self.active is not None or self.engine.state != "ready":
            return
        job = next((j for j in sorted(self.all.values(), key=lambda j: j.created) if j.state == "waiting"), None)
        if job is None:
            return
        self.active = job
        job.state = "preparing"
        picture = self.pictures.all.get(job.picture) if job.picture else None
        if job.picture and picture is None:
            job.message = "Its picture is not here any more: add it again."
            self._over(job, "failed")
            self._changed(job)
            return
        settings = self.pictures.paths(job.settings)
        path = str(self.pictures.path(picture)) if picture else None
        asking = job.of is not None
        self.link.send(m.Watch(self.watched))
        self.link.send(m.StartJob(job.id, job.task, path, job.name, settings, str(self.place(job)), job.resume, asking))
        self._changed(job)

    def _over(self, job: Entry, state: m.State) -> None:
        self._heard(job)
        job.state = state
        if self.active is job:
            self.active = None
        asyncio.get_running_loop().call_soon(self._next)
        asyncio.get_running_loop().call_soon(self._trim)

    def _expect(self, job: Entry, seconds: float) -> None:
        self._heard(job)
        self.timers[job.id] = asyncio.get_running_loop().call_later(seconds, self._unheard, job)

    def _heard(self, job: Entry) -> None:
        timer = self.timers.pop(job.id, None)
        if timer is not None:
            timer.cancel()

    def _unheard(self, job: Entry) -> None:
        if self.active is job and job.state in ("stopping", "cancelling"):
            self.link.kill()

    def _changed(self, job: Entry, patient: bool = False) -> None:
        job.version += 1
        self.tell(job.id, patient=patient)
        if job.state != job.written:  # the disk needs to know only what a restart would ask
            job.written = job.state
            self._write(job)

    def _write(self, job: Entry) -> None:
        with contextlib.suppress(OSError):  # costs only that a restart does not know of it
            self.shelf.write(job)

    def _need(self, job: Entry, states: set[str], what: str) -> None:
        if job.state not in states:
            raise BadInput(
                f"This job is {job.state} and cannot {what}: it would have to be {' or '.join(sorted(states))}."
            )

    def _trim(self) -> None:
        """Let go what is too old; of too many results first the moments on the way, then all, the oldest first, never the last."""
        over = sorted((j for j in self.all.values() if j.state in OVER and j.of is None), key=lambda j: j.ended)
        for job in over:
            if time.time() - job.ended > 86400 * self.shelf.days:
                self.remove(job)
        over = [j for j in over if j.id in self.all and j.state == "done"]
        size = sum(j.bytes for j in self.all.values() if j.state == "done")
        for job in over[:-1]:
            if size > self.shelf.room:
                size -= self.shelf.thin(job)
                job.written = ""
                self._changed(job)
        for job in over[:-1]:
            if size > self.shelf.room:
                size -= job.bytes
                self.remove(job)

    def _tidy(self) -> None:
        self._trim()
        self.timers["tidy"] = asyncio.get_running_loop().call_later(HOUR, self._tidy)

    def end(self) -> None:
        """Let the worker keep its run and go. What is finished stays until it is removed."""
        for timer in self.timers.values():
            timer.cancel()
        self.link.end()
