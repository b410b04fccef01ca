"""Tables: rows of cells, the header first, on the terminal, as Markdown, and with all that is needed to make them again."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

Rows = Sequence[Sequence[str]]


def show(rows: Rows, said: Iterable[str] = (), *, left: int = 2) -> None:
    """On the terminal, the first `left` columns to the left, a line under the rows of one first cell where it is long; and
    below it what is said of it."""
    from rich.console import Console
    from rich.table import Table

    table, (header, *cells) = Table(), rows
    for i, name in enumerate(header):
        table.add_column(name, justify="left" if i < left else "right", no_wrap=i >= left)
    for i, row in enumerate(cells):
        table.add_row(*row, end_section=i + 1 == len(cells) or cells[i + 1][0] != row[0])
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    console.print(table)
    for sentence in said:
        console.print(sentence, markup=False, soft_wrap=True)


def markdown(rows: Rows, *, left: int = 2) -> str:
    """As a table of Markdown."""
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    body.insert(1, "|" + "---|" * left + "---:|" * (len(rows[0]) - left))
    return "\n".join(body)


def page(rows: Rows, said: Iterable[str], command: str) -> str:
    """A table of Markdown, what its figures mean, and the command that makes it."""
    return "\n".join([markdown(rows), "", *(f"- {s}" for s in said), "", "```", command, "```", ""])


def again(words: Sequence[Any], options: Mapping[str, Any]) -> str:
    """The command that makes a table, every option spelt out."""
    found = ["untaught", *map(str, words)]
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            found.append(flag)
        elif value is not None and value is not False:
            for one in value if isinstance(value, list) else [value]:
                found += [flag, str(one)]
    return shlex.join(found)


def hardware(device: str = "cpu") -> str:
    """What the seconds are seconds of: processor, threads, versions; and the GPU where one was used."""
    import torch

    parts = [f"{_processor()}, {count(_cores(), 'core')}, {count(torch.get_num_threads(), 'thread')}"]
    if device.startswith("cuda"):
        parts.append(torch.cuda.get_device_name(device))
    names = ("untaught", "torch", "scikit-image")
    return "; ".join([*parts, ", ".join(f"{n} {version(n)}" for n in names), f"Python {platform.python_version()}"])


def count(number: int, what: str) -> str:
    return f"{number} {what}" + ("s" if number != 1 else "")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
