"""Where the shared pictures are, how a test asks for them, and the studio that the tests of its server share."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # a process a core: threads of torch would only wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Where a test takes two threads, they do not spin for seconds beside the others.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest_plugins = ["kept_runs", "browsed", "tiled"]

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("UNTAUGHT_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session", autouse=True)
def two_threads() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    torch.set_num_threads(min(2, cores, int(os.environ.get("OMP_NUM_THREADS", 2))))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As the processes have it that tests start: another count of threads sums in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def brief_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown kernel is sought in two steps, for tests of what is done with it."""
    from untaught.classical.blind_kernel import search

    monkeypatch.setattr(search, "TURNS", 1)
    monkeypatch.setattr(search, "WAYS", {kind: [(*way[:3], 2) for way in ways] for kind, ways in search.WAYS.items()})
    monkeypatch.setattr("untaught.classical.blind_kernel.estimator.WEIGHTS", (0.05,))


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """The path of a shared picture; skips, saying so, where the folder of pictures is absent."""

    def find(name: str) -> Path:
        if not DATA.is_dir():
            pytest.skip(f"the shared pictures are not here ({DATA}): set UNTAUGHT_DATA")
        return DATA / name

    return find


@pytest.fixture
def photo() -> np.ndarray:
    """A small natural picture that comes with scikit-image: uint8, (48, 56, 3)."""
    from skimage import data

    return data.chelsea()[100:148, 120:176].copy()


@pytest.fixture
def noisy(photo: np.ndarray) -> np.ndarray:
    """The photo with clipped white noise of 25/255, uint8."""
    noise = np.random.default_rng(0).normal(0, 25 / 255, photo.shape)
    return np.rint(255 * np.clip(photo / 255 + noise, 0, 1)).astype(np.uint8)


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """`untaught studio`, one for all tests of its server: none needs it fresh."""
    from served import Served  # which skips without the extra test-studio

    served = Served(tmp_path_factory.mktemp("studio"))
    yield served
    served.close()


@pytest.fixture
def picture(studio: Any, noisy: np.ndarray) -> str:
    """The id of a small noisy picture that was handed in to the studio."""
    from served import png

    return studio.upload(png(noisy[:32, :32])).json()["id"]


@pytest.fixture
def untaught(capfd: Any) -> Callable[..., tuple[int, str, str]]:
    """The command: untaught("denoise", path) is (exit code, output, errors)."""
    from untaught.cli import main

    def run(*words: Any) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(w) for w in words])
        out, err = capfd.readouterr()
        return int(end.value.code or 0), out, err

    return run
