"""The engine's process. Torch is imported here and nowhere else in the studio.

Three threads: one reads the pipe (and ends the process when the server is gone), one sits at the desk (decodes, measures,
encodes: short things that must not wait for a run), and the main one runs jobs, one at a time.

What comes in and goes out is in `messages`: calls, which the desk answers with one reply each; orders; and events.
"""

from __future__ import annotations

import contextlib
import gc
import math
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from untaught.core import threads
from untaught.core.allocator import trim
from untaught.core.errors import BadInput, Missing, UntaughtError, out_of_memory, short_of_memory, why
from untaught.studio import messages as m

Send = Callable[[m.Message], None]


def main(pipe: Connection) -> None:
    """Entry point of the process. It ends when the pipe does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the server's; it then says "quit"
    if hasattr(os, "nice"):
        os.nice(5)
    threads.prepare(count=False)
    lock = threading.Lock()

    def send(message: m.Message) -> None:
        with lock:
            try:
                pipe.send((message.KIND, message.plain()))
            except OSError:
                os._exit(0)

    orders: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
    desk: queue.Queue[m.DeskCall] = queue.Queue()
    threading.Thread(target=_read, args=(pipe, orders, desk), daemon=True).start()
    speed = Foreteller()
    threading.Thread(target=_sit, args=(desk, send, speed), daemon=True).start()
    try:
        import torch
    except ImportError as error:
        send(m.EngineBroken(f"The engine cannot start, because torch cannot be imported ({error}): install it anew."))
        return
    from untaught.studio.running import Player

    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    send(m.EngineReady(("auto", "cpu", *(f"cuda:{i}" for i in range(cards))), torch.get_num_threads()))
    player = Player(orders, send, speed.took)
    try:
        while True:
            kind, order = orders.get()
            if kind == "quit":
                return
            if kind == "watch":
                player.watched = order["on"]
            elif kind == "start":
                with speed.busy():
                    play(player, order, send)
    finally:
        if speed.trying:  # a thread of torch's must not outlive what it belongs to
            os._exit(0)


def play(player: Any, order: dict[str, Any], send: Send) -> None:
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
        send(m.JobFailed(order["job"], sentence(error)))
    finally:
        os.chdir(home)
        player.clear()
        gc.collect()
        trim()


def sentence(error: BaseException) -> str:
    """What a person is told of an error. The terminal gets the whole of those that nobody foresaw."""
    if isinstance(error, UntaughtError):
        return str(error)
    if short_of_memory(error):
        return str(out_of_memory(error))
    if isinstance(error, OSError) and error.strerror:
        return f"The disk did not take it ({error.strerror}): make room in the studio's folder and try again."
    traceback.print_exception(error, file=sys.stderr)
    kind = type(error).__name__
    return f"The engine met an error that it does not know ({kind}: {why(error)}). The terminal has the whole of it."


def _read(pipe: Connection, orders: queue.Queue[tuple[str, dict[str, Any]]], desk: queue.Queue[m.DeskCall]) -> None:
    try:
        while True:
            order = m.read(*pipe.recv())
            if isinstance(order, m.DeskCall):
                desk.put(order)
            else:
                orders.put((order.KIND, order.plain()))
    except (EOFError, OSError):
        os._exit(0)


def _sit(desk: queue.Queue[m.DeskCall], send: Send, speed: Foreteller) -> None:
    while True:
        one = desk.get()
        if isinstance(one, m.ForetellJob):  # which takes seconds, and the desk must not wait for it
            threading.Thread(target=_reply, args=(one, send, speed.foretell), daemon=True).start()
        else:
            _reply(one, send, lambda one: _answer(one, send))


def _reply(one: m.DeskCall, send: Send, answer: Callable[[Any], Any]) -> None:
    try:
        send(m.Reply(one.call, answer(one)))
    except Exception as error:
        send(m.Reply(one.call, None, sentence(error)))


class Foreteller:
    """How long jobs take here, between the thread that asks and the one that runs them."""

    def __init__(self) -> None:
        self.speeds: Any = None
        self.running = self.trying = False

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """While a job runs, nothing is tried beside it: both would be slower than they are."""
        self.running = True
        try:
            yield
        finally:
            self.running = False

    def foretell(self, order: m.ForetellJob) -> m.Prospect:
        import numpy as np

        from untaught.io.images import Image
        from untaught.studio.speeds import Speeds, refusal

        self.speeds = self.speeds or Speeds(Path(order.folder))
        if order.samples is None:
            return m.Prospect(refusal=refusal(order.task, None, order.settings))
        pixels = np.load(order.samples, mmap_mode="r", allow_pickle=False)
        if order.side is None:
            image = Image(pixels, format=order.format, source=Path(order.source))
        else:
            image = Image(pixels[: order.side, : order.side])
        self.trying = True
        try:
            return self.speeds.foretell(order.task, image, order.settings, lambda: not self.running)
        finally:
            self.trying = False

    def took(self, *job: Any) -> None:
        if self.speeds is not None:
            self.speeds.took(*job)


def _answer(one: m.DeskCall, send: Send) -> Any:
    match one:
        case m.OpenPicture():
            return _open(one, send)
        case m.EncodeResult():
            return _encode(one)
        case m.MakeExample(name):
            from untaught.studio.examples import make

            return make(name)
        case m.MakeThumbnail(name):
            return _thumbnail(name)
        case m.ProposeMask():
            return _propose(one)


def _open(order: m.OpenPicture, send: Send) -> m.PictureAbout:
    """Read an upload, write its preview beside it, and say what it is; the rest follows by itself."""
    import numpy as np

    from untaught.io import images
    from untaught.studio.previews import SIDE, STRETCHED, Eye, depth

    path = Path(order.path)
    try:
        image = images.read(path, max_megapixels=order.limit)
    except (BadInput, Missing) as error:
        raise type(error)(str(error).replace(str(path), order.name)) from error
    pixels = image.pixels
    eye = Eye.of(pixels)
    shown = np.asarray(eye.small(pixels))
    for kind, side, quality in (("preview", SIDE, 90), ("thumb", 160, 80)):
        path.with_name(f"{kind}.jpg").write_bytes(eye.jpeg(shown, icc=image.icc, side=side, quality=quality))
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    notes = [n for n in image.notes if "whatever its name says" not in n]  # its name here is ours
    if order.measured:
        _Measuring(order.picture, replace(image), path.with_name("samples.npy"), send).start()
    said = (*notes, *([STRETCHED] if eye.stretched else []))
    return m.PictureAbout(
        width, height, channels, depth(pixels), image.format, image.sha256, eye.stretched, said, (eye.low, eye.high)
    )


class _Measuring(threading.Thread):
    """Keep the samples, and measure, in a thread of its own: it may have to wait until torch is there, and the desk must not."""

    def __init__(self, picture: str, image: Any, samples: Path, send: Send) -> None:
        super().__init__(daemon=True)
        self.picture, self.image, self.samples, self.tell = picture, image, samples, send

    def run(self) -> None:
        from untaught.studio.measuring import measure
        from untaught.studio.previews import store

        with contextlib.suppress(OSError):  # costs only that nobody can come near to it
            store(self.samples, self.image.pixels)
        try:
            said = measure(self.image)
        except Exception as error:
            said = m.Measurement((sentence(error),), None, None)
        self.tell(m.PictureMeasured(self.picture, said))


def _encode(order: m.EncodeResult) -> tuple[str, ...]:
    """The samples that a run left, as the file that was asked for; what that cost is returned in sentences."""
    import numpy as np

    from untaught.io import images
    from untaught.studio.mixing import mixed, shrunk

    how, pixels = order.how, np.load(order.samples, allow_pickle=False)
    like = images.read(order.like, max_megapixels=math.inf) if order.like else None
    recipe = Path(order.recipe)
    text = recipe.read_text(encoding="utf-8") if recipe.is_file() and not how.bare else None
    if (how.brightness, how.colour) != (1, 1):
        if like is None or like.pixels.shape != pixels.shape:
            raise BadInput("This result is of another size than its picture: take all of it.")
        pixels = mixed(like.pixels, pixels, how.brightness, how.colour)
        taken = f"{how.brightness:.0%} of what it did to the brightness and {how.colour:.0%} to the colours"
        text = text and f"# Of this, {taken} was taken in the studio.\n{text}"
    if like is not None and order.opaque:
        like = replace(like, alpha=None)
    if like is not None and how.bare:
        like = replace(like, exif=None, text={}, tags={})
    return tuple(images.write(order.target, shrunk(pixels, how.side), like, recipe=text, quality=how.quality))


def _propose(order: m.ProposeMask) -> bytes:
    """The PNG of a mask, white where that kind of damage seems to be; BadInput where there is none."""
    from untaught.io import images
    from untaught.io.proposals import propose
    from untaught.studio.examples import png

    pixels = images.read(order.path, max_megapixels=math.inf).pixels
    found = propose(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels, order.find)
    if not found.any():
        raise BadInput(f"No {order.find.replace('-', ' ')} found: paint over what is broken by hand.")
    return png((255 * found).astype("uint8"))


def _thumbnail(name: str) -> bytes:
    import io

    import numpy as np
    from PIL import Image as Pillow

    from untaught.studio.examples import make
    from untaught.studio.previews import Eye

    pixels = np.asarray(Pillow.open(io.BytesIO(make(name).data)))
    return Eye.of(pixels).jpeg(pixels, side=240, quality=85)
