"""Laws of the messages, swept over all of them: they come out of the pipe and of JSON as they went in, and refuse what is none."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import types
from dataclasses import MISSING, FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from untaught.studio import messages
from untaught.studio.checked import made, schema
from untaught.studio.messages import KINDS, Message, read
from untaught.studio.shelf import Entry
from untaught.studio.views import PAGE, JobView

PAGE_FOLDER = Path(__file__).parents[1] / "page"
ALL = [v for v in vars(messages).values() if isinstance(v, type) and issubclass(v, Message) and fields(v)]
PLAIN = {
    str: "a word",
    int: 3,
    float: 0.5,
    bool: True,
    bytes: b"\x00\xff",
    type(None): None,
    Any: {"any": [1, "thing"]},
}


def sample(hint):
    """A value of that type."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return sample(inner[0])
    if origin is Literal:
        return inner[-1]
    if origin in (tuple, list):
        return origin(sample(h) for h in inner if h is not ...)
    if origin is dict:
        return {sample(inner[0]): sample(inner[1])}
    return PLAIN[hint] if hint in PLAIN else whole(hint)


def whole(kind):
    known = get_type_hints(kind)
    return kind(**{f.name: sample(known[f.name]) for f in fields(kind)})


@pytest.mark.parametrize("kind", ALL)
def test_a_message_comes_out_as_it_went_in_and_cannot_be_changed(kind):
    one = whole(kind)
    assert made(kind, one.plain()) == one
    if kind.KIND:
        assert read(kind.KIND, one.plain()) == one
    if kind in PAGE.values():
        assert made(kind, json.loads(json.dumps(one.plain(), allow_nan=False))) == one
    with pytest.raises(FrozenInstanceError):
        setattr(one, fields(kind)[0].name, None)


@pytest.mark.parametrize("kind", ALL)
def test_a_field_that_is_wrong_missing_or_too_much_is_refused_by_its_name(kind):
    one = whole(kind)
    for f in fields(kind):
        if get_type_hints(kind)[f.name] is not Any:
            with pytest.raises(TypeError, match=rf"{kind.__name__}\.{f.name} is "):
                replace(one, **{f.name: object()})
        if f.default is MISSING:
            rest = {k: v for k, v in one.plain().items() if k != f.name}
            with pytest.raises(TypeError, match=f.name):
                made(kind, rest)
    with pytest.raises(TypeError, match="has no field 'more'"):
        made(kind, {**one.plain(), "more": 1})


@pytest.mark.parametrize("value", [math.nan, math.inf, True, "0.5"])
def test_a_number_is_one_that_json_can_carry(value):
    with pytest.raises(TypeError, match=r"Numbers\.seconds is"):
        messages.Numbers(seconds=value)


def test_every_kind_is_known_once_and_no_other():
    assert [kind.KIND for kind in KINDS.values()] == list(KINDS)
    with pytest.raises(TypeError, match="no message 'hello'"):
        read("hello", {})


def test_pages_see_all_of_a_job_but_what_is_only_the_servers():
    hidden = {"resume", "curve", "version", "written"}
    assert {f.name for f in fields(JobView)} == {f.name for f in fields(Entry)} - hidden | {"points"}
    job = Entry("a", "denoise", None, "cat.png", {"seed": 1})
    job.note("one", "two")
    job.note("one")
    assert job.public(((1, 0.5, None),)).notes == ("one", "two")


def test_the_schema_names_every_field_that_is_written():
    found = schema(*PAGE.values())["$defs"]
    for kind in PAGE.values():
        assert found[kind.__name__]["required"] == list(whole(kind).plain())


@pytest.mark.skipif(not PAGE_FOLDER.is_dir(), reason="the sources of the page are not here")
def test_the_types_of_the_page_are_those_of_the_messages():
    made = subprocess.run([sys.executable, PAGE_FOLDER / "typescript.py"], capture_output=True, text=True, check=True)
    assert made.stdout == (PAGE_FOLDER / "src" / "lib" / "messages.ts").read_text(encoding="utf-8")
