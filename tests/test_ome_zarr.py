"""Laws of Zarr stores: read by parts as they are, written as OME-Zarr 0.5 that others read, and never over anything."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from kept_runs import cli

from untaught.core.errors import BadInput, Missing
from untaught.io.images.places import Places
from untaught.scale import crew, ome_zarr, stores

zarr = pytest.importorskip("zarr", reason="the extra big is not installed")
GREY = np.random.default_rng(0).integers(0, 60000, (37, 53)).astype(np.uint16)
COLOUR = np.random.default_rng(0).integers(0, 255, (70, 40, 3)).astype(np.uint8)
AXES = ["yx", "cyx", "yxc", "tczyx"]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(crew, "START", "forkserver")


def laid(array: np.ndarray, axes: str) -> np.ndarray:
    """An array (h, w) or (h, w, 3) along axes of those names."""
    full = array if array.ndim == 3 else array[..., None]
    moved = full.transpose(["yxc".index(a) for a in axes if a in "yxc"]) if "c" in axes else array
    return moved.reshape([dict(zip("yxc", full.shape, strict=True)).get(a, 1) for a in axes])


def store(path: Path, array: np.ndarray, axes: str, version: str = "0.5") -> Path:
    group = zarr.open_group(str(path), mode="w", zarr_format=3 if version == "0.5" else 2)
    whole = laid(array, axes)
    made = group.create_array("full", shape=whole.shape, dtype=whole.dtype, chunks=[min(16, n) for n in whole.shape])
    made[...] = whole
    scale = [0.5 if a in "yx" else 1.0 for a in axes]
    kinds = {"t": "time", "c": "channel"}
    scene = {
        "axes": [
            {"name": a, "type": kinds.get(a, "space"), **({"unit": "micrometer"} if a in "yx" else {})} for a in axes
        ],
        "datasets": [{"path": "full", "coordinateTransformations": [{"type": "scale", "scale": scale}]}],
    }
    group.attrs.update(
        {"ome": {"version": version, "multiscales": [scene]}} if version == "0.5" else {"multiscales": [scene]}
    )
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("array", [GREY, COLOUR], ids=["grey", "colour"])
def test_what_is_read_and_written_is_the_same(tmp_path: Path, array, axes: str, version: str):
    if axes == "yx" and array.ndim == 3:
        pytest.skip("colours have an axis")
    path = store(tmp_path / "in.ome.zarr", array, axes, version)
    source = stores.open_source(path, tmp_path / "u.npy")
    assert source.shape == array.shape
    lazy = source.array()
    assert np.array_equal(lazy[0:100, 0:100], array)
    assert np.array_equal(lazy[5:20, 7:9], array[5:20, 7:9])
    ome_zarr.write(tmp_path / "out.ome.zarr", array, source.store, "recipe")
    again = stores.open_source(tmp_path / "out.ome.zarr", tmp_path / "u.npy")
    assert np.array_equal(again.array()[0:100, 0:100], array)
    assert again.store is not None
    assert source.store is not None
    assert (again.store.axes, again.store.meta, again.store.scales) == (
        source.store.axes, source.store.meta, source.store.scales,
    )  # fmt: skip
    assert len(source.sha256()) == 64


def test_the_pyramid(tmp_path: Path, monkeypatch):
    """Each level the mean of the finer one, by bands or at once; sizes that are odd as well."""
    monkeypatch.setattr(ome_zarr, "CHUNK", 8)
    monkeypatch.setattr(ome_zarr, "TOP", 8)
    ome_zarr.write(tmp_path / "out.zarr", COLOUR, None, "the recipe")
    group = zarr.open_group(str(tmp_path / "out.zarr"), mode="r")
    attributes = dict(group.attrs)
    assert json.loads((tmp_path / "out.zarr" / "zarr.json").read_text())["zarr_format"] == 3
    assert attributes["untaught"] == "the recipe"
    (scene,) = attributes["ome"]["multiscales"]
    assert attributes["ome"]["version"] == "0.5"
    assert [a["name"] for a in scene["axes"]] == ["c", "y", "x"]
    finer = np.moveaxis(COLOUR, -1, 0)
    for number, one in enumerate(scene["datasets"]):
        assert one["coordinateTransformations"][0]["scale"] == [1, 2**number, 2**number]
        level = group[one["path"]][...]
        if number:
            wide = np.pad(finer, [(0, 0), *((0, n % 2) for n in finer.shape[1:])], mode="edge").astype(float)
            mean = (wide[:, ::2, ::2] + wide[:, 1::2, ::2] + wide[:, ::2, 1::2] + wide[:, 1::2, 1::2]) / 4
            assert np.array_equal(level, np.rint(mean))
        finer = level
    assert max(finer.shape[1:]) <= 8
    assert len(scene["datasets"]) == 5


def test_from_store_to_store(tmp_path: Path, capsys):
    path = store(tmp_path / "slide.ome.zarr", GREY, "tczyx")
    out = tmp_path / "out.ome.zarr"
    assert cli("denoise", path, "-o", out, "--preset", "instant") == 0
    assert not list(tmp_path.glob("*.tiles"))
    made = stores.open_source(out, tmp_path / "u.npy").array()[0:99, 0:99]
    assert made.dtype == np.uint16
    assert not np.array_equal(made, GREY)
    recipe = dict(zarr.open_group(str(out), mode="r").attrs)["untaught"]
    assert 'name = "slide.ome.zarr"' in recipe
    capsys.readouterr()
    assert cli("denoise", path, "-o", out, "--preset", "instant") == 2
    assert "exists already" in capsys.readouterr().err
    assert cli("denoise", path, "-o", path, "--preset", "instant", "--force") == 2
    assert "is the input itself" in capsys.readouterr().err
    assert cli("denoise", path, "-o", tmp_path / "out.npy", "--preset", "instant") == 0
    assert np.array_equal(np.load(tmp_path / "out.npy"), made)


def test_a_folder_that_is_no_result_is_left_alone(tmp_path: Path):
    (tmp_path / "out.zarr").mkdir()
    (tmp_path / "out.zarr" / "mine").write_text("mine")
    for force in (False, True):
        with pytest.raises(BadInput, match="exists already: name another"):
            ome_zarr.check(tmp_path / "out.zarr", Places(force=force))


def test_stores_that_cannot_be_read_say_why(tmp_path: Path):
    def refused(path: Path) -> str:
        with pytest.raises(BadInput) as error:
            stores.open_source(path, tmp_path / "u.npy")
        assert "\n" not in str(error.value)
        return str(error.value)

    (tmp_path / "empty.zarr").mkdir()
    assert "no Zarr store" in refused(tmp_path / "empty.zarr")
    assert "no Zarr store" in refused(tmp_path / "none.zarr")
    zarr.open_group(str(tmp_path / "group.zarr"), mode="w")
    assert "without a picture" in refused(tmp_path / "group.zarr")
    zarr.create_array(str(tmp_path / "axes.zarr"), shape=(3, 8, 8), dtype="u1", chunks=(1, 8, 8))
    assert "does not say which of its 3 axes" in refused(tmp_path / "axes.zarr")
    made = zarr.create_array(
        str(tmp_path / "volume.zarr"), shape=(4, 8, 8), dtype="u1", chunks=(1, 8, 8), dimension_names=["z", "y", "x"]
    )
    assert made.ndim == 3
    assert "an axis z of 4" in refused(tmp_path / "volume.zarr")
    flat = tmp_path / "chunks.zarr"
    zarr.create_array(str(flat), shape=(8, 8), dtype="u1", chunks=(8, 8))
    meta = json.loads((flat / "zarr.json").read_text())
    meta["chunk_grid"]["configuration"]["chunk_shape"] = [0, 8]
    (flat / "zarr.json").write_text(json.dumps(meta))
    assert "chunks" in refused(flat) or "no Zarr store" in refused(flat)


def test_a_plain_array_of_two_axes_needs_no_names(tmp_path: Path):
    made = zarr.create_array(str(tmp_path / "plain.zarr"), shape=GREY.shape, dtype=GREY.dtype, chunks=(9, 9))
    made[...] = GREY
    assert np.array_equal(stores.open_source(tmp_path / "plain.zarr", tmp_path / "u.npy").array()[0:99, 0:99], GREY)


def test_without_the_package_it_says_how_to_install_it(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    with pytest.raises(Missing, match=r"untaught\[big\]"):
        ome_zarr.look(tmp_path / "in.zarr")
