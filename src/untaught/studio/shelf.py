"""A job as the pages see it, and how jobs lie on the disk: until a person removes them, or they are too old or too much."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from untaught.studio import marked
from untaught.studio import messages as m
from untaught.studio.checked import made
from untaught.studio.views import JobView

OVER = {"done", "failed", "interrupted"}
DAYS, ROOM = 30.0, 2e9  # how long what is over is kept, and how many bytes of it


@dataclass
class Entry:
    """One run, as the pages see it. settings: as they were sent, with ids in place of files.

    of: the job about whose result this one asks where it is unsure; `map` is then its answer. ask: what such a question would
    cost. verdict: of the result's report, which is `judging` while that is made. opaque: the result has no transparency, for
    that said what was missing. ended, bytes: when it was over, and what of it lies on the disk.
    """

    id: str
    task: str
    picture: str | None
    name: str
    settings: dict[str, Any]
    state: m.State = "waiting"
    created: float = 0.0
    resume: bool = False
    message: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    numbers: m.Numbers | None = None
    moments: tuple[m.KeptMoment, ...] = ()
    curve: list[m.Point] = field(default_factory=list)
    result: m.ResultAbout | None = None
    judging: bool = False
    verdict: m.Judgement | None = None
    ask: m.AskCost | None = None
    of: str | None = None
    map: m.MapLegend | None = None
    saved: int | None = None
    opaque: bool = False
    ended: float = 0.0
    bytes: int = 0
    version: int = 0
    written: str = field(default="", repr=False)  # the state that the disk knows of

    def public(self, points: tuple[m.Point, ...] = ()) -> JobView:
        """What pages see of it, with those points of its curve that are new to one."""
        return JobView(**{f.name: getattr(self, f.name) for f in fields(JobView) if f.name != "points"}, points=points)

    def note(self, *said: str) -> None:
        """Sentences to be shown with it, each of them once."""
        self.notes = tuple(dict.fromkeys((*self.notes, *said)))


class Shelf:
    """The folder of jobs. days, room: beyond that age, or that many bytes of all that are over, the oldest go."""

    def __init__(self, folder: Path, days: float = DAYS, room: float = ROOM) -> None:
        self.folder, self.days, self.room = marked.room(folder), days, room

    def place(self, job: Entry) -> Path:
        return self.folder / job.id

    def write(self, job: Entry) -> None:
        """Keep what is known of a job. OSError where the disk does not take it."""
        if job.state in OVER:
            job.ended = job.ended or time.time()
            job.bytes = marked.size(self.place(job))
        marked.put(self.place(job) / "job.json", json.dumps(asdict(job)))

    def load(self) -> list[Entry]:
        """What an earlier server left, finished or not; what is ours and cannot be read any more goes."""
        found = []
        for place in marked.among(self.folder):
            try:
                told = json.loads((place / "job.json").read_text(encoding="utf-8"))
                for name in ("numbers", "verdict"):  # {} is how earlier versions wrote that there is none yet
                    told[name] = told.get(name) or None
                job = made(Entry, told)
                if job.id != place.name:
                    raise ValueError(job.id)
            except (OSError, ValueError, TypeError):
                marked.remove(place)
                continue
            self._settle(job, place)
            found.append(job)
        known = {job.id for job in found}
        for job in found:
            if job.of is not None and job.of not in known:
                marked.remove(self.place(job))
        return [job for job in found if job.of is None or job.of in known]

    def _settle(self, job: Entry, place: Path) -> None:
        """What became of a job whose server is gone, in a sentence where it is not done."""
        run = place / "run"
        states = [int(s.name.split("-")[1]) for s in run.glob("state-*")] if run.is_dir() else []
        job.saved = max(states, default=None)
        job.resume, job.written, job.judging = False, "", False
        whole = (place / ("result.npy" if job.of is None else "unsure.tif")).is_file()
        if job.state == "done":
            if not whole:
                job.state, job.message = "failed", "Its result is not on the disk any more: begin it anew."
        elif job.state == "finishing" and whole and job.of is None and not run.exists():
            rescued(job, job.moments[-1] if job.moments else m.KeptMoment(0, 0), "the studio was closed as it ended")
        elif job.of is not None:
            job.state, job.message = "failed", "The studio was closed before this was answered: ask again."
        elif job.state != "failed":
            kept = f"It is kept at step {job.saved}." if job.saved else "It had not been kept yet and begins anew."
            doing = {"waiting": "waited", "interrupted": "was there to be resumed"}.get(job.state, "ran")
            job.message = f"The studio was closed while this {doing}. {kept}"
            job.state = "interrupted"
        job.ended = job.ended or time.time()
        job.bytes = marked.size(place)

    def thin(self, job: Entry) -> int:
        """Give up the full depth of the moments on the way, and keep the result; the bytes that this frees."""
        for path in self.place(job).glob("*.npy"):
            if path.stem.isdigit():
                path.unlink(missing_ok=True)
        for path in self.place(job).glob("*.out.*"):  # made anew when it is asked for
            path.unlink(missing_ok=True)
        job.moments = tuple(replace(moment, whole=False) for moment in job.moments)
        before, job.bytes = job.bytes, marked.size(self.place(job))
        return before - job.bytes


def rescued(job: Entry, moment: m.KeptMoment, reason: str, depth: str = "") -> None:
    """A job whose result is there although nobody told of it."""
    job.result = m.ResultAbout(moment.n, 0, 0, depth)
    job.reason, job.state = reason, "done"
