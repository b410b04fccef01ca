"""A device beside what it could do: its peak, a step of our networks as they are and compiled, and the picture in few bits.

python benchmarks/device.py DATA [--device cuda] [--size 512] [--ways plain cudagraphs inductor] [--presets fast balanced]

Three tables: TFLOP/s of one 3x3 convolution, 64 to 64 channels, forward and backward, for each precision; seconds and
TFLOP/s of a step of the paper's network and of the fed one, for each way to call the network ("plain" as the library does,
the others through torch.compile with that backend, two calls before not counted); seconds, peak memory and PSNR of presets on F16
(sigma 25, published input), with TF32 in convolutions, which PyTorch allows unasked, and without.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from step import WAYS

import untaught
from untaught.bench.metrics import psnr
from untaught.bench.table import hardware
from untaught.core.machine import resolve_device
from untaught.io import images
from untaught.prior.kernels import convolution as _convolution
from untaught.prior.kernels import winograd as _winograd
from untaught.prior.kernels.bare import Noted, plain
from untaught.problem import Problem
from untaught.solver.loop import Run
from untaught.solver.stage import Job
from untaught.tasks._presets import Facts
from untaught.tasks.denoise.presets import PRESETS

KINDS = {"float32": torch.float32, "TF32": torch.float32, "bfloat16": torch.bfloat16}


def seconds(call: Callable[[], Any], device: str, times: int) -> float:
    """Of one call, the mean of `times`, after two that are not counted."""
    for i in range(times + 2):
        if i == 2:
            wait(device)
            begun = time.perf_counter()
        call()
    wait(device)
    return (time.perf_counter() - begun) / times


def wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def peak(kind: str, size: int, device: str, times: int) -> float:
    """TFLOP/s of a convolution and both of its gradients."""
    torch.backends.cudnn.allow_tf32 = kind == "TF32"
    x = torch.randn(1, 64, size, size, device=device, dtype=KINDS[kind]).to(memory_format=torch.channels_last)
    w = torch.randn(64, 64, 3, 3, device=device, dtype=KINDS[kind]).to(memory_format=torch.channels_last)
    x.requires_grad_(), w.requires_grad_()

    def both() -> None:
        torch.autograd.grad(F.conv2d(x, w, padding=1).sum(), (x, w))

    return 3 * 2 * 64 * 64 * 9 * size**2 / seconds(both, device, times) / 1e12


def step(preset: str, size: int, device: str, way: str, times: int) -> tuple[float, float]:
    """Seconds of a step, and TFLOP/s of what is multiplied in it."""
    # No compiler can follow NNPACK; the layout of a network is chosen by this, too, when it is built.
    _convolution.LEAST, _winograd.CHANNELS = WAYS["winograd" if way == "plain" else "library"]
    draw = torch.Generator().manual_seed(0)
    problem = Problem(torch.rand(1, 3, size, size, generator=draw), likelihood=untaught.Gaussian(0.1))
    run = Run(Job(PRESETS.plan(preset, Facts(problem, pictures=True, device=device)).stages[:1], problem))
    with plain(run.course.model), Noted() as noted:
        next(run)
    if way != "plain":
        run.course.model.net.compile(backend=way)  # in place: the names of its parameters stay
    taken = seconds(lambda: next(run), device, times)
    return taken, noted.flop / taken / 1e12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--ways", nargs="*", default=["plain", "cudagraphs", "inductor"])
    parser.add_argument("--presets", nargs="*", default=["fast", "balanced"])
    options = parser.parse_args()
    device = resolve_device(options.device)
    gpu = device != "cpu"
    print("#", hardware(device))
    print("convolution,TFLOP/s")
    for kind in KINDS if gpu else ("float32", "bfloat16"):
        print(f"{kind},{peak(kind, options.size, device, options.times):.2f}", flush=True)
    torch.backends.cudnn.allow_tf32 = True
    print("network,way,seconds a step,TFLOP/s")
    for way in options.ways:
        for preset in ("paper", "fast"):
            taken, rate = step(preset, options.size, device, way, options.times)
            print(f"{preset},{way},{taken:.4f},{rate:.2f}", flush=True)
    clean = images.read(options.data / "set9" / "image_F16_512rgb.png").pixels
    noisy = images.read(options.data / "published" / "F16_sigma25.png").pixels
    print("preset,TF32,seconds,peak MiB,PSNR")
    for preset in options.presets:
        for coarse in (True, False) if gpu else (False,):
            torch.backends.cudnn.allow_tf32 = coarse
            if gpu:
                torch.cuda.reset_peak_memory_stats(device)
            begun = time.perf_counter()
            x = untaught.denoise(noisy, sigma=25 / 255, preset=preset, device=device)
            taken = time.perf_counter() - begun
            memory = f"{torch.cuda.max_memory_allocated(device) / 2**20:.0f}" if gpu else ""
            print(f"{preset},{coarse},{taken:.1f},{memory},{psnr(clean, x):.3f}", flush=True)


if __name__ == "__main__":
    main()
