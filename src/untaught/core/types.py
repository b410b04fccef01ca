"""The vocabulary of signatures: what a parameter is, in which unit, within which bounds.

Signatures are the one source of truth: the Python function, the command line and the studio's
forms are all made from them. Nothing here may import torch or numpy: `--help` must stay light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Gt, Le

__all__ = [
    "Amount",
    "Channel",
    "Device",
    "File",
    "Ge",
    "Gt",
    "Guide",
    "Le",
    "Mask",
    "Net",
    "Picture",
    "PictureFile",
    "Role",
    "Seed",
    "Sigma",
    "Steps",
    "Stop",
    "Unit",
]


@dataclass(frozen=True)
class Unit:
    """The unit of a number. 'full scale': a fraction of 255, 65535 or 1, by the picture's type; may be written 25/255."""

    name: str


@dataclass(frozen=True)
class Role:
    """What a non-numeric parameter stands for.

    'picture': an array, or the path of a file, which the task gets as an array. 'file': the same, but the task gets an
    `images.Image`, with all that the file holds. 'mask', 'data': an array, a path or a word, which the task reads itself.
    A setting with a role that names a file is part of the recipe with its sha256.
    """

    name: str


Picture: TypeAlias = Annotated[Any, Role("picture")]
PictureFile: TypeAlias = Annotated[Any, Role("file")]
Guide: TypeAlias = Annotated[Any, Role("picture")]
Mask: TypeAlias = Annotated[Any, Role("mask")]
File: TypeAlias = Annotated[Any, Role("data")]
Sigma: TypeAlias = Annotated[float | None, Gt(0), Unit("full scale")]
Amount: TypeAlias = Annotated[float, Ge(0), Le(1)]
Steps: TypeAlias = Annotated[int | None, Ge(1), Unit("steps")]
Stop: TypeAlias = str
Net: TypeAlias = str
Seed: TypeAlias = Annotated[int, Ge(0)]
Device: TypeAlias = str
Channel: TypeAlias = int | Literal["auto"] | None
