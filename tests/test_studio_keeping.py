"""What the studio keeps and leaves alone: nothing of anybody else is touched, and no result is lost by an end or a kill."""

from __future__ import annotations

import asyncio
import io
import json
import os
import time

import numpy as np
import pytest
from PIL import Image
from served import Served, begin, eventually, png

from untaught.core.errors import BadInput
from untaught.studio import marked
from untaught.studio.jobs import Jobs
from untaught.studio.messages import KeptMoment
from untaught.studio.pictures import Pictures
from untaught.studio.shelf import Entry, Shelf

STATES = ("waiting", "preparing", "running", "paused", "stopping", "cancelling", "finishing", "interrupted")


def foreign(folder, elsewhere):
    """Fill a folder, and the rooms that a studio makes in it, with all sorts of things that are not the studio's."""
    elsewhere.mkdir()
    (elsewhere / "dear.txt").write_text("dear")
    for room in (folder, folder / "pictures", folder / "jobs"):
        room.mkdir(exist_ok=True)
        for name in ("holiday.jpg", "about.json", "a.part", ".hidden", "lock", "x" * 16 + ".json", "x" * 16 + ".tif"):
            (room / name).write_bytes(os.urandom(40))
        for name in ("album", "y" * 16, "empty", "run"):
            (room / name / "deeper").mkdir(parents=True)
            (room / name / "job.json").write_text("{}")
            (room / name / "result.npy").write_bytes(os.urandom(40))
        (room / "copied").mkdir()
        (room / "copied" / marked.MARK).write_text("as it was called before")
        (room / "linked").symlink_to(elsewhere)
        (room / "file link").symlink_to(elsewhere / "dear.txt")
        (room / "nowhere").symlink_to(folder / "is not there")


def tree(folder):
    """Everything below, links as links: {path: bytes, or where it leads, or None for a folder}."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        found[name] = os.readlink(path) if path.is_symlink() else None if path.is_dir() else path.read_bytes()
    return found


def test_what_is_not_the_studios_stays_as_it_is_and_what_is_done_outlasts_a_kill(tmp_path, noisy):
    folder, elsewhere = tmp_path / "studio", tmp_path / "elsewhere"
    folder.mkdir()
    foreign(folder, elsewhere)
    foreign_before = tree(tmp_path)

    def untouched():
        now = tree(tmp_path)
        assert {k: now.get(k, "gone") for k in foreign_before} == foreign_before

    first = Served(folder)
    try:
        untouched()
        photo = first.upload(png(noisy[:32, :32]), "cat.png").json()["id"]
        kept = begin(first, photo, sigma=0.1, steps=2)["id"]
        removed = begin(first, photo, sigma=0.1, steps=1)["id"]
        first.until(removed, "done")
        first.until(kept, "done")
        told = eventually(lambda: (job := first.job(kept))["verdict"] and job)
        (folder / "jobs" / removed / "linked").symlink_to(elsewhere)
        first.client.delete(f"/api/jobs/{removed}")
        paths = ("result.png", "recipe.toml", "report.json", f"frames/{told['result']['n']}.jpg")
        made = [first.get(f"/api/jobs/{kept}/{path}").content for path in paths]
        preview = first.get(f"/api/pictures/{photo}/preview.jpg").content
        first.process.kill()
    finally:
        first.close()
    untouched()
    second = Served(folder)
    try:
        untouched()
        jobs = second.state()["jobs"]
        assert [job["id"] for job in jobs] == [kept]
        assert {k: v for k, v in jobs[0].items() if k not in ("bytes", "points")} == {
            k: v for k, v in told.items() if k not in ("bytes", "points")
        }
        assert [second.get(f"/api/jobs/{kept}/{path}").content for path in paths] == made
        assert second.get(f"/api/pictures/{photo}/preview.jpg").content == preview
        again = second.post(f"/api/jobs/{kept}/again/seed").json()["id"]
        second.until(again, "done")
        for id in (kept, again):
            assert second.client.delete(f"/api/jobs/{id}").status_code == 200
    finally:
        second.close()
    untouched()
    left = set(tree(tmp_path)) - set(foreign_before)
    assert left == {"studio/.untaught-studio.lock"}


@pytest.mark.parametrize("room", ["pictures", "jobs"])
def test_a_folder_that_cannot_be_used_is_refused_in_a_sentence(tmp_path, room):
    (tmp_path / room).write_text("a file")
    with pytest.raises(BadInput, match=r"cannot be used .*: name another with --folder"):
        marked.room(tmp_path / room)
    assert (tmp_path / room).read_text() == "a file"


def shelved(shelf, id, state="done", *, size=1000, **more):
    """A job on the disk as a server leaves it."""
    job = Entry(id, "denoise", None, "cat.png", {}, state=state, **more)
    place = marked.make(shelf.place(job))
    if state == "done":
        (place / "result.npy").write_bytes(bytes(size))
        (place / "7.npy").write_bytes(bytes(size))
        job.moments = (KeptMoment(7, 7, True),)
    shelf.write(job)
    return job


@pytest.mark.parametrize("state", STATES)
def test_whatever_ran_when_the_server_was_killed_is_offered_or_said_to_be_lost(tmp_path, state):
    shelf = Shelf(tmp_path / "jobs")
    fresh, stored = shelved(shelf, "fresh", state), shelved(shelf, "stored", state)
    (shelf.place(stored) / "run").mkdir()
    (shelf.place(stored) / "run" / "state-40").touch()
    asked = shelved(shelf, "asked", state, of=fresh.id)
    found = {job.id: job for job in shelf.load()}
    assert {found[id].state for id in ("fresh", "stored")} == {"interrupted"}
    assert "begins anew" in found["fresh"].message
    assert "kept at step 40" in found["stored"].message
    assert found[asked.id].state == "failed"
    assert "ask again" in found[asked.id].message


def test_a_result_that_nobody_was_told_of_is_a_result(tmp_path):
    shelf = Shelf(tmp_path / "jobs")
    job = shelved(shelf, "ended", "finishing", moments=(KeptMoment(3, 3, True),))
    (shelf.place(job) / "result.npy").write_bytes(b"samples")
    gone = shelved(shelf, "gone", "done")
    (shelf.place(gone) / "result.npy").unlink()
    found = {job.id: job for job in shelf.load()}
    assert found["ended"].state == "done"
    assert found["ended"].result.n == 3
    assert found["gone"].state == "failed"
    assert "not on the disk any more" in found["gone"].message


def test_what_an_earlier_version_kept_is_read(tmp_path):
    shelf = Shelf(tmp_path / "jobs")
    job = shelved(shelf, "old", "done")
    path = shelf.place(job) / "job.json"
    told = json.loads(path.read_text())
    told |= {"numbers": {}, "verdict": {}, "curve": [[1, 0.5, None]], "ask": {"why": "a classic method"}}
    del told["judging"]
    path.write_text(json.dumps(told))
    (found,) = shelf.load()
    assert (found.numbers, found.verdict, found.curve) == (None, None, [(1, 0.5, None)])
    assert found.ask.why == "a classic method"


def test_age_and_size_let_the_oldest_go_and_never_the_last(tmp_path):
    def jobs(days, room):
        return Jobs(Shelf(tmp_path / "jobs", days, room), Pictures(tmp_path / "pictures", 50), lambda *a, **k: None)

    now = time.time()
    shelf = Shelf(tmp_path / "jobs")
    for age in range(5):
        shelved(shelf, f"day{age}", size=100_000, ended=now - 86400 * (age + 0.5))
    waiting = shelved(shelf, "waits", "waiting")

    async def left(days, room):
        queue = jobs(days, room)
        queue._trim()
        return {job.id for job in queue.all.values()}

    assert len(asyncio.run(left(30, 2e9))) == 6
    assert asyncio.run(left(3, 2e9)) == {"day0", "day1", "day2", waiting.id}
    assert len(asyncio.run(left(30, 450_000))) == 4  # the moments on the way go first
    assert not (tmp_path / "jobs" / "day2" / "7.npy").exists()
    assert asyncio.run(left(30, 1)) == {"day0", waiting.id}


def test_a_hole_that_transparency_marked_is_opaque_in_the_download(studio, noisy):
    alpha = np.full(noisy.shape[:2], 255, np.uint8)
    alpha[10:20, 10:20] = 0
    id = studio.upload(png(np.dstack([noisy, alpha]))).json()["id"]
    job = begin(studio, id, "inpaint", mask="alpha", preset="instant")
    assert studio.until(job["id"], "done", "failed")["state"] == "done"
    made = Image.open(io.BytesIO(studio.get(f"/api/jobs/{job['id']}/result.png").content))
    assert "A" not in made.mode or np.asarray(made)[..., 3].min() == 255


def test_no_word_is_taken_for_a_file_in_the_folder_of_the_start(studio, picture, tmp_path):
    """The engine works in a folder that is empty, so a kernel by name is one although a file is called so."""
    wrong = begin(studio, picture, "deblur", kernel="pyproject.toml", steps=1)
    assert "There is no file 'pyproject.toml'" in studio.until(wrong["id"], "failed")["message"]
