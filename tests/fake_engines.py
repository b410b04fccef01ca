"""Engines that are none, for `Studio(engine=...)`. They import next to nothing: a process of each must be there at once."""

import time


def mute(pipe):
    """Answers nothing."""
    while True:
        pipe.recv()


def dying(pipe):
    """Is ready, and dies of the first job."""
    pipe.send(("ready", {"devices": ["cpu"], "threads": 1}))
    while pipe.recv()[0] != "start":
        pass


def broken(pipe):
    """Never becomes ready."""


def hasty(pipe):
    """Has measured a picture before it has said what it is; then it looks at the next one, and dies of it."""
    measured = {"found": ("grain",), "suggestion": "denoise", "sigma": 0.1}
    about = {"width": 4, "height": 3, "channels": 1, "depth": "8 bit", "format": "PNG", "sha256": None}
    about |= {"shown": None, "stretched": False, "notes": ()}
    while True:
        kind, order = pipe.recv()
        if kind != "open":
            continue
        if order["name"] != "deadly.png":
            pipe.send(("measured", {"picture": order["picture"], "measurement": measured}))
            time.sleep(0.2)  # long enough for every page to have been told, were it told now
        pipe.send(("reply", {"call": order["call"], "value": about}))
        if order["name"] == "deadly.png":
            return
