"""One seed, many independent generators: every use of chance names itself, so that looking never disturbs the run."""

from __future__ import annotations

import hashlib

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

    def integers(self, high: int, count: int) -> list[int]:
        """`count` integers in 0..high-1 from the run's stream."""
        return torch.randint(high, (count,), generator=self.stream, device=self.device).tolist()

    def normal(self, like: torch.Tensor) -> torch.Tensor:
        """Standard normal numbers of the shape of `like`: drawn contiguous, since bits of `randn_like` depend on layout."""
        return torch.randn(like.shape, generator=self.stream, device=self.device)

    def initialise(self, *names: object):  # noqa: ANN201
        """A context in which torch's default initialisation draws from this seed, and the caller's generator is left alone."""
        return _Initialise(self.fork(*names).initial_seed())


class _Initialise:
    def __init__(self, seed: int) -> None:
        self.seed, self.guard = seed, torch.random.fork_rng(devices=[])

    def __enter__(self) -> None:
        self.guard.__enter__()
        torch.manual_seed(self.seed)

    def __exit__(self, *error: object) -> None:
        self.guard.__exit__(*error)
