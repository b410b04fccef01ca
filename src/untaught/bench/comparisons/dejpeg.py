"""JPEG: pictures saved by Pillow at a quality; against the decoder itself and what filters its picture.

An input is the file. Ours read its coefficients; the classics are handed its decoded picture, and its tables.
"""

from __future__ import annotations

import functools
import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.bench import cases
from untaught.bench.case import Case
from untaught.bench.comparisons._base import Comparison
from untaught.bench.competitors import total_variation
from untaught.bench.competitors._base import Competitor, by_name
from untaught.bench.competitors.recompression import again
from untaught.core.errors import BadInput
from untaught.io import images


def _cases(pictures: Sequence[Path], options: Mapping[str, Any]) -> list[Case]:
    quality = options.get("quality")
    if quality is None:
        raise BadInput("The quality of the JPEG files is not said: give one, e.g. --quality 10.")
    if not 1 <= quality <= 100:
        raise BadInput(f"--quality {quality} is none that Pillow knows: give 1 to 100.")
    eights = ((name, cases.eight(picture)) for name, picture in cases.clean(pictures))
    return [Case(name, clean, f"q{quality}", _saved(clean, quality), fixed=True) for name, clean in eights]


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where the files lie as long as this process lives."""
    return tempfile.TemporaryDirectory(prefix="untaught-dejpeg-")


def _saved(clean: NDArray, quality: int) -> Callable[[int], Path]:
    def make(seed: int) -> Path:
        import hashlib

        data = encoded(clean, quality)
        path = Path(_folder().name) / f"{hashlib.sha256(data).hexdigest()[:16]}.jpg"
        path.write_bytes(data)
        return path

    return make


def encoded(picture: NDArray, quality: int) -> bytes:
    """The bytes of Pillow's JPEG: grey, or colour at half the resolution (its default)."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return file.getvalue()


def _call(classic: Competitor, given: Path, told: Mapping[str, Any]) -> Any:
    return classic.run(images.read(given).pixels / 255, _tables(given))


def _tables(path: Path) -> list[list[int]]:
    """The file's own quantisation tables."""
    from PIL import Image

    with Image.open(path) as file:
        return [list(table) for table in file.quantization.values()]  # type: ignore[attr-defined]


BASELINES = by_name(
    Competitor(
        "tv",
        "least total variation, its weight chosen by the clean picture (scikit-image)",
        total_variation.without_blocks,
        oracle=True,
    ),
    Competitor("again", "re-application of JPEG on shifted grids (Nosratinia 2001)", again),
)


def _small(ndim: int) -> tuple[Path, dict[str, Any]]:
    clean = np.random.default_rng(0).integers(0, 256, (48, 48, 3)[:ndim]).astype(np.uint8)
    return _saved(clean, 50)(0), {}


def _show(given: Path, case: Case) -> NDArray:
    return np.asarray(images.read(given).pixels)


COMPARISON = Comparison(
    "dejpeg",
    _cases,
    BASELINES,
    _call,
    _small,
    start="decoder",
    show=_show,
    said=(
        "JPEGs are saved by Pillow, colour at half the resolution; tv's weight is the best of eight for the clean picture, in "
        "its favour.",
    ),
)
