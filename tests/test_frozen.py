"""Nothing changes but on purpose: every frozen job gives what it gave, to the bit on a known build and nearly on any other.

What to do where a change is meant: `python tests/frozen.py --write NAME --because WHY`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import frozen
import pytest
from frozen_jobs import JOBS, NEEDS, SLOW

TABLE = frozen.read()
EVERY = [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [], id=name) for name in JOBS]


@lru_cache(maxsize=4)
def result(name: str) -> dict[str, Any]:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    return frozen.run(name)


@pytest.mark.parametrize("name", EVERY)
def test_it_gives_what_it_gave(name):
    assert name in TABLE["figures"], f"'{name}' is not frozen: python tests/frozen.py --write '{name}' --because WHY"
    kept, parts = TABLE["figures"][name], result(name)
    assert sorted(parts) == sorted(kept), "other parts than there were"
    bits = TABLE["bits"].get(frozen.build(), {}).get(name)
    wrong = [p for p, value in parts.items() if bits is not None and frozen.sha(value) != bits[p]]
    far = {p: frozen.strange(TABLE, name, p, frozen.figures(value)) for p, value in parts.items()}
    told = [f"{p}: {words}" for p, words in far.items() if words]
    assert not told, "another result:\n" + "\n".join(told)
    assert not wrong, f"nearly the same, but other bits: {', '.join(wrong)}"


def test_the_bits_of_this_build_are_known():
    if frozen.build() not in TABLE["bits"]:
        known = "; ".join(TABLE["bits"])
        pytest.skip(f"only figures were compared: this is {frozen.build()}, and bits are known of {known}")
    known = set(TABLE["bits"][frozen.build()])
    assert known <= set(JOBS)
    if lacking := sorted(set(JOBS) - known):
        pytest.skip(f"of these only figures were compared: {', '.join(lacking)}: python tests/frozen.py --add")


def test_what_rounding_decides_is_not_much():
    held = sum(len(parts) for parts in TABLE["unsteady"].values())
    assert held < 0.2 * sum(len(parts) for parts in TABLE["figures"].values())
    assert all(set(parts) <= set(TABLE["figures"][name]) for name, parts in TABLE["unsteady"].items())


def test_the_table_has_every_job_and_no_other_and_a_reason_for_each_change():
    assert set(TABLE["figures"]) == set(JOBS)
    assert set(TABLE["changed"]) <= set(JOBS)
    assert all(len(why) > 10 for why in TABLE["changed"].values())


def test_a_bit_that_changes_is_seen():
    parts = result("denoise instant")
    changed = parts["result"].copy()
    changed.view("uint8").flat[7] ^= 1
    assert frozen.sha(changed) != frozen.sha(parts["result"])
    assert frozen.apart(frozen.figures(parts["result"]), frozen.figures(255 - parts["result"]))
    assert frozen.apart(frozen.figures("ends after 3 steps"), frozen.figures("ends after 3 days"))
