"""What every competitor says of itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Competitor:
    """name, what it is and from whom, the function, and the package it needs beside scikit-image (None: no other).

    install: what is to be said after "pip install", where it is not the package's name alone.
    run: what the task hands it -> a picture, floats in [0, 1]. oracle: it yields one picture for each of its settings, of which
    the one is taken that scores best against the clean picture: in its favour, and said.
    """

    name: str
    source: str
    run: Callable[..., Any]
    package: str | None = None
    oracle: bool = False
    install: str = ""

    @property
    def missing(self) -> str | None:
        """Why it cannot be used here, in a sentence; None where it can."""
        if self.package is None or importlib.util.find_spec(self.package):
            return None
        how = self.install or self.package
        return f"{self.name} is left out: the package '{self.package}' is not installed (pip install {how})."


def by_name(*classics: Competitor) -> dict[str, Competitor]:
    return {c.name: c for c in classics}


def channels(picture: NDArray) -> int | None:
    """The axis of the channels, as scikit-image wants it."""
    return -1 if picture.ndim == 3 else None
