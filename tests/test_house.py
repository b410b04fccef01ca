"""The rules of the house, read from the sources alone: parts speak for themselves, only the loop writes a run, one name a thing."""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TREE = ROOT / "src" / "untaught"
KINDS = {
    "Operator",
    "Likelihood",
    "Regulariser",
    "Code",
    "Prior",
    "Objective",
    "Rule",
    "Optimiser",
    "Average",
    "Estimator",
}
ROWS, LINES = 15, 400
ROUTES = {
    "tasks/*/presets.py",
    "tasks/_rows.py",
}  # tables that say what is done with which kind of problem, and so must ask


@cache
def sources() -> dict[str, ast.Module]:
    """The syntax tree of every file, by its path below the package."""
    found = (path for path in sorted(TREE.rglob("*.py")) if "static" not in path.parts)
    return {path.relative_to(TREE).as_posix(): ast.parse(path.read_text("utf-8")) for path in found}


@cache
def classes() -> dict[str, list[tuple[str, ast.ClassDef]]]:
    """Where each name of a class at the top of a file is defined."""
    found: dict[str, list[tuple[str, ast.ClassDef]]] = defaultdict(list)
    for name, tree in sources().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found[node.name].append((name, node))
    return found


@cache
def parts() -> dict[str, str]:
    """Every class of parts, by the bases that it has or by being a network, and the file that defines it."""
    found = {name: homes[0][0] for name, homes in classes().items() if name in KINDS}
    before = -1
    while before != len(found):
        before = len(found)
        for name, homes in classes().items():
            for home, node in homes:
                bases = {b.id for b in node.bases if isinstance(b, ast.Name)}
                network = home.startswith("prior/networks/") and not home.rpartition("/")[2].startswith("_")
                if bases & set(found) or (network and not name.startswith("_")):
                    found.setdefault(name, home)
    return found


def names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} | {
        n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)
    }


def asked(tree: ast.Module) -> Iterator[tuple[int, set[str]]]:
    """(line, names) of every question of what class something is."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name("isinstance" | "issubclass"), [_, kinds]):
                yield node.lineno, names(kinds)
            case ast.Compare(ast.Call(ast.Name("type")), _, others):
                yield node.lineno, set[str]().union(*map(names, others))
            case ast.MatchClass(kind):
                yield node.lineno, names(kind)


def test_the_readers_see_what_they_look_for():
    """The checks below would pass on an empty tree, too."""
    assert len(sources()) > 200
    assert {"Identity", "Measured", "WindowedVariance", "Hourglass", "Recorrupt", "PlugAndPlay", "Adam"} <= set(parts())
    bad = ast.parse("isinstance(x, (Identity, int))\nmatch y:\n    case Poisson(gain=g): pass\ntype(z) is Gaussian")
    assert sorted((line, *(said & set(parts()))) for line, said in asked(bad)) == [
        (1, "Identity"),
        (3, "Poisson"),
        (4, "Gaussian"),
    ]
    assert list(written(ast.parse("a.run._step = 1\nrun.over: bool = True\ndel course.x\nself.x = 1\ncourse.state.step += 1"))) == [
        (1, "a.run._step"), (2, "run.over"), (3, "course.x"), (5, "course.state.step"),
    ]  # fmt: skip


def test_nobody_asks_a_part_what_it_is():
    known = parts()
    found = [
        f"{file}:{line} {', '.join(sorted(foreign))}"
        for file, tree in sources().items()
        if not any(Path(file).match(pattern) for pattern in ROUTES)
        for line, said in asked(tree)
        if (foreign := {c for c in said if known.get(c, file) != file})
    ]
    assert found == []


def written(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, target) of every assignment to an attribute of something called a run, a course or a series, or of what it holds."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, (ast.Assign, ast.Delete)):
            targets = node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = [node.target]
        for target in (t for many in targets for t in (many.elts if isinstance(many, ast.Tuple) else [many])):
            at = target.value if isinstance(target, ast.Subscript) else target
            if isinstance(at, ast.Attribute) and not at.attr.startswith("__"):
                owners = ast.unparse(at.value).split(".")
                if {o.lstrip("_") for o in owners} & {"run", "course", "series", "whole"}:
                    yield node.lineno, ast.unparse(at)


def test_only_the_loop_writes_a_run():
    found = [
        f"{file}:{line} {target}"
        for file, tree in sources().items()
        if not file.startswith("solver/")
        for line, target in written(tree)
    ]
    assert found == []


def test_no_two_public_classes_share_a_name():
    shared = {
        name: where
        for name, homes in classes().items()
        if not name.startswith("_") and len(where := [f for f, _ in homes if not _under_work(f)]) > 1
    }
    assert shared == {}


def _under_work(file: str) -> bool:
    return any(Path(file).match(pattern) for pattern in ROUTES)


def test_no_file_is_long():
    assert {f: n for f in sources() if (n := len((TREE / f).read_text("utf-8").splitlines())) > LINES} == {}


def test_no_private_name_comes_from_another_room():
    """Of names in files; a file called `_base.py` is one that is no part, so that no registry lists it."""
    found = []
    for file, tree in sources().items():
        room = file.split("/")[0] if "/" in file else ""
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("untaught."):
                where = (node.module or "").split(".")[1:]
                private = [a.name for a in node.names if a.name[0] == "_" and not a.name.startswith("__")]
                private = [n for n in private if "/".join((*where, n)) + ".py" not in sources()]
                if private and where[0] != room:
                    found.append(f"{file}:{node.lineno} {', '.join(private)}")
    assert found == []


def contract() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]


def test_the_rooms_are_few_and_imports_for_types_count():
    (layers,) = (c["layers"] for c in contract()["contracts"])
    assert len(layers) <= ROWS
    assert contract()["exclude_type_checking_imports"] is False
    homes = {f.split("/")[0] for f in sources() if "/" in f}
    assert homes == {row.removeprefix("untaught.") for row in layers}  # every room has its floor


@cache
def graph() -> dict[str, set[str]]:
    """Which files each one imports where it is loaded, or for its types."""
    modules = {
        ".".join(("untaught", *n.removesuffix(".py").removesuffix("/__init__").split("/"))): n for n in sources()
    }
    found: dict[str, set[str]] = {}
    for name, tree in sources().items():
        seen: set[str] = set()
        for node in _statements(tree.body):
            if isinstance(node, ast.ImportFrom):
                seen |= {
                    modules.get(f"{node.module}.{a.name}") or modules.get(node.module or "") or "" for a in node.names
                }
            elif isinstance(node, ast.Import):
                seen |= {modules.get(alias.name, "") for alias in node.names}
        found[name] = seen - {"", name, "__init__.py"}
    return found


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, (ast.If, ast.Try)):
            yield from _statements(node.body)
        else:
            yield node


def test_no_files_import_each_other_in_a_circle():
    left = dict(graph())
    assert sum(map(len, left.values())) > 500
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    assert sorted(left) == []
