"""Operators as they are written on a command line, "name:key=value,key=value"; values may be files."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput, unknown, why
from untaught.io import measurements
from untaught.problem.operators import Identity, Operator, as_operator
from untaught.problem.operators.blur import Blur
from untaught.problem.operators.fourier import Fourier, coil_maps
from untaught.problem.operators.mosaic import Mosaic
from untaught.problem.operators.noncartesian import NonCartesian
from untaught.problem.operators.radon import Radon, axis_seen
from untaught.problem.operators.resample import Downsample
from untaught.problem.operators.sensing import CompressedSensing

if TYPE_CHECKING:
    from torch import Tensor

Options = dict[str, str]
Made = tuple[Any, NDArray]


def made(written: str, data: NDArray, shape: tuple[int, ...] | None, notes: list[str]) -> Made:
    """The operator that is written, and the data with their axes as it has them; `BadInput` with the nearest name.

    data: masked where they are unknown.
    """
    name, _, rest = written.partition(":")
    if name not in KINDS:
        raise unknown("operator", name, KINDS)
    make, keys, example = KINDS[name]
    return make(_options(name, rest, keys, example), data if make is _radon else np.ma.getdata(data), shape, notes)


def _options(name: str, rest: str, keys: tuple[str, ...], example: str) -> Options:
    found: Options = {}
    if len(keys) == 1:  # which may have commas of its own
        return {keys[0]: rest.removeprefix(f"{keys[0]}=")} if rest else {}
    for piece in filter(None, rest.split(",")):
        key, equals, value = piece.partition("=")
        key, value = (key.strip(), value.strip()) if equals else (keys[0], piece.strip()) if keys else ("", piece)
        if key not in keys:
            raise BadInput(
                f"{unknown(f'setting of the operator {name},', key, keys or ('none',))} For example {example}."
            )
        found[key] = value
    return found


def _number(options: Options, key: str) -> float | None:
    try:
        return float(options[key]) if key in options else None
    except ValueError:
        raise BadInput(f"{key} = '{options[key]}' is no number.") from None


def _pair(options: Options, key: str, meaning: str) -> tuple[float, float] | None:
    if key not in options:
        return None
    try:
        first, second = map(float, options[key].split("/"))
    except ValueError:
        raise BadInput(f"{key} = '{options[key]}' is no pair of numbers: write {meaning}.") from None
    return first, second


def sides(written: Any) -> tuple[int, ...] | None:
    """ "148x148", or numbers."""
    if written is None:
        return None
    try:
        parts = str(written).lower().split("x") if isinstance(written, str) else list(written)
        found = tuple(int(v) for v in parts)
    except (TypeError, ValueError):
        found = ()
    if not found or min(found) < 1:
        raise BadInput(f"'{written}' is no shape of a picture: write 148x148.")
    return found


def _radon(options: Options, data: NDArray, shape: tuple[int, ...] | None, notes: list[str]) -> Made:
    given = options.get("angles", "180")
    if data.ndim < 2:
        raise BadInput(f"A sinogram has views and detectors, but the data are {data.shape}.")
    try:
        span = float(given)
    except ValueError:
        angles = measurements.load(given).astype(np.float64).ravel()
    else:
        angles = np.arange(data.shape[-2]) * span / data.shape[-2]
        notes.append(f"the {data.shape[-2]} views are taken to lie evenly over {span:g} degrees")
    if angles.size != data.shape[-2] and angles.size == data.shape[-1]:
        data = np.swapaxes(data, -1, -2)
        notes.append("the sinogram was turned: its last axis has as many values as there are angles")
    if angles.size != data.shape[-2]:
        raise BadInput(f"There are {angles.size} angles, but the data are {data.shape}, (..., views, detectors).")
    pitch = _number(options, "pitch") or 1.0
    fan = _pair(options, "fan", "source/detector, both from the axis in pixels, as 900/300")
    axis: tuple[float, ...] | None = _pair(options, "axis", "its row/column in the picture, as 32/32")
    center, wide = _number(options, "center"), data.shape[-1]
    # An even number of detectors has two usual middles, and which one was meant is seen in the data.
    usual = (axis, center, fan) == (None, None, None) and wide % 2 == 0 and bool(np.isfinite(angles).all())
    if usual and abs(axis_seen(data, angles) - wide / 2) < 0.25:
        center = wide / 2
        axis = tuple(n // 2 for n in shape or (round(wide * pitch),) * 2)
        notes.append(
            f"the axis is seen at detector {center:g}, and was put in pixel {axis}, as scikit-image has it; center= says otherwise"
        )
    return Radon(angles, wide, center=center, size=shape, axis=axis, pitch=pitch, fan=fan), np.ma.getdata(data)


def _fourier(options: Options, data: NDArray, shape: tuple[int, ...] | None, notes: list[str]) -> Made:
    import torch

    samples = torch.from_numpy(np.ascontiguousarray(data).astype(np.complex64))
    real, centered = options.get("real", "no") == "yes", options.get("centered", "yes") == "yes"
    coils, maps = options.get("maps", "auto" if data.ndim > 2 else "none"), None
    if "mask" in options:
        mask = torch.from_numpy(measurements.load(options["mask"]) != 0)
    else:
        mask = (samples != 0).any(0) if coils != "none" else samples != 0
        notes.append(
            f"{float(mask.float().mean()):.1%} of the frequencies are taken to be sampled: those that are not 0"
        )
    if coils == "auto":
        maps = coil_maps(samples, mask)
        notes.append(f"what each of the {len(samples)} coils sees was estimated from the lowest frequencies")
    elif coils != "none":
        maps = torch.from_numpy(measurements.load(coils))
    return Fourier(mask, maps, complex_image=not real, centered=centered), data


def _noncartesian(options: Options, data: NDArray, shape: tuple[int, ...] | None, notes: list[str]) -> Made:
    if shape is None:
        raise BadInput("The shape of the picture is missing: give --shape, such as 128x128.")
    at = measurements.load(_needed(options, "trajectory", "noncartesian:trajectory=k.npy"))
    maps = measurements.load(options["maps"]) if "maps" in options else None
    return NonCartesian(at, shape, maps, complex_image=options.get("real", "no") != "yes"), data


def _blur(options: Options, data: NDArray, shape: tuple[int, ...] | None, notes: list[str]) -> Made:
    from untaught.tasks.deblur import kernel_of

    return Blur(kernel_of(_needed(options, "kernel", "blur:psf.tif"), notes)), data


def _matrix(options: Options, data: NDArray, shape: tuple[int, ...] | None, notes: list[str]) -> Made:
    file = Path(_needed(options, "file", "matrix:A.npz"))
    if file.suffix.lower() == ".npz" and file.is_file():
        from scipy.sparse import load_npz

        try:
            matrix = load_npz(file)
        except (ValueError, KeyError, OSError):
            matrix = measurements.load(file)
    else:
        matrix = measurements.load(file)
    return as_operator(matrix, shape), data


def _module(options: Options, data: NDArray, shape: tuple[int, ...] | None, notes: list[str]) -> Made:
    """The class, or the function, of that name in a Python file; a class is called without arguments."""
    file, _, name = _needed(options, "file", "module:mine.py:MyOperator").rpartition(":")
    spec = importlib.util.spec_from_file_location("untaught_own_operator", file) if Path(file).is_file() else None
    if spec is None or spec.loader is None:
        raise BadInput(f"There is no Python file '{file}': write module:mine.py:MyOperator.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # somebody else's code
        raise BadInput(f"'{file}' does not run ({type(error).__name__}: {why(error)}): mend it.") from error
    if not hasattr(module, name):
        raise unknown(f"name in '{file}',", name, [n for n in vars(module) if n[0] != "_"])
    found = getattr(module, name)
    try:
        return (found() if isinstance(found, type) else found), data
    except Exception as error:
        raise BadInput(
            f"{name}() of '{file}' cannot be made ({why(error)}): give a class that needs no arguments, or a function."
        ) from error


def _mosaic(options: Options, data: NDArray, shape: tuple[int, ...] | None, notes: list[str]) -> Made:
    return Mosaic(options.get("pattern", "rggb")), data


def _downsample(options: Options, data: NDArray, shape: tuple[int, ...] | None, notes: list[str]) -> Made:
    small = data.shape[:-1] if data.ndim == 3 and data.shape[-1] == 3 else data.shape
    factor = _number(options, "factor") or 2.0
    return Downsample(small, tuple(round(n * factor) for n in small)), data


def _sensing(options: Options, data: NDArray, shape: tuple[int, ...] | None, notes: list[str]) -> Made:
    if shape is None:
        raise BadInput("The shape of the picture is missing: give --shape, such as 64x64.")
    return CompressedSensing((1, *shape), data.size, int(_number(options, "seed") or 0)), data


def _identity(options: Options, data: NDArray, shape: tuple[int, ...] | None, notes: list[str]) -> Made:
    return Identity(), data


Maker = Callable[[Options, NDArray, "tuple[int, ...] | None", "list[str]"], Made]
KINDS: dict[str, tuple[Maker, tuple[str, ...], str]] = {
    "radon": (_radon, ("angles", "center", "axis", "pitch", "fan"), "radon:angles=theta.npy,center=296"),
    "fourier": (_fourier, ("mask", "maps", "real", "centered"), "fourier:mask=mask.npy,maps=auto"),
    "noncartesian": (_noncartesian, ("trajectory", "maps", "real"), "noncartesian:trajectory=k.npy,maps=maps.npy"),
    "blur": (_blur, ("kernel",), "blur:psf.tif"),
    "mosaic": (_mosaic, ("pattern",), "mosaic:rggb"),
    "downsample": (_downsample, ("factor",), "downsample:2"),
    "sensing": (_sensing, ("seed", "rows"), "sensing:seed=0"),
    "matrix": (_matrix, ("file",), "matrix:A.npz"),
    "module": (_module, ("file",), "module:mine.py:MyOperator"),
    "identity": (_identity, (), "identity"),
}


def _needed(options: Options, key: str, example: str) -> str:
    if not options.get(key):
        raise BadInput(f"The operator names nothing: write {example}.")
    return options[key]


def laid(data: NDArray, operator: Any, more: dict[str, Any]) -> tuple[Tensor, Operator]:
    """The data as a tensor with the axes that the operator gives, and the operator of such data; `BadInput`, with both shapes."""
    import torch

    shape, refused = data.shape, None
    last = shape[-1:] if data.ndim == 3 and shape[-1] in (1, 3) else ()
    ways = [(1, *last, *shape[:-1])] if last else []
    ways += [(1, 1, *shape), (1, *shape), shape, (1, data.size)]
    for way in ways:
        if len(way) < 2 or way[0] != 1:
            continue
        array = np.moveaxis(data, -1, 0) if last and way == ways[0] else data
        try:
            a = as_operator(operator, data_shape=None if isinstance(operator, torch.nn.Module) else way[1:], **more)
            known = getattr(a, "data_shape", None)
            if way == (1, data.size) and known is not None and np.prod(known) == data.size:
                way = (1, *known)
            picture = a.image_shape(way)
            with torch.no_grad():
                gives = tuple(a(torch.zeros(picture)).shape)
        except (BadInput, RuntimeError, ValueError, IndexError) as error:
            refused = refused or error
            continue
        if gives == way:
            return torch.from_numpy(np.ascontiguousarray(array)).reshape(way), a
        refused = refused or BadInput(
            f"The operator measures {gives[1:]} of pictures {picture[1:]}, but the data are {shape}."
        )
    assert refused is not None
    raise (
        refused
        if isinstance(refused, BadInput)
        else BadInput(f"The data are {shape}, which the operator does not measure ({why(refused)}).")
    )
