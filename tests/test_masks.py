"""Masks of every kind, and masks that are proposed: what is marked, what is said, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from untaught.core.errors import BadInput
from untaught.io import masks, proposals
from untaught.io.images import Image as Held
from untaught.io.images import read

HOLE = np.zeros((48, 56), bool)
HOLE[10:14, 20:30] = True


def white(hole, kind):
    """The mask as such a file holds it."""
    plain = hole.astype(np.uint8) * 255
    if kind == "16 bit":
        return Image.fromarray(plain.astype(np.uint16) * 257)
    if kind == "zeros and ones":
        return Image.fromarray(hole.astype(np.uint8))
    mode = {"grey": "L", "1 bit": "1", "rgb": "RGB", "palette": "P"}[kind]
    return Image.fromarray(plain).convert(mode)


@pytest.mark.parametrize("kind", ["1 bit", "grey", "rgb", "palette", "16 bit", "zeros and ones"])
@pytest.mark.parametrize("keeps", [False, True])
def test_a_mask_file_of_any_kind_marks_the_same_pixels(kind, keeps, photo, tmp_path):
    white(~HOLE if keeps else HOLE, kind).save(tmp_path / "mask.png")
    fill, notes = masks.find(Held(photo), str(tmp_path / "mask.png"), keeps=keeps, channel_axis=-1)
    assert fill.shape == photo.shape
    assert all(np.array_equal(fill[..., c], HOLE) for c in range(3))
    assert notes == ["1.5 % will be filled (40 of 2688 pixels)."]


@pytest.mark.parametrize(
    "mask",
    [
        HOLE,
        HOLE.astype(np.uint8),
        HOLE.astype(np.uint8) * 255,
        HOLE.astype(float),
        HOLE[..., None],
        HOLE * 7,
        HOLE * 65535,
    ],
)
def test_arrays_of_bool_or_numbers(mask, photo):
    assert np.array_equal(masks.find(Held(photo), mask, channel_axis=-1)[0][..., 1], HOLE)
    assert np.array_equal(masks.find(Held(photo[..., 0]), mask)[0], HOLE)


def test_one_mask_for_each_channel(photo):
    each = np.zeros(photo.shape, bool)
    each[::2, ::2, 0] = each[1::2, 1::2, 2] = True
    fill, notes = masks.find(Held(photo), each, channel_axis=-1)
    assert np.array_equal(fill, each)
    assert notes[-1].startswith("50 %")


def test_all_that_is_brighter_than_a_little_is_filled_and_said(photo, tmp_path):
    ramp = np.tile(np.linspace(0, 255, 56).astype(np.uint8), (48, 1))
    Image.fromarray(ramp).save(tmp_path / "mask.png")
    fill, notes = masks.find(Held(photo), tmp_path / "mask.png", channel_axis=-1)
    assert np.array_equal(fill[..., 0], ramp > 0.05 * 255)
    assert "neither black nor white" in notes[0]


def test_a_transparent_layer_marks_what_is_painted_in_it(photo, tmp_path):
    layer = np.full((48, 56, 4), 255, np.uint8)
    layer[..., 3] = 255 * HOLE
    Image.fromarray(layer).save(tmp_path / "mask.png")
    fill, notes = masks.find(Held(photo), tmp_path / "mask.png", channel_axis=-1)
    assert np.array_equal(fill[..., 0], HOLE)
    assert "transparent" in notes[0]


def test_transparency_nan_and_a_colour_as_masks(photo):
    alpha = np.where(HOLE, 100, 255).astype(np.uint8)
    assert np.array_equal(masks.find(Held(photo, alpha), "alpha", channel_axis=-1)[0][..., 0], HOLE)
    data = photo.astype(np.float32)
    data[HOLE, 1] = np.nan
    data[0, 0, 2] = -np.inf
    assert np.array_equal(masks.find(Held(data), "nan", channel_axis=-1)[0], ~np.isfinite(data))
    painted = photo.copy()
    painted[HOLE] = (250, 3, 255)
    with pytest.raises(BadInput, match="marks no pixel.*--tolerance"):
        masks.find(Held(painted), None, colour="#ff00ff", channel_axis=-1)
    for colour in ("#ff00ff", "f0f"):
        fill, _ = masks.find(Held(painted), None, colour=colour, tolerance=5 / 255, channel_axis=-1)
        assert np.array_equal(fill[..., 0], HOLE)
    both = masks.find(Held(painted), HOLE[::-1], colour="#fa03ff", channel_axis=-1)[0]
    assert np.array_equal(both[..., 0], HOLE | HOLE[::-1])
    grey = painted[..., 1].astype(np.uint16) * 257
    assert masks.find(Held(grey), None, colour="#030303")[0][HOLE].all()


def test_the_geometry_by_which_a_recipe_is_chosen():
    shape = masks.measure(HOLE[..., None].repeat(3, 2), -1)
    assert shape.missing == pytest.approx(40 / 2688)
    assert shape.radius == 2
    assert masks.percent(0.0004) == "0.04 %"
    assert masks.percent(0.9999) == "99.99 %"


WITH_NAN = np.full((48, 56), np.nan, np.float32)
WITH_NAN[:, 3:] = 0.5


@pytest.mark.parametrize(
    ("mask", "options", "sentence"),
    [
        (None, {}, r"not said: give --mask mask.png.*untaught mask"),
        (None, {"pixels": WITH_NAN, "channel_axis": None}, "144 values.*--mask nan"),
        (None, {"alpha": np.zeros((48, 56), np.uint8)}, "2688 transparent pixels.*--mask alpha"),
        (None, {"keeps": True, "colour": "#fff"}, "there is none"),
        ("nan", {"keeps": True}, "there is none"),
        (HOLE[:, :20], {}, "mask is 20 x 48 pixels, the picture 56 x 48"),
        (HOLE.T, {}, "turned by 90"),
        (HOLE & False, {}, "marks no pixel.*--mask-keeps if white means known"),
        (HOLE | True, {}, "marks all 2688 pixels"),
        (HOLE | True, {"keeps": True}, "marks no pixel.*drop --mask-keeps"),
        ("alpha", {}, "no alpha channel"),
        ("alpha", {"alpha": np.full((48, 56), 255, np.uint8)}, "marks no pixel"),
        ("nan", {}, "uint8 can hold none"),
        ("missing.png", {}, "no file 'missing.png'"),
        (HOLE * 1j, {}, "type complex"),
        (np.where(HOLE, np.nan, 0), {}, "NaN"),
        (None, {"colour": "pink"}, "'pink' is no colour"),
        (None, {"colour": "#ff00f"}, "no colour"),
        (None, {"colour": "#ff00ff", "pixels": WITH_NAN, "channel_axis": None}, "no grey"),
    ],
)
def test_a_mask_that_cannot_be_used_gets_a_sentence(mask, options, sentence, photo):
    options = {"channel_axis": -1, **options}
    image = Held(options.pop("pixels", photo), options.pop("alpha", None))
    with pytest.raises(BadInput, match=sentence):
        masks.find(image, mask, **options)


# --- proposals -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cat():
    from skimage import data

    return data.chelsea()[40:260, 80:380].copy()


def drawn(cat, kind):
    """(the damaged picture, where the damage is)."""
    rng = np.random.default_rng(0)
    layer = Image.new("L", cat.shape[1::-1])
    pen = ImageDraw.Draw(layer)
    if kind == "dead-pixels":
        pen.point(
            [(int(x), int(y)) for x, y in zip(rng.integers(2, 298, 60), rng.integers(2, 218, 60), strict=True)], 255
        )
    if kind == "dust":
        for x, y in zip(rng.integers(10, 290, 15), rng.integers(10, 210, 15), strict=True):
            pen.ellipse([int(x), int(y), int(x) + 4, int(y) + 5], 255)
    if kind == "scratches":
        pen.line([(20, 10), (60, 215)], 255, 2)
        pen.line([(250, 5), (235, 190)], 255, 1)
    if kind == "text":
        pen.text((20, 90), "Do not copy this picture", 255, font_size=22)
    marked = np.asarray(layer) > 127
    damaged = cat.copy()
    damaged[marked] = (255, 255, 0) if kind == "text" else 255
    return damaged, marked


@pytest.mark.parametrize("kind", proposals.KINDS)
def test_damage_that_was_drawn_is_found(kind, cat):
    from scipy import ndimage

    damaged, marked = drawn(cat, kind)
    found = proposals.propose(damaged, kind)
    near = ndimage.binary_dilation(marked, np.ones((7, 7), bool))
    assert found[marked].mean() > 0.9
    assert (found & ~near).mean() < 0.02  # a proposal: what looks the same is marked as well


@pytest.mark.parametrize("ink", [(255, 255, 255), (200, 30, 30), (255, 255, 0), (0, 0, 0)])
def test_lettering_is_found_and_no_face_is_taken_for_it(ink, shared):
    """The portrait and the lettering of the Deep Image Prior paper: hair and lashes are thin and dark, and no letters."""
    kate = np.asarray(Image.open(shared("dip/inpainting/kate.png")).convert("RGB"))
    letters = np.asarray(Image.open(shared("dip/inpainting/kate_mask.png")).convert("L")) < 128
    assert proposals.propose(kate, "text").mean() < 0.005
    found = proposals.propose(np.where(letters[..., None], np.uint8(ink), kate), "text")
    assert found[letters].mean() >= 0.95
    assert found[~letters].mean() < 0.03


@pytest.mark.parametrize("name", ["kodim20", "kodim23"])
def test_shadows_are_no_dark_lettering(name, shared):
    """They are as dark as it, and of many shades."""
    photo = Image.open(shared(f"kodak/{name}.png")).convert("RGB").crop((0, 0, 512, 512))
    layer = Image.new("L", photo.size)
    for top in range(20, 450, 90):
        ImageDraw.Draw(layer).text((20, top), "Do not copy this picture", 255, font_size=22)
    letters = np.asarray(layer) > 127
    photo.paste((20, 20, 20), mask=layer)
    found = proposals.propose(np.asarray(photo), "text")
    assert found[letters].mean() > 0.9
    assert found[~letters].mean() < 0.03


def test_stripes_are_no_lettering_and_lettering_may_be_slanted(shared):
    """Letters are of one height, or stand on lines; the stripes of a zebra, of one flat black, are neither."""
    zebra = np.asarray(Image.open(shared("set14/zebra.bmp")).convert("RGB"))
    assert not proposals.propose(zebra, "text").any()
    photo = Image.open(shared("kodak/kodim19.png")).convert("RGB").crop((0, 0, 300, 300))
    layer = Image.new("L", (500, 500))
    for top in range(20, 480, 90):
        ImageDraw.Draw(layer).text((20, top), "Do not copy this picture, please", 255, font_size=24)
    letters = np.asarray(layer.rotate(30).crop((100, 100, 400, 400))) > 127
    found = proposals.propose(np.where(letters[..., None], np.uint8(250), np.asarray(photo)), "text")
    assert found[letters].mean() > 0.9


@pytest.mark.parametrize("kind", proposals.KINDS)
def test_of_a_clean_portrait_hardly_anything_is_marked(kind, shared):
    kate = np.asarray(Image.open(shared("dip/inpainting/kate.png")).convert("RGB"))
    assert proposals.propose(kate, kind).mean() < 0.005


def test_scratches_that_cross_are_found_and_the_edge_of_a_shade_is_none(cat):
    layer = Image.new("L", cat.shape[1::-1])
    pen = ImageDraw.Draw(layer)
    for ends in ([(10, 40), (290, 180)], [(280, 20), (30, 210)], [(150, 5), (140, 215)]):
        pen.line(ends, 255, 2)
    marked = np.asarray(layer) > 127
    even = np.full(cat.shape, 90, np.uint8)
    for picture in (even, np.where(np.arange(300)[None, :, None] > 150, np.uint8(140), even)):
        assert not proposals.propose(picture, "scratches").any()
        assert proposals.propose(np.where(marked[..., None], np.uint8(240), picture), "scratches")[marked].mean() > 0.9


@pytest.mark.parametrize(("width", "shade"), [(1, 235), (2, 20), (3, 235)])
def test_a_bent_scratch_is_found_in_any_direction_and_its_length_decides(cat, width, shade):
    """However the picture is turned it is the same scratch; and one that is as short as a whisker is none."""
    layer = Image.new("L", (200, 200))
    ImageDraw.Draw(layer).line([(60 + 0.0012 * (y - 90) ** 2, y) for y in range(15, 185, 5)], 255, width)
    marked, part = np.asarray(layer) > 127, cat[:200, :200]
    damaged = np.where(marked[..., None], np.uint8(shade), part)
    for turn in (0, 1):
        assert proposals.propose(np.rot90(damaged, turn), "scratches")[np.rot90(marked, turn)].mean() > 0.6
    marked[:90], marked[115:] = False, False
    short = np.where(marked[..., None], np.uint8(shade), part)
    assert not proposals.propose(short, "scratches")[marked].any()


def test_a_large_picture_is_searched_by_parts_and_loses_nothing_between_them(cat, monkeypatch):
    from untaught.io import scratches

    damaged, _ = drawn(cat, "scratches")
    whole = proposals.propose(damaged, "scratches")
    monkeypatch.setattr(scratches, "TILE", 160)
    parts = proposals.propose(damaged, "scratches")
    assert (parts & whole).sum() > 0.9 * whole.sum()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 4, 3), (40, 40)])
@pytest.mark.parametrize("kind", proposals.KINDS)
def test_a_picture_of_any_size_can_be_searched(kind, shape):
    flat = np.full(shape, 90, np.uint8)
    assert not proposals.propose(flat, kind).any()
    noise = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint16) * 257
    assert proposals.propose(noise, kind).shape == shape[:2]


def test_the_command_writes_a_mask_and_says_that_it_is_a_proposal(cat, tmp_path, untaught):
    damaged, _ = drawn(cat, "dead-pixels")
    Image.fromarray(damaged).save(tmp_path / "photo.png")
    code, _, err = untaught("mask", tmp_path / "photo.png", "--find", "dead-pixels")
    assert code == 0
    assert "proposal" in err
    assert set(np.unique(read(tmp_path / "photo.mask.png").pixels)) == {0, 255}
    for arguments, words in (
        (["--find", "dead-pixels"], "exists already"),
        (["--find", "dead-pixel", "-o", str(tmp_path / "b.png")], "did you mean 'dead-pixels'"),
        (["--find", "scratches", "-o", str(tmp_path / "b.png")], "No scratches found"),
    ):
        code, out, err = untaught("mask", tmp_path / "photo.png", *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert words in err
