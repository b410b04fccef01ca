"""What the studio says in other languages: every sentence of its page, and what its server says of tasks, settings and pictures."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra test-studio is not installed")

import untaught
from untaught.studio import forms, words
from untaught.studio.examples import EXAMPLES

PAGE = Path(__file__).parents[1] / "page"
BOOKS = sorted((PAGE / "src" / "words").glob("*.json"))


def served() -> set[str]:
    """All that forms, examples and measurements say."""
    said = set(words.FOUND.values()) | {one for one, _ in EXAMPLES.values()}
    for task in forms.schemas():
        said |= {task["words"], task["doing"], task["about"]}
        for field in task["form"]["properties"].values():
            labels = {k: v for k, v in field.get("labels", {}).items() if k != v}
            said |= {field["title"], field["description"], *labels.values(), *field.get("choices", {}).values()}
    return said - {""}


@cache
def sentences() -> set[str]:
    """Every text of the sources, with {} in the place of each value."""
    found = set()
    for path in Path(untaught.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(re.sub(r"\{\w+\}", "{}", node.value))
            elif isinstance(node, ast.JoinedStr):
                found.add(spoken(node))
    return found


def spoken(node: ast.expr) -> str:
    """A literal or an f-string, with {} in the place of each value."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)


@pytest.mark.parametrize("book", BOOKS, ids=lambda path: path.stem)
def test_a_book_holds_what_is_said_and_nothing_else(book):
    held = json.loads(book.read_text(encoding="utf-8"))
    known = held["served"].keys() | held["page"].keys()
    assert not served() - known
    assert not [key for key in held["served"].keys() - served() if re.sub(r"\{\w+\}", "{}", key) not in sentences()]


@pytest.mark.parametrize("book", BOOKS, ids=lambda path: path.stem)
def test_a_book_holds_every_reason_of_a_verdict(book):
    """A report's sentence is told by its title and its reasons, each of which is a sentence with values in it."""
    held = json.loads(book.read_text(encoding="utf-8"))
    known = {re.sub(r"\{\w+\}", "{}", key) for part in held.values() for key in part}
    tree = ast.parse((Path(untaught.__file__).parent / "reports" / "verdict.py").read_text(encoding="utf-8"))
    reasons = [n.args[1] for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "_reason"]
    assert len(reasons) > 10
    assert not [text for text in map(spoken, reasons) if text not in known]


def test_every_book_holds_the_same_sentences_with_the_same_values():
    """In one order, so that two books can be read side by side."""
    assert len(BOOKS) > 1
    held = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in BOOKS}
    orders = {tuple((part, key) for part in book for key in book[part]) for book in held.values()}
    assert len(orders) == 1
    pairs = [(name, *pair) for name, book in held.items() for part in book.values() for pair in part.items()]
    assert not [one for one in pairs if not one[2] or values(one[1]) != values(one[2])]


def values(text: str) -> list[str]:
    """The names of what is put into a sentence, each as often as it is in it."""
    return sorted(re.findall(r"\{\w+\}", text))


def test_every_book_can_be_chosen():
    offered = (PAGE / "src" / "lib" / "words.svelte.ts").read_text(encoding="utf-8")
    line = re.search(r"LANGUAGES.* = \{(.+)\}", offered)
    assert line
    assert set(re.findall(r"(\w+): '", line[1])) == {"en"} | {path.stem for path in BOOKS}


def test_no_sentence_of_the_page_is_outside_the_books():
    if shutil.which("node") is None or not (PAGE / "node_modules" / "svelte").is_dir():
        pytest.skip("Svelte is not here: npm ci in page/")
    told = subprocess.run(["node", "catalogue.mjs"], cwd=PAGE, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("<p>Hello there</p>", "Hello there"),
        ('<button aria-label="Go away">x</button>', "Go away"),
        ("<p>{on ? 'Now it is on.' : ''}</p>", "Now it is on."),
        ("<p>{`${n} of them are left`}</p>", "of them are left"),
        ("<p>{t('What nobody has translated.')}</p>", "What nobody has translated."),
    ],
)
def test_one_that_is_outside_is_found(tmp_path, line, said):
    if shutil.which("node") is None or not (PAGE / "node_modules" / "svelte").is_dir():
        pytest.skip("Svelte is not here: npm ci in page/")
    shutil.copytree(PAGE / "src", tmp_path / "src")
    shutil.copy(PAGE / "catalogue.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(PAGE / "node_modules")
    with (tmp_path / "src" / "Zoom.svelte").open("a", encoding="utf-8") as file:
        file.write(line)
    told = subprocess.run(["node", "catalogue.mjs"], cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 1
    assert said in told.stderr


SET = {
    "de": r"\"|(?<!\u00a0)%|„[^“]*$",
    "fr": r"(?<!\u202f)(?:[:;!?](?=\s|$)|[»%])|«(?!\u202f)|\w'\w|\"",
}
"""What printers of a language set in another way: spaces that do not break, quotation marks, apostrophes."""


@pytest.mark.parametrize("book", BOOKS, ids=lambda path: path.stem)
def test_a_book_is_set_as_its_printers_do(book):
    held = json.loads(book.read_text(encoding="utf-8"))
    assert not [said for said in [*held["page"].values(), *held["served"].values()] if re.search(SET[book.stem], said)]
