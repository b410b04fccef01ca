"""The public face: typed as its signatures are, and with everything that a preset is composed of."""

from __future__ import annotations

import ast
from pathlib import Path

import stub
import test_house

import untaught
from untaught.core.registry import tasks

ROOMS = ("problem", "prior", "noise", "classical", "solver")


def test_the_stub_is_current():
    assert stub.PLACE.read_text(encoding="utf-8") == stub.stub(), "python tests/stub.py --write"


def test_the_stub_has_every_name():
    tree = ast.parse(stub.PLACE.read_text(encoding="utf-8"))
    bound = {a.asname for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    bound |= {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    assert set(untaught.__all__) - bound == {"__version__"}
    defined = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    for name in tasks.names():
        assert [a.arg for a in defined[name].args.kwonlyargs] == list(tasks.get(name).settings)


def test_every_part_is_public():
    listed = {
        name for name, home in test_house.parts().items() if not Path(home).name.startswith("_") and name[0] != "_"
    }
    assert sorted(listed - set(untaught.__all__)) == []


def test_whatever_a_preset_is_composed_of_is_public():
    composed = {
        alias.name
        for file, tree in test_house.sources().items()
        if file.startswith("tasks/") and file.endswith("presets.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").split(".")[1:2]
        and node.module.split(".")[1] in ROOMS
        for alias in node.names
        if alias.name in test_house.classes() and "Protocol" not in _bases(alias.name)
    }
    assert len(composed) > 30
    assert sorted(composed - set(untaught.__all__)) == []


def _bases(name: str) -> set[str]:
    return {base.id for _, node in test_house.classes()[name] for base in node.bases if isinstance(base, ast.Name)}
