"""What the reference tells of parts beside their sources: of tasks also what many of them share, and of fields only public ones."""

from __future__ import annotations

from typing import Any

import griffe

from untaught.core import registry


class Told(griffe.Extension):
    """Before signatures of dataclasses are made from their fields."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        self.strip(pkg)
        for name in registry.tasks.names():
            docstring = pkg["tasks"][name][name].docstring
            docstring.value = registry.tasks.get(name).__doc__

    def strip(self, part: griffe.Module | griffe.Class) -> None:
        """Leaves out fields that begin with an underscore: what a bound value remembers is its own affair."""
        for name, member in list(part.members.items()):
            if member.is_alias:
                continue
            if part.is_class and member.is_attribute and name.startswith("_"):
                del part.members[name]
            elif member.is_module or member.is_class:
                self.strip(member)
