"""`untaught studio`: serve the page, print its address, open a browser."""

from __future__ import annotations

import contextlib
import math
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from untaught.core.errors import BadInput
from untaught.core.registry import require

LOCK = ".untaught-studio.lock"


def studio(
    *,
    port: int = 8765,
    host: str = "127.0.0.1",
    no_browser: Annotated[bool, Parameter(negative=())] = False,
    folder: Path | None = None,
    max_megapixels: float = 50.0,
    keep_days: float = 30.0,
    keep_gigabytes: float = 2.0,
) -> int:
    """Open a page in the browser on which pictures are restored and watched. Nothing leaves this computer.

    Parameters
    ----------
    port
        Where the page is served; 0 takes any that is free.
    host
        Another address than the loopback lets other computers in; whoever knows the printed address may then use it.
    no_browser
        Only print the address.
    folder
        Where pictures and results lie, and stay for the next time; a folder of your own if not given. What else is in it is left
        alone.
    max_megapixels
        The largest picture that is taken.
    keep_days
        How long results are kept that nobody removes.
    keep_gigabytes
        How much of them is kept; of more, the oldest go, but never the last.
    """
    uvicorn = require("uvicorn", extra="studio")
    require("fastapi", extra="studio")
    from untaught.studio.connections import Patient, quiet
    from untaught.studio.server import STATIC, Studio, create_app

    if not (STATIC / "index.html").is_file():
        raise BadInput(
            f"The page is not here ({STATIC / 'index.html'}): install untaught anew, or build it with page/build.sh."
        )
    if not 0 < max_megapixels < math.inf:
        raise BadInput(f"max_megapixels = {max_megapixels:g} is no size of a picture: give a number above 0.")
    for name, value in (("keep_days", keep_days), ("keep_gigabytes", keep_gigabytes)):
        if not value > 0:
            raise BadInput(f"{name} = {value:g} keeps nothing: give a number above 0.")
    place = folder or _default_folder()
    with _own(place):
        rooms = Studio(place, limit=max_megapixels, days=keep_days, room=1e9 * keep_gigabytes)
        listener = _listen(host, port)
        port = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        app = create_app(rooms, hosts={shown, *_names(host)}, port=port)
        address = (
            f"http://{shown if shown not in ('0.0.0.0', '[::]') else socket.gethostname()}:{port}/#t={rooms.token}"
        )
        if host not in ("127.0.0.1", "localhost", "::1"):
            print(
                f"untaught: the studio listens on {host}, and its traffic is not encrypted: whoever can reach it and knows "
                "the address below may use it.",
                file=sys.stderr,
            )
        print(f"The studio is at {address}\nCtrl-C ends it.", flush=True)
        if not no_browser:
            threading.Timer(0.3, webbrowser.open, (address,)).start()
        config: Any = uvicorn.Config(
            app,
            http=Patient,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
            server_header=False,
            ws="none",
        )
        quiet()
        server = uvicorn.Server(config)
        _ending_streams(server, rooms)
        with contextlib.suppress(KeyboardInterrupt):
            server.run([listener])
    return 0


def _ending_streams(server: Any, rooms: Any) -> None:
    """The first Ctrl-C ends the open streams as well, or the server would wait for every page to leave."""
    leave = server.handle_exit

    def handle(number: int, frame: Any) -> None:
        rooms.events.end()
        leave(number, frame)

    server.handle_exit = handle


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or str(error)
        raise BadInput(
            f"The studio cannot listen on {host}, port {port} ({why}): give another --port, or 0 for any."
        ) from error
    listener.listen(64)
    return listener


def _names(host: str) -> set[str]:
    """What other computers may call this one, where it listens for them."""
    return {socket.gethostname().lower(), socket.getfqdn().lower()} if host in ("0.0.0.0", "::") else set()


def _default_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "untaught" / "studio"
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "untaught" / "studio"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "untaught" / "studio"


@contextlib.contextmanager
def _own(folder: Path) -> Iterator[None]:
    """The folder, made if need be, for this studio alone."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        lock = os.fdopen(handle, "r+")
    except OSError as error:
        raise BadInput(
            f"The folder '{folder}' cannot be used ({error.strerror}): name another with --folder."
        ) from error
    with lock:
        if os.name == "posix":
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BadInput(
                    f"Another studio is open with the folder '{folder}': use that one, or name another with --folder."
                ) from None
        yield
