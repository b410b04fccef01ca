"""What the tests of tiles restore."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from untaught.scale import stores, tiling

SIDE, NEAR = 96, 56  # with a halo that is less than the real one, no tile sees all of these small pictures
CLEAN = {"grey": data.camera()[100:260, 100:288], "colour": data.astronaut()[0:160, 150:338]}


def noisy(kind: str, dtype: str = "uint8") -> np.ndarray:
    rng, clean = np.random.default_rng(0), CLEAN[kind]
    y = clean + rng.normal(0, 25, clean.shape)
    if dtype == "counts":
        return np.clip(4 * rng.poisson(clean / 4), 0, 255).astype(np.uint8)
    if dtype == "uint16":
        return (257 * np.clip(y, 0, 255)).astype(np.uint16)
    return np.clip(y, 0, 255).astype(np.uint8) if dtype == "uint8" else (y / 100 - 1).astype(dtype)


def saved(folder: Path, array: np.ndarray) -> stores.Source:
    np.save(folder / "in.npy", array)
    return stores.open_source(folder / "in.npy", folder / "unpacked.npy")


def compressed(folder: Path) -> tuple[Path, np.ndarray, dict]:
    """A JPEG with coarse colour, whose last blocks are cut off, and which lies on its side."""
    clean = CLEAN["colour"][:157, :181]
    exif = Image.Exif()
    exif[274] = 5
    Image.fromarray(clean).save(folder / "in.jpg", quality=20, exif=exif)
    return folder / "in.jpg", clean.transpose(1, 0, 2), {}


def scratched(folder: Path, apart: int = 0) -> tuple[Path, np.ndarray, dict]:
    """A picture with lines over it, so far apart; or with one, across the seams; and where they are."""
    clean = CLEAN["colour"]
    rows, columns = np.indices(clean.shape[:2])
    lines = ((rows + 2 * columns) % apart < 3) | ((rows - columns) % 48 < 2) if apart else abs(rows - columns) < 2
    Image.fromarray(np.where(lines[..., None], 255, clean).astype(np.uint8)).save(folder / "in.png")
    Image.fromarray(255 * lines.astype(np.uint8)).save(folder / "lines.png")
    return folder / "in.png", clean, {"mask": str(folder / "lines.png")}


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles of 96 pixels."""
    monkeypatch.setattr(tiling, "SIDE", SIDE)
