"""Laws of a cluster: the same bits as here, also where a worker is killed; and what is not there is said."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from kept_runs import cli
from tiled import CLEAN, noisy

distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")


def test_a_scheduler_that_is_not_there(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr("untaught.scale.cluster.WAIT", 0.5)
    np.save(tmp_path / "in.npy", noisy("grey"))
    assert cli("denoise", tmp_path / "in.npy", "-o", tmp_path / "out.npy", "--scheduler", "tcp://127.0.0.1:9") == 2
    said = capsys.readouterr().err
    assert "No scheduler answers at tcp://127.0.0.1:9" in said
    assert len(said.strip().splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["in.npy"]


@pytest.mark.parametrize("address", ["", "host", "host:8786", "tcp://host", "tcp://host:99999", "http://host:80"])
def test_what_is_no_address_is_said_at_once(tmp_path: Path, address: str, capsys):
    np.save(tmp_path / "in.npy", noisy("grey"))
    assert cli("denoise", tmp_path / "in.npy", "-o", tmp_path / "out.npy", "--scheduler", address) == 2
    said = capsys.readouterr().err
    assert f"'{address}' is no address of a scheduler" in said
    assert len(said.strip().splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["in.npy"]


@pytest.mark.filterwarnings("ignore")
def test_something_else_that_listens_there(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr("untaught.scale.cluster.WAIT", 0.5)
    np.save(tmp_path / "in.npy", noisy("grey"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        assert cli("denoise", tmp_path / "in.npy", "-o", tmp_path / "out.npy", "--scheduler", address) == 2
    assert f"No scheduler answers at {address}" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["in.npy"]


@pytest.mark.slow
@pytest.mark.usefixtures("small_tiles")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("killing", [False, True])
def test_the_same_bits_whoever_works_and_whoever_dies(tmp_path: Path, killing: bool, monkeypatch, capsys):
    clean = np.tile(CLEAN["grey"], (2, 2))
    picture = np.clip(clean + np.random.default_rng(0).normal(0, 25, clean.shape), 0, 255).astype(np.uint8)
    np.save(tmp_path / "in.npy", picture)
    way = ("denoise", tmp_path / "in.npy", "--preset", "instant", "-o")
    assert cli(*way, tmp_path / "here.npy", "--memory", "8GB", "--workers", 2) == 0
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=None
    ) as cluster:
        done = tmp_path / "there.npy.tiles" / "done"

        def kill() -> None:
            while not (done.exists() and len(done.read_text().splitlines()) > 1):
                time.sleep(0.05)
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)

        if killing:
            threading.Thread(target=kill, daemon=True).start()
        assert cli(*way, tmp_path / "there.npy", "--scheduler", cluster.scheduler_address) == 0
    assert "The work is watched at" in capsys.readouterr().err
    assert np.array_equal(np.load(tmp_path / "here.npy"), np.load(tmp_path / "there.npy"))
    assert not list(tmp_path.glob("*.tiles"))
