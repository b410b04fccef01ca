"""Row and column noise: found where each row has an offset of its own, taken off, and never found in what a picture itself has."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

import untaught
from untaught.classical.denoise import stripes
from untaught.classical.denoise.stripes import find_stripes

SIDE = 128
Y, X = np.mgrid[:SIDE, :SIDE]
DRAWN = np.random.default_rng(5)

PICTURES = {
    "a cat": data.chelsea()[40 : 40 + SIDE, 120 : 120 + SIDE],
    "coins": data.coins()[60 : 60 + SIDE, 60 : 60 + SIDE],
    "a page": data.page()[:SIDE, 100 : 100 + SIDE],
    "bricks": data.brick()[:SIDE, :SIDE],
    "fringes": 128 + 60 * np.sin(2 * np.pi * Y / 7),
    "faint fringes": 128 + 12 * np.sin(2 * np.pi * Y / 5),
    "fringes that narrow": 128 + 40 * np.sin(2 * np.pi * np.cumsum(0.02 + 0.45 * Y / SIDE, 0)),
    "faint fringes that widen": 128 + 9 * np.sin(2 * np.pi * np.cumsum(0.4 - 0.3 * Y / SIDE, 0)),
    "a lattice": 220 - 180.0 * ((X % 9 < 2) | (Y % 11 < 1)),
    "a fine checkerboard": 51 + 153.0 * ((X // 2 + Y // 2) % 2),
    "bars": 40 + 170.0 * np.repeat(DRAWN.integers(0, 2, (SIDE // 2, 1)), 2, 0) * np.ones((1, SIDE)),
    "a ramp with an edge": np.clip(Y * 1.2 + 60 * (Y > 50), 0, 255) * np.ones((1, SIDE)),
    "one line": 120 + 90.0 * (Y == 60),
    "nothing": np.full((SIDE, SIDE), 90.0),
}


def eight(x: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.atleast_3d(picture).astype(np.float32) / 255).movedim(2, 0)[None]


def striped(clean: np.ndarray, deviation: float = 8, white: float = 8, *, columns: bool = False) -> np.ndarray:
    rng = np.random.default_rng(1)
    shape = (1, clean.shape[1]) if columns else (len(clean), 1)
    offsets = rng.normal(0, deviation, (*shape, *(1,) * (clean.ndim - 2)))
    return eight(clean + offsets + rng.normal(0, white, clean.shape))


@pytest.mark.parametrize("sigma", [0, 8, 30])
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_without_stripes_has_none(name: str, sigma: float) -> None:
    noisy = eight(PICTURES[name] + np.random.default_rng(0).normal(0, sigma, PICTURES[name].shape))
    assert find_stripes(tensor(noisy)) is None
    assert find_stripes(tensor(noisy).mT) is None


@pytest.mark.parametrize("at", [100, 200])
def test_lines_of_text_in_loud_noise_are_no_stripes(at: int) -> None:
    """Of them the dark values alone go down, of a row that has an offset all."""
    clean = data.page()[:96, at : at + 96]
    assert find_stripes(tensor(eight(np.random.default_rng(0).poisson(clean / 255 * 30) * 255 / 30))) is None
    assert find_stripes(tensor(striped(clean, 15, 10))) is not None


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("name", ["a cat", "coins", "a ramp with an edge", "nothing"])
def test_stripes_are_found_and_taken_off(name: str, columns: bool) -> None:
    clean = PICTURES[name]
    noisy = tensor(striped(clean, columns=columns))
    found = find_stripes(noisy)
    assert found is not None
    assert list(found.sigmas) == (["column"] if columns else ["row"])
    assert 255 * next(iter(found.sigmas.values())) == pytest.approx(8, rel=0.25)
    before, after = (float((v - tensor(clean)).square().mean()) * 255**2 for v in (noisy, found.removed(noisy)))
    assert before > 100
    assert after - 64 < 0.3 * 64


def test_both_directions_and_each_channel_of_its_own() -> None:
    rng, clean = np.random.default_rng(2), PICTURES["a cat"].astype(float)
    rows, columns = rng.normal(0, 6, (SIDE, 1, 3)), rng.normal(0, 9, (1, SIDE, 3))
    found = find_stripes(tensor(eight(clean + rows + columns + rng.normal(0, 4, clean.shape))))
    assert found is not None
    assert set(found.sigmas) == {"row", "column"}
    for offsets, true in ((found.rows, rows[:, 0].T), (found.columns, columns[0].T)):
        assert np.corrcoef(offsets.numpy().ravel(), true.ravel())[0, 1] > 0.8


def test_turned_pictures_have_turned_stripes() -> None:
    noisy = tensor(striped(PICTURES["coins"]))
    found, turned = find_stripes(noisy), find_stripes(noisy.mT.contiguous())
    assert found is not None
    assert turned is not None
    assert torch.allclose(found.removed(noisy).mT, turned.removed(noisy.mT), atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (3, 47), (47, 300), (48, 48, 3), (64, 1)])
def test_any_size_is_taken(shape: tuple[int, ...]) -> None:
    noisy = striped(np.full(shape, 100.0))
    found = find_stripes(tensor(noisy))
    assert found is None or found.removed(tensor(noisy)).shape == tensor(noisy).shape
    assert untaught.denoise(noisy, preset="instant").shape == noisy.shape


def test_a_restored_picture_is_without_them_and_it_is_said() -> None:
    clean = PICTURES["a cat"]
    for columns in (False, True):
        noisy = striped(clean, columns=columns)
        job = untaught.denoise.job(noisy, preset="instant")
        (note,) = [n for n in job.notes if "noise of sigma" in n]
        assert ("column noise" if columns else "row noise") in note
        restored = untaught.solve(job)
        assert untaught.psnr(job.result(restored.x), clean) > untaught.psnr(noisy, clean) + 3
        white = untaught.denoise(eight(clean + np.random.default_rng(3).normal(0, 8, clean.shape)), preset="instant")
        assert untaught.psnr(job.result(restored.x), clean) > untaught.psnr(white, clean) - 2.5


def test_a_large_picture_is_looked_at_in_parts_first(monkeypatch: pytest.MonkeyPatch) -> None:
    there, none = tensor(striped(PICTURES["a cat"])), tensor(PICTURES["a cat"])
    whole = find_stripes(there)
    monkeypatch.setattr(stripes, "LARGE", 64 * 64)
    monkeypatch.setattr(stripes, "PART", 64)
    large = find_stripes(there)
    assert whole is not None
    assert large is not None
    assert torch.equal(whole.rows, large.rows)
    looked: list[int] = []
    monkeypatch.setattr(stripes, "_offsets", lambda x, cut: (looked.append(x.shape[1]), torch.zeros(x.shape[:2]))[1])
    assert find_stripes(none) is None
    assert set(looked) == {64}
