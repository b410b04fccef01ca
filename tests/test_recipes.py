"""Laws of recipes: what is written is read, a result repeats itself bit for bit, and every refusal is a sentence."""

from __future__ import annotations

import math
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kept_runs import cli

from untaught.core.errors import BadInput
from untaught.core.registry import tasks
from untaught.io import images
from untaught.io.recipes import Recipe
from untaught.tasks.denoise.presets import PRESETS

BARE = Recipe(
    task="denoise",
    settings={"preset": "fast", "sigma": 25 / 255, "seed": 3, "strength": 1.0, "channel_axis": "auto"},
    input='grain, "old" and ü.png',
    sha256="0" * 64,
    versions={"untaught": "0.1.0", "torch": "2.13.0+cpu"},
    threads=1,
    steps=60,
    complete=True,
    notes=("sigma was estimated as 24.4 of 255", 'a "quoted"\nsecond line \\ \t ü'),
)


STEPS = 3


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an input and its result, made once for all."""
    place, draw = tmp_path_factory.mktemp("once"), np.random.default_rng(0)
    ramp = np.add.outer(np.linspace(60, 120, 24), np.linspace(0, 80, 28))[..., None]
    images.write(place / "in.png", (ramp + draw.normal(0, 25, (24, 28, 3))).clip(0, 255).astype(np.uint8))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cli("denoise", place / "in.png", "--steps", STEPS, "-o", place / "out.png", "-q")
    torch.set_num_threads(threads)
    return place


@pytest.fixture
def made(tmp_path: Path, once: Path, one_thread: None) -> Path:
    """A copy of that folder."""
    return shutil.copytree(once, tmp_path, dirs_exist_ok=True)


@pytest.mark.parametrize(
    "recipe",
    [BARE, replace(BARE, complete=False, notes=(), settings={}), replace(BARE, output="x.png"),
     replace(BARE, settings={"a": math.pi, "b": 1e-300, "c": 1.0, "d": 1, "e": True, "f": [1, 2.5]})],
)  # fmt: skip
def test_written_and_read_is_the_same(recipe: Recipe):
    again = Recipe.from_toml(recipe.to_toml())
    assert again == recipe
    assert again.key == recipe.key
    assert [type(v) for v in again.settings.values()] == [type(v) for v in recipe.settings.values()]


@pytest.mark.parametrize("cut", [0, 10, 100, 300, 450])
def test_a_truncated_recipe_is_refused(cut: int):
    with pytest.raises(BadInput, match="'x.toml' holds no whole recipe"):
        Recipe.from_toml(BARE.to_toml()[:cut], "'x.toml'")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("steps = 60", 'steps = "many"', "'steps' is 'many'"),
        ("steps = 60", "steps = -1", "steps = -1"),
        ("steps = 60", "steps = true", "'steps' is True"),
        ("steps = 60", "steps = 60\ncolour = 1", "'colour' is unknown"),
        ("sha256 = ", "md5 = ", "'md5' is unknown"),
        ("recipe = 1", "recipe = 2", "format 2"),
        ("recipe = 1\n", "", "'recipe' is missing"),
        ("[settings]", "[setings]", "'setings' is unknown"),
        ("threads = 1", "threads = 0", "threads = 0"),
        ('untaught = "0.1.0"', "untaught = 1", "'untaught' under [versions] is no text"),
    ],
)
def test_a_changed_recipe_is_refused_with_the_field(old: str, new: str, said: str):
    text = BARE.to_toml()
    assert old in text
    with pytest.raises(BadInput) as error:
        Recipe.from_toml(text.replace(old, new))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"sed": 1}, "did you mean 'seed'"), ({"seed": "x"}, "seed = 'x'"), ({"steps": 1.5}, "steps = 1.5"),
     ({"sigma": True}, "sigma = True"), ({"preset": 3}, "preset = 3"), ({"picture": "x"}, "no setting")],
)  # fmt: skip
def test_settings_that_the_task_does_not_take_are_refused(settings: dict[str, Any], said: str):
    with pytest.raises(BadInput) as error:
        replace(BARE, settings=settings).arguments(tasks.get("denoise").compose)
    assert said in str(error.value)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("more", [{}, {"steps": 7, "sigma": 0.1}])
def test_resolved_settings_make_the_same_job(noisy: np.ndarray, preset: str, more: dict[str, Any]):
    """What a recipe writes out must be what the defaults had meant."""
    task, noisy = tasks.get("denoise"), noisy[:24, :28]
    draft = Recipe.now("denoise", {"preset": preset, **more})
    job = task.job(noisy, **draft.settings)
    full = draft.resolved(job, task.compose)
    again = task.job(noisy, **full.arguments(task.compose))
    assert repr(again.stages) == repr(job.stages)
    assert again.notes == job.notes
    assert full.resolved(again, task.compose) == full
    assert {"seed", "device", "strength", "channel_axis"} <= set(full.settings)


def test_a_result_repeats_itself_bit_for_bit(made: Path, capsys: pytest.CaptureFixture[str]):
    recipe = Recipe.from_toml(images.read_recipe(made / "out.png") or "")
    assert (recipe.steps, recipe.complete, recipe.input, recipe.output) == (STEPS, True, "in.png", "")
    assert recipe.sha256 == images.read(made / "in.png").sha256
    assert str(made) not in recipe.to_toml()
    assert cli("run", made / "out.png", "-o", made / "again.png") == 0
    assert (made / "again.png").read_bytes() == (made / "out.png").read_bytes()
    assert "differ" not in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["tif", "npy", "webp"])
def test_every_other_format_carries_its_recipe(made: Path, kind: str):
    assert cli("run", made / "out.png", "-o", made / f"result.{kind}", "-q") == 0
    assert cli("run", made / f"result.{kind}", "-o", made / f"again.{kind}", "-q") == 0
    assert (made / f"again.{kind}").read_bytes() == (made / f"result.{kind}").read_bytes()
    expected, seen = (images.read(made / name).pixels for name in ("out.png", f"again.{kind}"))
    np.testing.assert_array_equal(seen, expected)


def test_a_recipe_file_and_another_input(made: Path, capsys: pytest.CaptureFixture[str]):
    (made / "r.toml").write_text(images.read_recipe(made / "out.png") or "")
    images.write(made / "other.png", 255 - images.read(made / "in.png").pixels)
    assert cli("run", made / "r.toml", "-o", made / "again.png") == 0
    assert (made / "again.png").read_bytes() == (made / "out.png").read_bytes()
    assert cli("run", made / "r.toml", "--input", made / "other.png", "-o", made / "b.png") == 0
    assert "another picture than the recipe's 'in.png'" in capsys.readouterr().err
    cli("denoise", made / "other.png", "--steps", STEPS, "-o", made / "c.png", "-q")
    assert (made / "b.png").read_bytes() == (made / "c.png").read_bytes()


def test_another_build_is_said(made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # what a person says is not overruled
    recipe = Recipe.from_toml(images.read_recipe(made / "out.png") or "")
    old = replace(recipe, threads=7, versions={**recipe.versions, "torch": "1.0"})
    (made / "r.toml").write_text(old.to_toml())
    assert cli("run", made / "r.toml", "-o", made / "again.png") == 0
    said = capsys.readouterr().err
    assert "threads 7 there, 1 here" in said
    assert "torch 1.0 there" in said


def test_refusals_of_run(made: Path, capsys: pytest.CaptureFixture[str]):
    (made / "r.toml").write_text(images.read_recipe(made / "out.png") or "")
    (made / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    assert cli("run", made / "in.png") == 2
    assert "carries no recipe" in capsys.readouterr().err
    assert cli("run", made / "bytes.toml") == 2
    assert "no text" in capsys.readouterr().err
    assert cli("run", made / "none.toml") == 2
    assert "cannot be read" in capsys.readouterr().err
    (made / "in.png").unlink()
    assert cli("run", made / "r.toml", "-o", made / "x.png") == 2
    said = capsys.readouterr().err
    assert "'in.png'" in said
    assert "--input" in said
    assert said.count("\n") == 1
    assert not (made / "x.png").exists()


def test_the_text_is_readable(made: Path):
    table = tomllib.loads(images.read_recipe(made / "out.png") or "")
    assert table["task"] == "denoise"
    assert table["settings"]["steps"] == STEPS
    assert table["settings"]["device"] != "auto"
    assert {"untaught", "torch", "python"} <= set(table["versions"])
