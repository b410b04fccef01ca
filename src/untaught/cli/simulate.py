"""`untaught bench simulate`: a clean picture with the noise of a camera, a detector or a scan, beside the truth."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from untaught.cli.studying import OUTPUT, Force, Quiet, tell


def simulate(
    *pictures: Path,
    output: Annotated[Path, OUTPUT],
    noise: str = "sensor",
    seed: int = 0,
    force: Force = False,
    quiet: Quiet = False,
) -> int:
    """Simulate noise with known truth: NAME_noisy.png, and NAME_mean.png, the same pipeline without its noise.

    Parameters
    ----------
    pictures
        Clean pictures, grey or RGB, of 8 or 16 bit.
    output
        The folder that both are written to.
    noise
        A pipeline and its settings, such as sensor:iso=6400,quality=90. There are sensor and phone; counts, scmos and emccd; film,
        halftone, line-scan and banding; white.
    seed
        Of the noise of the first picture; each further one has the next.
    """
    from untaught.bench.cases import names, picture
    from untaught.core.errors import BadInput
    from untaught.core.randomness import Rng
    from untaught.io import images
    from untaught.io.images.places import Places
    from untaught.noise.simulate import pipeline

    chosen = pipeline(noise)
    if not pictures:
        raise BadInput("No picture is named: give one or more clean ones.")
    if seed < 0:
        raise BadInput(f"--seed {seed} is below 0: give 0 or more.")
    places = Places.of(pictures, force=force)
    stems = [name.replace("/", "_") for name in names(pictures)]
    made = [chosen(picture(path), Rng(seed).child("picture", i).seed) for i, path in enumerate(pictures)]
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"The folder '{output}' cannot be made ({error.strerror}): name another with -o.") from error
    targets = [
        (images.check_output(output / f"{stem}_{end}.png", places=places), samples)
        for stem, pair in zip(stems, made, strict=True)
        for end, samples in zip(("noisy", "mean"), pair, strict=True)
    ]
    for target, samples in targets:
        images.write(target, samples, places=places)
        if not quiet:
            print(places.went[target])
    tell(places)
    if not quiet:
        print(f"Compare methods on them: untaught bench denoise --pairs {shlex.quote(str(output))}")
    return 0
