"""`untaught studio` in a process of its own, and what tests of its server and of its page ask of it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the extra test-studio is not installed")
httpx = pytest.importorskip("httpx", reason="the extra test-studio is not installed")
pytest.importorskip("uvicorn", reason="the extra test-studio is not installed")

PATIENCE = 600  # seconds after which a wait has failed: a studio that hangs is found, and a machine that is busy passes

ENDS = ("done", "failed", "gone")


def eventually(ask):
    """What `ask` returns, once it is something; it is asked again and again, and an `AssertionError` after all patience."""
    end = time.monotonic() + PATIENCE
    while not (found := ask()):
        assert time.monotonic() < end, f"nothing after {PATIENCE} s"
        time.sleep(0.05)
    return found


class Served:
    """`untaught studio` in a process of its own, and a client that has its key."""

    def __init__(self, folder, *more, stderr=None):
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
            stderr=stderr,
            text=True,
            env=environment,
        )
        line = self.process.stdout.readline()
        self.base, self.token = re.search(r"(http://\S+)/#t=(\S+)", line).groups()
        self.client = httpx.Client(base_url=self.base, headers={"origin": self.base}, timeout=PATIENCE, trust_env=False)
        self.client.post("/api/enter", json={"token": self.token})

    def close(self):
        self.client.close()
        self.process.terminate()
        assert self.process.wait(PATIENCE) is not None
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

    def until(self, id, *states):
        """Wait for the job to be in one of the states; returns it, None where it is "gone"."""

        def there():
            job = self.job(id)
            state = job["state"] if job else "gone"
            assert state in states or state not in ENDS, f"the job is {state}, and none of {states}: {job}"
            return [job] if state in states else None

        return eventually(there)[0]

    def worker(self):
        """The process id of the engine."""
        children = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        )
        return next(int(line.split()[0]) for line in children.stdout.splitlines() if "spawn_main" in line)


def png(array, **how):
    out = io.BytesIO()
    Image.fromarray(array).save(out, how.pop("kind", "PNG"), **how)
    return out.getvalue()


def begin(studio, picture, task="denoise", **settings):
    return studio.post("/api/jobs", json={"task": task, "picture": picture, "settings": settings}).json()
