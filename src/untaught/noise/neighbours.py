"""Noise that neighbouring pixels share: the cross-spectra of its channels in the flattest patches, and what of these is texture.

Texture is grey, or tinted by one colour, and the coarser the stronger. Noise went through a mosaic, a resize or a small blur, and
levels off towards low frequencies; only its colours, which cameras and JPEGs keep coarsely, do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from untaught.noise.foretold import Foretold

COLOURED = 4.0  # middle over high frequencies (power) from which noise counts as correlated
FLAT = 0.05  # share of a class's patches that is trusted to be flat
LOUD = 5 / 255  # deviation in a middle band, from which on noise that neighbours share must not look like texture:
COLOURFUL = 0.1  # share of the power that is of colour, from which on that decides: ...
TINTED = 3.0  # noise that neighbours share has this much more of it in the middle bands than in a high one;
STRAIGHT = 0.7, 0.4  # else what the power rises to the lowest band, over what it rose before: texture from there on
MOST = 20 / 255  # amplitude of texture in the flattest patches, at the most
LEVEL, LEAST = 3, 0.5  # band below which noise levels off; the least that its power is thought to rise by, a logarithm
TOLD = (0.35, 1.25), (0.45, 2.25)  # and so on
"""How alike what cannot be foretold is in neighbours, and how many times as strong as that their noise is at most."""
BLOTCHY = 0.3  # power of colour over that of fine grain, at low frequencies, from which on neighbours share the noise


def flattest(power: Tensor, group: Tensor, k: int, share: float) -> Tensor:
    """Patches of `group` with the least log power in all bands but k, each against its own 10 % quantile."""
    r = power[group] + 1e-12
    r = (r / r.quantile(0.1, 0)).log()
    return group[(r.sum(1) - r[:, k]).argsort()[: max(8, int(share * len(group)))]]


def tints(f: Tensor, band: Tensor) -> Tensor:
    """The power of what the channels of spectra "n c k k" differ by, "n band", but for what follows their mean: a tinted texture
    does, noise does not."""
    grey = f.mean(1, keepdim=True)
    found = []
    for k in range(int(band.max()) + 1):
        g, tint = grey[:, :, band == k], (f - grey)[:, :, band == k]
        following = (tint * g.conj()).sum(2).abs().square() / g.abs().square().sum(2).clamp_min(1e-20)
        count = g.shape[2] / 2  # of a real picture, every frequency is there twice
        found.append((tint.abs().square().sum(2) - following).mean(1) / g.shape[2] * count / (count - 1))
    return torch.stack(found, 1).clamp_min(0)


def crossed(f: Tensor, power: Tensor, classes: Sequence[Tensor], band: Tensor, shape: Tensor) -> Tensor:
    """The cross-spectra of the channels, "k k c c", in the patches of every class that are flattest in the other bands; their mean
    over the channels is `shape`, by band."""
    cov = torch.zeros(*band.shape, f.shape[1], f.shape[1], dtype=f.dtype)
    for group in classes:
        for k in range(len(shape)):
            a = f[flattest(power, group, k, FLAT)][:, :, band == k]
            a = torch.einsum("nif,njf->fij", a, a.conj())
            cov[band == k] += a * (shape[k] / a.diagonal(dim1=1, dim2=2).real.mean().clamp_min(1e-20))
    return cov / len(classes)


def blotchy(colour: Tensor, white: Tensor) -> Tensor | None:
    """Of "class band", the power of colour, that of each band over the `white` power of brightness; None where it does not rise
    towards low frequencies: the colours of a developed sensor, or of a JPEG, are blotches even where the grain is fine."""
    high = colour.shape[1] - 2
    shape = (colour / colour[:, high : high + 1].clamp_min(1e-12)).quantile(0.25, 0)
    over = (colour / white[:, None].clamp_min(1e-12)).median(0).values
    return over if high > 2 and shape[1 : high - 1].mean() > COLOURED and over[1] > BLOTCHY else None


def textured(level: Tensor, colour: Tensor) -> bool:
    """Whether what looks like loud noise that neighbours share is texture: of "class band", the power and that of its colour.

    Foliage, gravel and fur are grey, and the coarser the stronger. Noise of a camera or of a film has colour, whose spectrum
    texture hardly touches; and where it has not, its power levels off towards the low frequencies.
    """
    usual, high = level.median(0).values, level.shape[1] - 2
    middle = high - 2
    if usual[middle] < LOUD**2:
        return False
    share = (colour.median(0).values / usual)[middle : high + 1].mean()
    if share > COLOURFUL:
        shape = (colour / colour[:, high : high + 1].clamp_min(1e-12)).quantile(0.25, 0)
        return bool(shape[1 : high - 1].mean() < TINTED)
    rises = usual[0] * usual[high] / usual[middle] ** 2, usual[0] * usual[high - 1] / usual[middle - 1] ** 2
    return all(bool(rise > least) for rise, least in zip(rises, STRAIGHT, strict=True))


def levelled(cov: Tensor, band: Tensor, unit: Tensor) -> float:
    """What is left of the power of cross-spectra "k k c c" once their grey, changed in place, is limited at low frequencies.

    Noise of white pixels that went through a mosaic, a resize or a small blur falls like a normal curve of frequency, so that each
    step between bands is at most as steep as the first above it says. Of a texture it goes on rising. Colour does, too, of noise.
    unit: the power that 1 stands for; flat patches have texture of power MOST^2 at most.
    """
    radius = torch.fft.fftfreq(len(band), 1 / 16).square()
    radius = radius[:, None] + radius
    grey, before = cov.mean((2, 3)).real, cov.diagonal(dim1=2, dim2=3).real.mean()
    power, square = (torch.stack([x[band == k].mean() for k in range(LEVEL + 2)]) for x in (grey, radius))
    power = power.clamp_min(1e-20)
    steep = (power[LEVEL] / power[LEVEL + 1]).log().clamp_min(LEAST) / (square[LEVEL + 1] - square[LEVEL])
    limit = power[LEVEL] * (steep * (square[LEVEL] - square[:LEVEL])).exp()
    limit = torch.maximum(limit, power[:LEVEL] - MOST**2 / unit)
    for k, less in enumerate((limit / power[:LEVEL]).clamp(max=1).sqrt()):
        cov[band == k] = _greyed(cov[band == k], less)
    return float(cov.diagonal(dim1=2, dim2=3).real.mean() / before)


def limited(cov: Tensor, power: float, told: Foretold) -> float:
    """What is left of cross-spectra "k k c c", of noise of that `power` over the channels, once their grey, changed in place, is
    limited to what cannot be foretold of the grey picture: the texture of one without flat parts is foretold in part."""
    before, grey = float(cov.diagonal(dim1=2, dim2=3).real.mean()), float(cov.real.mean())
    (low, least), (high, most) = TOLD
    times = least + (most - least) * max((told.alike - low) / (high - low), 0)
    less = times * (float(told.variance.mean()) * before / max(power * grey, 1e-20)) ** 0.5
    if less >= 1:
        return 1.0
    cov.copy_(_greyed(cov, less))
    return float(cov.diagonal(dim1=2, dim2=3).real.mean()) / before


def _greyed(cov: Tensor, less: float | Tensor) -> Tensor:
    """The covariances "... c c" of channels whose mean becomes `less`, and whose differences stay."""
    c = cov.shape[-1]
    gentle = torch.eye(c) - (1 - less) / c
    return (gentle @ cov.real @ gentle + 1j * (gentle @ cov.imag @ gentle)).to(cov)
