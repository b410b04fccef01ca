"""Film, print and scanners: grain that neighbours share, dots of a halftone, stripes and bands."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from untaught.noise.simulate._base import Chance, Simulation, alone, likeness


@dataclass(frozen=True)
class Film(Simulation):
    """Grain of film: shared by neighbours, largest in the middle tones, none in black and white.

    amount: deviation in the middle. size: of the grain, pixels. colour: the share of the variance that each layer has for itself.
    """

    amount: float = 0.06
    size: float = 0.8
    colour: float = 0.4
    LIMITS: ClassVar = {"amount": (0, 1), "size": (0, 30), "colour": (0, 1)}

    def expose(self, scene: NDArray, chance: Chance) -> NDArray:
        shared, own = chance.grain((*scene.shape[:2], 1), self.size), chance.grain(scene.shape, self.size)
        grain = math.sqrt(1 - self.colour) * shared + math.sqrt(self.colour) * own
        return scene + self.amount * np.sqrt(4 * scene * (1 - scene)) * grain

    def develop(self, data: NDArray) -> NDArray:
        return np.clip(data, 0, 1)

    def covariance(self, level: Any, down: int = 0, right: int = 0) -> Any:
        return self.amount**2 * 4 * level * (1 - level) * likeness(self.size, down, right)

    @classmethod
    def examples(cls) -> tuple[Simulation, ...]:
        return cls(), cls(0.03, 2.0, 1.0), cls(0.04, 0.0, 0.0)


@functools.cache
def _quantiles() -> NDArray:
    """Of cos u + cos v, u and v equally likely."""
    angles = 2 * np.pi * (np.arange(1024) + 0.5) / 1024
    return np.quantile(np.add.outer(np.cos(angles), np.cos(angles)), np.linspace(0, 1, 4097))


def threshold(u: NDArray, v: NDArray) -> NDArray:
    """Of a screen of round dots, at places in periods: each value from 0 to 1 equally often."""
    quantiles = _quantiles()
    return np.interp(np.cos(2 * np.pi * u) + np.cos(2 * np.pi * v), quantiles, np.linspace(0, 1, len(quantiles)))


@dataclass(frozen=True)
class Halftone(Simulation):
    """A print, scanned: dots of ink or none, each colour's screen at an angle of its own; at a place that chance has.

    period: of the screen, pixels of the scan. blur: of the scanner, deviation in pixels. The truth is the scan of a print
    without dots. Red, green and blue stand for cyan, magenta and yellow.
    """

    period: float = 4.0
    blur: float = 0.8
    LIMITS: ClassVar = {"period": (1, 1000), "blur": (0, 30)}

    def expose(self, scene: NDArray, chance: Chance) -> NDArray:
        if chance.rng is None:
            return scene
        h, w, c = scene.shape
        dots = [
            threshold(
                *(place + phase for place, phase in zip(self._places(h, w, angle), chance.uniform(2), strict=True))
            )
            for angle in self._angles(c)
        ]
        return (scene > np.stack(dots, 2)).astype(np.float64)

    def develop(self, data: NDArray) -> NDArray:
        from scipy import ndimage

        return ndimage.gaussian_filter(data, (self.blur, self.blur, 0), mode="nearest")

    def covariance(self, level: Any, down: int = 0, right: int = 0) -> Any:
        """Of the first channel, over all places of the screen."""
        phase = (np.arange(256) + 0.5) / 256
        v, u = np.meshgrid(phase, phase, indexing="ij")
        across, along = (place[-1, -1] for place in self._places(abs(down) + 1, abs(right) + 1, self._angles(3)[0]))
        both = np.maximum(threshold(u, v), threshold(u + across, v + along))  # ink at neither or at both
        return np.searchsorted(np.sort(both.ravel()), level) / both.size - np.square(level)

    def _places(self, h: int, w: int, angle: float) -> tuple[NDArray, NDArray]:
        y, x = np.indices((h, w)) / self.period
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        return x * cos + y * sin, y * cos - x * sin

    @staticmethod
    def _angles(channels: int) -> tuple[float, ...]:
        return (45.0,) if channels == 1 else (15.0, 75.0, 0.0)

    @classmethod
    def examples(cls) -> tuple[Simulation, ...]:
        return cls(), cls(6.5, 0.0)


@dataclass(frozen=True)
class LineScan(Simulation):
    """A line scanner: every column is seen by a pixel with a gain and an offset of its own.

    gain: deviation of the gains. offset, white: deviations of the offsets, and of the noise of each value, of full scale.
    """

    gain: float = 0.03
    offset: float = 0.03
    white: float = 0.02
    LIMITS: ClassVar = {"gain": (0, 1), "offset": (0, 1), "white": (0, 1)}

    def expose(self, scene: NDArray, chance: Chance) -> NDArray:
        gain, offset = (amount * chance.normal(1, *scene.shape[1:]) for amount in (self.gain, self.offset))
        return scene * (1 + gain) + offset + self.white * chance.normal(*scene.shape)

    def covariance(self, level: Any, down: int = 0, right: int = 0) -> Any:
        column = (np.square(level) * self.gain**2 + self.offset**2) * (right == 0)
        return column + self.white**2 * alone(down, right)

    @classmethod
    def examples(cls) -> tuple[Simulation, ...]:
        return cls(), cls(0.1, 0.0, 0.0)


@dataclass(frozen=True)
class Banding(Simulation):
    """Bands of brightness down the picture, as of a lamp that flickers.

    amount: their deviation, of full scale. period: rows. white: deviation of the noise of each value, of full scale.
    """

    amount: float = 0.03
    period: float = 24.0
    white: float = 0.02
    LIMITS: ClassVar = {"amount": (0, 1), "period": (1, 1e6), "white": (0, 1)}

    def expose(self, scene: NDArray, chance: Chance) -> NDArray:
        if chance.rng is None:
            return scene
        turns = np.arange(len(scene))[:, None, None] / self.period + chance.uniform(1)
        bands = math.sqrt(2) * self.amount * np.sin(2 * np.pi * turns)
        return scene + bands + self.white * chance.normal(*scene.shape)

    def covariance(self, level: Any, down: int = 0, right: int = 0) -> Any:
        bands = self.amount**2 * math.cos(2 * math.pi * down / self.period)
        return bands + self.white**2 * alone(down, right) + 0 * level

    @classmethod
    def examples(cls) -> tuple[Simulation, ...]:
        return cls(), cls(0.1, 7.0, 0.0)


SIMULATIONS = (Film, Halftone, LineScan, Banding)
