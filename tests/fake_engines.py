"""Engines that are none, for `Studio(engine=...)`. They import nothing: a process of each must be there at once."""


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
