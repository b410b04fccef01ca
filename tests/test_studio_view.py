"""What the eye is shown that comes near: tiles are the picture's own pixels, whatever it is made of."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from served import png

from untaught.core.errors import BadInput
from untaught.studio.previews import Eye, store
from untaught.studio.tiles import LEVELS, SIDE, tile

RNG = np.random.default_rng(0)
PICTURES = {
    "8 bit": RNG.integers(0, 256, (700, 1100, 3), dtype=np.uint8),
    "8 bit, grey": RNG.integers(0, 256, (1, 513), dtype=np.uint8),
    "16 bit": RNG.integers(0, 65536, (600, 520, 3), dtype=np.uint16),
    "floats, not all of them numbers": np.where(RNG.random((40, 30)) < 0.1, np.nan, RNG.random((40, 30))).astype(
        np.float32
    ),
    "many channels": RNG.random((20, 30, 5)).astype(np.float32),
}


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("kind", PICTURES)
def test_tiles_side_by_side_are_the_picture(kind, tmp_path):
    picture = PICTURES[kind]
    store(tmp_path / "a.npy", picture)
    eye = Eye.of(picture)
    height, width = picture.shape[:2]
    for level in range(LEVELS):
        step = SIDE << level
        rows = [
            np.hstack([pixels(tile(tmp_path / "a.npy", eye, level, c, r)) for c in range(-(-width // step))])
            for r in range(-(-height // step))
        ]
        made = np.vstack(rows)
        if level == 0:
            assert np.array_equal(made, eye.eight(picture))
        assert made.shape[:2] == (-(-height // 2**level), -(-width // 2**level))
        for column, row, deep in (
            (-(-width // step), 0, level),
            (0, -(-height // step), level),
            (-1, 0, level),
            (0, 0, LEVELS),
            (0, 0, -1),
        ):
            with pytest.raises(BadInput, match="no tile"):
                tile(tmp_path / "a.npy", eye, deep, column, row)


def test_a_picture_that_was_handed_in_has_tiles_and_what_is_not_kept_is_said(studio, tmp_path):
    picture = PICTURES["16 bit"]
    import tifffile

    out = io.BytesIO()
    tifffile.imwrite(out, picture, photometric="rgb")
    id = studio.upload(out.getvalue(), "scan.tif").json()["id"]
    answer = studio.get(f"/api/pictures/{id}/tiles/0/1/1.png")
    assert answer.headers["cache-control"].endswith("immutable")
    assert np.array_equal(pixels(answer.content), Eye.of(picture).eight(picture)[512:, 512:])
    assert studio.get(f"/api/pictures/{id}/tiles/0/2/0.png").status_code == 400
    bmp = studio.upload(png(PICTURES["8 bit"], kind="BMP"), "old.bmp").json()
    assert bmp["about"]["format"] == "BMP"
    assert studio.get(f"/api/pictures/{bmp['id']}/tiles/0/0/0.png").status_code == 200
    mask = studio.upload(png(PICTURES["8 bit, grey"]), role="mask").json()["id"]
    assert "not kept in full size" in studio.get(f"/api/pictures/{mask}/tiles/0/0/0.png").json()["message"]


def test_samples_are_kept_whole_or_not_at_all(tmp_path, monkeypatch):
    """Whoever waits for them finds all of them, and a full disk leaves nothing of them."""

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space"):
            store(tmp_path / "a.npy", PICTURES["16 bit"])
    assert not list(tmp_path.iterdir())
    store(tmp_path / "a.npy", PICTURES["16 bit"])
    assert [p.name for p in tmp_path.iterdir()] == ["a.npy"]
    assert np.array_equal(np.load(tmp_path / "a.npy"), PICTURES["16 bit"])
