"""Blur: pictures blurred where the kernel sees them whole, with noise; against Richardson-Lucy and total variation.

Every method gets the valid part alone, and is scored on it, less 16 pixels of its border, where methods assume different things.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.bench import _pixels, cases
from untaught.bench.case import Case
from untaught.bench.comparisons._base import Comparison, eight, score
from untaught.bench.competitors import richardson_lucy, total_variation
from untaught.bench.competitors._base import Competitor, by_name
from untaught.core.errors import BadInput

BORDER = 16  # pixels that are not judged, since what lies outside was blurred into them


def _cases(pictures: Sequence[Path], options: Mapping[str, Any]) -> list[Case]:
    word, sigma = options.get("kernel"), options.get("sigma")
    if word is None:
        raise BadInput("What the pictures are blurred with is not said: give a kernel, e.g. --kernel gauss:1.6.")
    if sigma is None:
        raise BadInput("The noise level is missing: say how much noise is added, e.g. --sigma 2/255.")
    from untaught.problem.operators.kernels import named

    kernel, found = named(word).numpy(), []
    for name, samples in cases.clean(pictures):
        picture = cases.eight(samples)
        if any(n - k < 2 * BORDER + 11 for n, k in zip(picture.shape, kernel.shape, strict=False)):
            raise BadInput(
                f"{name} is {picture.shape[0]} x {picture.shape[1]}: too small to be judged after this blur."
            )
        told = {"kernel": kernel, "sigma": sigma}
        found.append(Case(name, under(picture, kernel), word, measured(picture, kernel, sigma), told))
    return found


def measured(picture: NDArray, kernel: NDArray, sigma: float) -> Callable[[int], NDArray]:
    def make(seed: int) -> NDArray:
        import torch

        from untaught.problem.operators.blur import Blur

        y = _pixels.array(Blur(torch.from_numpy(kernel))(_pixels.tensor(picture / 255)), picture)
        noise = np.random.default_rng(seed).normal(0, sigma, y.shape)
        return eight(y + noise)

    return make


def under(picture: NDArray, kernel: NDArray) -> NDArray:
    """The part of the picture that lies under its valid convolution."""
    top, left = ((k - 1) // 2 for k in kernel.shape)
    height, width = (n - k + 1 for n, k in zip(picture.shape, kernel.shape, strict=False))
    return np.ascontiguousarray(picture[top : top + height, left : left + width])


def _score(result: NDArray, clean: NDArray) -> tuple[float, float]:
    if min(clean.shape[:2]) > 2 * BORDER + 11:
        result, clean = (v[BORDER:-BORDER, BORDER:-BORDER] for v in (result, clean))
    return score(result, clean)


def _call(classic: Competitor, blurred: NDArray, told: Mapping[str, Any]) -> Any:
    return classic.run(blurred / 255, told["kernel"])


def _small(ndim: int) -> tuple[NDArray, dict[str, Any]]:
    picture = np.random.default_rng(0).integers(0, 256, (48, 48, 3)[:ndim]).astype(np.uint8)
    return picture, {"kernel": np.full((3, 3), 1 / 9), "sigma": 0.01, "clean": picture}


BASELINES = by_name(
    Competitor("richardson-lucy", "scikit-image's default, 50 iterations", richardson_lucy.default),
    Competitor(
        "rl-best",
        f"Richardson-Lucy at the best of {richardson_lucy.MOST} iterations",
        richardson_lucy.iterates,
        oracle=True,
    ),
    Competitor(
        "tv-best",
        f"valid borders, total variation, the best weight of {total_variation.DEBLUR}",
        total_variation.deblurred,
        oracle=True,
    ),
)

COMPARISON = Comparison(
    "deblur",
    _cases,
    BASELINES,
    _call,
    _small,
    start="blurred",
    score=_score,
    said=(
        "The pictures are blurred where the kernel sees them whole; noise, then 8 bit. All methods get that part alone, and "
        "16 pixels of its border are left out of the scores.",
        "The iteration of rl-best and the weight of tv-best are chosen with the clean picture, in their favour.",
    ),
)
