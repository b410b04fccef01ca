"""Docstrings in NumPy's style: what they say of each parameter, and what the vocabulary of signatures says of the others."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from textwrap import fill, indent
from typing import Any

from untaught.core.types import About


def parameters(doc: str) -> dict[str, str]:
    """The texts under "Parameters", by name, each in one line."""
    found: dict[str, list[str]] = {}
    lines = inspect.cleandoc(doc).splitlines()
    start = lines.index("Parameters") + 2 if "Parameters" in lines else len(lines)
    name = ""
    for line in lines[start:]:
        if line and not line.startswith(" "):
            name = line.split(":")[0].strip()
            found[name] = []
        elif name:
            found[name].append(line.strip())
    return {n: " ".join(t).strip() for n, t in found.items()}


def completed(doc: str, annotations: Mapping[str, Any]) -> str:
    """The docstring, and at its end what `About` says of the parameters that it leaves out."""
    doc = inspect.cleandoc(doc)
    own, shared = parameters(doc), {name: _about(hint) for name, hint in annotations.items()}
    lines = [f"{n}\n{indent(fill(text, 120), '    ')}" for n, text in shared.items() if text and n not in own]
    head = ["", "Parameters", "----------"] if lines and not own else []
    return "\n".join([doc, *head, *lines])


def _about(annotation: Any) -> str:
    return next((m.text for m in getattr(annotation, "__metadata__", ()) if isinstance(m, About)), "")
