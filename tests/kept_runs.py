"""For tests of kept runs: a command in a process of its own, a run as it was killed, and what it should end in."""

from __future__ import annotations

import importlib
import multiprocessing
import shutil
import sys
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data

from untaught.cli import main
from untaught.core import registry
from untaught.io import images
from untaught.io.checkpoints import Folder
from untaught.io.recipes import Recipe
from untaught.solver.loop import Run

STEPS = 36


def cli(*arguments: Any) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    return int(end.value.code or 0)


def change(kept: Path, **fields: Any) -> None:
    """Another recipe than the run was begun with."""
    recipe = replace(Folder(kept).recipe(), **fields)
    (kept / "recipe.toml").write_text(recipe.to_toml())


def injected_after_the_work(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `where` names, as module:Class.method, raises once the run is over, and works as always until then."""
    module, _, name = where.partition(":")
    owner: Any = importlib.import_module(module)
    *inner, last = name.split(".")
    for one in inner:
        owner = getattr(owner, one)
    over: list[bool] = []
    original, step = getattr(owner, last), Run.__next__

    def raises(*arguments: Any, **named: Any) -> Any:
        if over:
            raise RuntimeError("injected")
        return original(*arguments, **named)

    def ends(self: Run) -> Any:
        iterate = step(self)
        if self.over:
            over.append(True)
        return iterate

    monkeypatch.setattr(Run, "__next__", ends)
    monkeypatch.setattr(owner, last, raises)


# Children are forked from a server that has imported everything already: to start Python and torch anew takes them seconds.
PROCESSES = multiprocessing.get_context("forkserver")
LATE = ["cli.run", "cli.resume", "session.life", "tasks.denoise.presets", "solver.objectives.recorrupt"]
PROCESSES.set_forkserver_preload(
    ["pytest", "skimage.data", "rich.progress", "torch._dynamo", *(f"untaught.{name}" for name in LATE)]
)


def start(errors: Path, *arguments: Any) -> ForkServerProcess:
    """The command in a process of its own; what it says goes to the file."""
    process = PROCESSES.Process(target=obey, args=(errors, [str(a) for a in arguments]))
    process.start()
    return process


def obey(errors: Path, arguments: list[str]) -> None:
    torch.set_num_threads(1)
    with errors.open("w") as sys.stderr:
        main(arguments)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The input; the result that nobody interrupted; and a run whose two states are before its end, as a kill leaves it."""
    place = tmp_path_factory.mktemp("original")
    photo = data.chelsea()[100:124, 120:148] / 255
    noise = np.random.default_rng(0).normal(0, 25 / 255, photo.shape)
    images.write(place / "in.png", np.rint(255 * np.clip(photo + noise, 0, 1)).astype(np.uint8))
    words = (
        "--steps",
        STEPS,
        "-o",
        place / "whole.png",
        "--save-run",
        place / "run",
        "--save-every",
        1000,
        "--keep-run",
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    assert cli("denoise", place / "in.png", *words, "-q") == 0
    folder = Folder(place / "run")
    recipe = folder.recipe()
    run = Run(registry.tasks.get("denoise").job(images.read(recipe.input).pixels, **recipe.settings))
    for iterate in run:
        if iterate.step in (20, 25):
            folder.save(run, recipe)
        if iterate.step == 25:
            break
    torch.set_num_threads(threads)
    return place


@pytest.fixture
def place(tmp_path: Path, original: Path, one_thread: None):
    """A folder with the input, which no test may change."""
    shutil.copy(original / "in.png", tmp_path)
    yield tmp_path
    assert (tmp_path / "in.png").read_bytes() == (original / "in.png").read_bytes()


@pytest.fixture
def expected(original: Path) -> bytes:
    """The bytes of the result that nobody interrupted."""
    return (original / "whole.png").read_bytes()


@pytest.fixture
def kept(place: Path, original: Path) -> Path:
    """The folder of a run that was killed after its 25th step."""
    shutil.copytree(original / "run", place / "run")
    recipe = replace(Recipe.read(place / "run/recipe.toml"), input=str(place / "in.png"), output=str(place / "out.png"))
    (place / "run/recipe.toml").write_text(recipe.to_toml())
    return place / "run"


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    flipped = data[:-100] + bytes([data[-100] ^ 1]) + data[-99:]
    path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "flipped": flipped, "long": data + b"\0"}[how])
