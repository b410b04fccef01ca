"""Whom the studio lets in, and what it refuses of what is handed in: other hosts and pages, no pictures, bombs, too many bytes."""

from __future__ import annotations

import asyncio
import io
import os
import re
from pathlib import Path

import pytest
from PIL import Image
from served import png

from untaught.core.errors import UntaughtError
from untaught.studio.guard import hostname
from untaught.studio.pictures import Pictures, TooLarge, clean

httpx = pytest.importorskip("httpx", reason="the extra test-studio is not installed")


# Who is let in


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1:8765", "127.0.0.1"), ("LOCALHOST", "localhost"), ("[::1]:80", "[::1]"), ("", ""), ("a.b:1", "a.b")],
)
def test_the_name_in_a_host_header(host, name):
    assert hostname(host) == name


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", ""])
def test_a_forged_host_is_refused_on_every_route(studio, host):
    for path in ("/", "/api/tasks"):
        answer = studio.get(path, headers={"host": host})
        assert answer.status_code == 421
        assert "does not answer to the name" in answer.json()["message"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", None])
def test_a_foreign_origin_cannot_change_anything(studio, origin):
    request = studio.client.build_request("POST", "/api/jobs", json={})
    del request.headers["origin"]
    if origin is not None:
        request.headers["origin"] = origin
    answer = studio.client.send(request)
    assert answer.status_code == 403
    assert "another page" in answer.json()["message"]


def test_without_the_key_there_is_only_the_page(studio):
    with httpx.Client(base_url=studio.base, trust_env=False) as stranger:
        assert stranger.get("/").status_code == 200
        for path in ("/api/tasks", "/api/events", "/api/pictures/x"):
            assert stranger.get(path).status_code == 401
        wrong = stranger.post("/api/enter", json={"token": "wrong"}, headers={"origin": studio.base})
        assert wrong.status_code == 401
        wrong_key = {"cookie": f"{next(iter(studio.client.cookies))}=wrong"}
        assert stranger.get("/api/tasks", headers=wrong_key).status_code == 401


def test_every_answer_carries_the_policy_and_no_permission_for_others(studio):
    for path in ("/", "/api/tasks", "/api/nothing", "/studio.js"):
        headers = studio.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert not any(name.startswith("access-control") for name in headers)
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert studio.get(path).status_code == 404


def test_the_page_is_whole_and_names_no_other_host(studio):
    page = studio.get("/").text
    for path in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert path.startswith("./"), path
        assert studio.get(path[1:]).status_code == 200


# What is handed in


def test_what_is_no_picture_is_refused_in_a_sentence(studio, noisy):
    good = png(noisy)
    frames = [Image.fromarray(noisy), Image.fromarray(noisy[::-1])]
    moving = io.BytesIO()
    frames[0].save(moving, "WEBP", save_all=True, append_images=frames[1:])
    for data, said in (
        (b"", "is empty"),
        (b"hello, this is text", "holds plain text"),
        (b"GIF89a" + bytes(300), "a GIF picture"),
        (good[: len(good) // 2], "incomplete or damaged"),
        (moving.getvalue(), "an animation of 2 frames"),
    ):
        answer = studio.upload(data, "thing.png")
        assert answer.status_code in (400, 422), said
        message = answer.json()["message"]
        assert said in message
        assert "thing.png" in message
        assert str(studio.folder) not in message
    assert not list((studio.folder / "pictures").glob("*.part"))


def test_a_bomb_is_refused_before_it_is_decoded(studio):
    big = io.BytesIO()
    Image.new("1", (9000, 7000)).save(big, "PNG")
    answer = studio.upload(big.getvalue(), "bomb.png")
    assert answer.status_code in (400, 422)
    assert (
        "9000 x 7000 pixels (63 MP) and the limit is 50 MP: start again with --max-megapixels 63"
        in answer.json()["message"]
    )


def test_too_many_bytes_are_counted_while_they_arrive(tmp_path):
    pictures = Pictures(tmp_path, 0.001)

    async def endless():
        while True:
            yield b"\x89PNG\r\n\x1a\n" + bytes(1 << 20)

    with pytest.raises(TooLarge, match="more than 4 MB"):
        asyncio.run(pictures.take(endless(), "big.png", "picture"))
    assert not list(tmp_path.iterdir())


def test_a_length_that_is_too_large_is_refused_at_once(studio):
    port = int(studio.base.rsplit(":", 1)[1])
    import socket

    cookie = "; ".join(f"{k}={v}" for k, v in studio.client.cookies.items())
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.sendall(
            f"POST /api/pictures HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {studio.base}\r\nCookie: {cookie}\r\n"
            "X-File-Name: a.png\r\nContent-Length: 99999999999\r\n\r\n".encode()
        )
        assert b" 413 " in wire.recv(200)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\a.png", "a.png"),
        ("%C3%A4.png", "ä.png"),
        ("a\nb<>.png", "ab.png"),
        (None, "picture"),
    ],
)
def test_a_file_name_is_only_shown(given, kept):
    assert clean(given) == kept


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
def test_a_full_disk_refuses_a_picture_in_a_sentence(tmp_path, noisy, monkeypatch):
    pictures = Pictures(tmp_path, 50)
    real = Path.open

    def full(path, mode="r", *more, **how):
        return real(Path("/dev/full"), "wb") if mode == "xb" else real(path, mode, *more, **how)

    monkeypatch.setattr("pathlib.Path.open", full)

    async def chunks():
        yield png(noisy)

    with pytest.raises(UntaughtError, match=r"a.png could not be kept \(No space left on device\): make room"):
        asyncio.run(pictures.take(chunks(), "a.png", "picture"))
    assert not list(tmp_path.iterdir())
