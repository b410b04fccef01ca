"""The commands of docs/science.md, run as they stand there, and how near their results come.

    python benchmarks/science.py DATA OUT [CASE ...]

CASE: tooth, dendrite (181 or 360 views, and 60, 30, 15 of them), mri, micrograph, stack, stars, counts, burst; all where none is
named. OUT gets inputs, results, and a sheet of each case that may be shown. DATA holds ct/ and mri/; the other cases are made
of scikit-image's pictures and of seeds. The truth is used for the figures alone.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage import data


def run(command: str, out: Path) -> NDArray:
    """The result of `untaught ...`, in the folder; its last word is the file."""
    print(f"$ {command}", flush=True)
    begun = time.perf_counter()
    words = [sys.executable, "-m", "untaught.cli", *shlex.split(command)[1:], "--force", "-q"]
    subprocess.run(words, cwd=out, check=True, timeout=900)
    path = out / shlex.split(command)[-1]
    found = np.load(path) if path.suffix == ".npy" else tifffile.imread(path)
    print(f"  {time.perf_counter() - begun:.0f} s", flush=True)
    return np.asarray(found, float)


def middle(x: NDArray, shape: tuple[int, ...]) -> NDArray:
    before = [(n - m) // 2 for n, m in zip(x.shape, shape, strict=True)]
    return x[tuple(slice(i, i + m) for i, m in zip(before, shape, strict=True))]


def decibels(x: NDArray, truth: NDArray) -> float:
    """To the range of the truth; of a larger x the middle counts."""
    x = middle(x, truth.shape)
    return float(10 * np.log10(np.ptp(truth) ** 2 / np.mean((x - truth) ** 2)))


def sheet(path: Path, *pictures: NDArray) -> None:
    """Side by side, each from the 1st to the 99.8th percentile of the last one."""
    low, high = np.percentile(pictures[-1], [1, 99.8])
    shown = [np.kron(np.clip((p - low) / (high - low), 0, 1), np.ones((2, 2))) for p in pictures]
    Image.fromarray(np.rint(255 * np.hstack(shown)).astype(np.uint8)).save(path)


def views(out: Path, name: str, sino: NDArray, angles: NDArray, center: float, counts: tuple[int, ...]) -> None:
    reference = run_views(out, name, sino, angles, center, len(angles))
    for count in counts:
        chosen = np.unique(np.linspace(0, len(angles), count, endpoint=False).astype(int))
        x = run_views(out, name, sino[chosen], angles[chosen], center, count)
        print(f"{name}, {count} views: {decibels(x, reference):.2f} dB to all {len(angles)}", flush=True)


def run_views(out: Path, name: str, sino: NDArray, angles: NDArray, center: float, count: int) -> NDArray:
    np.save(out / f"{name}{count}.npy", sino.astype(np.float32))
    np.save(out / f"theta{count}.npy", angles)
    operator = f"radon:angles=theta{count}.npy,center={center:g}"
    return run(f"untaught reconstruct {name}{count}.npy --operator {operator} -o {name}{count}.tif", out)


def tooth(folder: Path, out: Path) -> None:
    import h5py

    with h5py.File(folder / "ct" / "tooth.h5") as file:
        shots, white, dark = (
            file["exchange"][n][:, 0, :592].astype(float) for n in ("data", "data_white", "data_dark")
        )
    sino = -np.log(np.clip((shots - dark.mean(0)) / (white.mean(0) - dark.mean(0)), 1e-3, None))
    views(out, "tooth", sino.reshape(181, 148, 4).mean(-1), np.arange(181.0), 73.55, (60, 30, 15))


def dendrite(folder: Path, out: Path) -> None:
    from scipy.io import loadmat

    found = loadmat(folder / "ct" / "RealDataDend.mat")
    sino = found["sinoRD"].T.reshape(360, 210, 6).mean(-1)
    views(out, "dendrite", sino, np.degrees(found["anglesRad"].ravel()), 104.5, (181, 60, 30, 15))


def mri(folder: Path, out: Path) -> None:
    np.save(out / "kspace.npy", np.load(folder / "mri" / "cartesian_ksp.npy"))
    run("untaught reconstruct kspace.npy --operator fourier -o brain.tif", out)


def micrograph(folder: Path, out: Path) -> None:
    truth = 30.0 * data.coins()[60:188, 60:188] / 255
    soft = ndimage.gaussian_filter(truth, 1.5, mode="reflect")
    seen = 100 + 1.0 * np.random.default_rng(0).poisson(soft)
    np.save(out / "counts.npy", seen)
    command = "untaught reconstruct counts.npy --operator blur:gauss:1.5 --gain 1 --dark 100 -o sharp.tif"
    x = run(command, out)
    print(f"micrograph: {decibels(seen - 100, truth):.2f} dB as counted, {decibels(x, truth):.2f} dB restored")
    sheet(out / "science-micrograph.png", seen - 100, middle(x, truth.shape), truth)


def volume(side: tuple[int, int, int] = (16, 96, 96)) -> NDArray:
    """Bodies with soft walls, of two sizes."""
    rng = np.random.default_rng(0)
    large, small = (ndimage.gaussian_filter(rng.normal(size=side), s) for s in (4, 1.5))
    return 1000 * ((np.tanh(8 * (large / large.std() - 0.3)) + 1) / 2 + 0.15 * small / small.std() + 0.5)


def stack(folder: Path, out: Path) -> None:
    truth = volume()
    noisy = np.clip(truth + 150 * np.random.default_rng(1).normal(size=truth.shape), 0, None).astype(np.uint16)
    tifffile.imwrite(out / "stack.tif", noisy, imagej=True, metadata={"axes": "ZYX", "spacing": 0.5, "unit": "um"})
    x = run("untaught denoise stack.tif --axes file --preset instant -o clean.tif", out)
    print(f"stack: {decibels(noisy, truth):.2f} dB noisy, {decibels(x, truth):.2f} dB restored")
    sheet(out / "science-stack.png", noisy[8], x[8], truth[8])


def stars(folder: Path, out: Path) -> None:
    rng, side = np.random.default_rng(0), 160
    at, places = np.mgrid[:side, :side], rng.uniform(6, side - 6, (70, 2))
    apart = [((at - place[:, None, None]) ** 2).sum(0) for place in places]
    high = rng.uniform(30, 100, len(places))
    truth = 200 + sum(h * np.exp(-d / (2 * 1.1**2)) for h, d in zip(high, apart, strict=True))
    np.save(out / "sky.npy", truth + 11 * rng.normal(size=truth.shape))
    x = run("untaught denoise sky.npy -o stars.npy", out)
    alone = [k for k, place in enumerate(places) if np.sort(np.hypot(*(places - place).T))[1] > 9]
    kept = [(x - 200)[apart[k] <= 16].sum() / (truth - 200)[apart[k] <= 16].sum() for k in alone]
    print(f"stars: median flux {100 * np.median(kept):.1f} % of the true one ({len(kept)} that stand alone)")
    sheet(out / "science-stars.png", np.load(out / "sky.npy"), x, truth)


def counts(folder: Path, out: Path) -> None:
    photo = data.coins()[60:188, 60:188]
    light, rng = 3.0 * photo / photo.mean(), np.random.default_rng(0)
    y = np.rint(100 + 2 * rng.poisson(light) + 3 * rng.normal(size=light.shape)).astype(np.float32)
    np.save(out / "faint.npy", y)
    x = run("untaught denoise faint.npy -o quiet.npy", out)
    told = run("untaught denoise faint.npy --dark 100 --gain 0.5 --read-noise 3 -o told.npy", out)
    truth = 100 + 2 * light
    for name, found in (("nothing given", x), ("all given", told)):
        flux = 100 * ((found - 100).sum() / (y - 100).sum() - 1)
        print(
            f"counts, {name}: {decibels(found, truth):.2f} dB ({decibels(y, truth):.2f} as it came), flux {flux:+.2f} %"
        )
    sheet(out / "science-counts.png", y, x, truth)


BURST = """import torch
import untaught


class Burst(untaught.Operator):
    '''Four frames, each moved by a pixel of the large picture and half as large, one below the other.'''

    linear = True

    def forward(self, x):
        frames = [x.roll((-i, -j), (2, 3)) for i in (0, 1) for j in (0, 1)]
        return torch.cat([torch.nn.functional.avg_pool2d(frame, 2) for frame in frames], 2)

    def image_shape(self, data_shape):
        b, c, h, w = data_shape
        return b, c, h // 2, 2 * w
"""


def burst(folder: Path, out: Path) -> None:
    truth = data.camera()[96:352:2, 128:384:2] / 255
    (out / "mine.py").write_text(BURST)
    spec: dict[str, object] = {}
    exec(BURST, spec)
    y = spec["Burst"]()(torch.tensor(truth)[None, None])[0, 0].numpy()  # type: ignore[operator]
    y = y + 0.02 * np.random.default_rng(0).normal(size=y.shape)
    np.save(out / "burst.npy", y)
    x = run("untaught reconstruct burst.npy --operator module:mine.py:Burst -o large.tif", out)
    one = np.asarray(Image.fromarray(y[:64].astype(np.float32)).resize((128, 128), Image.Resampling.BICUBIC), float)
    print(f"burst: {decibels(one, truth):.2f} dB one frame, bicubic; {decibels(x, truth):.2f} dB all four")
    sheet(out / "science-burst.png", one, x, truth)


CASES: dict[str, Callable[[Path, Path], None]] = {
    f.__name__: f for f in (tooth, dendrite, mri, micrograph, stack, stars, counts, burst)
}


if __name__ == "__main__":
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in sys.argv[3:] or CASES:
        CASES[name](folder, out)
