"""Laws of simulated noise, over every registered pipeline: its truth is its mean, and its covariance is as promised."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from untaught.core import parsing
from untaught.core.amounts import FULL_SCALE
from untaught.core.errors import BadInput
from untaught.io import images
from untaught.noise import simulate
from untaught.noise.simulate import _development as development
from untaught.noise.simulate._base import Chance
from untaught.noise.simulate.detectors import SCMOS

ALL = [one for kind in simulate.kinds().values() for one in kind.examples()]
DRAWS, SURE = 250, 4.5  # deviations of what is estimated; some thousands of values are compared
APART = [(0, 0), (0, 1), (1, 0), (1, 1), (3, 0), (0, 5)]
every = pytest.mark.parametrize("one", ALL, ids=simulate.text)


def drawn(one, scene, count=DRAWS):
    """Exposures of a scene, without those steps after it that are the same for all."""
    return np.stack([one.expose(scene, Chance(seed)) for seed in range(count)])


def test_there_is_one_of_every_kind():
    assert set(simulate.kinds()) == {
        "white", "sensor", "phone", "counts", "scmos", "emccd", "film", "halftone", "line-scan", "banding",
    }  # fmt: skip
    assert {type(one) for one in ALL if not one.bias} == set(simulate.kinds().values())


@every
def test_what_is_written_makes_it_again(one):
    assert simulate.pipeline(simulate.text(one)) == one
    assert hash(one) == hash(simulate.pipeline(simulate.text(one)))


@every
def test_the_same_seed_has_the_same_bits_and_another_has_others(one):
    picture = data.astronaut()[40:72, 180:220]
    first, again, other = one(picture, 3), one(picture, 3), one(picture, 4)
    assert np.array_equal(first.noisy, again.noisy)
    assert not np.array_equal(first.noisy, other.noisy)
    assert not np.array_equal(first.noisy, first.truth)
    assert np.array_equal(first.truth, other.truth)


@every
def test_any_size_and_type_come_back_as_they_came(one):
    for shape in [(1, 1), (1, 1, 3), (1, 7, 3), (5, 1), (2, 2, 3), (2, 9, 1), (11, 3, 3)]:
        values = np.random.default_rng(0).random(shape)
        for kind in (np.uint8, np.uint16, np.float32, np.float64):
            full = FULL_SCALE.get(np.dtype(kind), 1)
            for made in one((full * values).astype(kind), 1):
                assert (made.shape, made.dtype) == (shape, kind)
                assert np.isfinite(made).all()


@every
def test_types_tell_the_same(one):
    grey = np.random.default_rng(0).integers(0, 256, (6, 7, 3)).astype(np.uint8)
    for few, many in zip(one(grey, 2), one(grey / 255, 2), strict=True):
        assert np.abs(np.clip(many, 0, 1) - few / 255).max() <= 0.5 / 255 + 1e-9


@every
def test_the_mean_of_many_draws_is_the_truth(one):
    """Before what is cut off: also in black and in white."""
    scene = np.random.default_rng(0).random((6, 7, 3))
    scene[0], scene[1, :4] = 0, 1
    truth, many = one.expose(scene, Chance(None)), drawn(one, scene)
    if one.bias:
        assert many.mean() > truth.mean()
        return
    error = np.sqrt(np.maximum(one.covariance(truth), 0) / DRAWS)
    apart = np.abs(many.mean(0) - truth)
    # where nearly nothing is ever counted, or inked, the mean has no normal law: a single draw may be what there is
    assert (apart <= SURE * error + 8 * np.abs(many - truth).max() / DRAWS).all()
    assert abs(many.mean() - truth.mean()) <= SURE * error.mean() + 1e-3 * error.max()


@pytest.mark.parametrize("one", [one for one in ALL if not one.bias], ids=simulate.text)
@pytest.mark.parametrize("grey", [0.15, 0.8])
def test_the_covariance_is_as_promised(one, grey):
    scene, count = np.full((24, 25, 3), grey), DRAWS // 2
    level = one.expose(scene, Chance(None))[0, 0, 0]
    many = drawn(one, scene, count)[..., 0] - level
    variance = one.covariance(level)
    assert variance > 0
    for down, right in APART:
        products = (many[:, : 24 - down, : 25 - right] * many[:, down:, right:]).mean((1, 2))  # of each draw
        error = max(products.std(), 0.01 * variance) / np.sqrt(count)
        assert abs(products.mean() - one.covariance(level, down, right)) <= SURE * error
        assert one.covariance(level, down, right) <= variance + 1e-12


@every
def test_within_the_range_the_developed_mean_is_near_the_truth(one):
    """Curves and the JPEG bend it by less than a third of the noise; only black and white may cut more off."""
    scene = np.full((24, 24, 3), 0.5)
    pairs = [one(scene, seed) for seed in range(25)]
    noise = np.std([p.noisy - p.truth for p in pairs])
    assert abs(np.mean([p.noisy - p.truth for p in pairs])) < max(noise / 3, 0.002) or one.bias


@every
@pytest.mark.parametrize(
    "bad", [np.zeros((0, 3)), np.zeros((2, 3, 2)), np.full((2, 2), 1.5), np.full((2, 2), np.nan)], ids=str
)
def test_other_pictures_are_refused(one, bad):
    with pytest.raises(BadInput):
        one(bad)
    with pytest.raises(BadInput):
        one(np.ones((2, 2), bool))


@pytest.mark.parametrize("name", simulate.kinds())
def test_numbers_out_of_range_are_refused_and_the_ends_work(name):
    for field, ends in simulate.kinds()[name].LIMITS.items():
        for value in ("-1", "nan", "inf", "1e99"):
            with pytest.raises(BadInput, match=field):
                simulate.pipeline(f"{name}:{field}={value}")
        for end in ends:
            written = f"{name}:{field}={end:.0f}" if field == "quality" else f"{name}:{field}={end}"
            assert np.isfinite(simulate.pipeline(written)(np.full((3, 4, 3), 0.4)).noisy).all()


def test_a_wrong_name_says_the_nearest():
    with pytest.raises(BadInput, match="did you mean 'sensor'"):
        simulate.pipeline("senser")


class TestDevelopment:
    @pytest.mark.parametrize("how", ["bilinear", "malvar"])
    def test_flat_colours_and_slopes_are_demosaiced_as_they_are(self, how):
        flat = np.broadcast_to([0.2, 0.5, 0.7], (7, 8, 3))
        assert np.allclose(development.demosaic(flat, how), flat)
        y, x = np.indices((12, 13))
        slope = np.stack([0.1 + 0.02 * x + 0.01 * y] * 3, 2)  # of one hue: what malvar is made for
        assert np.allclose(development.demosaic(slope, how)[2:-2, 2:-2], slope[2:-2, 2:-2])

    @pytest.mark.parametrize("how", ["bilinear", "malvar"])
    def test_what_was_measured_stays_and_nothing_else_is_seen(self, how):
        raw = np.random.default_rng(0).random((9, 8, 3))
        found = development.demosaic(raw, how)
        kept = np.zeros_like(raw)
        for colour, (down, right) in ((0, (0, 0)), (1, (0, 1)), (1, (1, 0)), (2, (1, 1))):
            kept[down::2, right::2, colour] = raw[down::2, right::2, colour]
        assert np.allclose(found[kept > 0], kept[kept > 0])
        assert np.allclose(development.demosaic(kept, how), found)

    def test_the_gradients_help_on_a_photo(self):
        photo = data.astronaut()[:128, 100:228] / 255
        near, corrected = (
            np.square(development.demosaic(photo, how) - photo)[4:-4, 4:-4].mean() for how in ("bilinear", "malvar")
        )
        assert corrected < near / 2

    @pytest.mark.parametrize("contrast", [0.0, 0.3, 1.0])
    def test_the_tone_curve_rises_and_is_undone(self, contrast):
        shown = np.linspace(0, 1, 1001)
        assert (np.diff(development.tone(shown, contrast)) > 0).all()
        assert np.allclose(development.tone(development.light(shown, contrast), contrast), shown, atol=1e-4)

    def test_a_jpeg_loses_more_at_a_lower_quality_and_with_coarse_colour(self):
        photo = data.astronaut()[:64, 200:264] / 255
        loss = {
            (q, c): np.square(development.jpeg(photo, q, c) - photo).mean()
            for q in (75, 98)
            for c in ("4:2:0", "4:4:4")
        }
        assert loss[98, "4:4:4"] < loss[98, "4:2:0"] < loss[75, "4:2:0"]
        assert loss[75, "4:4:4"] < loss[75, "4:2:0"]
        assert development.jpeg(photo, None, "4:2:0") is photo


def test_hot_pixels_are_as_many_as_asked_for():
    scene = np.full((400, 500, 1), 0.2)
    hot = SCMOS(1e6, 0, 0, 0, 0, hot=0.01).expose(scene, Chance(0)) > 0.25
    assert hot.mean() == pytest.approx(0.0095, rel=0.15)  # a twentieth of them glows by less than that


def test_the_command_writes_both_and_its_pairs_are_what_bench_takes(tmp_path, untaught):
    clean = data.astronaut()[100:164, 180:250]
    images.write(tmp_path / "clean.png", clean)
    folder = tmp_path / "pairs"
    words = ["bench", "simulate", tmp_path / "clean.png", "-o", folder, "--noise", "film:amount=0.1"]
    code, said, _ = untaught(*words, "--seed", 3)
    assert code == 0
    expected = simulate.pipeline("film:amount=0.1")(clean, 3)
    assert np.array_equal(images.read(folder / "clean_noisy.png").pixels, expected.noisy)
    assert np.array_equal(images.read(folder / "clean_mean.png").pixels, expected.truth)
    assert f"untaught bench denoise --pairs {folder}" in said
    from untaught.bench import cases

    (case,) = cases.pairs(folder)
    assert np.array_equal(case.clean, expected.truth)
    assert np.array_equal(case.input(0), expected.noisy)

    code, _, err = untaught(*words, "--seed", 4)
    assert code == 2
    assert "exists already" in err
    assert np.array_equal(images.read(folder / "clean_noisy.png").pixels, expected.noisy)


@pytest.mark.parametrize(
    ("words", "said"), [(["--noise", "films"], "did you mean 'film'"), (["--seed", "-1"], "--seed -1")]
)
def test_the_command_refuses_before_it_writes(tmp_path, untaught, words, said):
    images.write(tmp_path / "clean.png", data.astronaut()[:8, :8])
    code, _, err = untaught("bench", "simulate", tmp_path / "clean.png", "-o", tmp_path / "pairs", *words)
    assert code == 2
    assert said in err
    assert not (tmp_path / "pairs").exists()


def test_every_part_is_a_part_of_the_grammar():
    for name, kind in simulate.kinds().items():
        assert parsing.name_of(kind) == name
