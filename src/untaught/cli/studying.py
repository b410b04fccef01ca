"""What the commands of the studies share: options that mean the same in each, and small sentences."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from untaught.cli.restoring import number
from untaught.core.errors import BadInput

if TYPE_CHECKING:
    from untaught.io.images.places import Places

FLAG = Parameter(negative=())
OUTPUT = Parameter(alias="-o")
SIGMA = Parameter(converter=number, n_tokens=1)

Clean = Annotated[
    Path, Parameter(help="Clean pictures. They are damaged, anew for every seed, and every method is told how.")
]
Compared = Annotated[str, Parameter(help="What is compared: denoise, upscale, inpaint, dejpeg or deblur.")]
Device = Annotated[str, Parameter(help="auto, cpu or cuda: where networks run.")]
Factor = Annotated[float | None, Parameter(help="How much smaller the pictures are made (upscale).")]
Force = Annotated[
    bool,
    Parameter(negative=(), help="Write over existing files (never over a picture that is read)."),
]
Kernel = Annotated[
    str | None,
    Parameter(
        help="What the pictures are blurred with, e.g. gauss:1.6 (deblur), or made smaller: lanczos3 or bicubic (upscale)."
    ),
]
Markdown = Annotated[Path | None, Parameter(help="Write the tables here.")]
Missing = Annotated[float | None, Parameter(help="The fraction of pixels taken away at random (inpaint).")]
Pairs = Annotated[
    list[Path] | None,
    Parameter(
        negative=(),
        help="Folders of real noise beside a reference: raw/ and gt/, or NAME_real and NAME_mean. None is told sigma.",
    ),
]
Published = Annotated[
    Path | None,
    Parameter(
        help="A folder of published damaged pictures, such as NAME_sigmaNN.png, that are taken where one is found."
    ),
]
Quality = Annotated[int | None, Parameter(help="Of the JPEG files (dejpeg).")]
Quiet = Annotated[bool, Parameter(alias="-q", negative=(), help="Print nothing but tables and errors.")]
Seed = Annotated[int, Parameter(help="Of the noise and of the networks.")]
Seeds = Annotated[int, Parameter(help="How many seeds, 0, 1, 2, ..., of the noise and of the network.")]
Sigma = Annotated[
    float | None,
    Parameter(
        converter=number,
        n_tokens=1,
        help="Standard deviation of added noise as a fraction of full scale, e.g. 25/255 (denoise, deblur).",
    ),
]


def tell(places: Places) -> None:
    """Say where things went whose place was taken meanwhile."""
    for sentence in places.said:
        print(f"untaught: {sentence}", file=sys.stderr)


def names(text: str) -> list[str]:
    """Names with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def check(**counts: int | None) -> None:
    """Refuse an option that counts something, and is below 1."""
    for option, count in counts.items():
        if count is not None and count < 1:
            raise BadInput(f"--{option} {count} leaves nothing to do: give 1 or more.")
