"""Ctrl-C before the work. It is watched for first of all, so that nothing is imported here that takes time."""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Interrupts:
    """Remembers them, since an import may make another error of one. seen: whether there was one."""

    def __init__(self) -> None:
        self.seen = self.mine = False

    def __enter__(self) -> Interrupts:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            try:
                signal.signal(signal.SIGINT, self._handle)
                self.mine = True
            except ValueError:  # in a thread, which gets no signals
                pass
        return self

    def __exit__(self, *error: Any) -> None:
        if self.mine:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _handle(self, number: int, frame: Any) -> None:
        self.seen = True
        torch = sys.modules.get("torch")
        if torch is None or getattr(
            torch.__spec__, "_initializing", False
        ):  # nothing is begun, and libraries are half there
            os.write(2, b"untaught: interrupted.\n")
            os._exit(130)
        raise KeyboardInterrupt
