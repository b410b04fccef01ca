"""Laws of how a run is kept: which ones are, and that a disk that fails costs neither the run nor its result."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from kept_runs import STEPS, cli

from untaught.core.errors import UntaughtError
from untaught.io import images
from untaught.io.checkpoints import Folder
from untaught.io.recipes import Recipe
from untaught.prior import Network
from untaught.prior.networks.hourglass import Hourglass
from untaught.problem import Problem
from untaught.session.keeping import Keeper
from untaught.solver.loop import Run
from untaught.solver.stage import Job, Method, Solve
from untaught.solver.stopping import After


@pytest.mark.parametrize(("number", "from_save"), [(errno.ENOSPC, 0), (errno.EROFS, 3)])
def test_a_run_goes_on_where_the_disk_does_not(
    place: Path, expected: bytes, number: int, from_save: int, monkeypatch, capsys
):
    """Full from the first state on, or from the fourth: then the third is still whole."""
    put, seen = Folder._put, []

    def full(self: Folder, name: str, data: bytes) -> None:
        if name.startswith("state-"):
            seen.append(name)
            if len(seen) > from_save:
                assert len(self.states()) == min(from_save, 2)
                if from_save:
                    assert self.load(self.recipe())[0]["run"]["total"] == from_save
                (self.path / ".untaught-0123456789ab.tmp").write_bytes(data[:100])
                raise OSError(number, os.strerror(number))
        put(self, name, data)

    monkeypatch.setattr(Folder, "_put", full)
    assert cli("denoise", place / "in.png", "--steps", STEPS, "-o", place / "out.png", "--save-run", place / "run",
               "--save-every", 0) == 0  # fmt: skip
    said = capsys.readouterr().err
    assert f"{STEPS - from_save} of {STEPS} checkpoints could not be written" in said
    assert os.strerror(number) in said
    assert (place / "out.png").read_bytes() == expected
    assert not (place / "run").exists()


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """The system itself takes no file of over 1 kB: neither a state nor the result fits."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def read_only() -> Iterator[None]:
    """Nothing new can be opened for writing once the run has taken a step; permissions would not stop root."""
    opened, step = Path.open, Run.__next__
    with pytest.MonkeyPatch.context() as patch:

        def refuse(self: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
            if "x" in mode or "w" in mode:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
            return opened(self, mode, *more, **named)

        def first(self: Run) -> Any:
            patch.setattr(Path, "open", refuse)
            return step(self)

        patch.setattr(Run, "__next__", first)
        yield


@pytest.mark.parametrize("failing", [full_disk, read_only])
def test_neither_the_input_nor_the_last_good_state_is_lost(place: Path, kept: Path, expected: bytes, failing, capsys):
    """States and result both fail, in a run that had two states: they are still there, and it can be finished later."""
    before = {p.name: p.read_bytes() for p in kept.glob("state-*")}
    with failing():
        code = cli("resume", kept, "--save-every", 0)
    said = capsys.readouterr().err
    assert code == 2
    assert "could not be written" in said
    assert "The run is kept: 'untaught resume" in said
    assert {p.name: p.read_bytes() for p in kept.glob("state-*")} == before
    assert {p.name for p in place.iterdir()} == {"in.png", "run"}
    assert cli("resume", kept, "-q") == 0
    assert (place / "out.png").read_bytes() == expected


def test_an_output_that_cannot_be_written_at_the_end_loses_nothing(place: Path, expected: bytes, monkeypatch, capsys):
    """Also of a short run, which had not been kept until then."""

    def full(*_: Any, **__: Any) -> None:
        raise UntaughtError("'out.png' could not be written: make room.")

    with monkeypatch.context() as patch:
        patch.setattr(images, "write", full)
        assert cli("denoise", place / "in.png", "--steps", STEPS, "-o", place / "out.png") == 2
    assert "make room. The run is kept: 'untaught resume" in capsys.readouterr().err
    assert cli("resume", place / "out.png.run", "-q") == 0
    assert (place / "out.png").read_bytes() == expected


def test_a_folder_that_goes_away_in_the_middle(place: Path, expected: bytes, monkeypatch, capsys):
    save = Folder.save

    def gone(self: Folder, run: Run, recipe: Recipe) -> None:
        if run.total == 3:
            self.path.rename(self.path.with_name("elsewhere"))
        save(self, run, recipe)

    monkeypatch.setattr(Folder, "save", gone)
    assert cli("denoise", place / "in.png", "--steps", STEPS, "-o", place / "out.png", "--save-run", place / "run",
               "--save-every", 0) == 0  # fmt: skip
    assert "could not be" in capsys.readouterr().err
    assert (place / "out.png").read_bytes() == expected
    assert Folder(place / "elsewhere").load(Folder(place / "elsewhere").recipe())[0]["run"]["total"] == 2


class TestWhichRunsAreKept:
    """Without being asked: those that are expected to last over 30 s, which is judged from the steps so far."""

    def keeper(self, tmp_path: Path, seconds: float, stop: Any) -> Keeper:
        method = Method(Network(Hourglass(down=(4, 6))), stop=stop)
        run = Run(Job((Solve(method),), Problem(torch.rand(1, 1, 8, 8))))
        keeper = Keeper(Folder(tmp_path / "run"), every=0)
        keeper.start(run, Recipe("denoise", {}, "", "", {}, 1))
        for _ in range(2):
            iterate = next(run)
            state = run.state_dict()
            state["run"]["seconds"] = seconds * iterate.step
            run.load_state_dict(state)
            keeper(iterate)
        return keeper

    def test_by_the_steps_so_far(self, tmp_path: Path):
        from untaught.solver.stopping import WindowedVariance

        assert not self.keeper(tmp_path, 0.029, After(1000)).begun
        assert not (tmp_path / "run").exists()
        assert self.keeper(tmp_path, 0.031, After(1000)).begun
        assert len(Folder(tmp_path / "run").states()) == 2
        assert self.keeper(tmp_path, 0.001, WindowedVariance(window=5)).begun

    def test_a_short_run_leaves_nothing_beside_its_result(self, place: Path):
        assert cli("denoise", place / "in.png", "--steps", 5, "-o", place / "out.png", "-q") == 0
        assert {p.name for p in place.iterdir()} == {"in.png", "out.png"}

    def test_keep_run_keeps_it_beside_the_output(self, place: Path):
        out = place / "out.png"
        assert cli("denoise", place / "in.png", "--steps", 5, "-o", out, "--keep-run", "-q") == 0
        before = out.read_bytes()
        assert {p.suffix for p in (place / "out.png.run").iterdir()} == {".toml", ".safetensors", ""}
        assert cli("resume", place / "out.png.run", "-q") == 0
        assert out.read_bytes() == before
