"""The bench of truth: its pictures are many, whole and told of only what they have; its figures mean what they say."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import truth
import truth_cases

import untaught
from untaught.noise import simulate
from untaught.noise.simulate._base import Chance


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """All cases that need no shared pictures."""
    return list(truth_cases.cases(tmp_path_factory.mktemp("none"), 40))


def test_there_are_eighty_of_many_kinds_each_once(few):
    assert len(few) > 80
    assert max(Counter((c.group, c.picture, c.noise) for c in few).values()) == 1
    assert {c.noise.partition(":")[0] for c in few} == set(simulate.kinds())


def test_each_is_a_picture_with_its_truth(few):
    for case in few:
        noisy, clean = case.made()
        assert (noisy.shape, noisy.dtype) == (clean.shape, clean.dtype)
        assert 8 <= min(noisy.shape[:2]) <= 40
        assert (noisy != clean).any()
        assert np.array_equal(noisy, case.made()[0])


def test_real_pairs_are_found(shared):
    real = Counter(c.group for c in truth_cases.cases(shared(""), 40) if c.noise == "real")
    assert real == {"polyu": 10, "fmd": 12, "camera": 2}


def test_what_is_told_is_what_the_noise_has():
    """The variance that `denoise` is told of is that of the pixels, in full scale."""
    grey = 0.4
    for case in ("white:sigma=0.06", "counts:photons=30,offset=0", "counts:photons=400,offset=0"):
        pipeline = simulate.pipeline(case)
        told = truth_cases.told(pipeline)
        noisy, clean = pipeline(np.full((120, 120), grey), 0)
        expected = told["sigma"] ** 2 if "sigma" in told else clean.mean() / told["gain"]
        assert np.var(noisy - clean) == pytest.approx(expected, rel=0.05)
    assert truth_cases.told(simulate.pipeline("counts")) == {}  # its offset is no part of the law
    assert truth_cases.told(simulate.pipeline("film")) == {}


def test_gradients_are_alike_or_smeared():
    rough = np.random.default_rng(0).random((32, 33, 3))
    assert truth.gradient_distance(rough, rough) == 0
    assert truth.gradient_distance(rough[::-1], rough) < 1e-12  # where they are does not matter
    assert truth.gradient_distance(np.full_like(rough, 0.5), rough) == pytest.approx(1)
    assert truth.gradient_distance(0.5 * rough, rough) == pytest.approx(0.5)


def test_a_row_says_what_came_out(tmp_path):
    clean = np.tile(np.arange(0, 240, 10, np.uint8), (24, 1))
    noisy = simulate.White(0.1)(clean, 0).noisy
    case = truth_cases.Case("pattern", "ramp", "white", lambda: (noisy, clean), {"sigma": 0.1})
    row = truth.row(case, "instant", tmp_path, [1.0])
    assert row.given == untaught.psnr(noisy, clean)
    assert row.told == untaught.psnr(untaught.denoise(noisy, sigma=0.1, preset="instant"), clean)
    assert row.loss == row.told - row.result
    assert not row.worse
    assert row.lpips is None
    assert (len(truth.summary([row])), len(truth.worst([row], 3))) == (3, 2)

    failed = truth_cases.Case("pattern", "flat", "none", lambda: (np.zeros((9, 9), np.uint8),) * 2)
    row = truth.row(failed, "instant", tmp_path, [])
    assert row.worse
    assert row.failure.startswith("NothingToDo: Every pixel")
    assert row.result is None


def test_quiet_chance_draws_nothing():
    quiet, mean = Chance(None), np.full((2, 3), 1.5)
    assert not quiet.normal(2, 3).any()
    assert np.array_equal(quiet.counts(mean), mean)
    assert np.array_equal(quiet.amplified(mean), mean)
    assert not quiet.grain((4, 5, 1), 1.0).any()
