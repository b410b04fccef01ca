"""Several pictures in one grouped pass of a network, against one pass each: seconds of a step's convolutions, forward and backward.

    OMP_NUM_THREADS=1 python benchmarks/grouped.py [--pictures 4] [--device cpu]

Three by three convolutions at 64 x 64 pixels, eight crops, as `fast` trains on them. Each picture has weights of its own, which is
what a group is. By turns, the least of five rounds.
"""

from __future__ import annotations

import argparse
import time

import torch
import torch.nn.functional as F

CROPS, SIDE = 8, 64


def seconds(pictures: int, channels: int, groups: int, device: str) -> float:
    x = torch.randn(CROPS, channels * groups, SIDE, SIDE, device=device).contiguous(memory_format=torch.channels_last)
    w = torch.randn(channels * groups, channels, 3, 3, device=device)
    x, w = x.requires_grad_(), w.contiguous(memory_format=torch.channels_last).requires_grad_()
    begun = time.perf_counter()
    for _ in range(pictures // groups):
        F.conv2d(x, w, padding=1, groups=groups).sum().backward()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    for channels in (16, 32, 64, 128):
        rounds = [
            [seconds(options.pictures, channels, groups, options.device) for groups in (1, options.pictures)]
            for _ in range(5)
        ]
        alone, grouped = (min(column) for column in zip(*rounds, strict=True))
        print(
            f"{channels} channels: one each {alone:.3f} s, grouped {grouped:.3f} s, {alone / grouped:.2f} times as quick"
        )


if __name__ == "__main__":
    main()
