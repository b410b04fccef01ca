"""A crowd and a long queue: so many pages at once that all hear of a job, then so many tiny jobs in a row, and the server's memory.

python benchmarks/studio_soak.py [--pages 100] [--jobs 500]
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tempfile
import threading
import time

import httpx
import numpy as np
from PIL import Image
from studio import begin, events, memory, order


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pages", type=int, default=100)
    options.add_argument("--jobs", type=int, default=500)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        command = [sys.executable, "-m", "untaught.cli", "studio", "--no-browser", "--port", "0", "--folder", folder]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert server.stdout is not None
        base, token = re.search(r"(http://\S+)/#t=(\S+)", server.stdout.readline()).groups()  # type: ignore[union-attr]
        client = httpx.Client(base_url=base, headers={"origin": base}, timeout=120, trust_env=False)
        client.post("/api/enter", json={"token": token})
        try:
            data = io.BytesIO()
            Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(data, "PNG")
            picture = client.post("/api/pictures", content=data.getvalue()).json()["id"]
            begin(client, picture, None, preset="instant")  # type: ignore[arg-type]
            print(f"{crowd(client, picture, asked.pages)} of {asked.pages} pages heard that a job was done")
            sizes, begun = [], time.perf_counter()
            for _ in range(asked.jobs):
                begin(client, picture, None, preset="instant")  # type: ignore[arg-type]
                sizes.append(memory(server.pid))
            tenth = sizes[min(9, len(sizes) - 1)]
            print(
                f"{asked.jobs} jobs in {time.perf_counter() - begun:.0f} s; the server has {tenth:.1f} MiB after job 10, "
                f"{sizes[-1]:.1f} after the last: {100 * (sizes[-1] / tenth - 1):+.1f} %"
            )
        finally:
            client.close()
            server.terminate()
            server.wait(15)
            log.seek(0)
            print(f"{len(log.read())} bytes in the log")


def crowd(client: httpx.Client, picture: str, pages: int) -> int:
    """How many of so many pages, all open at once, hear that one job is done."""
    heard: list[str] = []
    ready = threading.Barrier(pages + 1)
    told: dict[str, str] = {}

    def page() -> None:
        with httpx.Client(base_url=client.base_url, cookies=client.cookies, timeout=60, trust_env=False) as mine:
            for number, one in enumerate(events(mine)):
                if number == 0:
                    ready.wait(60)
                if one.get("id") and one.get("id") == told.get("job") and one.get("state") == "done":
                    heard.append(one["id"])
                    return

    threads = [threading.Thread(target=page, daemon=True) for _ in range(pages)]
    for one in threads:
        one.start()
    ready.wait(60)
    told["job"] = client.post("/api/jobs", json=order(picture, preset="instant", sigma=0.1)).json()["id"]
    for one in threads:
        one.join(60)
    return len(heard)


if __name__ == "__main__":
    main()
