"""How near a result is to a reference. Only benchmarks and tests may call these: no rule and no preset looks at the truth."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from untaught.core.errors import BadInput
from untaught.io import arrays

if TYPE_CHECKING:
    from torch import Tensor

    from untaught.problem.classifiers import Loaded

LPIPS_LEAST = 63
"""The smallest side, in pixels, that every layer of both networks can see."""

# After each block of convolutions, where the heads were fitted.
_TAPS = {
    "alex": ("alexnet", ("features.1", "features.4", "features.7", "features.9", "features.11")),
    "vgg": ("vgg16", ("features.3", "features.8", "features.15", "features.22", "features.29")),
}


def psnr(result: NDArray, truth: NDArray) -> float:
    """Peak signal-to-noise ratio in dB over all elements; the result is clipped to [0, full scale] first.

    Full scale is 255 or 65535 by the type of `truth`, 1 for floats. Equal pictures give infinity.
    """
    full = arrays.full_scale(truth)
    error = np.clip(result.astype(np.float64) / full, 0, 1) - truth.astype(np.float64) / full
    mean = float(np.mean(error**2))
    return float("inf") if mean == 0 else -10 * float(np.log10(mean))


def ssim(result: NDArray, truth: NDArray) -> float:
    """Structural similarity (Wang et al. 2004; Gaussian window 1.5), mean over the channels; arrays (h, w) or (h, w, c)."""
    from skimage.metrics import structural_similarity

    full = arrays.full_scale(truth)
    a, b = (np.clip(v.astype(np.float64) / full, 0, 1) for v in (result, truth))
    how = {"gaussian_weights": True, "use_sample_covariance": False, "channel_axis": -1 if truth.ndim == 3 else None}
    return float(structural_similarity(a, b, data_range=1.0, **how))


def lpips(a: NDArray, b: NDArray, *, weights: str | Path, net: Literal["alex", "vgg"] = "alex") -> float:
    """Learned perceptual distance, version 0.1 (Zhang et al., CVPR 2018): 0 for equal pictures, below 1 for most others.

    a, b: (h, w) or (h, w, 3) of one shape, each side at least 63. weights: a folder with the convolutions of AlexNet or
    VGG-16 and with the fitted heads, lpips*.npz, keys "alex.lin0" to "vgg.lin4". Nothing is downloaded.
    """
    import torch

    if a.shape != b.shape:
        raise BadInput(f"LPIPS compares pictures of one shape; these are {a.shape} and {b.shape}.")
    if min(a.shape[:2]) < LPIPS_LEAST:
        raise BadInput(f"LPIPS needs sides of {LPIPS_LEAST} pixels and more; these are {a.shape[0]} x {a.shape[1]}.")
    network, heads = lpips_network(net, str(weights))
    pictures = []
    for v in (a, b):
        full = np.iinfo(v.dtype).max if v.dtype.kind in "ui" else 1.0
        rgb = np.clip(v.astype(np.float32) / full, 0, 1)
        rgb = np.repeat(rgb.reshape(*rgb.shape[:2], -1), 3 if v.ndim == 2 or v.shape[2] == 1 else 1, axis=2)
        pictures.append(torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))[None])
    return float(lpips_of(pictures[0], pictures[1], network, _TAPS[net][1], heads))


def lpips_of(a: Tensor, b: Tensor, network: Loaded, taps: tuple[str, ...], heads: list[Tensor]) -> Tensor:
    """The sum over layers of the mean over pixels of w . (n(a) - n(b))^2, n: features of a pixel at unit length."""
    import torch

    total = torch.zeros(())
    with torch.no_grad():
        x, y = (network.recipe.normalise(v) for v in (a, b))
        for name, layer in network.module.features.named_children():  # type: ignore[union-attr]
            x, y = layer(x), layer(y)
            if (tap := f"features.{name}") in taps:
                # Version 0.1 adds its 1e-10 to the length, not to the square.
                unit = [v / (v.square().sum(1, keepdim=True).sqrt() + 1e-10) for v in (x, y)]
                head = heads[taps.index(tap)].view(1, -1, 1, 1)
                total = total + (head * (unit[0] - unit[1]).square()).sum(1).mean()
    return total


@functools.cache
def lpips_network(net: str, folder: str) -> tuple[Loaded, list[Tensor]]:
    """The network and its five heads; `BadInput` where the folder lacks one of them."""
    from untaught.core.errors import unknown
    from untaught.problem import classifiers
    from untaught.problem.classifiers._find import read

    if net not in _TAPS:
        raise unknown("network of LPIPS", net, _TAPS)
    name, taps = _TAPS[net]
    files = sorted(Path(folder).glob("lpips*.npz"))
    if not files:
        raise BadInput(
            f"'{folder}' holds no heads of LPIPS: name a folder with lpips*.npz and the convolutions of {name}."
        )
    state = read(files[0])
    missing = [key for i in range(len(taps)) if (key := f"{net}.lin{i}") not in state]
    if missing:
        raise BadInput(f"'{files[0]}' holds no '{missing[0]}': it is not a file of the heads of LPIPS for '{net}'.")
    return classifiers.load(name, folder), [state[f"{net}.lin{i}"].float() for i in range(len(taps))]
