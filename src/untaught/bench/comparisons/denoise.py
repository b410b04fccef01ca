"""Grain: noise added to clean pictures, published noisy pictures, or real pairs; against the classic denoisers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.bench import cases
from untaught.bench.case import Case
from untaught.bench.comparisons._base import Comparison
from untaught.bench.competitors import denoisers
from untaught.bench.competitors._base import Competitor, by_name
from untaught.bench.competitors.total_variation import denoised
from untaught.core.errors import BadInput
from untaught.io import arrays


def _cases(pictures: Sequence[Path], options: Mapping[str, Any]) -> list[Case]:
    folders = options.get("pairs") or ()
    if not pictures and not folders:
        raise BadInput("There are no pictures to compare on: name clean ones, or a folder of real pairs with --pairs.")
    if options.get("sigma") is not None and not pictures:
        raise BadInput(
            "--sigma is of the noise that is added to pictures, but there are only real pairs, with their own: drop it."
        )
    found = cases.with_noise(pictures, options.get("sigma"), options.get("noisy_from"))
    endings = options.get("reference") or ["_mean"]
    return found + [case for folder in folders for case in cases.pairs(folder, endings)]


def _call(classic: Competitor, noisy: NDArray, told: Mapping[str, Any]) -> NDArray:
    data, sigma = noisy / arrays.full_scale(noisy), told.get("sigma")
    return classic.run(data, denoisers.estimate(data) if sigma is None else sigma)


def _finish(result: NDArray, noisy: NDArray) -> NDArray:
    return np.rint(arrays.full_scale(noisy) * np.clip(result, 0, 1)).astype(noisy.dtype)


def _small(ndim: int) -> tuple[NDArray, dict[str, Any]]:
    return np.random.default_rng(0).integers(0, 256, (48, 48, 3)[:ndim]).astype(np.uint8), {"sigma": 25 / 255}


BASELINES = by_name(
    Competitor("tv", "total variation, Chambolle 2004 (scikit-image), weight 0.1 at sigma 25/255", denoised),
    Competitor("wavelet", "BayesShrink, Chang, Yu and Vetterli 2000 (scikit-image)", denoisers.wavelet),
    Competitor("nlm", "non-local means, Buades, Coll and Morel 2005 (scikit-image), h 0.6 sigma", denoisers.nlm),
    Competitor(
        "ridge", "non-local ridge, Herbreteau and Kervrann 2022, three passes (ours, no network)", denoisers.ridge
    ),
    Competitor(
        "bm3d",
        "BM3D, Dabov et al. 2007 (package bm3d)",
        denoisers.bm3d,
        "bm3d",
        install="bm3d; its licence allows non-commercial use only",
    ),
)
COMPARISON = Comparison("denoise", _cases, BASELINES, _call, _small, start="noisy", finish=_finish)
