"""What `reconstruct` makes of measurements, beside total variation with the weight that is best for the truth.

python benchmarks/reconstruct.py DATA CASE PRESET ...      # a line of CSV each: case, method, figure, processor seconds
python benchmarks/reconstruct.py DATA CASE tv              # the best of many strengths, chosen with the reference
python benchmarks/reconstruct.py DATA counts lucy lucy-tv  # the best iterate of Richardson and Lucy, of any strength of TV with it
python benchmarks/reconstruct.py DATA CASE PRESET sheet.png    # and a picture: the plain one, that of the preset, the reference

tooth30, tooth60: every 6th, every 3rd of 181 views (31, 61), four columns to one; dB to the filtered back-projection of all views.
mri: relative error of the frequencies held out (a tenth of those sampled outside the middle 24 x 24), all eight coils at once.
sensing: a quarter as many Gaussian sums as pixels, 64 x 64; bayer: 128 x 128; dB.
counts, fish, mice, bovine: 128 x 128 blurred by gauss:1.6, 100 photons at white, a photo and three micrographs; emission: as many
on the brightest of 30 x 64 rays of a phantom of 64 x 64 pixels; dB to the largest value.

DATA holds ct/, mri/ and fmd/; the other cases are made of scikit-image's pictures. The truth is used for the figures, and by `tv`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage import data, transform
from torch import Tensor

import untaught
from untaught.classical.total_variation import TotalVariation
from untaught.classical.total_variation import _transposed as transposed
from untaught.core.geometry import crop_to
from untaught.problem.operators import kernels
from untaught.problem.regularisers import differences
from untaught.solver.loop import solve

STRENGTHS = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)
VIEWS, CENTER = np.arange(181.0), 73.55
HELD, MIDDLE = 0.1, 12
MICROGRAPHS = {"fish": "Confocal_FISH_1", "mice": "Confocal_MICE_1", "bovine": "WideField_BPAE_G_1"}
PHOTONS, ROUNDS, PENALTIES = 100.0, 100, (0.005, 0.015, 0.05)


@dataclass(frozen=True)
class Case:
    """score: of a picture (1, c, *space) in the units of the data. plain: what is done without any prior."""

    data: Any
    settings: dict[str, Any]
    score: Callable[[Tensor], float]
    plain: Tensor
    reference: Tensor
    better: Callable[..., Any] = max


def decibels(truth: Tensor) -> Callable[[Tensor], float]:
    span = float(truth.max() - truth.min())
    return lambda x: float(10 * torch.log10(span**2 / (x - truth).square().mean()))


def filtered(operator: untaught.Operator, y: Tensor) -> Tensor:
    """Filtered back-projection (Kak and Slaney 1988, section 3.3)."""
    size = 512
    at = np.where(np.arange(size) < size // 2, np.arange(size), np.arange(size) - size)
    ramp = np.where(at % 2 != 0, -1.0 / (np.pi * np.where(at == 0, 1, at)) ** 2, 0.0)
    ramp[0] = 0.25
    spectrum = torch.fft.fft(y, size) * torch.tensor(np.fft.fft(ramp).real, dtype=y.dtype)
    return operator.adjoint(torch.fft.ifft(spectrum).real[..., : y.shape[-1]]) * np.pi / y.shape[-2]


def tooth(folder: Path, every: int) -> Case:
    import h5py

    with h5py.File(folder / "ct" / "tooth.h5") as file:
        shots, white, dark = (
            file["exchange"][n][:, 0, :592].astype(float) for n in ("data", "data_white", "data_dark")
        )
    sino = -np.log(np.clip((shots - dark.mean(0)) / (white.mean(0) - dark.mean(0)), 1e-3, None))
    y = torch.tensor(sino.reshape(181, 148, 4).mean(-1), dtype=torch.float32)[None, None]
    reference = filtered(untaught.Radon(VIEWS, 148, center=CENTER), y)
    few = untaught.Radon(VIEWS[::every], 148, center=CENTER)
    seen = y[:, :, ::every]
    return Case(seen[0, 0].numpy(), {"operator": few}, decibels(reference), filtered(few, seen), reference)


def mri(folder: Path) -> Case:
    samples = torch.tensor(np.load(folder / "mri" / "cartesian_ksp.npy"))
    mask = samples.abs().sum(0) > 0
    held = (torch.rand(mask.shape, generator=torch.Generator().manual_seed(7)) < HELD) & mask
    middle = tuple(slice(n // 2 - MIDDLE, n // 2 + MIDDLE) for n in mask.shape)
    held[middle] = False
    seen = samples * ~held
    from untaught.problem.operators.fourier import coil_maps

    maps = coil_maps(seen, mask & ~held)
    whole = untaught.Fourier(maps=maps)

    def score(x: Tensor) -> float:
        apart = (whole(x)[0] - samples)[:, held]
        return float(apart.norm() / samples[:, held].norm())

    plain = untaught.Fourier(mask & ~held, maps).adjoint(seen[None])
    return Case(seen.numpy(), {"operator": "fourier"}, score, plain, plain, min)


def made(name: str) -> Case:
    draw = np.random.default_rng(0)
    if name == "bayer":
        truth = torch.tensor(data.astronaut()[:128, 150:278] / 255.0, dtype=torch.float32).permute(2, 0, 1)[None]
        operator: Any = untaught.Mosaic()
        y = operator(truth)
        known = operator.adjoint(torch.ones_like(y))
        taps = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]).expand(3, 1, 3, 3)
        plain, weight = (torch.nn.functional.conv2d(v, taps, padding=1, groups=3) for v in (operator.adjoint(y), known))
        return Case(y[0, 0].numpy(), {"operator": operator}, decibels(truth), plain / weight, truth)
    side = 64 if name == "sensing" else 128
    truth = torch.tensor(transform.downscale_local_mean(data.camera(), (512 // side,) * 2) / 255, dtype=torch.float32)[
        None, None
    ]
    if name == "sensing":
        matrix = draw.normal(size=(side * side // 4, side * side)) / side
        operator = untaught.as_operator(matrix, (side, side))
        y = operator(truth)
        return Case(y[0].numpy(), {"operator": operator}, decibels(truth), operator.adjoint(y), truth)
    return counted(truth, untaught.Blur(kernels.named("gauss:1.6")))


def micrograph(path: Path) -> Tensor:
    from skimage.io import imread

    picture = torch.tensor(imread(path)[192:320, 192:320], dtype=torch.float32)
    return picture[None, None] / picture.max()


def counted(truth: Tensor, operator: untaught.Operator) -> Case:
    """Photons: `PHOTONS` on the brightest measurement, or at white."""
    exact = operator(truth)
    gain = PHOTONS / max(1.0, float(exact.max()))
    y = torch.tensor(np.random.default_rng(0).poisson(gain * exact.numpy()) / gain, dtype=torch.float32)
    inner = truth
    if truth.shape[2:] != y.shape[2:] and operator.local:
        edge = (truth.shape[-1] - y.shape[-1]) // 2
        inner = truth[..., edge:-edge, edge:-edge]
    near = decibels(inner)
    plain = y if operator.local else filtered(operator, y)
    return Case(
        y[0, 0].numpy(),
        {"operator": operator, "gain": gain},
        lambda x: near(crop_to(x, inner.shape[2:])),
        plain,
        inner,
    )


def case_of(folder: Path, name: str) -> Case:
    if name.startswith("tooth"):
        return tooth(folder, 180 // int(name[5:]))
    if name in MICROGRAPHS:
        return counted(
            micrograph(folder / "fmd" / "gt" / f"{MICROGRAPHS[name]}.png"), untaught.Blur(kernels.named("gauss:1.6"))
        )
    if name == "emission":
        phantom = transform.resize(data.shepp_logan_phantom(), (64, 64), anti_aliasing=True)
        return counted(
            torch.tensor(phantom, dtype=torch.float32)[None, None], untaught.Radon(np.arange(0, 180, 6.0), 64)
        )
    return mri(folder) if name == "mri" else made(name)


def lucy(problem: untaught.Problem, penalty: float) -> Iterator[Tensor]:
    """Richardson 1972, Lucy 1974; with a penalty total variation beside it (Dey et al., Microscopy Research and Technique 2006)."""
    a, y = problem.operator, problem.data
    once = a.adjoint(torch.ones_like(y)).clamp_min(1e-6)
    x = torch.full_like(once, float(y.mean()))
    for _ in range(ROUNDS):
        parts = differences(x)
        size = torch.stack([d.square() for d in parts]).sum(0).sqrt().clamp_min(1e-3 * float(y.mean()))
        curved = penalty * transposed([d / size for d in parts])
        x = x * a.adjoint(y / a(x).clamp_min(1e-6)) / (once + curved).clamp_min(0.1 * once)
        yield x


def found(case: Case, method: str) -> tuple[Tensor, float]:
    """The picture, in the units of the data, and the processor seconds that it took."""
    begun = time.process_time()
    tuned = method in ("tv", "lucy", "lucy-tv")
    job = untaught.reconstruct.job(case.data, preset="instant" if tuned else method, **case.settings)
    offset, gain = job.finish.scale
    if method.startswith("lucy"):
        with torch.no_grad():
            rounds = [x for p in (PENALTIES if method == "lucy-tv" else (0.0,)) for x in lucy(job.problem, p)]
        return max((gain * x for x in rounds), key=case.score), time.process_time() - begun
    if not tuned:
        solution = solve(job)
        print(*(n for n in solution.notes if "held-out" in n), file=sys.stderr)
        return offset + gain * solution.x, time.process_time() - begun
    problem = job.problem
    if problem.likelihood.counts is None:
        problem = replace(problem, likelihood=untaught.Gaussian(4 * problem.likelihood.level))
    with torch.no_grad():
        tried = [offset + gain * TotalVariation(s, 100).estimate(problem) for s in STRENGTHS]
    return case.better(tried, key=case.score), time.process_time() - begun


def shown(x: Tensor) -> np.ndarray:
    picture = (x[0, :2].norm(dim=0) if x.shape[1] == 2 else x[0].movedim(0, -1).squeeze(-1)).numpy()
    return picture


def main(folder: str, name: str, *methods: str) -> None:
    case = case_of(Path(folder), name)
    print(f"{name},plain,{case.score(case.plain):.3f},", flush=True)
    for method in (m for m in methods if "." not in m):
        x, seconds = found(case, method)
        print(f"{name},{method},{case.score(x):.3f},{seconds:.1f}", flush=True)
        for target in (m for m in methods if "." in m):
            panels = [shown(v) for v in (case.plain, x, case.reference)]
            top = float(np.quantile(panels[1], 0.998))
            height, width = panels[-1].shape[:2]
            panels = [p[(p.shape[0] - height) // 2 :, (p.shape[1] - width) // 2 :][:height, :width] for p in panels]
            from skimage.io import imsave

            imsave(target, np.rint(255 * np.hstack(panels).clip(0, top) / top).astype(np.uint8), check_contrast=False)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:])
