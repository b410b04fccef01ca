"""Ctrl-C while libraries are still being imported: one line and 130, from the first import of ours that takes time on."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

LIGHT = {"__future__", "untaught", "untaught.cli", "untaught.cli.interrupts"}
WATCHED = """
import builtins, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # what the tests run in may be told to ignore it, and pass that on
plain = builtins.__import__
def watched(name, *rest):
    if name.startswith({!r}):
        os.kill(os.getpid(), signal.SIGINT)
    return plain(name, *rest)
builtins.__import__ = watched
from untaught.cli import main
main(["denoise", "--help"])
"""


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)


def test_nothing_that_takes_time_is_imported_before_it_is_watched_for():
    """The standard library's `signal`, with what it needs, and three small files of ours."""
    code = "import signal, sys\nbefore = set(sys.modules)\nimport untaught.cli, untaught.cli.interrupts\n"
    assert set(python(code + "print(*set(sys.modules) - before)").stdout.split()) == LIGHT


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("amid", ["untaught.cli.streams", "untaught.core", "cyclopts", "rich", "untaught.tasks"])
def test_an_interrupt_amid_an_import_is_one_line(amid):
    ended = python(WATCHED.format(amid))
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "untaught: interrupted.\n")
