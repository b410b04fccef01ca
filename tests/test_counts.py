"""Counts over an offset, read with noise, and points of light: what is found of them, and what is kept, against the truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

import untaught
from untaught.classical import points
from untaught.classical.points import _peaks as peaks
from untaught.classical.points import find_points
from untaught.core.errors import BadInput
from untaught.io import arrays
from untaught.noise import Scale, measure
from untaught.noise.dark import darkness

PHOTOS = {"camera": lambda: data.camera()[96:352:2, 128:384:2], "coins": lambda: data.coins()[60:188, 60:188]}
DETECTORS = [
    (100.0, 2.0, 3.0, 3.0),
    (50.0, 3.0, 1.0, 1.0),
]  # offset, values a photon, read noise in values, photons a pixel


def counted(photo, offset, unit, read, photons, seed=0):
    """(data, truth): floats in the detector's own values."""
    rng, light = np.random.default_rng(seed), photons * photo / photo.mean()
    return offset + unit * rng.poisson(light) + read * rng.normal(size=photo.shape), offset + unit * light


def measured(y):
    """(kind, the dark in the values of the data or None, gain, deviation of reading in values, what was said)."""
    notes: list[str] = []
    low, unit, clipped, below = arrays.scale_of(y)
    scale = Scale(unit, 0.0 if below else -low / unit, clipped, None, below=below)
    found = measure(arrays.tensor(y, None, (low, unit)), "auto", notes, scale)
    gain, read, _ = found.likelihood.counts or (0.0, 0.0, 0.0)
    return found.kind, None if found.dark is None else low + found.dark * unit, gain / unit, read * unit, notes


def error(x, truth):
    return float(np.mean((x - truth) ** 2))


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("detector", DETECTORS)
def test_dark_gain_and_reading_are_found_with_nothing_given(name, detector):
    offset, unit, read, _ = detector
    y, _ = counted(PHOTOS[name](), *detector)
    kind, dark, gain, reading, notes = measured(y)
    assert kind == "poisson-gaussian", notes
    assert dark == pytest.approx(offset, abs=unit)  # within one photon
    assert 1 / gain == pytest.approx(unit, rel=0.25)
    assert reading == pytest.approx(read, abs=0.5 * unit)
    assert "no light is" in notes[0]


def test_white_noise_and_counts_without_an_offset_are_not_taken_for_one():
    photo = data.camera()[96:352:2, 128:384:2] / 255
    rng = np.random.default_rng(0)
    for y in (photo + 0.1 * rng.normal(size=photo.shape), rng.poisson(20 * photo).astype(float)):
        assert measured(y)[1] is None


def test_texture_that_grows_with_brightness_is_not_taken_for_counts():
    photo = data.coins()[150:222, 200:272].astype(float)
    kind, dark, *_ = measured(50 + photo + 4 * np.random.default_rng(0).normal(size=photo.shape))
    assert (kind, dark) == ("gaussian", None)


def test_the_dark_is_told_by_skewness_alone():
    rng = np.random.default_rng(0)
    for read in (0.0, 2.0):
        light = np.linspace(0.5, 4, 256)[:, None] * np.ones(256)
        y = 30 + rng.poisson(light) + read * rng.normal(size=light.shape)
        origin = 30 - read**2
        found = darkness(torch.from_numpy(y)[None, None], 1.0, origin, 30.5)
        assert found.told
        assert found.value == pytest.approx(30, abs=max(0.1, 4 * found.error))


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("given", [{}, {"dark": True}, {"dark": True, "gain": True, "read_noise": True}])
def test_flux_is_kept(detector, given):
    offset, unit, read, _ = detector
    y, truth = counted(PHOTOS["coins"](), *detector)
    values = {"dark": offset, "gain": 1 / unit, "read_noise": read}
    x = untaught.denoise(y, preset="instant", **{name: values[name] for name in given})
    light = (truth - offset).sum()
    assert abs(x.sum() - y.sum()) < 0.001 * light
    assert error(x, truth) < 0.16 * error(y, truth)


def test_what_was_told_of_the_detector_may_be_left_out():
    """With nothing given, no more than 0.8 dB are lost to what the true dark, gain and read noise make."""
    y, truth = counted(PHOTOS["coins"](), *DETECTORS[0])
    told = untaught.denoise(y, preset="instant", dark=100, gain=0.5, read_noise=3)
    assert error(untaught.denoise(y, preset="instant"), truth) < 1.2 * error(told, truth)


def test_a_gain_alone_does_not_make_the_offset_light():
    y, truth = counted(PHOTOS["coins"](), *DETECTORS[0])
    x = untaught.denoise(y, preset="instant", gain=0.5)
    assert error(x, truth) < 0.1 * error(y, truth)


def test_saturated_values_stay():
    y, _ = counted(PHOTOS["coins"](), *DETECTORS[0])
    y = np.minimum(y, 115)
    x = untaught.denoise(y, preset="instant", saturation=115)
    assert (x[y >= 115] == 115).all()
    assert (x[y < 115] != y[y < 115]).mean() > 0.99


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dark": 3.0, "noise": "gaussian"}, "counted light"),
        ({"read_noise": 3.0, "sigma": 0.1}, "give one of them"),
        ({"read_noise": 3.0, "noise": "poisson"}, "give one of them"),
    ],
)
def test_what_does_not_belong_together_is_refused(settings, said):
    y, _ = counted(PHOTOS["coins"](), *DETECTORS[0])
    with pytest.raises(BadInput, match=said):
        untaught.denoise(y, **settings)


def starry(seed, width, noise=11.0, side=160):
    """(data, truth, places): points of light 30 to 100 high over a ground of 50, none nearer than 11 pixels to another."""
    rng, at = np.random.default_rng(seed), np.mgrid[:side, :side]
    places: list[np.ndarray] = []
    while len(places) < 45:
        place = rng.uniform(8, side - 8, 2)
        if all(np.hypot(*(place - other)) > 11 for other in places):
            places.append(place)
    apart = [((at - place[:, None, None]) ** 2).sum(0) for place in places]
    truth = 50 + sum(
        high * np.exp(-d / (2 * width**2)) for high, d in zip(rng.uniform(30, 100, 45), apart, strict=True)
    )
    return truth + noise * rng.normal(size=truth.shape), truth, apart


@pytest.mark.parametrize("width", [0.85, pytest.param(1.3, marks=pytest.mark.slow), 1.7])
def test_points_of_light_keep_their_flux(width):
    y, truth, apart = starry(1, width)
    x = untaught.denoise(y, preset="instant")
    kept = [(x - 50)[d <= 16].sum() / (truth - 50)[d <= 16].sum() for d in apart]
    assert np.median(kept) > 0.95
    assert error(x, truth) < 0.025 * error(y, truth)


def test_hot_pixels_among_points_of_light_are_still_found_and_the_points_are_not():
    y, truth, _ = starry(2, 0.85, noise=5.0)
    rows, columns = np.random.default_rng(3).integers(5, 155, (2, 10))
    alone = truth[rows, columns] < 55
    y[rows, columns] += 150
    x = untaught.denoise(y, preset="instant")
    assert np.abs(x - truth)[rows[alone], columns[alone]].max() < 40
    assert error(x, truth) < 0.2 * 25


@pytest.mark.parametrize("sigma", [0.03, 0.1, 0.2])
def test_photos_and_noise_alone_have_no_points_of_light(sigma):
    rng = np.random.default_rng(0)
    for scene in (data.camera()[::3, ::3] / 255, data.brick()[::3, ::3] / 255, np.full((128, 128), 0.5)):
        y = torch.from_numpy(scene + sigma * rng.normal(size=scene.shape))
        assert find_points(y, lambda like: torch.full_like(like, sigma)) is None


def test_points_are_found_alike_in_parts_and_where_parts_are_looked_at_first(monkeypatch):
    noisy, _, _ = starry(1, 1.3)
    y, spread = torch.from_numpy(noisy / 255), lambda like: torch.full_like(like, 11 / 255)
    whole = find_points(y, spread)
    for name, value in {"SIDE": 37, "LARGE": 1, "PART": 48, "PLENTY": 5}.items():
        monkeypatch.setattr(points, name, value)
    parts = find_points(y, spread)
    assert whole is not None
    assert parts is not None
    assert whole.width == parts.width
    assert torch.equal(whole.places, parts.places)
    assert torch.allclose(whole.flux, parts.flux, rtol=1e-9)


def test_parts_of_a_photo_say_that_it_has_no_points(monkeypatch):
    for name, value in {"LARGE": 1, "PART": 96}.items():
        monkeypatch.setattr(points, name, value)
    monkeypatch.setattr(points, "_fitted", None)  # it does not come so far
    noisy = data.camera() / 255 + 0.03 * np.random.default_rng(0).normal(size=(512, 512))
    looked = []
    monkeypatch.setattr(points, "_peaks", lambda y, *rest: (looked.append(y.shape), peaks(y, *rest))[1])
    assert find_points(torch.from_numpy(noisy), lambda like: torch.full_like(like, 0.03)) is None
    assert set(looked) == {(96, 96)}
