"""Parts as a person writes them: "name:key=value,key=value", from the fields of frozen dataclasses and back.

    parse("variance:patience=500", rules, "stopping rule")   # WindowedVariance(patience=500)
    text(Hourglass(down=(16, 32)), networks)                 # "hourglass:down=16,32"

What stands before the first key is the value of the first field ("after:3000"). Several values with commas are a tuple, a comma
behind a single one makes it one; a part that holds another has it in parentheses ("frozen:net=(unet)").
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, Field, fields
from inspect import get_annotations
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from untaught.core.errors import BadInput, unknown

Kinds = Mapping[str, type]
WORDS = {True: "yes", False: "no", None: "none"}
SAID = {int: "a whole number", float: "a number", bool: "yes or no", str: "a word", NoneType: "none"}


def name_of(kind: type) -> str:
    """The name of a class of parts: its own `word`, or "HoldOut" as "hold-out"."""
    return str(getattr(kind, "word", "")) or re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()


def parse(written: str, kinds: Kinds, what: str) -> Any:
    """The part that is written; `BadInput` with the nearest name, the fields and an example. what: the kind of part, in words."""
    name, _, rest = written.strip().partition(":")
    if name not in kinds:
        raise unknown(what, name, kinds)
    kind = kinds[name]
    known = _fields(kind)
    given: dict[str, list[str]] = {}
    key = next(iter(known), "")
    for i, piece in enumerate(_split(rest)):
        before, equals, value = piece.partition("=")
        if equals and not piece.startswith("("):
            key = before.strip()
            if key not in known:
                raise BadInput(f"{unknown(f'setting of the {what} {name},', key, known)} {_help(kind, kinds)}")
            if key in given:
                raise BadInput(f"{key} of the {what} '{name}' is given twice: '{written}'.")
            given[key] = [value.strip()]
        elif not known:
            raise BadInput(f"The {what} '{name}' has no settings, but '{rest}' was given: write '{name}' alone.")
        elif i == 0:
            given[key] = [piece.strip()]
        else:
            given[key].append(piece.strip())
    values = {}
    for key, items in given.items():
        try:
            values[key] = _value(items, _type(kind, known[key]), kinds, what)
        except ValueError as error:
            if isinstance(error, BadInput):
                raise
            raise BadInput(
                f"{key} = {','.join(items)} of the {what} '{name}' is not what it can be: give {error}. {_help(kind, kinds)}"
            ) from None
    missing = [
        f for f, one in known.items() if one.default is MISSING and one.default_factory is MISSING and f not in values
    ]
    if missing:
        raise BadInput(f"The {what} '{name}' needs {' and '.join(missing)}. {_help(kind, kinds)}")
    return kind(**values)


def text(part: Any, kinds: Kinds) -> str:
    """How the part is written: its name, and what differs from the defaults."""
    name = next((n for n, kind in kinds.items() if kind is type(part)), name_of(type(part)))
    told = [
        f"{key}={_written(value, _type(type(part), field), kinds)}"
        for key, field in _fields(type(part)).items()
        if (value := getattr(part, key)) != field.default
    ]
    return f"{name}:{','.join(told)}" if told else name


def _fields(kind: type) -> dict[str, Field[Any]]:
    return {f.name: f for f in fields(kind) if f.init and not f.name.startswith("_")}


def _type(kind: type, field: Field[Any]) -> Any:
    """The annotation of a field; `Any` where its names are known to type checkers alone."""
    for base in kind.__mro__:
        if (written := get_annotations(base).get(field.name)) is not None:
            with suppress(NameError):
                return eval(str(written), dict(vars(sys.modules[base.__module__])))
    return Any


def _split(rest: str) -> list[str]:
    """At commas outside parentheses."""
    found, depth = [""], 0
    for sign in rest:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            found.append("")
        else:
            found[-1] += sign
    return found if rest.strip() else []


def _value(items: list[str], hint: Any, kinds: Kinds, what: str) -> Any:
    """What the items say, as the annotation has it; a ValueError says what it would have to be."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        said = []
        for one in inner:
            try:
                return _value(items, one, kinds, what)
            except ValueError as error:
                if isinstance(error, BadInput):
                    raise
                said.append(str(error))
        raise ValueError(" or ".join(dict.fromkeys(said)))
    if origin is tuple:
        items = items[:-1] if len(items) > 1 and not items[-1] else items
        each = [inner[0]] * len(items) if inner[-1] is Ellipsis else list(inner)
        if len(each) != len(items):
            raise ValueError(f"{len(each)} values with commas between them")
        try:
            return tuple(_value([item], one, kinds, what) for item, one in zip(items, each, strict=True))
        except ValueError as error:
            if isinstance(error, BadInput):
                raise
            raise ValueError(f"{error}, or several with commas between them") from None
    if len(items) != 1:
        raise ValueError("one value")
    (item,) = items
    if item.startswith("(") and item.endswith(")"):
        return parse(item[1:-1], kinds, what)
    if origin is Literal:
        if item not in inner:
            raise ValueError(f"one of {', '.join(map(str, inner))}")
        return item
    if hint in (bool, NoneType):
        found = {word: value for value, word in WORDS.items() if isinstance(value, hint)}
        if item not in found:
            raise ValueError(SAID[hint])
        return found[item]
    if hint in (int, float):
        try:
            return hint(item)
        except ValueError:
            raise ValueError(SAID[hint]) from None
    if hint is Any:
        raise ValueError("a part in parentheses")
    return item


def _written(value: Any, hint: Any, kinds: Kinds) -> str:
    if isinstance(value, tuple):
        said = ",".join(_written(v, Any, kinds) for v in value)
        alone = len(value) == 1 and get_origin(hint) is not tuple  # where a single value means something else
        return said + "," * alone
    if value is None or isinstance(value, bool):
        return WORDS[value]
    return f"({text(value, kinds)})" if type(value) in kinds.values() else str(value)


def _help(kind: type, kinds: Kinds) -> str:
    """What can be given, and an example."""
    known = ", ".join(_fields(kind)) or "nothing"
    return f"It has {known}: for example {text(kind.examples()[0], kinds)}."  # type: ignore[attr-defined]
