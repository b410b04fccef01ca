"""Holes: pixels taken away at random, or a published masked picture; against fillings that need no network.

An input is the picture with its missing pixels black and transparent, so that what is known travels with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.bench import cases
from untaught.bench.case import Case, always
from untaught.bench.comparisons._base import Comparison
from untaught.bench.competitors import fillings, total_variation
from untaught.bench.competitors._base import Competitor, by_name
from untaught.core.errors import BadInput
from untaught.io import arrays, images
from untaught.io.images import Image

TOLD = {"mask": "alpha"}


def _cases(pictures: Sequence[Path], options: Mapping[str, Any]) -> list[Case]:
    missing, folder = options.get("missing"), options.get("noisy_from")
    if missing is None:
        raise BadInput("How much is missing is not said: give the fraction of the pixels, e.g. --missing 0.5.")
    if not 0 < missing < 1:
        raise BadInput(f"--missing {missing:g} is no fraction of the pixels: give one between 0 and 1, e.g. 0.5.")
    level = f"{100 * missing:g} %"
    found = []
    for path, (name, clean) in zip(pictures, cases.clean(pictures), strict=True):
        masked = None if folder is None else next(Path(folder).glob(f"{path.stem}_masked.*"), None)
        if masked is None:
            found.append(Case(name, clean, level, _draw(clean, missing), TOLD))
        else:
            given = _published(images.read(masked).pixels, clean, masked)
            found.append(Case(name, clean, level, always(given), TOLD, "published", fixed=True))
    if folder is not None and all(c.origin == "drawn" for c in found):
        raise BadInput(f"No file in '{folder}' is named after one of the pictures: e.g. {pictures[0].stem}_masked.png.")
    return found


def _draw(clean: NDArray, missing: float) -> Callable[[int], Image]:
    def make(seed: int) -> Image:
        return _masked(clean, np.random.default_rng(seed).random(clean.shape[:2]) >= missing)

    return make


def _masked(clean: NDArray, known: NDArray) -> Image:
    black = np.where(known if clean.ndim == 2 else known[..., None], clean, 0).astype(clean.dtype)
    return Image(black, (known * arrays.full_scale(clean)).astype(clean.dtype))


def _published(masked: NDArray, clean: NDArray, path: Path) -> Image:
    """Kept where it is not black. Of pixels that are black in the picture itself the published file does not say whether they
    were kept: half of them are, at random (on peppers they are the first row and column, which nothing could guess)."""
    if masked.shape != clean.shape:
        raise BadInput(f"'{path}' is {masked.shape}, but its reference is {clean.shape}: they must be of one size.")
    lit = [(p != 0).any(-1) if p.ndim == 3 else p != 0 for p in (masked, clean)]
    return _masked(clean, lit[0] | (~lit[1] & (np.random.default_rng(0).random(lit[0].shape) < 0.5)))


def _call(classic: Competitor, given: Image, told: Mapping[str, Any]) -> NDArray:
    assert given.alpha is not None
    return classic.run(given.pixels / arrays.full_scale(given.pixels), given.alpha > 0)


def _finish(result: NDArray, given: Image) -> NDArray:
    assert given.alpha is not None
    known = given.alpha > 0 if result.ndim == 2 else given.alpha[..., None] > 0
    made = np.rint(arrays.full_scale(given.pixels) * np.clip(result, 0, 1)).astype(given.pixels.dtype)
    return np.where(known, given.pixels, made)


BASELINES = by_name(
    Competitor("nearest", "the nearest known pixel", fillings.nearest),
    Competitor("biharmonic", "Damelin and Hoang 2018 (scikit-image)", fillings.biharmonic),
    Competitor(
        "telea", "fast marching, Telea 2004 (OpenCV), radius 5", fillings.telea, "cv2", install="opencv-python-headless"
    ),
    Competitor("tv", "least total variation (Chambolle and Pock 2011)", total_variation.filled),
)


def _small(ndim: int) -> tuple[Image, dict[str, Any]]:
    clean = np.random.default_rng(0).integers(1, 256, (48, 48, 3)[:ndim]).astype(np.uint8)
    return _draw(clean, 0.5)(0), TOLD


def _show(given: Image, case: Case) -> NDArray:
    return np.asarray(given.pixels)


COMPARISON = Comparison(
    "inpaint",
    _cases,
    BASELINES,
    _call,
    _small,
    start="masked",
    show=_show,
    finish=_finish,
    said=(
        "Missing pixels are taken away at random; a published masked picture is kept where it is not 0, and pixels that are 0 "
        "in the picture itself are kept at random.",
    ),
)
