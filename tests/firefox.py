"""Debian's Firefox for Playwright, which looks for a newer one: commands that this one does not know are answered with nothing.

Playwright starts the program that `wrapped` makes in the place of Firefox, and speaks with it over WebDriver BiDi (a W3C draft that
grows). The program starts the real one, and hands every message on.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

FIREFOX = os.environ.get("UNTAUGHT_FIREFOX") or next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
TOLD = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


def wrapped(folder: Path) -> Path:
    """A program in that folder that Playwright may take for its `executable_path`."""
    path = folder / "firefox"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def known(text: str) -> str:
    """The answer, or a success without content where the command was not known."""
    if '"unknown command"' not in text[:4000]:
        return text
    answer = json.loads(text)
    return json.dumps({"type": "success", "id": answer["id"], "result": {}})


async def between(arguments: list[str]) -> int:
    from websockets.asyncio.client import connect
    from websockets.asyncio.server import ServerConnection, serve

    real = subprocess.Popen([str(FIREFOX), *arguments], stderr=subprocess.PIPE, text=True)
    assert real.stderr is not None
    signal.signal(signal.SIGTERM, lambda *_: real.terminate())
    found = next(match[1] for line in real.stderr if (match := TOLD.search(line)))

    async def hand_on(page: ServerConnection) -> None:
        address = found + (page.request.path if page.request else "")
        async with connect(address, max_size=None, compression=None, proxy=None) as firefox:

            async def ask() -> None:
                async for message in page:
                    await firefox.send(message)

            asking = asyncio.create_task(ask())
            async for message in firefox:
                await page.send(known(str(message)))
            asking.cancel()

    async with serve(hand_on, "127.0.0.1", 0, max_size=None, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"WebDriver BiDi listening on ws://127.0.0.1:{port}", file=sys.stderr, flush=True)
        drained = asyncio.to_thread(real.stderr.read)  # or it would wait for somebody who reads
        await drained
    return real.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(between(sys.argv[1:])))
