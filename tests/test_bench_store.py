"""Laws of the tables of studies, over every kind of row: read as written, gone on with, nothing of a person's lost."""

from __future__ import annotations

import types
from dataclasses import fields
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from untaught.bench import bench, frontier, impedance, networks, stopping, table
from untaught.bench.case import Case, always, cells, fill
from untaught.bench.store import Store, read, write
from untaught.core.errors import BadInput
from untaught.io.images.places import Places

KINDS = (bench.Scored, frontier.Point, networks.Compared, stopping.Judged, impedance.StepOfFit)
VALUES = {str: '# a name, with "quotes"', int: -3, float: 0.1 + 0.2, bool: False}


def row(kind, *, empty=False):
    """A row with something in every field, or with None where that may be."""
    made = {}
    for name, hint in get_type_hints(kind).items():
        if isinstance(hint, types.UnionType):
            made[name] = None if empty else VALUES[get_args(hint)[0]]
        else:
            made[name] = get_args(hint)[0] if get_origin(hint) is Literal else VALUES[hint]
    return kind(**made)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_read_as_they_were_written(kind, tmp_path):
    rows = [row(kind), row(kind, empty=True)]
    write(tmp_path / "t.csv", rows, said=["a remark, on top"])
    assert read(tmp_path / "t.csv", kind) == rows
    write(tmp_path / "more.csv", rows, more=lambda row: {"machine": "m"})
    lines = (tmp_path / "more.csv").read_text().splitlines()
    assert lines[0].split(",") == [*(f.name for f in fields(kind)), "machine"]
    assert all(line.endswith(",m") for line in lines[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_table_of_the_study_is_refused_and_stays(kind, tmp_path):
    path = tmp_path / "t.csv"
    for text, why in (("a letter\nto a friend\n", "another table"), ("", "another table")):
        path.write_text(text)
        with pytest.raises(BadInput, match=why):
            Store(path, kind, hash, Places())
        assert path.read_text() == text
    write(path, [row(kind)])
    number = next(f.name for f in fields(kind) if get_type_hints(kind)[f.name] in (int, float))
    damaged = path.read_text().replace(str(getattr(row(kind), number)), "soon")
    path.write_text(damaged)
    with pytest.raises(BadInput, match="damaged row"):
        Store(path, kind, hash, Places())
    assert path.read_text() == damaged


def test_an_interrupted_study_goes_on_and_makes_nothing_twice(tmp_path):
    made = []

    def plan(stop):
        for i in range(4):
            yield ("p", i, "m"), lambda i=i: make(i, stop)

    def make(i, stop):
        if i == stop:
            raise KeyboardInterrupt
        made.append(i)
        return [frontier.Point("p", i, "m", "preset", None, 1.5, None, 30.0)]

    def store():
        return Store(tmp_path / "t.csv", frontier.Point, lambda p: p.key, Places())

    assert fill(store(), plan(2))
    assert [p.seed for p in read(tmp_path / "t.csv", frontier.Point)] == [0, 1]
    assert not fill(store(), plan(None))
    assert made == [0, 1, 2, 3]
    assert [p.seed for p in read(tmp_path / "t.csv", frontier.Point)] == [0, 1, 2, 3]


def test_a_table_that_another_wrote_meanwhile_is_left_alone(tmp_path):
    path = tmp_path / "t.csv"
    store = Store(path, frontier.Point, lambda p: p.key, Places())
    path.write_text("of a person")
    store.add("key", [row(frontier.Point)])
    assert path.read_text() == "of a person"
    assert read(store.place, frontier.Point) == [row(frontier.Point)]


def test_every_method_is_tried_on_every_case_with_every_seed():
    both = [Case(name, None, "", always(name)) for name in "ab"]
    tried = [(case.input(seed), seed, method) for case, seed, method in cells(both, ["x", "y"], 3)]
    assert len(set(tried)) == len(tried) == 2 * 3 * 2


def test_the_command_that_makes_a_table_again_names_all_that_was_given():
    given = {"sigma": 0.1, "noisy_from": None, "pairs": ["a b", "c"], "force": True, "memory": False, "presets": ""}
    command = "untaught bench denoise x.png --sigma 0.1 --pairs 'a b' --pairs c --force --presets ''"
    assert table.again(["bench", "denoise", "x.png"], given) == command
    assert table.markdown([("a", "b|c"), ("1", "2")], left=1) == "| a | b\\|c |\n|---|---:|\n| 1 | 2 |"
