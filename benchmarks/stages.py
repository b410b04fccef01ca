"""Where the processor's seconds of `denoise` go: measuring, guides, the network's steps, LIChI's rounds, the ridge's last pass.

    OMP_NUM_THREADS=1 python benchmarks/stages.py PICTURE [--middle SIDE] [--sigma 25/255] [--presets fast balanced] [--clean FILE]

All threads of the process are counted, so that other programs hardly matter. How much of a stage is matching stands beside it.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import untaught
from untaught.classical.denoise import lichi, nl_ridge
from untaught.io.images import read
from untaught.solver.fitting import Fitting
from untaught.tasks import Task

spent: dict[str, float] = defaultdict(float)
matching: dict[str, float] = defaultdict(float)
under: list[str] = ["the rest"]
since = time.process_time()


def tick(stage: str | None) -> None:
    """The seconds since the last tick go to the stage under way; then another begins, or, with None, this one ends."""
    global since
    now = time.process_time()
    spent[under[-1]] += now - since
    since = now
    under.append(stage) if stage else under.pop()


def timed(home: Any, name: str, stage: str) -> None:
    """Counts what `home.name` takes as that stage."""
    work: Callable[..., Any] = getattr(home, name)

    def counted(*args: Any, **kwargs: Any) -> Any:
        tick(stage)
        try:
            return work(*args, **kwargs)
        finally:
            tick(None)

    setattr(home, name, counted)


def matched(home: Any) -> None:
    """Counts what `home.match` takes, within the stage that it is a part of."""
    work = home.match

    def counted(*args: Any, **kwargs: Any) -> Any:
        begun = time.process_time()
        try:
            return work(*args, **kwargs)
        finally:
            matching[under[-1]] += time.process_time() - begun

    home.match = counted


def main() -> None:
    global since
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("picture", type=Path)
    words.add_argument("--middle", type=int, help="only the middle square of that side")
    words.add_argument("--sigma", type=Fraction, default=Fraction(25, 255))
    words.add_argument("--presets", nargs="+", default=["fast", "balanced"])
    words.add_argument("--clean", type=Path, help="the same without noise, for the PSNR")
    asked = words.parse_args()

    def middle(path: Path) -> Any:
        x = read(path).pixels
        side = asked.middle or max(x.shape[:2])
        top, left = (max(0, (n - side) // 2) for n in x.shape[:2])
        return x[top : top + side, left : left + side]

    timed(Task, "job", "noise measured")
    timed(Fitting, "take", "steps")
    timed(lichi.LIChIGuide, "__call__", "guides")
    timed(nl_ridge.NonLocalRidge, "refine", "last pass")
    timed(lichi.LIChI, "_rounds", "rounds")
    for home in (nl_ridge, lichi):
        matched(home)
    noisy = middle(asked.picture)
    untaught.denoise(noisy[:48, :48], sigma=float(asked.sigma), preset="fast", steps=1)  # what is loaded once
    for preset in asked.presets:
        spent.clear(), matching.clear()
        since = time.process_time()
        found = untaught.denoise(noisy, sigma=float(asked.sigma), preset=preset, device="cpu")
        tick("the rest"), under.pop()
        quality = f", {untaught.psnr(found, middle(asked.clean)):.2f} dB" if asked.clean else ""
        print(f"{preset}, {noisy.shape}: {sum(spent.values()):.1f} s{quality}")
        for stage, seconds in spent.items():
            print(f"  {stage:16s}{seconds:7.2f}" + (f"  (matching {matching[stage]:.2f})" if matching[stage] else ""))


if __name__ == "__main__":
    main()
