"""The same work on a cluster that is there already, by Dask: `--scheduler tcp://host:8786`.

A worker has to see the same files under the same names, and the same versions. One that dies loses the piece that it had in
hand, which Dask gives to another.
"""

from __future__ import annotations

import contextlib
import math
import queue
from collections.abc import Callable, Iterator
from typing import Any

from untaught.core.errors import BadInput
from untaught.core.registry import require
from untaught.scale.crew import Died, Work

WAIT = 10.0  # seconds in which a scheduler has to answer
RETRIES = 3  # times that a piece is given to another worker


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
        try:
            self.client = distributed.Client(address, timeout=WAIT, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise BadInput(f"No scheduler answers at {address} ({why}): start one with `dask scheduler`.") from error
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


def _do(work: Work, piece: Any) -> Any:
    """What a worker does: with one thread, as every process does, for the same bits."""
    import torch

    from untaught.scale.crew import own_threads

    torch.set_num_threads(own_threads())
    return work(piece, Unwatched())  # type: ignore[arg-type]
