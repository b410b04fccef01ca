"""Amounts of noise, of error, of difference, and shares, in words: as the person who holds the picture counts them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FULL_SCALE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}


@dataclass(frozen=True)
class Amounts:
    """full: the largest value of pictures of 8 or 16 bits; None for floats, counts and whatever else has units of its own.

    unit: what 1 in the data is, of full scale or in those units.
    """

    full: float | None = 255.0
    unit: float = 1.0

    def said(self, *levels: float, form: str = ".2g") -> str:
        """Levels of the data: "25 of 255", "0.1"; form: of a level of a picture with a full scale."""
        size = self.unit * (self.full or 1.0)
        told = ", ".join(self._told(size * level, form) for level in levels)
        return told if self.full is None else f"{told} of {self.full:.0f}"

    def _told(self, value: float, form: str) -> str:
        sign = "+" if form[0] == "+" else ""
        if self.full is None:
            return f"{float(f'{value:.3g}'):{sign}g}"  # 1510, and not 1.51e+03
        return f"{value:{sign}.0f}" if form.endswith("g") and abs(value) >= 99.5 else f"{value:{form}}"


def percent(fraction: float) -> str:
    """4 %, 0.13 %: two digits, and never 0 % or 100 % of something."""
    value = 100 * fraction
    return f"{value:.0f} %" if 9.5 <= value <= 99 else f"{value:.2g} %" if value < 9.5 else f"{value:.5g} %"
