"""What a person reads of a setting: the task's own words, or those that tasks share, and on every face the same."""

from __future__ import annotations

import inspect

import pytest

from untaught.core.docstrings import completed, parameters
from untaught.core.registry import tasks
from untaught.core.types import About, Amount, Seed, Steps
from untaught.tasks import task


@pytest.mark.parametrize("name", tasks.names())
def test_every_setting_is_described_once(name):
    one = tasks.get(name)
    texts = parameters(one.__doc__)
    assert [n for n in one.settings if not texts.get(n)] == []
    lines = inspect.cleandoc(one.__doc__).splitlines()
    assert [n for n in one.settings if lines.count(n) != 1] == []
    own = parameters(one.compose.__doc__)
    shared = {
        n: m.text for n, hint in one.settings.items() for m in getattr(hint, "__metadata__", ()) if isinstance(m, About)
    }
    assert [n for n in own if own[n] == shared.get(n)] == [], "written again"
    assert texts == shared | own


def test_a_task_says_only_what_is_its_own():
    @task
    def brighten(picture, *, amount: Amount = 0.5, steps: Steps = None, seed: Seed = 0):
        """Make a picture brighter.

        Parameters
        ----------
        amount
            How much.
        steps
            How often,
            at most.
        """

    texts = parameters(brighten.__doc__)
    assert list(texts) == ["amount", "steps", "seed"]
    assert texts["steps"] == "How often, at most."
    assert texts["seed"] == "The same seed gives the same picture."


def test_a_docstring_without_parameters_gets_them():
    assert completed("Draw.", {"seed": Seed}) == (
        "Draw.\n\nParameters\n----------\nseed\n    The same seed gives the same picture."
    )
    assert completed("Draw.", {"amount": Amount}) == "Draw."
