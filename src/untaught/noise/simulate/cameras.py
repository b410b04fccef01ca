"""Cameras: what falls on a sensor is counted, read with noise, cut off at black and white, and developed to a JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from untaught.noise.simulate._base import Chance, Simulation, alone, likeness
from untaught.noise.simulate._development import Demosaicing, Subsampling, demosaic, jpeg, light, sharpened, tone

WELL = 40_000  # electrons that fill a pixel at ISO 100
BALANCE = np.array([2.0, 1.0, 1.6])  # of daylight, for red, green and blue
# From the sensor's colours to sRGB; rows sum to 1.
MATRIX = np.array([[1.7, -0.6, -0.1], [-0.2, 1.5, -0.3], [0.0, -0.5, 1.5]])
DIM = 0.2  # of a phone's variance, that which is there without light


@dataclass(frozen=True)
class Sensor(Simulation):
    """A camera: Poisson and Gaussian noise of its raw data under a Bayer mosaic, then all the steps to the JPEG.

    iso: 40 000 electrons over it in hundreds are white. read: electrons. demosaic: bilinear, or malvar (gradient-corrected).
    contrast: of the tone curve beside that of sRGB. sharpen: amount of the unsharp mask. quality: of the JPEG, or none.
    chroma: the JPEG's. A grey picture has no mosaic, white balance and colour matrix.
    """

    iso: float = 3200.0
    read: float = 4.0
    demosaic: Demosaicing = "malvar"
    contrast: float = 0.3
    sharpen: float = 0.5
    quality: int | None = 92
    chroma: Subsampling = "4:2:0"
    LIMITS: ClassVar = {
        "iso": (25, 1e6),
        "read": (0, 1000),
        "contrast": (0, 1),
        "sharpen": (0, 5),
        "quality": (1, 100),
    }

    @property
    def white(self) -> float:
        """Electrons at white."""
        return WELL * 100 / self.iso

    def expose(self, scene: NDArray, chance: Chance) -> NDArray:
        seen = light(scene, self.contrast)
        if seen.shape[2] == 3:
            seen = np.clip(seen @ np.linalg.inv(MATRIX).T, 0, 1) / BALANCE
        return (chance.counts(seen * self.white) + self.read * chance.normal(*seen.shape)) / self.white

    def develop(self, data: NDArray) -> NDArray:
        seen = demosaic(np.clip(data, 0, 1), self.demosaic)
        if seen.shape[2] == 3:
            seen = np.clip(seen * BALANCE, 0, 1) @ MATRIX.T
        shown = sharpened(tone(np.clip(seen, 0, 1), self.contrast), self.sharpen)
        return jpeg(np.clip(shown, 0, 1), self.quality, self.chroma)

    def covariance(self, level: Any, down: int = 0, right: int = 0) -> Any:
        return (level / self.white + (self.read / self.white) ** 2) * alone(down, right)

    @classmethod
    def examples(cls) -> tuple[Simulation, ...]:
        return cls(), cls(12800.0, 10.0, "bilinear", quality=75, chroma="4:4:4"), cls(400.0, sharpen=0.0, quality=None)


@dataclass(frozen=True)
class Phone(Simulation):
    """A phone in the dark: fine grain and large blotches of colour, cut off at black before the tone curve.

    luma, chroma: deviations of the two at white, in light; they are smaller in the dark. size: of the blotches, pixels. quality: of
    the JPEG, or none. In a grey picture the blotches are grey.
    """

    luma: float = 0.03
    chroma: float = 0.06
    size: float = 3.0
    contrast: float = 0.3
    quality: int | None = 95
    LIMITS: ClassVar = {"luma": (0, 1), "chroma": (0, 1), "size": (0, 30), "contrast": (0, 1), "quality": (1, 100)}

    def expose(self, scene: NDArray, chance: Chance) -> NDArray:
        seen = light(scene, self.contrast)
        blotches = chance.grain(seen.shape, self.size)
        if seen.shape[2] == 3:  # of colour alone, at the same deviation
            blotches = np.sqrt(1.5) * (blotches - blotches.mean(2, keepdims=True))
        grain = chance.normal(*seen.shape[:2], 1)
        return seen + np.sqrt(DIM + (1 - DIM) * seen) * (self.luma * grain + self.chroma * blotches)

    def develop(self, data: NDArray) -> NDArray:
        return jpeg(tone(np.clip(data, 0, 1), self.contrast), self.quality, "4:2:0")

    def covariance(self, level: Any, down: int = 0, right: int = 0) -> Any:
        shared = self.luma**2 * alone(down, right) + self.chroma**2 * likeness(self.size, down, right)
        return (DIM + (1 - DIM) * level) * shared

    @classmethod
    def examples(cls) -> tuple[Simulation, ...]:
        return cls(), cls(0.1, 0.05, 1.5, quality=None)


SIMULATIONS = (Sensor, Phone)
