"""Laws of one life of a job, swept over both faces: what resumes, what it costs when something fails, and that they agree."""

from __future__ import annotations

import queue
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kept_runs import STEPS, change, cli, damage, injected_after_the_work

from untaught.core.errors import UntaughtError
from untaught.io import images
from untaught.io.checkpoints import Folder
from untaught.io.recipes import Recipe
from untaught.studio.running import Player
from untaught.studio.worker import play

Told = dict[str, dict[str, Any]]
Face = Callable[[Path], "tuple[bool, str, np.ndarray | None, Recipe | None]"]


def played(place: Path, task: str, picture: Path, resume: bool = False, asking: bool = False, **settings: Any) -> Told:
    """What the studio's engine says of an order, the last message of each kind; its files are in `place`."""
    told: Told = {}
    player = Player(queue.Queue(), lambda said: told.update({said.KIND: said.plain()}))
    order = {"job": "one", "task": task, "path": str(picture), "name": "photo.png", "settings": settings}
    order |= {"folder": str(place), "resume": resume, "asking": asking}
    place.mkdir(exist_ok=True)
    play(player, order, player.send)
    return told


def in_terminal(kept: Path, capsys: pytest.CaptureFixture[str]) -> tuple[bool, str, Any, Recipe | None]:
    """(whether it ended well, what was said, the result, its recipe) of the kept run, gone on with."""
    out = kept.parent / "out.png"
    well = cli("resume", kept) == 0
    said = capsys.readouterr().err
    if not out.exists():
        return well, said, None, None
    return well, said, images.read(out).pixels, Recipe.from_toml(images.read_recipe(out) or "")


def in_studio(kept: Path, capsys: pytest.CaptureFixture[str]) -> tuple[bool, str, Any, Recipe | None]:
    place = kept.parent / "studio"
    place.mkdir()
    shutil.copytree(kept, place / "run")
    told = played(place, "denoise", kept.parent / "in.png", resume=True, steps=STEPS)
    if "failed" in told:
        return False, told["failed"]["message"], None, None
    recipe = Recipe.read(place / "recipe.toml")
    return True, "\n".join(told["done"]["notes"]), np.load(place / "result.npy"), recipe


@pytest.mark.parametrize(
    ("task", "settings"),
    [("denoise", {"sigma": 0.1}), ("deblur", {"kernel": "gauss:1", "sigma": 0.02})],
)
def test_the_studio_tells_of_a_classic_result_too_where_it_is_unsure(task, settings, tmp_path, noisy):
    images.write(tmp_path / "in.png", noisy[:20, :24])
    told = played(tmp_path / "one", task, tmp_path / "in.png", preset="instant", **settings)["done"]
    assert told["ask"]["runs"] == 14
    assert told["ask"]["seconds"] == pytest.approx(14 * told["seconds"], rel=2)
    about = played(tmp_path / "two", task, tmp_path / "in.png", asking=True, preset="instant", **settings)["mapped"]
    assert about["map"]["held"]
    assert "measured anew 8 times" in about["map"]["note"]


def test_what_cannot_be_drawn_anew_is_not_offered_and_why_is_said(tmp_path, noisy):
    images.write(tmp_path / "in.png", noisy[:20, :24])
    told = played(
        tmp_path / "one", "inpaint", tmp_path / "in.png", mask_colour="#000000", tolerance=0.2, preset="instant"
    )
    assert "always gives this picture" in told["done"]["ask"]["why"]


FACES = pytest.mark.parametrize("face", [in_terminal, in_studio])


@FACES
def test_on_the_same_build_it_ends_in_the_same_bits(face: Any, kept: Path, expected: bytes, capsys):
    well, said, result, recipe = face(kept, capsys)
    assert well
    assert "went on from step 25" in said
    (kept.parent / "whole.png").write_bytes(expected)
    assert np.array_equal(result, images.read(kept.parent / "whole.png").pixels)
    assert recipe.notes == Recipe.from_toml(images.read_recipe(kept.parent / "whole.png")).notes
    assert "another build" not in said


@FACES
@pytest.mark.parametrize("name", ["untaught", "torch", "python", "cpu", "threads"])
def test_on_another_build_it_goes_on_and_says_so_to_whoever_has_the_result(
    face: Any, name: str, kept: Path, capsys, monkeypatch
):
    if name == "threads":
        monkeypatch.setenv("OMP_NUM_THREADS", "1")  # what a person says is not overruled
        change(kept, threads=9)
    else:
        change(kept, versions={**Folder(kept).recipe().versions, name: "0.0.1"})
    well, said, result, recipe = face(kept, capsys)
    there = "threads 9" if name == "threads" else f"{name} 0.0.1"
    sentence = f"The run went on with another build ({there} there"
    assert well
    assert sentence in said
    assert "went on from step 25" in said
    assert result.shape == images.read(kept.parent / "in.png").pixels.shape
    assert any(note.startswith(sentence) for note in recipe.notes)
    assert recipe.threads == 1
    assert "0.0.1" not in recipe.versions.values()


def test_the_same_command_goes_on_with_another_build_too(kept: Path, capsys):
    change(kept, versions={**Folder(kept).recipe().versions, "torch": "0.0.1"})
    out = kept.parent / "out.png"
    assert cli("denoise", kept.parent / "in.png", "--steps", STEPS, "-o", out, "--save-run", kept) == 0
    assert "another build (torch 0.0.1 there" in capsys.readouterr().err
    assert any("another build" in note for note in Recipe.from_toml(images.read_recipe(out)).notes)


@FACES
@pytest.mark.parametrize("fault", ["damaged", "picture", "another run"])
def test_what_cannot_go_on_is_one_sentence_and_stays_as_it_is(face: Any, fault: str, kept: Path, capsys):
    words = {"damaged": "All 2 checkpoints", "picture": "is another picture", "another run": "of another run"}[fault]
    if fault == "damaged":
        for path in Folder(kept).states():
            damage(path, "cut")
    elif fault == "picture":
        change(kept, sha256="0" * 64)
    else:
        change(kept, settings={**Folder(kept).recipe().settings, "seed": 5})
    folder = kept if face is in_terminal else kept.parent / "studio/run"
    before = {p.name: p.read_bytes() for p in kept.iterdir()}
    well, said, result, _ = face(kept, capsys)
    assert not well
    assert result is None
    assert words in said
    assert len(said.splitlines()) == 1
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


PARTS = (  # everything after the last step that is not the result itself
    "untaught.io.recipes:Recipe.finished",
    "untaught.io.recipes:Recipe.to_toml",
    "untaught.solver.stage:Job.remarks",
    "untaught.reports:report",
    "untaught.reports:Report.to_json",
    "untaught.reports:Report.to_html",
    "untaught.session.judging:judge",
    "untaught.session.keeping:Keeper.end",
    "untaught.io.checkpoints:Folder.remove",
    "untaught.io.images.places:Places.text",
    "untaught.studio.previews:Eye.jpeg",
)


@pytest.mark.parametrize("where", PARTS)
def test_in_the_studio_too_no_part_that_fails_costs_the_result(where: str, place: Path, monkeypatch):
    injected_after_the_work(where, monkeypatch)
    told = played(place / "studio", "denoise", place / "in.png", sigma=0.1, preset="instant")
    assert "failed" not in told
    assert np.load(place / "studio/result.npy").shape == images.read(place / "in.png").pixels.shape
    assert "injected" in str([told["done"]["notes"], told["judged"]["verdict"], told.get("trouble")])


def test_both_faces_make_the_same_of_the_same_words(place: Path):
    """The bits, the recipe but for where files lie, and what is said."""
    assert cli("denoise", place / "in.png", "--sigma", 0.1, "--steps", 3, "-o", place / "out.png", "-q") == 0
    told = played(place / "studio", "denoise", place / "in.png", sigma=0.1, steps=3)
    assert np.array_equal(np.load(place / "studio/result.npy"), images.read(place / "out.png").pixels)
    mine = Recipe.from_toml(images.read_recipe(place / "out.png") or "")
    assert replace(Recipe.read(place / "studio/recipe.toml"), input=mine.input) == mine
    assert not (place / "studio/run").exists()
    assert told["judged"]["verdict"]["kind"]
    assert {p.name for p in (place / "studio").glob("report.*")} == {"report.json", "report.html"}


def test_a_disk_that_is_full_at_the_end_costs_nothing_in_the_studio(place: Path, monkeypatch):
    from untaught.io.images.places import Places

    put = Places.put

    def full(self: Places, path: Path, *more: Any) -> Any:
        if path.name == "result.npy":
            try:
                raise OSError(28, "No space left on device")
            except OSError as error:
                raise UntaughtError(f"'{path}' could not be written") from error
        return put(self, path, *more)

    with monkeypatch.context() as patch:
        patch.setattr(Places, "put", full)
        told = played(place / "studio", "denoise", place / "in.png", sigma=0.1, steps=3)
    said = "The disk did not take the result (No space left on device): make room in the studio's folder."
    assert told["failed"]["message"] == f"{said} The run is kept: resume it."
    again = played(place / "studio", "denoise", place / "in.png", resume=True)
    assert any("went on from step 3" in note for note in again["done"]["notes"])
    assert (place / "studio/result.npy").exists()
