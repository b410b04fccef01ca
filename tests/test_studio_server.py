"""The runs of the studio over HTTP, as a browser meets them: what they give, how they are held and ended, what they survive."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image
from served import PATIENCE, Served, begin, eventually, png

httpx = pytest.importorskip("httpx", reason="the extra test-studio is not installed")
LONG = {"preset": "paper", "steps": 100_000}


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
    return eventually(lambda: (job := studio.job(id))["verdict"] and job)


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


def test_what_cannot_be_measured_is_told_by_other_seeds_or_data_drawn_anew_or_it_is_said_why_not(
    studio, picture, noisy
):
    large = studio.upload(png(np.tile(noisy, (2, 2, 1))[:60, :60])).json()["id"]  # enough to learn from
    job = begin(studio, large, "upscale", factor=2, steps=3)
    assert studio.until(job["id"], "done")["ask"]["runs"] == 3
    asked = studio.post(f"/api/jobs/{job['id']}/unsure").json()
    done = studio.until(asked["id"], "done", "failed")
    assert not done["map"]["held"]
    assert done["map"]["most"] > 0
    assert Image.open(io.BytesIO(studio.get(f"/api/jobs/{asked['id']}/map.png").content)).size == (120, 120)
    classic = begin(studio, picture, preset="instant", sigma=0.1)
    assert studio.until(classic["id"], "done")["ask"]["runs"] > 3
    asked = studio.post(f"/api/jobs/{classic['id']}/unsure").json()
    assert studio.until(asked["id"], "done", "failed")["map"]["held"]
    blind = begin(studio, picture, "deblur", preset="instant", blind=True, size="3x3")
    assert "nothing at random" in studio.until(blind["id"], "done")["ask"]["why"]
    answer = studio.post(f"/api/jobs/{blind['id']}/unsure")
    assert answer.status_code == 400
    assert "nothing at random" in answer.json()["message"]


def test_a_place_that_takes_nothing_costs_the_result_or_the_report_and_the_queue_goes_on(studio, picture):
    first = begin(studio, picture, **LONG)
    studio.until(first["id"], "running")
    full, unjudged, fine = (begin(studio, picture, sigma=0.1, steps=2) for _ in range(3))
    (studio.folder / "jobs" / full["id"] / "result.npy").mkdir()
    (studio.folder / "jobs" / unjudged["id"] / "report.html").mkdir()
    studio.post(f"/api/jobs/{first['id']}/cancel")
    failed = studio.until(full["id"], "failed", "done")
    assert failed["message"].startswith("The disk did not take the result (")
    assert failed["message"].endswith("make room in the studio's folder. The run is kept: resume it.")
    studio.until(unjudged["id"], "done")
    told = judged(studio, unjudged["id"])
    assert told["verdict"]["kind"] not in ("", "not judged")  # only the page is missing
    assert "its report is not" in told["notes"][-1]
    assert studio.get(f"/api/jobs/{unjudged['id']}/result.png").status_code == 200
    studio.until(fine["id"], "done")
    assert judged(studio, fine["id"])["verdict"]["kind"]


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
    running = eventually(lambda: (now := studio.until(job["id"], "running"))["numbers"] and now)
    studio.post(f"/api/jobs/{job['id']}/pause")
    step = studio.until(job["id"], "paused")["numbers"]["step"]
    assert step >= running["numbers"]["step"]
    time.sleep(0.4)
    assert studio.job(job["id"])["numbers"]["step"] == step
    waiting = begin(studio, picture, sigma=0.1, steps=2)
    assert studio.job(waiting["id"])["state"] == "waiting"
    studio.post(f"/api/jobs/{job['id']}/resume")
    studio.until(job["id"], "running")
    # Answered before the run has ended: 0.1 s on an idle machine, docs/studio.md.
    assert studio.post(f"/api/jobs/{job['id']}/stop").json()["state"] == "stopping"
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
    assert studio.until(waiting["id"], "done")
    studio.client.delete(f"/api/jobs/{job['id']}")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_restarted_studio_offers_to_resume_and_the_engine_never_outlives_it(tmp_path, noisy):
    first = Served(tmp_path)
    try:
        job = begin(first, first.upload(png(noisy[:32, :32])).json()["id"], preset="paper", steps=30)
        first.until(job["id"], "running", "done")
        first.post(f"/api/jobs/{job['id']}/pause")
        paused = first.until(job["id"], "paused", "done")
        engine = first.worker()
    finally:
        first.process.kill()
        first.close()
    eventually(lambda: not _alive(engine))
    if paused["state"] == "done":
        pytest.skip("the run was over before it could be paused")
    second = Served(tmp_path)
    try:
        offered = second.job(job["id"])
        assert offered["state"] == "interrupted"
        assert offered["saved"] == paused["numbers"]["step"] or offered["saved"] > 0
        second.post(f"/api/jobs/{job['id']}/resume")
        done = second.until(job["id"], "done")
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
            httpx.Client(
                base_url=studio.base, cookies=studio.client.cookies, timeout=PATIENCE, trust_env=False
            ) as client,
            client.stream("GET", "/api/events") as stream,
        ):
            lines = stream.iter_lines()
            next(lines)
            ready.wait(PATIENCE)
            heard.append(next(line for line in lines if line == "event: job"))

    pages = [threading.Thread(target=page) for _ in range(8)]
    for one in pages:
        one.start()
    ready.wait(PATIENCE)
    job = begin(studio, picture, sigma=0.1, steps=2)
    for one in pages:
        one.join(PATIENCE)
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
