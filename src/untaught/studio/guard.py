"""Who may speak to the studio. Loopback is no wall: any page in the same browser can send requests to it.

Three locks: the Host header must be one of ours (a foreign name that resolves here is refused), whatever changes something must
come from our own page (Origin), and the API wants the token of the start address, which only who started the studio has. What is
not let in is answered before any of its body is read. Of the rest no body is larger or slower than its route needs.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.requests import ClientDisconnect

UPLOAD, ENTER = "/api/pictures", "/api/enter"
SMALL = 1 << 17  # bytes of a body that is no picture
TINY = 1000  # and of one from somebody whose key is not known yet
SLOW = 10.0  # seconds in which a small body must be here
STALLED = 30.0  # and in which something of a picture must come

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Refused(Exception):
    """(status, sentence) of a request whose body is not taken."""


class Guard:
    """ASGI middleware. hosts: names that may stand in the Host header, without a port."""

    def __init__(self, app: Any, *, hosts: set[str], token: str, cookie: str) -> None:
        self.app, self.hosts, self.token, self.cookie = app, hosts, token, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # there is no WebSocket here
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        refusal = self.refusal(scope["method"], scope["path"], headers)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        try:
            body = await self.body(scope, headers, receive)
        except Refused as error:
            await _answer(send, *error.args)
            return
        except ClientDisconnect:
            return
        answer = _Answer(scope, body, send)
        try:
            await self.app({**scope, "method": "GET"} if answer.head else scope, answer.receive, answer.send)
        except ClientDisconnect:  # a page that was closed
            return

    async def body(self, scope: Scope, headers: dict[str, str], receive: Receive) -> Receive:
        """Where the body is had from: of a picture while it comes, whose route counts it, of all else whole. `Refused` where it
        is too large or too slow.
        """
        if (scope["method"], scope["path"]) == ("POST", UPLOAD):
            return _patiently(receive)
        limit = TINY if scope["path"] == ENTER else SMALL
        declared = headers.get("content-length", "0")
        if not declared.isdigit() or int(declared) > limit:
            raise Refused(413, f"This request has {declared[:20]} bytes, and at most {limit} are taken here.")
        if declared == "0" and "transfer-encoding" not in headers:
            return receive
        whole = bytearray()
        try:
            async with asyncio.timeout(SLOW):
                while True:
                    event = await receive()
                    if event["type"] == "http.disconnect":
                        raise ClientDisconnect
                    whole += event.get("body", b"")
                    if len(whole) > limit:
                        raise Refused(413, f"This request has more than {limit} bytes, and no more are taken here.")
                    if not event.get("more_body"):
                        break
        except TimeoutError:
            raise Refused(408, f"This request did not arrive within {SLOW:g} s: try again.") from None
        parts = [{"type": "http.request", "body": bytes(whole), "more_body": False}]

        async def again() -> Any:
            return parts.pop() if parts else await receive()

        return again

    def refusal(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
        """(status, sentence) of a request that is not let in."""
        host = headers.get("host", "")
        if hostname(host) not in self.hosts:
            return 421, f"The studio does not answer to the name '{host[:80]}': open the address that it printed."
        if method not in ("GET", "HEAD") and headers.get("origin") != f"http://{host}":
            origin = headers.get("origin", "none")
            return 403, f"This request comes from another page (origin {origin[:80]}) and was refused."
        if path.startswith("/api/") and path != ENTER and not self.knows(headers.get("cookie", "")):
            return (
                401,
                "This page has no key: open the whole address that the studio printed, with what stands after #t=.",
            )
        return None

    def knows(self, cookies: str) -> bool:
        try:
            jar = SimpleCookie(cookies)
        except CookieError:
            return False
        return self.cookie in jar and same(jar[self.cookie].value, self.token)


class _Answer:
    """What goes back: with our headers, and to HEAD without a body, for which the routes need not be made twice."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.path, self.head = scope["path"], scope["method"] == "HEAD"
        self._receive, self._send = receive, send
        self.begun = asyncio.Event()

    async def receive(self) -> Any:
        if not self.head:
            return await self._receive()
        await self.begun.wait()
        return {"type": "http.disconnect"}  # an answer without an end, such as the events, ends here

    async def send(self, event: Any) -> None:
        if self.begun.is_set() and self.head:
            return
        if event["type"] == "http.response.start":
            event["headers"] = [*event.get("headers", []), *HEADERS]
            if not any(k == b"cache-control" for k, _ in event["headers"]):
                kind = b"no-store" if self.path.startswith("/api/") else b"no-cache"
                event["headers"].append((b"cache-control", kind))
        await self._send(event)
        if self.head:
            self.begun.set()
            await self._send({"type": "http.response.body", "body": b""})


def _patiently(receive: Receive) -> Receive:
    """The body of a picture, for which nobody waits longer than `STALLED` at a time."""

    async def more() -> Any:
        try:
            async with asyncio.timeout(STALLED):
                return await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}

    return more


def same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def hostname(host: str) -> str:
    """The name without its port; an IPv6 address keeps its brackets."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


async def _answer(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"message": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *HEADERS]
    headers.append((b"connection", b"close"))  # what else this one sends is not read
    await send(
        {"type": "http.response.start", "status": status, "headers": [*headers, (b"cache-control", b"no-store")]}
    )
    await send({"type": "http.response.body", "body": body})
