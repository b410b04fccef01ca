"""How long and how many may hold on to the studio. A connection that asks for nothing is ended, the one that waited longest first
where there are too many; so nobody who only opens connections can keep a page out.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 256  # connections
HEAD = 10.0  # seconds in which a request must have arrived, up to its body
TAKE = 30.0  # seconds in which something of an answer must have been taken
LOOK = 1.0  # seconds between two looks at a connection
LINES = 1000  # of the log


class Patient(H11Protocol):
    """uvicorn's protocol, with an end to its patience."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.since: float | None = time.monotonic()  # when waiting for a request began; None while one is answered
        self.stuck: float | None = None  # when the other side stopped reading
        self.looking = self.loop.call_later(LOOK, self._look)
        self._make_room()

    def _make_room(self) -> None:
        while len(self.connections) > allowed():
            idle = [c for c in self.connections if isinstance(c, Patient) and c.since is not None and c is not self]
            given_up: Any = min(idle, key=lambda c: c.since or 0.0, default=self)
            self.connections.discard(given_up)
            given_up.transport.abort()
            if given_up is self:
                return

    def connection_lost(self, exc: Exception | None) -> None:
        self.looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._note()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._note()

    def _note(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        self.since = None if answering else self.since or time.monotonic()

    def pause_writing(self) -> None:
        self.stuck = time.monotonic()
        super().pause_writing()

    def resume_writing(self) -> None:
        self.stuck = None
        super().resume_writing()

    def _look(self) -> None:
        now = time.monotonic()
        late = self.since is not None and now - self.since > HEAD
        if late or (self.stuck is not None and now - self.stuck > TAKE):
            self.transport.abort()
        else:
            self.looking = self.loop.call_later(LOOK, self._look)


def allowed() -> int:
    """How many connections there may be: less than the files that the system allows this process to have open."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        return max(16, min(MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2))
    return MOST


class Bounded(logging.Filter):
    """Lets so many records through, says once that there were more, and is silent then: a terminal's log may be a file."""

    def __init__(self, lines: int = LINES) -> None:
        super().__init__()
        self.left = lines

    def filter(self, record: logging.LogRecord) -> bool:
        self.left -= 1 + str(record.exc_text or "").count("\n") + (30 if record.exc_info else 0)
        if self.left >= 0:
            return True
        if self.left > -(1 << 30):
            self.left = -(1 << 31)
            record.msg, record.args, record.exc_info = "The studio has more to say than this log is kept for.", (), None
            return True
        return False


def quiet() -> None:
    """Bound what uvicorn and asyncio write, which is of other people's making where the studio is reached from elsewhere."""
    bound = Bounded()
    handler = logging.StreamHandler()
    handler.addFilter(bound)
    for name in ("uvicorn", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.ERROR)
