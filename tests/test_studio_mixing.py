"""How much of a result is taken: laws of the mixture, and that the download is it, in full depth and as it was asked for."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from served import begin, png

from untaught.studio.mixing import LUMA, mixed, shrunk

share = st.floats(0, 1)
kinds = st.sampled_from([np.uint8, np.uint16, np.float32])


def pair(kind, shape, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(kind).kind == "f":
        return tuple(rng.random(shape).astype(kind) for _ in range(2))
    return tuple(rng.integers(0, np.iinfo(kind).max, shape, dtype=kind, endpoint=True) for _ in range(2))


@given(kinds, st.sampled_from([(3, 4), (300, 2), (5, 1, 3), (2, 3, 5)]), share, share)
@settings(max_examples=40, deadline=None)
def test_a_mixture_lies_between_and_its_ends_are_exact(kind, shape, brightness, colour):
    before, after = pair(kind, shape)
    assert mixed(before, after, 0, 0) is before
    assert mixed(before, after, 1, 1) is after
    made = mixed(before, after, brightness, brightness)
    assert (made.dtype, made.shape) == (after.dtype, after.shape)
    low, high = np.minimum(before, after).astype(float), np.maximum(before, after).astype(float)
    assert (made >= low - 1e-6).all()
    assert (made <= high + 1e-6).all()
    if shape[-1] == 3 and np.dtype(kind).kind == "f":
        made = mixed(before, after, brightness, colour) @ np.array(LUMA)
        expected = (1 - brightness) * (before @ np.array(LUMA)) + brightness * (after @ np.array(LUMA))
        assert np.abs(made - expected).max() < 1e-6  # colour leaves the brightness alone
    else:
        assert np.array_equal(mixed(before, after, brightness, colour), made) or shape[-1] == 3


def test_where_nothing_was_known_the_result_is_taken():
    before, after = pair(np.float32, (6, 5))
    before[2, 3] = np.nan
    made = mixed(before, after, 0.5, 0.5)
    assert made[2, 3] == after[2, 3]
    assert np.isfinite(made).all()


@given(kinds, st.integers(1, 9), st.integers(1, 9), st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_a_smaller_picture_is_of_its_type_and_never_larger(kind, height, width, side):
    picture = np.full((height, width, 3), 0.25 if np.dtype(kind).kind == "f" else 77, kind)
    small = shrunk(picture, side)
    assert small.dtype == picture.dtype
    assert max(small.shape[:2]) == min(side, max(height, width))
    assert (small == picture[0, 0]).all()


def test_the_download_is_the_mixture_in_full_depth(studio):
    import tifffile

    values = np.random.default_rng(1).integers(20_000, 40_000, (24, 28, 3), dtype=np.uint16)
    out = io.BytesIO()
    tifffile.imwrite(out, values, photometric="rgb")
    id = studio.upload(out.getvalue(), "scan.tif").json()["id"]
    job = begin(studio, id, sigma=0.05, steps=3)
    assert studio.until(job["id"], "done")["result"]["mixes"]

    def got(**how):
        answer = studio.get(f"/api/jobs/{job['id']}/result.tif", params=how)
        return tifffile.imread(io.BytesIO(answer.content))

    result = got()
    assert np.array_equal(got(brightness=0, colour=0), values)
    assert np.array_equal(got(brightness=1, colour=1), result)
    assert np.array_equal(got(brightness=0.4, colour=0.8), mixed(values, result, 0.4, 0.8))
    assert not np.array_equal(got(brightness=0.4, colour=0.8), got(brightness=0.4, colour=0.4))
    assert got(side=14).shape == (12, 14, 3)
    assert (
        len(list((studio.folder / "jobs" / job["id"]).glob("*.as-*"))) == 1
    )  # of what was tried only the last is kept
    for how, said in (
        ({"brightness": 1.5}, "from 0 to 1"),
        ({"quality": 0}, "from 1 to 100"),
        ({"side": 0}, "from 1 to"),
    ):
        assert said in studio.get(f"/api/jobs/{job['id']}/result.tif", params=how).json()["message"]


def test_a_jpeg_is_as_small_as_its_quality_says_and_bare_if_asked_for(studio, noisy):
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    id = studio.upload(png(np.tile(noisy, (4, 4, 1)), kind="JPEG", quality=95, exif=exif), "phone.jpg").json()["id"]
    job = begin(studio, id, preset="instant", sigma=0.1)
    studio.until(job["id"], "done")
    path = f"/api/jobs/{job['id']}/result.jpg"
    whole, small = (studio.get(path, params=how).content for how in ({}, {"quality": 50}))
    assert len(small) < 0.6 * len(whole)
    assert Image.open(io.BytesIO(whole)).getexif()[0x010F] == "A camera"
    assert 0x010F not in Image.open(io.BytesIO(studio.get(path, params={"bare": True}).content)).getexif()
    lossy = studio.get(f"/api/jobs/{job['id']}/result.webp", params={"quality": 60}).content
    assert len(lossy) < len(studio.get(f"/api/jobs/{job['id']}/result.webp").content)


@pytest.mark.parametrize("task", ["inpaint", "upscale"])
def test_what_has_no_less_of_it_says_so(studio, picture, noisy, task):
    mask = studio.upload(png(np.uint8(255 * (np.arange(32) < 4)[None].repeat(32, 0))), role="mask").json()["id"]
    more = {"mask": mask, "preset": "instant"} if task == "inpaint" else {"factor": 2, "steps": 2}
    done = studio.until(begin(studio, picture, task, **more)["id"], "done", "failed")
    assert done["state"] == "done"
    assert not done["result"]["mixes"]
    if task == "upscale":
        answer = studio.get(f"/api/jobs/{done['id']}/result.png", params={"brightness": 0.5})
        assert "of another size" in answer.json()["message"]
