"""The studio's server over HTTP, as a browser and as others meet it: what it takes, what it refuses, what it survives."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the extra test-studio is not installed")
httpx = pytest.importorskip("httpx", reason="the extra test-studio is not installed")
pytest.importorskip("uvicorn", reason="the extra test-studio is not installed")

from untaught.errors import UntaughtError  # noqa: E402
from untaught.studio import forms  # noqa: E402
from untaught.studio.guard import hostname  # noqa: E402
from untaught.studio.pictures import Pictures, TooLarge, clean  # noqa: E402


class Served:
    """`untaught studio` in a process of its own, and a client that has its key."""

    def __init__(self, folder, *more):
        self.folder = folder
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "untaught.cli",
                "studio",
                "--no-browser",
                "--port",
                "0",
                "--folder",
                str(folder),
                *more,
            ],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        line = self.process.stdout.readline()
        self.base, self.token = re.search(r"(http://\S+)/#t=(\S+)", line).groups()
        self.client = httpx.Client(base_url=self.base, headers={"origin": self.base}, timeout=60, trust_env=False)
        self.client.post("/api/enter", json={"token": self.token})

    def close(self):
        self.client.close()
        self.process.terminate()
        assert self.process.wait(15) is not None
        self.process.stdout.close()

    def get(self, path, **how):
        return self.client.get(path, **how)

    def post(self, path, **how):
        return self.client.post(path, **how)

    def upload(self, data, name="photo.png", role="picture"):
        return self.post(f"/api/pictures?role={role}", content=data, headers={"x-file-name": name})

    def state(self):
        """The whole state, as the first message of a new stream has it."""
        with self.client.stream("GET", "/api/events") as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    return json.loads(line[6:])

    def job(self, id):
        return next((j for j in self.state()["jobs"] if j["id"] == id), None)

    def until(self, id, *states, seconds=60.0):
        """Wait for the job to be in one of the states; returns it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job = self.job(id)
            if (job["state"] if job else "gone") in states:
                return job
            time.sleep(0.1)
        raise AssertionError(f"{job} is none of {states} after {seconds} s")

    def worker(self):
        """The process id of the engine."""
        children = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        )
        return next(int(line.split()[0]) for line in children.stdout.splitlines() if "spawn_main" in line)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("studio"))
    yield served
    served.close()


def png(array, **how):
    out = io.BytesIO()
    Image.fromarray(array).save(out, how.pop("kind", "PNG"), **how)
    return out.getvalue()


@pytest.fixture
def picture(studio, noisy):
    """The id of a small noisy picture that was handed in."""
    return studio.upload(png(noisy[:32, :32])).json()["id"]


def begin(studio, picture, task="denoise", **settings):
    return studio.post("/api/jobs", json={"task": task, "picture": picture, "settings": settings}).json()


LONG = {"preset": "paper", "steps": 100_000}


# Who is let in


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1:8765", "127.0.0.1"), ("LOCALHOST", "localhost"), ("[::1]:80", "[::1]"), ("", ""), ("a.b:1", "a.b")],
)
def test_the_name_in_a_host_header(host, name):
    assert hostname(host) == name


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", ""])
def test_a_forged_host_is_refused_on_every_route(studio, host):
    for path in ("/", "/api/tasks"):
        answer = studio.get(path, headers={"host": host})
        assert answer.status_code == 421
        assert "does not answer to the name" in answer.json()["message"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", None])
def test_a_foreign_origin_cannot_change_anything(studio, origin):
    request = studio.client.build_request("POST", "/api/jobs", json={})
    del request.headers["origin"]
    if origin is not None:
        request.headers["origin"] = origin
    answer = studio.client.send(request)
    assert answer.status_code == 403
    assert "another page" in answer.json()["message"]


def test_without_the_key_there_is_only_the_page(studio):
    with httpx.Client(base_url=studio.base, trust_env=False) as stranger:
        assert stranger.get("/").status_code == 200
        for path in ("/api/tasks", "/api/events", "/api/pictures/x"):
            assert stranger.get(path).status_code == 401
        wrong = stranger.post("/api/enter", json={"token": "wrong"}, headers={"origin": studio.base})
        assert wrong.status_code == 401
        wrong_key = {"cookie": f"{next(iter(studio.client.cookies))}=wrong"}
        assert stranger.get("/api/tasks", headers=wrong_key).status_code == 401


def test_every_answer_carries_the_policy_and_no_permission_for_others(studio):
    for path in ("/", "/api/tasks", "/api/nothing", "/studio.js"):
        headers = studio.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert not any(name.startswith("access-control") for name in headers)
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert studio.get(path).status_code == 404


def test_the_page_is_whole_and_names_no_other_host(studio):
    page = studio.get("/").text
    for path in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert path.startswith("./"), path
        assert studio.get(path[1:]).status_code == 200


# Forms


def test_every_task_has_a_form_with_words_and_bounds(studio):
    told = studio.get("/api/tasks").json()
    names = [task["name"] for task in told["tasks"]]
    assert set(names) == set(forms.tasks.names())
    denoise = next(t for t in told["tasks"] if t["name"] == "denoise")
    assert denoise["words"] == "Grain"
    fields = denoise["form"]["properties"]
    assert fields["preset"]["enum"] == ["instant", "fast", "balanced", "best", "paper"]
    assert fields["preset"]["choices"]["fast"] == "seconds"
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


def test_a_file_that_exists_is_no_word(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").touch()
    with pytest.raises(forms.BadInput, match="files are not named here"):
        forms.word("weights", "secret")
    assert forms.word("kernel", "gauss:1.6") == "gauss:1.6"


@pytest.mark.parametrize(
    ("how", "task", "settings", "changed"),
    [
        ("seed", "denoise", {"seed": 3}, {"seed": 4}),
        ("softer", "denoise", {"sigma": 0.1}, {"sigma": 0.125}),
        ("sharper", "denoise", {}, {"sigma": 0.04}),
        ("sharper", "denoise", {"noise": "poisson"}, {"strength": 0.75}),  # which has no sigma
        ("softer", "enhance", {}, {"amount": 0.7}),
        ("softer", "flash", {}, {"steps": 650}),
    ],
)
def test_again_moves_what_decides(how, task, settings, changed):
    assert forms.again(how, task, settings, 1000, 0.05) == {**settings, **changed}


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
        ({"task": "flash", "picture": picture, "settings": {"flash": "no-such-id"}}, "hand it in first"),
    ):
        answer = studio.post("/api/jobs", json=order)
        assert answer.status_code == 400, order
        assert said in answer.json()["message"]


# Pictures


def test_a_picture_is_read_measured_and_shown(studio, noisy):
    told = studio.upload(png(noisy), "my photo.png").json()
    assert (told["about"]["width"], told["about"]["height"], told["about"]["depth"]) == (56, 48, "8 bit")
    assert told["name"] == "my photo.png"
    preview = Image.open(io.BytesIO(studio.get(f"/api/pictures/{told['id']}/preview.jpg").content))
    assert preview.size == (56, 48)
    for _ in range(300):
        measured = studio.get(f"/api/pictures/{told['id']}").json()["measured"]
        if measured:
            break
        time.sleep(0.1)
    assert measured["suggestion"] == "denoise"
    assert any(re.match(r"grain, about \d+ of 255", found) for found in measured["found"])


def test_sixteen_bit_grey_is_kept_and_said_to_be_stretched(studio):
    import tifffile

    out = io.BytesIO()
    tifffile.imwrite(out, np.random.default_rng(0).integers(1000, 1200, (20, 30), dtype=np.uint16), compression="zlib")
    told = studio.upload(out.getvalue(), "scan.tif").json()
    assert told["about"]["depth"] == "16 bit"
    assert any("stretched" in note for note in told["about"]["notes"])


def test_what_is_no_picture_is_refused_in_a_sentence(studio, noisy):
    good = png(noisy)
    frames = [Image.fromarray(noisy), Image.fromarray(noisy[::-1])]
    moving = io.BytesIO()
    frames[0].save(moving, "WEBP", save_all=True, append_images=frames[1:])
    for data, said in (
        (b"", "is empty"),
        (b"hello, this is text", "holds plain text"),
        (b"GIF89a" + bytes(300), "a GIF picture"),
        (good[: len(good) // 2], "truncated or damaged"),
        (moving.getvalue(), "an animation of 2 frames"),
    ):
        answer = studio.upload(data, "thing.png")
        assert answer.status_code in (400, 422), said
        message = answer.json()["message"]
        assert said in message
        assert "thing.png" in message
        assert str(studio.folder) not in message
    assert not list((studio.folder / "pictures").glob("*.part"))


def test_a_bomb_is_refused_before_it_is_decoded(studio):
    big = io.BytesIO()
    Image.new("1", (9000, 7000)).save(big, "PNG")
    answer = studio.upload(big.getvalue(), "bomb.png")
    assert answer.status_code in (400, 422)
    assert (
        "9000 x 7000 pixels (63 MP) and the limit is 50 MP: raise it with --max-megapixels 63"
        in answer.json()["message"]
    )


def test_too_many_bytes_are_counted_while_they_arrive(tmp_path):
    pictures = Pictures(tmp_path, 0.001)

    async def endless():
        while True:
            yield b"\x89PNG\r\n\x1a\n" + bytes(1 << 20)

    with pytest.raises(TooLarge, match="more than 4 MB"):
        asyncio.run(pictures.take(endless(), "big.png", "picture"))
    assert not list(tmp_path.iterdir())


def test_a_length_that_is_too_large_is_refused_at_once(studio):
    port = int(studio.base.rsplit(":", 1)[1])
    import socket

    cookie = "; ".join(f"{k}={v}" for k, v in studio.client.cookies.items())
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.sendall(
            f"POST /api/pictures HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {studio.base}\r\nCookie: {cookie}\r\n"
            "X-File-Name: a.png\r\nContent-Length: 99999999999\r\n\r\n".encode()
        )
        assert b" 413 " in wire.recv(200)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\a.png", "a.png"),
        ("%C3%A4.png", "ä.png"),
        ("a\nb<>.png", "ab.png"),
        (None, "picture"),
    ],
)
def test_a_file_name_is_only_shown(given, kept):
    assert clean(given) == kept


def test_a_recipe_becomes_settings_and_may_not_name_files(studio, picture):
    job = begin(studio, picture, sigma=0.1, steps=3)
    studio.until(job["id"], "done")
    text = studio.get(f"/api/jobs/{job['id']}/recipe.toml").text
    told = studio.post("/api/recipes", content=text).json()
    assert told["task"] == "denoise"
    assert told["settings"]["steps"] == 3
    for changed, said in (
        (text + '\n[files]\nmask = "0"\n', "names files of a disk"),
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


# Runs


def test_from_a_picture_to_a_download_that_is_what_the_library_returns(studio, noisy, one_thread):
    import untaught

    id = studio.upload(png(noisy[:32, :32]), "cat.png").json()["id"]
    job = begin(studio, id, sigma=0.1, steps=12, seed=5)
    done = studio.until(job["id"], "done")
    assert done["reason"] == "all 12 steps are done"
    assert done["numbers"]["step"] == 12
    answer = studio.get(f"/api/jobs/{job['id']}/result.png")
    assert 'filename="cat.untaught.png"' in answer.headers["content-disposition"]
    made = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert np.array_equal(made, untaught.denoise(noisy[:32, :32], sigma=0.1, steps=12, seed=5))
    shown = studio.get(f"/api/jobs/{job['id']}/frames/{done['result']['n']}.jpg")
    assert shown.headers["cache-control"].endswith("immutable")
    assert Image.open(io.BytesIO(shown.content)).size == (32, 32)
    moment = done["moments"][0]
    assert moment["whole"]
    assert studio.get(f"/api/jobs/{job['id']}/result.png", params={"moment": moment["n"]}).status_code == 200
    for path, said in (
        ("result.exe", "no result as 'exe'"),
        ("frames/77777.jpg", "not kept any more"),
        ("result.png?moment=77777", "no picture in full depth"),
    ):
        assert said in studio.get(f"/api/jobs/{job['id']}/{path}").json()["message"]


def judged(studio, id):
    """The job, once its report has been made."""
    end = time.monotonic() + 30
    while not (job := studio.job(id))["verdict"]:
        assert time.monotonic() < end
        time.sleep(0.1)
    return job


def test_a_result_is_judged_after_it_is_there(studio, picture):
    job = begin(studio, picture, sigma=0.1, steps=12)
    assert "is no report" in studio.get(f"/api/jobs/{job['id']}/report.html").json()["message"]
    studio.until(job["id"], "done")
    verdict = judged(studio, job["id"])["verdict"]
    figures = studio.get(f"/api/jobs/{job['id']}/report.json").json()
    assert (figures["verdict"], figures["sentence"]) == (verdict["kind"], verdict["sentence"])
    assert verdict["kind"] in ("good", "doubtful", "out of reach")
    assert figures["input"]["name"] == "photo.png"  # and not where it lies
    page = studio.get(f"/api/jobs/{job['id']}/report.html")
    assert 'filename="photo.report.html"' in page.headers["content-disposition"]
    assert str(studio.folder) not in page.text


def test_where_a_result_is_unsure_is_asked_once_and_goes_with_it(studio, picture):
    import tifffile

    job = begin(studio, picture, sigma=0.1, steps=12)
    assert studio.until(job["id"], "done")["ask"]["runs"] == 1
    asked = studio.post(f"/api/jobs/{job['id']}/unsure").json()
    assert studio.post(f"/api/jobs/{job['id']}/unsure").json()["id"] == asked["id"]
    done = studio.until(asked["id"], "done", "failed")
    assert done["of"] == job["id"]
    assert 0 < done["map"]["middle"] <= done["map"]["high"] <= done["map"]["most"] < done["map"]["full"] == 255
    shown = Image.open(io.BytesIO(studio.get(f"/api/jobs/{asked['id']}/map.png").content))
    assert (shown.size, shown.mode) == ((32, 32), "RGBA")
    with tifffile.TiffFile(io.BytesIO(studio.get(f"/api/jobs/{asked['id']}/map.tif").content)) as file:
        low, high = file.pages[1].asarray(), file.pages[2].asarray()
        assert file.pages[0].description == "standard deviation"
        assert file.pages[0].shape == (32, 32, 3)
    assert (low <= high).all()
    studio.client.delete(f"/api/jobs/{job['id']}")
    assert studio.job(asked["id"]) is None


def test_what_cannot_be_measured_is_told_by_other_seeds_and_a_classic_filter_says_why_not(studio, picture, noisy):
    large = studio.upload(png(np.tile(noisy, (2, 2, 1))[:60, :60])).json()["id"]  # enough to learn from
    job = begin(studio, large, "upscale", factor=2, steps=3)
    assert studio.until(job["id"], "done")["ask"]["runs"] == 3
    asked = studio.post(f"/api/jobs/{job['id']}/unsure").json()
    done = studio.until(asked["id"], "done", "failed")
    assert not done["map"]["held"]
    assert done["map"]["most"] > 0
    assert Image.open(io.BytesIO(studio.get(f"/api/jobs/{asked['id']}/map.png").content)).size == (120, 120)
    few = begin(studio, picture, "upscale", factor=2, steps=3)
    classic = begin(studio, picture, preset="instant", sigma=0.1)
    for settled in (few, classic):
        assert "nothing at random" in studio.until(settled["id"], "done")["ask"]["why"]
    answer = studio.post(f"/api/jobs/{classic['id']}/unsure")
    assert answer.status_code == 400
    assert "nothing at random" in answer.json()["message"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
def test_a_full_disk_costs_the_result_or_the_report_and_the_queue_goes_on(studio, picture):
    first = begin(studio, picture, **LONG)
    studio.until(first["id"], "running")
    full, unjudged, fine = (begin(studio, picture, sigma=0.1, steps=2) for _ in range(3))
    (studio.folder / "jobs" / full["id"] / "result.npy").symlink_to("/dev/full")
    (studio.folder / "jobs" / unjudged["id"] / "report.html").symlink_to("/dev/full")
    studio.post(f"/api/jobs/{first['id']}/cancel")
    failed = studio.until(full["id"], "failed", "done")
    assert failed["message"].startswith("The disk did not take the result (No space left on device): make room")
    studio.until(unjudged["id"], "done")
    assert "No space left on device" in judged(studio, unjudged["id"])["verdict"]["sentence"]
    assert studio.get(f"/api/jobs/{unjudged['id']}/result.png").status_code == 200
    studio.until(fine["id"], "done")
    assert judged(studio, fine["id"])["verdict"]["kind"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
def test_a_full_disk_refuses_a_picture_in_a_sentence(tmp_path, noisy, monkeypatch):
    pictures = Pictures(tmp_path, 50)
    monkeypatch.setattr("pathlib.Path.open", lambda path, mode: open("/dev/full", "wb"))  # noqa: SIM115

    async def chunks():
        yield png(noisy)

    with pytest.raises(UntaughtError, match=r"a.png could not be kept \(No space left on device\): make room"):
        asyncio.run(pictures.take(chunks(), "a.png", "picture"))


def test_a_sixteen_bit_tiff_comes_back_with_sixteen_bits(studio):
    import tifffile

    values = np.random.default_rng(1).integers(20_000, 40_000, (24, 28, 3), dtype=np.uint16)
    out = io.BytesIO()
    tifffile.imwrite(out, values, photometric="rgb", compression="lzw")
    id = studio.upload(out.getvalue(), "scan.tif").json()["id"]
    job = begin(studio, id, sigma=0.05, steps=4, strength=0.0)
    assert studio.until(job["id"], "done")["result"]["depth"] == "16 bit"
    made = tifffile.imread(io.BytesIO(studio.get(f"/api/jobs/{job['id']}/result.tif").content))
    assert made.dtype == np.uint16
    assert np.array_equal(made, values)  # strength 0 returns the input


def test_pause_holds_it_and_stop_keeps_the_best(studio, picture):
    job = begin(studio, picture, **LONG)
    while not (running := studio.until(job["id"], "running"))["numbers"]:
        time.sleep(0.05)
    studio.post(f"/api/jobs/{job['id']}/pause")
    step = studio.until(job["id"], "paused")["numbers"]["step"]
    assert step >= running["numbers"]["step"]
    time.sleep(0.4)
    assert studio.job(job["id"])["numbers"]["step"] == step
    waiting = begin(studio, picture, sigma=0.1, steps=2)
    assert studio.job(waiting["id"])["state"] == "waiting"
    studio.post(f"/api/jobs/{job['id']}/resume")
    studio.until(job["id"], "running")
    begun = time.perf_counter()
    assert studio.post(f"/api/jobs/{job['id']}/stop").json()["state"] == "stopping"
    assert time.perf_counter() - begun < 1  # 0.1 s on an idle machine: docs/studio.md
    done = studio.until(job["id"], "done")
    assert done["numbers"]["stopped"]
    assert studio.get(f"/api/jobs/{job['id']}/result.png").status_code == 200
    assert studio.until(waiting["id"], "done")
    assert "cannot be paused" in studio.post(f"/api/jobs/{job['id']}/pause").json()["message"]


def test_cancel_leaves_nothing(studio, picture):
    job = begin(studio, picture, **LONG)
    studio.until(job["id"], "running")
    assert "cancel it first" in studio.client.delete(f"/api/jobs/{job['id']}").json()["message"]
    studio.post(f"/api/jobs/{job['id']}/cancel")
    studio.until(job["id"], "gone")
    assert not (studio.folder / "jobs" / job["id"]).exists()
    assert "not here any more" in studio.get(f"/api/jobs/{job['id']}/result.png").json()["message"]


def test_a_refusal_of_the_engine_is_a_sentence_and_the_queue_goes_on(studio):
    flat = studio.upload(png(np.full((20, 20), 7, np.uint8)), "flat.png").json()["id"]
    job = begin(studio, flat)
    assert "Every pixel of the picture is 7" in studio.until(job["id"], "failed")["message"]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_engine_becomes_a_sentence_and_the_queue_goes_on(studio, picture):
    job = begin(studio, picture, **LONG)
    waiting = begin(studio, picture, sigma=0.1, steps=2)
    studio.until(job["id"], "running")
    os.kill(studio.worker(), signal.SIGKILL)
    failed = studio.until(job["id"], "failed")
    assert "The engine ended unexpectedly" in failed["message"]
    assert "signal 9" in failed["message"]
    assert studio.until(waiting["id"], "done", seconds=90)
    studio.client.delete(f"/api/jobs/{job['id']}")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_restarted_studio_offers_to_resume_and_the_engine_never_outlives_it(tmp_path, noisy):
    first = Served(tmp_path)
    try:
        job = begin(first, first.upload(png(noisy[:32, :32])).json()["id"], preset="paper", steps=30)
        first.until(job["id"], "running", "done", seconds=90)
        first.post(f"/api/jobs/{job['id']}/pause")
        paused = first.until(job["id"], "paused", "done")
        engine = first.worker()
    finally:
        first.process.kill()
        first.close()
    end = time.monotonic() + 5
    while time.monotonic() < end and _alive(engine):
        time.sleep(0.05)
    assert not _alive(engine)
    if paused["state"] == "done":
        pytest.skip("the run was over before it could be paused")
    second = Served(tmp_path)
    try:
        offered = second.job(job["id"])
        assert offered["state"] == "interrupted"
        assert offered["saved"] == paused["numbers"]["step"] or offered["saved"] > 0
        second.post(f"/api/jobs/{job['id']}/resume")
        done = second.until(job["id"], "done", seconds=90)
        assert any(note.startswith("The run went on from step") for note in done["notes"])
        assert done["numbers"]["step"] == 30
    finally:
        second.close()


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_eight_pages_at_once_all_hear(studio, picture):
    heard, ready = [], threading.Barrier(9)

    def page():
        with (
            httpx.Client(base_url=studio.base, cookies=studio.client.cookies, timeout=30, trust_env=False) as client,
            client.stream("GET", "/api/events") as stream,
        ):
            lines = stream.iter_lines()
            next(lines)
            ready.wait(20)
            heard.append(next(line for line in lines if line == "event: job"))

    pages = [threading.Thread(target=page) for _ in range(8)]
    for one in pages:
        one.start()
    ready.wait(20)
    job = begin(studio, picture, sigma=0.1, steps=2)
    for one in pages:
        one.join(30)
    assert len(heard) == 8
    studio.until(job["id"], "done")


def test_a_second_studio_does_not_take_the_same_folder(studio):
    done = subprocess.run(
        [sys.executable, "-m", "untaught.cli", "studio", "--no-browser", "--port", "0", "--folder", str(studio.folder)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "Another studio is open with the folder" in done.stderr
