"""What the engine, the server and the page say to each other: a frozen dataclass each, checked wherever one is made.

On the pipe a message is a pair (kind, plain values), to a page it is JSON (`views`). Nothing here imports more than the
standard library.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal

from untaught.studio.checked import hints, made, taken

State = Literal[
    "waiting",
    "preparing",
    "running",
    "paused",
    "stopping",
    "cancelling",
    "finishing",
    "done",
    "failed",
    "interrupted",
]
Point = tuple[int, float | None, float | None]  # of a curve: step, energy, score
KINDS: dict[str, type[Message]] = {}
"""What goes through the pipe, by its kind."""


@dataclass(frozen=True)
class Message:
    """Base of all: TypeError where a field is not of its type."""

    KIND: ClassVar[str] = ""

    def __init_subclass__(cls, kind: str = "") -> None:
        cls.KIND = kind
        if kind:
            KINDS[kind] = cls

    def __post_init__(self) -> None:
        known, name = hints(type(self)), type(self).__name__
        for f in fields(self):
            object.__setattr__(self, f.name, taken(getattr(self, f.name), known[f.name], f"{name}.{f.name}"))

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def read(kind: str, values: dict[str, Any]) -> Message:
    """What came through the pipe. TypeError where it is none of `KINDS`, or has other fields."""
    if kind not in KINDS:
        raise TypeError(f"There is no message '{kind}'.")
    return made(KINDS[kind], values)


# What is said in several messages


@dataclass(frozen=True)
class Numbers(Message):
    """How far a run is. left: seconds, at least and at most. stops: the earliest step. best: of the result, when it is done."""

    step: int = 0
    energy: float | None = None
    score: float | None = None
    progress: float | None = None
    left: tuple[float, float | None] | None = None
    stops: int | None = None
    stage: int = 0
    stages: int = 1
    seconds: float = 0.0
    best: int | None = None
    stopped: bool = False


@dataclass(frozen=True)
class KeptMoment(Message):
    """A picture on the way. whole: it is kept in full depth, too."""

    n: int
    step: int
    whole: bool = False


@dataclass(frozen=True)
class ResultAbout(Message):
    """The result. n: the number of its picture. again: the words for what another go may change. mixes: whether less of it can be
    taken, since it has the size and the type of the picture. draws: whether another seed gives another one."""

    n: int
    width: int
    height: int
    depth: str
    again: tuple[str, ...] = ()
    mixes: bool = False
    draws: bool = True


@dataclass(frozen=True)
class Judgement(Message):
    """What the report says of a result: the verdict's kind, its sentence, and the names of its reasons; "" where nothing was
    restored."""

    kind: str
    sentence: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class AskCost(Message):
    """What it would cost to ask where the result is unsure; why: it cannot be told, in a sentence."""

    runs: int = 0
    seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class MapLegend(Message):
    """How a map is read: standard deviations, in the units of the result."""

    high: float
    full: float | None
    colours: tuple[str, ...]
    middle: float
    most: float
    runs: int
    held: bool
    note: str


@dataclass(frozen=True)
class PictureAbout(Message):
    """What the desk says of an upload. shown: the values that are shown as black and as white."""

    width: int
    height: int
    channels: int
    depth: str
    format: str
    sha256: str | None
    stretched: bool
    notes: tuple[str, ...]
    shown: tuple[float, float] | None = None


@dataclass(frozen=True)
class Measurement(Message):
    """What was measured on a picture, in sentences. suggestion: a task. sigma: of full scale, where it is one number."""

    found: tuple[str, ...]
    suggestion: str | None
    sigma: float | None


@dataclass(frozen=True)
class ExampleMade(Message):
    """data: the bytes of a PNG or JPEG. mask: those of a PNG that is white where the picture is damaged."""

    data: bytes
    mask: bytes | None = None


@dataclass(frozen=True)
class Prospect(Message):
    """What is known of a job before it is begun. seconds: that it would take; None where nobody knows. refusal: the sentence with
    which the engine would refuse it."""

    seconds: float | None = None
    refusal: str | None = None


# From the engine to the server


@dataclass(frozen=True)
class EngineReady(Message, kind="ready"):
    devices: tuple[str, ...]
    threads: int


@dataclass(frozen=True)
class EngineBroken(Message, kind="broken"):
    message: str


@dataclass(frozen=True)
class Reply(Message, kind="reply"):
    """The answer to the call of that number; message: the sentence of a refusal, and then there is no value."""

    call: int
    value: PictureAbout | ExampleMade | Prospect | tuple[str, ...] | bytes | None
    message: str | None = None


@dataclass(frozen=True)
class PictureMeasured(Message, kind="measured"):
    picture: str
    measurement: Measurement


@dataclass(frozen=True)
class OfJob(Message):
    """Base of all that is about one job."""

    job: str


@dataclass(frozen=True)
class JobState(OfJob, kind="state"):
    """opaque: the result has no transparency; None where that is not said."""

    state: State | Literal["cancelled"]
    opaque: bool | None = None


@dataclass(frozen=True)
class JobNumbers(OfJob, kind="numbers"):
    numbers: Numbers


@dataclass(frozen=True)
class JobMoments(OfJob, kind="frame"):
    """All moments that are kept now."""

    moments: tuple[KeptMoment, ...]


@dataclass(frozen=True)
class JobSaved(OfJob, kind="saved"):
    step: int


@dataclass(frozen=True)
class JobTrouble(OfJob, kind="trouble"):
    """Something that costs less than the run, in a sentence."""

    message: str


@dataclass(frozen=True)
class JobDone(OfJob, kind="done"):
    """The result is on the disk. stopped: by a person. best: the step that it is of."""

    stopped: bool
    reason: str
    notes: tuple[str, ...]
    step: int
    best: int
    seconds: float
    result: ResultAbout
    ask: AskCost


@dataclass(frozen=True)
class JobJudged(OfJob, kind="judged"):
    verdict: Judgement


@dataclass(frozen=True)
class JobMapped(OfJob, kind="mapped"):
    map: MapLegend


@dataclass(frozen=True)
class JobFailed(OfJob, kind="failed"):
    message: str


# From the server to the engine: orders, and calls to its desk, which are answered


@dataclass(frozen=True)
class Watch(Message, kind="watch"):
    """on: whether a page is open."""

    on: bool


@dataclass(frozen=True)
class Quit(Message, kind="quit"):
    """Keep the run and go."""


@dataclass(frozen=True)
class StartJob(OfJob, kind="start"):
    """path: of the picture, which people know as `name`. folder: of the job. asking: where its result is unsure."""

    task: str
    path: str | None
    name: str
    settings: dict[str, Any]
    folder: str
    resume: bool
    asking: bool


@dataclass(frozen=True)
class PauseJob(OfJob, kind="pause"):
    pass


@dataclass(frozen=True)
class ResumeJob(OfJob, kind="resume"):
    pass


@dataclass(frozen=True)
class StopJob(OfJob, kind="stop"):
    """End it and keep the best picture so far."""


@dataclass(frozen=True)
class CancelJob(OfJob, kind="cancel"):
    pass


@dataclass(frozen=True)
class DeskCall(Message):
    """Base of what is answered by a `Reply` of the same number."""

    call: int = field(default=-1, kw_only=True)


@dataclass(frozen=True)
class OpenPicture(DeskCall, kind="open"):
    """limit: megapixels. measured: what is wrong with it is measured as well."""

    picture: str
    path: str
    name: str
    limit: float
    measured: bool = True


@dataclass(frozen=True)
class Export(Message):
    """How a result is handed out. brightness, colour: how much of what was done to each is taken. quality: of JPEG and WebP, from 1
    to 100; None: the format's best. side: pixels of the longer side at most. bare: without what says when, where and by whom."""

    brightness: float = 1.0
    colour: float = 1.0
    quality: int | None = None
    side: int | None = None
    bare: bool = False


@dataclass(frozen=True)
class EncodeResult(DeskCall, kind="encode"):
    """samples, like, recipe, target: paths; of the recipe one that need not be there."""

    samples: str
    like: str | None
    recipe: str
    target: str
    opaque: bool
    how: Export = Export()


@dataclass(frozen=True)
class MakeExample(DeskCall, kind="example"):
    name: str


@dataclass(frozen=True)
class MakeThumbnail(DeskCall, kind="thumbnail"):
    name: str


@dataclass(frozen=True)
class ForetellJob(DeskCall, kind="foretell"):
    """The seconds that a job would take, or why it would be refused. samples: of the picture, a path; None where there is none.
    source, format: of its file. folder: where it is kept how fast this computer is. side: of the square of the picture that is
    asked about; None: all of it."""

    task: str
    samples: str | None
    source: str
    format: str
    settings: dict[str, Any]
    folder: str
    side: int | None = None


@dataclass(frozen=True)
class ProposeMask(DeskCall, kind="propose"):
    path: str
    find: str
