"""Figure 2: what a network fits soon, and what late. All of it is `untaught impedance`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from numpy.typing import NDArray

from untaught.bench import impedance as study
from untaught.bench.figures._base import Figure, Made, Panel, Reproduced, Runner, Size, Track
from untaught.bench.figures._pictures import photo

SIGMA = 25 / 255


def _panels(size: Size) -> list[Panel]:
    name, pixels = photo(size, "set9/image_F16_512rgb.png", "chelsea")
    picture = study.reduced(pixels, size.pixels(64, 256))
    network, steps = ("paper" if size.full else "narrow"), size.taken(10_000, 500)

    def make(target: study.Target, run: Runner) -> Made:
        job = study.job(target, network=network, steps=steps, seed=size.seed, device=size.device)
        track = Track(target.reference)
        solution = run(job, track)
        trace = _trace(target, track.curves)
        at = f"{' x '.join(map(str, picture.shape[:2]))}, {study.NETWORKS[network]} channels, {steps} steps"
        rows = [
            Reproduced(target.name, name, target.name, "share of the variance left at the end", trace.relative[-1], at)
        ]
        for share, word in ((0.5, "half"), (0.1, "nine tenths")):
            reached = trace.reached(share)
            what = f"step at which {word} of the variance is fitted"
            rows.append(Reproduced(target.name, name, target.name, what, reached, at))
        if trace.psnr_average:
            rows.append(Reproduced(target.name, name, "average, best step", "PSNR (dB)", max(trace.psnr_average), at))
            rows.append(Reproduced(target.name, name, "average, end", "PSNR (dB)", trace.psnr_average[-1], at))
        rows[0] = Reproduced(**{**rows[0].__dict__, "seconds": round(solution.seconds, 1)})
        kept = {"pixels": target.pixels} | ({"reference": target.reference} if target.reference is not None else {})
        return Made(rows, kept, track.curves)

    targets = study.targets(picture, sigma=SIGMA, seed=size.seed)
    return [Panel(target.name, partial(make, target)) for target in targets]


def _trace(target: study.Target, curves: Mapping[str, list[float]]) -> study.Trace:
    return study.Trace(target, curves["fit"], curves.get("network", []), curves.get("average", []))


def _draw(made: Mapping[str, Made]) -> NDArray:
    traces = [
        _trace(study.Target(name, m.pictures["pixels"], m.pictures.get("reference")), m.curves)
        for name, m in made.items()
    ]
    return study.figure(traces, f"{next(iter(made.values())).rows[0].at}, Adam 0.01. Average: exponential, 0.99.")


FIGURES = (
    Figure(
        "fig2",
        "figure 2",
        "Learning curves: a picture, with noise, shuffled, and white noise",
        "The same network is fitted to four targets. In the end it fits all of them, but the natural picture long "
        "before the noise: it resists noise, and that resistance is the whole prior. The dashed and the full curve "
        "below show what follows: on its way to the noisy picture the network passes near the clean one.",
        _panels,
        _draw,
    ),
)
