"""The engine's process. Torch is imported here and nowhere else in the studio.

Three threads: one reads the pipe (and ends the process when the server is gone), one sits at the desk (decodes, measures,
encodes: short things that must not wait for a run), and the main one runs jobs, one at a time.

What comes in and goes out are pairs (kind, dictionary of plain values). A "call" is answered by one "reply"; everything
else is an event.
"""

from __future__ import annotations

import gc
import math
import os
import queue
import signal
import sys
import threading
import traceback
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from untaught.core import threads
from untaught.core.errors import BadInput, UntaughtError, out_of_memory, short_of_memory

Message = tuple[str, dict[str, Any]]


def main(pipe: Connection) -> None:
    """Entry point of the process. It ends when the pipe does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the server's; it then says "quit"
    if hasattr(os, "nice"):
        os.nice(5)
    threads.prepare(count=False)
    lock = threading.Lock()

    def send(kind: str, **values: Any) -> None:
        with lock:
            try:
                pipe.send((kind, values))
            except OSError:
                os._exit(0)

    orders: queue.Queue[Message] = queue.Queue()
    desk: queue.Queue[Message] = queue.Queue()
    threading.Thread(target=_read, args=(pipe, orders, desk), daemon=True).start()
    threading.Thread(target=_sit, args=(desk, send), daemon=True).start()
    try:
        import torch
    except ImportError as error:
        send("broken", message=f"The engine cannot start, because torch cannot be imported ({error}): install it anew.")
        return
    from untaught.studio.running import Player

    devices = [
        "auto",
        "cpu",
        *(f"cuda:{i}" for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)),
    ]
    send("ready", devices=devices, threads=torch.get_num_threads())
    player = Player(orders, send)
    while True:
        kind, order = orders.get()
        if kind == "quit":
            return
        if kind == "watch":
            player.watched = order["on"]
        elif kind == "start":
            play(player, order, send)


def play(player: Any, order: dict[str, Any], send: Any) -> None:
    """One job from beginning to end; whatever goes wrong becomes a sentence, and the next job finds the process as it was.

    It works in an empty folder of its own, so that no word of a form can be taken for a file that happens to lie somewhere.
    """
    home, empty = os.getcwd(), Path(order["folder"]) / "empty"
    try:
        empty.mkdir(exist_ok=True)
        os.chdir(empty)
        player.play(order)
    except SystemExit:
        raise
    except BaseException as error:
        send("failed", job=order["job"], message=sentence(error))
    finally:
        os.chdir(home)
        player.clear()
        give_back()


def sentence(error: BaseException) -> str:
    """What a person is told of an error. The terminal gets the whole of those that nobody foresaw."""
    if isinstance(error, UntaughtError):
        return str(error)
    if short_of_memory(error):
        return str(out_of_memory(error))
    if isinstance(error, OSError) and error.strerror:
        return f"The disk did not take it ({error.strerror}): make room in the studio's folder and try again."
    traceback.print_exception(error, file=sys.stderr)
    first = (str(error).splitlines() or [""])[0][:200]
    return f"The engine met an error that it does not know ({type(error).__name__}: {first}). The terminal has the whole of it."


def give_back() -> None:
    """Free what the last job held, to the system too, where the C library knows how."""
    gc.collect()
    try:
        import ctypes

        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        pass


def _read(pipe: Connection, orders: queue.Queue[Message], desk: queue.Queue[Message]) -> None:
    try:
        while True:
            kind, values = pipe.recv()
            (desk if "call" in values else orders).put((kind, values))
    except (EOFError, OSError):
        os._exit(0)


def _sit(desk: queue.Queue[Message], send: Any) -> None:
    work = {"open": _open, "encode": _encode, "example": _example, "thumbnail": _thumbnail, "propose": _propose}
    while True:
        kind, values = desk.get()
        try:
            send("reply", call=values["call"], value=work[kind](values, send), message=None)
        except Exception as error:
            send("reply", call=values["call"], value=None, message=sentence(error))


def _open(values: dict[str, Any], send: Any) -> dict[str, Any]:
    """Read an upload, write its preview beside it, and say what it is; measuring it follows by itself."""
    from untaught.io import images
    from untaught.studio.previews import STRETCHED, Eye

    path = Path(values["path"])
    try:
        image = images.read(path, max_megapixels=values["limit"])
    except BadInput as error:
        raise BadInput(str(error).replace(str(path), values["name"])) from error
    pixels = image.pixels
    eye = Eye.of(pixels)
    path.with_name("preview.jpg").write_bytes(eye.jpeg(pixels, icc=image.icc))
    path.with_name("thumb.jpg").write_bytes(eye.jpeg(pixels, icc=image.icc, side=160, quality=80))
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    notes = [n for n in image.notes if "whatever its name says" not in n]  # its name here is ours
    if values.get("measured", True):
        _Measuring(values["picture"], replace(image), send).start()
    return {
        "width": width,
        "height": height,
        "channels": channels,
        "depth": {"uint8": "8 bit", "uint16": "16 bit"}.get(str(pixels.dtype), "32 bit float"),
        "format": image.format,
        "sha256": image.sha256,
        "stretched": eye.stretched,
        "notes": [*notes, *([STRETCHED] if eye.stretched else [])],
    }


class _Measuring(threading.Thread):
    """In a thread of its own: it may have to wait until torch is there, and the desk must not."""

    def __init__(self, picture: str, image: Any, send: Any) -> None:
        super().__init__(daemon=True)
        self.picture, self.image, self.tell = picture, image, send

    def run(self) -> None:
        from untaught.studio.measuring import measure

        try:
            said = measure(self.image)
        except Exception as error:
            said = {"found": [], "suggestion": None, "sigma": None, "trouble": sentence(error)}
        self.tell("measured", picture=self.picture, **said)


def _encode(values: dict[str, Any], send: Any) -> list[str]:
    """The samples that a run left, as the file that was asked for; what that cost is returned in sentences."""
    import numpy as np

    from untaught.io import images

    pixels = np.load(values["samples"], allow_pickle=False)
    like = images.read(values["like"], max_megapixels=math.inf) if values["like"] else None
    if like is not None and values["opaque"]:
        like = replace(like, alpha=None)
    recipe = Path(values["recipe"])
    text = recipe.read_text(encoding="utf-8") if recipe.is_file() else None
    return list(images.write(values["target"], pixels, like, recipe=text))


def _example(values: dict[str, Any], send: Any) -> dict[str, Any]:
    from untaught.studio.examples import make

    return make(values["name"])


def _propose(values: dict[str, Any], send: Any) -> bytes:
    """The PNG of a mask, white where that kind of damage seems to be; BadInput where there is none."""
    from untaught.io import images
    from untaught.io.proposals import propose
    from untaught.studio.examples import png

    pixels = images.read(values["path"], max_megapixels=math.inf).pixels
    found = propose(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels, values["find"])
    if not found.any():
        raise BadInput(f"No {values['find'].replace('-', ' ')} were found: paint over what is broken by hand.")
    return png((255 * found).astype("uint8"))


def _thumbnail(values: dict[str, Any], send: Any) -> bytes:
    import io

    import numpy as np
    from PIL import Image as Pillow

    from untaught.studio.examples import make
    from untaught.studio.previews import Eye

    made = make(values["name"])
    pixels = np.asarray(Pillow.open(io.BytesIO(made["data"])))
    return Eye.of(pixels).jpeg(pixels, side=240, quality=85)
