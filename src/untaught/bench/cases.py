"""Test pictures from files, and cases of grain: noise that is drawn, published, or was shot with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from untaught.bench.case import Case, always
from untaught.core.errors import BadInput
from untaught.io import arrays

NOISY_ENDINGS = ("_real", "_noisy", "_raw")


def grainy(name: str, clean: NDArray, sigma: float | None, noisy: NDArray | None = None, origin: str = "drawn") -> Case:
    """A clean picture, uint8 or uint16, and its noisy version; without one each seed draws its own.

    sigma: as a fraction of full scale, or None where nobody knows it; then no method is told.
    """
    level = "" if sigma is None else f"{255 * sigma:.4g}"
    make = partial(draw, clean, sigma or 0.0) if noisy is None else always(noisy)
    return Case(name, clean, level, make, {"sigma": sigma}, origin, noisy is not None)


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
        samples, beside = eight(picture(path)), found.get(plain(path.stem))
        if beside is None:
            cases.append(grainy(name, samples, sigma))
        else:
            cases.append(grainy(name, samples, sigma, _noisy(beside, name, samples), "published"))
    if noisy_from is not None and cases and not any(c.fixed for c in cases):
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
    pictures = {k: picture(clean[k]) for k in both}
    return [grainy(k, truth, None, _noisy(noisy[k], k, truth), "real") for k, truth in pictures.items()]


def picture(path: Path) -> NDArray:
    """The samples of a test picture, uint8 or uint16."""
    from untaught.io import images

    pixels = images.read(path).pixels
    if pixels.dtype.kind != "u":
        raise BadInput(f"'{path}' holds {pixels.dtype} samples: the benchmark needs pictures of 8 or 16 bit.")
    return pixels


def clean(paths: Sequence[Path]) -> Iterator[tuple[str, NDArray]]:
    """(name, samples) of every test picture."""
    if not paths:
        raise BadInput("There are no pictures to compare on: name clean ones.")
    return zip(names(paths), map(picture, paths), strict=True)


def eight(pixels: NDArray) -> NDArray:
    """The picture in 8 bit."""
    return pixels if pixels.dtype == np.uint8 else np.rint(pixels / 257).astype(np.uint8)


def _noisy(path: Path, name: str, clean: NDArray) -> NDArray:
    noisy = picture(path)
    if noisy.shape != clean.shape or noisy.dtype != clean.dtype:
        raise BadInput(
            f"'{path}' is {noisy.shape} {noisy.dtype}, but its reference {name} is {clean.shape} {clean.dtype}: a pair "
            "needs one size and type."
        )
    return noisy


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
