"""What a study is about: clean pictures, each with how its inputs come about; and every method on each of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

M = TypeVar("M")


@dataclass(frozen=True, eq=False)
class Case:
    """One clean picture, and its input for a seed: an array, or whatever a task takes (the path of a file).

    level: of the damage, as published tables have it ("25", "x4"). told: the settings that every method gets, ours and the
    others. origin: of the damage, "drawn", "published" or "real". fixed: every seed has the same input.
    """

    name: str
    clean: NDArray
    level: str
    input: Callable[[int], Any]
    told: dict[str, Any] = field(default_factory=dict)
    origin: str = "drawn"
    fixed: bool = False


def always(given: Any) -> Callable[[int], Any]:
    """The input of a case that has one for every seed."""
    return lambda seed: given


def cells(cases: Iterable[Case], methods: Sequence[M], seeds: int) -> Iterator[tuple[Case, int, M]]:
    """Every method on every case with every seed, case by case."""
    return ((case, seed, method) for case in cases for seed in range(seeds) for method in methods)


class Kept(Protocol):
    """What is known already, by its key, and takes more."""

    def __contains__(self, key: Hashable) -> bool: ...
    def add(self, key: Hashable, rows: Any) -> None: ...


def fill(kept: Kept, plan: Iterable[tuple[Hashable, Callable[[], Any]]]) -> bool:
    """Make what is not there yet, one key after the other, each kept whole or not at all; True where it was interrupted."""
    try:
        for key, make in plan:
            if key not in kept:
                kept.add(key, make())
    except KeyboardInterrupt:
        return True
    return False
