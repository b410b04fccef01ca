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

from untaught.bench.case import Case
from untaught.bench.cases import plain
from untaught.bench.comparisons._base import Comparison
from untaught.bench.competitors import total_variation
from untaught.bench.competitors._base import Competitor, by_name
from untaught.bench.competitors.recompression import again
from untaught.core.errors import BadInput
from untaught.io import images


def _cases(pictures: Sequence[Path], options: Mapping[str, Any]) -> list[Case]:
    quality = options.get("quality")
    if not pictures:
        raise BadInput("There are no pictures to compare on: name clean ones.")
    if quality is None:
        raise BadInput("The quality of the JPEG files is not said: give one, e.g. --quality 10.")
    if not 1 <= quality <= 100:
        raise BadInput(f"--quality {quality} is none that Pillow knows: give 1 to 100.")
    return [
        Case(plain(p.stem), clean, f"q{quality}", _saved(clean, quality), fixed=True)
        for p, clean in ((p, _picture(p)) for p in pictures)
    ]


def _picture(path: Path) -> NDArray:
    """8 bit, as JPEG is; BMP too, in which one of the usual test sets comes."""
    if path.suffix.lower() == ".bmp":
        from PIL import Image

        with Image.open(path) as file:
            return np.asarray(file.convert("L" if file.mode == "L" or _grey_palette(file) else "RGB"))
    pixels = images.read(path).pixels
    if pixels.dtype.kind != "u":
        raise BadInput(f"'{path}' holds {pixels.dtype} samples: the benchmark needs pictures of 8 or 16 bit.")
    return pixels if pixels.dtype == np.uint8 else np.rint(pixels / 257).astype(np.uint8)


def _grey_palette(file: Any) -> bool:
    colours = np.asarray(file.convert("RGB")) if file.mode == "P" else np.zeros((1, 1, 3)) + np.arange(3)
    return bool((colours == colours[..., :1]).all())


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
