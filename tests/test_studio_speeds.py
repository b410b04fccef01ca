"""How long a job will take is foretold before any has been run, from a step of each of its stages; and better after one."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from untaught.core.registry import tasks
from untaught.io.images import Image
from untaught.studio import marked, speeds
from untaught.studio.speeds import Speed, Speeds

FEW = {"denoise": {"preset": "fast", "steps": 3}, "upscale": {"steps": 3, "factor": 2.0}, "deblur": {"kernel": "disk:1.5"}}


@pytest.fixture
def image(noisy):
    return Image(np.tile(noisy, (2, 2, 1)))


def no(*told):
    raise AssertionError("it was tried again")


@pytest.mark.parametrize("task", [n for n in tasks.names() if tasks.get(n).subject in ("picture", "file")])
def test_every_task_is_foretold_or_nobody_knows(tmp_path, image, task, monkeypatch):
    """Of the tasks that restore all are, by their first preset, with nothing handed in but the picture."""
    monkeypatch.setattr(speeds, "PIECE", 48**2)
    if task == "preimage":
        return  # which needs weights
    preset = {} if task in ("upscale", "enhance", "flash", "dejpeg") else {"preset": "instant"}
    settings = {**preset, **({"blind": True} if task == "deblur" else {"steps": 2} if not preset else {})}
    seconds = Speeds(tmp_path / "speeds").foretell(task, image, settings, lambda: True)
    assert seconds is not None
    assert 0 < seconds < 600


def test_what_was_tried_is_remembered_and_kept(tmp_path, image, monkeypatch):
    one = Speeds(tmp_path / "speeds")
    assert one.foretell("denoise", image, FEW["denoise"], lambda: False) is None
    first = one.foretell("denoise", image, FEW["denoise"], lambda: True)
    monkeypatch.setattr(Speeds, "_try", no)
    more = one.foretell("denoise", image, {**FEW["denoise"], "steps": 300}, lambda: False)
    assert more > first
    again = Speeds(tmp_path / "speeds")
    assert again.known == one.known
    assert again.foretell("denoise", image, FEW["denoise"], lambda: False) is not None


def test_one_job_makes_the_next_foretelling_true(tmp_path, image):
    one = Speeds(tmp_path / "speeds")
    before = one.foretell("denoise", image, FEW["denoise"], lambda: True)
    job = tasks.get("denoise").job(image, **FEW["denoise"])
    one.took("denoise", FEW["denoise"], job, 0.0, 3 * one._sum(job, 1.0))
    assert Speeds(tmp_path / "speeds").ratios == {"denoise fast ": pytest.approx(math.log(3))}
    assert one.foretell("denoise", image, FEW["denoise"], lambda: True) > 1.5 * before
    one.took("denoise", FEW["denoise"], job, 0.0, 1e9)  # the computer slept meanwhile
    assert one.ratios["denoise fast "] <= speeds.FAR


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path, image):
    other = tmp_path / "speeds"
    other.mkdir()
    (other / "speeds.json").write_text("mine")
    assert Speeds(other).foretell("denoise", image, FEW["denoise"], lambda: True) is not None
    assert [(p.name, p.read_text()) for p in other.iterdir()] == [("speeds.json", "mine")]


@pytest.mark.parametrize("text", ["", "[]", '{"stages": {"a": [1, 2]}, "ratios": {}}', '{"stages": 1}'])
def test_what_is_kept_and_cannot_be_read_is_forgotten(tmp_path, text):
    place = marked.make(tmp_path / "speeds")
    (place / "speeds.json").write_text(text)
    assert Speeds(place).known == {}


def test_a_stage_that_sees_crops_does_not_grow_with_the_picture():
    class Stage:
        whole, window = False, 512

    speed = Speed(pixels=100, step=1.0, prepare=2.0, final=3.0)
    assert speed.of(Stage, 10, 1000) == 10 + 2.0 * 10 + 3.0 * 10
    assert speed.of(Stage, 10, 10**6) == 10 + 2.0 * 512**2 / 100 + 3.0 * 10**4


def test_it_takes_no_longer_than_a_person_waits(tmp_path, image):
    begun = time.perf_counter()
    Speeds(tmp_path / "speeds").foretell("denoise", image, {"preset": "instant"}, lambda: True)
    assert time.perf_counter() - begun < 30  # for one that hangs, and not for a busy machine
