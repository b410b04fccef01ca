"""The terminal's side of a command: readers that leave, closed streams, names that are no text."""

from __future__ import annotations

import contextlib
import os
import sys
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
