"""What a simulation is: one pipeline from a scene to a picture, run with chance and without."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from untaught.core.amounts import FULL_SCALE
from untaught.core.errors import BadInput


class Chance:
    """All that is random in a pipeline, from a seed. Without one (None) it is quiet: each draw is its own mean."""

    def __init__(self, seed: int | None) -> None:
        self.rng = None if seed is None else np.random.default_rng(seed)

    def normal(self, *shape: int) -> NDArray:
        """Standard normal values; quiet: 0."""
        return np.zeros(shape) if self.rng is None else self.rng.standard_normal(shape)

    def uniform(self, *shape: int) -> NDArray:
        """Values of [0, 1); quiet: 1, beyond any share."""
        return np.ones(shape) if self.rng is None else self.rng.random(shape)

    def counts(self, mean: NDArray) -> NDArray:
        """Poisson counts."""
        return mean if self.rng is None else self.rng.poisson(mean).astype(np.float64)

    def amplified(self, electrons: NDArray) -> NDArray:
        """Electrons behind a multiplying register, over its gain: the sum of an exponential variable for each."""
        return electrons if self.rng is None else self.rng.gamma(electrons)

    def grain(self, shape: tuple[int, ...], size: float) -> NDArray:
        """Normal values (h, w, c) of deviation 1 that neighbours share: white ones under a Gaussian of `size` pixels."""
        from scipy import ndimage

        taps = gaussian(size)
        reach, (h, w, c) = len(taps) // 2, shape
        field = self.normal(h + 2 * reach, w + 2 * reach, c)
        for axis in (0, 1):
            field = ndimage.correlate1d(field, taps, axis, mode="constant")
        return field[reach : reach + h, reach : reach + w]


def gaussian(size: float) -> NDArray:
    """The taps of a Gaussian of that deviation in pixels, the sum of whose squares is 1."""
    reach = math.ceil(3 * size)
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(size, 1e-9)) ** 2)
    return taps / np.sqrt((taps**2).sum())


def likeness(size: float, *apart: int) -> float:
    """The correlation of `Chance.grain` at pixels that lie so far apart along each axis."""
    taps = gaussian(size)
    full = np.correlate(taps, taps, "full")
    return math.prod(full[len(taps) - 1 + abs(d)] if abs(d) < len(taps) else 0.0 for d in apart)


class Simulated(NamedTuple):
    """noisy, truth: of the shape and type of the picture that was given; the truth is the pipeline's without its noise."""

    noisy: NDArray
    truth: NDArray


class Simulation:
    """A frozen value; `simulation(picture, seed)` is the picture with its noise, and the truth.

    `expose` adds the noise, whose mean is 0 and whose covariance is `covariance`; what `develop` does with the data then is
    the same with and without it, and may cut it off or bend it. LIMITS: the least and the largest value of each number.
    bias: why the mean of many draws is not the truth already before `develop`, in words; "" where it is.
    """

    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {}

    @property
    def bias(self) -> str:
        return ""

    def __post_init__(self) -> None:
        for name, (low, high) in self.LIMITS.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise BadInput(f"{name} = {value:g} cannot be simulated: give {low:g} to {high:g}.")

    def expose(self, scene: NDArray, chance: Chance) -> NDArray:
        """Data (h, w, c) of a scene (h, w, c) in [0, 1], c 1 or 3."""
        raise NotImplementedError

    def develop(self, data: NDArray) -> NDArray:
        """The picture (h, w, c) of the data."""
        return data

    def covariance(self, level: Any, down: int = 0, right: int = 0) -> Any:
        """Of data of one channel that lie so many pixels apart, where without noise they are `level` far around."""
        raise NotImplementedError

    def __call__(self, picture: NDArray, seed: int = 0) -> Simulated:
        """picture: (h, w) or (h, w, 1 or 3); uint8, uint16, or floats in [0, 1]. Integers are rounded, and cut off at their ends.

        Raises `BadInput` for any other picture.
        """
        full = FULL_SCALE.get(picture.dtype)
        if picture.size == 0 or picture.ndim not in (2, 3) or picture.shape[2:] not in ((), (1,), (3,)):
            raise BadInput(f"Noise is simulated on pictures (h, w) or (h, w, 3); this one is {picture.shape}.")
        if full is None and picture.dtype.kind != "f":
            raise BadInput(f"Noise is simulated on uint8, uint16 or floats, not on {picture.dtype}.")
        scene = picture.reshape(*picture.shape[:2], -1).astype(np.float64) / (full or 1)
        if not (scene.min() >= 0 and scene.max() <= 1):
            raise BadInput(
                f"Noise is simulated on values from 0 to 1; these go from {scene.min():g} to {scene.max():g}: divide by "
                "their full scale."
            )

        def made(chance: Chance) -> NDArray:
            found = self.develop(self.expose(scene, chance)).reshape(picture.shape)
            return (found if full is None else np.rint(full * np.clip(found, 0, 1))).astype(picture.dtype)

        return Simulated(made(Chance(seed)), made(Chance(None)))

    @classmethod
    def examples(cls) -> tuple[Simulation, ...]:
        """Small ones, on which the laws are tried; at least one without bias."""
        raise NotImplementedError


@dataclass(frozen=True)
class White(Simulation):
    """The same everywhere, each value for itself. sigma: deviation, of full scale."""

    sigma: float = 25 / 255
    LIMITS: ClassVar = {"sigma": (0, 1)}

    def expose(self, scene: NDArray, chance: Chance) -> NDArray:
        return scene + self.sigma * chance.normal(*scene.shape)

    def covariance(self, level: Any, down: int = 0, right: int = 0) -> Any:
        return self.sigma**2 * alone(down, right) + 0 * level

    @classmethod
    def examples(cls) -> tuple[Simulation, ...]:
        return cls(), cls(0.02)


def alone(down: int, right: int) -> bool:
    """Whether it is one and the same pixel."""
    return down == 0 and right == 0
