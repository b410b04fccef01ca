"""What is lost by not being told of the noise, and is any picture worse than it came? Real pairs, patterns, documents, simulations.

    python benchmarks/truth.py DATA --preset instant --csv truth.csv [--only fmd,halftone] [--side 192] [--white 1,1.5,2]

For each: dB of the input, of the result with nothing given, and of the result that was told the truth, where `denoise` has words
for it (white noise: sigma; counts without offset: gain). With --white, also the best of white noise of so many times the true
deviation, as a person might find it who tries. Texture: how far the sizes of differences between neighbours are from those of
the truth, in parts of their mean (0: alike; towards 1: smeared), and LPIPS where its weights are in DATA/weights. Rows that the CSV
has are not made again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from truth_cases import Case, cases

import untaught
from untaught.bench import metrics, table
from untaught.bench.store import Store
from untaught.io.images.places import Places

WORSE = 0.1  # dB below its input from which on a result is counted as worse


@dataclass(frozen=True)
class Row:
    """dB of the input, of the results with nothing given, told, and told white noise; loss: told over not told.

    gradients: distance of their sizes. seconds: of the result with nothing given. failure: what was raised there, or "".
    """

    group: str
    picture: str
    noise: str
    given: float
    result: float | None
    told: float | None
    white: float | None
    loss: float | None
    worse: bool
    gradients_given: float
    gradients: float | None
    lpips_given: float | None
    lpips: float | None
    seconds: float
    said: str
    failure: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.group, self.picture, self.noise


def gradient_distance(picture: NDArray, truth: NDArray) -> float:
    """The earth mover's distance between the sizes of the differences of neighbours, over the truth's mean size."""

    def sizes(x: NDArray) -> NDArray:
        x = x.astype(np.float64)
        return np.sort(np.abs(np.concatenate([np.diff(x, axis=axis).ravel() for axis in (0, 1)])))

    there = sizes(truth)
    return float(np.abs(sizes(picture) - there).mean() / max(there.mean(), 1e-9))


def row(case: Case, preset: str, weights: Path, factors: Sequence[float]) -> Row:
    noisy, truth = case.made()
    said: list[str] = []

    def restored(**told: Any) -> NDArray:
        job = untaught.denoise.job(noisy, preset=preset, **told)
        said.extend(job.notes[:1])
        return job.result(untaught.solve(job).x)

    def perceived(picture: NDArray) -> float | None:
        there = any(weights.glob("lpips*.npz")) and min(truth.shape[:2]) >= metrics.LPIPS_LEAST
        return metrics.lpips(picture, truth, weights=weights) if there else None

    given, failure, result = metrics.psnr(noisy, truth), "", None
    begun = time.perf_counter()
    try:
        result = restored()
    except Exception as error:  # a row of the table, as any other outcome
        failure = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    seconds = time.perf_counter() - begun
    found = None if result is None else metrics.psnr(result, truth)
    told = metrics.psnr(restored(**case.told), truth) if case.told else None
    scale = np.iinfo(noisy.dtype).max
    deviation = float(np.std(noisy.astype(np.float64) - truth)) / scale
    white = max((metrics.psnr(restored(sigma=f * deviation), truth) for f in factors), default=None)
    return Row(
        *(case.group, case.picture, case.noise, given, found, told, white),
        loss=None if told is None or found is None else told - found,
        worse=found is None or found < given - WORSE,
        gradients_given=gradient_distance(noisy, truth),
        gradients=None if result is None else gradient_distance(result, truth),
        lpips_given=perceived(noisy),
        lpips=None if result is None else perceived(result),
        seconds=seconds,
        said=said[0] if said else "",
        failure=failure,
    )


def summary(rows: Sequence[Row]) -> list[list[str]]:
    """A line for each group, and one for all."""

    def mean(values: Iterable[float | None], over: Callable[[list[float]], Any] = np.mean) -> str:
        known = [v for v in values if v is not None]
        return f"{over(known):.2f}" if known else ""

    lines = [
        [
            "group",
            "pictures",
            "given",
            "result",
            "told",
            "loss",
            "worst loss",
            "white",
            "worse",
            "gradients",
            "LPIPS",
            "failed",
        ]
    ]
    for name in [*dict.fromkeys(r.group for r in rows), "all"]:
        some = [r for r in rows if name in (r.group, "all")]
        lines.append(
            [
                *(name, str(len(some)), mean(r.given for r in some), mean(r.result for r in some)),
                *(mean(r.told for r in some), mean(r.loss for r in some), mean((r.loss for r in some), max)),
                *(mean(r.white for r in some), str(sum(r.worse for r in some))),
                f"{mean(r.gradients_given for r in some)} > {mean(r.gradients for r in some)}",
                f"{mean(r.lpips_given for r in some)} > {mean(r.lpips for r in some)}",
                str(sum(bool(r.failure) for r in some)),
            ]
        )
    return lines


def worst(rows: Sequence[Row], count: int) -> list[list[str]]:
    """Those with the largest loss, and after them those furthest below their input."""

    def line(why: str, r: Row) -> list[str]:
        numbers = ("" if v is None else f"{v:.2f}" for v in (r.given, r.result, r.told, r.loss))
        return [why, f"{r.picture}, {r.noise}", *numbers, r.failure or r.said]

    lost = sorted((r for r in rows if r.loss is not None), key=lambda r: -(r.loss or 0))
    below = sorted((r for r in rows if r.worse), key=lambda r: (r.result or 0) - r.given)
    lines = [["worst by", "picture", "given", "result", "told", "loss", "said of the noise"]]
    return lines + [line("loss", r) for r in lost[:count]] + [line("input", r) for r in below[:count]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--preset", default="instant")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--only", default="", help="words of the groups, pictures and noises, with commas between them")
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--white", default="", help="times the true deviation, with commas between them")
    parser.add_argument("--worst", type=int, default=10)
    options = parser.parse_args()
    words = [w.strip() for w in options.only.split(",") if w.strip()]
    factors = [float(f) for f in options.white.split(",") if f.strip()]
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True).stdout.strip() or "unknown"
    said = [f"{table.hardware('cpu')}; commit {commit}; --preset {options.preset} --side {options.side}"]
    store = Store(options.csv, Row, lambda r: r.key, Places(), said)
    chosen = [c for c in cases(options.data, options.side) if _asked(c, words)]
    for i, case in enumerate(chosen):
        key = case.group, case.picture, case.noise
        if key not in store:
            store.add(key, [row(case, options.preset, options.data / "weights", factors)])
        r = store.known[key][0]
        result = r.failure if r.result is None else f"{r.given:.2f} > {r.result:.2f} dB"
        print(f"{i + 1}/{len(chosen)} {', '.join(key)}: {result}", file=sys.stderr, flush=True)
    rows = [store.known[c.group, c.picture, c.noise][0] for c in chosen]
    if rows:
        print(table.markdown(summary(rows), left=1), *said, sep="\n")
        print("\n" + table.markdown(worst(rows, options.worst)))


def _asked(case: Case, words: list[str]) -> bool:
    return not words or any(w in f"{case.group} {case.picture} {case.noise}" for w in words)


if __name__ == "__main__":
    main()
