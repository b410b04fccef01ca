"""Laws of kept runs: what is packed comes back, to the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from untaught.core import registry
from untaught.io.checkpoints import Folder, pack, unpack
from untaught.io.recipes import Recipe
from untaught.prior import Network, Pixels
from untaught.prior.networks.hourglass import Hourglass
from untaught.problem import Problem
from untaught.solver.loop import Run
from untaught.solver.optimisers import LBFGS, Adam
from untaught.solver.stage import Job, Method, Solve
from untaught.solver.stopping import After

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.integers() | st.text() | st.booleans()
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


def same(a: Any, b: Any) -> bool:
    """Equal in structure, types, order of keys, bits and layout; torch's ordered dictionaries are dictionaries."""
    if type(a) is not type(b) and not (isinstance(a, dict) and isinstance(b, dict)):
        return False
    if isinstance(a, torch.Tensor):
        bits = [t.detach().contiguous().reshape(-1).view(torch.uint8) for t in (a, b)]
        return (a.dtype, a.shape, a.stride()) == (b.dtype, b.shape, b.stride()) and torch.equal(*bits)
    if isinstance(a, dict):
        return list(map(repr, a)) == list(map(repr, b)) and all(map(same, a.values(), b.values()))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return repr(a) == repr(b)


@given(NESTED)
@settings(deadline=None, max_examples=50)
def test_plain_values_come_back(value: Any):
    assert same(unpack(pack({"it": value}))[0]["it"], value)


@pytest.mark.parametrize(
    "dtype",
    [
        "bool",
        "uint8",
        "int8",
        "int16",
        "int32",
        "int64",
        "float16",
        "bfloat16",
        "float32",
        "float64",
        "complex64",
        "complex128",
    ],
)
def test_tensors_come_back_with_type_shape_and_layout(dtype: str):
    full = (torch.arange(2 * 3 * 4 * 5) % 7).reshape(2, 3, 4, 5).to(getattr(torch, dtype))
    shared = full[0]
    state = {
        "flat": full,
        "last": full.contiguous(memory_format=torch.channels_last),
        "turned": full[0, 0].T,
        "thin": full[:, :1].contiguous(memory_format=torch.channels_last),
        "scalar": full[1, 2, 3, 4].clone(),
        "none": full[:, :0].clone(),
        "twice": [shared.clone(), (shared.clone(), {0: full[0, 0, 0].clone(), "0": full[1, 1, 1].clone()})],
    }
    back, metadata = unpack(pack(state, {"of": "x"}))
    assert same(back, state)
    assert metadata["of"] == "x"
    overlapping = full[:, :1].expand(2, 3, 4, 5)
    assert torch.equal(unpack(pack({"it": [overlapping, shared, shared]}))[0]["it"][0], overlapping)


def test_special_numbers_come_back():
    state = {"a": [float("inf"), -float("inf"), float("nan"), -0.0, 5e-324], "b": torch.tensor([float("nan"), -0.0])}
    assert same(unpack(pack(state))[0], state)


@pytest.mark.parametrize("odd", [{1, 2}, np.zeros(2), object(), b"x", torch.ones(2).to_sparse()])
def test_other_types_are_refused_by_name(odd: Any):
    with pytest.raises(TypeError, match="/b/0 is a"):
        pack({"b": [odd]})


@pytest.mark.parametrize(
    "data", [b"", b"x", b"\0" * 8, b"\xff" * 100, pack({"a": 1})[:-1], pack({"a": torch.ones(9)})[:-3]]
)
def test_what_is_no_state_is_refused(data: bytes):
    with pytest.raises(ValueError, match="no state"):
        unpack(data)


def methods():
    """One method for every registered objective, and the optimisers and stages that keep odd things."""
    from untaught.solver.averaging import ExponentialPictures, ExponentialWeights

    for name, objective in registry.objectives.items():
        for i, (one, prior) in enumerate(objective.examples()):
            average = ExponentialPictures(0.9) if one.whole else ExponentialWeights(0.9)
            yield pytest.param([Method(prior, one, Adam(1e-3), average, After(4))], id=f"{name}-{i}")
    yield pytest.param([Method(Pixels(), optimiser=LBFGS(inner=3), stop=After(4))], id="lbfgs")
    small = Network(Hourglass(down=(4, 6)))
    for name, some in registry.rules.items():
        for i, rule in enumerate(example for one in some for example in one.examples()):
            yield pytest.param([Method(small, stop=rule | After(4))], id=f"{name}-{i}")
    yield pytest.param(
        [Method(small, stop=After(4)), Method(Pixels(), optimiser=Adam(1e-2), stop=After(4))], id="stages"
    )


@pytest.mark.parametrize("stages", list(methods()))
def test_every_state_survives_the_disk_and_goes_on_to_the_same_bits(stages: list[Method], tmp_path: Path):
    from untaught.problem.likelihoods import Gaussian

    y = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    job = Job(tuple(Solve(m) for m in stages), Problem(y, likelihood=Gaussian(0.1)))
    recipe, folder = Recipe("denoise", {}, "", "", {}, 1), Folder(tmp_path / "run")
    folder.begin(recipe)
    whole, begun = Run(job), []
    for _ in whole:
        folder.save(whole, recipe)
        state, _ = folder.load(recipe)
        assert same(state, whole.state_dict())
        if whole.total not in (3, 7):  # amid a stage, the first and the second
            continue
        resumed = Run(job)
        resumed.load_state_dict(state)
        assert same(resumed.state_dict(), state)
        assert torch.equal(resumed.solution.x, whole.solution.x)
        begun.append(resumed)
    assert begun
    for resumed in begun:
        for _ in resumed:
            pass
        assert same(resumed.solution.x, whole.solution.x)
    assert len(folder.states()) == 2
