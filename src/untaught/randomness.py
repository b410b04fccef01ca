"""One seed, many independent generators: every use of chance names itself, so that looking never disturbs the run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Rng:
    """A seed, a device, and the generator of the run.

    `stream` is the run's own generator, whose state is saved; `fork("preview", step)` is a fresh one that
    depends on nothing but the seed and the names given, so that its numbers can be drawn again at any time.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.seed, self.device = int(seed), torch.device(device)
        self.stream = self.fork("stream")

    def fork(self, *names: object) -> torch.Generator:
        digest = hashlib.sha256(repr((self.seed, *map(str, names))).encode()).digest()
        return torch.Generator(self.device).manual_seed(int.from_bytes(digest[:7], "big"))

    def integer(self, high: int) -> int:
        """One of 0..high-1 from the run's stream."""
        return int(torch.randint(high, (1,), generator=self.stream, device=self.device))

    def normal(self, like: torch.Tensor) -> torch.Tensor:
        """Standard normal numbers of the shape of `like`: drawn contiguous, since bits of `randn_like` depend on layout."""
        return torch.randn(like.shape, generator=self.stream, device=self.device)

    @contextmanager
    def initialise(self, *names: object) -> Iterator[None]:
        """A context in which torch's default initialisation draws from this seed; the caller's generator is left alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.fork(*names).initial_seed())
            yield
