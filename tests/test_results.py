"""Laws of every result: what it says of itself is what it does, for every task and every type of picture."""

from __future__ import annotations

import ast
import contextlib
import functools
import pickle
import re
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from skimage import data
from torch import nn

import untaught
from untaught.core import registry
from untaught.core.errors import BadInput
from untaught.io import uncertainty_maps
from untaught.io.images import Image, read
from untaught.problem import Problem
from untaught.problem.classifiers import of_module
from untaught.solver.result import AsIs, Result, Wrapped
from untaught.solver.stage import Job

SIDES = 22, 26
Y, X = np.mgrid[: SIDES[0], : SIDES[1]]
SCENE = (
    0.5 + 0.28 * np.sin(X / 4 + Y / 9)[..., None] * np.array([1.0, 0.8, 0.6]) + 0.02 * np.cos(7.0 * X * Y)[..., None]
)
HOLE = (Y - 8) ** 2 + (X - 9) ** 2 < 9
KEEPS = np.random.default_rng(0).random(SIDES) < 0.06
TYPES = {"uint8": 255, "uint16": 65535, "float32": 1.0, "float64": 40.0, "int32": 5000}


def picture(dtype: str, axis: int | None = -1, impulses: bool = False) -> np.ndarray:
    """The scene with grain; grey without an axis. impulses: black and white values."""
    noisy = (SCENE + np.random.default_rng(1).normal(0, 0.03, SCENE.shape)).clip(0, 1)
    if impulses:
        noisy[KEEPS] = (X + Y)[KEEPS, None] % 2
    array = TYPES[dtype] * noisy
    array = (np.rint(array) if np.dtype(dtype).kind in "ui" else array).astype(dtype)
    return array[..., 0] if axis is None else np.moveaxis(array, -1, axis).copy()


class Tiny(nn.Module):
    """A head of three classes, of any size."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.features, self.head = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.Tanh()), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x).mean((2, 3)))


FOURIER = untaught.Fourier()
SETTINGS: dict[str, tuple[dict[str, Any], ...]] = {
    "denoise": (
        {"sigma": 0.05},
        {"sigma": 0.05, "strength": 0.4},
        {"noise": "poisson", "gain": 60.0},
        {"noise": "poisson-gaussian", "gain": 60.0, "sigma": 0.02, "strength": 0.7},
        {"looks": 40.0},
        {"noise": "impulse"},
        {"noise": "impulse", "sigma": 0.005},
    ),
    "deblur": ({"kernel": np.ones((1, 3)) / 3, "sigma": 0.03},),
    "dejpeg": ({}, {"strength": 0.5}),
    "enhance": ({}, {"amount": 9.0, "colour": True}),
    "flash": ({"flash": SCENE}, {"guide": SCENE[..., 0], "strength": 0.3}),
    "inpaint": ({"mask": HOLE}, {"mask": HOLE, "soft": True}),
    "upscale": ({"factor": 2},),
    "preimage": ({"layer": "features.0"},),
    "reconstruct": ({"operator": "identity"}, {"operator": FOURIER}),
    "activate": ({"class_": 1, "disc": True}, {"channel": 2, "layer": "features.0"}),
}
KINDS = [(dtype, axis) for dtype in TYPES for axis in (-1, None)] + [("uint8", 0)]
OWN = ("reconstruct",)  # measurements, which have no picture's layout
SEEN = ("preimage", "activate")  # what a classifier sees
CASES = [
    (task, i, dtype, axis)
    for task, choices in SETTINGS.items()
    for i in range(len(choices))
    for dtype, axis in ((("uint8", -1), ("uint16", None), ("float32", -1)) if task in (*SEEN, *OWN) else KINDS)
    if task != "activate" or dtype == "uint8"
]


@dataclass(frozen=True)
class Case:
    """array: that the result is laid out like, or None where it has a size or an orientation of its own. axis: of its channels."""

    job: Job
    array: np.ndarray | None
    axis: int | None = -1

    def last(self, result: Any) -> np.ndarray:
        """The result with its channels last."""
        return np.asarray(result)[..., None] if self.axis is None else np.moveaxis(np.asarray(result), self.axis, -1)


@functools.cache
def made(task: str, i: int, dtype: str, axis: int | None) -> Case:
    settings = SETTINGS[task][i]
    ask, array = registry.tasks.get(task).job, picture(dtype, axis, settings.get("noise") == "impulse")
    if task in OWN:
        return Case(ask(np.ascontiguousarray(np.atleast_3d(array)[..., 0]), **settings), None, None)
    if task in SEEN:
        settings = {**settings, "model": of_module(Tiny().eval(), size=32), "preset": "pixels"}
        return Case(ask(**settings) if task == "activate" else ask(array, **settings), None)
    if "gain" in settings and dtype not in ("uint8", "uint16"):
        settings = {**settings, "gain": settings["gain"] / TYPES[dtype]}
    if "sigma" in settings and dtype not in ("uint8", "uint16"):
        settings = {**settings, "sigma": settings["sigma"] * TYPES[dtype]}
    return Case(ask(array, channel_axis=axis, **settings), array, axis)


def lying(folder: Path, orientation: int) -> Case:
    """Of a JPEG that is to be turned."""
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.fromarray(picture("uint8")).save(folder / "in.jpg", quality=40, exif=exif)
    return Case(untaught.dejpeg.job(folder / "in.jpg"), read(folder / "in.jpg").pixels)


def mended() -> Case:
    """A picture with one hot pixel."""
    array = picture("uint8", None)
    array[8, 9] = 255 if array[8, 9] < 128 else 0
    return Case(untaught.denoise.job(array, preset="instant"), array, None)


def evened() -> Case:
    """A picture with row noise."""
    rng, clean = np.random.default_rng(0), data.camera()[100:260, 100:288]
    array = clean + rng.normal(0, 12, (len(clean), 1)) + rng.normal(0, 10, clean.shape)
    array = np.clip(array, 0, 255).astype(np.uint8)
    return Case(untaught.denoise.job(array, preset="instant"), array, None)


def starred() -> Case:
    """Twelve points of light over noise."""
    y, x = np.mgrid[:96, :96]
    lit = sum(np.exp(-((y - r) ** 2 + (x - c) ** 2) / 2.9) for r in (15, 45, 75) for c in (12, 36, 60, 84))
    array = np.clip(40 + 90 * lit + np.random.default_rng(0).normal(0, 8, y.shape), 0, 255).astype(np.uint8)
    return Case(untaught.denoise.job(array, preset="instant"), array, None)


def saturated() -> Case:
    """A picture whose brightest values are those of a full detector."""
    array = picture("uint16", None)
    level = float(np.quantile(array, 0.95))
    return Case(untaught.denoise.job(array, preset="instant", saturation=level), array, None)


CUSTOM = Case(Job((), Problem(torch.rand(1, 3, *SIDES))), None, 1)


@pytest.fixture(scope="module", params=[*CASES, "custom", "mended", "starred", "saturated", 1, 6], ids=str)
def case(request, tmp_path_factory) -> Case:
    match request.param:
        case "custom":
            return CUSTOM
        case "mended":
            return mended()
        case "starred":
            return starred()
        case "saturated":
            return saturated()
        case int(orientation):
            return lying(tmp_path_factory.mktemp("jpeg"), orientation)
        case _:
            return made(*request.param)


@pytest.fixture
def x(case) -> torch.Tensor:
    """A picture that a run might find, partly beyond black and white."""
    return 1.2 * torch.rand(case.job.problem.image_shape, generator=torch.Generator().manual_seed(3)) - 0.1


def parts(finish: Result) -> list[Result]:
    return [finish, *(parts(finish.then) if isinstance(finish, Wrapped) else ())]


def rounded(exact: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype.kind in "ui":
        return np.rint(exact).clip(np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)
    return exact.astype(dtype)


def test_it_is_of_the_type_and_the_axes_that_came_in_and_travels(case, x):
    finish = case.job.finish
    result = finish(x)
    if (array := case.array) is not None:
        assert (result.dtype, result.ndim) == (array.dtype, array.ndim)
        assert finish.full == {"uint8": 255, "uint16": 65535}.get(str(array.dtype))
    again = pickle.loads(pickle.dumps(case.job)).finish
    assert np.array_equal(again(x), result)
    assert (again.unit, again.full, again.scale) == (finish.unit, finish.full, finish.scale)
    assert np.array_equal(case.job.result(x), result)


def exactly(finish: Result) -> Result | None:
    """The exact result; None where that is refused."""
    with contextlib.suppress(BadInput):
        return finish.exact()
    return None


def test_the_exact_one_blended_and_rounded_is_the_result(case, x):
    found, result = exactly(case.job.finish), np.asarray(case.job.finish(x))
    if found is None:
        assert case.array is None
        with pytest.raises(BadInput, match=r"no picture .*\.$"):
            case.job.finish.exact()
        return
    exact = np.asarray(found(x))
    assert exact.dtype == np.float64
    inner = parts(case.job.finish)[-1]
    if case.array is not None and inner.strength < 1:
        exact = case.array + inner.strength * (exact - case.array)
    assert np.array_equal(rounded(exact, result.dtype), result)


def test_one_of_a_plain_picture_is_one_unit_of_the_result(case, x):
    """The exact result follows the plain picture in proportion, wherever no known value is kept."""
    finish = case.job.finish
    apart = finish.plain(x + 0.25) - finish.plain(x)
    assert apart.shape == x.shape
    assert finish.stabilised == (not torch.equal(finish.plain(x), x))
    exact = exactly(finish)
    if exact is None or not finish.restores:
        return
    found = case.last(exact(x + 0.25)) - case.last(exact(x))
    wanted = finish.unit * (apart[0].movedim(0, -1).numpy() if finish.stabilised else np.full(found.shape, 0.25))
    np.testing.assert_allclose(
        *(np.where(taken(finish), v, 0) for v in (found, wanted)), rtol=2e-4, atol=1e-3 * finish.unit
    )
    if finish != AsIs():  # which tells levels as a picture of 8 bits does
        assert finish.amounts.full == finish.full
        assert finish.amounts.unit * (finish.full or 1.0) == pytest.approx(finish.unit)


def taken(finish: Result) -> Any:
    """Where the result is not kept, channels last."""
    filled = finish.filled
    return True if filled is None else filled if filled.ndim == 3 else filled[..., None]


def test_what_is_direct_is_the_picture_itself_and_of_nothing_else_is_there_a_map(case, x):
    finish = case.job.finish
    if not finish.direct:
        with pytest.raises(BadInput, match=r"\.$"):
            uncertainty_maps.direct(finish)
        return
    offset, gain = finish.scale
    mine = (offset + gain * x.double())[0].movedim(0, -1).numpy()
    exact = case.last(uncertainty_maps.direct(finish)(x))
    if exact.ndim == 4:  # of a job that no task has made
        exact = exact[0]
    np.testing.assert_allclose(*(np.where(taken(finish), v, 0) for v in (exact, mine)), rtol=1e-12, atol=1e-12 * gain)


def test_where_it_is_not_filled_known_values_are_as_they_came(case, x):
    if case.job.finish.filled is not None:
        assert case.array is not None
        kept = ~np.broadcast_to(taken(case.job.finish), case.last(case.array).shape)
        assert kept.any()
        assert np.array_equal(case.last(case.job.finish(x))[kept], case.last(case.array)[kept])


def test_its_remarks_are_for_a_person(case, x):
    said = case.job.remarks(x)
    assert isinstance(said, tuple)
    for words in said:
        assert len(words) > 20
        assert not set("\n{}[]<>") & set(words)
        assert "tensor" not in words


def test_what_came_with_the_file_goes_with_every_result(case):
    """A mask that is asked for may take from what is unknown; nothing adds to it."""
    for kind, unknown in product((None, np.uint8, np.uint16), (None, HOLE)):
        image = Image(SCENE, unknown=unknown, icc=b"profile")
        image = image if kind is None else replace(image, alpha=np.full(SIDES, np.iinfo(kind).max, kind))
        like = case.job.finish.company(image)
        assert like.icc == b"profile"
        assert like.alpha is image.alpha
        assert (like.unknown is None) == (unknown is None)
        assert unknown is None or not (like.unknown & ~unknown).any()


def test_transparency_that_said_what_was_missing_does_not_come_back():
    pixels = picture("uint8")
    image = Image(pixels, alpha=np.where(HOLE, 0, 255).astype(np.uint8), unknown=None)
    for mask, opaque in (("alpha", True), (HOLE, False)):
        like = untaught.inpaint.job(image, mask=mask).finish.company(image)
        assert (like.alpha is None) == opaque


GAPPED = [
    (name, i) for name, all_ in SETTINGS.items() if name not in (*SEEN, *OWN, "inpaint") for i in range(len(all_))
]


@pytest.mark.parametrize(("task", "i"), GAPPED)
@pytest.mark.parametrize("axis", [-1, None])
def test_what_is_unknown_is_filled_or_stays_whatever_the_result_does_besides(task, i, axis):
    """Values that are NaN are no known values: not kept where impulses leave the others alone, and filled where none is asked."""
    settings = SETTINGS[task][i]
    array = picture("float32", axis, settings.get("noise") == "impulse")
    array[HOLE] = np.nan
    ask = registry.tasks.get(task)
    if ask.settings.get("keep_nan"):
        job = ask.job(array, keep_nan=True, channel_axis=axis, **settings)
        result = job.finish(torch.full(job.problem.image_shape, 0.5))
        size = result.shape[0] // array.shape[0]
        assert np.array_equal(np.isnan(result), np.isnan(array.repeat(size, 0).repeat(size, 1)))
    job = ask.job(array, channel_axis=axis, **settings)
    low, high = (job.finish(torch.full(job.problem.image_shape, v)) for v in (0.3, 0.6))
    assert np.isfinite(low).all()
    if job.finish.restores and settings.get("strength", 1) == 1:  # a membrane over what was found around it
        size = low.shape[0] // array.shape[0]
        middle = (high - low)[size * 8, size * 9]
        assert (middle > 0).all()


def test_every_task_and_every_kind_of_result_is_looked_at(tmp_path):
    assert set(SETTINGS) == set(registry.tasks.names())
    cases = [*(made(*c) for c in CASES), lying(tmp_path, 6), mended(), evened(), starred(), saturated(), CUSTOM]
    seen = {type(part) for one in cases for part in parts(one.job.finish)}
    assert seen == every(Result) - {Wrapped}


def every(kind: type) -> set[type]:
    """The subclasses of the package, and theirs."""
    found = {k for k in kind.__subclasses__() if k.__module__.startswith("untaught.")}
    return found.union(*map(every, found))


def test_nobody_asks_a_result_what_it_is():
    """Its methods answer; a look at its attributes, or at its type, would pass by those that wrap it."""
    kinds = {kind.__name__ for kind in every(Result)}
    asked = []
    for path in Path(untaught.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "finish" in text or any(kind in text for kind in kinds) else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr", "isinstance", "type"):
                first, *others = map(ast.unparse, node.args)
                if "finish" in first or kinds & set(re.findall(r"\w+", " ".join(others))):
                    asked.append(f"{path.name}:{node.lineno}: {ast.unparse(node)}")
    assert asked == []
