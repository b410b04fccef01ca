"""CONTRIBUTING.md keeps its word: its network, rule and task work as files of the house and as a package of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from conftest import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r'```\w+ title="([\w.]+)"\n(.*?)```', PAGE, flags=re.S))
ROOMS = {"networks": "prior/networks", "stopping": "solver/stopping", "tasks": "tasks"}
PYTHON = """
import numpy as np, untaught
from untaught.core import registry
frame = np.load("frame.npy")
print(registry.networks.get("dilated")(), registry.rules.get("enough"))
job = untaught.deinterlace.job(frame)
solution = untaught.solve(job)
print(solution.reason)
filled = job.result(solution.x)
assert filled.dtype == frame.dtype and filled.shape == frame.shape, (filled.dtype, filled.shape)
assert untaught.psnr(filled, frame) > untaught.psnr(np.repeat(frame[::2], 2, 0), frame)  # better than every known line twice
"""
COMMANDS = """
from untaught.cli import main
for words in (["deinterlace", "frame.npy", "--steps", "3", "-o", "filled.npy"], ["explain", "deinterlace", "small.npy"]):
    try:
        main(words)
    except SystemExit as end:
        assert not end.code, (words, end.code)
"""


def groups():
    return tomllib.loads(BLOCKS["pyproject.toml"])["project"]["entry-points"]


def installed(folder):
    """The blocks as an installed package has them: modules, and what its metadata says of entry points."""
    about = folder / "untaught_interlaced-0.1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: untaught-interlaced\nVersion: 0.1\n")
    sections = [
        f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()) for group, points in groups().items()
    ]
    (about / "entry_points.txt").write_text("\n".join(sections))
    for name in BLOCKS:
        (folder / name).write_text(BLOCKS[name], encoding="utf-8")
    return [folder, ROOT / "src"]


def in_the_house(folder):
    """The blocks in their rooms, in a copy of the library."""
    shutil.copytree(ROOT / "src" / "untaught", folder / "untaught", ignore=shutil.ignore_patterns("static"))
    for group, points in groups().items():
        for name in points:
            (folder / "untaught" / ROOMS[group.rpartition(".")[2]] / f"{name}.py").write_text(BLOCKS[f"{name}.py"])
    return [folder]


def ran(command, path, cwd):
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path)), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *command], cwd=cwd, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("way", [installed, in_the_house], ids=["package", "files"])
def test_the_parts_of_the_page_work(way, tmp_path, photo):
    path = way(tmp_path / "site")
    frame = photo[:32, :36]
    np.save(tmp_path / "frame.npy", frame)
    np.save(tmp_path / "small.npy", photo[:16, :18])
    if way is installed:  # the command alone says that files are found
        said = ran(["-c", PYTHON + COMMANDS], path, tmp_path)
        assert "Dilated(width=32, layers=3)" in said
        assert "steps are enough for a picture of this size" in said
    else:
        ran(["-c", COMMANDS], path, tmp_path)
    filled = np.load(tmp_path / "filled.npy")
    assert filled.shape == frame.shape
    assert filled.dtype == np.uint8


@pytest.mark.slow
def test_the_laws_sweep_over_them(tmp_path):
    path = in_the_house(tmp_path / "site")
    laws = [str(ROOT / "tests" / name) for name in ("test_networks.py", "test_ends.py")]
    said = ran(["-m", "pytest", *laws, "-k", "dilated or Enough", "-p", "no:cacheprovider"], path, ROOT)
    assert int(re.search(r"(\d+) passed", said).group(1)) >= 10


def test_the_page_names_what_is_there():
    for path in re.findall(r"`(?:python )?((?:tests|docs|src|\.ci)/[\w/.-]+\.\w+)`", PAGE):
        mine = path.split("/")[-1] in BLOCKS or path in ("tests/test_frozen.py", "tests/frozen.py")
        assert mine or (ROOT / path).exists(), path
