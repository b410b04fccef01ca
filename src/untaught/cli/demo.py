"""`untaught demo`: what it does, without a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from untaught.cli.studying import OUTPUT, Device, Force, Seed, tell
from untaught.cli.watching import INTERRUPTED, watch


def demo(
    *,
    output: Annotated[Path, OUTPUT] = Path("untaught-demo.png"),
    preset: str = "fast",
    seed: Seed = 0,
    device: Device = "auto",
    force: Force = False,
) -> int:
    """Show what it does, without a file: a sample photo, noise, and the restoration.

    Parameters
    ----------
    output
        Where the before/after picture goes: noisy, restored, original.
    preset
        fast, best or paper.
    """
    from untaught.bench.demo import sample, side_by_side
    from untaught.core.registry import tasks
    from untaught.io import images
    from untaught.io.images.places import Places

    places = Places(force=force)
    target = images.check_output(output, places=places)
    clean, noisy, sigma = sample(seed)
    job = tasks.get("denoise").job(noisy, sigma=sigma, preset=preset, seed=seed, device=device)
    solution, interrupted = watch(job)
    restored = job.result(solution.x)
    text, picture = side_by_side(noisy, restored, clean)
    images.write(target, picture, places=places)
    print(text)
    tell(places)
    print(f"{places.went[target]}: noisy, restored, original; {solution.seconds:.0f} s.")
    return INTERRUPTED if interrupted else 0
