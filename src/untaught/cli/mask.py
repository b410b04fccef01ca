"""`untaught mask`: a mask is proposed, to be corrected by hand, for `untaught inpaint`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, validators

from untaught.cli.studying import OUTPUT, Force, Quiet, tell


def mask(
    picture: Path,
    /,
    *,
    find: Annotated[str, Parameter(show_choices=False), Literal["dead-pixels", "dust", "scratches", "text"]],
    output: Annotated[Path | None, OUTPUT] = None,
    grow: Annotated[int, Parameter(validator=validators.Number(gte=0))] = 0,
    force: Force = False,
    max_megapixels: float = 100.0,
    quiet: Quiet = False,
) -> int:
    """Propose a mask of what is damaged, white, to be looked at and corrected before `inpaint --mask`.

    Parameters
    ----------
    picture
        The damaged picture.
    find
        dead-pixels, dust, scratches or text.
    output
        Where the mask goes; NAME.mask.png if not given.
    grow
        Mark so many pixels around all that is found as well.
    max_megapixels
        The largest picture that is read.
    """
    import numpy as np

    from untaught.core.amounts import percent
    from untaught.core.errors import BadInput
    from untaught.io import images
    from untaught.io.images.places import Places
    from untaught.io.masks import grown
    from untaught.io.proposals import propose

    image = images.read(picture, max_megapixels=max_megapixels)
    places = Places.of([picture], force=force)
    target = images.check_output(output or picture.with_name(f"{picture.stem}.mask.png"), places=places)
    if image.pixels.ndim == 3 and image.pixels.shape[2] not in (1, 3):
        raise BadInput(f"A picture of {image.pixels.shape[2]} channels cannot be searched: give grey or RGB.")
    pixels = image.pixels[..., 0] if image.pixels.ndim == 3 and image.pixels.shape[2] == 1 else image.pixels
    found = propose(pixels, find)
    if not found.any():
        raise BadInput(f"No {find} found in '{picture}': paint the mask by hand, white where it is to be filled.")
    found = grown(found, grow)
    images.write(target, found.astype(np.uint8) * 255, places=places)
    tell(places)
    target = places.went[target]
    if not quiet:
        print(
            f"untaught: {target}: {percent(float(found.mean()))} of the picture. It is a proposal: look at it, correct it "
            f"in any paint program, then `untaught inpaint {picture} --mask {target}`.",
            file=sys.stderr,
        )
    return 0
