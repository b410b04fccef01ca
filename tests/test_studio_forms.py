"""What the studio tells before a run: the form of every task, what a picture is and needs, what cannot be begun."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from served import begin, eventually, png

from untaught.studio import forms

# Forms


def test_every_task_has_a_form_with_words_and_bounds(studio):
    told = studio.get("/api/tasks").json()
    names = [task["name"] for task in told["tasks"]]
    takes = {name: forms.tasks.get(name).subject for name in forms.tasks.names()}
    assert set(names) == {name for name, subject in takes.items() if subject != "measurements"}
    denoise = next(t for t in told["tasks"] if t["name"] == "denoise")
    assert denoise["words"] == "Grain"
    fields = denoise["form"]["properties"]
    assert fields["preset"]["enum"] == ["instant", "fast", "balanced", "best", "paper"]
    assert fields["preset"]["choices"]["fast"] == "a good picture soon"
    assert (fields["strength"]["minimum"], fields["strength"]["maximum"]) == (0, 1)
    assert fields["sigma"]["unit"] == "full scale"
    assert "channel_axis" not in fields
    for task in told["tasks"]:
        for name, field in task["form"]["properties"].items():
            assert field["description"], f"{task['name']} does not say what {name} is"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sigm": 0.1}, "There is no setting of 'denoise' 'sigm': did you mean 'sigma'?"),
        ({"strength": 1.5}, "strength = 1.5 is not what it can be"),
        ({"steps": 0}, "steps = 0"),
        ({"steps": "many"}, "steps = 'many'"),
        ({"preset": "slow"}, "preset = 'slow'"),
        ({"device": "/etc/passwd"}, "files are not named here"),
        ({"device": "../x"}, "files are not named here"),
    ],
)
def test_a_setting_that_cannot_be_is_named(studio, picture, settings, said):
    answer = studio.post("/api/jobs", json={"task": "denoise", "picture": picture, "settings": settings})
    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_a_word_is_a_word_whatever_lies_in_the_folder_of_the_start(tmp_path, monkeypatch):
    """No text of a form is looked up: every choice of every task, and free words, are taken although files are called so."""
    words = {("kernel", "gauss:1.6"), ("weights", "secret"), ("device", "cpu")}
    for task in forms.schemas():
        words |= {(name, c) for name, field in task["form"]["properties"].items() for c in field.get("choices", {})}
    monkeypatch.chdir(tmp_path)
    for _, word in words:
        (tmp_path / word).write_bytes(b"a file")
    assert len(words) > 10
    for field, word in words:
        assert forms.word(field, word) == word
    for path in ("/etc/passwd", "../x", "a/b", "a\\b", "C:x"):
        with pytest.raises(forms.BadInput, match="files are not named here"):
            forms.word("weights", path)


@pytest.mark.parametrize(
    ("how", "task", "settings", "changed"),
    [
        ("seed", "denoise", {"seed": 3}, {"seed": 4}),
        ("softer", "denoise", {"sigma": 0.1}, {"sigma": 0.125}),
        ("sharper", "denoise", {}, {"sigma": 0.04}),
        ("softer", "enhance", {}, {"amount": 0.7}),
        ("softer", "flash", {}, {"steps": 650}),
    ],
)
def test_again_moves_what_decides(how, task, settings, changed):
    assert forms.again(how, task, settings, 1000, 0.05) == {**settings, **changed}


def test_what_a_slider_does_without_another_go_is_none():
    assert forms.again("sharper", "denoise", {"noise": "poisson"}, 1000, 0.05) is None  # which has no sigma


def test_settings_are_called_what_a_person_would_call_them():
    fields = next(s for s in forms.schemas() if s["name"] == "denoise")["form"]["properties"]
    assert fields["noise"]["title"] == "Kind of grain"
    assert set(fields["noise"]["labels"]) == set(fields["noise"]["choices"]) == set(fields["noise"]["enum"])
    assert fields["looks"]["only"] == {"noise": ["speckle"]}
    blurred = next(s for s in forms.schemas() if s["name"] == "deblur")["form"]["properties"]
    assert "only" not in blurred["sigma"]  # there is no kind of noise to choose


def test_jobs_that_cannot_be_begun(studio, picture):
    for order, said in (
        ({"task": "denoise"}, "needs a picture"),
        ({"task": "nothing"}, "There is no task 'nothing'"),
        ({"task": "denoise", "picture": "gone"}, "not here any more"),
        ({"task": "denoise", "picture": picture, "more": 1}, "no field 'more'"),
        ({"task": "denoise", "picture": picture, "settings": []}, "give an object"),
        ({"task": "flash", "picture": picture, "settings": {"flash": "no-such-id"}}, "add it first"),
    ):
        answer = studio.post("/api/jobs", json=order)
        assert answer.status_code == 400, order
        assert said in answer.json()["message"]


def test_a_recipe_becomes_settings_and_may_not_name_files(studio, picture):
    job = begin(studio, picture, sigma=0.1, steps=3)
    studio.until(job["id"], "done")
    text = studio.get(f"/api/jobs/{job['id']}/recipe.toml").text
    told = studio.post("/api/recipes", content=text).json()
    assert told["task"] == "denoise"
    assert told["settings"]["steps"] == 3
    for changed, said in (
        (
            text.replace("[settings]", "[settings]\nguide = 'x.png'") + '\n[files]\nguide = "0"\n',
            "names files of a disk",
        ),
        (text.replace("sigma =", "sgma ="), "did you mean 'sigma'"),
        ("nonsense", "holds no whole recipe"),
    ):
        assert said in studio.post("/api/recipes", content=changed).json()["message"]


def test_a_mask_of_another_size_is_refused(studio, picture):
    if "inpaint" not in forms.tasks.names():
        pytest.skip("there is no task with a mask")
    mask = studio.upload(png(np.zeros((10, 12), np.uint8)), "m.png", "mask").json()["id"]
    answer = studio.post("/api/jobs", json={"task": "inpaint", "picture": picture, "settings": {"mask": mask}})
    assert answer.status_code == 400
    assert "The mask is 12 x 10 pixels and the picture 32 x 32" in answer.json()["message"]


# Pictures


def test_a_picture_is_read_measured_and_shown(studio, noisy):
    told = studio.upload(png(noisy), "my photo.png").json()
    assert (told["about"]["width"], told["about"]["height"], told["about"]["depth"]) == (56, 48, "8 bit")
    assert told["name"] == "my photo.png"
    preview = Image.open(io.BytesIO(studio.get(f"/api/pictures/{told['id']}/preview.jpg").content))
    assert preview.size == (56, 48)
    measured = eventually(lambda: studio.get(f"/api/pictures/{told['id']}").json()["measured"])
    assert measured["suggestion"] == "denoise"
    assert any(re.match(r"(faint|some|strong) grain: about [\d.]+ of 255", found) for found in measured["found"])


def test_sixteen_bit_grey_is_kept_and_said_to_be_stretched(studio):
    import tifffile

    out = io.BytesIO()
    tifffile.imwrite(out, np.random.default_rng(0).integers(1000, 1200, (20, 30), dtype=np.uint16), compression="zlib")
    told = studio.upload(out.getvalue(), "scan.tif").json()
    assert told["about"]["depth"] == "16 bit"
    assert any("stretched" in note for note in told["about"]["notes"])


def test_a_square_of_a_picture_takes_less_time_than_all_of_it(studio, noisy):
    id = studio.upload(png(np.tile(noisy, (5, 5, 1))), "wide.png").json()["id"]
    order = {"task": "denoise", "picture": id, "settings": {"preset": "instant", "sigma": 0.1}}
    whole = eventually(lambda: studio.post("/api/seconds", json=order).json()["seconds"])
    assert 0 < studio.post("/api/seconds", json={**order, "side": 60}).json()["seconds"] < whole
    for side in (0, -1, "60"):
        answer = studio.post("/api/seconds", json={**order, "side": side})
        assert answer.status_code == 400
        assert "a square's side" in answer.json()["message"]
