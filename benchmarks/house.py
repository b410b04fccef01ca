"""How the source tree is built, in figures: what a rebuild is to make smaller.

    python benchmarks/house.py            # the figures
    python benchmarks/house.py --lists    # with every place, as file:line

Read from the sources alone (ast): nothing of the package is imported. `TREE` is the package.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TREE = ROOT / "src" / "untaught"
PARTS = {  # kinds of parts, by the names of their base classes
    "Operator", "Likelihood", "Regulariser", "Code", "Prior", "Objective", "Rule", "Optimiser", "Average", "Guide", "Classifier",
}  # fmt: skip
PACKAGES = ("operators", "likelihoods", "networks", "objectives", "stopping", "noise", "classifiers")
MODULES = ("regularisers", "codes", "priors", "optimisers", "averaging", "guides", "ridge", "fills", "camera", "anscombe", "arrays")
RUNS = {"run", "whole", "series", "player.run", "self.run", "self._run", "run.run"}


@cache
def sources() -> dict[str, ast.Module]:
    """The syntax tree of every file, by its path below the package."""
    return {
        path.relative_to(TREE).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted(TREE.rglob("*.py"))
        if "static" not in path.parts
    }


def lines() -> dict[str, tuple[int, int]]:
    """(all lines, lines of code) by file: code is what is neither blank, nor a comment, nor a docstring."""
    found = {}
    for name, tree in sources().items():
        text = (TREE / name).read_text("utf-8").splitlines()
        words: set[int] = set()
        for node in ast.walk(tree):
            # A string that is a statement of its own says something and does nothing.
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                words |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        code = [i for i, line in enumerate(text, 1) if line.strip() and not line.strip().startswith("#") and i not in words]
        found[name] = len(text), len(code)
    return found


def classes() -> dict[str, list[tuple[str, ast.ClassDef]]]:
    """Where each name of a class at the top of a file is defined."""
    found: dict[str, list[tuple[str, ast.ClassDef]]] = defaultdict(list)
    for name, tree in sources().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found[node.name].append((name, node))
    return found


def parts() -> dict[str, str]:
    """Every class of a kind of part, its base among them, and the file that it is defined in."""
    where = classes()
    found = {name: homes[0][0] for name, homes in where.items() if name in PARTS}
    before = -1
    while before != len(found):
        before = len(found)
        for name, homes in where.items():
            for home, node in homes:
                bases = {b.id if isinstance(b, ast.Name) else getattr(b, "attr", "") for b in node.bases}
                if bases & set(found):
                    found.setdefault(name, home)
                inside = home.split("/")[0] in PACKAGES or home.removesuffix(".py") in MODULES
                if inside and not name.startswith("_") and not bases & {"Protocol", "TypedDict", "NamedTuple", "Enum"}:
                    found.setdefault(name, home)
    return found


def isinstance_of_parts() -> list[str]:
    """Questions of what class a part is, asked outside the file that defines it: "file:line Class, Class"."""
    known, found = parts(), []
    for name, tree in sources().items():
        for node in ast.walk(tree):
            asked: list[ast.expr] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass"):
                asked = node.args[1:]
            elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Call):
                if isinstance(node.left.func, ast.Name) and node.left.func.id == "type":
                    asked = node.comparators
            elif isinstance(node, ast.MatchClass):
                asked = [node.cls]
            inside = [n for a in asked for n in ast.walk(a)]
            said = [n.id for n in inside if isinstance(n, ast.Name)] + [n.attr for n in inside if isinstance(n, ast.Attribute)]
            foreign = [c for c in said if c in known and known[c] != name]
            if foreign:
                found.append(f"{name}:{node.lineno} {', '.join(foreign)}")
    return sorted(found, key=_place)


def asked_by_name() -> list[str]:
    """Attributes that are asked for by their name in a text, which no type checker follows: "file:line name"."""
    found = []
    for name, tree in sources().items():
        for node in ast.walk(tree):
            match node:
                case ast.Call(ast.Name("getattr" | "hasattr"), [_, ast.Constant(str(word)), *_]) if word[:2] != "__":
                    found.append(f"{name}:{node.lineno} {word}")
    return sorted(found, key=_place)


def assignments_to_runs() -> list[str]:
    """Where something of a run is written from outside the file of `Run`: "file:line target"."""
    home = classes()["Run"][0][0]
    found = []
    for name, tree in sources().items():
        if name == home:
            continue
        for node in ast.walk(tree):
            targets: list[ast.expr] = []
            if isinstance(node, ast.Assign):
                targets = node.targets
            elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
                targets = [node.target]
            elif isinstance(node, ast.Delete):
                targets = node.targets
            for target in (t for many in targets for t in (many.elts if isinstance(many, ast.Tuple) else [many])):
                if isinstance(target, ast.Subscript):
                    target = target.value
                own = isinstance(target, ast.Attribute) and not target.attr.startswith("__")  # no names of functions
                if own and ast.unparse(target.value) in RUNS:
                    found.append(f"{name}:{node.lineno} {ast.unparse(target)}")
    return sorted(found, key=_place)


def imports(*, only_types: bool) -> dict[str, set[str]]:
    """Which files of the package each one imports at its top; or, for types alone, those under TYPE_CHECKING, too."""
    modules = {_module(name): name for name in sources()}
    found: dict[str, set[str]] = {}
    for name, tree in sources().items():
        seen: set[str] = set()
        for node in _statements(tree.body, only_types):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "untaught":
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    seen.add(modules.get(whole) or modules.get(node.module) or "")
            elif isinstance(node, ast.Import):
                seen |= {modules.get(alias.name, "") for alias in node.names}
        found[name] = seen - {"", name, "__init__.py"}
    return found


def _statements(body: list[ast.stmt], only_types: bool) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            if only_types:
                yield from node.body
        elif isinstance(node, (ast.If, ast.Try)):
            yield from _statements(node.body, only_types)
        else:
            yield node


def type_only_cycles() -> list[list[str]]:
    """Groups of files that import each other in a circle once what is imported for types alone is counted, the largest first."""
    return cycles(imports(only_types=True))


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected groups of more than one (Tarjan 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in sorted(graph.get(name, ())):
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[-len(group) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(graph):
        if name not in order:
            visit(name)
    return sorted(found, key=len, reverse=True)


def public_class_names_shared() -> dict[str, list[str]]:
    """Public classes of the same name, and the files that define them."""
    return {
        name: [home for home, _ in homes]
        for name, homes in sorted(classes().items())
        if len(homes) > 1 and not name.startswith("_")
    }


def floors() -> int:
    """Rows of the layer contract."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    return sum(len(c.get("layers", ())) for c in contracts)


def _module(name: str) -> str:
    return ".".join(("untaught", *name.removesuffix(".py").removesuffix("/__init__").split("/")))


def _place(found: str) -> tuple[str, int]:
    file, _, rest = found.partition(":")
    return file, int(rest.split()[0])


def main() -> None:
    lists = "--lists" in sys.argv[1:]
    counted, every = lines(), sources()
    flat = [n for n in every if "/" not in n and n != "__init__.py"]
    rooms = {n.split("/")[0] for n in every if "/" in n}
    total = Counter({"all": sum(a for a, _ in counted.values()), "code": sum(c for _, c in counted.values())})
    long = [f"{n} {a}" for n, (a, _) in counted.items() if a > 300]
    print(f"files                          {len(every)}: {len(flat)} lie flat, {len(rooms)} packages at the top")
    print(f"lines                          {total['all']}, of code {total['code']}")
    print(f"files of more than 300 lines   {len(long)} (largest {max(a for a, _ in counted.values())})")
    _tell("isinstance of parts            ", isinstance_of_parts(), lists)
    _tell("attributes asked for by name   ", asked_by_name(), lists)
    _tell("assignments to runs            ", assignments_to_runs(), lists)
    print(f"floors of the linter           {floors()}")
    circles = type_only_cycles()
    told = [f"{len(c)}: {' '.join(c)}" for c in circles]
    _tell("circles, imports for types too ", told, lists)
    _tell("circles, without those         ", [" ".join(c) for c in cycles(imports(only_types=False))], lists)
    _tell("public class names shared      ", [f"{n}: {' '.join(w)}" for n, w in public_class_names_shared().items()], lists)
    if lists:
        _tell("long files                     ", long, lists)


def _tell(what: str, found: list[str], lists: bool) -> None:
    print(f"{what}{len(found)}")
    if lists:
        for one in found:
            print(f"    {one}")


if __name__ == "__main__":
    main()
