"""Laws of a folder of pictures: each as by its own command, a failure is an entry, what is done stays, nothing else is touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from kept_runs import cli
from skimage import data

from untaught.core.errors import BadInput
from untaught.io import images
from untaught.scale import crew
from untaught.scale.crew import Crew, Died, suited
from untaught.scale.gathering import Item, Part, gather
from untaught.scale.manifest import Manifest, Outcome

DAMAGED = 10


def noisy(number: int, side: int = 12) -> np.ndarray:
    rng = np.random.default_rng(number)
    row, column = rng.integers(0, 512 - side, 2)
    clean = data.camera()[row : row + side, column : column + side]
    return np.clip(clean + rng.normal(0, 25, (side, side)), 0, 255).astype(np.uint8)


def scans(folder: Path, count: int, damaged: int = 0, side: int = 12) -> Path:
    """`count` pictures in two folders; so many of them, spread evenly, are cut off."""
    for i in range(count):
        path = folder / "scans" / f"{i % 2}" / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        images.write(path, noisy(i, side))
        if damaged and i % (count // damaged) == 0:
            path.write_bytes(path.read_bytes()[:60])
    return folder / "scans"


def entries(folder: Path) -> list[dict]:
    return [
        json.loads(line) for file in sorted(folder.glob("manifest*.jsonl")) for line in file.read_text().splitlines()
    ]


def results(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*.png"))}


def batch(where: Path, *more: object, to: str = "out") -> int:
    return cli(
        "batch", "denoise", where / "**/*.png", "--preset", "instant", "-o", where.parent / to, "--workers", 1, *more
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Processes that have everything imported already; those of the command that is interrupted below start as a person's."""
    monkeypatch.setattr(crew, "START", "forkserver")


@pytest.fixture
def once(tmp_path: Path, one_thread: None) -> Path:
    """A folder with four pictures."""
    return scans(tmp_path, 4)


def test_ten_damaged_of_many_are_ten_entries_and_the_rest_is_restored(tmp_path: Path, capsys):
    where, out = scans(tmp_path, 40, DAMAGED), tmp_path / "out"
    assert batch(where) == 1
    said = capsys.readouterr().err
    assert said.count("is incomplete or damaged") == DAMAGED
    assert "30 of 40 pictures are restored" in said
    assert f"{DAMAGED} failed" in said
    found = entries(out)
    assert len({e["input"] for e in found}) == len(found) == 40
    failed = [e for e in found if e["state"] == "failed"]
    assert len(failed) == DAMAGED
    assert all("truncated" in e["error"] for e in failed)
    done = [e for e in found if e["state"] == "done"]
    assert sorted(e["output"] for e in done) == list(results(out))
    assert all(len(e["sha256"]) == 64 and e["seconds"] > 0 and e["verdict"] and e["recipe"]["task"] for e in done)
    assert all((out / e["thumbnail"]).read_bytes().startswith(b"\xff\xd8") for e in done)
    page = (out / "report.html").read_text()
    assert page.index("Failed (10)") < page.index("Not judged (30)")
    assert all(e["output"] in page for e in found)

    # A second run skips what is done and what failed; with --retry it looks at what failed, and one that was mended is done.
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*.png")}
    images.write(tmp_path / "scans/0/000.png", noisy(0))
    assert batch(where, "--retry") == 1
    assert "31 of 40 pictures are restored" in capsys.readouterr().err
    assert len(entries(out)) == 40 + DAMAGED
    assert {p: t for p, t in before.items() if p.stat().st_mtime_ns != t} == {}
    assert batch(where) == 1
    assert len(entries(out)) == 40 + DAMAGED


def test_each_is_as_by_its_own_command_whatever_the_workers_and_the_part(once: Path):
    files, way = sorted(once.rglob("*.png"))[:3], ("--steps", 2, "-q", "-o")
    (once.parent / "alone").mkdir()
    for path in files:
        (once.parent / "alone" / path.parent.name).mkdir(exist_ok=True)
        assert cli("denoise", path, *way, once.parent / "alone" / path.parent.name / path.name) == 0
    assert cli("batch", "denoise", once, *way, once.parent / "two", "--workers", 2) == 0
    assert cli("denoise", *files, *way, once.parent / "files") == 0
    assert cli("batch", "denoise", *files, *way, once.parent / "part", "--part", "2/2", "--workers", 1) == 0
    alone, two, several, part = (results(once.parent / n) for n in ("alone", "two", "files", "part"))
    assert several == alone
    assert alone.items() <= two.items()
    assert part.items() <= alone.items()
    assert (len(two), len(part)) == (4, 1)
    assert (once.parent / "part" / "manifest-2-of-2.jsonl").exists()


def test_each_picture_has_its_own_mask(once: Path):
    masks = once.parent / "masks"
    for i, path in enumerate(sorted(once.rglob("*.png"))):
        (masks / path.parent.name).mkdir(parents=True, exist_ok=True)
        mask = np.zeros((12, 12), np.uint8)
        mask[3 + i, 4:7] = 255
        if i:
            images.write(masks / path.relative_to(once), mask)
    way = ("--mask", masks / "{name}.png", "--preset", "instant", "--workers", 1)
    assert cli("batch", "inpaint", once, *way, "-o", once.parent / "filled") == 1
    (failed,) = (e for e in entries(once.parent / "filled") if e["state"] == "failed")
    assert "masks/0/000.png" in failed["error"]
    for name in results(once.parent / "filled"):
        apart = images.read(once.parent / "filled" / name).pixels != images.read(once / name).pixels
        assert apart.any()
        assert not apart[images.read(masks / name).pixels == 0].any()


def test_nothing_that_is_there_is_written_over(once: Path, capsys):
    out = once.parent / "out"
    (out / "0").mkdir(parents=True)
    for name in ("0/000.png", "report.html"):
        (out / name).write_bytes(b"mine")
    assert batch(once) == 1
    said = capsys.readouterr().err
    assert "exists already" in said
    assert "report.html' exists" in said or "was taken by another file" in said or "report.1.html" in said
    assert [(out / name).read_bytes() for name in ("0/000.png", "report.html")] == [b"mine", b"mine"]
    assert len(results(out)) == 4

    # Results of other settings are not mixed with these, and a result that was lost, or whose picture changed, is made again.
    assert cli("batch", "denoise", once, "-o", out, "--preset", "instant", "--strength", 0.5) == 2
    assert "with other settings (preset instant)" in capsys.readouterr().err
    (out / "1/001.png").unlink()
    images.write(once / "1/003.png", noisy(99))
    before = results(out)
    assert batch(once) == 1
    after = results(out)
    assert "1/001.png" in after
    assert {n for n in before if before[n] != after[n]} == {"1/003.png"}


def test_inputs_are_never_written_over(once: Path, capsys):
    before = results(once)
    for where, folder in ((once, once), (once / "**/*.png", once), (once / "0/*.png", once / "0")):
        assert cli("batch", "denoise", where, "-o", folder, "--force", "--preset", "instant") == 2
        assert "no picture" in capsys.readouterr().err
    assert cli("denoise", once / "0/000.png", once / "0/002.png", "-o", once / "0") == 2
    assert "is a picture, which is never overwritten" in capsys.readouterr().err
    assert results(once) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing/*.png"], "names no picture"),
        ([], "No picture is named"),
        (["scans", "--part", "5/4"], "is no part"),
        (["scans", "--part", "one"], "is no part"),
        (["scans", "--workers", "0"], "nobody to work"),
        (["scans", "--preset", "swift"], "There is no preset 'swift'"),
        (["scans", "--device", "cuda:77"], "is not there"),
        (["scans", "--sigma", "-1"], "outside what it can be"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(once: Path, words: list[str], said: str, capsys, monkeypatch):
    monkeypatch.chdir(once.parent)
    assert cli("batch", "denoise", *words, "-o", "out") == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_a_folder_that_is_none_and_a_manifest_that_is_none(once: Path, capsys):
    (once.parent / "file").write_text("mine")
    assert batch(once, to="file") == 2
    assert "is a file" in capsys.readouterr().err
    assert batch(once, to="no/such") == 2
    assert "cannot be made" in capsys.readouterr().err
    (once.parent / "out").mkdir()
    (once.parent / "out" / "manifest.jsonl").write_text("a list of mine\nand more\n")
    assert batch(once) == 2
    assert "is no file of ours (line 1)" in capsys.readouterr().err


def test_an_interrupt_ends_it_and_keeps_what_is_finished(tmp_path: Path):
    """However long the picture in hand takes to end: the seconds that it has are the next test's."""
    where, out = scans(tmp_path, 40), tmp_path / "out"
    words = ["batch", "denoise", str(where), "-o", str(out), "--workers", "1", "--steps", "2", "--json"]
    code = f"from untaught.scale import crew; crew.GRACE = 1e3; from untaught.cli import main; main({words})"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as it:
        first = json.loads(it.stdout.readline())
        it.send_signal(signal.SIGINT)
        _, said = it.communicate()
    assert it.returncode == 130
    assert first["state"] == "done"
    assert "What is finished is kept" in said
    kept = results(out)
    assert 1 <= len(kept) < 40
    assert {e["output"] for e in entries(out)} == set(kept)
    assert not list(out.rglob("*.tmp"))


def _endless(piece, line):
    """Work that is told to stop, and does not."""
    line.tell(piece)
    while True:
        time.sleep(1)


def test_a_piece_that_does_not_end_when_told_to_is_ended_within_five_seconds(monkeypatch):
    assert crew.GRACE + crew.TICK < 5
    monkeypatch.setattr(crew, "GRACE", 0.1)
    one = Crew(1, _endless, lambda piece, what: one.stop())
    assert list(one.answers(iter(range(3)))) == []
    assert not one.members


def _sum(piece, line):
    """Work whose process dies once, on the third piece."""
    if piece == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    line.tell(piece)
    return piece * piece


def test_a_killed_process_costs_its_piece_and_no_other():
    heard = []
    two = Crew(2, _sum, lambda piece, what: heard.append(what))
    found = dict(two.answers(iter(range(8))))
    assert isinstance(found.pop(3), Died)
    assert found == {i: i * i for i in range(8) if i != 3}
    assert sorted(heard) == sorted(found)
    assert str(Died(-9)).startswith("Its process was killed (signal 9)")


@pytest.mark.parametrize("count", [1, 2, 7, 16])
def test_parts_make_up_the_whole(count: int):
    items = [Item(Path(f"{i}"), f"{i}") for i in range(37)]
    shares = [Part.of(f"{k}/{count}")(items) for k in range(1, count + 1)]
    assert {x for share in shares for x in share} == set(items)
    assert sum(map(len, shares)) == len(items)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_names_of_results(tmp_path: Path, monkeypatch):
    where = scans(tmp_path, 4)
    monkeypatch.chdir(tmp_path)
    by_pattern = gather(["scans/**/*.png"], Path("out"))
    assert [i.name for i in by_pattern] == ["0/000.png", "0/002.png", "1/001.png", "1/003.png"]
    assert [i.name for i in gather(["scans"], Path("out"))] == [i.name for i in by_pattern]
    assert [i.name for i in gather(["scans/0/000.png", "scans/1/001.png"], Path("out"))] == ["0/000.png", "1/001.png"]
    assert [i.name for i in gather(["scans/0/000.png"], Path("out"))] == ["000.png"]
    (where / "0/000.png").rename(where / "0/[1]")
    assert [i.name for i in gather([where / "0/[1]"], Path("out"))] == [
        "[1].png"
    ]  # a name, and no pattern; PNG by what it holds
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        images.write(tmp_path / folder / "x.png", noisy(0))
    with pytest.raises(BadInput, match="would both be 'x.png'"):
        gather(["a", "b"], Path("out"))


def test_a_manifest_survives_a_line_that_was_cut_off(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"x")
    one = Manifest(tmp_path, Part())
    made = Outcome("in.png", "a.png", "done", "denoise", {"sigma": 0.1}, notes=("said",), size=(3, 4))
    one.add(made)
    with one.path.open("ab") as file:
        file.write(b'{"input": "cut')
    again = Manifest(tmp_path, Part())
    assert again.entries == {"a.png": made}
    again.add(made)
    assert Manifest(tmp_path, Part()).entries == {"a.png": made}


def test_as_many_processes_as_cores_and_memory_allow(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("untaught.scale.crew.cores", lambda: 8)
    monkeypatch.setattr("untaught.scale.crew.free_memory", lambda: 5 * 2.0**30)
    assert suited(100) == 5
    assert suited(3) == 3
    assert suited(100, "cuda") == 1
    assert suited(100, "cpu", 2**30) == 2
    assert suited(100, "cpu", 2**40) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert suited(100) == 2
