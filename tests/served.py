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
        self.client = httpx.Client(base_url=self.base, headers={"origin": self.base}, timeout=60, trust_env=False)
        self.client.post("/api/enter", json={"token": self.token})

    def close(self):
        self.client.close()
        self.process.terminate()
        assert self.process.wait(15) is not None
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

    def until(self, id, *states, seconds=60.0):
        """Wait for the job to be in one of the states; returns it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job = self.job(id)
            if (job["state"] if job else "gone") in states:
                return job
            time.sleep(0.1)
        raise AssertionError(f"{job} is none of {states} after {seconds} s")

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
