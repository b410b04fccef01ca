"""The terminal's side of a command: readers that leave, closed streams, names that are no text, early interrupts."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any


class Steady:
    """A stream whose reader may leave: what is said then goes nowhere, and the work, which is for a file, goes on."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return int(self._stream.write(text))
        except OSError as error:
            self._mute(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._mute(error)

    def _mute(self, error: OSError) -> None:
        self.error = self.error or error
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


class Streams:
    """code: 1 where something was said that did not arrive, other than to a reader who had left."""

    code = 0


@contextlib.contextmanager
def steady() -> Iterator[Streams]:
    """Standard output and error that break no command off."""
    for number in (0, 1, 2):  # a closed one would be the next file that is opened, and get what libraries say
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    before, streams = (sys.stdout, sys.stderr), Streams()
    made = [Steady(stream or open(os.devnull, "w")) for stream in before]  # noqa: SIM115
    for one in made:
        if getattr(one, "errors", None) == "strict" and hasattr(one._stream, "reconfigure"):
            one._stream.reconfigure(errors="backslashreplace")  # for names of files that are no text
    sys.stdout, sys.stderr = made
    try:
        yield streams
    finally:
        for one in made:
            one.flush()
        sys.stdout, sys.stderr = before
        if any(one.error is not None and not isinstance(one.error, BrokenPipeError) for one in made):
            streams.code = 1


class Interrupts:
    """Ctrl-C before the work: remembered, since an import may make another error of it. seen: whether there was one."""

    def __init__(self) -> None:
        self.seen = False

    def __enter__(self) -> Interrupts:
        self.before = signal.getsignal(signal.SIGINT)
        self.mine = threading.current_thread() is threading.main_thread() and self.before is signal.default_int_handler
        if self.mine:
            signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *error: Any) -> None:
        if self.mine:
            signal.signal(signal.SIGINT, self.before)

    def _handle(self, number: int, frame: Any) -> None:
        self.seen = True
        torch = sys.modules.get("torch")
        if torch is None or getattr(
            torch.__spec__, "_initializing", False
        ):  # nothing is begun, and libraries are half there
            os.write(2, b"untaught: interrupted.\n")
            os._exit(130)
        raise KeyboardInterrupt
