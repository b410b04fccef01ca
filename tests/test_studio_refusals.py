"""What the studio says of a job before it is begun is what it will say when it is: every way in which one is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from served import png

ORDERS = {  # (task, settings), in which a word of `files` stands for what was handed in; and what is said
    "no such task": ("denois", {}, "There is no task 'denois'"),
    "no picture": ("denoise", {"picture": None}, "'denoise' needs a picture"),
    "a picture that is gone": ("denoise", {"picture": "gone"}, "This picture is not here any more"),
    "a field too many": ("denoise", {"more": 1}, "A job has no field 'more'"),
    "no such setting": ("denoise", {"sigm": 0.1}, "did you mean 'sigma'"),
    "a setting out of its range": ("denoise", {"seed": -1}, "seed = -1 is not what it can be"),
    "a setting of another type": ("denoise", {"steps": "many"}, "steps = 'many'"),
    "a path": ("denoise", {"device": "../x"}, "files are not named here"),
    "a guide that is gone": ("flash", {"flash": "gone"}, "The picture for 'flash' is not here"),
    "a mask of another size": ("inpaint", {"mask": "small"}, "they must be of one size"),
    "an empty mask": ("inpaint", {"mask": "black"}, "The mask 'black.png' marks no pixel"),
    "a mask of everything": ("inpaint", {"mask": "white"}, "The mask 'white.png' marks all 3072 pixels"),
    "a flat picture": ("denoise", {"picture": "flat"}, "Every pixel of the picture is 7"),
    "too little memory": ("upscale", {"factor": 999.0}, "needs about .+ of memory this way"),
    "nothing larger": ("upscale", {"factor": 1.001}, "leaves 48 x 64 pixels as they are"),
    "no kernel": ("deblur", {"blind": False}, "How is it blurred?"),
    "a kernel that is none": ("deblur", {"blind": False, "kernel": "gauss"}, "'gauss' is no kernel"),
    "a kernel that is too large": ("deblur", {"blind": False, "kernel": "gauss:99"}, "give a kernel of a smaller blur"),
    "a rule that is none": ("denoise", {"stop": "foo"}, "There is no stopping rule 'foo'"),
    "a device that is not there": ("denoise", {"device": "cuda:99"}, "The device 'cuda:99' is not there"),
    "a guide of other proportions": ("flash", {"flash": "small"}, "their proportions differ"),
    "two guides": ("flash", {"flash": "noisy", "guide": "noisy"}, "one picture guides"),
    "a goal that is not named": ("activate", {}, "Nothing is named that the picture should activate"),
}


@pytest.fixture(scope="module")
def files(studio, noise):
    """Ids of what was handed in."""
    made = {"noisy": noise, "small": noise[:20, :12], "flat": np.full((20, 20), 7, np.uint8)}
    made |= {"black": np.zeros((48, 64), np.uint8), "white": np.full((48, 64), 255, np.uint8)}
    made["half"] = np.tile(np.uint8([[0] * 60 + [255] * 4]), (48, 1))
    roles = dict.fromkeys(("black", "white", "half"), "mask")
    return {
        name: studio.upload(png(a), f"{name}.png", roles.get(name, "picture")).json()["id"] for name, a in made.items()
    }


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(4).integers(60, 190, (48, 64, 3), dtype=np.uint8)


def order(files, task, settings):
    mine = {name: files.get(value, value) if isinstance(value, str) else value for name, value in settings.items()}
    picture = mine.pop("picture", files["noisy"])
    more = {name: mine.pop(name) for name in ("more",) if name in mine}
    return {"task": task, "picture": picture, "settings": mine, **more}


@pytest.mark.parametrize("kind", ORDERS)
def test_the_reason_is_known_before_and_is_the_one_that_is_given(studio, files, kind):
    task, settings, said = ORDERS[kind]
    asked = order(files, task, settings)
    before = studio.post("/api/seconds", json=asked).json()
    assert before["seconds"] is None
    assert re.search(said, before["refusal"])
    answer = studio.post("/api/jobs", json=asked)
    if answer.status_code == 200:
        message = studio.until(answer.json()["id"], "failed")["message"]
    else:
        assert 400 <= answer.status_code < 500
        message = answer.json()["message"]
    assert figures(message) == figures(before["refusal"])


def figures(text):
    """Without how much memory is free, which changes from one moment to the next."""
    return re.sub(r"[\d.]+ [KMG]iB are free", "", text)


@pytest.mark.parametrize(
    ("task", "settings"),
    [("inpaint", {}), ("flash", {}), ("inpaint", {"mask": "half"}), ("flash", {"flash": "noisy"}), ("denoise", {})],
)
def test_what_lacks_only_its_mask_or_its_guide_is_not_refused(studio, files, task, settings):
    """The page says what is missing; and that with both it is not refused is known before they are there."""
    told = studio.post(
        "/api/seconds", json=order(files, task, {**settings, "preset": "instant"} if task != "flash" else settings)
    )
    assert told.json()["refusal"] is None


def test_a_broken_engine_is_the_reason(tmp_path):
    from untaught.studio.server import Studio

    studio = Studio(tmp_path)
    studio.jobs.engine = type(studio.jobs.engine)("broken", message="torch is not there")
    with pytest.raises(Exception, match="torch is not there"):
        studio.ordered({"task": "activate", "settings": {}})
