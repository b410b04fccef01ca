"""Laws of what the terminal writes: after the work nothing costs the result, and nothing that is not its own is overwritten."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kept_runs import cli, injected_after_the_work

from untaught.io import images
from untaught.io.checkpoints import Folder
from untaught.io.images.places import Places, mark
from untaught.io.recipes import Recipe
from untaught.solver.loop import Run

FORMATS = (".png", ".jpg", ".jpe", ".jfif", ".tif", ".webp", ".npy")
STEPS = {  # everything between the last step and the end, and what it may cost besides a sentence
    "untaught.io.recipes:Recipe.finished": 0,
    "untaught.io.recipes:Recipe.to_toml": 0,
    "untaught.solver.stage:Job.remarks": 0,
    "untaught.io.images.write:fit": 0,
    "untaught.io.images.write:_encode": 0,
    "untaught.io.images.write:write_pages": 2,
    "untaught.reports.heat:heat": 2,
    "untaught.io.uncertainty_maps:maps": 2,
    "untaught.reports:report": 2,
    "untaught.reports:Report.to_html": 2,
    "untaught.session.judging:judge": 2,
    "untaught.session.keeping:Keeper.end": 0,
    "untaught.io.checkpoints:Folder.remove": 0,
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> Path:
    monkeypatch.chdir(tmp_path)
    x = np.linspace(0, 1, 16)
    clean = 128 + 80 * np.outer(np.sin(9 * x), np.cos(7 * x))
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 20, clean.shape), 0, 255).astype(np.uint8)
    images.write("in.png", noisy)
    return tmp_path


QUICK = ("denoise", "in.png", "--sigma", "20/255", "--preset", "instant")
WORK = ("denoise", "in.png", "--sigma", "20/255", "--steps", "3")


MAPS = ("untaught.io.images.write:write_pages", "untaught.reports.heat:heat", "untaught.io.uncertainty_maps:maps")
SOME = {True: (".png",), False: (".png", ".jpg")}
SWEEP = [(s, w) for w in STEPS for s in (SOME[w in MAPS] if w in MAPS or "images.write" not in w else FORMATS)]


@pytest.mark.parametrize(("suffix", "where"), SWEEP)
def test_whatever_fails_after_the_work_the_picture_is_on_the_disk(
    folder: Path, where: str, suffix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    injected_after_the_work(where, monkeypatch)
    more = ("--save-run", "kept", "--report", "r.html")
    work = (*WORK, "--uncertainty", "u.tif") if where in MAPS else QUICK
    code = cli(*work, "-o", f"out{suffix}", *more, "--json")
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    made = Path(said["output"])
    assert images.read(made).pixels.shape[:2] == (16, 16)
    assert made.name in (f"out{suffix}", f"out{suffix}.npy")
    assert code == STEPS[where]
    assert "injected" in " ".join(said["notes"])


@pytest.mark.parametrize("part", [{"icc": 7}, {"exif": 7}, {"dpi": "x"}, {"text": {"a": 7}}, {"encoding": "x"}])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_part_of_the_company_that_is_none_is_left_out_and_named(folder: Path, part: dict, suffix: str) -> None:
    like = images.Image(np.zeros((4, 5), np.uint8), **part)
    images.write(f"o{suffix}", like.pixels, like, recipe="recipe = 1\n")
    assert images.read(f"o{suffix}").pixels.shape[:2] == (4, 5)
    assert images.read_recipe(f"o{suffix}") == "recipe = 1\n"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_a_name_that_is_no_text_travels(folder: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        os.rename(b"in.png", b"l\xe9\xff.png")
    except OSError:
        pytest.skip("this disk takes only names that are text")
    name = os.fsdecode(b"l\xe9\xff.png")
    assert cli("denoise", name, *QUICK[2:], "-o", f"out{suffix}", "--report", "r.html", "-q") == 0
    recipe = Recipe.from_toml(images.read_recipe(f"out{suffix}") or "")
    assert recipe.input == name
    assert cli("run", f"out{suffix}", "-o", f"again{suffix}", "-q") == 0
    assert Path(f"again{suffix}").read_bytes() == Path(f"out{suffix}").read_bytes()


APPEARS = {"result": "out.jpg", "recipe": "out.jpg.toml", "report": "r.html", "maps": "u.tif", "drawing": "u.png"}


@pytest.mark.parametrize("what", list(APPEARS))
def test_a_file_that_appears_during_the_run_is_kept_and_so_is_the_result(
    folder: Path, what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step = Run.__next__

    def meanwhile(self: Run) -> Any:
        Path(APPEARS[what]).write_bytes(b"mine")
        return step(self)

    monkeypatch.setattr(Run, "__next__", meanwhile)
    assert cli(*WORK, "-o", "out.jpg", "--report", "r.html", "--uncertainty", "u.tif") == 0
    assert Path(APPEARS[what]).read_bytes() == b"mine"
    assert "taken by another file meanwhile" in capsys.readouterr().err
    stem = {"recipe": "out", "result": "out"}.get(what, Path(APPEARS[what]).stem)
    suffix = ".jpg" if what == "recipe" else Path(APPEARS[what]).suffix
    assert Path(f"{stem}.1{suffix}").stat().st_size > 100


@pytest.mark.parametrize("links", [True, False])
def test_places_never_replace_what_is_not_their_own(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", none)
    path, places = tmp_path / "a.png", Places()
    places.put(path, b"one")
    places.put(path, b"two")  # its own
    assert path.read_bytes() == b"two"
    path.write_bytes(b"mine")
    places.put(path, b"three", b"recipe")
    assert places.went[path].name == "a.1.png"
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        "a.png": b"mine", "a.1.png": b"three", "a.1.png.toml": b"recipe",
    }  # fmt: skip
    (tmp_path / "b.png").write_bytes(b"mine")
    other = Places(own={mark(path)})  # of another file with the same bytes
    other.put(tmp_path / "b.png", b"four")
    assert (tmp_path / "b.png").read_bytes() == b"mine"
    for forced in (False, True):
        one = Places.of([path], force=forced)
        one.put(path, b"five")
        assert path.read_bytes() == b"mine"
        (tmp_path / "link.png").unlink(missing_ok=True)
        (tmp_path / "link.png").symlink_to(path)
        one.put(tmp_path / "link.png", b"six")
        assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("field", ["output", "uncertainty", "drawing", "claimed"])
@pytest.mark.parametrize("forced", [pytest.param((), marks=pytest.mark.slow), ("--force",)])
def test_a_tampered_run_overwrites_nothing(folder: Path, field: str, forced: tuple[str, ...]) -> None:
    assert cli(*WORK, "-o", "out.png", "--uncertainty", "u.tif", "--save-run", "kept", "--keep-run", "-q") == 0
    for path in folder.glob("*.*"):
        if path.name != "in.png":
            path.unlink()
    (folder / "in.tif").write_bytes(b"mine")
    text = (folder / "kept/recipe.toml").read_text()
    change = {
        "output": ("out.png", "in.png"),
        "uncertainty": ("u.tif", "in.tif"),
        "drawing": ("u.tif", "in.tif"),
        "claimed": ("out.png", "photo.png"),
    }[field]
    (folder / "kept/recipe.toml").write_text(text.replace(*change))
    (folder / "photo.png").write_bytes(b"mine")
    (folder / "kept/claimed").write_text(mark(folder / "photo.png").split()[0] + " 1 1\n")
    before = {p.name: p.read_bytes() for p in folder.glob("*.*")}
    code = cli("resume", "kept", *forced)
    assert (folder / "in.png").read_bytes() == before["in.png"]
    if not forced:
        assert code == 2
        assert {p.name: p.read_bytes() for p in folder.glob("*.*")} == before


def test_a_recipe_that_names_what_is_not_there_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(*QUICK, "-o", "out.jpg", "-q") == 0
    text = Path("out.jpg.toml").read_text()
    for tampered in (text + '[files]\nmask = "0"\n', text.replace("in.png", "in\\u0000.png")):
        Path("r.toml").write_text(tampered)
        assert cli("run", "r.toml", "-o", "x.png") == 2
        assert "no whole recipe" in capsys.readouterr().err
    assert cli("run", "out.jpg", "-o", "out.jpg", "--force") == 2  # a recipe is read as well


@pytest.mark.parametrize("name", ["claimed", "recipe.toml", "state-1-0123456789abcdef.safetensors", "notes.txt"])
def test_a_folder_keeps_what_a_person_has_in_it(folder: Path, name: str) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / name).write_bytes(b"mine")
    for more in ((), ("--force",)):
        code = cli(*QUICK, "-o", "out.png", "--save-run", "mine", "-q", *more)
        assert code == (0 if name == "notes.txt" else 2)
        assert (folder / "mine" / name).read_bytes() == b"mine"
        assert len(list((folder / "mine").iterdir())) == 1


@pytest.mark.parametrize("moment", ["fsync", "link"])
def test_after_a_full_disk_the_same_command_works(folder: Path, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli(*QUICK, "-o", "whole.png", "-q") == 0

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, moment, full)
        assert cli(*QUICK, "-o", "out.png", "-q") == 2
    assert not Path("out.png").exists()
    assert cli(*QUICK, "-o", "out.png", "-q") == 0
    assert Path("out.png").read_bytes() == Path("whole.png").read_bytes()
    assert {p.name for p in folder.iterdir()} == {"in.png", "out.png", "whole.png"}


def test_maps_that_the_disk_did_not_take_are_made_up_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (*WORK, "-o", "out.png", "--uncertainty", "u.tif", "-q")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["untaught.io.images.write"], "write_pages", full)
        assert cli(*words) == 2
    assert Path("out.png").exists()
    assert Folder(Path("out.png.run")).holds
    assert cli(*words) == 0  # the drawing, which was written, is its own
    assert Path("u.tif").exists()
    assert not Path("out.png.run").exists()


@pytest.mark.slow
def test_a_pipe_in_and_out(folder: Path) -> None:
    command = [sys.executable, "-m", "untaught.cli", "denoise", "-", "--preset", "instant", "--sigma", "0.1"]
    done = subprocess.run(command, input=Path("in.png").read_bytes(), capture_output=True)
    Path("piped.png").write_bytes(done.stdout)
    assert done.returncode == 0, done.stderr
    assert images.read("piped.png").pixels.shape == (16, 16)
    assert {p.name for p in folder.iterdir()} == {"in.png", "piped.png"}
