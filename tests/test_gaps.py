"""Values that are unknown - masked, NaN, infinite, without data, beyond all range - do no harm, and are filled or kept."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

import untaught
from untaught.bench.metrics import psnr
from untaught.core import registry
from untaught.core.errors import BadInput
from untaught.io import gaps
from untaught.io.images import Image, hidden

TASKS = {
    "denoise": {"preset": "instant"},
    "deblur": {"preset": "instant", "kernel": "gauss:0.7"},
    "upscale": {"factor": 2},
    "enhance": {},
    "dejpeg": {},
    "flash": {"flash": np.linspace(0, 1, 24 * 26).reshape(24, 26)},
}


@pytest.fixture
def grey(noisy):
    return noisy[:24, :26, 1] / 255.0


@pytest.fixture
def holes():
    """A square, and single values."""
    lost = np.random.default_rng(1).random((24, 26)) < 0.04
    lost[5:9, 6:11] = True
    return lost


def restored(name, picture, **more):
    return registry.tasks.get(name)(picture, **{"steps": 1, **TASKS[name], **more})


def test_every_task_is_asked():
    """Those that find out themselves what is missing, and those of a classifier, aside."""
    assert {*TASKS, "inpaint", "activate", "preimage", "reconstruct"} == set(registry.tasks.names())


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, "mask", "file"])
def test_an_unknown_value_is_never_seen(name, value, grey, holes):
    """Whatever stands there, every other value comes out the same, bit for bit; and what is masked comes back masked."""
    plain = restored(name, np.where(holes, np.nan, grey))
    assert np.isfinite(plain).all()
    known = ~gaps.enlarged(holes, plain.shape)
    if value == "mask":
        found = restored(name, np.ma.array(np.where(holes, 7, grey), mask=holes))
        assert np.array_equal(np.ma.getmaskarray(found), ~known)
    elif value == "file":
        image = Image(np.where(holes, -9999, grey), unknown=holes)
        found = restored(name, image)
        if found.shape == grey.shape:  # what the file calls no data stays, where the result is written
            assert (hidden.restored(found, image)[holes] == -9999).all()
        plain = restored(name, Image(np.where(holes, 7777, grey), unknown=holes))
    elif value == 1e30:  # of few values, since what is common is no outlier
        one = np.zeros_like(holes)
        one[3, 4] = True
        plain, known = restored(name, np.where(one, np.nan, grey)), ~gaps.enlarged(one, plain.shape)
        found = restored(name, np.where(one, value, grey))
    else:
        found = restored(name, np.where(holes, value, grey))
    assert np.array_equal(np.asarray(found)[known], plain[known])


@pytest.mark.parametrize("name", ["denoise", "deblur", "upscale"])
def test_keep_nan(name, grey, holes):
    picture = np.where(holes, np.nan, grey)
    kept, filled = restored(name, picture, keep_nan=True), restored(name, picture)
    lost = gaps.enlarged(holes, kept.shape)
    assert np.array_equal(np.isnan(kept), lost)
    assert np.array_equal(kept[~lost], filled[~lost])
    assert filled.min() > -0.5
    assert filled.max() < 1.5


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_is_kept_stays_as_it_came(dtype, grey):
    """Infinite values too, which are of the type, whatever is beyond it."""
    picture = grey.astype(dtype)
    picture[3, 4:7] = np.inf, -np.inf, np.nan
    kept = restored("denoise", picture, keep_nan=True)
    np.testing.assert_array_equal(kept[3, 4:7], picture[3, 4:7])
    assert np.isfinite(restored("denoise", picture)).all()


def test_what_is_around_gaps_gains_as_elsewhere(noisy, photo):
    lost = np.zeros(photo.shape[:2], bool)
    lost[10:20, 10:25] = True
    picture = np.where(lost[..., None], np.nan, noisy / 255)
    with_gaps, without = (untaught.denoise(p, preset="instant") for p in (picture, noisy / 255))
    assert psnr(with_gaps[~lost], photo[~lost] / 255) > psnr(without[~lost], photo[~lost] / 255) - 0.5
    assert psnr(with_gaps[lost], photo[lost] / 255) > 15
    one = np.where(np.arange(3) == 1, picture, noisy / 255)  # unknown in one channel alone
    assert np.isfinite(untaught.denoise(one, preset="instant")).all()


def test_weights_where_an_objective_takes_them(grey, holes):
    picture = np.where(holes, np.nan, grey)
    for preset, weighed in (("paper", True), ("fast", False)):
        problem = untaught.denoise.job(picture, preset=preset).problem
        assert (problem.weight is not None) == weighed
        assert not weighed or np.array_equal(problem.weight[0, 0].numpy() == 0, holes)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.full((8, 8), np.nan), "All 64 values of the picture are unknown"),
        (np.ma.masked_all((8, 8)), "are unknown"),
        (
            np.stack([np.arange(64.0).reshape(8, 8), np.full((8, 8), np.nan), np.ones((8, 8))], -1),
            "channel 1 is unknown",
        ),
        (np.array([[1e308, -1e308], [0, 1]]), "below 1e+300"),
        ({}, "no picture"),
        ([[1, 2], [3]], "no picture"),
        (object(), "no picture"),
        (b"abc", "no picture"),
        (np.array([[None, 1]]), "no picture"),
        (np.array([["a"]]), "no picture"),
        (np.ones((4, 4), complex), "complex128"),
        (np.ones((4, 4), bool), "bool"),
        ("absent.png", "There is no file"),
        (None, "needs a picture"),
        (torch.zeros(4, 4, device="meta"), "holds no values"),
        (Pillow.new("RGBA", (4, 4)), "convert"),
        (Pillow.new("P", (4, 4)), "convert"),
    ],
)
def test_refused_in_a_sentence(picture, words):
    with pytest.raises(BadInput, match=words.replace("+", r"\+")):
        untaught.denoise(picture, preset="instant")


def test_what_is_as_good_as_an_array(grey):
    wanted = untaught.denoise(grey, preset="instant")
    for same in (grey.tolist(), torch.tensor(grey, requires_grad=True), grey.astype(">f8"), Image(grey)):
        assert np.array_equal(untaught.denoise(same, preset="instant"), wanted)
    eight = np.rint(255 * grey).astype(np.uint8)
    assert np.array_equal(
        untaught.denoise(Pillow.fromarray(eight), preset="instant"), untaught.denoise(eight, preset="instant")
    )


UNITS = {"uint8": 1, "uint16": 257, "int32": 100, "float32": 1 / 255, "float64": 1e4, "float16": 1 / 255}


@pytest.mark.parametrize("dtype", UNITS)
@pytest.mark.parametrize("noise", ["gaussian", "poisson", "poisson-gaussian", "auto"])
def test_notes_and_report_count_as_the_picture_does(dtype, noise, noisy):
    """255ths are said of 8 bits alone, and of 16 bits 65535ths; the same noise is told as the same."""
    picture = (noisy[..., 1] * float(UNITS[dtype])).astype(dtype)
    job = untaught.denoise.job(picture, noise=noise, preset="instant")
    found = untaught.report(untaught.solve(job))
    text = " ".join(
        [*job.notes, found.verdict.sentence, found.to_html(), *untaught.deblur.job(picture, kernel="gauss:1").notes]
    )
    assert ("of 255" in text) == (dtype == "uint8")
    assert ("of 65535" in text) == (dtype == "uint16")
    assert not re.search(r"e\+\d+ of", text)


def test_a_fraction_of_255_given_for_floats_is_noticed(noisy):
    floats = noisy[..., 1].astype(np.float32)
    notes = " ".join(untaught.denoise.job(floats, sigma=15 / 255, preset="instant").notes)
    assert "give 15" in notes
    for picture, sigma in ((floats, 15.0), (floats / 255, 15 / 255), (noisy, 15 / 255)):
        assert "is meant" not in " ".join(untaught.denoise.job(picture, sigma=sigma, preset="instant").notes)


def test_noise_is_measured_beside_what_is_transparent_as_in_all_of_it():
    """What is seen in the place of hidden pixels is as loud as the others: without noise there, half a picture had none."""
    from untaught.noise.spectrum import estimate_noise

    y, x = np.mgrid[:160, :200] / 200
    values = 0.5 + 0.25 * np.sin(9 * x) * np.cos(7 * y) + np.random.default_rng(1).normal(0, 0.06, (160, 200))
    clear = x + y / 3 > 0.6
    pixels = np.uint8(255 * np.clip(values, 0, 1))
    seen = hidden.seen(Image(np.where(clear, 0, pixels).astype(np.uint8), unknown=clear))
    assert clear.mean() > 0.5
    assert np.array_equal(seen[~clear], pixels[~clear])
    sigma = float(estimate_noise(torch.from_numpy(seen / 255.0)[None, None].float()).sigma)
    assert sigma == pytest.approx(0.06, rel=0.15)


def test_where_nothing_is_foretold_the_noise_that_was_read_stands():
    """Variances of 0 in most of a picture, as in a white sky, make what is foretold a 0 that is divided by 0."""
    from untaught.noise.foretold import Foretold
    from untaught.noise.spectrum import _misread

    told = Foretold(torch.zeros(3), 0.05, torch.tensor([0.2, 0.9, 0.93]), torch.tensor([0.004, 0.0, 0.0]), 0.07)
    assert not any(_misread(torch.full((3,), 0.06), told, strokes) for strokes in (False, True))
