"""The command line as a user meets it: files, exit codes, sentences, interrupts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

FEW = ["--sigma", "25/255", "--steps", "6"]


@pytest.fixture
def folder(tmp_path, noisy, monkeypatch):
    Image.fromarray(noisy[:32, :32]).save(tmp_path / "noisy.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_help_is_quick_and_names_every_task(untaught):
    begun = os.times()
    done = subprocess.run([sys.executable, "-m", "untaught", "--help"], capture_output=True, text=True)
    ended = os.times()  # of the processor, whoever else is at work
    assert ended.children_user + ended.children_system - begun.children_user - begun.children_system < 3
    assert done.returncode == 0
    assert "denoise" in done.stdout
    code, out, _ = untaught("denoise", "--help")
    assert code == 0
    for option in ("--sigma", "--preset", "--seed", "--device", "--output", "--force", "--json"):
        assert option in out
    assert out.index("--preset") < out.index("--strength") < out.index("--output") < out.index("For experts")
    assert out.index("For experts") < out.index("--sigma")
    code, _, err = untaught("denoise")
    assert (code, err) == (2, "untaught: Which picture? For example: untaught denoise photo.jpg\n")


def test_a_picture_on_disk_becomes_a_better_picture_on_disk(untaught, folder, noisy):
    code, _, err = untaught("denoise", "noisy.png", *FEW)
    assert code == 0
    assert re.search(r"Saved noisy\.untaught\.png \(\d+ s\)\.", err)
    made = pixels(folder / "noisy.untaught.png")
    assert made.shape == (32, 32, 3)
    assert made.dtype == np.uint8
    assert not np.array_equal(made, noisy[:32, :32])


def test_the_file_is_what_the_library_returns(untaught, folder):
    import untaught as library

    untaught("denoise", "noisy.png", "-o", "out.png", *FEW, "--seed", "7", "-q")
    array = library.denoise(folder / "noisy.png", sigma=25 / 255, steps=6, seed=7)
    assert np.array_equal(pixels(folder / "out.png"), array)


@pytest.mark.parametrize(("mode", "suffix"), [("L", ".png"), ("L", ".jpg"), ("RGB", ".jpg")])
def test_grey_stays_grey_and_the_format_is_kept(mode, suffix, untaught, folder, noisy):
    Image.fromarray(noisy[:20, :24]).convert(mode).save(folder / f"in{suffix}")
    assert untaught("denoise", f"in{suffix}", *FEW)[0] == 0
    with Image.open(folder / f"in.untaught{suffix}") as made:
        assert (made.mode, made.size) == (mode, (24, 20))


def test_an_existing_file_needs_force_and_the_input_is_never_written_over(untaught, folder):
    before = (folder / "noisy.png").read_bytes()
    (folder / "out.png").write_bytes(b"mine")
    code, _, err = untaught("denoise", "noisy.png", "-o", "out.png", *FEW)
    assert (code, (folder / "out.png").read_bytes()) == (2, b"mine")
    assert "--force" in err
    assert untaught("denoise", "noisy.png", "-o", "out.png", "--force", *FEW)[0] == 0
    assert pixels(folder / "out.png").shape == (32, 32, 3)
    for same in ("noisy.png", "./noisy.png"):
        code, _, err = untaught("denoise", "noisy.png", "-o", same, "--force", *FEW)
        assert code == 2
        assert "input" in err
    assert (folder / "noisy.png").read_bytes() == before


def test_json_streams_the_iterates(untaught, folder):
    code, out, _ = untaught("denoise", "noisy.png", *FEW, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["step"] for line in lines[:-1]] == list(range(1, 7))
    assert all(isinstance(line["energy"], float) for line in lines[:-1])
    assert lines[-2]["progress"] == 1
    assert lines[-1]["output"].endswith("noisy.untaught.png")
    assert lines[-1]["reason"] == "all 6 steps are done"


def refusals(folder):
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "noisy.png").read_bytes()[:300])
    (folder / "text.png").write_text("this is no picture")
    Image.new("RGB", (8, 8), "red").save(folder / "red.png")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.png"], ["missing.png"]),
        (["empty.png"], ["empty"]),
        (["cut.png"], ["cut.png"]),
        (["text.png"], ["text.png"]),
        (["."], ["folder"]),
        (["red.png"], ["nothing to restore"]),
        (["noisy.png", "--sigma", "25"], ["25/255"]),
        (["noisy.png", "--sigma", "0"], ["sigma = 0"]),
        (["noisy.png", "--sigma", "lots"], ["25/255"]),
        (["noisy.png", "--preset", "fats"], ["'fast'"]),
        (["noisy.png", "--sgima", "0.1"], ["--sigma"]),
        (["noisy.png", "--steps", "0"], ["0"]),
        (["noisy.png", "--device", "cuda:9"], ["cuda:9", "cpu"]),
        (["noisy.png", "-o", "nowhere/out.png"], ["nowhere"]),
        (["noisy.png", "-o", "out.xyz"], ["xyz"]),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_code_2(arguments, words, untaught, folder):
    refusals(folder)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    code, out, err = untaught("denoise", *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("untaught: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    for word in words:
        assert word in err
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_folder_that_cannot_be_written_is_found_before_the_work(untaught, folder, monkeypatch):
    monkeypatch.setattr("untaught.solver.loop.Run.__next__", lambda self: pytest.fail("the work was started"))
    assert untaught("denoise", "noisy.png", "-o", "nowhere/out.png")[0] == 2


def test_an_interrupt_ends_between_two_steps_and_keeps_the_best(folder):
    """As a person starts it; test_resume.py sends both signals."""
    command = [
        sys.executable,
        "-m",
        "untaught.cli",
        "denoise",
        "noisy.png",
        "--sigma",
        "0.1",
        "--steps",
        "100000",
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
        for _ in range(5):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted at step" in json.loads(out.splitlines()[-1])["reason"]
    assert pixels(folder / "noisy.untaught.png").shape == (32, 32, 3)


def test_a_second_interrupt_is_immediate(folder):
    command = [
        sys.executable,
        "-c",
        "import os, signal, sys, untaught.solver.loop as r\n"
        "def step(self):  # signals to oneself are obeyed before the next line\n"
        "    for which in ('first', 'second'):\n"
        "        os.kill(os.getpid(), signal.SIGINT); print(which, flush=True)\n"
        "    sys.exit('the step goes on')\n"
        "r.Run.__next__ = step\nfrom untaught.cli import main\nmain(['denoise', 'noisy.png', '--sigma', '0.1'])",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert (done.returncode, done.stdout) == (130, "first\n")
    assert "Traceback" not in done.stderr


def test_the_demo_shows_before_and_after(untaught, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("untaught.bench.demo.sample", small_sample)
    code, out, _ = untaught("demo")
    assert code == 0
    assert "dB before" in out
    assert pixels("untaught-demo.png").shape == (18, 3 * 20 + 16, 3)


def small_sample(seed):
    rng = np.random.default_rng(seed)
    clean = np.tile(np.linspace(40, 200, 20), (18, 1))[..., None].repeat(3, 2).astype(np.uint8)
    return clean, np.clip(clean + rng.normal(0, 25, clean.shape), 0, 255).astype(np.uint8), 25 / 255
