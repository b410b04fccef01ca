"""The studio's own times: ready, first answer, stop acknowledged, a frame to five pages, the engine's pace, the server's memory.

    python benchmarks/studio.py [--jobs 20]

Everything goes over HTTP on the loopback, without a browser: a frame's latency is from the moment its file is on the disk (the
worker has just encoded it) to the moment the last of five pages has read it whole. Small pictures, so that the engine works all
the time and the studio is what is measured.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

PAGES = 5


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--jobs", type=int, default=20)
    count = options.parse_args().jobs
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        command = [sys.executable, "-m", "untaught.cli", "studio", "--no-browser", "--port", "0", "--folder", folder]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        base, token = re.search(r"(http://\S+)/#t=(\S+)", server.stdout.readline()).groups()  # type: ignore[union-attr]
        client = httpx.Client(base_url=base, headers={"origin": base}, timeout=120, trust_env=False)
        client.get("/")
        print(
            f"first page served {time.perf_counter() - begun:.2f} s after the command ({cpu(server.pid):.2f} s of CPU)"
        )
        client.post("/api/enter", json={"token": token})
        try:
            measure(client, server.pid, Path(folder), count)
        finally:
            client.close()
            server.terminate()
            server.wait(15)


def measure(client: httpx.Client, pid: int, folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    data = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (128, 128, 3), dtype=np.uint8)).save(data, "PNG")
    picture = client.post("/api/pictures", content=data.getvalue()).json()["id"]
    begin(client, picture, folder, preset="instant")  # the engine is loaded now
    job = client.post("/api/jobs", json=order(picture, preset="paper", steps=100_000)).json()["id"]
    late: list[float] = []
    pages = [threading.Thread(target=page, args=(client, folder, job, late), daemon=True) for _ in range(PAGES)]
    for one in pages:
        one.start()
    for one in pages:
        one.join()
    middle, worst = 1000 * statistics.median(late), 1000 * max(late)
    print(f"a frame on {PAGES} pages after {middle:.0f} ms (median of {len(late)}; at most {worst:.0f})")
    begun = time.perf_counter()
    client.post(f"/api/jobs/{job}/stop")
    print(f"stop acknowledged after {1000 * (time.perf_counter() - begun):.0f} ms")
    wait(client, job)
    mine, alone = [], []
    for _ in range(3):  # by turns: a machine has better and worse minutes
        mine.append(pace(studio_steps(client, picture)))
        alone.append(pace(command_steps(data.getvalue(), folder)))
    here, there = 1000 * statistics.median(mine), 1000 * statistics.median(alone)
    print(f"a step takes {here:.0f} ms, on the command line {there:.0f} ms: {100 * (here / there - 1):+.0f} %")
    sizes = []
    for _ in range(count):
        begin(client, picture, folder, preset="instant")
        sizes.append(memory(pid))
    tenth = sizes[min(9, len(sizes) - 1)]
    print(f"memory of the server: {tenth:.1f} MiB after job {min(10, count)}, {sizes[-1]:.1f} MiB after job {count}")


STEPS = 200


def studio_steps(client: httpx.Client, picture: str) -> Iterator[tuple[int, float]]:
    """(step, the clock) of one job, as a page hears of them."""
    job = client.post("/api/jobs", json=order(picture, preset="fast", steps=STEPS)).json()["id"]
    for told in events(client):
        for one in told.get("jobs", [told]):
            if one.get("id") == job and one.get("numbers"):
                yield one["numbers"]["step"], time.perf_counter()
                if one.get("state") in ("done", "failed"):
                    return


def command_steps(data: bytes, folder: Path) -> Iterator[tuple[int, float]]:
    """The same of the same job on the command line."""
    noisy, out = folder / "pace.png", folder / "pace-out.png"
    noisy.write_bytes(data)
    words = ["denoise", str(noisy), "-o", str(out), "--force", "--preset", "fast", "--steps", str(STEPS), "--json"]
    with subprocess.Popen([sys.executable, "-m", "untaught.cli", *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "step" in (told := json.loads(line)):
                yield told["step"], time.perf_counter()


def pace(seen: Iterator[tuple[int, float]]) -> float:
    """Seconds a step, the first twenty left out."""
    later = [(step, at) for step, at in seen if 20 <= step < STEPS]
    (first, begun), (last, ended) = later[0], later[-1]
    return (ended - begun) / (last - first)


def order(picture: str, **settings: object) -> dict[str, object]:
    return {"task": "denoise", "picture": picture, "settings": settings}


def begin(client: httpx.Client, picture: str, folder: Path, **settings: object) -> None:
    wait(client, client.post("/api/jobs", json=order(picture, **settings)).json()["id"])


def wait(client: httpx.Client, job: str) -> None:
    """Until the job is done, by the events that a page would have."""
    for told in events(client):
        jobs = told.get("jobs", [told])
        if any(j.get("id") == job and j.get("state") in ("done", "failed") for j in jobs):
            return


def events(client: httpx.Client):  # type: ignore[no-untyped-def]
    with client.stream("GET", "/api/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line[6:])


def page(client: httpx.Client, folder: Path, job: str, late: list[float]) -> None:
    """One page: fetches every newest frame that it hears of, twelve of them."""
    seen: set[int] = set()
    mine = httpx.Client(base_url=client.base_url, cookies=client.cookies, timeout=120, trust_env=False)
    for told in events(mine):
        if told.get("id") != job or not told.get("moments"):
            continue
        newest = told["moments"][-1]["n"]
        if newest in seen:
            continue
        mine.get(f"/api/jobs/{job}/frames/{newest}.jpg").raise_for_status()
        if seen:  # the first was there before the page was
            late.append(time.time() - (folder / "jobs" / job / f"{newest}.jpg").stat().st_mtime)
        seen.add(newest)
        if len(seen) > 12:
            return


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
