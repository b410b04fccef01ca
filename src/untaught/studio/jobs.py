"""The jobs: a queue that every page sees, one of them with the worker, each one outliving the page that asked for it."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from untaught.errors import BadInput
from untaught.studio import forms
from untaught.studio.link import Link, words
from untaught.studio.pictures import Pictures

WITH_WORKER = {"preparing", "running", "paused", "stopping", "cancelling", "finishing"}
OVER = {"done", "failed", "interrupted"}
PATIENCE = 5.0  # seconds that an order to stop or cancel may go unheard
CURVE = 600  # points of a curve; of more, every second one goes
ROOM = 4e9  # bytes of all jobs; beyond, the oldest that are over go


@dataclass
class Job:
    """One run, as the pages see it. settings: as they were sent, with ids in place of files.

    of: the job about whose result this one asks where it is unsure; `map` is then its answer. ask: what such a question would
    cost. verdict: of the result's report; {} while that is made, None where there is none.
    """

    id: str
    task: str
    picture: str | None
    name: str
    settings: dict[str, Any]
    state: str = "waiting"
    created: float = 0.0
    resume: bool = False
    message: str = ""
    reason: str = ""
    notes: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    moments: list[dict[str, Any]] = field(default_factory=list)
    curve: list[list[float | None]] = field(default_factory=list)
    result: dict[str, Any] | None = None
    verdict: dict[str, str] | None = None
    ask: dict[str, Any] | None = None
    of: str | None = None
    map: dict[str, Any] | None = None
    saved: int | None = None
    version: int = 0
    written: str = field(default="", repr=False)  # the state that the disk knows of

    def public(self) -> dict[str, Any]:
        """Everything but the curve, of which pages get what is new to them."""
        hidden = {"resume", "curve", "version", "written"}
        names = [f.name for f in fields(self) if f.name not in hidden]
        return {n: getattr(self, n) for n in names}


class Jobs:
    """tell: is called with a job's id whenever something about it has changed, and with patient=True where only numbers have."""

    def __init__(self, folder: Path, pictures: Pictures, tell: Callable[..., None]) -> None:
        self.folder, self.pictures, self.tell = folder, pictures, tell
        self.all: dict[str, Job] = {}
        self.link = Link(self.hear, self.died)
        self.engine: dict[str, Any] = {"state": "starting", "devices": ["auto", "cpu"]}
        self.on_measured: Callable[[dict[str, Any]], None] = lambda said: None
        self.active: Job | None = None
        self.watched = False
        self.deaths = 0
        self.timers: dict[str, asyncio.TimerHandle] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._load()

    # What pages ask for

    def get(self, id: str) -> Job:
        if id not in self.all:
            raise BadInput("This job is not here any more: it was removed.")
        return self.all[id]

    def add(self, task: str, picture: str | None, name: str, settings: dict[str, Any], *, of: str | None = None) -> Job:
        job = Job(secrets.token_urlsafe(12), task, picture, name, settings, created=time.time(), of=of)
        self.place(job).mkdir()
        self.all[job.id] = job
        self._changed(job)
        self._trim()
        self._next()
        return job

    def place(self, job: Job) -> Path:
        return self.folder / job.id

    def pause(self, job: Job) -> None:
        self._need(job, {"running", "preparing"}, "be paused")
        self.link.send("pause", job=job.id)

    def go_on(self, job: Job) -> None:
        """Out of a pause; or a run that an earlier server, or a crash, left."""
        if job.state == "paused":
            self.link.send("resume", job=job.id)
            return
        self._need(job, {"interrupted", "failed"}, "be resumed")
        job.state, job.resume, job.message = "waiting", True, ""
        self._changed(job)
        self._next()

    def stop(self, job: Job) -> None:
        """End it and keep the best picture so far. Heard or not, this returns at once."""
        self._need(job, {"running", "paused"}, "be stopped")
        job.state = "stopping"
        self.link.send("stop", job=job.id)
        each = job.numbers.get("seconds", 0) / max(1, job.numbers.get("step", 1))
        self._expect(job, PATIENCE + 3 * each)
        self._changed(job)

    def cancel(self, job: Job) -> None:
        """End it and discard it."""
        if job.state == "waiting" or job.state in OVER:
            self.remove(job)
            return
        if job.state != "cancelling":
            job.state = "cancelling"
            self.link.send("cancel", job=job.id)
            self._expect(job, PATIENCE)
            self._changed(job)

    def again(self, job: Job, how: str) -> dict[str, Any] | None:
        """The settings of another go at it; None where there is nothing to change for that."""
        picture = self.pictures.all.get(job.picture) if job.picture else None
        measured = (picture.measured or {}) if picture else {}
        return forms.again(how, job.task, job.settings, job.numbers.get("step", 0), measured.get("sigma"))

    def unsure(self, job: Job) -> Job:
        """Ask where the result of a job is unsure: with the settings that made it, once, and then it is known."""
        self._need(job, {"done"}, "be asked where it is unsure")
        if job.ask is None or "why" in job.ask:
            raise BadInput(
                job.ask["why"] if job.ask else "This result was rescued, and cannot be asked: begin it anew."
            )
        asked = self.question(job)
        if asked is not None and asked.state not in ("failed", "interrupted"):
            return asked
        if asked is not None:
            self.remove(asked)
        ended = {"steps": job.numbers["step"]} if job.numbers.get("stopped") and forms.has(job.task, "steps") else {}
        return self.add(job.task, job.picture, job.name, {**job.settings, **ended}, of=job.id)

    def question(self, job: Job) -> Job | None:
        """The job that asks about the result of this one."""
        return next((j for j in self.all.values() if j.of == job.id), None)

    def remove(self, job: Job) -> None:
        if job.state in WITH_WORKER:
            raise BadInput("This job is running: cancel it first.")
        if (asked := self.question(job)) is not None:
            self.cancel(asked)
        self.all.pop(job.id, None)
        shutil.rmtree(self.place(job), ignore_errors=True)
        self.tell(job.id)
        used = {j.picture for j in self.all.values()} | {v for j in self.all.values() for v in j.settings.values()}
        if job.picture and job.picture not in used and len(self.pictures.all) > 20:
            self.pictures.drop(job.picture)

    def watch(self, on: bool) -> None:
        self.watched = on
        self.link.send("watch", on=on)

    # What the worker says

    def hear(self, kind: str, values: dict[str, Any]) -> None:
        if kind == "ready":
            self.engine = {"state": "ready", **values}
            self.tell("")
            self._next()
            return
        if kind == "broken":
            self.engine = {**self.engine, "state": "broken", "message": values["message"]}
            self.deaths = 99
            self.tell("")
            return
        if kind == "measured":
            self.on_measured(values)
            return
        job = self.all.get(values.pop("job"))
        if job is None:
            return
        if kind == "state":
            self._state(job, values["state"])
        elif kind == "numbers":
            job.numbers = values
            job.curve.append([values["step"], values["energy"], values["score"]])
            if len(job.curve) > CURVE:
                job.curve = [*job.curve[:-1:2], job.curve[-1]]
        elif kind == "frame":
            job.moments = values["moments"]
        elif kind == "saved":
            job.saved = values["step"]
        elif kind == "trouble":
            job.notes += [values["message"]] if values["message"] not in job.notes else []
        elif kind == "done":
            job.reason, job.result = values["reason"], values["result"]
            job.notes += [n for n in values["notes"] if n not in job.notes]
            job.numbers = {**job.numbers, "step": values["step"], "seconds": values["seconds"], "best": values["best"]}
            job.numbers |= {"stopped": values["stopped"], "left": None}
            job.result["again"] = [how for how in ("softer", "sharper", "seed") if self.again(job, how) is not None]
            job.ask, job.verdict = values["ask"], {}
            self._over(job, "done")
        elif kind == "judged":
            job.verdict = values["verdict"]
        elif kind == "mapped":
            job.map = values["map"]
            self._over(job, "done")
        elif kind == "failed":
            job.message = values["message"]
            self._over(job, "failed")
        self._changed(job, patient=kind == "numbers")

    def _state(self, job: Job, state: str) -> None:
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
        job, self.active = self.active, None
        for done in self.all.values():
            if done.verdict == {}:
                done.verdict = None
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
                where = f" at step {job.numbers['step']}" if job.numbers else ""
                job.message = f"The engine ended unexpectedly{where} ({words(code)}). {kept}"
                job.state = "failed"
            if job.id in self.all:
                self._changed(job)
        self.engine = {**self.engine, "state": "starting"}
        self.tell("")
        if self.deaths < 20:
            self.link.start()
            self.watch(self.watched)

    def _rescue(self, job: Job) -> bool:
        """A run that did not hear "stop" and was killed: its last kept moment is the result. False where there is none."""
        whole = [m for m in job.moments if m["whole"]]
        if not whole:
            return False
        last = whole[-1]
        try:
            shutil.copy(self.place(job) / f"{last['n']}.npy", self.place(job) / "result.npy")
        except OSError:
            return False
        about = self.pictures.all[job.picture].about if job.picture in self.pictures.all else {}
        job.result = {"n": last["n"], "width": 0, "height": 0, "depth": about.get("depth", ""), "again": []}
        job.reason = f"it did not stop within {PATIENCE:g} s and was ended; this is its picture of step {last['step']}"
        job.state = "done"
        return True

    # What follows from it

    def _next(self) -> None:
        """Give the worker the first that waits, if it has nothing to do."""
        if self.active is not None or self.engine["state"] != "ready":
            return
        job = next((j for j in sorted(self.all.values(), key=lambda j: j.created) if j.state == "waiting"), None)
        if job is None:
            return
        self.active = job
        job.state = "preparing"
        picture = self.pictures.all.get(job.picture) if job.picture else None
        if job.picture and picture is None:
            job.message = "Its picture is not here any more: hand it in again."
            self._over(job, "failed")
            self._changed(job)
            return
        settings = {
            k: str(self.pictures.path(self.pictures.all[v])) if v in self.pictures.all else v
            for k, v in job.settings.items()
        }
        self.link.send("watch", on=self.watched)
        self.link.send(
            "start",
            job=job.id,
            task=job.task,
            path=str(self.pictures.path(picture)) if picture else None,
            name=job.name,
            settings=settings,
            folder=str(self.place(job)),
            resume=job.resume,
            asking=job.of is not None,
        )
        self._changed(job)

    def _over(self, job: Job, state: str) -> None:
        self._heard(job)
        job.state = state
        if self.active is job:
            self.active = None
        asyncio.get_running_loop().call_soon(self._next)

    def _expect(self, job: Job, seconds: float) -> None:
        self._heard(job)
        self.timers[job.id] = asyncio.get_running_loop().call_later(seconds, self._unheard, job)

    def _heard(self, job: Job) -> None:
        timer = self.timers.pop(job.id, None)
        if timer is not None:
            timer.cancel()

    def _unheard(self, job: Job) -> None:
        if self.active is job and job.state in ("stopping", "cancelling"):
            self.link.kill()

    def _changed(self, job: Job, patient: bool = False) -> None:
        job.version += 1
        self.tell(job.id, patient=patient)
        if job.state != job.written:  # the disk needs to know only what a restart would ask
            job.written = job.state
            self._write(job)

    def _write(self, job: Job) -> None:
        try:
            kept = {
                k: getattr(job, k)
                for k in ("id", "task", "picture", "name", "settings", "state", "created", "saved", "of")
            }
            (self.place(job) / "job.json").write_text(json.dumps(kept), encoding="utf-8")
        except OSError:
            pass  # costs only that a restart does not know of it

    def _need(self, job: Job, states: set[str], what: str) -> None:
        if job.state not in states:
            raise BadInput(
                f"This job is {job.state} and cannot {what}: it would have to be {' or '.join(sorted(states))}."
            )

    def _trim(self) -> None:
        over = sorted((j for j in self.all.values() if j.state == "done"), key=lambda j: j.created)
        size = sum(p.stat().st_size for p in self.folder.rglob("*") if p.is_file())
        while size > ROOM and over:
            old = over.pop(0)
            size -= sum(p.stat().st_size for p in self.place(old).rglob("*") if p.is_file())
            self.remove(old)

    def _load(self) -> None:
        """What an earlier server left unfinished is offered again; what was finished went with it."""
        for place in self.folder.iterdir():
            try:
                job = Job(**json.loads((place / "job.json").read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):
                shutil.rmtree(place, ignore_errors=True)
                continue
            if job.state == "done" or job.of is not None:
                shutil.rmtree(place, ignore_errors=True)
                continue
            states = sorted((place / "run").glob("state-*")) if (place / "run").is_dir() else []
            job.saved = max((int(s.name.split("-")[1]) for s in states), default=None)
            kept = f"It is kept at step {job.saved}." if job.saved else "It had not been kept yet and begins anew."
            job.message = f"The studio was closed while this {'waited' if job.state == 'waiting' else 'ran'}. {kept}"
            job.state = "interrupted"
            self.all[job.id] = job

    def end(self) -> None:
        """Let the worker keep its run and go; remove what is finished."""
        for timer in self.timers.values():
            timer.cancel()
        self.link.end()
        for job in list(self.all.values()):
            if job.state == "done":
                shutil.rmtree(self.place(job), ignore_errors=True)
