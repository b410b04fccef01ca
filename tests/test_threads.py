"""How many threads, on what machine, and how they wait: what a person said stays, what a recipe says is kept."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from untaught.core import machine, threads
from untaught.io import images


@pytest.fixture(autouse=True)
def untouched(monkeypatch):
    """A process before torch, on a machine of eight cores."""
    before = torch.get_num_threads()
    names = (*threads.WAITING, threads.COUNT, threads.CHOSEN)
    kept = {name: os.environ.pop(name, None) for name in names}
    monkeypatch.setattr(threads, "cores", lambda: 8)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(threads, "_most", None)
    monkeypatch.setattr(threads, "share", lambda probe=0.0: 1.0)
    yield
    for name, value in kept.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    torch.set_num_threads(before)


def prepare(monkeypatch, **how):
    with monkeypatch.context() as early:
        early.delitem(sys.modules, "torch")
        threads.prepare(**how)
    return {name: os.environ.get(name) for name in ("GOMP_SPINCOUNT", threads.COUNT)}


@pytest.mark.parametrize(("had", "number"), [(1.0, None), (0.3, None), (0.25, "2"), (0.1, "1"), (0.01, "1")])
def test_a_program_takes_no_more_threads_than_its_share_of_the_cores(monkeypatch, had, number):
    monkeypatch.setattr(threads, "share", lambda probe=0.0: had)
    assert prepare(monkeypatch) == {"GOMP_SPINCOUNT": str(threads.SPINS), threads.COUNT: number}


def test_a_container_that_may_fill_two_cores_gets_two_threads(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 2)
    assert prepare(monkeypatch)[threads.COUNT] == "2"


@pytest.mark.parametrize("name", [*threads.WAITING, threads.COUNT])
def test_what_a_person_has_set_stays(monkeypatch, name):
    monkeypatch.setattr(threads, "share", lambda probe=0.0: 0.1)
    os.environ[name] = "5"
    prepare(monkeypatch)
    assert os.environ[name] == "5"
    assert name == threads.COUNT or os.environ.get("GOMP_SPINCOUNT", "5") == "5"
    if name == threads.COUNT:
        before = torch.get_num_threads()
        threads.settle()
        threads.settle(before + 1)
        assert torch.get_num_threads() == before


def test_our_own_choice_is_no_persons(monkeypatch):
    """A process that ours has started chooses anew; one that leaves the number to each job forgets it."""
    monkeypatch.setattr(threads, "share", lambda probe=0.0: 0.1)
    assert prepare(monkeypatch)[threads.COUNT] == "1"
    assert not threads.asked()
    assert prepare(monkeypatch, count=False)[threads.COUNT] is None


def test_nothing_changes_once_torch_is_there():
    before = dict(os.environ)
    threads.prepare()
    assert dict(os.environ) == before


def test_a_job_gets_what_suits_the_machine_and_a_recorded_one_what_was_recorded(monkeypatch):
    torch.set_num_threads(2)
    monkeypatch.setattr(threads, "share", lambda probe=0.0: 0.2)
    threads.settle()
    assert torch.get_num_threads() == 1
    monkeypatch.setattr(threads, "share", lambda probe=0.0: 1.0)
    threads.settle()
    assert torch.get_num_threads() == 2
    threads.settle(3)
    assert torch.get_num_threads() == 3


def test_the_share_is_read_from_what_the_system_counts(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(threads, "ACCOUNT", tmp_path / "schedstat")
    (tmp_path / "schedstat").write_text("300 900 7\n")
    assert threads.share() == 0.25
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
    for text in (None, "0 0 0", "nothing"):
        (tmp_path / "schedstat").unlink(missing_ok=True)
        if text:
            (tmp_path / "schedstat").write_text(text)
        monkeypatch.setattr(threads.os, "getloadavg", lambda: (8.0, 0, 0))
        assert threads.share(0.01) == 0.25
        monkeypatch.setattr(threads.os, "getloadavg", lambda: (0.0, 0, 0))
        assert threads.share() == 1.0


def groups(tmp_path, monkeypatch, own, files):
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(machine, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine, "OWN", tmp_path / "own")


@pytest.mark.parametrize(
    ("own", "files"),
    [
        ("0::/a/b\n", {"a/cpu.max": "max 100000", "a/b/cpu.max": "50000 100000", "cpu.max": "300000 100000"}),
        ("0::/elsewhere\n", {"cpu.max": "100000 100000"}),
        (
            "2:cpu,cpuacct:/a\n",
            {"cpu,cpuacct/a/cpu.cfs_quota_us": "90000", "cpu,cpuacct/a/cpu.cfs_period_us": "100000"},
        ),
        ("2:cpu:/a\n1:memory:/\n", {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}),
    ],
)
def test_a_containers_quota_is_kept(tmp_path, monkeypatch, own, files):
    groups(tmp_path, monkeypatch, own, files)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda who: set(range(8)), raising=False)
    assert machine.cores() == 1


@pytest.mark.parametrize(
    ("own", "files"),
    [
        (
            "0::/a\n",
            {"a/memory.max": "5000", "a/memory.current": "4500", "a/memory.stat": "anon 1\ninactive_file 300\n"},
        ),
        ("0::/a\n", {"a/memory.max": "max", "a/memory.current": "9", "memory.max": "1000", "memory.current": "200"}),
        (
            "4:memory:/a\n",
            {
                "memory/a/memory.limit_in_bytes": "900",
                "memory/a/memory.usage_in_bytes": "100",
                "memory/memory.limit_in_bytes": "9223372036854771712",
                "memory/memory.usage_in_bytes": "100",
            },
        ),
    ],
)
def test_a_containers_memory_is_what_is_free(tmp_path, monkeypatch, own, files):
    groups(tmp_path, monkeypatch, own, files)
    assert machine.free_memory() == 800


@pytest.mark.parametrize("text", ["0::/\n", "", "4:memory:/a\n"])
def test_without_a_container_the_system_is_asked(tmp_path, monkeypatch, text):
    groups(tmp_path, monkeypatch, text, {"memory.max": "max", "memory.current": "3"})
    assert machine.free_memory() is None or machine.free_memory() > 1e7


def test_a_recipe_is_repeated_with_its_own_number(tmp_path, noisy):
    """On a machine that would now choose another one: the same bits, and nothing is said of another build."""
    from kept_runs import cli

    images.write(tmp_path / "in.png", np.ascontiguousarray(noisy[:24, :24]))
    torch.set_num_threads(2)
    words = ("--steps", 4, "--sigma", "25/255", "-q", "-o")
    assert cli("denoise", tmp_path / "in.png", *words, tmp_path / "a.png") == 0
    torch.set_num_threads(1)
    assert cli("run", tmp_path / "a.png", "--input", tmp_path / "in.png", "-q", "-o", tmp_path / "b.png") == 0
    assert torch.get_num_threads() == 2
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_an_import_changes_no_settings_and_the_command_does_before_torch():
    """In processes of their own: the library leaves its host alone."""
    lines = """
import os, sys
before = dict(os.environ)
import untaught, untaught.tasks
untaught.denoise
assert dict(os.environ) == before and "torch" not in sys.modules
from untaught.cli import main
try: main(["--version"])
except SystemExit: pass
assert os.environ["GOMP_SPINCOUNT"] and "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", lines], check=True, capture_output=True)
