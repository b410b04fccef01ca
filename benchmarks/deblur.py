"""What the values of deblur were chosen by, and what it is worth where the kernel is not known.

python benchmarks/deblur.py DATA rounds                          # after every round, for several strengths
python benchmarks/deblur.py DATA blind PICTURE SIDE KERNEL OUT   # PICTURE of kodak/, its middle of SIDE pixels; pictures into OUT

DATA holds kodak/. Protocol of `untaught bench deblur`; the truth is used for the figures alone.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import untaught
from untaught.averaging import Last
from untaught.objectives.plugged import Plugged
from untaught.operators import kernels
from untaught.presets.deblur import ridge
from untaught.priors import Pixels
from untaught.registry import comparisons
from untaught.ridge import NonLocalRidge
from untaught.run import Method, Run, Stage
from untaught.stopping import After
from untaught.studies.comparisons._base import Degraded

CASES = (("kodim19", 256, "gauss:1.6", 2), ("kodim08", 200, "motion:15,30", 1), ("kodim20", 200, "disk:3", 2))
SPARSE = ridge()
SETTINGS = (  # ridge, its pilot the round before, strength, conjugate gradients, rounds, last level in units of the noise
    (NonLocalRidge(), False, 0.25, 15, 8, 1.0),
    (NonLocalRidge(), True, 0.25, 15, 8, 1.0),
    (SPARSE, True, 0.25, 15, 8, 1.0),
    (SPARSE, True, 0.25, 60, 12, 1.5),
    (SPARSE, True, 0.15, 60, 12, 1.5),
    (SPARSE, True, 0.10, 60, 12, 1.5),
)
SHIFT, BORDER = 8, 24


def middle(data: Path, name: str, side: int, kernel: str, sigma: float) -> Degraded:
    picture = np.asarray(Image.open(data / "kodak" / f"{name}.png").convert("RGB"))
    top, left = ((n - side) // 2 for n in picture.shape[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.png"
        Image.fromarray(picture[top : top + side, left : left + side]).save(path)
        (case,) = comparisons.get("deblur").cases([path], {"kernel": kernel, "sigma": sigma})
    return case


def rounds(data: Path) -> None:
    score = comparisons.get("deblur").score
    for name, side, kernel, noise in CASES:
        sigma = noise / 255
        case = middle(data, name, side, kernel, sigma)
        job = untaught.deblur.job(case.input(0), kernel=kernel, sigma=sigma)
        print(f"{name} {side}x{side} {kernel} {noise}/255: blurred {score(case.input(0), case.clean)[0]:.2f} dB")
        for one, pilot, strength, gradients, count, quiet in SETTINGS:
            levels = np.geomspace(20 / 255, quiet * sigma, count)
            plugged = [Plugged(one, float(v), strength, gradients, pilot and k > 0) for k, v in enumerate(levels)]
            stages = tuple(Stage(Method(Pixels(), p, average=Last(), stop=After(1))) for p in plugged)
            begun, found = time.process_time(), []
            for iterate in Run(replace(job, stages=stages)):
                assert iterate.x is not None
                found.append(score(job.result(iterate.x), case.clean))
            kind = f"{'sparse' if one is SPARSE else 'full'}, {'pilot' if pilot else 'two passes'}"
            settings = f"{kind}, strength {strength}, {gradients} gradients"
            said = " ".join(f"{p:.2f}" for p, _ in found)
            print(f"  {settings}: {said}; SSIM {found[-1][1]:.3f}; {time.process_time() - begun:.1f} s", flush=True)


def aligned(x: NDArray, clean: NDArray) -> tuple[float, int, int]:
    """PSNR at the best shift by whole pixels, and that shift: a sought kernel may lie beside its middle."""
    height, width = clean.shape[:2]
    inner = clean[BORDER:-BORDER, BORDER:-BORDER].astype(float)
    found = []
    for i in range(-SHIFT, SHIFT + 1):
        for j in range(-SHIFT, SHIFT + 1):
            part = x[BORDER + i : height - BORDER + i, BORDER + j : width - BORDER + j]
            found.append((10 * np.log10(255**2 / np.square(part - inner).mean()), i, j))
    return max(found)


def alike(found: NDArray, true: NDArray) -> float:
    """The cosine of two kernels, at the shift where it is largest."""
    from scipy.signal import correlate

    return float(correlate(found, true).max() / np.sqrt(np.square(found).sum() * np.square(true).sum()))


def blind(data: Path, name: str, side: int, kernel: str, out: Path) -> None:
    case = middle(data, name, side, kernel, 1 / 255)
    given, true = case.input(0), kernels.named(kernel).numpy()
    known = untaught.deblur(given, kernel=kernel, sigma=1 / 255)
    print(f"{name} {side}x{side} {kernel} 1/255: blurred {aligned(given, case.clean)[0]:.2f} dB, ", end="")
    print(f"kernel known {aligned(known, case.clean)[0]:.2f} dB", flush=True)
    job = untaught.deblur.job(given, blind=True)
    begun, run = time.process_time(), Run(job)
    for iterate in run:
        if (iterate.stage, iterate.step) in ((0, 500), (0, 1000), (0, 1500), (len(job.stages) - 1, 1)):
            psnr, *shift = aligned(job.result(run.render(1)), case.clean)
            found = run.problem.operator.kernel.detach().numpy()  # type: ignore[operator]
            print(f"  stage {iterate.stage}, step {iterate.step}: {psnr:.2f} dB at {tuple(shift)}, ", end="")
            print(f"kernel {alike(found, true):.3f}, {time.process_time() - begun:.0f} s", flush=True)
    pictures = {"blurred": given, "known": known, "blind": job.result(run.solution.x), "clean": case.clean}
    both = [np.pad(k, [((31 - n) // 2, 31 - n - (31 - n) // 2) for n in k.shape]) for k in (found, true)]
    shown = np.rint(255 * np.hstack([k / k.max() for k in both])).astype(np.uint8)
    pictures["kernels"] = shown.repeat(6, 0).repeat(6, 1)
    for what, picture in pictures.items():
        Image.fromarray(picture).save(out / f"{name}-{kernel.split(':')[0]}-{what}.png")


if __name__ == "__main__":
    folder, what, *more = sys.argv[1:]
    if what == "rounds":
        rounds(Path(folder))
    else:
        blind(Path(folder), more[0], int(more[1]), more[2], Path(more[3]))
