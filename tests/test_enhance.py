"""Detail: what the base lacks is added, colour and depth stay, clipping is said."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

import untaught
from untaught.core.errors import BadInput
from untaught.io.results import Layout
from untaught.solver.averaging import AtSteps
from untaught.solver.loop import Run
from untaught.tasks.enhance.presets import MOMENTS, PRESETS
from untaught.tasks.enhance.result import Detail

FEW = {"steps": 3}


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_runs_and_keeps_type_and_shape(preset, photo):
    small = photo[:20, :23]
    result = untaught.enhance(small, preset=preset, **FEW)
    assert (result.dtype, result.shape) == (small.dtype, small.shape)


def test_detail_grows_with_the_amount_and_colour_stays(photo):
    y = photo.astype(np.float64)
    results = [untaught.enhance(y, amount=a, steps=10) for a in (0.0, 1.0, 2.0)]
    assert np.array_equal(results[0], y)
    once, twice = (r - y for r in results[1:])
    np.testing.assert_allclose(twice, 2 * once, atol=1e-9)
    assert np.abs(once.mean((0, 1))).max() < 1e-9
    assert (results[1] ** 2).mean() > (y**2).mean()


def test_a_later_moment_leaves_finer_detail(photo):
    job = untaught.enhance.job(photo[:32, :32], steps=40)
    run, left = Run(job), {}
    for iterate in run:
        left[iterate.step] = float((job.problem.data - iterate.x).var())
    assert left[40] < left[10]


def test_only_brightness_grows_unless_colour_is_asked_for(photo):
    y = photo[:24, :24].astype(np.float64)
    added = [untaught.enhance(y, steps=5, colour=c) - y for c in (False, True)]
    assert np.ptp(added[0], axis=-1).max() < 1e-9
    assert np.ptp(added[1], axis=-1).max() > 1
    assert np.abs(added[1].mean((0, 1))).max() < 1e-9


@pytest.mark.parametrize("detail", [*MOMENTS, "all"])
def test_detail_names_the_moments_of_one_run(detail, photo):
    (stage,) = untaught.enhance.job(photo, detail=detail).stages
    moments = tuple(MOMENTS.values()) if detail == "all" else (MOMENTS[detail],)
    assert stage.method.average.steps == moments
    assert stage.method.stop.steps == max(moments)


def test_16_bit_stay_16_bit(photo):
    wide = photo.astype(np.uint16) * 257 + 3
    result = untaught.enhance(wide, steps=5)
    assert result.dtype == np.uint16
    assert len(np.unique(result)) > 1000


@pytest.mark.parametrize(("type_", "unit"), [("uint16", 257), ("float32", 1 / 255), ("float64", 1 / 255)])
def test_the_same_picture_in_another_type_has_the_same_detail(type_, unit, photo):
    small = photo[:32, :32]
    other = untaught.enhance((small.astype(float) * unit).astype(type_), steps=30) / unit
    assert np.abs(other.clip(0, 255) - untaught.enhance(small, steps=30)).max() < 2


def test_12_bits_in_16_have_the_detail_of_the_same_numbers(photo):
    low = photo[:32, :32].astype(np.uint16) * 14
    added = untaught.enhance(low, steps=30).astype(float) - low
    same = untaught.enhance(low.astype(float), steps=30) - low
    assert np.abs(added - same)[low + same > 0].max() < 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1, 3), (33, 65)])
def test_any_size_from_one_pixel(shape):
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert untaught.enhance(array, **FEW).shape == shape


def test_clipping_is_said_and_none_is_not():
    y = np.full((8, 8), 250, np.uint8)
    y[::2] = 100
    base = torch.full((1, 1, 8, 8), 175.0, dtype=torch.float64)
    said = Detail(Layout("uint8", None), y, 1.0).remarks(base)
    assert len(said) == 1
    assert said[0].startswith("50 % of the values")
    assert Detail(Layout("uint8", None), y, 0.0).remarks(base) == ()
    assert Detail(Layout("float32", None), y.astype(np.float32), 1.0).remarks(base) == ()


def test_the_mean_of_the_moments_that_have_come():
    average, state = AtSteps((2, 4)), {}
    for step in range(1, 6):
        state = average.update(state, torch.full((1, 1, 2), float(step)), None)
        expected = {1: 1.0, 2: 2.0, 3: 2.0, 4: 3.0, 5: 3.0}[step]
        assert float(average.picture(state, None, None).mean()) == pytest.approx(expected)


def test_a_job_pickles_to_the_same_job_and_the_seed_counts(photo):
    job = untaught.enhance.job(photo, steps=8)
    again = pickle.loads(pickle.dumps(job))
    first, second = (j.result(untaught.solve(j).x) for j in (job, again))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, untaught.enhance(photo, steps=8, seed=1))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"amount": -1}, "amount = -1 .*0 or more"),
        ({"amount": 11}, "amount = 11 .*10 or less"),
        ({"detail": "fin"}, "no detail 'fin': did you mean 'fine'"),
        ({"preset": "papre"}, "did you mean 'paper'"),
        ({"steps": 0}, "steps = 0"),
    ],
)
def test_bad_input_gets_a_sentence(options, sentence, photo):
    with pytest.raises(BadInput, match=sentence):
        untaught.enhance(photo, **options)
