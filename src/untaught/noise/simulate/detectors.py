"""Detectors of microscopes and telescopes, which count photons. Levels are fractions of the photons at white."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from untaught.noise.simulate._base import Chance, Simulation, alone

DETECTED = {"photons": (1e-3, 1e9), "offset": (0, 0.9), "read": (0, 1e6)}
FAR = 5.0  # deviations of the counts at white that still lie within the full scale


def digitised(counted: NDArray, photons: float, offset: float) -> NDArray:
    """Counts in full scale: `offset` at no light, and room above white for the brightest that are to be expected."""
    return offset + (1 - offset) * counted / (1 + FAR / math.sqrt(photons))


@dataclass(frozen=True)
class Counts(Simulation):
    """Photons that were counted, read with noise, over an offset. photons: at white. read: electrons. offset: of full scale."""

    photons: float = 100.0
    offset: float = 0.02
    read: float = 0.0
    LIMITS: ClassVar = DETECTED

    def expose(self, scene: NDArray, chance: Chance) -> NDArray:
        return (chance.counts(scene * self.photons) + self.read * chance.normal(*scene.shape)) / self.photons

    def develop(self, data: NDArray) -> NDArray:
        return digitised(data, self.photons, self.offset)

    def covariance(self, level: Any, down: int = 0, right: int = 0) -> Any:
        return (level / self.photons + (self.read / self.photons) ** 2) * alone(down, right)

    @classmethod
    def examples(cls) -> tuple[Simulation, ...]:
        return cls(1.0), cls(10.0), cls(100.0), cls(1000.0), cls(50.0, 0.1, 3.0)


@dataclass(frozen=True)
class SCMOS(Simulation):
    """An sCMOS camera: every pixel has its own offset and read noise, every row a noise of its own, and some pixels are hot.

    photons: at white. read: electrons, the median over the pixels, whose logarithms have the deviation `spread`. pixel, row:
    deviations of the offsets, electrons. hot: the share of the pixels with up to white added. offset: of full scale.
    """

    photons: float = 200.0
    read: float = 1.5
    spread: float = 0.4
    pixel: float = 1.0
    row: float = 1.0
    hot: float = 0.0005
    offset: float = 0.05
    LIMITS: ClassVar = {**DETECTED, "spread": (0, 2), "pixel": (0, 1e6), "row": (0, 1e6), "hot": (0, 1)}

    @property
    def bias(self) -> str:
        return "hot pixels are brighter" if self.hot else ""

    def expose(self, scene: NDArray, chance: Chance) -> NDArray:
        own = self.pixel * chance.normal(*scene.shape)
        read = self.read * np.exp(self.spread * chance.normal(*scene.shape)) * chance.normal(*scene.shape)
        rows = self.row * chance.normal(len(scene), 1, scene.shape[2])
        glow = np.where(chance.uniform(*scene.shape) < self.hot, chance.uniform(*scene.shape), 0)
        return (chance.counts(scene * self.photons) + own + read + rows) / self.photons + glow

    def develop(self, data: NDArray) -> NDArray:
        return digitised(data, self.photons, self.offset)

    def covariance(self, level: Any, down: int = 0, right: int = 0) -> Any:
        here = level * self.photons + self.pixel**2 + self.read**2 * math.exp(2 * self.spread**2)
        return (here * alone(down, right) + self.row**2 * (down == 0)) / self.photons**2

    @classmethod
    def examples(cls) -> tuple[Simulation, ...]:
        return cls(hot=0.0), cls(30.0, 3.0, 0.2, 2.0, 3.0, hot=0.0), cls(hot=0.02)


@dataclass(frozen=True)
class EMCCD(Simulation):
    """An electron-multiplying CCD: single electrons are amplified by chance, which doubles the variance (Robbins and Hadwen 2003).

    photons: at white. gain: of the register. read: electrons behind it. spurious: electrons a pixel that no photon made. offset:
    of full scale.
    """

    photons: float = 20.0
    gain: float = 300.0
    read: float = 40.0
    spurious: float = 0.05
    offset: float = 0.05
    LIMITS: ClassVar = {**DETECTED, "gain": (1, 1e6), "spurious": (0, 1e6)}

    def expose(self, scene: NDArray, chance: Chance) -> NDArray:
        electrons = chance.amplified(chance.counts(scene * self.photons + self.spurious)) - self.spurious
        return (electrons + self.read / self.gain * chance.normal(*scene.shape)) / self.photons

    def develop(self, data: NDArray) -> NDArray:
        return digitised(data, self.photons / 2, self.offset)

    def covariance(self, level: Any, down: int = 0, right: int = 0) -> Any:
        electrons = 2 * (level * self.photons + self.spurious) + (self.read / self.gain) ** 2
        return electrons / self.photons**2 * alone(down, right)

    @classmethod
    def examples(cls) -> tuple[Simulation, ...]:
        return cls(), cls(200.0, 50.0)


SIMULATIONS = (Counts, SCMOS, EMCCD)
