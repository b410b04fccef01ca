"""One seed, many independent generators: every use of chance names itself, so that looking never disturbs the run."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Rng:
    """A seed, a device, and the generator of the run.

    `stream` is the run's own generator, whose state is saved; `fork("preview", step)` is a fresh one that
    depends on nothing but the seed and the names given, so that its numbers can be drawn again at any time.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.seed, self.device = int(seed), torch.device(device)
        self.stream = self.fork("stream")

    def fork(self, *names: object) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(self._drawn(*names))

    def child(self, kind: str, index: int) -> Rng:
        """The index-th of a kind (a stage, a member, a run), as good as unrelated to all others of any kind and seed. The first,
        with index 0, is this one itself, so that what there is only one of is as if there were no kind.
        """
        return Rng(self._drawn("child", kind, index), self.device) if index else self

    def _drawn(self, *names: object) -> int:
        """A number of 56 bits that depends on nothing but the seed and the names."""
        digest = hashlib.sha256(repr((self.seed, *map(str, names))).encode()).digest()
        return int.from_bytes(digest[:7], "big")

    def integer(self, high: int) -> int:
        """One of 0..high-1 from the run's stream."""
        return int(torch.randint(high, (1,), generator=self.stream, device=self.device))

    def normal(self, like: torch.Tensor) -> torch.Tensor:
        """Standard normal numbers of the shape of `like`: drawn contiguous, since bits of `randn_like` depend on layout."""
        return torch.randn(like.shape, generator=self.stream, device=self.device)

    def initialise(self, *names: object) -> Drawn:
        """A context in which torch's default initialisation draws from this seed, in this thread alone."""
        return Drawn(torch.Generator().manual_seed(self.fork(*names).initial_seed()))


class Drawn(TorchDispatchMode):
    """Within it, whatever would draw from torch's own generator, which all threads share, draws from this one: the same bits."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Whether torch is to load its compiler, which takes a second, only to keep it away from here."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not any(a.name == "generator" for a in func._schema.arguments):
            name = "generator"  # `randn` and its like: the overload that takes one
            func = getattr(func.overloadpacket, name) if name in func.overloadpacket.overloads() else func
        if any(a.name == "generator" for a in func._schema.arguments) and kwargs.get("generator") is None:
            kwargs = {**kwargs, "generator": self.generator}
        return func(*args, **kwargs)
