"""Laws of writing pictures: checked before any work, whole or not at all, and the input is never overwritten."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picture_files import RECIPE, draw

from untaught.core.errors import BadInput, UntaughtError
from untaught.io import images


def test_default_output(tmp_path: Path) -> None:
    assert images.default_output("a/photo.of.a.JPG") == Path("a/photo.of.a.untaught.JPG")
    images.write(tmp_path / "p.png", draw((2, 2)))
    (tmp_path / "p.png").rename(tmp_path / "scan")
    assert images.default_output(tmp_path / "scan").name == "scan.untaught.png"


def test_check_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(path: Path, *parts: str, **how: Any) -> None:
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(BadInput) as caught:
            images.check_output(path, **how)
        assert all(part in str(caught.value) for part in (*parts, str(path.parent)))
        assert sorted(tmp_path.rglob("*")) == before

    there = tmp_path / "there.png"
    there.write_bytes(b"x")
    assert images.check_output(tmp_path / "new.tif") == tmp_path / "new.tif"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["there.png"]
    no(tmp_path, "is a folder")
    no(tmp_path / "new.gif", "ends in '.gif'", ".png, .jpg")
    no(tmp_path / "new", "has no extension")
    no(tmp_path / "absent" / "new.png", "does not exist (none is created)")
    no(there, "exists already", "--force")
    assert images.check_output(there, force=True) == there
    no(there, "is the input itself", source=there, force=True)
    (tmp_path / "link.png").symlink_to(there)
    no(tmp_path / "link.png", "is the input itself", source=there, force=True)
    (tmp_path / "new.jpg.toml").write_text("mine")
    with pytest.raises(BadInput, match=r"new\.jpg\.toml' exists already"):
        images.check_output(tmp_path / "new.jpg")

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    no(tmp_path / ("x" * 300 + ".png"), "File name too long")
    monkeypatch.setattr(Path, "touch", deny)  # root, as in many containers, may write anywhere
    no(tmp_path / "new.png", "cannot be written (Permission denied)")


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    images.write(path, draw((4, 5)))
    before, image = path.read_bytes(), images.read(path)
    with pytest.raises(BadInput, match="is the input itself"):
        images.write(path, image.pixels, image)
    assert path.read_bytes() == before
    (tmp_path / "link.png").symlink_to(tmp_path / "other.png")
    images.write(tmp_path / "link.png", image.pixels, image)  # through a link: the link stays one
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "other.png").is_file()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("moment", ["open", "fsync", "replace"])
def test_a_failed_write_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, moment: str
) -> None:
    path = tmp_path / f"p{suffix}"
    images.write(path, draw((40, 50)), recipe=RECIPE)
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*{"open": (Path, "open"), "fsync": (os, "fsync"), "replace": (os, "replace")}[moment], fail)
    with pytest.raises(UntaughtError, match=r"could not be written \(No space left on device; \d+ bytes") as caught:
        images.write(path, draw((40, 50), seed=1), recipe="other = 1\n")
    monkeypatch.undo()
    assert str(path) in str(caught.value)
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_disk_that_fills_up_in_the_middle(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "p.tif"
    images.write(path, draw((40, 50)))
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))  # the system itself now breaks the write off
    try:
        with pytest.raises(UntaughtError, match="File too large"):
            images.write(path, draw((400, 500)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"p.tif": before}


def test_a_folder_that_goes_away(tmp_path: Path) -> None:
    with pytest.raises(UntaughtError, match="No such file or directory"):
        images.write(tmp_path / "gone" / "p.png", draw((4, 5)))
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written(tmp_path: Path) -> None:
    for name, pixels, part in (
        ("p.png", draw((4, 5, 2)), "2 channels cannot be written to PNG"),
        ("p.tif", np.zeros((4, 5), np.int64), "type int64"),
        ("p.png", np.zeros((0, 5), np.uint8), "An array of 0 x 5 is no picture"),
        ("p.webp", np.zeros((1, 16384), np.uint8), "WEBP ends at 16383 a side"),
        ("p.bmp", draw((4, 5)), "ends in '.bmp'"),
    ):
        with pytest.raises(BadInput) as caught:
            images.write(tmp_path / name, pixels)
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    images.write(tmp_path / "p.png", draw((4, 5, 1)))
    assert images.read(tmp_path / "p.png").pixels.shape == (4, 5)
