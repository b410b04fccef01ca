"""What the server tells the page: the page's TypeScript is generated from here (`page/typescript.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from untaught.studio.messages import (
    AskCost,
    Judgement,
    KeptMoment,
    MapLegend,
    Measurement,
    Message,
    Numbers,
    PictureAbout,
    Point,
    ResultAbout,
    State,
)


@dataclass(frozen=True)
class EngineView(Message):
    """message: why it is broken."""

    state: Literal["starting", "ready", "broken"] = "starting"
    devices: tuple[str, ...] = ("auto", "cpu")
    threads: int | None = None
    message: str = ""


@dataclass(frozen=True)
class PictureView(Message):
    """An upload. wish: the task that an example is for; mask: the id of the mask that comes with it; part: the id of the picture of
    which this is a part."""

    id: str
    name: str
    role: str
    about: PictureAbout
    measured: Measurement | None
    wish: str | None
    mask: str | None
    part: str | None


@dataclass(frozen=True)
class JobView(Message):
    """A job. of: the one about whose result this one asks where it is unsure; its answer is the map. judging: its report is being
    made. points: of its curve, those that are new to the page."""

    id: str
    task: str
    picture: str | None
    name: str
    settings: dict[str, Any]
    state: State
    created: float
    message: str
    reason: str
    notes: tuple[str, ...]
    numbers: Numbers | None
    moments: tuple[KeptMoment, ...]
    result: ResultAbout | None
    judging: bool
    verdict: Judgement | None
    ask: AskCost | None
    of: str | None
    map: MapLegend | None
    saved: int | None
    opaque: bool
    ended: float
    bytes: int
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Whole(Message):
    """All that a page that has just come needs to know."""

    engine: EngineView
    jobs: tuple[JobView, ...]


@dataclass(frozen=True)
class JobGone(Message):
    """A job that was removed."""

    id: str


@dataclass(frozen=True)
class Example(Message):
    """A picture to try it with. task: what it is for."""

    name: str
    words: str
    task: str


PAGE: dict[str, type[Message]] = {
    "state": Whole,
    "engine": EngineView,
    "job": JobView,
    "gone": JobGone,
    "picture": PictureView,
}
"""What the stream of events brings to a page, by the name of the event."""
