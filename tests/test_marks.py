"""Masks as people make them: soft ones of every type, layers of strokes, copies of the picture painted over, JPEGs of all these."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

import untaught
from untaught.core.errors import BadInput
from untaught.io import masks
from untaught.io.images import Image as Held
from untaught.io.images import read, write

SPACE = (96, 120)
LOUD = {"red": (255, 0, 0), "pink": (255, 0, 255), "green": (0, 255, 0), "white": (255, 255, 255), "black": (0, 0, 0)}


def drawn():
    """A stroke and a blot with the edge of a brush: 0 to 1, one grey pixel about them."""
    layer = Image.new("L", (240, 192))
    pen = ImageDraw.Draw(layer)
    pen.line([(24, 20), (150, 150)], 255, 10)
    pen.ellipse([160, 30, 200, 70], 255)
    return np.clip(np.asarray(layer.resize((120, 96), Image.Resampling.BOX)) / 255, 0, 1)


BRUSH = drawn()
HOLE = BRUSH > 0.5
AWAY = ndimage.distance_transform_edt(~HOLE)


@pytest.fixture(scope="module")
def cat():
    from skimage import data

    return data.chelsea()[80:176, 100:220].copy()


def jpeg(pixels, quality):
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "JPEG", quality=quality)
    return np.asarray(Image.open(io.BytesIO(held.getvalue())))


def over(photo, colour, opacity=1.0):
    share = opacity * BRUSH[..., None]
    return np.rint(photo * (1 - share) + share * np.array(colour)).astype(np.uint8)


def marked(photo, mask, **options):
    fill, notes = masks.find(Held(photo), mask, channel_axis=-1 if photo.ndim == 3 else None, **options)
    return fill if photo.ndim == 2 else fill[..., 0], notes


def stored(values, kind):
    """Marks of 0 to 1 as that type holds them."""
    top = {"uint8": 255, "uint16": 65535, "bytes in 16 bit": 255, "int32": 255}.get(kind, 1)
    dtype = {"bytes in 16 bit": "uint16", "float of 255": "float32"}.get(kind, kind)
    scaled = values * (255 if kind == "float of 255" else top)
    return (np.rint(scaled) if np.dtype(dtype).kind in "ui" else scaled).astype(dtype)


KINDS = ["uint8", "uint16", "bytes in 16 bit", "int32", "float32", "float64", "float of 255"]
SOURCES = ["array", "three channels", "png", "tiff", "npy", "layer"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("edge", [0, 3])
def test_a_soft_mask_marks_all_that_it_touches(kind, source, keeps, edge, cat, tmp_path):
    soft = ndimage.gaussian_filter(BRUSH, edge) if edge else BRUSH
    soft = soft / soft.max()
    values = stored(1 - soft if keeps else soft, kind)
    if source == "three channels":
        values = np.dstack([values] * 3)
    if source == "layer":
        values = np.dstack([np.zeros_like(values)] * 3 + [values])
    mask = values
    if source in ("png", "tiff", "npy"):
        mask = tmp_path / f"mask.{source}"
        if source == "npy":
            np.save(mask, values)
        elif values.dtype not in ([np.uint8, np.uint16] if source == "png" else [np.uint8, np.uint16, np.float32]):
            pytest.skip("no file of that format holds this type")
        else:
            write(mask, values)
    fill, _ = marked(cat, mask, keeps=keeps)
    assert fill[soft > 0.07].all()
    assert not fill[soft < 0.03].any()


@pytest.mark.parametrize("kind", ["bool npy", "1 bit", "palette", "clear palette", "rgb", "turned"])
def test_a_mask_file_of_an_unusual_kind_is_read_like_any_other(kind, cat, tmp_path):
    mask = Image.fromarray(np.rint(255.0 * HOLE).astype(np.uint8))
    path = tmp_path / "mask.png"
    if kind == "bool npy":
        path = tmp_path / "mask.npy"
        np.save(path, HOLE)
    elif kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = 6
        path = tmp_path / "mask.jpg"
        mask.rotate(90, expand=True).save(path, quality=95, exif=exif)
    elif kind == "clear palette":
        mask.convert("P").save(path, transparency=0)
    else:
        mask.convert({"1 bit": "1", "palette": "P", "rgb": "RGB"}[kind]).save(path)
    assert np.array_equal(marked(cat, path)[0], HOLE)


def test_the_grey_rim_of_a_brush_moves_the_edge_by_less_than_two_pixels(cat):
    for quality in (None, 90, 75, 50):
        mask = np.rint(255 * BRUSH).astype(np.uint8)
        fill, _ = marked(cat, mask if quality is None else jpeg(mask, quality))
        assert fill[HOLE].all()
        assert AWAY[fill].max() < {None: 2, 90: 2, 75: 4, 50: 8}[quality]  # ripples that touch the stroke go with it


@pytest.mark.parametrize("colour", LOUD)
@pytest.mark.parametrize("quality", [None, 90, 75, 50])
@pytest.mark.parametrize("opacity", [1.0, 0.6])
@pytest.mark.parametrize("grey", [False, True])
def test_a_copy_that_was_painted_over_says_where(colour, quality, opacity, grey, cat):
    photo = np.dstack([cat[..., 1]] * 3) if grey else cat
    copy = over(photo, LOUD[colour], opacity)
    copy = copy if quality is None else jpeg(copy, quality)
    fill, notes = marked(photo[..., 0] if grey else photo, copy)
    assert "a copy of the picture" in notes[0]
    assert fill[HOLE].mean() > 0.95  # where the picture had the brush's colour, nothing was painted
    assert (fill & (AWAY > 4)).sum() < 0.05 * HOLE.sum()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "counts"])
def test_the_picture_may_be_of_another_type_than_its_painted_copy(dtype, cat):
    factor = {"uint8": 1, "uint16": 257, "float32": 1 / 255, "counts": 1000 / 255}[dtype]
    photo = (cat.astype(float) * factor).astype("float32" if dtype == "counts" else dtype)
    fill, _ = marked(photo, over(cat, LOUD["pink"]))
    assert fill[HOLE].mean() > 0.98
    assert AWAY[fill].max() < 4


@pytest.mark.parametrize("colour", LOUD)
def test_a_layer_marks_its_strokes_in_any_colour_on_any_picture(colour, cat, tmp_path):
    layer = np.zeros((*SPACE, 4), np.uint8)
    layer[..., :3] = LOUD[colour]
    layer[..., 3] = np.rint(255 * BRUSH)
    for name in ("layer.png", "layer.tif"):
        write(tmp_path / name, layer[..., :3], Held(layer[..., :3], layer[..., 3]))
        for mask in (tmp_path / name, layer):
            fill, notes = marked(cat, mask)
            assert np.array_equal(fill, BRUSH > 0.05)
            assert "layer" in notes[0]


def test_a_selection_kept_with_a_copy_and_holes_cut_out_of_it_say_the_same(cat):
    alpha = np.rint(255 * BRUSH).astype(np.uint8)
    for held in (
        np.dstack([cat, alpha]),
        np.dstack([cat, 255 - alpha]),
        np.dstack([cat * ~HOLE[..., None], 255 - alpha]),
    ):
        fill, notes = marked(cat, held)
        assert fill[HOLE].all()
        assert AWAY[fill].max() <= 2
        assert "copy" in notes[0]


@pytest.mark.parametrize("ground", [(0, 0, 0), (255, 255, 255), (90, 120, 90)])
@pytest.mark.parametrize("quality", [None, 90])
def test_strokes_on_an_even_ground(ground, quality, cat):
    plate = over(np.broadcast_to(np.array(ground), (*SPACE, 3)), LOUD["red"])
    fill, notes = marked(cat, plate if quality is None else jpeg(plate, quality))
    assert fill[HOLE].all()
    assert AWAY[fill].max() < 5  # a JPEG keeps colour in blocks of 16 pixels
    assert "even ground" in notes[0]


@pytest.mark.parametrize("share", [0.03, 0.5])
@pytest.mark.parametrize("keeps", [False, True])
def test_a_mask_that_seems_turned_around_gets_a_hint(share, keeps, cat):
    mask = np.zeros(SPACE, bool)
    mask[: round(share * SPACE[0])] = True
    assert not any("mask-keeps" in n for n in marked(cat, ~mask if keeps else mask, keeps=keeps)[1])
    hints = [n for n in marked(cat, mask if keeps else ~mask, keeps=keeps)[1] if "mask-keeps" in n]
    assert len(hints) == (share < 0.3)


def test_a_picture_that_is_no_mask_is_refused(cat):
    with pytest.raises(BadInput, match="no copy of this one.*white: fill.*layer.*loud colour"):
        marked(cat, cat[::-1].copy())
    with pytest.raises(BadInput, match="the picture itself.*paint"):
        marked(cat, cat)
    with pytest.raises(BadInput, match="mask is 119 x 96 pixels, the picture 120 x 96"):
        marked(cat, over(cat, LOUD["red"])[:, 1:])
    with pytest.raises(BadInput, match="turned by 90"):
        marked(cat, over(cat, LOUD["red"]).swapaxes(0, 1))


# --- growing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["mask", "alpha", "nan", "colour", "each channel"])
def test_holes_grow_by_so_many_pixels_whatever_said_where_they_are(source, cat):
    photo, alpha, options = cat.astype(np.float32), None, {}
    mask = HOLE if source == "mask" else source
    if source == "alpha":
        photo, alpha = cat, np.where(HOLE, 0, 255).astype(np.uint8)
    if source == "nan":
        photo[HOLE] = np.nan
    if source == "colour":
        photo, mask, options = cat.copy(), None, {"colour": "#ff00ff"}
        photo[HOLE] = (255, 0, 255)
    if source == "each channel":
        mask = np.dstack([HOLE, ~HOLE & False, ~HOLE & False])
    for grow in (0, 1, 4):
        fill, _ = masks.find(Held(photo, alpha), mask, channel_axis=-1, grow=grow, **options)
        assert np.array_equal(fill[..., 0], grow >= AWAY)
        assert fill[..., 1].any() == (source != "each channel")
    with pytest.raises(BadInput, match="grow by less than 500 pixels"):
        masks.find(Held(photo, alpha), mask if source != "each channel" else HOLE, channel_axis=-1, grow=500, **options)


@pytest.mark.parametrize("space", [(30,), (20, 24), (6, 9, 8)])
def test_holes_grow_in_every_number_of_axes(space):
    fill = np.zeros(space, bool)
    fill[tuple(n // 2 for n in space)] = True
    assert masks.grown(fill, 1).sum() == 1 + 2 * len(space)


@pytest.mark.parametrize(
    ("preset", "recipe"),
    [("instant", "text"), ("fast", "text"), ("balanced", "sparse"), ("best", "sparse"), ("paper", "sparse")],
)
def test_every_preset_fills_all_that_a_soft_mask_touches_and_nothing_else(preset, recipe, cat):
    small, soft = cat[:24, :28], np.zeros((24, 28), np.uint8)
    soft[8:12, 6:20], soft[9:11, 7:19] = 60, 255
    damaged = small.copy()
    damaged[soft > 0] = 255
    wide = ndimage.distance_transform_edt(soft == 0) <= 1
    made = untaught.inpaint(damaged, mask=soft, grow=1, preset=preset, recipe=recipe, steps=1)
    other = np.where(wide[..., None], 7, damaged).astype(np.uint8)
    assert np.array_equal(made[~wide], damaged[~wide])
    assert np.array_equal(made, untaught.inpaint(other, mask=wide, preset=preset, recipe=recipe, steps=1))


def test_nothing_of_soft_damage_is_left_under_the_feather():
    """Damage mixed in by the mask: beside a smooth picture, what is left is what the filling does not know."""
    y, x = np.mgrid[:40, :48]
    clean = np.rint(120 + 50 * np.sin(x / 11) + 40 * np.cos(y / 9)).astype(np.uint8)
    stroke = np.zeros(clean.shape)
    stroke[17:22, 8:40] = 1
    soft = ndimage.gaussian_filter(stroke, 1.5)
    damaged = np.rint(clean * (1 - soft) + 255 * soft).astype(np.uint8)
    made = untaught.inpaint(damaged, mask=np.rint(255 * soft).astype(np.uint8), preset="instant")
    apart = np.abs(made.astype(int) - clean)
    assert apart.max() <= 25
    cut = untaught.inpaint(damaged, mask=soft > 0.5, preset="instant")
    assert np.abs(cut.astype(int) - clean).max() > 2 * apart.max()


def test_the_commands_grow(cat, tmp_path, untaught):
    photo = cat[:48, :56].copy()
    photo[20, 30] = photo[10, 8] = 255
    write(tmp_path / "photo.png", photo)
    found = []
    for grow in (0, 2):
        words = ("mask", tmp_path / "photo.png", "--find", "dead-pixels", "--grow", grow, "--force")
        assert untaught(*words)[0] == 0
        found.append(read(tmp_path / "photo.mask.png").pixels > 0)
    assert np.array_equal(found[1], ndimage.distance_transform_edt(~found[0]) <= 2)
    for verb, *more in (
        ("mask", "--find", "dead-pixels", "--force"),
        ("inpaint", "--mask", tmp_path / "photo.mask.png"),
    ):
        code, out, err = untaught(verb, tmp_path / "photo.png", *more, "--grow", -1)
        assert (code, out) == (2, "")
        assert "grow" in err
        assert "Traceback" not in err
