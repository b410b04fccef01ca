"""What the axes of an array are: "TZCYX", one letter each, and which of them are restored together.

Y and X, with Z a volume, are one picture; C (or S, the samples of RGB) are its channels, restored together; every other letter (T
for time) counts pictures that are restored one by one, but for T where a clip is restored along time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, NothingToDo

SPACE, CHANNELS, TIME = "ZYX", "CS", "T"


@dataclass(frozen=True)
class Axes:
    """letters: one for each axis of an array. along: "time" where T is restored together with space."""

    letters: str
    along: str = "space"

    def __post_init__(self) -> None:
        letters = self.letters
        if not letters.isalpha() or letters != letters.upper() or len(set(letters)) != len(letters):
            raise BadInput(f"axes = '{letters}' are no axes: write each by one letter, such as TZCYX, ZYX or YXC.")
        if "X" not in letters or ("Z" in letters and "Y" not in letters) or len(self.channels) > 1:
            raise BadInput(f"axes = '{letters}' are of no picture: YX, or X of a signal, and C or S for the channels.")
        if self.along == "time" and (TIME not in letters or "Y" not in letters):
            raise BadInput(f"axes = '{letters}' have no frames: along = time takes T, Y and X.")

    @property
    def channels(self) -> str:
        return "".join(letter for letter in self.letters if letter in CHANNELS)

    @property
    def together(self) -> str:
        """Those of one problem, as they lie in the array; frames of a clip are pictures of two axes."""
        own = TIME + "YX" if self.along == "time" else SPACE
        return "".join(letter for letter in self.letters if letter in own + CHANNELS)

    @property
    def apart(self) -> str:
        """Those along which every index is a picture of its own."""
        return "".join(letter for letter in self.letters if letter not in self.together)

    def of(self, array: NDArray) -> NDArray:
        """The array; `BadInput` where it has another number of axes."""
        if array.ndim != len(self.letters):
            raise BadInput(
                f"axes = '{self.letters}' are {len(self.letters)}, and the array of shape {array.shape} has {array.ndim}: one "
                "letter an axis, in their order."
            )
        return array

    @property
    def channel_axis(self) -> int | None:
        """Of an array of those together."""
        return self.together.index(self.channels) if self.channels else None

    def parts(self, array: NDArray) -> Iterator[tuple[Any, ...]]:
        """Indices of the pictures that are restored one by one."""
        sizes = [
            n if letter in self.apart else None for letter, n in zip(self.letters, self.of(array).shape, strict=True)
        ]
        for at in itertools.product(*(range(n) for n in sizes if n is not None)):
            rest = iter(at)
            yield tuple(slice(None) if n is None else next(rest) for n in sizes)

    def each(self, array: NDArray, restored: Callable[[tuple[Any, ...]], NDArray]) -> NDArray:
        """What `restored` makes of every part, by its index, joined as the array was; those in which there is nothing to do stay.

        `BadInput` where there is nothing to do in any of them, and where results differ in size.
        """
        made: NDArray | None = None
        left: list[tuple[Any, ...]] = []
        for part in self.parts(array):
            try:
                one = restored(part)
            except NothingToDo as nothing:
                left.append(part)
                why = nothing
                continue
            if made is None:
                sides = iter(one.shape)
                shape = [
                    n if name in self.apart else next(sides) for name, n in zip(self.letters, array.shape, strict=True)
                ]
                made = np.empty(shape, one.dtype)
            if made[part].shape != one.shape:
                raise BadInput(
                    f"Results of {made[part].shape} and {one.shape} cannot be joined: restore them one by one."
                )
            made[part] = one
        if made is None:
            raise why if left else BadInput(f"The picture is empty: its shape is {array.shape}.")
        for part in left:
            made[part] = enlarged(np.ma.getdata(array[part]), made[part].shape)
        return made

    def settings(self, given: dict[str, Any], array: NDArray, part: tuple[Any, ...]) -> dict[str, Any]:
        """Those of one part: what is an array of the whole's shape, as a mask may be, is cut as the whole is."""
        cut = {k: v[part] for k, v in given.items() if isinstance(v, np.ndarray) and v.shape == array.shape}
        return {**given, **cut, "axes": self.together}

    @property
    def told(self) -> str:
        """What is done along which axis, in words."""
        space = "".join(letter for letter in self.together if letter not in CHANNELS)
        words = [f"{space} together"] + ([f"the channels {self.channels} of it, too"] if self.channels else [])
        return ", ".join(words + ([f"each {' and '.join(self.apart)} for itself"] if self.apart else []))


def enlarged(values: NDArray, shape: tuple[int, ...]) -> NDArray:
    """The values on the grid of a result that has more pixels: of each, the one it lies in."""
    for axis, (n, wanted) in enumerate(zip(values.shape, shape, strict=True)):
        if n != wanted:
            values = values.take(np.arange(wanted) * n // wanted, axis)
    return values
