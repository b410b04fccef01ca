"""How many threads work, and how they wait for each other: chosen by programs, before torch is loaded.

The threads of a step wait for the slowest at the end of every operation, and OpenMP lets them spin meanwhile, for milliseconds.
On a busy machine the one that they wait for is not running, since they hold its core: a job of ten seconds then takes minutes.
So they spin shortly and then sleep; and where others leave this process little, it takes fewer threads. OpenMP reads its settings
once, when torch is loaded. What a person has set stays; a library changes nothing.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from untaught.core.machine import cores

# Turns of waiting before a thread sleeps, a fraction of a millisecond; GNU's OpenMP takes 300 000 by itself.
SPINS = 10_000
LITTLE = 0.3  # share of a core; with more, two threads beside others are quicker than one
PROBE = 0.05  # seconds of running in which the share is measured
WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
COUNT = "OMP_NUM_THREADS"
CHOSEN = "UNTAUGHT_THREADS"  # tells processes of ours that this number in `COUNT` is no person's
ACCOUNT = Path("/proc/self/schedstat")

_most: int | None = None  # threads that torch takes by itself in this process


def prepare(*, count: bool = True) -> None:
    """For a program, first of all: set how threads wait and, where there should be fewer than cores, how many there are.

    count: False leaves their number to `settle`, for a process that does many jobs.
    """
    if "torch" in sys.modules:
        return
    if not any(name in os.environ for name in WAITING):
        os.environ["GOMP_SPINCOUNT"] = str(SPINS)
    if asked():
        return
    os.environ.pop(COUNT, None)
    if count and (number := suited(cores(), share())) < (os.cpu_count() or 1):
        os.environ[COUNT] = os.environ[CHOSEN] = str(number)


def asked() -> bool:
    """Whether a person has said how many threads there should be."""
    number = os.environ.get(COUNT)
    return number is not None and number != os.environ.get(CHOSEN)


def settle(recorded: int | None = None) -> None:
    """For a program, before a job: the number of threads that a recipe has recorded, or the one that suits the machine now.

    Nothing where a person has said it.
    """
    import torch

    global _most
    if asked():
        return
    if recorded is None:
        _most = _most or min(torch.get_num_threads(), cores())
        recorded = suited(_most, share(PROBE))
    if recorded != torch.get_num_threads():
        torch.set_num_threads(recorded)


def suited(most: int, had: float) -> int:
    """`most`, where this process gets its cores; where it waits for them most of the time, as many as its share makes up."""
    return most if had >= LITTLE else max(1, int(most * had))


def share(probe: float = 0.0) -> float:
    """The part of a core, in (0, 1], that the main thread has when it wants one: since its start, or in so many seconds of running.

    Where the system does not account for that, by the load of the last minute.
    """
    ran, waited = _account()
    if probe and (ran or waited):
        until = time.thread_time() + probe
        while time.thread_time() < until:
            pass
        now = _account()
        ran, waited = now[0] - ran, now[1] - waited
    if ran > 0:
        return ran / (ran + max(0, waited))
    try:
        return min(1.0, (os.cpu_count() or 1) / max(1.0, os.getloadavg()[0]))
    except (OSError, AttributeError):
        return 1.0


def _account() -> tuple[int, int]:
    """Nanoseconds that the main thread ran, and that it waited for a core; 0 and 0 where nobody counts them."""
    try:
        ran, waited = ACCOUNT.read_text().split()[:2]
        return int(ran), int(waited)
    except (OSError, ValueError):
        return 0, 0
