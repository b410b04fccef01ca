"""What a benchmark is about: clean pictures, and the noisy inputs that are drawn, published, or were shot with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput
from untaught.io import arrays

NOISY_ENDINGS = ("_real", "_noisy", "_raw")


@dataclass(frozen=True, eq=False)
class Case:
    """A clean picture, uint8 or uint16, and its noisy version, or None where each seed draws one of its own.

    sigma: as a fraction of full scale, or None where nobody knows it; then no method is told. origin: of the noise.
    """

    name: str
    clean: NDArray
    sigma: float | None
    noisy: NDArray | None = None
    origin: str = "drawn"

    @property
    def told(self) -> dict[str, Any]:
        return {"sigma": self.sigma}

    @property
    def level(self) -> str:
        return "" if self.sigma is None else f"{255 * self.sigma:.4g}"

    @property
    def fixed(self) -> bool:
        return self.noisy is not None

    def input(self, seed: int) -> NDArray:
        if self.noisy is not None:
            return self.noisy
        if self.sigma is None:
            raise BadInput(f"{self.name} has neither noise of its own nor a sigma to draw it with: give --sigma.")
        return draw(self.clean, self.sigma, seed)


def draw(clean: NDArray, sigma: float, seed: int) -> NDArray:
    """The picture with white noise, added in float within [0, 1], clipped, rounded to its own integer type."""
    full = arrays.full_scale(clean)
    noisy = clean / full + np.random.default_rng(seed).normal(0, sigma, clean.shape)
    return np.rint(full * np.clip(noisy, 0, 1)).astype(clean.dtype)


def plain(stem: str) -> str:
    """The name by which a test picture is known: image_F16_512rgb -> f16, image_House256rgb -> house."""
    name = stem.lower().removeprefix("image_").removesuffix("_gt")
    for ending in ("rgb", "gray", "grey"):
        if name.endswith(ending):
            name = name.removesuffix(ending).rstrip("0123456789").rstrip("_-")
    return name or stem.lower()


def with_noise(pictures: Sequence[Path], sigma: float | None, noisy_from: Path | None = None) -> list[Case]:
    """Clean pictures to which noise of `sigma` is added, or whose published noisy version NAME_sigmaNN exists."""
    if pictures and sigma is None:
        raise BadInput("The noise level is missing: say how much noise is added, e.g. --sigma 25/255.")
    if sigma is not None and not 0 < sigma <= 1:
        raise BadInput(f"sigma = {sigma:g} is no fraction of full scale: did you mean {sigma:g}/255?")
    found = _published_noise(noisy_from, sigma) if noisy_from is not None and sigma is not None else {}
    cases = []
    for path, name in zip(pictures, names(pictures), strict=True):
        clean = picture(path)
        case = Case(name, clean if clean.dtype == np.uint8 else np.rint(clean / 257).astype(np.uint8), sigma)
        beside = found.get(plain(path.stem))
        cases.append(case if beside is None else _pair(replace(case, origin="published"), beside))
    if noisy_from is not None and cases and all(c.noisy is None for c in cases):
        raise BadInput(
            f"No file in '{noisy_from}' is named after one of the pictures: NAME_sigma{255 * (sigma or 0):.0f}.png, "
            f"e.g. {plain(pictures[0].stem)}_sigma{255 * (sigma or 0):.0f}.png."
        )
    return cases


def pairs(folder: Path, endings: Sequence[str] = ("_mean",)) -> list[Case]:
    """Real noise beside a reference: raw/NAME and gt/NAME, or NAME_real (_noisy, _raw) and NAME + one of `endings`."""
    if not folder.is_dir():
        raise BadInput(
            f"There is no folder '{folder}': --pairs needs one with raw/ and gt/, or with NAME_real and NAME_mean."
        )
    if (folder / "raw").is_dir() and (folder / "gt").is_dir():
        clean, noisy = _stems(folder / "gt"), _stems(folder / "raw")
    else:
        stems = _stems(folder)
        clean = {s.removesuffix(e): p for s, p in stems.items() for e in endings if s.endswith(e)}
        noisy = {s.removesuffix(e): p for s, p in stems.items() for e in NOISY_ENDINGS if s.endswith(e)}
    both = sorted(clean.keys() & noisy.keys())
    if not both:
        raise BadInput(f"'{folder}' holds no pair: it needs raw/NAME and gt/NAME, or NAME_real and NAME{endings[0]}.")
    return [_pair(Case(k, picture(clean[k]), None, origin="real"), noisy[k]) for k in both]


def picture(path: Path) -> NDArray:
    """The samples of a test picture, uint8 or uint16. Old test sets are BMP, which nothing else here reads."""
    from untaught.io import images

    if path.suffix.lower() == ".bmp":
        from PIL import Image

        with Image.open(path) as file:
            return np.asarray(file.convert("L" if file.mode == "L" else "RGB"))
    pixels = images.read(path).pixels
    if pixels.dtype.kind != "u":
        raise BadInput(f"'{path}' holds {pixels.dtype} samples: the benchmark needs pictures of 8 or 16 bit.")
    return pixels


def _pair(case: Case, path: Path) -> Case:
    noisy = picture(path)
    if noisy.shape != case.clean.shape or noisy.dtype != case.clean.dtype:
        raise BadInput(
            f"'{path}' is {noisy.shape} {noisy.dtype}, but its reference {case.name} is {case.clean.shape} "
            f"{case.clean.dtype}: a pair needs one size and type."
        )
    return replace(case, noisy=noisy)


def _published_noise(folder: Path, sigma: float) -> dict[str, Path]:
    """By plain name, the files NAME_sigmaNN of a folder that are of this noise level."""
    if not folder.is_dir():
        raise BadInput(f"There is no folder '{folder}': --noisy-from needs one with files such as kodim03_sigma25.png.")
    ending = f"_sigma{255 * sigma:.0f}"
    if abs(255 * sigma - round(255 * sigma)) > 0.01:
        raise BadInput(
            f"sigma = {255 * sigma:.4g}/255 has no published pictures, whose names end in a whole number: "
            "leave --noisy-from out."
        )
    return {plain(s.lower().removesuffix(ending)): p for s, p in _stems(folder).items() if s.lower().endswith(ending)}


def _stems(folder: Path) -> dict[str, Path]:
    """The picture files of a folder by their names without the extension."""
    from untaught.io.images.picture import FORMATS

    return {p.stem: p for p in sorted(folder.iterdir()) if p.suffix.lower() in FORMATS and p.is_file()}


def names(paths: Sequence[Path]) -> list[str]:
    """What each picture is called in the tables: its stem, with its folder where two would be called the same."""
    count = Counter(p.stem for p in paths)
    names = [p.stem if count[p.stem] == 1 else f"{p.resolve().parent.name}/{p.name}" for p in paths]
    twice = [n for n, k in Counter(names).items() if k > 1]
    if twice:
        raise BadInput(f"The picture {twice[0]} is given {names.count(twice[0])} times: name each one once.")
    return names
