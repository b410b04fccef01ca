"""`untaught impedance`: how fast a network fits a picture, and how slowly noise."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from untaught.cli.studying import OUTPUT, SIGMA, Device, Force, Quiet, Seed, tell
from untaught.cli.watching import INTERRUPTED, watch


def impedance(
    picture: Path,
    /,
    *,
    output: Annotated[Path | None, OUTPUT] = None,
    csv: Path | None = None,
    reference: Path | None = None,
    steps: int = 1000,
    size: int = 128,
    network: str = "narrow",
    sigma: Annotated[float, SIGMA] = 25 / 255,
    seed: Seed = 0,
    device: Device = "auto",
    force: Force = False,
    quiet: Quiet = False,
) -> int:
    """Fit a picture, the picture with noise, its pixels shuffled, and white noise: the loss curves of the paper's figure 2.

    Parameters
    ----------
    picture
        A photo.
    output
        Where the plot goes; NAME.impedance.png where it is left out.
    csv
        Write every step here: loss, loss over variance, PSNR.
    reference
        The clean version of the picture: the trajectory (PSNR against it, step by step) is drawn as well.
    steps
        How many steps each of the four fits takes.
    size
        The picture is reduced to this many pixels on its long side.
    network
        narrow (32 channels a level, minutes on a CPU) or paper (128).
    sigma
        Standard deviation of the noise that is added to the second target, as a fraction of full scale, e.g. 25/255.
    """
    from untaught.bench import impedance as study
    from untaught.bench import store
    from untaught.core.machine import resolve_device
    from untaught.io import images
    from untaught.io.images.places import Places

    image = images.read(picture)
    clean = None if reference is None else images.read(reference)
    study.check(
        image.pixels,
        None if clean is None else clean.pixels,
        network=network,
        size=size,
        steps=steps,
        sigma=sigma,
    )
    device = resolve_device(device)
    target = output or picture.with_name(f"{picture.stem}.impedance.png")
    places = Places.of([picture, reference], force=force)
    images.check_output(target, places=places)
    if csv is not None:
        places.check(csv, option="--csv", what="the table")
    small = study.reduced(image.pixels, size)
    truth = None if clean is None else study.reduced(clean.pixels, size)
    traces, interrupted = [], False
    for one in study.targets(small, sigma=sigma, seed=seed, reference=truth):
        trace = study.Trace(one)
        job = study.job(one, network=network, steps=steps, seed=seed, device=device)
        solution, interrupted = watch(job, quiet=quiet, watchers=[trace.look])
        if trace.mean_square:
            traces.append(trace)
        if not quiet:
            print(f"{one.name}: {len(trace.mean_square)} steps, {solution.seconds:.0f} s", file=sys.stderr)
        if interrupted:
            break
    if traces:
        shape = " x ".join(map(str, small.shape[:2]))
        caption = (
            f"{picture.name} at {shape}, noise of {255 * sigma:.3g}/255, hourglass of {study.NETWORKS[network]} channels, "
            f"Adam 0.01, seed {seed}. Average: exponential, 0.99. Peaks are known from the reference alone."
        )
        images.write(target, study.figure(traces, caption), places=places)
        if csv is not None:
            store.write(csv, study.rows(traces), places)
        tell(places)
        if not quiet:
            for sentence in study.said(traces):
                print(sentence)
            print(", ".join(str(places.went[path]) for path in (target, csv) if path))
    return INTERRUPTED if interrupted else 0
