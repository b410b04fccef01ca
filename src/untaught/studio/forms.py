"""The forms of the tasks, made from their typed signatures as JSON schema: a new task appears by existing."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from untaught.core.docstrings import parameters
from untaught.core.errors import BadInput, unknown
from untaught.core.registry import tasks
from untaught.core.types import Unit
from untaught.studio import words
from untaught.tasks import role

LEVELS = re.compile(r",? as a fraction of full scale(, e\.g\. [\d./]+?(?=\.( |$)))?")
"""As a page has it: there such numbers are written in grey levels."""
HIDDEN = {"channel_axis", "along", "axes"}  # a file says itself where its channels are, and holds one picture
HIDDEN |= {"dark", "read_noise", "saturation"}  # of detectors, whose files the page does not read as counts


class Form(BaseModel):
    """What every form refuses: fields that the task does not have, numbers written as text, infinities."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@cache
def form(name: str) -> type[Form]:
    """The model of a task's settings."""
    one = tasks.get(name)
    texts = parameters(one.__doc__ or "")
    fields: dict[str, Any] = {}
    for p in inspect.signature(one.compose).parameters.values():
        if p.kind is not p.KEYWORD_ONLY or p.name in HIDDEN:
            continue
        hint = one.settings[p.name]
        what = role(hint)
        extra: dict[str, Any] = {}
        if what is not None:
            extra["role"] = what
            hint = Annotated[str | None, Field(max_length=200)]
        for mark in getattr(hint, "__metadata__", ()):
            if isinstance(mark, Unit):
                extra["unit"] = mark.name
        text = texts.get(p.name, "")
        choices = [c for c in _choices(hint) if isinstance(c, str)]
        if choices:
            known = words.CHOICES.get(p.name, {})
            extra["choices"] = {c: known[c][1] if c in known else _meaning(c, text) for c in choices}
            extra["labels"] = {c: known[c][0] if c in known else c for c in choices}
        other = words.ONLY.get(p.name, {})
        if set(other) & set(one.settings):
            extra["only"] = other
        title = words.of(words.TITLES, name, p.name) or p.name.rstrip("_").replace("_", " ").capitalize()
        text = words.of(words.ABOUT, name, p.name) or LEVELS.sub(", in grey levels of 255", text)
        fields[p.name] = (hint, Field(p.default, title=title, description=text, json_schema_extra=extra))
    return create_model(name, __base__=Form, **fields)


def _choices(hint: Any) -> tuple[Any, ...]:
    base = getattr(hint, "__origin__", hint) if hasattr(hint, "__metadata__") else hint
    return get_args(base) if get_origin(base) is Literal else ()


def _meaning(choice: str, text: str) -> str:
    """ "fast: seconds. best: minutes." -> what is said of one of them."""
    found = re.search(rf"(?:^|[.;] ){re.escape(choice)}: (.+?)(?:\.(?= |$)|; (?=\w+: )|$)", text)
    return found.group(1).strip() if found else ""


def schemas() -> list[dict[str, Any]]:
    """Every task that needs no measurements, by its words and the JSON schema of its settings; those that restore come first."""
    found = []
    for name in sorted(tasks.names(), key=_place):
        one = tasks.get(name)
        if one.subject == "measurements":  # which the page cannot show
            continue
        found.append(
            {
                "name": name,
                "words": words.WRONG.get(name, name.replace("_", " ").capitalize()),
                "doing": words.DOING.get(name, "Working"),
                "about": (inspect.getdoc(one.compose) or "").split("\n\n")[0].replace("\n", " "),
                "subject": one.subject,
                "late": name in words.LATE,
                "begin": words.BEGIN.get(name, {}),
                "form": form(name).model_json_schema(),
            }
        )
    return found


def _place(name: str) -> tuple[bool, int, str]:
    known = list(words.WRONG)
    return name in words.LATE, known.index(name) if name in known else len(known), name


def check(name: str, settings: Any) -> dict[str, Any]:
    """The settings that differ from the defaults, checked; `BadInput` names the field, its value and what it may be."""
    if name not in tasks.names():
        raise unknown("task", name, tasks.names())
    if not isinstance(settings, dict):
        raise BadInput(f"The settings of '{name}' are {type(settings).__name__}: give an object of names and values.")
    try:
        model = form(name).model_validate(settings)
    except ValidationError as error:
        raise BadInput(_words(name, error)) from None
    for field in settings:
        value = getattr(model, field)
        if isinstance(value, str) and role(tasks.get(name).settings[field]) is None:
            word(field, value)
    return {k: getattr(model, k) for k in settings if getattr(model, k) != type(model).model_fields[k].default}


def word(field: str, value: str) -> str:
    """A word that can name no file of another folder; the engine reads it in one that is empty, and here it is not looked up."""
    if not re.fullmatch(r"[\w.,:;+ ()=#|-]{0,100}", value) or ".." in value or re.match(r"[A-Za-z]:", value):
        raise BadInput(
            f"{field} = '{value[:60]}' is no plain word, and files are not named here: add the file instead."
        )
    return value


def _words(name: str, error: ValidationError) -> str:
    first = error.errors()[0]
    field = str(first["loc"][0]) if first["loc"] else "settings"
    if first["type"] == "extra_forbidden":
        return str(unknown(f"setting of '{name}'", field, form(name).model_fields))
    return f"{field} = {first.get('input')!r} is not what it can be: {first['msg'][0].lower()}{first['msg'][1:]}."


def _means(name: str, field: str, settings: dict[str, Any]) -> bool:
    """Whether a setting of the task means something beside the others."""
    fields = form(name).model_fields
    others = {other: among for other, among in words.ONLY.get(field, {}).items() if other in fields}
    return all(settings.get(other, fields[other].default) in among for other, among in others.items())


def has(name: str, field: str) -> bool:
    """Whether the task has that setting."""
    return field in form(name).model_fields


def again(how: str, name: str, settings: dict[str, Any], steps: int, sigma: float | None) -> dict[str, Any] | None:
    """The settings of another go: "seed" draws anew, "softer" and "sharper" move what decides; None where nothing does. How much of
    a result is taken is no other go: the page blends it.

    sigma: what was measured on the picture, where it is one number. steps: what the run took.
    """
    has, now = form(name).model_fields, dict(settings)
    if how == "seed":
        return {**now, "seed": now.get("seed", 0) + 1} if "seed" in has else None
    up = how == "softer"
    if "amount" in has:
        amount = now.get("amount", has["amount"].default) * (0.7 if up else 1.4)
        return {**now, "amount": round(min(10.0, amount), 3)}
    if "sigma" in has:
        level = now.get("sigma", sigma) if _means(name, "sigma", now) else None
        if level is not None:
            return {**now, "sigma": round(level * (1.25 if up else 0.8), 5)}
    elif "steps" in has and steps > 10:
        return {**now, "steps": max(1, round(steps * (0.65 if up else 1.5)))}
    return None
