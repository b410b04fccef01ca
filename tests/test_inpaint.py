"""Filling holes: what is known stays, what is hidden has no say, the recipe follows from the holes, files keep their word."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import untaught
from untaught.bench.comparisons.inpaint import COMPARISON
from untaught.bench.metrics import psnr
from untaught.classical.blended import Blended, kept_back
from untaught.classical.denoise.matching import Pass
from untaught.classical.inpaint import Harmonic, RidgeFill, pull_push
from untaught.core.errors import BadInput
from untaught.io.images import read
from untaught.io.masks import Shape
from untaught.problem import Problem
from untaught.tasks.inpaint.presets import PRESETS, RECIPES, recognise

ONE = (Pass(7, 32, stride=2),)


def random(shape, missing=0.5):
    return np.random.default_rng(0).random(shape[:2]) < missing


@pytest.fixture
def photo(photo):
    """Small: groups of similar patches are sought at every step of every filling."""
    return photo[:24, :28].copy()


@pytest.fixture
def holes(photo):
    return random(photo.shape)


# --- laws -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_preset_of_every_recipe_keeps_what_is_known(preset, recipe, photo):
    small = photo[:20, :23]
    fill = random(small.shape)
    if preset == "paper" and recipe not in ("sparse", "text"):
        pytest.skip("the published networks are counted below; two of them run")
    made = untaught.inpaint(small, mask=fill, preset=preset, recipe=recipe, steps=1)
    assert (made.dtype, made.shape) == (small.dtype, small.shape)
    assert np.array_equal(made[~fill], small[~fill])


@pytest.mark.parametrize("preset", ["instant", "fast"])
def test_what_lies_under_the_mask_has_no_say(preset, photo, holes):
    grey = photo[:16, :18, 0]
    other = grey.copy()
    other[holes[:16, :18]] = np.random.default_rng(1).integers(0, 255, int(holes[:16, :18].sum()))
    first, second = (untaught.inpaint(p, mask=holes[:16, :18], preset=preset, steps=2) for p in (grey, other))
    assert np.array_equal(first, second)


def test_half_the_pixels_are_found_again(photo, holes):
    t = torch.from_numpy(photo / 255).float().movedim(-1, 0)[None]
    known = torch.from_numpy(~holes).float().expand_as(t)
    simple = (255 * Harmonic()(t * known, known)[0].movedim(0, -1)).numpy().round().astype(np.uint8)
    assert psnr(untaught.inpaint(photo, mask=holes, preset="instant"), photo) > psnr(simple, photo) + 0.3


def test_soft_takes_the_network_everywhere(photo, holes):
    made = untaught.inpaint(photo, mask=holes, recipe="sparse", steps=2, soft=True)
    assert not np.array_equal(made[~holes], photo[~holes])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("layout", ["grey", "rgb", "channels first", "series", "volume"])
def test_type_and_layout_are_preserved(dtype, layout, photo):
    array, options = photo[:16, :18], {}
    if layout == "grey":
        array = array[..., 0]
    if layout == "channels first":
        array, options = np.moveaxis(array, -1, 0), {"channel_axis": 0}
    if layout == "series":
        array = array[0, :, 0]
    if layout == "volume":
        array, options = np.stack([array[..., 0]] * 5), {"channel_axis": None}
    array = array.astype(dtype) * (257 if dtype == np.uint16 else 1)
    space = {"series": (18,), "volume": (5, 16, 18)}.get(layout, (16, 18))
    fill = np.random.default_rng(0).random(space) < 0.3
    made = untaught.inpaint(array, mask=fill, preset="instant", **options)
    assert (made.dtype, made.shape) == (array.dtype, array.shape)
    assert np.isfinite(made.astype(float)).all()


@pytest.mark.parametrize("shape", [(1, 2), (1, 7), (5, 1, 3), (2, 2, 3), (13, 25)])
@pytest.mark.parametrize("preset", ["instant", "fast"])
def test_any_size(shape, preset):
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    fill = np.zeros(shape[:2], bool)
    fill[0, 0] = True
    assert untaught.inpaint(array, mask=fill, steps=1, preset=preset).shape == shape


def test_scaling_and_shifting_the_input_scales_and_shifts_the_output(photo, holes):
    y, holes = photo[:16, :18, 0].astype(np.float64), holes[:16, :18]
    plain = untaught.inpaint(y, mask=holes, steps=2)
    moved = untaught.inpaint(37.5 * y - 4, mask=holes, steps=2)
    np.testing.assert_allclose((moved + 4) / 37.5, plain, atol=0.2)


def test_nan_is_filled_and_nothing_else(photo, holes):
    y = photo.astype(np.float32)
    y[holes, 1] = np.nan
    made = untaught.inpaint(y, mask="nan", preset="instant")
    assert np.isfinite(made).all()
    assert np.array_equal(made[..., [0, 2]], y[..., [0, 2]])
    with pytest.raises(BadInput, match=r"values that are to be kept are NaN.*--mask nan"):
        untaught.inpaint(y, mask=~holes)


def test_one_seed_one_picture_and_a_job_pickles(photo, holes):
    photo, holes = photo[:16, :18, 0], holes[:16, :18]
    job = untaught.inpaint.job(photo, mask=holes, steps=2)
    again = pickle.loads(pickle.dumps(job))
    first, second = (j.result(untaught.solve(j).x) for j in (job, again))
    assert np.array_equal(first, second)
    assert np.array_equal(first, untaught.inpaint(photo, mask=holes, steps=2))
    assert not np.array_equal(first, untaught.inpaint(photo, mask=holes, steps=2, seed=1))


# --- recipes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "radius", "recipe"),
    [
        (0.043, 3.0, "text"),  # kate
        (0.5, 3.2, "pixels"),  # barbara
        (0.9, 6.0, "pixels"),
        (0.95, 8.5, "pixels"),
        (0.95, 40.0, "region"),  # a strip that is known
        (0.98, 12.0, "sparse"),  # kate, 98 %
        (0.027, 26.0, "hole"),  # vase
        (0.186, 60.0, "region"),  # library
        (0.001, 1.0, "text"),  # dead pixels
    ],
)
def test_the_recipe_follows_from_the_holes_and_says_why(missing, radius, recipe):
    name, why = recognise(Shape(missing, radius))
    assert name == recipe
    assert "% is missing" in why


COUNTS = {
    ("text", 3): 3_002_627,
    ("hole", 3): 2_157_955,
    ("region", 3): 2_996_467,
    ("pixels", 1): 2_217_573,
    ("sparse", 3): 1_027_379,
}


@pytest.mark.parametrize(("recipe", "channels"), COUNTS)
def test_the_paper_s_recipes_have_their_published_sizes(recipe, channels):
    paper = RECIPES[recipe].paper
    with torch.device("meta"):
        net = paper.net.build(getattr(paper.code, "channels", 2), channels)
    assert sum(p.numel() for p in net.parameters()) == COUNTS[recipe, channels]


def test_the_paper_s_settings(photo, holes):
    def stage(recipe):
        return untaught.inpaint.job(photo, mask=holes, preset="paper", recipe=recipe).stages[0].method

    found = {r: (m.stop.steps, m.optimiser.lr, m.prior.jitter) for r in RECIPES for m in [stage(r)]}
    assert found == {
        "text": (6001, 0.01, 0.03),
        "hole": (5001, 0.01, 0.03),
        "region": (3001, 0.01, 0.0),
        "pixels": (11000, 0.001, 0.03),
        "sparse": (1000, 0.01, 0.0),
    }


def test_the_share_the_recipe_and_instant_are_said(photo, holes):
    notes = untaught.inpaint.job(photo, mask=holes, preset="instant").notes
    assert any("will be filled" in n for n in notes)
    assert any("recipe 'pixels'" in n and "no hole reaches further" in n for n in notes)
    assert any("no network" in n for n in notes)


# --- fillings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("filling", [pull_push, Harmonic(3), RidgeFill(ONE, ONE)])
@pytest.mark.parametrize("space", [(1, 1), (9,), (30, 41), (4, 5, 6)])
def test_a_filling_keeps_what_is_known_and_constants(filling, space):
    known = (torch.rand(1, 2, *space, generator=torch.Generator().manual_seed(0)) < 0.6).float()
    known[(0, slice(None), *(0 for _ in space))] = 1
    y = torch.rand(known.shape) * known
    assert torch.equal(filling(y, known) * known, y)
    torch.testing.assert_close(filling(0.3 * known, known), torch.full_like(known, 0.3), atol=1e-3, rtol=0)


def test_strips_fill_as_the_whole_picture_does():
    y = torch.from_numpy(np.random.default_rng(0).random((1, 1, 300, 40)).astype(np.float32)).cumsum(2).div(100)
    known = (torch.rand(y.shape, generator=torch.Generator().manual_seed(0)) < 0.7).float()
    whole, parts = (RidgeFill(ONE, pixels=p)(y * known, known) for p in (1 << 18, 1))
    assert (whole - parts).abs().mean() < 0.01


@pytest.mark.parametrize("missing", [0.7, 0.9])
def test_little_that_is_known_is_filled_from_coarse_to_fine(missing):
    down, along = np.mgrid[:64, :72]
    y = torch.from_numpy((0.5 + 0.3 * np.sin(down / 5) * np.cos(along / 7)).astype(np.float32))[None, None]
    known = (torch.rand(y.shape, generator=torch.Generator().manual_seed(0)) >= missing).float()
    fine, coarse = ((RidgeFill(ONE, dense=d)(y * known, known) - y).square().mean() for d in (0.0, 0.45))
    assert coarse < fine / 1.5


def beside(other, seed=0):
    """A filling, and what `other`, a picture of the truth and the pixels that it has not seen, makes of it beside."""
    y = torch.rand(1, 1, 60, 64, generator=torch.Generator().manual_seed(1)).cumsum(3) / 40
    known = (torch.rand(y.shape, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    blended = Blended(Harmonic(), seed=seed)
    problem = Problem(y * known, weight=known)
    start = other(y, kept_back(known, "pixels", blended.fraction, seed))
    return y, blended.estimate(problem), blended.estimate(replace(problem, start=start))


def test_a_nearer_picture_is_blended_in_and_a_wrong_one_is_not():
    y, alone, made = beside(lambda y, back: y)
    assert (made - y).square().mean() < (alone - y).square().mean() / 10
    _, alone, made = beside(lambda y, back: y + 0.3 * torch.randn(y.shape, generator=torch.Generator().manual_seed(2)))
    assert (made - alone).abs().mean() < 0.01
    _, alone, made = beside(lambda y, back: 1 - y)
    assert torch.equal(made, alone)


# --- refusals and files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "not said"),
        ({"mask": np.zeros((24, 28), bool)}, "no pixel"),
        ({"mask": np.ones((24, 28), bool)}, "all 672"),
        ({"mask": np.ones((4, 4), bool)}, "mask is 4 x 4"),
        ({"recipe": "txt"}, "did you mean 'text'"),
        ({"preset": "fats"}, "did you mean 'fast'"),
        ({"tolerance": 2}, "tolerance = 2"),
        ({"steps": 0}, "steps = 0"),
    ],
)
def test_bad_input_gets_a_sentence(options, sentence, photo):
    if not {"mask"} & set(options) and sentence != "not said":
        options = {**options, "mask": random(photo.shape)}
    with pytest.raises(BadInput, match=sentence):
        untaught.inpaint(photo, **options)


@pytest.fixture
def command(tmp_path, photo, monkeypatch, untaught):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo).save("photo.png")
    Image.fromarray(random(photo.shape)).save("mask.png")
    Image.fromarray(~random(photo.shape)).save("keeps.png")
    Image.fromarray(random(photo.shape)[:, :-1]).save("small.png")
    Image.fromarray(np.dstack([photo, 255 * ~random(photo.shape)]).astype(np.uint8)).save("clear.png")
    return lambda *words: untaught("inpaint", *words)[::2]


def test_the_command_fills_a_file(command, photo, holes):
    code, said = command("photo.png", "--mask", "mask.png", "-o", "out.png", "--preset", "instant")
    assert code == 0
    assert "will be filled" in said
    made = read("out.png").pixels
    assert np.array_equal(made, untaught.inpaint(photo, mask=holes, preset="instant"))
    assert command("photo.png", "--mask", "keeps.png", "--mask-keeps", "-o", "b.png", "--preset", "instant")[0] == 0
    assert np.array_equal(read("b.png").pixels, made)


def test_a_transparent_picture_becomes_an_opaque_one(command, photo, holes):
    code, said = command("clear.png", "--mask", "alpha", "-o", "out.png", "--preset", "instant")
    assert code == 0
    assert "opaque" in said
    image = read("out.png")
    assert image.alpha is None
    assert np.array_equal(image.pixels[~holes], photo[~holes])
    assert command("clear.png", "--mask", "mask.png", "-o", "kept.png", "--preset", "instant")[0] == 0
    assert read("kept.png").alpha is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--mask mask.png"),
        (["--mask", "small.png"], "The mask is 27 x 24 pixels, the picture 28 x 24"),
        (["--mask", "mask.pgn"], "did you mean 'mask.png'"),
        (["--mask", "alpha"], "no alpha channel"),
        (["--mask-colour", "pink"], "'pink' is no colour"),
        (["--mask-colour", "#010203"], "--tolerance"),
        (["--mask", "mask.png", "--recipe", "holes"], "did you mean 'hole'"),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_code_2(arguments, words, command):
    code, said = command("photo.png", *arguments)
    assert code == 2
    assert said.count("\n") == 1
    assert words in said


# --- the comparison ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMPARISON.baselines)
@pytest.mark.parametrize("grey", [False, True])
def test_every_baseline_keeps_what_is_known_and_beats_black(name, grey, photo):
    if missing := COMPARISON.baselines[name].missing:
        pytest.skip(missing)
    clean = photo[..., 0] if grey else photo
    given = masked(clean)
    made = COMPARISON.run(COMPARISON.baselines[name], given, {"mask": "alpha"})
    assert np.array_equal(made[given.alpha > 0], clean[given.alpha > 0])
    assert psnr(made, clean) > 20


def masked(clean):
    from untaught.bench.comparisons.inpaint import _draw

    return _draw(clean, 0.5)(0)


def test_a_published_input_does_not_say_whether_black_was_kept():
    from untaught.bench.comparisons.inpaint import _published

    clean = np.full((40, 40), 90, np.uint8)
    clean[0] = 0
    masked = np.where(np.random.default_rng(1).random((40, 40)) < 0.5, clean, 0).astype(np.uint8)
    known = _published(masked, clean, "masked.png").alpha > 0
    assert np.array_equal(known[1:], masked[1:] > 0)
    assert 5 < known[0].sum() < 35


def test_the_benchmark_runs_presets_beside_baselines(tmp_path, photo, untaught):
    Image.fromarray(photo).save(tmp_path / "cat.png")
    words = ("bench", "inpaint", tmp_path / "cat.png")
    code, out, _ = untaught(*words, "--missing", 0.5, "--presets", "instant", "--seeds", 1)
    assert code == 0
    for word in ("masked", "nearest", "biharmonic", "tv", "instant", "kept at random"):
        assert word in out
    for more, sentence in (([], "--missing 0.5"), (["--missing", 50], "--missing 50 is no fraction")):
        code, _, err = untaught(*words, *more)
        assert code == 2
        assert sentence in err


# --- the published pictures -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_published_figure_is_passed_on_a_published_input(shared):
    clean = read(shared("inpaint11/house.png")).pixels
    masked = read(shared("published/house_masked.png")).pixels
    made = untaught.inpaint(masked, mask=masked == 0)
    assert psnr(made, clean) > 39.16  # 40 dB and more when this was written
