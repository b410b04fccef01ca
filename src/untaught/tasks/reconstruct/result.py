"""The magnitude of a picture that is complex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.solver.result import Result


@dataclass(frozen=True)
class Magnitude(Result):
    """float32, (*space), or (*space, c) where there are several channels; the real and the imaginary part of each are two of x."""

    def __call__(self, x: Any) -> NDArray:
        array = np.hypot(*x.detach().cpu().double().unflatten(1, (-1, 2))[0].movedim(1, 0).numpy()).astype(np.float32)
        return array[0] if len(array) == 1 else np.ascontiguousarray(np.moveaxis(array, 0, -1))
