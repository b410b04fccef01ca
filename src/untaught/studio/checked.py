"""Values checked against type hints, and hints as JSON schema. Only what messages are made of; nothing but the standard library."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
hints: Callable[[Any], dict[str, Any]] = cache(get_type_hints)
PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def made(kind: type[T], values: Mapping[str, Any]) -> T:
    """The dataclass of these values, each of them `taken`. TypeError for a field too many, too few, or of another type."""
    known = hints(kind)
    if more := sorted(set(values) - {f.name for f in fields(kind)}):  # type: ignore[arg-type]
        raise TypeError(f"{kind.__name__} has no field '{more[0]}'.")
    return kind(**{name: taken(value, known[name], f"{kind.__name__}.{name}") for name, value in values.items()})


def taken(value: Any, hint: Any, where: str) -> Any:
    """The value as the hint has it: JSON's arrays become tuples, its objects dataclasses. TypeError where it is something else."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        for one in inner:
            try:
                return taken(value, one, where)
            except TypeError:
                continue
    elif origin is Literal:
        if isinstance(value, str) and value in inner:
            return value
    elif origin in (tuple, list):
        if isinstance(value, (list, tuple)):
            each = inner if origin is tuple and inner[-1] is not ... else inner[:1] * len(value)
            if len(each) == len(value):
                return origin(taken(v, h, f"{where}[{i}]") for i, (v, h) in enumerate(zip(value, each, strict=True)))
    elif origin is dict:
        if isinstance(value, dict):
            return {taken(k, inner[0], where): taken(v, inner[1], f"{where}.{k}") for k, v in value.items()}
    elif is_dataclass(hint):
        if isinstance(value, dict):
            return made(hint, value)  # type: ignore[arg-type]
        if isinstance(value, hint):  # type: ignore[arg-type]
            return value
    elif hint is float:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    elif isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise TypeError(f"{where} is {value!r:.80}, which is no {getattr(hint, '__name__', None) or hint}.")


def schema(*kinds: type) -> dict[str, Any]:
    """The JSON schema of dataclasses and of all that they hold, by name under "$defs". All fields are written: all are required."""
    found: dict[str, Any] = {}
    for kind in kinds:
        _schema(kind, found)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": found}


def _schema(hint: Any, found: dict[str, Any]) -> dict[str, Any]:
    origin, inner = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        name = hint.__name__  # type: ignore[union-attr]
        if name not in found:
            found[name] = {}  # it may hold itself
            each = {f.name: _schema(hints(hint)[f.name], found) for f in fields(hint)}
            said = (hint.__doc__ or "").split("\n\n")[0]
            found[name] = {"type": "object", "description": said, "properties": each, "required": list(each)}
        return {"$ref": f"#/$defs/{name}"}
    if hint is Any:
        return {}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(one, found) for one in inner]}
    if origin is tuple and inner[-1] is not ...:
        return {"type": "array", "prefixItems": [_schema(one, found) for one in inner], "items": False}
    if origin in (tuple, list):
        return {"type": "array", "items": _schema(inner[0], found)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(inner[1], found)}
    return {"type": PLAIN[hint]}
