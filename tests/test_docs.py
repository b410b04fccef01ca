"""Laws of the pages: links lead somewhere, the Python on them runs, and public names say what they are."""

from __future__ import annotations

import importlib
import re
import sys

import pytest
import torch
from conftest import ROOT

sys.path.insert(0, str(ROOT / "docs" / "site"))
import check

DOCS = ROOT / "docs"
PAGES = [p for p in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")) if "reliability.d" not in p.parts]
BLOCKS = [
    pytest.param(block, id=f"{page.stem}{i}")
    for page in sorted(DOCS.glob("*.md"))
    if page.stem != "uncertainty"  # test_readme.py has it
    for i, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S))
]


def anchors(text):
    """As the site and the usual hosts make them of headings."""
    heads = re.findall(r"^#+ (.+)$", text, flags=re.M)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", head.lower())).strip("-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{page.name} links to {link}"


def test_every_page_that_the_code_names_is_there():
    sources = [p for folder in ("src", "tests", "benchmarks") for p in (ROOT / folder).rglob("*.py")]
    for source in sources:
        for name in re.findall(r"docs/[\w/.-]+\.(?:md|csv|jpg|png)\b", source.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{source.relative_to(ROOT)} names {name}"


@pytest.mark.parametrize("block", BLOCKS)
def test_the_python_of_the_pages_runs(block):
    torch.manual_seed(0)
    exec(block, {})


def test_every_file_that_the_map_of_the_house_names_is_there():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    table = text[: text.index("## Decisions")]
    for row in re.findall(r"^\| [^|]*\| (`.*?) \| ", table, flags=re.M):
        for place in re.findall(r"`([\w/.]+)`", row):
            found = [p for room in ("", "solver", "../..") if (p := ROOT / "src" / "untaught" / room / place).exists()]
            assert found, f"architecture.md names {place}"
    every = [p.as_posix() for room in ("src", "tests", "benchmarks") for p in (ROOT / room).rglob("*.py")]
    for page in ("architecture.md", "glossary.md"):
        for place in re.findall(r"`([\w/.]+\.py)`", (DOCS / page).read_text(encoding="utf-8")):
            assert any(path.endswith(f"/{place}") for path in every), f"{page} names {place}"


def test_every_public_name_says_what_it_is():
    import untaught

    for name in untaught.__all__:
        if name.startswith("_"):
            continue
        part = getattr(untaught, name)
        own = part.__doc__ or ""
        assert own.strip(), f"untaught.{name} has no docstring"
        # What dataclasses write where nobody else did: the signature again.
        assert not own.startswith(f"{name}("), f"untaught.{name} has no docstring"


def test_what_a_browser_would_load_from_elsewhere_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<img src="//cdn.x/y.png"><a href="https://x.org">x</a><script src="own.js"></script>'
    )
    (tmp_path / "b.css").write_text("@import url(https://fonts.x/f.css); a { background: url('own.png') }")
    assert check.foreign(tmp_path) == ["a.html: <img> //cdn.x/y.png", "b.css: https://fonts.x/f.css"]


def test_the_reference_names_every_public_part():
    import untaught

    pages = importlib.import_module("pages").reference()
    text = "\n".join(pages.values())
    for name in untaught.__all__:
        assert name.startswith("_") or re.search(rf"^::: \S+\.{name}$", text, flags=re.M), name
