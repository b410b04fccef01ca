"""The same work on a cluster that is there already, by Dask: `--scheduler tcp://host:8786`.

A worker has to see the same files under the same names, and the same versions. One that dies loses the piece that it had in
hand, which Dask gives to another.
"""

from __future__ import annotations

import contextlib
import math
import queue
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from untaught.core.errors import BadInput, why
from untaught.core.registry import require
from untaught.scale.crew import Died, Work

WAIT = 10.0  # seconds in which a scheduler has to answer
RETRIES = 3  # times that a piece is given to another worker


def _named(address: str) -> tuple[str, int]:
    """Host and port. `BadInput` for another text, of which the client would try to make something."""
    match = re.fullmatch(r"(?:tcp|tls|ws|wss)://(?:\[([0-9A-Fa-f:.]+)\]|([^\s/:\[\]]+)):(\d{1,5})", address)
    if match is None or not 0 < int(match[3]) < 2**16:
        raise BadInput(f"'{address}' is no address of a scheduler: write one such as tcp://host:8786.")
    return match[1] or match[2], int(match[3])


class Unwatched:
    """A contact of work that nobody can stop in the middle."""

    stopped = False

    def tell(self, what: Any) -> None:
        pass


class Cluster:
    """What `Crew` is, of the workers of a scheduler. told: hears where its dashboard is.

    Raises `BadInput` where no scheduler answers, or it has no workers.
    """

    def __init__(self, address: str, told: Callable[[str], None] = lambda said: None) -> None:
        distributed = require("distributed", extra="cluster")
        host, port = _named(address)
        try:
            socket.create_connection(
                (host, port), WAIT
            ).close()  # at once, where the client would try for as long as it may
            self.client = _within(2 * WAIT, lambda: distributed.Client(address, timeout=WAIT, set_as_default=False))
        except (OSError, ValueError, TypeError, RuntimeError, TimeoutError) as error:
            raise BadInput(
                f"No scheduler answers at {address} ({why(error)}): start one with `dask scheduler`."
            ) from error
        if not self.client.ncores():
            self.close()
            raise BadInput(f"The scheduler at {address} has no workers: start some with `dask worker {address}`.")
        self.stopping = False
        told(f"The work is watched at {self.client.dashboard_link}.")

    def answers(self, work: Work, pieces: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
        """(piece, its answer) as they come; `Died` where every worker died over it. What is not done when it is stopped is let
        go."""
        shared = self.client.scatter(work, broadcast=True, hash=False)
        futures = {self.client.submit(_do, shared, piece, pure=False, retries=RETRIES): piece for piece in pieces}
        ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for one in futures:
            one.add_done_callback(ready.put)
        while futures and not self.stopping:
            try:
                future = ready.get(timeout=0.5)
            except queue.Empty:
                continue
            piece = futures.pop(future)
            yield piece, future.result() if future.status == "finished" else Died(None)
            future.release()
        for future in futures:
            future.cancel()

    def stop(self) -> None:
        self.stopping = True

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.client.close(timeout=math.ceil(WAIT))


def _within(seconds: float, make: Callable[[], Any]) -> Any:
    """What it makes, or TimeoutError: for what listens and says nothing a client waits without end."""
    made: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def work() -> None:
        try:
            made.put(make())
        except Exception as error:
            made.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        found = made.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"nothing is said within {seconds:g} s") from None
    if isinstance(found, Exception):
        raise found
    return found


def _do(work: Work, piece: Any) -> Any:
    """What a worker does: with one thread, as every process does, for the same bits."""
    import torch

    from untaught.scale.crew import own_threads

    torch.set_num_threads(own_threads())
    return work(piece, Unwatched())  # type: ignore[arg-type]
