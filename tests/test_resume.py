"""Laws of kept runs on the command line: killed at any moment, a run that is resumed ends in the same bits."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data

from untaught import images, registry
from untaught.checkpoints import Folder
from untaught.cli import main
from untaught.cli.run import Keeper
from untaught.errors import UntaughtError
from untaught.networks.hourglass import Hourglass
from untaught.priors import Network
from untaught.problem import Problem
from untaught.recipes import Recipe
from untaught.run import Job, Method, Run, Stage
from untaught.stopping import After

STEPS = 60


def cli(*arguments: Any) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    return int(end.value.code or 0)


# Children are forked from a server that has imported everything already: to start Python and torch anew takes them seconds.
PROCESSES = multiprocessing.get_context("forkserver")
LATE = ["cli.run", "cli.resume", "images", "checkpoints", "tasks.denoise", "presets.denoise", "objectives.recorrupt"]
PROCESSES.set_forkserver_preload(["pytest", "skimage.data", "rich.progress", *(f"untaught.{name}" for name in LATE)])


def start(errors: Path, *arguments: Any) -> ForkServerProcess:
    """The command in a process of its own; what it says goes to the file."""
    process = PROCESSES.Process(target=obey, args=(errors, [str(a) for a in arguments]))
    process.start()
    return process


def obey(errors: Path, arguments: list[str]) -> None:
    torch.set_num_threads(1)
    with errors.open("w") as sys.stderr:
        main(arguments)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The input; the result that nobody interrupted; and a run whose two states are before its end, as a kill leaves it."""
    place = tmp_path_factory.mktemp("original")
    photo = data.chelsea()[100:132, 120:156] / 255
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


def kill_and_resume(place: Path, expected: bytes, rng: random.Random) -> None:
    """Kill the run three times, at random moments, then let it end."""
    out, folder = place / "out.png", place / "run"
    words: tuple[Any, ...] = ("denoise", place / "in.png", "--steps", STEPS, "-o", out, "--save-run", folder)
    moments = []
    for _ in range(3):
        before = set(folder.iterdir()) if folder.exists() else set()
        process = start(place / "said.txt", *words, "--save-every", 0)
        until = time.monotonic() + 120
        while process.is_alive() and time.monotonic() < until:
            if (
                folder.exists()
                and {p for p in folder.iterdir() if p.suffix == ".toml"}
                and set(folder.iterdir()) != before
            ):
                break
            time.sleep(0.002)
        moments.append(rng.uniform(0, 1.0))
        time.sleep(moments[-1])
        process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL), (place / "said.txt").read_text()
        if not (folder / "recipe.toml").exists():  # it had ended before the kill, and cleaned up
            break
        words = ("resume", folder)
    if (folder / "recipe.toml").exists():
        assert cli("resume", folder, "-q") == 0
        assert not folder.exists()
    assert out.read_bytes() == expected, moments


def test_killed_three_times_ends_in_the_same_bits(place: Path, expected: bytes):
    kill_and_resume(place, expected, random.Random())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_killed_thirty_times_ends_in_the_same_bits(place: Path, expected: bytes, seed: int):
    kill_and_resume(place, expected, random.Random(seed))


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "unlink"])
def test_killed_between_any_two_calls_of_a_checkpoint(kept: Path, expected: bytes, call: str, monkeypatch):
    """Whatever a checkpoint was doing, one whole state is there."""

    class Killed(BaseException):
        pass

    folder, recipe = Folder(kept), Folder(kept).recipe()
    run = Run(registry.tasks.get("denoise").job(images.read(recipe.input).pixels, **recipe.settings))
    run.load_state_dict(folder.load(recipe)[0])
    next(run)

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if call == "write":  # a part of the bytes, under the name that a trial has
            (kept / ".untaught-0123456789ab.tmp").write_bytes(b"half a state")
        elif call == "unlink":
            patch.setattr(Path, "unlink", killed)
        else:
            patch.setattr(os, call, killed)
        if call != "write":
            with pytest.raises(Killed):
                folder.save(run, recipe)
    assert cli("resume", kept, "-q") == 0
    assert (kept.parent / "out.png").read_bytes() == expected
    assert not kept.exists()


def test_killed_while_the_output_was_written(kept: Path, expected: bytes):
    """What stands there is the run's own, and may be replaced; what somebody else put there may not."""
    (kept.parent / "out.png").write_bytes(b"something else")
    assert cli("resume", kept, "-q") == 0  # the run had come to claim its output before (see `kept`)
    assert (kept.parent / "out.png").read_bytes() == expected


def test_a_foreign_output_is_not_replaced(kept: Path, expected: bytes, capsys):
    (kept / "claimed").unlink()
    (kept.parent / "out.png").write_bytes(b"something else")
    assert cli("resume", kept) == 2
    assert "--force" in capsys.readouterr().err
    assert (kept.parent / "out.png").read_bytes() == b"something else"
    assert cli("resume", kept, "--force", "-q") == 0
    assert (kept.parent / "out.png").read_bytes() == expected


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    flipped = data[:-100] + bytes([data[-100] ^ 1]) + data[-99:]
    path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "flipped": flipped, "long": data + b"\0"}[how])


@pytest.mark.parametrize("how", ["cut", "empty", "flipped", "long"])
def test_a_damaged_state_gives_way_to_the_one_before(kept: Path, expected: bytes, how: str, capsys):
    damage(Folder(kept).states()[0], how)
    assert cli("resume", kept) == 0
    said = capsys.readouterr().err
    assert "checkpoint of step 25 is damaged" in said
    assert "went on from step 20" in said
    assert (kept.parent / "out.png").read_bytes() == expected


def refused(kept: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What `resume` says: one sentence, exit code 2, and nothing is changed."""
    before = {p.name: p.read_bytes() for p in kept.iterdir()}
    assert cli("resume", kept) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert {p.name: p.read_bytes() for p in kept.iterdir()} == before
    assert not (kept.parent / "out.png").exists()
    return said


class TestResumeRefuses:
    def change(self, kept: Path, **fields: Any) -> None:
        recipe = replace(Folder(kept).recipe(), **fields)
        (kept / "recipe.toml").write_text(recipe.to_toml())

    def test_damaged_states(self, kept: Path, capsys):
        for path in Folder(kept).states():
            damage(path, "cut")
        assert "All 2 checkpoints" in refused(kept, capsys)

    def test_another_picture(self, kept: Path, capsys):
        images.write(kept.parent / "other.png", 255 - images.read(kept.parent / "in.png").pixels)
        self.change(kept, input=str(kept.parent / "other.png"))
        assert "another picture" in refused(kept, capsys)

    def test_a_missing_picture(self, kept: Path, capsys):
        self.change(kept, input=str(kept.parent / "gone.png"))
        assert "gone.png" in refused(kept, capsys)

    def test_other_threads(self, kept: Path, capsys):
        self.change(kept, threads=9)
        said = refused(kept, capsys)
        assert "threads 9 there, 1 here" in said
        assert "OMP_NUM_THREADS=9" in said

    @pytest.mark.parametrize("name", ["untaught", "torch", "python"])
    def test_another_version(self, kept: Path, name: str, capsys):
        self.change(kept, versions={**Folder(kept).recipe().versions, name: "0.0.1"})
        assert f"{name} 0.0.1 there" in refused(kept, capsys)

    def test_a_state_of_another_run(self, kept: Path, capsys):
        self.change(kept, settings={**Folder(kept).recipe().settings, "seed": 5})
        assert "of another run" in refused(kept, capsys)

    def test_a_damaged_recipe(self, kept: Path, capsys):
        (kept / "recipe.toml").write_text((kept / "recipe.toml").read_text()[:200])
        assert "no whole recipe" in refused(kept, capsys)

    def test_a_folder_without_a_run(self, kept: Path, capsys):
        assert cli("resume", kept.parent) == 2
        assert "keeps no run" in capsys.readouterr().err


def test_killed_before_the_first_state_begins_anew(kept: Path, expected: bytes, capsys):
    for path in Folder(kept).states():
        path.unlink()
    assert cli("resume", kept) == 0
    assert "began at the first" in capsys.readouterr().err
    assert (kept.parent / "out.png").read_bytes() == expected


def test_a_kept_run_is_not_replaced_unasked(kept: Path, expected: bytes, capsys):
    words = (
        "denoise",
        kept.parent / "in.png",
        "--steps",
        STEPS,
        "-o",
        kept.parent / "out.png",
        "--save-run",
        kept,
        "-q",
    )
    states = Folder(kept).states()
    assert cli(*words) == 2
    assert "untaught resume" in capsys.readouterr().err
    assert Folder(kept).states() == states
    assert cli(*words, "--force") == 0
    assert not kept.exists()
    assert (kept.parent / "out.png").read_bytes() == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_the_run_and_says_how_it_goes_on(place: Path, expected: bytes, number: int):
    process = start(place / "said.txt", "denoise", place / "in.png", "--steps", STEPS, "-o", place / "out.png",
                    "--save-run", place / "run", "--save-every", 0)  # fmt: skip
    while process.is_alive() and len(list(place.glob("run/state-*"))) < 2:
        time.sleep(0.002)
    os.kill(process.pid, number)
    process.join(120)
    said = (place / "said.txt").read_text()
    assert process.exitcode == 130, said
    assert "untaught resume" in said
    so_far = Recipe.from_toml(images.read_recipe(place / "out.png") or "")
    assert not so_far.complete
    assert 0 < so_far.steps < STEPS
    assert (
        cli("run", place / "out.png", "-o", place / "same.png", "-q") == 0
    )  # an interrupted result repeats itself, too
    assert (place / "same.png").read_bytes() == (place / "out.png").read_bytes()
    assert cli("resume", place / "run", "-q") == 0
    assert (place / "out.png").read_bytes() == expected


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("from_save", [0, 3])
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
                    assert self.load(self.recipe())[0]["total"] == from_save
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
    """The system itself takes no file of over 2 kB: neither a state nor the result fits."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
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
    assert Folder(place / "elsewhere").load(Folder(place / "elsewhere").recipe())[0]["total"] == 2


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(place: Path, capsys):
    (place / "file").touch()
    for folder in (place / "none" / "run", place / "file"):
        assert cli("denoise", place / "in.png", "--save-run", folder) == 2
        assert "--save-run" in capsys.readouterr().err


class TestWhichRunsAreKept:
    """Without being asked: those that are expected to last over 30 s, which is judged from the steps so far."""

    def keeper(self, tmp_path: Path, seconds: float, stop: Any) -> Keeper:
        method = Method(Network(Hourglass(down=(4, 6))), stop=stop)
        run = Run(Job((Stage(method),), Problem(torch.rand(1, 1, 8, 8))))
        keeper = Keeper(Folder(tmp_path / "run"), every=0)
        keeper.start(run, Recipe("denoise", {}, "", "", {}, 1))
        for _ in range(2):
            iterate = next(run)
            run.seconds = seconds * iterate.step
            keeper(iterate)
        return keeper

    def test_by_the_steps_so_far(self, tmp_path: Path):
        from untaught.stopping import WindowedVariance

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
