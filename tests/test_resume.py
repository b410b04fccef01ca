"""Laws of kept runs on the command line: killed at any moment, a run that is resumed ends in the same bits."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from kept_runs import STEPS, cli, damage, start

from untaught.cli import main
from untaught.core import registry
from untaught.io import images
from untaught.io.checkpoints import Folder
from untaught.io.images.places import Places
from untaught.io.recipes import Recipe
from untaught.solver.loop import Run


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
        moments.append(rng.uniform(0, 0.5))
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


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_while_the_output_was_written(place: Path, kept: Path, expected: bytes, moment: str, capsys):
    """What the run wrote itself it may replace; a file that somebody put there it may not, whatever the folder says."""

    class Killed(BaseException):
        pass

    out, take = place / "out.png", Places._take

    def killed(self: Places, *arguments: Any) -> bool:
        if moment == "after":
            take(self, *arguments)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Places, "_take", killed)
        with pytest.raises(Killed):
            main(["resume", str(kept), "-q"])
    assert out.exists() == (moment == "after")
    if moment == "before":
        out.write_bytes(b"something else")
        assert cli("resume", kept) == 2
        assert out.read_bytes() == b"something else"
        assert "exists already" in capsys.readouterr().err
        out.unlink()
    assert cli("resume", kept, "-q") == 0
    assert out.read_bytes() == expected
    assert not kept.exists()


@pytest.mark.parametrize("how", ["cut", "empty", "flipped", "long"])
def test_a_damaged_state_gives_way_to_the_one_before(kept: Path, expected: bytes, how: str, capsys):
    damage(Folder(kept).states()[0], how)
    assert cli("resume", kept) == 0
    said = capsys.readouterr().err
    assert "checkpoint of step 25 is damaged" in said
    assert "went on from step 20" in said
    assert (kept.parent / "out.png").read_bytes() == expected


def test_killed_before_the_first_state_begins_anew(kept: Path, expected: bytes, capsys):
    for path in Folder(kept).states():
        path.unlink()
    assert cli("resume", kept) == 0
    assert "began at the first" in capsys.readouterr().err
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
