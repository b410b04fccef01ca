"""What the README shows is run as it stands there."""

from __future__ import annotations

import re

import pytest
import torch
from conftest import ROOT

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.S)


@pytest.mark.parametrize("block", BLOCKS, ids=["denoise", "operator"])
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
