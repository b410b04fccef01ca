"""From a name to a part, without importing anything before it is asked for.

A part is one file in its folder (`prior/networks/hourglass.py`), or an entry point of another
distribution in the group `untaught.networks`, `untaught.tasks`, ...: it exists by being there.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from untaught.core.errors import Missing, unknown
from untaught.core.parsing import name_of


def require(module: str, *, extra: str) -> Any:
    """Import an optional package, or say how to install it.

    Raises `Missing` with the command that installs the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Missing(
            f"This needs the package '{module.split('.')[0]}', which is not installed: pip install 'untaught[{extra}]'."
        ) from error


@dataclass(frozen=True)
class Registry:
    """The parts of one kind: `networks.get("hourglass")` is the class, `networks.names()` lists them.

    A file `name.py` of the folder defines the part as a module constant (`NETWORK`), or, where
    `constant` is None, as an object of its own name (a task `denoise` in `tasks/denoise/`).
    inner: the file in the folder of that name which holds it (`tasks/denoise/presets.py`).
    """

    kind: str
    folder: str
    constant: str | None = None
    inner: str = ""

    @cached_property
    def _files(self) -> list[str]:
        here = Path(__file__).parents[1].joinpath(*self.folder.split("."))
        found = (m.name for m in pkgutil.iter_modules([str(here)]) if not m.name.startswith("_"))
        return sorted(name for name in found if not self.inner or (here / name / f"{self.inner}.py").exists())

    @cached_property
    def _plugins(self) -> dict[str, EntryPoint]:
        return {
            point.name: point
            for point in entry_points(group=f"untaught.{self.inner or self.folder.rpartition('.')[2]}")
        }

    def names(self) -> list[str]:
        return sorted({*self._files, *self._plugins})

    def get(self, name: str) -> Any:
        """The part called `name`; `BadInput` with the nearest name where there is none."""
        if name in self._files:
            module = importlib.import_module(".".join(filter(None, ("untaught", self.folder, name, self.inner))))
            return getattr(module, self.constant or name)
        if name in self._plugins:
            return self._plugins[name].load()
        raise unknown(self.kind, name, self.names())

    def items(self) -> Iterator[tuple[str, Any]]:
        return ((name, self.get(name)) for name in self.names())

    def kinds(self, *own: type) -> dict[str, type[Any]]:
        """Where each file holds several classes: all of these as they are written, those that stand in no such file first."""
        return {name_of(kind): kind for kind in (*own, *(kind for _, found in self.items() for kind in found))}


comparisons = Registry("task to compare", "bench.comparisons", "COMPARISON")
classifiers = Registry("model", "problem.classifiers", "CLASSIFIER")
networks = Registry("network", "prior.networks", "NETWORK")
objectives = Registry("objective", "solver.objectives", "OBJECTIVE")
simulations = Registry("file of simulations", "noise.simulate", "SIMULATIONS")
rules = Registry("file of stopping rules", "solver.stopping", "RULES")
tasks = Registry("task", "tasks")
presets = Registry("task with presets", "tasks", "PRESETS", inner="presets")
figures = Registry("file of figures", "bench.figures", "FIGURES")
