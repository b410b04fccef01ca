"""A job as the pages see it, and how jobs lie on the disk: until a person removes them, or they are too old or too much."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from untaught.studio import marked

OVER = {"done", "failed", "interrupted"}
DAYS, ROOM = 30.0, 2e9  # how long what is over is kept, and how many bytes of it


@dataclass
class Entry:
    """One run, as the pages see it. settings: as they were sent, with ids in place of files.

    of: the job about whose result this one asks where it is unsure; `map` is then its answer. ask: what such a question would
    cost. verdict: of the result's report; {} while that is made, None where there is none. opaque: the result has no
    transparency, for that said what was missing. ended, bytes: when it was over, and what of it lies on the disk.
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
    opaque: bool = False
    ended: float = 0.0
    bytes: int = 0
    version: int = 0
    written: str = field(default="", repr=False)  # the state that the disk knows of

    def public(self) -> dict[str, Any]:
        """Everything but the curve, of which pages get what is new to them."""
        hidden = {"resume", "curve", "version", "written"}
        names = [f.name for f in fields(self) if f.name not in hidden]
        return {n: getattr(self, n) for n in names}


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
                job = Entry(**json.loads((place / "job.json").read_text(encoding="utf-8")))
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
        job.resume, job.written, job.verdict = False, "", job.verdict or None
        whole = (place / ("result.npy" if job.of is None else "unsure.tif")).is_file()
        if job.state == "done":
            if not whole:
                job.state, job.message = "failed", "Its result is not on the disk any more: begin it anew."
        elif job.state == "finishing" and whole and job.of is None and not run.exists():
            rescued(job, job.moments[-1] if job.moments else {"n": 0, "step": 0}, "the studio was closed as it ended")
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
        job.moments = [{**m, "whole": False} for m in job.moments]
        before, job.bytes = job.bytes, marked.size(self.place(job))
        return before - job.bytes


def rescued(job: Entry, moment: dict[str, Any], reason: str, depth: str = "") -> None:
    """A job whose result is there although nobody told of it."""
    job.result = {"n": moment["n"], "width": 0, "height": 0, "depth": depth, "again": []}
    job.reason, job.state = reason, "done"
