"""Explicit priors beside the network's own: TV, DIP and DIP + TV. Figures of docs/explicit-priors.md.

    python benchmarks/explicit_priors.py OUT [--only tune | photo] [--size 128] [--steps 1200] [--width 32]

OUT is a folder: each run is kept there (NAME.npz) and made once, so that the script may be interrupted. Pictures: scikit-image's
samples. Weights and step counts are chosen on one picture (the cat) and judged on another (the astronaut).
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data

from untaught.bench.metrics import psnr
from untaught.prior import Network, Pixels
from untaught.prior.codes import Noise
from untaught.prior.networks.hourglass import Hourglass
from untaught.problem import Problem
from untaught.problem.regularisers import TV, Sum
from untaught.reports import labels
from untaught.reports.plot import Axis, Curve, plot
from untaught.solver.averaging import ExponentialPictures, Last
from untaught.solver.loop import Run, solve
from untaught.solver.optimisers import LBFGS, Adam
from untaught.solver.stage import Method
from untaught.solver.stopping import After

SIGMA = 25 / 255
PIXEL_WEIGHTS = (0.03, 0.05, 0.08, 0.12, 0.18, 0.27)
NETWORK_WEIGHTS = (0.02, 0.06)
LOOK = 10


def run_of(problem: Problem, method: Method) -> Run:
    from untaught.solver.stage import Job, Solve

    return Run(Job((Solve(method),), problem))


def photo(name: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(clean, noisy), floats in [0, 1], size x size x 3, of the face; white noise of 25/255, clipped."""
    whole, (row, column) = {"cat": (data.chelsea(), (124, 184)), "astronaut": (data.astronaut(), (104, 224))}[name]
    top, left = row - size // 2, column - size // 2
    clean = whole[top : top + size, left : left + size] / 255
    noise = np.random.default_rng(0).normal(0, SIGMA, clean.shape)
    return clean, np.clip(clean + noise, 0, 1)


def tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.moveaxis(picture, -1, 0).copy()).float()[None]


def array(x: torch.Tensor) -> np.ndarray:
    return np.moveaxis(x[0].numpy(), 0, -1)


def by_tv(noisy: np.ndarray, weight: float) -> np.ndarray:
    problem = Problem(tensor(noisy), regulariser=weight * TV())
    return array(solve(problem, Method(Pixels(), optimiser=LBFGS(), average=Last(), stop=After(15))).x)


def by_network(
    out: Path, name: str, weight: float, size: int, steps: int, width: int
) -> tuple[list[int], list[float], np.ndarray]:
    """(looks, PSNR of the average at each, the average at each as uint8) of DIP with R = weight * TV; kept on disk."""
    kept = out / f"{name}-{size}-dip-{width}-tv{weight:g}-{steps}.npz"
    clean, noisy = photo(name, size)
    if not kept.exists():
        prior = Network(Hourglass((width,) * 5), Noise(32), jitter=1 / 30)
        problem = Problem(tensor(noisy), regulariser=weight * TV() if weight else Sum())
        # The paper averages by 0.99 over 1800 steps; a shorter run forgets in proportion.
        average = ExponentialPictures(1 - 18 / steps)
        run = run_of(problem, Method(prior, optimiser=Adam(0.01), average=average, stop=After(steps)))
        begun, looks, scores, pictures = time.perf_counter(), [], [], []
        for iterate in run:
            if iterate.step % LOOK == 0:
                x = array(iterate.average())
                looks.append(iterate.step)
                scores.append(psnr(x, clean))
                pictures.append(np.rint(255 * x.clip(0, 1)).astype(np.uint8))
        np.savez_compressed(kept, looks=looks, scores=scores, pictures=np.stack(pictures))
        print(f"# {kept.stem}: {time.perf_counter() - begun:.0f} s, best {max(scores):.2f} dB", flush=True)
    found = np.load(kept)
    return list(found["looks"]), list(found["scores"]), found["pictures"]


def tune(out: Path, size: int, steps: int, width: int) -> dict[str, float]:
    """Weights and steps that are best on the cat, whose truth is used for nothing else."""
    clean, noisy = photo("cat", size)
    scores = {w: psnr(by_tv(noisy, w), clean) for w in PIXEL_WEIGHTS}
    plain = by_network(out, "cat", 0.0, size, steps, width)
    with_tv = {w: by_network(out, "cat", w, size, steps, width) for w in NETWORK_WEIGHTS}
    weight = max(with_tv, key=lambda w: with_tv[w][1][-1])
    chosen = {
        "tv": max(scores, key=lambda w: scores[w]),
        "dip steps": plain[0][int(np.argmax(plain[1]))],
        "dip tv": weight,
    }
    rows = [("TV", f"weight {w:g}", f"{s:.2f}", "") for w, s in scores.items()]
    for w, (looks, curve, _) in {0.0: plain, **with_tv}.items():
        best = int(np.argmax(curve))
        rows.append(
            ("DIP + TV" if w else "DIP", f"weight {w:g}", f"{curve[-1]:.2f}", f"{curve[best]:.2f} at {looks[best]}")
        )
    write(out / "tuning.csv", ("method", "setting", "final PSNR", "best PSNR (oracle)"), rows)
    return chosen


def judge(out: Path, chosen: dict[str, float], size: int, steps: int, width: int) -> None:
    """The astronaut, with what was chosen on the cat."""
    clean, noisy = photo("astronaut", size)
    tv = by_tv(noisy, chosen["tv"])
    plain = by_network(out, "astronaut", 0.0, size, steps, width)
    both = by_network(out, "astronaut", chosen["dip tv"], size, steps, width)
    at = plain[0].index(int(chosen["dip steps"]))
    weight = chosen["dip tv"]
    results = {
        "clean": clean,
        "noisy": noisy,
        f"TV, weight {chosen['tv']:g}": tv,
        f"DIP, {plain[0][at]} steps": plain[2][at] / 255,
        f"DIP, {steps} steps": plain[2][-1] / 255,
        f"DIP + {weight:g} TV, {steps} steps": both[2][-1] / 255,
    }
    rows = [(name, f"{psnr(x, clean):.2f}") for name, x in results.items() if name != "clean"]
    oracle = max(psnr(by_tv(noisy, w), clean) for w in PIXEL_WEIGHTS)
    rows.append(("TV, best weight for this picture (oracle)", f"{oracle:.2f}"))
    for name, (looks, curve, _) in (("DIP", plain), (f"DIP + {weight:g} TV", both)):
        best = int(np.argmax(curve))
        rows.append((f"{name}, best step for this picture, {looks[best]} (oracle)", f"{curve[best]:.2f}"))
    write(out / "photo.csv", ("method", "PSNR (dB)"), rows)
    panel = plot(
        [
            Curve("DIP", plain[0], plain[1], colour=1),
            Curve(f"DIP + {weight:g} TV", both[0], both[1], colour=0),
            Curve("TV (no steps)", [plain[0][0], plain[0][-1]], [psnr(tv, clean)] * 2, "dashes", colour=6),
        ],
        Axis("step"),
        Axis("PSNR of the average (dB)", low=max(15.0, min(plain[1]))),
        title="Astronaut, noise 25/255: the network alone, and with a TV term",
        size=(784, 360),
    )
    cells = [f"{n}\n{psnr(x, clean):.2f} dB" if n != "clean" else "clean" for n, x in results.items()]
    pictures = list(results.values())
    halves = [labels.grid([pictures[i : i + 3]], columns=cells[i : i + 3], least=256) for i in (0, 3)]
    Image.fromarray(labels.stack(*halves, panel)).save(out / "explicit-priors.png", optimize=True)


def write(path: Path, header: tuple[str, ...], rows: list) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    print(path.read_text(encoding="utf-8"), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", choices=["tune", "photo"])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--width", type=int, default=32)
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    print(f"# {torch.get_num_threads()} threads, torch {torch.__version__}", flush=True)
    chosen = tune(options.out, options.size, options.steps, options.width)
    if options.only != "tune":
        judge(options.out, chosen, options.size, options.steps, options.width)


if __name__ == "__main__":
    main()
