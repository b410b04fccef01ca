"""The pages of the site that are made from what is there already: README, examples and docstrings (a hook of mkdocs).

Nothing here is written twice: the first page is the README, the gallery is the docstrings and pictures of examples/, and the
reference is one heading for every name of `untaught.__all__`.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT / "src"))  # which mkdocs takes back when this file has been read

import untaught  # noqa: E402
from untaught.core import registry  # noqa: E402

COPIES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Pages that stand where a repository has them, and what the site calls them."""

ROOMS = {
    "tasks": ("Tasks", "What a person asks for: a picture in, a picture out."),
    "problem": (
        "Problem: y, A, E, R",
        "The data, how they were measured, how far a prediction is from them, and what is asked besides.",
    ),
    "prior": ("Prior: x = f(z)", "Networks, their codes, and the pixels themselves."),
    "classical": ("Classical estimators", "What needs no network."),
    "solver": ("Solver: argmin", "Jobs, stages and methods, the loop, and what it gives."),
    "calibration": ("Uncertainty", "How far a picture may be off."),
    "reports": ("Report", "Whether to believe a result, and why."),
    "bench": ("Metrics", "How near a result is to a known truth."),
}


def on_config(config: Any) -> Any:
    """Pages that the navigation does not name go to its end, so that none is lost."""
    named = set(re.findall(r"[\w/.-]+\.md", str(config.nav)))
    rooms = [f"reference/{room}.md" for room in rooms_of(public())]
    reference = next(entry for entry in config.nav if "Reference" in entry)
    reference["Reference"] = ["reference/index.md", *rooms]
    there = [p.relative_to(DOCS).as_posix() for p in sorted(DOCS.glob("*.md"))]
    inside = next(entry for entry in config.nav if "Inside" in entry)
    inside["Inside"] += [page for page in there if page not in named]
    return config


def on_files(files: Any, config: Any) -> Any:
    from mkdocs.structure.files import File

    pages = copies() | gallery() | reference()
    for where, text in pages.items():
        files.append(File.generated(config, where, content=text))
    return files


def copies() -> dict[str, str]:
    found = {}
    for source, where in COPIES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        for other, name in COPIES.items():
            text = text.replace(f"]({other}", f"]({name}")
        text = re.sub(r"\]\(docs/", "](", text).replace("[BSD-3-Clause](LICENSE)", "BSD-3-Clause")
        text = text.replace("](examples/)", "](gallery/index.md)")
        found[where] = "---\nhide: [navigation]\n---\n\n" + text if where == "index.md" else text
    return found


def examples() -> dict[str, tuple[str, str]]:
    """Every example by name: its docstring, and its code below it."""
    found = {}
    for path in sorted((ROOT / "examples").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        first = tree.body[0]
        found[path.stem] = (ast.get_docstring(tree) or "", "\n".join(source.splitlines()[first.end_lineno :]).strip())
    return found


def gallery() -> dict[str, str]:
    """The page of all, and a page for each."""
    pages, cards = {}, []
    for name, (about, code) in examples().items():
        title, _, rest = about.partition("\n")
        formula = next(line.strip() for line in rest.splitlines() if line.startswith("    "))
        title = title.rstrip(".")
        printed = (DOCS / "gallery" / f"{name}.txt").read_text(encoding="utf-8").strip()
        pages[f"gallery/{name}.md"] = (
            f"# {title}\n{rest}\n\n![{title}: what the script draws]({name}.png){{.result}}\n\n"
            f"```text\n{printed}\n```\n\n`examples/{name}.py`:\n\n```python\n{code}\n```\n"
        )
        shown = escaped(re.split(r"\s{6,}", formula)[0])
        cards.append(f'<a href="{name}.html"><img src="{name}.png" alt=""><b>{title}</b><br><code>{shown}</code></a>')
    pages["gallery/index.md"] = (
        "---\nhide: [navigation, toc]\n---\n\n# Gallery\n\nShort scripts, each of which opens with its formula. They use the "
        "public names alone, run in seconds on one core, and take few steps. The pictures are what that gives: from left to right "
        "what came in, what came out, and the original.\n\n"
        f'<div class="gallery">\n{chr(10).join(cards)}\n</div>\n'
    )
    return pages


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def public() -> dict[str, str]:
    """Every public name, and the module that holds it."""
    homes = {name: f"untaught.{module}" for module, names in untaught._HOMES.items() for name in names}
    return homes | {name: f"untaught.tasks.{name}" for name in registry.tasks.names()}


def rooms_of(names: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {room: [] for room in ROOMS}
    for name, module in names.items():
        room = module.split(".")[1]
        found.setdefault("solver" if room == "core" else room, []).append(name)
    return {room: sorted(part, key=str.lower) for room, part in found.items() if part}


def reference() -> dict[str, str]:
    names = public()
    index = ["# Reference", "", "Every public name, by the letter of the formula that it belongs to:", ""]
    index += ["    x* = argmin_x E(A x, y) + R(x),     x = f_theta(z)", ""]
    pages = {}
    for room, part in rooms_of(names).items():
        title, about = ROOMS.get(room, (room.capitalize(), ""))
        index.append(f"- [{title}]({room}.md): " + ", ".join(f"[`{n}`]({room}.md#{names[n]}.{n})" for n in part))
        blocks = [f"::: {names[n]}.{n}\n    options:\n      heading_level: 2" for n in part]
        pages[f"reference/{room}.md"] = f"# {title}\n\n{about}\n\n" + "\n\n".join(blocks) + "\n"
    pages["reference/index.md"] = "\n".join(index) + "\n"
    return pages
