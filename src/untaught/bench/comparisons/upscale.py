"""Enlarging: pictures made smaller by Pillow; against bicubic interpolation, no prior, and total variation.

Two protocols of published tables. Of the Deep Image Prior: the clean picture is cropped at its centre to multiples of 32, the
small one is Pillow's LANCZOS in 8 bit. Of most others (--kernel bicubic): it is cropped at its end to multiples of the factor, and
the small one is Pillow's BICUBIC (a = -1/2, widened by the factor, as MATLAB's imresize is, but for the outermost pixels). PSNR is
that of the luminance Y (limited range), 4 pixels of the border left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.bench import cases
from untaught.bench.case import Case, always
from untaught.bench.comparisons._base import Comparison, eight, score
from untaught.bench.competitors import total_variation
from untaught.bench.competitors._base import Competitor, by_name
from untaught.core.errors import BadInput, unknown

BORDER = 4  # pixels that the published protocol does not judge
PILLOW = {"lanczos3": "LANCZOS", "bicubic": "BICUBIC"}


def _cases(pictures: Sequence[Path], options: Mapping[str, Any]) -> list[Case]:
    factor = options.get("factor")
    if factor is None or not factor > 1:
        raise BadInput("How much smaller the pictures are made is not said: give a factor above 1, e.g. --factor 4.")
    word, found = options.get("kernel"), []
    kernel, told = word or "lanczos3", {"factor": factor, "kernel": word} if word else {"factor": factor}
    if kernel not in PILLOW:
        raise unknown("kernel", kernel, PILLOW)
    for name, picture in cases.clean(pictures):
        clean, small = made_smaller(cases.eight(picture), factor, kernel)
        # The protocols' figures are not to be compared with each other.
        level = f"x{factor:g}" if kernel == "lanczos3" else f"x{factor:g} {kernel}"
        found.append(Case(name, clean, level, always(small), told, fixed=True))
    return found


def made_smaller(picture: NDArray, factor: float, kernel: str = "lanczos3") -> tuple[NDArray, NDArray]:
    """(clean, small): what that kernel's protocol leaves of the picture, or less where the factor is no whole number, and Pillow's
    small one."""
    from PIL import Image

    step = 32 if kernel == "lanczos3" else 1
    space = [n // step * step or n for n in picture.shape[:2]]
    small = [max(1, int(n / factor + 1e-9)) for n in space]
    space = [min(n, round(s * factor)) for n, s in zip(space, small, strict=True)]
    top, left = ((n - m) // 2 if step > 1 else 0 for n, m in zip(picture.shape[:2], space, strict=True))
    clean = np.ascontiguousarray(picture[top : top + space[0], left : left + space[1]])
    return clean, np.asarray(Image.fromarray(clean).resize((small[1], small[0]), Image.Resampling[PILLOW[kernel]]))


def luminance(picture: NDArray) -> NDArray:
    """Y in [16, 235] / 255 of ITU-R BT.601, as published figures have it."""
    values = picture.astype(np.float64) / 255
    if values.ndim == 2:
        return (16 + 219 * values) / 255
    return (16 + values @ np.array([65.481, 128.553, 24.966])) / 255


def _score(result: NDArray, clean: NDArray) -> tuple[float, float]:
    a, b = (luminance(v) for v in (result, clean))
    if min(a.shape) > 3 * BORDER:
        # The last row and column of the published protocol are left out, too.
        a, b = (v[BORDER : -BORDER - 1, BORDER : -BORDER - 1] for v in (a, b))
    return score(a, b)


def _large(small: NDArray, told: Mapping[str, Any]) -> tuple[int, int]:
    return round(small.shape[0] * told["factor"]), round(small.shape[1] * told["factor"])


def _enlarged(small: NDArray, height: int, width: int, how: str = "BICUBIC") -> NDArray:
    from PIL import Image

    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling[how]))


def _bicubic(small: NDArray, large: tuple[int, int], kernel: str) -> NDArray:
    return _enlarged(eight(small), *large) / 255


def _call(classic: Competitor, small: NDArray, told: Mapping[str, Any]) -> Any:
    return classic.run(small / 255, _large(small, told), told.get("kernel", "lanczos3"))


def _small(ndim: int) -> tuple[NDArray, dict[str, Any]]:
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3)[:ndim]).astype(np.uint8)
    return picture, {"factor": 2.0, "clean": np.repeat(np.repeat(picture, 2, 0), 2, 1)}


BASELINES = by_name(
    Competitor("bicubic", "bicubic interpolation (Pillow)", _bicubic),
    Competitor("no prior", "least squares over pixels from the bicubic picture, by L-BFGS", total_variation.enlarged),
    Competitor(
        "tv",
        f"least squares + total variation, the best weight of {total_variation.UPSCALE}",
        total_variation.each_enlarged,
        oracle=True,
    ),
)

COMPARISON = Comparison(
    "upscale",
    _cases,
    BASELINES,
    _call,
    _small,
    start="nearest",
    show=lambda given, case: _enlarged(given, case.clean.shape[0], case.clean.shape[1], "NEAREST"),
    score=_score,
    said=(
        "The small pictures are Pillow's LANCZOS of the clean ones, cropped at their centre to multiples of 32, or, with --kernel "
        "bicubic, its BICUBIC of the clean ones, cropped at their end to multiples of the factor. "
        "PSNR and SSIM are of the luminance in limited range, a border of 4 pixels left out.",
        "The weight of tv is chosen with the clean picture, in its favour.",
    ),
)
