"""Leaves fields that begin with an underscore out of the reference: what a bound value remembers is its own affair."""

from __future__ import annotations

from typing import Any

import griffe


class Private(griffe.Extension):
    """Before signatures of dataclasses are made from their fields."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        self.strip(pkg)

    def strip(self, part: griffe.Module | griffe.Class) -> None:
        for name, member in list(part.members.items()):
            if member.is_alias:
                continue
            if part.is_class and member.is_attribute and name.startswith("_"):
                del part.members[name]
            elif member.is_module or member.is_class:
                self.strip(member)
