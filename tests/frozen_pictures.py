"""The small pictures that the frozen jobs are about: scenes, their noise, holes and blur, a JPEG; and a classifier."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import frozen_adapter as ask
import numpy as np
import torch
from PIL import Image

TOP = {"uint8": 255, "uint16": 65535, "float32": 1.0}


def scene(space: tuple[int, ...] = (24, 28), channels: int = 3, seed: int = 0) -> np.ndarray:
    """A shaded picture with a disc, an edge and fine stripes, float64 in [0, 1], (*space, channels)."""
    axes = np.meshgrid(*(np.linspace(0, 1, n) for n in space), indexing="ij")
    shade = 0.35 + 0.3 * sum(axes) / len(axes)
    disc = sum((a - 0.45) ** 2 for a in axes) < 0.06
    stripes = 0.12 * np.sign(np.sin(40 * axes[-1])) * (axes[0] > 0.7)
    tints = 1 - 0.15 * np.random.default_rng(seed).random(channels)
    return np.clip((shade + 0.3 * disc + stripes)[..., None] * tints, 0, 1)


def kept(x: np.ndarray, dtype: str = "uint8") -> np.ndarray:
    """Values of [0, 1] as that type; a single channel has no axis of its own."""
    x = x[..., 0] if x.shape[-1] == 1 else x
    return x.astype(dtype) if dtype[0] == "f" else np.rint(TOP[dtype] * np.clip(x, 0, 1)).astype(dtype)


def noisy(space: tuple[int, ...] = (24, 28), channels: int = 3, dtype: str = "uint8", sigma: float = 0.1) -> np.ndarray:
    x = scene(space, channels)
    return kept(x + sigma * np.random.default_rng(1).normal(size=x.shape), dtype)


def worn(kind: str, space: tuple[int, ...] = (32, 36), channels: int = 1) -> np.ndarray:
    """Noise of another kind, uint8."""
    x, rng = scene(space, channels), np.random.default_rng(2)
    match kind:
        case "poisson":
            x = rng.poisson(40 * x) / 40
        case "poisson-gaussian":
            x = rng.poisson(60 * x) / 60 + 0.03 * rng.normal(size=x.shape)
        case "speckle":
            x = x * rng.gamma(12, 1 / 12, x.shape)
        case "impulse":
            hit = rng.random(x.shape[:2]) < 0.1
            x = np.where(hit[..., None], rng.integers(0, 2, (*x.shape[:2], 1)), x)
        case "coloured":
            n = rng.normal(size=(x.shape[0] + 2, x.shape[1] + 2, channels))
            n = sum(n[i : i + x.shape[0], j : j + x.shape[1]] for i in range(3) for j in range(3)) / 3
            x = x + 0.06 * n
        case "shared":
            x = x + 0.08 * rng.normal(size=(*x.shape[:2], 1))
    return kept(x)


def holes(kind: str, space: tuple[int, ...] = (24, 26)) -> np.ndarray:
    """What is to be filled, True."""
    mask, rng = np.zeros(space, bool), np.random.default_rng(3)
    match kind:
        case "pixels":
            mask = rng.random(space) < 0.4
        case "sparse":
            mask = rng.random(space) < 0.95
        case "hole":
            mask[7:17, 8:19] = True
        case "text":
            mask[4:20:5, 3:22] = True
            mask[4:20, 6:22:7] = True
        case "region":
            mask[:, 16:] = True
    return mask


def softened(space: tuple[int, ...] = (20, 24), channels: int = 1) -> np.ndarray:
    """A picture behind a blur of 3 x 5 pixels, with a little noise; uint8."""
    x = np.pad(scene(space, channels), ((1, 1), (2, 2), (0, 0)), mode="reflect")
    x = sum(x[i : i + space[0], j : j + space[1]] for i in range(3) for j in range(5)) / 15
    return kept(x + 0.005 * np.random.default_rng(4).normal(size=x.shape))


def jpeg(path: Path, channels: int = 3, quality: int = 30) -> Path:
    out = io.BytesIO()
    Image.fromarray(kept(scene((32, 40), channels))).save(out, "JPEG", quality=quality)
    path.write_bytes(out.getvalue())
    return path


class Tiny(torch.nn.Module):
    """A classifier of seven classes with weights that no generator of torch draws."""

    def __init__(self) -> None:
        super().__init__()
        self.features = torch.nn.Sequential(
            torch.nn.Conv2d(3, 5, 3, stride=4), torch.nn.Tanh(), torch.nn.Conv2d(5, 6, 3, stride=4)
        )
        self.head = torch.nn.Linear(6, 7)
        for i, p in enumerate(self.parameters()):
            p.data = 0.3 * ask.drawn(*p.shape, seed=i)

    def forward(self, x: Any) -> Any:
        return self.head(self.features(x).mean((2, 3)))


def tiny() -> Any:
    from untaught.problem.classifiers import of_module

    return of_module(Tiny().eval(), size=32)
