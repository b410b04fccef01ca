"""What becomes of the picture that a run finds: what the caller gets of it, and what else is known of that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from numpy.typing import NDArray
from torch import Tensor

from untaught.core.amounts import Amounts
from untaught.core.errors import BadInput
from untaught.noise.anscombe import Stabiliser
from untaught.problem.likelihoods import Likelihood

OFF = 0.25
"""How far off the flux may be to be set right: by more it is that of hardly any light."""


class Result(ABC):
    """From the picture x of a problem, (1, c, *space), to what the caller gets: a frozen value, and it pickles."""

    @abstractmethod
    def __call__(self, x: Tensor) -> Any:
        """What the caller gets: of a task, an array of the type and the axes that came in."""

    def exact(self) -> Result:
        """The same as float64, neither rounded nor blended into the input; `BadInput` where no such picture is known."""
        raise BadInput("The result of this task is no picture that could be unsure in one place more than in another.")

    def plain(self, x: Tensor) -> Tensor:
        """x without the transform, if there was one, that made its noise even; of its shape."""
        return x

    def shown(self, x: Tensor) -> Tensor:
        """The picture that the result shows, (1, c, *space): `plain`, less a margin that is cut off, or a magnitude."""
        return x

    @property
    def bare(self) -> Result:
        """What makes the result of a picture that is `shown`."""
        return self

    @property
    def law(self) -> Likelihood | None:
        """The noise of plain pictures, where a transform made it even; None where the problem tells it."""
        return None

    def again(self, data: Tensor | None) -> Result:
        """The same for other data of that kind, before any transform; None: with nothing that is taken from the data."""
        return self

    def after(self, data: Tensor) -> Tensor:
        """What is undone before a result is made, of data."""
        return data

    def measured(self, data: Tensor) -> Tensor:
        """Data in the caller's units, as the problem has them: the other way round, as far as that is of values and not of axes."""
        return data

    def on(self, array: NDArray, fill: NDArray | None = None) -> Result:
        """The same for another input of that type and those axes, as a part of it is. fill: True where that is to be filled."""
        return self

    def remarks(self, x: Tensor) -> tuple[str, ...]:
        """What the result does to x that a person should know (values that are clipped), in sentences."""
        return ()

    def company(self, image: Any) -> Any:
        """What of the picture's file, an `io.images.Image`, travels with the result."""
        return image

    def bridging(self, gone: NDArray, fill: Callable[[NDArray], NDArray]) -> Result:
        """The same where values of the input were unknown, as `gone` marks: `fill` sees to these, before anything is rounded."""
        return self

    @property
    def scale(self) -> tuple[float, float]:
        """(offset, gain): the data are offset + gain * x."""
        return 0.0, 1.0

    @property
    def unit(self) -> float:
        """What 1 of a plain picture is in the caller's units: 255 where that is full scale."""
        return 1.0

    @property
    def full(self) -> float | None:
        """The largest value of pictures of 8 or 16 bits; None for anything else."""
        return None

    @property
    def amounts(self) -> Amounts:
        """How levels of a plain picture are told."""
        return Amounts(self.full, self.unit / (self.full or 1.0))

    @property
    def filled(self) -> NDArray | None:
        """Where x is taken and no known value kept, channels last; None for everywhere."""
        return None

    @property
    def direct(self) -> bool:
        """Whether the result is x itself, value by value, in the caller's units."""
        return False

    @property
    def stabilised(self) -> bool:
        """Whether `plain` undoes a transform."""
        return False

    @property
    def restores(self) -> bool:
        """Whether x is meant to explain the data, so that what it leaves of them can be judged."""
        return True

    @property
    def whole(self) -> str:
        """What was done to the data that a part of them does not tell, in words; empty where there is nothing."""
        return ""


@dataclass(frozen=True)
class AsIs(Result):
    """x as it is, in [0, 1]: of a job that no task has made."""

    def __call__(self, x: Tensor) -> Tensor:
        return x.cpu().to(torch.float64, copy=True)

    def exact(self) -> AsIs:
        return self

    @property
    def amounts(self) -> Amounts:
        return Amounts()

    @property
    def direct(self) -> bool:
        return True


@dataclass(frozen=True)
class Wrapped(Result):
    """What `then` makes of a picture that is changed before; it answers what is not answered here."""

    then: Result

    def before(self, x: Tensor) -> Tensor:
        """The picture that `then` gets."""
        return x

    def __call__(self, x: Tensor) -> Any:
        return self.then(self.before(x))

    def exact(self) -> Self:
        return replace(self, then=self.then.exact())

    def measured(self, data: Tensor) -> Tensor:
        return self.after(self.then.measured(data))

    def on(self, array: NDArray, fill: NDArray | None = None) -> Self:
        return replace(self, then=self.then.on(array, fill))

    def plain(self, x: Tensor) -> Tensor:
        return self.then.plain(x)

    def shown(self, x: Tensor) -> Tensor:
        return self.then.shown(x)

    @property
    def bare(self) -> Result:
        return replace(self, then=self.then.bare)

    def remarks(self, x: Tensor) -> tuple[str, ...]:
        return self.then.remarks(self.before(x))

    def company(self, image: Any) -> Any:
        return self.then.company(image)

    def bridging(self, gone: NDArray, fill: Callable[[NDArray], NDArray]) -> Self:
        return replace(self, then=self.then.bridging(gone, fill))

    @property
    def scale(self) -> tuple[float, float]:
        return self.then.scale

    @property
    def unit(self) -> float:
        return self.then.unit

    @property
    def full(self) -> float | None:
        return self.then.full

    @property
    def filled(self) -> NDArray | None:
        return self.then.filled

    @property
    def stabilised(self) -> bool:
        return self.then.stabilised

    @property
    def restores(self) -> bool:
        return self.then.restores

    @property
    def whole(self) -> str:
        return self.then.whole


@dataclass(frozen=True)
class Scaled(Wrapped):
    """What `then` makes of offset + gain * x: pictures are sought in about [0, 1], whatever the units of the data are."""

    offset: float
    gain: float

    def before(self, x: Tensor) -> Tensor:
        # Single precision would lose small contrasts on large offsets.
        return x.cpu().to(torch.float64, copy=True).mul_(self.gain).add_(self.offset)

    def after(self, data: Tensor) -> Tensor:
        return (data - self.offset) / self.gain

    @property
    def scale(self) -> tuple[float, float]:
        return self.offset, self.gain

    @property
    def unit(self) -> float:
        return self.gain * self.then.unit

    @property
    def direct(self) -> bool:
        return self.then.direct


@dataclass(frozen=True)
class Stabilised(Scaled):
    """What `then` makes of a picture of which offset + gain * x is the transform that made its noise even.

    flux: the mean of the data in each channel, which the picture has, too; empty where it is not kept. What is restored still has
    some noise, whose mean the inverse does not leave alone: at 1 count a pixel it would add 2 to 4 % of light.
    noise: of the data before the transform, where it is known.
    """

    transform: Stabiliser
    flux: tuple[float, ...] = ()
    noise: Likelihood | None = None

    def before(self, x: Tensor) -> Tensor:
        return self._inverse(super().before(x))

    def _inverse(self, even: Tensor) -> Tensor:
        x = self.transform.inverse(even)
        for channel, mean in zip(x.unbind(1), self.flux, strict=False):
            factor = mean / max(float(channel.mean()), 1e-12)
            if abs(factor - 1) < OFF:
                channel *= factor
        return x

    def on(self, array: NDArray, fill: NDArray | None = None) -> Self:
        return replace(super().on(array, fill), flux=())  # a part has a mean of its own

    def after(self, data: Tensor) -> Tensor:
        return super().after(self.transform.forward(data))

    def plain(self, x: Tensor) -> Tensor:
        return self.then.plain(self._inverse(self.offset + self.gain * x))

    def shown(self, x: Tensor) -> Tensor:
        return self.then.shown(self._inverse(self.offset + self.gain * x))

    @property
    def bare(self) -> Result:
        return self.then.bare

    @property
    def law(self) -> Likelihood | None:
        return self.noise

    def again(self, data: Tensor | None) -> Stabilised:
        means = () if data is None or not self.flux else tuple(data.double().flatten(2).mean(2)[0].tolist())
        return replace(self, flux=means)

    @property
    def unit(self) -> float:
        return self.then.unit

    @property
    def direct(self) -> bool:
        return False

    @property
    def stabilised(self) -> bool:
        return True
