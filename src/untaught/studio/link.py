"""The pipe to the worker: spawn it, talk to it, notice its death, end it. Everything is called on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from untaught.core.errors import UntaughtError
from untaught.studio import worker
from untaught.studio.messages import DeskCall, Message, Quit, Reply, read

ANSWER = 300.0  # seconds that the desk may take for anything


class Gone(UntaughtError):
    """The worker died while it was asked for something."""


class Link:
    """One worker process after another. hear: gets every event; died: gets the exit code, or minus a signal.

    engine: what runs in the process, given its end of the pipe.
    """

    def __init__(
        self,
        hear: Callable[[Message], None],
        died: Callable[[int | None], None],
        engine: Callable[[Any], None] = worker.main,
    ) -> None:
        self.hear, self.died, self.engine = hear, died, engine
        self.calls: dict[int, asyncio.Future[Any]] = {}
        self.numbers = itertools.count()
        self.process: Any = None
        self.pipe: Any = None
        self.ending = False

    @property
    def pid(self) -> int | None:
        return None if self.process is None else self.process.pid

    def start(self) -> None:
        """Spawn a worker. It is of use for small things at once, for runs when it says "ready". OSError where none can be."""
        self.loop = asyncio.get_running_loop()
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=self.engine, args=(theirs,), name="untaught engine", daemon=True)
        self.process.start()
        theirs.close()
        threading.Thread(target=self._listen, args=(self.pipe, self.process), daemon=True).start()

    def _listen(self, pipe: Any, process: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            try:
                while True:
                    kind, values = pipe.recv()
                    self.loop.call_soon_threadsafe(self._take, kind, values)
            except (EOFError, OSError):
                process.join(5)
                self.loop.call_soon_threadsafe(self._lost, process)

    def _take(self, kind: str, values: dict[str, Any]) -> None:
        message = read(kind, values)
        if not isinstance(message, Reply):
            self.hear(message)
            return
        future = self.calls.pop(message.call, None)
        if future is None or future.done():
            return
        if message.message is None:
            future.set_result(message.value)
        else:
            future.set_exception(UntaughtError(message.message))

    def _lost(self, process: Any) -> None:
        if process is not self.process:
            return
        for future in self.calls.values():
            if not future.done():
                future.set_exception(
                    Gone("The engine ended while it worked on this, perhaps for want of memory: try again.")
                )
        self.calls.clear()
        self.pipe.close()
        if not self.ending:
            self.died(process.exitcode)

    def send(self, order: Message) -> None:
        if self.pipe is None:
            return
        with contextlib.suppress(OSError):  # its death is noticed elsewhere
            self.pipe.send((order.KIND, order.plain()))

    async def call(self, order: DeskCall) -> Any:
        """Ask the desk; UntaughtError with its sentence where it refuses, `Gone` where the process dies over it."""
        if self.process is None or self.pipe.closed:
            raise Gone("The engine ended and another is being started: try again in a few seconds.")
        number = next(self.numbers)
        future = self.calls[number] = asyncio.get_running_loop().create_future()
        self.send(replace(order, call=number))
        try:
            return await asyncio.wait_for(future, ANSWER)
        except TimeoutError:
            raise Gone(f"The engine did not answer within {ANSWER:g} s: try again, or start the studio anew.") from None
        finally:
            self.calls.pop(number, None)

    def kill(self) -> None:
        """At once. What it held, memory and all, goes back to the system; `died` is told as of any other death."""
        if self.process is not None and self.process.is_alive():
            self.process.kill()

    def end(self) -> None:
        """Let it keep its run and go; kill it where that takes too long. Blocks: only when the server ends."""
        self.ending = True
        if self.process is None:
            return
        self.send(Quit())
        self.process.join(3)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(2)


def words(code: int | None) -> str:
    """How a process ended, for people."""
    if code is not None and code < 0:
        why = ", perhaps by the system for want of memory" if -code == 9 and os.name == "posix" else ""
        return f"it was killed by signal {-code}{why}"
    return f"it ended with code {code}"
