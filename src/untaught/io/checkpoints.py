"""A run, kept on the disk while it lasts: safetensors and TOML, never pickle; killed at any moment, it can go on.

The folder holds `recipe.toml` (with the paths of the input and the output) and the last two states. A state is one file that
appears by one rename, and its name carries the checksum of its bytes: what has a name is whole, or is known to be damaged.
`untaught-run` is put there first and taken away last: without it nothing in the folder is ours to replace or to remove.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untaught.core.errors import BadInput
from untaught.io.images.places import sync, whole
from untaught.io.recipes import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from untaught.calibration.repeated import RepeatedRuns
    from untaught.solver.loop import Run

FORMAT = 2  # of states: what a run hands over, and how it is packed
_STATE = re.compile(r"state-(\d+)-([0-9a-f]{16})\.safetensors")
_TRIAL = re.compile(r"\.untaught-[0-9a-f]{12}\.tmp")
_RECIPE, _CLAIMED, _MARK = "recipe.toml", "claimed", "untaught-run"
_SIGN = b"untaught run 1\nA run is kept in this folder: `untaught resume` on it finishes it.\n"


class Damaged(BadInput):
    """States are kept, and none of them is whole."""


def pack(state: Any, metadata: dict[str, str] | None = None) -> bytes:
    """Nested dictionaries, lists and tuples of tensors and plain values, as the bytes of one safetensors file.

    The structure is JSON in the file's metadata. Layouts are kept, since bits may depend on them. TypeError for any other type.
    """
    from safetensors.torch import save

    tensors: dict[str, Tensor] = {}
    structure = _take_apart(state, tensors, "")
    return save(tensors, {**(metadata or {}), "structure": json.dumps(structure)})


def unpack(data: bytes) -> tuple[Any, dict[str, str]]:
    """(state, metadata) of the bytes that `pack` made. ValueError for anything else."""
    from safetensors.torch import load

    try:
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = header["__metadata__"]
        return _put_together(json.loads(metadata.pop("structure")), tensors), metadata
    except Exception as error:  # whatever the parts of a damaged file make of each other
        raise ValueError(f"no state of a run: {error}") from error


def _take_apart(value: Any, tensors: dict[str, Tensor], path: str) -> Any:
    import torch

    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, dict):
        return {
            "dict": [[_take_apart(k, tensors, path), _take_apart(v, tensors, f"{path}/{k}")] for k, v in value.items()]
        }
    if type(value) in (list, tuple):
        return {type(value).__name__: [_take_apart(v, tensors, f"{path}/{i}") for i, v in enumerate(value)]}
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided:
        raise TypeError(f"{path or 'the state'} is a {type(value).__name__}, which a checkpoint cannot hold")
    name = f"{len(tensors)}{path}"  # numbered, because the keys 0 and "0" have one path
    value = value.detach()
    how: dict[str, Any] = {"tensor": name}
    plain = value.cpu().clone(memory_format=torch.contiguous_format)
    if (
        value.stride() != plain.stride() and torch.empty_like(value).stride() == value.stride()
    ):  # dense, in another order
        how["stride"] = list(value.stride())
    if value.device.type != "cpu":
        how["device"] = str(value.device)
    if value.is_complex():
        how["complex"], plain = True, torch.view_as_real(plain.resolve_conj()).contiguous()
    tensors[name] = plain
    return how


def _put_together(value: Any, tensors: dict[str, Tensor]) -> Any:
    import torch

    if not isinstance(value, dict):
        return value
    if "tensor" not in value:
        ((kind, items),) = value.items()
        if kind == "dict":
            return {_put_together(k, tensors): _put_together(v, tensors) for k, v in items}
        return {"list": list, "tuple": tuple}[kind](_put_together(v, tensors) for v in items)
    tensor = tensors.pop(value["tensor"])  # each is named once: a few bytes cannot ask for many copies
    if value.get("complex"):
        tensor = torch.view_as_complex(tensor)
    if "stride" in value:
        span = 1 + sum(step * (side - 1) for step, side in zip(value["stride"], tensor.shape, strict=True))
        if tensor.numel() and span > tensor.numel():
            raise ValueError("strides of another tensor")
        tensor = torch.empty_strided(tensor.shape, value["stride"], dtype=tensor.dtype).copy_(tensor)
    return tensor.to(value["device"]) if "device" in value else tensor


@dataclass(frozen=True)
class Folder:
    """The folder of one run."""

    path: Path

    def __str__(self) -> str:
        return f"'untaught resume {shlex.quote(str(self.path))}'"

    @property
    def ours(self) -> bool:
        """Whether the folder carries the mark of a run."""
        try:
            return (self.path / _MARK).read_bytes() == _SIGN
        except OSError:
            return False

    @property
    def holds(self) -> bool:
        """Whether a state is kept here; a run that was kept at no step yet has nothing to lose."""
        return self.ours and (self.path / _RECIPE).exists() and bool(self.states())

    def check(self) -> None:
        """`BadInput` where a run cannot be kept, since files that are not of a run would be in the way."""
        if not self.path.is_dir() or self.ours:
            return
        for path in sorted(self.path.iterdir()):
            if path.name in (_RECIPE, _CLAIMED, _MARK) or _STATE.fullmatch(path.name):
                raise BadInput(
                    f"'{path}' is not of a run that is kept there, and would be in its way: name another folder with --save-run."
                )

    def refuse(self) -> BadInput:
        """What is said of another run that is kept here."""
        return BadInput(f"'{self.path}' keeps a run already: finish it with {self}, or begin anew with --force.")

    def recipe(self) -> Recipe:
        """The recipe of the run that is kept here; `BadInput` where there is none."""
        if not (self.path / _RECIPE).is_file():
            raise BadInput(
                f"'{self.path}' keeps no run, for there is no recipe.toml in it: name the folder OUTPUT.run, "
                "or begin the run anew."
            )
        return Recipe.read(self.path / _RECIPE)

    def begin(self, recipe: Recipe) -> None:
        """Make the folder, empty it of an earlier run, and write the recipe. OSError where that fails."""
        self.path.mkdir(exist_ok=True)
        self.check()
        if self.ours:
            self.remove(folder=False)
        self._put(_MARK, _SIGN)
        self._put(_RECIPE, recipe.to_toml().encode())

    def renew(self, recipe: Recipe) -> None:
        """The recipe of the same run, which goes on to another output. OSError where that fails."""
        self._put(_RECIPE, recipe.to_toml().encode())

    def save(self, run: Run | RepeatedRuns, recipe: Recipe) -> None:
        """Keep the run as it is now, and the last state before. OSError where the disk or the folder does not take it."""
        data = pack(run.state_dict(), {"of": recipe.key, "format": str(FORMAT)})
        name = f"state-{run.total}-{_checksum(data)}.safetensors"
        self._put(name, data)
        before = [p for p in self.states() if _step(p) < run.total]
        for old in (*self._trials(), *self.states()):  # later steps, too: damaged, or the run would not have come here
            if old.name != name and old not in before[:1]:
                old.unlink(missing_ok=True)

    def load(self, recipe: Recipe) -> tuple[Any, tuple[str, ...]]:
        """The newest whole state (None where the run was killed before its first), and what is to be said about it.

        `Damaged` where no state is whole; `BadInput` for one of another run, or of another version's format.
        """
        notes: list[str] = []
        for path in self.states():
            step, data = _step(path), path.read_bytes()
            try:
                if _checksum(data) not in path.name:
                    raise ValueError("its checksum is another one")
                state, metadata = unpack(data)
            except ValueError:
                notes.append(f"The checkpoint of step {step} is damaged ({len(data)} bytes) and was passed over.")
                continue
            if (form := metadata.get("format", "1")) != str(FORMAT):
                raise BadInput(
                    f"The checkpoint '{path}' is of format {form}, and this untaught goes on from format {FORMAT}: finish it "
                    f"with the version that kept it ({recipe.versions.get('untaught', 'unknown')}), or begin the run anew."
                )
            if metadata.get("of") != recipe.key:
                raise BadInput(
                    f"The checkpoint '{path}' is of another run than the recipe beside it, whose input is "
                    f"'{recipe.input}': begin the run anew."
                )
            return state, (*notes, f"The run went on from step {step}.")
        if notes:
            raise Damaged(
                f"All {len(notes)} checkpoints in '{self.path}' are damaged: remove the folder and begin the run anew."
            )
        return None, ("The run had been kept at no step yet, and began at the first.",)

    def states(self) -> list[Path]:
        """The files of the states, the newest first."""
        return sorted((p for p in self.path.iterdir() if _STATE.fullmatch(p.name)), key=_step, reverse=True)

    def claimed(self) -> set[str]:
        """The marks of what this run wrote outside of the folder, which it may replace by what is better."""
        try:
            return set((self.path / _CLAIMED).read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError):
            return set()

    def claim(self, marks: set[str]) -> None:
        """Remember them, before what they are of is in its place. OSError where that fails."""
        self._put(_CLAIMED, "".join(f"{one}\n" for one in sorted(self.claimed() | marks)).encode())

    def remove(self, *, folder: bool = True) -> None:
        """Remove the files of the run, the states first, and the folder if nothing else is in it. OSError where that fails."""
        if not self.ours:
            return
        for path in (*self._trials(), *self.states(), *(self.path / name for name in (_CLAIMED, _RECIPE, _MARK))):
            path.unlink(missing_ok=True)
        if folder and not any(self.path.iterdir()):
            self.path.rmdir()

    def _trials(self) -> list[Path]:
        """What a killed run had begun to write."""
        return [p for p in self.path.iterdir() if _TRIAL.fullmatch(p.name)]

    def _put(self, name: str, data: bytes) -> None:
        trial = whole(self.path / name, data)
        try:
            os.replace(trial, self.path / name)
        finally:
            with contextlib.suppress(OSError):
                trial.unlink(missing_ok=True)
        sync(self.path)


def _checksum(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _step(path: Path) -> int:
    return int(path.name.split("-")[1])
