"""The vocabulary of signatures: what a parameter is, in which unit, within which bounds.

Signatures are the one source of truth: the Python function, the command line and the studio's
forms are all made from them. Nothing here may import torch or numpy: `--help` must stay light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Gt, Le

__all__ = [
    "About",
    "Along",
    "Amount",
    "Axes",
    "Channel",
    "Data",
    "Device",
    "File",
    "Ge",
    "Gt",
    "Guide",
    "KeepNan",
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
    "Strength",
    "Unit",
]


@dataclass(frozen=True)
class About:
    """What is said of a setting that many tasks have, where a task's own docstring says nothing of it."""

    text: str


@dataclass(frozen=True)
class Unit:
    """The unit of a number. 'full scale': a fraction of 255, 65535 or 1, by the picture's type; may be written 25/255."""

    name: str


@dataclass(frozen=True)
class Role:
    """What a non-numeric parameter stands for.

    'picture': an array, or the path of a file, which the task gets as an array. 'file': the same, but the task gets an
    `images.Image`, with all that the file holds. 'measurements': an array of any shape and type, or
    the path of one. 'mask', 'data': an array, a path or a word, which the task reads itself.
    A setting with a role that names a file is part of the recipe with its sha256.
    """

    name: str


Picture: TypeAlias = Annotated[Any, Role("picture")]
PictureFile: TypeAlias = Annotated[Any, Role("file")]
Guide: TypeAlias = Annotated[Any, Role("picture")]
Data: TypeAlias = Annotated[Any, Role("measurements")]
Mask: TypeAlias = Annotated[Any, Role("mask")]
File: TypeAlias = Annotated[Any, Role("data")]
Sigma: TypeAlias = Annotated[float | None, Gt(0), Unit("full scale")]
Amount: TypeAlias = Annotated[float, Ge(0), Le(1)]
Strength: TypeAlias = Annotated[Amount, About("0 returns the input, 1 the restored picture, between them a blend.")]
KeepNan: TypeAlias = Annotated[
    bool,
    About(
        "NaN, and whatever else is unknown, stays so in the result. Otherwise it is filled from what was restored around it."
    ),
]
Steps: TypeAlias = Annotated[
    int | None, Ge(1), Unit("steps"), About("How many steps are taken, instead of the preset's own number.")
]
Stop: TypeAlias = Annotated[
    str,
    About(
        "preset: after the preset's steps. auto: a network that is fitted to the picture ends by itself, after twice as many at "
        "the latest. Or a rule by its name, such as variance:patience=500, or variance|after:3000 for whichever comes first."
    ),
]
Net: TypeAlias = Annotated[
    str,
    About(
        "preset: the preset's own. Or one by its name in the place of the one that is fitted to the picture, such as unet, or "
        "hourglass:down=16,32,64."
    ),
]
Seed: TypeAlias = Annotated[int, Ge(0), About("The same seed gives the same picture.")]
Device: TypeAlias = Annotated[str, About("auto, cpu, cuda or cuda:1.")]
Along: TypeAlias = Annotated[
    Literal["space", "time"],
    About(
        "space: all axes are of one picture, or of a volume. time: the first axis is that of the frames of a clip, (t, h, w) or "
        "(t, h, w, 3); what is alike in the frames before and after is used, too, and they flicker less. At the command line: a "
        "TIFF of several pages, a .y4m film, or frames as files."
    ),
]
Axes: TypeAlias = Annotated[
    str,
    About(
        "What the axes of an array or a stack are, a letter each, such as TZCYX. Z, Y and X are restored together, with Z as a "
        "volume; C (or S) are its channels; T and any other letter count pictures, each restored for itself, or T along time. "
        "auto: one picture. At the command line also file: a TIFF's own names."
    ),
]
Channel: TypeAlias = Annotated[
    int | Literal["auto"] | None,
    About("Where the channels of an array are: auto, a number, or None for a picture without channels."),
]
