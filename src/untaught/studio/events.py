"""What pages are told: one stream a page for all jobs, the whole state first, numbers and never pictures, the newest wins."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from untaught.studio.jobs import Jobs
from untaught.studio.messages import Message
from untaught.studio.pictures import Pictures
from untaught.studio.shelf import Entry
from untaught.studio.views import PAGE, JobGone, JobView, Whole

RATE = 0.1  # seconds between two messages of numbers, at least; other news goes at once
ALIVE = 15.0  # seconds after which a silent stream says that it is there


class Events:
    """The open streams. watching: is told whether there is any."""

    def __init__(self, watching: Callable[[bool], None]) -> None:
        self.streams: set[Stream] = set()
        self.watching = watching
        self.closing = False

    def tell(self, what: str, patient: bool = False) -> None:
        """A job's id, "" for the engine, "picture:ID" for a picture: every stream will send it, as it is by then."""
        for stream in self.streams:
            stream.dirty[what] = None
            stream.wake.set()
            if not patient:
                stream.hurry.set()

    def open(self, stream: Stream) -> None:
        self.streams.add(stream)
        if len(self.streams) == 1:
            self.watching(True)

    def close(self, stream: Stream) -> None:
        self.streams.discard(stream)
        if not self.streams:
            self.watching(False)

    def end(self) -> None:
        """Let every stream end, so that the server can."""
        self.closing = True
        for stream in self.streams:
            stream.wake.set()
            stream.hurry.set()


class Stream:
    """One page. It remembers how much of each curve the page has."""

    def __init__(self, events: Events, jobs: Jobs, pictures: Pictures) -> None:
        self.events, self.jobs, self.pictures = events, jobs, pictures
        self.dirty: dict[str, None] = {}
        self.wake, self.hurry = asyncio.Event(), asyncio.Event()
        self.seen: dict[str, float] = {}

    async def __aiter__(self) -> AsyncIterator[str]:
        self.events.open(self)
        try:
            yield written(self.whole())
            for picture in [p for p in self.pictures.all.values() if p.about and p.measured]:
                yield written(picture.public())  # it may have been told while this page did not listen
            while not self.events.closing:
                try:
                    await asyncio.wait_for(self.wake.wait(), ALIVE)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                self.wake.clear()
                self.hurry.clear()
                dirty, self.dirty = self.dirty, {}
                for what in dirty:
                    yield self.said(what)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.hurry.wait(), RATE)
        finally:
            self.events.close(self)

    def whole(self) -> Whole:
        jobs = sorted(self.jobs.all.values(), key=lambda j: j.created)
        return Whole(self.jobs.engine, tuple(self.job(j) for j in jobs))

    def job(self, job: Entry) -> JobView:
        """A job with the points of its curve that are new to this page."""
        after = self.seen.get(job.id, -1)
        points = tuple(p for p in job.curve if p[0] > after)
        if points:
            self.seen[job.id] = points[-1][0]
        return job.public(points)

    def said(self, what: str) -> str:
        if what == "":
            return written(self.jobs.engine)
        if what.startswith("picture:"):
            picture = self.pictures.all.get(what.removeprefix("picture:"))
            return written(picture.public()) if picture else ""
        job = self.jobs.all.get(what)
        return written(JobGone(what) if job is None else self.job(job))


def written(told: Message) -> str:
    event = next(name for name, kind in PAGE.items() if isinstance(told, kind))
    return f"event: {event}\ndata: {json.dumps(told.plain(), allow_nan=False)}\n\n"
