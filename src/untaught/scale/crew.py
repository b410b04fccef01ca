"""Processes that do one piece of work after the other. Each loads the engine once; one that dies costs the piece it had in hand.

A process has a fixed number of threads, whatever the number of processes: sums of other counts of threads have other last bits, and
a result must not depend on how many work beside it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol, cast

from untaught.core import threads
from untaught.core.errors import UntaughtError
from untaught.core.machine import cores, free_memory

START = "spawn"  # a fork of a process with threads is none, and a GPU cannot be shared by one
GRACE = 2.5  # seconds that a piece may take to end after it was told to
TICK = 0.2  # seconds between two looks at whether to stop
ROOM = 2**30  # bytes of memory that a process takes beside its work, at most


class Contact:
    """A process's end of the pipe, as the work in it sees it."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self._stop = pipe, False

    @property
    def stopped(self) -> bool:
        """Whether the work should end, keeping what it can. EOFError where nobody waits for it any more."""
        while not self._stop and self.pipe.poll():
            self._stop = self.pipe.recv() == "stop"
        return self._stop

    def tell(self, what: Any) -> None:
        """Say something, and go on when it was noted: what is said before a file is moved is known even if both are killed then."""
        self.pipe.send(("told", what))
        while (word := self.pipe.recv()) != "noted":
            self._stop = self._stop or word == "stop"


class Work(Protocol):
    """What a process does with every piece; it is pickled, and so are pieces and answers."""

    def __call__(self, piece: Any, contact: Contact, /) -> Any: ...


@dataclass(frozen=True)
class Died:
    """The answer of a process that ended amid its piece. code: its exit code, or minus a signal."""

    code: int | None

    def __str__(self) -> str:
        if self.code is not None and self.code < 0:
            return (
                f"Its process was killed (signal {-self.code}), likely for want of memory: take fewer --workers, or restore it "
                "alone."
            )
        return f"Its process ended amid the work (exit code {self.code}): restore it alone, to see more."


def suited(pieces: int, device: str = "cpu", bytes: float = 0.0) -> int:
    """How many processes suit this machine: one for as many cores as each has threads, where the memory is enough for pieces of so
    many bytes; one, where the work is a GPU's."""
    if device != "cpu":
        return 1
    free = free_memory()
    room = pieces if free is None else int(free // (ROOM + bytes))
    return max(1, min(cores() // own_threads(), room, pieces))


def own_threads() -> int:
    """Threads of each process: one, or as many as a person has said with OMP_NUM_THREADS."""
    with contextlib.suppress(ValueError):
        return max(1, int(os.environ[threads.COUNT])) if threads.asked() else 1
    return 1


class Crew:
    """`size` processes that do `work`. told: hears (piece, what) of everything that a process tells amid a piece."""

    def __init__(self, size: int, work: Work, told: Callable[[Any, Any], None] = lambda piece, what: None) -> None:
        self.work, self.told, self.size = work, told, size
        self.stopping = False
        self.members: dict[Connection, _Member] = {}

    def answers(self, pieces: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
        """(piece, its answer) as they come; `Died` for an answer of a process that did. After `stop` those that are ready in time.

        Raises UntaughtError where no process can be started.
        """
        pieces, ready = iter(pieces), False
        due = float("inf")
        try:
            for _, piece in zip(range(self.size), pieces, strict=False):
                self._hire(piece)
            while self.members and time.monotonic() < due:
                if self.stopping and due == float("inf"):
                    due = time.monotonic() + GRACE
                    for member in self.members.values():
                        member.say("stop")
                for pipe in cast(list[Connection], wait(list(self.members), TICK)):
                    member = self.members[pipe]
                    try:
                        kind, what = pipe.recv()
                    except (EOFError, OSError):
                        code = self._dismiss(pipe, ended=True)
                        if not ready:
                            raise UntaughtError(
                                f"The engine could not start in a process of its own (exit code {code}): restore a picture "
                                "alone, to see why."
                            ) from None
                        yield member.piece, Died(code)
                        if not self.stopping and (piece := next(pieces, None)) is not None:
                            self._hire(piece)
                        continue
                    if kind == "ready":
                        ready = True
                    elif kind == "told":
                        self.told(member.piece, what)
                        member.say("noted")
                    else:
                        yield member.piece, what
                        piece = None if self.stopping else next(pieces, None)
                        if piece is None:
                            self._dismiss(pipe)
                        else:
                            member.give(piece)
        finally:
            for pipe in list(self.members):
                self._dismiss(pipe)

    def stop(self) -> None:
        """Begin nothing more, and end within `GRACE` seconds. Safe to call from a handler of signals."""
        self.stopping = True

    def _hire(self, piece: Any) -> None:
        context: Any = multiprocessing.get_context(START)
        mine, its = context.Pipe()
        process = context.Process(target=_serve, args=(its, self.work, own_threads()), daemon=True)
        process.start()
        its.close()
        self.members[mine] = member = _Member(process, mine)
        member.give(piece)

    def _dismiss(self, pipe: Connection, *, ended: bool = False) -> int | None:
        """Let a process go, which is idle, or has ended by itself: its exit code."""
        process = self.members.pop(pipe).process
        pipe.close()
        if ended:
            process.join(GRACE)
        process.kill()
        process.join()
        return process.exitcode


class _Member:
    def __init__(self, process: Any, pipe: Connection) -> None:
        self.process, self.pipe, self.piece = process, pipe, None

    def give(self, piece: Any) -> None:
        self.piece = piece
        self.say(piece)

    def say(self, word: Any) -> None:
        with contextlib.suppress(OSError):  # it has just died, which `wait` notices
            self.pipe.send(word)


def _serve(pipe: Connection, work: Work, count: int) -> None:
    """What runs in each process."""
    # A terminal's Ctrl-C comes to all, and the first process says what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threads.prepare(count=False)
    import torch

    from untaught.core.allocator import keep_memory

    torch.set_num_threads(count)
    keep_memory()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # nobody waits for it any more
        pipe.send(("ready", None))
        while True:
            piece = pipe.recv()
            if piece != "stop":
                pipe.send(("done", work(piece, Contact(pipe))))
