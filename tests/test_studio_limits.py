"""Laws over every route of the studio, walked from the application (bodies, HEAD, keys), and over crowds and dying engines."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import sys
import time

import pytest
from fake_engines import broken, dying, hasty, mute
from served import PATIENCE, Served, httpx

from untaught.studio import worker
from untaught.studio.connections import Bounded
from untaught.studio.events import Stream
from untaught.studio.guard import SMALL, TINY
from untaught.studio.messages import MakeThumbnail
from untaught.studio.pictures import Pictures
from untaught.studio.server import Studio, create_app

BASE = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def light(monkeypatch):
    """A process that is spawned imports the program that spawns it, which costs more here than all that is asked of it."""
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)


@pytest.fixture
def app(tmp_path):
    return create_app(Studio(tmp_path, token="key", engine=mute), hosts=set(), port=1)


def leaves(router):
    """The routes themselves, where a router holds another as one of its own."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        yield from (route,) if inner is None else leaves(inner)


def routes(app):
    """(method, path) of every route, with words for what stands in braces."""
    found = []
    for route in leaves(app.app):
        for method in getattr(route, "methods", None) or {"GET"}:
            path = re.sub(r"\{n\}", "1", re.sub(r"\{\w+\}", "word", getattr(route, "path", "") or "/"))
            found.append((method, path))
    assert len(found) > 20
    return found


class Body:
    """A body in pieces, which counts what was taken of it."""

    def __init__(self, pieces, size=10_000):
        self.pieces, self.size, self.taken = pieces, size, 0

    async def receive(self):
        self.taken += 1
        return {"type": "http.request", "body": bytes(self.size), "more_body": self.taken < self.pieces}


async def ask(app, method, path, *, body=None, key=True, length=None):
    """(status, headers, body) of one request, straight at the application."""
    headers = [(b"host", b"127.0.0.1:1"), (b"origin", BASE.encode())]
    headers += [(b"cookie", b"untaught-1=key")] if key else []
    headers += [] if body is None else [(b"transfer-encoding", b"chunked")]
    headers += [] if length is None else [(b"content-length", str(length).encode())]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 1), "root_path": ""}
    scope |= {"asgi": {"version": "3.0", "spec_version": "2.3"}, "client": ("127.0.0.1", 2)}
    sent = []

    async def send(event):
        sent.append(event)

    begun = iter([0.0])

    async def nothing():
        await asyncio.sleep(next(begun, 3600))
        return {"type": "http.request", "body": b"", "more_body": False}

    await asyncio.wait_for(app(scope, nothing if body is None else body.receive, send), PATIENCE)
    answer = b"".join(e.get("body", b"") for e in sent if e["type"] == "http.response.body")
    return sent[0]["status"], dict(sent[0]["headers"]), answer


def test_no_route_takes_a_body_that_it_does_not_need(app, tmp_path):
    for method, path in routes(app):
        upload = (method, path) == ("POST", "/api/pictures")
        most = Pictures(tmp_path, 50).most if upload else TINY if path == "/api/enter" else SMALL
        status, _, said = asyncio.run(ask(app, method, path, length=most + 1))
        assert status == 413, (method, path)
        assert method == "HEAD" or str(most) in said.decode() or upload
        if not upload:  # whose bytes are counted in test_studio_safety
            body = Body(10_000)
            status, _, _ = asyncio.run(ask(app, method, path, body=body))
            assert status == 413, (method, path)
            assert body.taken * body.size <= most + body.size


def test_nothing_is_read_from_who_has_no_key(app):
    for method, path in routes(app):
        if not path.startswith("/api/"):
            continue
        body = Body(10_000)
        status, headers, _ = asyncio.run(ask(app, method, path, body=body, key=False))
        assert status == (413 if path == "/api/enter" else 401), (method, path)
        assert body.taken * body.size <= TINY + body.size
        assert headers[b"connection"] == b"close"


def test_head_is_get_without_a_body_on_every_route(app):
    for method, path in routes(app):
        if method != "GET" or path.startswith("/api/examples"):  # which the mute engine would have to make
            continue
        status, headers, body = asyncio.run(ask(app, "HEAD", path))
        assert body == b""
        if path == "/api/events":
            assert (status, headers[b"content-type"][:17]) == (200, b"text/event-stream")
            continue
        same, others, _ = asyncio.run(ask(app, "GET", path))
        assert (status, headers.get(b"content-type")) == (same, others.get(b"content-type")), path


@pytest.mark.parametrize(("engine", "deaths"), [(dying, 30), (broken, 3)])
def test_after_any_number_of_deaths_there_is_another_engine(tmp_path, engine, deaths):
    async def live():
        studio = Studio(tmp_path, engine=engine)
        seen = set()
        studio.jobs.begin()
        end = time.monotonic() + PATIENCE
        try:
            while len(seen) <= deaths:
                assert time.monotonic() < end
                seen.add(studio.jobs.link.pid)
                if studio.jobs.engine.state == "ready" and studio.jobs.active is None:
                    studio.jobs.add("testing", None, "nothing", {})
                await asyncio.sleep(0.01)
            failed = [job for job in studio.jobs.all.values() if job.state == "failed"]
            assert all("The engine ended unexpectedly" in job.message for job in failed)
            assert engine is broken or len(failed) >= deaths
        finally:
            studio.end()

    asyncio.run(live())


def test_a_call_is_answered_although_there_is_no_engine(tmp_path):
    async def live():
        studio = Studio(tmp_path, engine=broken)
        studio.jobs.begin()
        begun = time.monotonic()
        while time.monotonic() - begun < 1:
            with pytest.raises(worker.UntaughtError, match="try again"):
                await asyncio.wait_for(studio.jobs.link.call(MakeThumbnail("grain")), PATIENCE)
        studio.end()

    asyncio.run(live())


def test_no_picture_is_looked_at_for_ever(tmp_path):
    """What is measured is known whenever it is told; a page hears it however late it listens; a death over it is said."""

    async def piece():
        yield b"\x89PNG\r\n\x1a\n"

    async def hand_in(studio, name):
        return await studio.open(await studio.pictures.take(piece(), name, "picture"))

    async def live():
        studio = Studio(tmp_path, engine=hasty)
        studio.jobs.begin()
        heard = []

        async def listen():
            async for said in Stream(studio.events, studio.jobs, studio.pictures):
                heard.append(said)

        listener = asyncio.create_task(listen())
        try:
            first = await hand_in(studio, "first.png")
            assert first.measured.found == ("grain",)  # although it was told before the answer
            stream = aiter(Stream(studio.events, studio.jobs, studio.pictures))
            said = [await asyncio.wait_for(anext(stream), PATIENCE) for _ in range(2)]
            assert "event: state" in said[0]
            assert "event: picture" in said[1]
            assert first.id in said[1]
            last = await hand_in(studio, "deadly.png")
            end = time.monotonic() + PATIENCE
            while last.measured is None:
                assert time.monotonic() < end
                await asyncio.sleep(0.01)
            assert "choose yourself" in last.measured.found[0]
            assert first.measured.found == ("grain",)
            while not any("choose yourself" in said for said in heard):
                assert time.monotonic() < end
                await asyncio.sleep(0.01)
            assert not listener.done()
        finally:
            listener.cancel()
            studio.end()

    asyncio.run(live())


def test_a_log_is_bounded():
    bound = Bounded(100)
    records = [logging.makeLogRecord({"msg": f"line {i}"}) for i in range(5000)]
    kept = [r.getMessage() for r in records if bound.filter(r)]
    assert len(kept) == 101
    assert "more to say" in kept[-1]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"
        ),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_a_want_of_memory_is_one_sentence_with_the_remedy(error, capsys):
    assert "not enough memory" in worker.sentence(error)
    assert "restore a part of the picture" in worker.sentence(error)
    assert capsys.readouterr().err == ""


def test_a_crowd_that_says_nothing_keeps_no_page_out_and_closed_pages_leave_no_traceback(tmp_path):
    with (tmp_path / "log").open("w") as log:
        served = Served(tmp_path / "studio", stderr=log)
        port = int(served.base.rsplit(":", 1)[1])
        head = f"Host: 127.0.0.1:{port}\r\nOrigin: {served.base}\r\n"
        head += "Cookie: " + "; ".join(f"{k}={v}" for k, v in served.client.cookies.items()) + "\r\n"
        crowd = []
        try:
            for i in range(300):
                wire = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
                wire.sendall((b"", b"GET / HT", f"GET / HTTP/1.1\r\n{head}".encode())[i % 3])
                crowd.append(wire)
            with httpx.Client(base_url=served.base, timeout=PATIENCE, trust_env=False) as page:
                assert page.get("/").status_code == 200
            for wire in crowd:  # all are ended by the server
                try:
                    while wire.recv(1000):
                        pass
                except ConnectionError:
                    pass
            for i in range(50):
                with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as wire:
                    begin = "GET /api/events HTTP/1.1" if i % 2 else "POST /api/pictures HTTP/1.1\r\nContent-Length: 99"
                    wire.sendall(f"{begin}\r\n{head}\r\nabc".encode())
                    if i % 2:
                        wire.recv(10)
            assert served.get("/api/tasks").status_code == 200
        finally:
            for wire in crowd:
                wire.close()
            served.close()
    assert (tmp_path / "log").read_text() == ""
