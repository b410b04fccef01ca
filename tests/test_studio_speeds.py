"""How long a job will take is foretold before any has been run, from a step of each of its stages; and better after one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from untaught.core.registry import tasks
from untaught.io.images import Image
from untaught.solver import memory
from untaught.studio import marked, speeds
from untaught.studio.speeds import Speed, Speeds

FEW = {"preset": "fast", "steps": 2}
FIRST = {  # of every task its quickest way; preimage needs weights
    "denoise": {"preset": "instant"},
    "inpaint": {"preset": "instant"},
    "deblur": {"preset": "instant", "blind": True, "size": "9x9"},
    "upscale": {"steps": 2, "factor": 2.0},
    "enhance": {"steps": 2},
    "flash": {"steps": 2},
    "dejpeg": {"steps": 2},
}


@pytest.fixture
def image(noisy):
    return Image(noisy)


def no(*told):
    raise AssertionError("it was tried again")


@pytest.mark.parametrize("task", FIRST)
def test_every_task_is_foretold(tmp_path, image, task, monkeypatch):
    """With nothing handed in but the picture."""
    monkeypatch.setattr(speeds, "PIECE", 48**2)
    seconds = Speeds(tmp_path / "speeds").foretell(task, image, FIRST[task], lambda: True).seconds
    assert seconds is not None
    assert 0 < seconds < 3600


def test_a_stage_that_goes_on_from_the_one_before_is_foretold(tmp_path, monkeypatch):
    """As where a network stands beside the filter, for noise that neighbours share."""
    monkeypatch.setattr(speeds, "PIECE", 48**2)
    noise = np.random.default_rng(0).normal(0, 60, (98, 98, 3))
    shared = sum(noise[i : i + 96, j : j + 96] for i in range(3) for j in range(3)) / 9
    image = Image(np.uint8(np.clip(128 + shared, 0, 255)))
    job = speeds.waiting("denoise", image, {"preset": "balanced"})
    assert len(job.stages) == 2
    assert (
        Speeds(tmp_path / "speeds").foretell("denoise", image, {"preset": "balanced"}, lambda: True).seconds is not None
    )


def test_no_task_of_a_picture_is_left_out():
    assert {*FIRST, "preimage"} == {n for n in tasks.names() if tasks.get(n).subject in ("picture", "file")}


def test_what_was_tried_is_remembered_and_kept(tmp_path, image, monkeypatch):
    one = Speeds(tmp_path / "speeds")
    assert one.foretell("denoise", image, FEW, lambda: False).seconds is None
    first = one.foretell("denoise", image, FEW, lambda: True).seconds
    monkeypatch.setattr(Speeds, "_try", no)
    more = one.foretell("denoise", image, {**FEW, "steps": 300}, lambda: False).seconds
    assert more > first
    again = Speeds(tmp_path / "speeds")
    assert again.known == one.known
    assert again.foretell("denoise", image, FEW, lambda: False).seconds is not None


def test_one_job_makes_the_next_foretelling_true(tmp_path, image):
    one = Speeds(tmp_path / "speeds")
    before = one.foretell("denoise", image, FEW, lambda: True).seconds
    job = tasks.get("denoise").job(image, **FEW)
    one.took("denoise", FEW, job, 0.0, 3 * one._sum(job, 1.0))
    assert Speeds(tmp_path / "speeds").ratios == {"denoise fast ": pytest.approx(math.log(3))}
    assert one.foretell("denoise", image, FEW, lambda: True).seconds > 1.5 * before
    one.took("denoise", FEW, job, 0.0, 1e9)  # the computer slept meanwhile
    assert one.ratios["denoise fast "] <= speeds.FAR


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path, image):
    other = tmp_path / "speeds"
    other.mkdir()
    (other / "speeds.json").write_text("mine")
    assert Speeds(other).foretell("denoise", image, FEW, lambda: True).seconds is not None
    assert [(p.name, p.read_text()) for p in other.iterdir()] == [("speeds.json", "mine")]


@pytest.mark.parametrize("text", ["", "[]", '{"stages": {"a": [1, 2]}, "ratios": {}}', '{"stages": 1}'])
def test_what_is_kept_and_cannot_be_read_is_forgotten(tmp_path, text):
    place = marked.make(tmp_path / "speeds")
    (place / "speeds.json").write_text(text)
    assert Speeds(place).known == {}


def test_a_stage_that_sees_crops_does_not_grow_with_the_picture():
    class Stage:
        whole, window, items = False, 512, 4

    speed = Speed(pixels=100, step=1.0, prepare=2.0, final=3.0)
    assert speed.of(Stage, 10, 1000) == 10 + 4 * 2.0 * 10 + 3.0 * 10
    assert speed.of(Stage, 10, 10**6) == 10 + 4 * 2.0 * 512**2 / 100 + 3.0 * 10**4


def test_a_flat_sky_in_its_middle_is_no_word_against_a_picture(tmp_path, noisy, monkeypatch):
    """What a piece of it is refused for is asked of all of it."""
    monkeypatch.setattr(speeds, "SEEN", ((32**2, 16**2),))
    middle = np.pad(np.full((20, 20, 3), 7, np.uint8), ((14, 14), (18, 18), (0, 0)), constant_values=8)
    middle[0] = noisy[0]
    one = Speeds(tmp_path / "speeds")
    told = one.foretell("denoise", Image(middle), {"preset": "instant"}, lambda: True)
    assert (told.seconds, told.refusal) == (None, None)
    told = one.foretell("denoise", Image(np.full_like(middle, 7)), {"preset": "instant"}, lambda: True)
    assert told.refusal is not None
    assert told.refusal.startswith("Every pixel of the picture is 7")


def test_too_little_memory_for_all_of_it_is_told_while_no_other_job_has_some_of_it(tmp_path, noisy, monkeypatch):
    monkeypatch.setattr(speeds, "SEEN", ((32**2, 32**2),))
    image, settings = Image(np.tile(noisy, (4, 4, 1))), {"preset": "paper", "sigma": 0.1}
    one = Speeds(tmp_path / "speeds")
    job = tasks.get("denoise").job(image, **settings)
    monkeypatch.setattr("untaught.solver.memory.free_memory", lambda device: memory.needed(job) - 1)
    told = one.foretell("denoise", image, settings, lambda: True)
    assert told.refusal is not None
    assert told.refusal.startswith("A picture of 192 x 224 needs about")
    assert one.foretell("denoise", image, settings, lambda: False).refusal is None
    monkeypatch.setattr("untaught.solver.memory.free_memory", lambda device: 2 * memory.needed(job))
    assert one.foretell("denoise", image, settings, lambda: True).refusal is None
