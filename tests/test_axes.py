"""Arrays and stacks whose axes are named: what is restored together, what for itself, and what comes back."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import untaught
from untaught.cli import main
from untaught.core.errors import BadInput
from untaught.io.axes import Axes

FEW = {"preset": "instant", "noise": "gaussian", "sigma": 0.1}


def code(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return ended.value.code or 0


def noisy(*shape):
    rng = np.random.default_rng(0)
    return (np.linspace(0.2, 0.8, shape[-1]) + 0.1 * rng.normal(size=shape)).astype(np.float32)


@pytest.mark.parametrize(
    ("axes", "shape", "apart", "channel"),
    [
        ("YX", (20, 24), "", None),
        pytest.param("X", (64,), "", None, marks=pytest.mark.slow),
        ("ZYX", (8, 20, 24), "", None),
        ("CYX", (2, 20, 24), "", 0),
        ("YXS", (20, 24, 3), "", 2),
        ("TYX", (3, 20, 24), "T", None),
        pytest.param("TZCYX", (2, 6, 2, 20, 24), "T", 1, marks=pytest.mark.slow),
        ("PTYX", (2, 2, 20, 24), "PT", None),
    ],
)
def test_named_axes_are_the_same_as_the_pictures_one_by_one(axes, shape, apart, channel):
    named, y = Axes(axes), noisy(*shape)
    assert (named.apart, named.channel_axis) == (apart, channel)
    x = untaught.denoise(y, axes=axes, **FEW)
    assert (x.shape, x.dtype) == (y.shape, y.dtype)
    for part in named.parts(y):
        np.testing.assert_array_equal(x[part], untaught.denoise(y[part], channel_axis=channel, **FEW))


OTHERS = {
    "deblur": {"kernel": "gauss:0.7", "preset": "instant"},
    "dejpeg": {"steps": 1},
    "upscale": {"factor": 2, "steps": 1},
    "enhance": {"steps": 1},
    "inpaint": {"mask": "nan", "preset": "instant"},
}


STACKS = {"TYX": None, "TYXC": 2, "TCYX": 0}
# The one changes sizes, the other has a mask; for the others any one kind of stack will do.
ALL = ("upscale", "inpaint")
PAIRS = [(name, axes) for i, name in enumerate(OTHERS) for k, axes in enumerate(STACKS) if name in ALL or i % 3 == k]


@pytest.mark.parametrize(("name", "axes"), PAIRS)
def test_every_task_of_a_picture_takes_a_stack_as_its_pictures_one_by_one(name, axes):
    """In the last there is nothing to do: it stays, and is enlarged with the others."""
    y = noisy(*({"T": 3, "C": 2, "Y": 16, "X": 18}[letter] for letter in axes))
    y[2] = 0.5
    if name == "inpaint":
        y[(slice(2), *(slice(4, 7) if letter in "YX" else slice(None) for letter in axes[1:]))] = np.nan
    restored, named, channel = getattr(untaught, name), Axes(axes), STACKS[axes]
    x = restored(y, axes=axes, **OTHERS[name])
    for part in list(named.parts(y))[:2]:
        np.testing.assert_array_equal(x[part], restored(y[part], channel_axis=channel, **OTHERS[name]))
    assert (x[2] == 0.5).all()
    assert x.shape == tuple(
        n * (2 if letter in "YX" and name == "upscale" else 1) for letter, n in zip(axes, y.shape, strict=True)
    )


def test_a_mask_is_of_every_picture_or_of_the_whole_stack():
    y, mask = noisy(3, 16, 18), np.zeros((3, 16, 18), bool)
    mask[:2, 4:7, 4:7] = True
    each = [untaught.inpaint(part, mask=hole, preset="instant") for part, hole in zip(y[:2], mask, strict=False)]
    wanted = np.stack([*each, y[2]])
    for x in (
        untaught.inpaint(y, mask=mask, axes="TYX", preset="instant"),
        untaught.inpaint(np.ma.array(y, mask=mask), axes="TYX", preset="instant"),
    ):
        np.testing.assert_array_equal(np.ma.getdata(x), wanted)
    same = untaught.inpaint(y, mask=mask[0], axes="TYX", preset="instant")
    np.testing.assert_array_equal(same[0], wanted[0])
    assert not np.array_equal(same[2], y[2])


def test_a_stack_in_which_there_is_nothing_to_do_is_refused():
    for made in (
        lambda: untaught.denoise(np.ones((2, 16, 16), np.float32), axes="TYX", **FEW),
        lambda: untaught.inpaint(noisy(2, 16, 16), mask=np.zeros((2, 16, 16)), axes="TYX", preset="instant"),
    ):
        with pytest.raises(BadInput, match="nothing to"):
            made()


def test_tasks_of_no_stacks_say_so():
    for name, more in (("flash", {"flash": noisy(16, 18)}), ("reconstruct", {"operator": "identity"})):
        with pytest.raises(BadInput, match="axes"):
            getattr(untaught, name)(noisy(3, 16, 18), axes="TYX", **more)


def test_a_stack_is_enlarged_and_masked_from_file_to_file(tmp_path):
    path, out = tmp_path / "in.tif", tmp_path / "out.tif"
    tifffile.imwrite(path, noisy(2, 16, 18), metadata={"axes": "TYX", "unit": "um"}, imagej=True, resolution=(4.0, 4.0))
    assert code("upscale", path, "--axes", "file", "--factor", 2, "--steps", 1, "-q", "-o", out) == 0
    with tifffile.TiffFile(out) as tif:
        assert (tif.series[0].axes, tif.series[0].shape) == ("TYX", (2, 32, 36))
        assert [n / d for n, d in (tif.pages.first.tags[t].value for t in (282, 283))] == [8, 8]
    mask = np.zeros((2, 16, 18), np.uint8)
    mask[0, 4:8, 4:8] = 255
    tifffile.imwrite(tmp_path / "mask.tif", mask, photometric="minisblack")
    words = ("--mask", tmp_path / "mask.tif", "--preset", "instant", "-q", "--force", "-o", out)
    assert code("inpaint", path, "--axes", "file", *words) == 0
    x, y = tifffile.imread(out), tifffile.imread(path)
    assert np.array_equal(x != y, mask > 0)


def test_time_may_be_restored_along():
    y = noisy(2, 4, 24, 24)
    x = untaught.denoise(y, axes="PTYX", along="time", **FEW)
    np.testing.assert_array_equal(x[1], untaught.denoise(y[1], along="time", **FEW))


@pytest.mark.parametrize(
    ("axes", "shape", "said"),
    [
        ("ZYX", (20, 24), "axes = 'ZYX' are 3"),
        ("yx", (20, 24), "are no axes"),
        ("YY", (20, 24), "are no axes"),
        ("TC", (20, 24), "of no picture"),
        ("CSYX", (2, 3, 20, 24), "of no picture"),
    ],
)
def test_axes_that_are_none_are_refused(axes, shape, said):
    with pytest.raises(BadInput, match=said):
        untaught.denoise(noisy(*shape), axes=axes, **FEW)


def test_a_cube_is_never_misread_in_silence():
    with pytest.raises(BadInput, match="axes=ZYX"):
        untaught.denoise(noisy(16, 16, 16), **FEW)
    with pytest.raises(BadInput, match="one by one"):
        untaught.denoise.job(noisy(3, 16, 16), axes="TYX", **FEW)
    with pytest.raises(BadInput, match="give one of them"):
        untaught.denoise(noisy(16, 16, 16), axes="CYX", channel_axis=0, **FEW)


@pytest.mark.parametrize("axes", ["TZCYX", "ZCYX", "CYX", "YXS"])
@pytest.mark.parametrize("ome", [False, True])
def test_a_stack_keeps_its_axes_from_file_to_file(tmp_path, axes, ome):
    sizes = {"T": 2, "Z": 5, "C": 2, "Y": 20, "X": 24, "S": 3}
    y = noisy(*(sizes[letter] for letter in axes))
    if axes == "YXS":
        y = np.clip(255 * y, 0, 255).astype(np.uint8)
    path, out = tmp_path / "in.tif", tmp_path / "out.tif"
    more = {"ome": True} if ome else {"imagej": True}
    spacing = {} if ome else {"spacing": 0.5, "unit": "um"}
    tifffile.imwrite(
        path, y, metadata={"axes": axes, **spacing}, photometric="rgb" if axes == "YXS" else "minisblack", **more
    )
    assert code("denoise", path, "--axes", "file", "--preset", "instant", "-q", "-o", out) == 0
    with tifffile.TiffFile(out) as tif:
        found = tif.series[0]
        assert (found.axes, found.shape, found.dtype) == (axes, y.shape, y.dtype)
        assert ome or tif.imagej_metadata["spacing"] == 0.5
        assert not np.array_equal(found.asarray(), y)


def test_pages_that_name_no_axes_are_asked_for(tmp_path, capsys):
    path = tmp_path / "pages.tif"
    tifffile.imwrite(path, noisy(6, 20, 24), photometric="minisblack")
    assert code("denoise", path, "--axes", "file") == 2
    assert "--axes ZYX" in capsys.readouterr().err
    assert code("denoise", path) == 2
    assert "--axes" in capsys.readouterr().err
    assert code("denoise", path, "--axes", "ZYX", "--preset", "instant", "-q") == 0
    assert tifffile.imread(tmp_path / "pages.untaught.tif").shape == (6, 20, 24)


def test_an_npy_of_any_shape_is_read_and_written(tmp_path):
    path = tmp_path / "v.npy"
    np.save(path, noisy(16, 16, 16))
    assert code("denoise", path, "--axes", "ZYX", "--preset", "instant", "-q") == 0
    x = np.load(tmp_path / "v.untaught.npy")
    assert (x.shape, x.dtype) == ((16, 16, 16), np.float32)
    assert code("denoise", path, "--axes", "ZYX", "-q") == 2  # never over a result


def test_a_stack_of_no_pictures_is_one_sentence(untaught, tmp_path):
    np.save(tmp_path / "none.npy", np.zeros((0, 8, 8), np.uint8))
    code, _, err = untaught("denoise", str(tmp_path / "none.npy"), "--axes", "TYX", "--preset", "instant")
    assert (code, "The picture is empty" in err) == (2, True)
    assert not (tmp_path / "none.untaught.npy").exists()


def test_an_interrupt_between_two_pictures_of_a_stack_writes_nothing(untaught, tmp_path, monkeypatch):
    from contextlib import nullcontext

    from untaught.cli import stacks

    np.save(tmp_path / "s.npy", np.full((2, 16, 16), 90, np.uint8))
    monkeypatch.setattr(stacks, "interrupts", lambda _: nullcontext([2]))
    code, _, err = untaught("denoise", str(tmp_path / "s.npy"), "--axes", "TYX", "--preset", "instant")
    assert (code, "interrupted" in err) == (130, True)
    assert not (tmp_path / "s.untaught.npy").exists()


HOLE = (slice(2, 4), slice(5, 9), slice(6, 10))


def gapped(masked):
    y = noisy(6, 20, 24)
    if masked:
        mask = np.zeros(y.shape, bool)
        mask[HOLE] = True
        y[HOLE] = 99
        return np.ma.array(y, mask=mask)
    y[HOLE] = np.nan
    return y


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("named", [{"axes": "ZYX"}, {"axes": "CYX"}, {"axes": "TYX"}, {"along": "time"}])
def test_what_is_unknown_is_filled_from_around_it_whatever_the_axes(named, masked):
    y = gapped(masked)
    x = untaught.denoise(y, **named, **FEW)
    assert x.shape == y.shape
    assert isinstance(x, np.ma.MaskedArray) is masked
    found, truth = np.ma.getdata(x), np.broadcast_to(np.linspace(0.2, 0.8, 24), y.shape)
    assert np.abs(found[HOLE] - truth[HOLE]).max() < 0.2
    if masked:
        np.testing.assert_array_equal(np.ma.getmaskarray(x), y.mask)


def test_nothing_that_is_no_picture_is_misread_in_silence():
    y = noisy(2, 1, 16, 16)
    for wrong in (y[0, 0] + 1j * y[1, 0], y):
        with pytest.raises(BadInput):
            untaught.denoise(wrong, **FEW)
        with pytest.raises(BadInput):
            untaught.reconstruct(wrong, operator="identity")
    with pytest.raises(BadInput, match="2 pictures"):
        untaught.Job((untaught.Solve(untaught.Method(untaught.Pixels(), stop=untaught.After(1))),), untaught.Problem(y))
    with pytest.raises(BadInput, match="complex"):
        untaught.Problem(y[:1] + 1j * y[:1])
