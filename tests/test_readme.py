"""What the README and docs/uncertainty.md show is run as it stands there."""

from __future__ import annotations

import re

import pytest
import torch
from conftest import ROOT


def blocks(name):
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), flags=re.S)


@pytest.mark.parametrize("block", blocks("README.md"), ids=["denoise", "operator"])
def test_the_readmes_python_runs(block):
    torch.manual_seed(0)
    names: dict = {}
    exec(block, names)
    if "clean" in names:
        assert names["clean"].dtype == names["noisy"].dtype
    if "solution" in names:
        truth = names["truth"]
        assert float((names["x"] - truth).square().mean()) < float((names["y"] - truth).square().mean())
        assert len(names["solution"].reason) > 20


def test_the_python_of_the_uncertainty_runs():
    (block,) = blocks("docs/uncertainty.md")
    names: dict = {}
    exec(block, names)
    assert (names["picture"].dtype, names["picture"].shape) == (names["noisy"].dtype, names["noisy"].shape)
    assert names["doubt"].shape == names["noisy"].shape
    assert 0 < float(names["doubt"].median()) < 25
