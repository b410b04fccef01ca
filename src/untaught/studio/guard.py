"""Who may speak to the studio. Loopback is no wall: any page in the same browser can send requests to it.

Three locks: the Host header must be one of ours (a foreign name that resolves here is refused), whatever changes something must
come from our own page (Origin), and the API wants the token of the start address, which only who started the studio has.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


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

        async def guarded(event: Any) -> None:
            if event["type"] == "http.response.start":
                event["headers"] = [*event.get("headers", []), *HEADERS]
                if not any(k == b"cache-control" for k, _ in event["headers"]):
                    kind = b"no-store" if scope["path"].startswith("/api/") else b"no-cache"
                    event["headers"].append((b"cache-control", kind))
            await send(event)

        await self.app(scope, receive, guarded)

    def refusal(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
        """(status, sentence) of a request that is not let in."""
        host = headers.get("host", "")
        if hostname(host) not in self.hosts:
            return 421, f"The studio does not answer to the name '{host[:80]}': open the address that it printed."
        if method not in ("GET", "HEAD") and headers.get("origin") != f"http://{host}":
            origin = headers.get("origin", "none")
            return 403, f"This request comes from another page (origin {origin[:80]}) and was refused."
        if path.startswith("/api/") and path != "/api/enter" and not self.knows(headers.get("cookie", "")):
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
    await send(
        {"type": "http.response.start", "status": status, "headers": [*headers, (b"cache-control", b"no-store")]}
    )
    await send({"type": "http.response.body", "body": body})
