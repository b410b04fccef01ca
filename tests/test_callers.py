"""Whatever the caller has switched in torch and numpy: the same bits as without, and all is left as it was."""

from __future__ import annotations

import contextlib
import locale
import logging
import os
import random
import threading
import warnings

import numpy as np
import pytest
import torch
from test_features import Tiny

import untaught
from untaught.core import registry
from untaught.prior import Network
from untaught.problem.classifiers import of_module
from untaught.solver.loop import Run
from untaught.solver.stage import Job, Method, Solve
from untaught.solver.stopping import After


@contextlib.contextmanager
def dtype(kind):
    before = torch.get_default_dtype()
    torch.set_default_dtype(kind)
    yield
    torch.set_default_dtype(before)


@contextlib.contextmanager
def both(one, other):
    with one, other:
        yield


CALLERS = {  # two at once, neither of which hides the other
    "inference_mode, float64": lambda: both(torch.inference_mode(), dtype(torch.float64)),
    "no_grad, autocast": lambda: both(torch.no_grad(), torch.autocast("cpu", torch.bfloat16)),
    "meta, errstate": lambda: both(torch.device("meta"), np.errstate(all="raise")),
}
PHOTO = np.random.default_rng(3).integers(0, 256, (20, 23, 3)).astype(np.uint8)
MODEL = of_module(Tiny(), size=24)
HOLES = np.random.default_rng(4).random((20, 23)) < 0.4
SETTINGS = {
    "deblur": {"kernel": "gauss:0.7", "preset": "instant"},
    "upscale": {"factor": 2},
    "flash": {"flash": PHOTO[::-1].copy()},
    "inpaint": {"mask": HOLES},
    "activate": {"class_": 3, "model": MODEL},
    "preimage": {"layer": "features", "model": MODEL},
    "reconstruct": {"operator": "identity"},
}


def call(name):
    """The result of a task as one would call it, after one step."""
    task = registry.tasks.get(name)
    settings = {"steps": 1, **SETTINGS.get(name, {})}
    return task(**settings) if task.subject is None else task(PHOTO, **settings)


@pytest.fixture(scope="module")
def alone():
    return {name: call(name) for name in registry.tasks.names()}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("name", registry.tasks.names())
def test_same_bits(name, caller, alone):
    with CALLERS[caller]():
        found = call(name)
    assert np.array_equal(found, alone[name])


@pytest.mark.parametrize("caller", CALLERS)
def test_a_problem_of_ones_own(caller):
    """The general entrance, with a tensor made where the caller was; and a run that is stepped, looked at and left."""
    y = torch.rand(1, 1, 12, 13, generator=torch.Generator().manual_seed(0))
    method = Method(Network.examples()[0], stop=After(2))

    def found():
        run = Run(Job((Solve(method),), untaught.Problem(y + 0.0)))
        return [(i.picture(), i.average(), i.held(None), i.energy) for i in run], run.solution.x

    seen, x = found()
    with CALLERS[caller]() if "meta" not in caller else contextlib.nullcontext():
        again, z = found()
    assert torch.equal(x, z)
    for one, two in zip(seen, again, strict=True):
        assert torch.equal(one[0], two[0])
        assert torch.equal(one[1], two[1])
    assert [s[2:] for s in seen] == [s[2:] for s in again]


def state():
    """What belongs to the caller."""
    return {
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "torch": torch.random.get_rng_state().numpy().tobytes(),
        "numpy": repr(np.random.get_state()),  # noqa: NPY002
        "random": random.getstate(),
        "warnings": list(warnings.filters),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "grad": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_anomaly_enabled()),
        "autocast": torch.is_autocast_enabled("cpu"),
        "deterministic": (torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision()),
        "cudnn": [getattr(torch.backends.cudnn, k) for k in ("enabled", "benchmark", "deterministic", "allow_tf32")],
        "errors": np.geterr(),
        "locale": locale.setlocale(locale.LC_ALL),
        "logging": (logging.root.level, list(logging.root.handlers), logging.getLogger("untaught").level),
        "environment": dict(os.environ),
    }


@pytest.mark.parametrize("name", registry.tasks.names())
def test_the_caller_finds_all_as_it_was(name):
    before = state()
    call(name)
    after = state()
    assert [k for k in before if before[k] != after[k]] == []


def test_filters_of_warnings_outlive_first_imports():
    """In a process of its own, since a package adds its filters but once; torch's own, at its import, are torch's affair."""
    import subprocess
    import sys

    code = (
        "import warnings, torch, numpy as np, untaught\n"
        "before = list(warnings.filters)\n"
        "p = np.random.default_rng(0).integers(0, 255, (24, 24)).astype(np.uint8)\n"
        "untaught.inpaint(p, mask=p > 200, preset='instant')\n"
        "assert warnings.filters == before, [f for f in warnings.filters if f not in before]"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr == ""


@pytest.mark.parametrize("name", registry.tasks.names())
def test_two_at_once(name, alone):
    """Two threads with one seed, while the caller draws from torch's own generator and counts in double precision."""
    found, over = [], threading.Event()

    def draw():
        while not over.is_set():
            torch.rand(3)

    threads = [threading.Thread(target=lambda: found.append(call(name))) for _ in range(2)]
    third = threading.Thread(target=draw)
    with dtype(torch.float64):
        for thread in (third, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        over.set()
        third.join()
        assert torch.get_default_dtype() == torch.float64
    assert len(found) == 2
    assert all(np.array_equal(f, alone[name]) for f in found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("name", ["denoise", "inpaint"])
def test_a_fork_after_a_run_goes_on(name, alone):
    """With two threads the child has none of its parent's: it computes with one, and does not wait for them."""
    import multiprocessing

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        call(name)
        fork = multiprocessing.get_context("fork")
        queue = fork.SimpleQueue()
        child = fork.Process(target=lambda: queue.put((torch.get_num_threads(), call(name))))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child.start()
        child.join(30)
        assert child.exitcode == 0, "the child hangs" if child.exitcode is None else child.exitcode
        assert np.abs(queue.get()[1].astype(float) - alone[name]).max() <= 3
    finally:
        child.kill()
        torch.set_num_threads(before)
