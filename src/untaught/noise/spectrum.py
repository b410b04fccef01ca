"""How strong the noise of a picture is, and of which spectrum, measured on the picture alone.

`estimate_noise` finds the standard deviation, the colour of the spectrum (camera JPEGs: correlated between
neighbours and channels) and the growth with brightness; `NoiseModel.draw` makes more noise of the same kind, as
recorruption needs (Pang et al., Recorrupted-to-Recorrupted, CVPR 2021: any known covariance will do).

Method: windowed periodograms of 16x16 patches, sorted into classes of brightness. In every class and every radial band of
frequencies, the noise is read off the few patches that are flattest *in the other bands*: independent of the band
that is read, so choosing them does not bias white noise downwards. After Ponomarenko et al. 2007 and Colom & Buades
(IPOL 2013: flat patches per intensity), Lebrun, Colom & Morel (The Noise Clinic, IPOL 2015: spectrum of flat
patches), Foi et al. 2008 (variance linear in brightness). Units: brightness in [0, 1], sigma in the same unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.geometry import box, evenly
from untaught.core.interpolation import interpolated
from untaught.core.linear_algebra import axes
from untaught.noise.anderson import shown
from untaught.noise.cut import censored, on_ground
from untaught.noise.differences import is_drawing, is_of_few, quietest, rough, solid
from untaught.noise.foretold import Foretold, foretell
from untaught.noise.neighbours import COLOURED, FLAT, blotchy, crossed, flattest, levelled, limited, textured, tints

PATCH = 16  # side of a patch, pixels
CLASSES = 6  # brightness classes, equally many patches each
EDGES = (1.5, 2.5, 3.5, 4.5, 6.0, 8.0)  # radial bands, cycles per 16 pixels (Nyquist is 8 along an axis)
CLIPPED = 0.02  # patches with more black or white pixels than this are not measured
TIED, LOOSELY = 0.3, 3.3
"""How alike what cannot be foretold is in neighbours, and the middle over high frequencies from which that is correlated, too."""
UNEVEN = 2.1  # growth of amplitude from the flattest 2 % to the flattest 30 %, from which on it is texture
CUT = 0.25, 0.35
"""Share of black and white values among them, from which on these are the picture's own; the same, of one end alone."""
SOLID = 0.1  # share of the black and white values that are solid, from which on these are the picture's own
SAMPLE = 6  # parts along each axis that a picture of over 4.7 megapixels is measured on
SHARED = 0.5  # correlation between channels from which they count as sharing their noise
WHITE = 3  # highest bands that white noise is read from: structure is least there
FLOOR = 0.55, 0.9  # power in the highest of them over their median, between which it alone is read
RISEN = 2.0  # power of the band below them over that of the highest, from which on there is texture in them
DOUBT, WEAK, STRONG = (0.25, 1.5), 5 / 255, 8 / 255
"""Power to which what is read over what is not foretold is how much of that is thought to be noise; deviations of texture that is
not foretold, up to which it is the first, and from which on the second."""
ENOUGH = 12  # patches without much black or white, below which no spectrum is believed
LESS, MORE, SURE = 0.7, 1.15, 0.06
"""What is not foretold over what is read, up to which, and from which on, white noise is that; and its `alike` up to which."""
QUIETER, SMALL = 0.6, 56 * 56
"""The quietest part over that of such noise, below which it is less; pixels of a picture up to which one such part will do."""


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """Zero-mean Gaussian noise n(p) = sigma_c * gain(brightness(p)) * (kernel * white)(p).

    sigma: "c", standard deviation of each channel (root mean square over the picture), brightness in [0, 1].
    correlated: whether neighbouring pixels share noise; if not, kernel is 1x1, and diagonal unless the channels are `shared`.
    kernel: "c c k k", filters unit white noise to the noise's covariance, every channel that has some to unit variance.
    brightness, gain: "n" each, piecewise-linear factor of the standard deviation over the channels' mean.
    """

    sigma: Tensor
    correlated: bool
    kernel: Tensor
    brightness: Tensor
    gain: Tensor

    @property
    def shared(self) -> bool:
        """Whether the channels share noise that neighbouring pixels do not: grain on a toned print, or a JPEG's coarse colour."""
        return not self.correlated and len(self.kernel) > 1 and bool((self.kernel[0, 1:].abs() > 1e-3).any())

    @property
    def sharers(self) -> str:
        """Who shares it, in words; empty where it is independent."""
        return "neighbouring pixels" if self.correlated else "the channels" if self.shared else ""

    @property
    def even(self) -> bool:
        """Whether it hardly changes with brightness."""
        return len(self.gain) == 1 or float(self.gain.max() / self.gain.min().clamp_min(1e-6)) < 1.5

    @property
    def level(self) -> float:
        """The deviation over all channels, root mean square."""
        return float(self.sigma.square().mean().sqrt())

    def map(self, picture: Tensor, radius: int = 2) -> Tensor:
        """Standard deviation at each pixel of `picture` "[b] c h w"; its brightness is first averaged over 2r+1."""
        x = picture.mean(-3, keepdim=True)
        if len(self.gain) > 1:
            r = min(radius, min(x.shape[-2:]) - 1)
            x = F.avg_pool2d(F.pad(x.reshape(-1, 1, *x.shape[-2:]), (r,) * 4, "reflect"), 2 * r + 1, 1).reshape(x.shape)
            k, g = self.brightness.to(x), self.gain.to(x)
            i = torch.bucketize(x.contiguous(), k).clamp(1, len(k) - 1)
            t = ((x - k[i - 1]) / (k[i] - k[i - 1])).clamp(0, 1)
            x = g[i - 1] + (g[i] - g[i - 1]) * t
        else:
            x = self.gain.to(x).expand_as(x)
        return x * self.sigma.to(x).view(-1, 1, 1)

    def draw(self, picture: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Noise for `picture` "[b] c h w" (its size, and its brightness where the noise depends on it)."""
        x = picture if picture.ndim == 4 else picture[None]
        k = self.kernel.to(x)
        b, c, h, w = x.shape
        size = (b, c, h + k.shape[-2] - 1, w + k.shape[-1] - 1)
        n = F.conv2d(torch.randn(size, generator=generator, dtype=x.dtype, device=x.device), k)
        return (n * self.map(x)).reshape(picture.shape)


def estimate_noise(picture: Tensor, told: Foretold | None = None, *, even: bool = True) -> NoiseModel:
    """Noise of one picture (or of a batch that shares it), "[b] c h w" in [0, 1]; under 4 pixels a side: none.

    told: what cannot be foretold of its `sample`, where that is known already. even: noise is everywhere, so that no part is too
    quiet for it.
    """
    x = sample((picture if picture.ndim == 4 else picture[None]).detach().float())
    noise = _estimated(x, told)
    return _witnessed(x, noise) if even else noise


def _witnessed(x: Tensor, noise: NoiseModel) -> NoiseModel:
    """The noise, or less, where parts of pictures (b, c, h, w) are too quiet for it: noise that is everywhere is there, too."""
    if not noise.level > 0:
        return noise
    large = x[0, 0].numel() > SMALL
    lag = 2 if large else 1  # of a small one hardly a part is as large
    seen = quietest(x, lag=lag, everywhere=large)
    if seen is None and not noise.correlated:
        return noise
    draw, b = torch.Generator().manual_seed(0), max(1, SMALL // x[:, 0].numel())
    drawn, ratio = noise.draw(box(x, 2).repeat(b, 1, 1, 1), draw), 1.0
    if seen is not None and (usual := quietest(drawn, lag=lag)):
        ratio = seen / usual
    if noise.correlated:  # of independent noise neighbours may share a little, as behind a mosaic, and differ by less
        ratio = min(ratio, shown(x, drawn[: len(x)]))
    return replace(noise, sigma=ratio * noise.sigma) if ratio < QUIETER else noise


def _estimated(x: Tensor, told: Foretold | None) -> NoiseModel:
    c, side = x.shape[1], min(PATCH, *x.shape[-2:])
    if side < 4 or is_drawing(x) or is_of_few(x):
        return of_covariance(torch.zeros(c), torch.eye(c), torch.zeros(1), torch.ones(1))
    p = x.unfold(2, side, max(1, side // 2)).unfold(3, side, max(1, side // 2))
    p = p.permute(0, 2, 3, 1, 4, 5).reshape(-1, c, side, side)
    clip = ((p <= 0) | (p >= 1)).float().mean((1, 2, 3))
    sound = clip <= CLIPPED
    p = p[clip <= max(CLIPPED, float(clip.sort().values[min(len(p) - 1, 20)]))]
    mean, f = p.mean((1, 2, 3)), periodogram(p)
    radius = torch.fft.fftfreq(side).square()
    band = torch.bucketize((radius[:, None] + radius).sqrt() * 16, torch.tensor(EDGES))
    band = torch.unique(band, return_inverse=True)[1]
    power = torch.stack([f[:, :, band == k].abs().square().mean((1, 2)) for k in range(int(band.max()) + 1)], 1)
    colour = tints(f, band)
    order = mean.argsort()
    classes = order.chunk(max(1, min(CLASSES, len(order) // 60)))

    reads = [_read(power, g, FLAT) for g in classes]
    level = torch.stack([r[0] for r in reads]) + 1e-12  # class, band
    knots = torch.stack([mean[r[1]].mean() for r in reads])
    high = max(level.shape[1] - 2, 0)
    shape = (level / level[:, high : high + 1]).quantile(0.25, 0)
    share = torch.bincount(band.flatten()) / band.numel()
    told = foretell(x) if told is None else told
    tied = told is not None and told.alike > TIED
    correlated = bool(shape[1 : high - 1].mean() > (LOOSELY if tied else COLOURED)) if high > 2 else False
    texture, coloured = False, torch.stack([_read(power, g, FLAT, colour)[0] for g in classes])
    if correlated:
        wide, tight = (torch.stack([_read(power, g, q)[0] for g in classes]) for q in (0.3, 0.02))
        growth = (wide / (tight + 1e-12)).sqrt().median(0).values[1 : high - 1]
        correlated = float(growth.mean()) < UNEVEN and bool(sound.sum() >= ENOUGH)
        texture = correlated and textured(level, coloured)
        correlated = correlated and not texture
    strokes = int(sound.sum()) < ENOUGH
    if told is not None and told.white and correlated:  # what looked like that is foretold by the same elsewhere
        return _on_paper(x, _of_pattern(told), strokes, 1 / MORE)
    object_alone = None
    if not correlated:
        white = _white(level, told if texture else None)
        knots, v = _line(knots, white)
        # channels: the ratio of their powers in the two highest bands of the flattest patches
        flat = torch.cat([r[1] for r in reads])
        cov = _between(f[flat][:, :, band >= high])
        over = blotchy(coloured, white) if c > 2 else None
        if over is not None and sound.sum() >= ENOUGH:
            apart = torch.eye(c) - 1 / c
            blotches = crossed(torch.einsum("ij,njxy->nixy", apart.to(f), f), power, classes, band, over)
            cov, v = 1 + blotches, v * (1 + (over * share).sum())
        cut = _cut(p[flat])
        v = v / censored(cut)
        # Of a small object on black the rim is no noise.
        object_alone = None if cut or sound.sum() >= ENOUGH else rough(x)
        if object_alone is not None:
            knots, v = torch.zeros(1), object_alone.square()[None]
    else:
        cov = crossed(f, power, classes, band, shape)
        v = _total(level, shape, share) * levelled(cov, band, level[:, high].median())
    if cov.ndim > 2 and (grey := told if c == 1 else foretell(x.mean(1, keepdim=True))):
        v = v * limited(cov, float(interpolated(mean, knots, v).mean()), grey)
    each = cov.diagonal(dim1=-2, dim2=-1).real if object_alone is None else torch.ones(c)
    each = each.mean((0, 1)) if each.ndim > 1 else each
    inside = interpolated(mean, knots, v).mean()  # variance, mean over the picture
    sigma = (inside * each / each.mean().clamp_min(1e-20)).sqrt()
    if told is not None and not correlated and len(knots) == 1 and _misread(sigma, told, strokes):
        return _on_paper(x, _of_pattern(told), strokes, 1 / MORE)
    return _on_paper(x, of_covariance(sigma, cov, knots, (v / inside.clamp_min(1e-20)).sqrt()), strokes)


def _on_paper(x: Tensor, noise: NoiseModel, strokes: bool, less: float = 1.0) -> NoiseModel:
    """The noise, or that of the paper which lines and lettering are on, where that is less: edges are no noise.

    strokes: hardly a part is without black or white. less: over the deviation, how much that has to be at the most.
    """
    ground = on_ground(x) if strokes else None
    if ground is None or not ground.square().mean().sqrt() < less * noise.level:
        return noise
    # Lines and lettering have no body, and say less of the noise than the paper they are on.
    body = None if quietest(x, everywhere=False) is None else rough(x)
    if body is not None and not body.square() < ground.square().mean():
        return noise
    return of_covariance(ground, torch.diag(ground.square()), torch.zeros(1), torch.ones(1))


def _of_pattern(told: Foretold) -> NoiseModel:
    line = _line(told.brightness, told.variance) if told.rises else (torch.zeros(1), torch.ones(1))
    return of_covariance(told.least, torch.diag(told.least.square()), *_gain(*line))


def _cut(p: Tensor) -> float:
    """The share of values "n c side side" that are black or white since noise was cut off there; 0 where these are the picture's,
    solid, or as many as lettering has."""
    ends = (p <= 0, p >= 1)
    few, many = sorted(float(end.float().mean()) for end in ends)
    share = few + many
    part = float(solid((ends[0] | ends[1]).float()).mean())
    return share if share < CUT[few < SOLID * many] and part < SOLID * share else 0.0


def _misread(sigma: Tensor, told: Foretold, strokes: bool) -> bool:
    """Whether white noise was read off a pattern, or off little but black: what cannot be foretold is another.

    strokes: hardly a part is without black or white, so that it is edges that were read, as in lettering.
    """
    if told.white and told.most < LESS * float(sigma.square().mean().sqrt()):
        return True  # what is foretold badly only ever adds
    if not told.variance.median() > 0 and told.variance.max() > 0:
        return False  # most of it is solid, as an overexposed sky is, and says nothing of the rest
    ratio = float((told.least.square().mean() / sigma.square().mean().clamp_min(1e-20)).sqrt())
    if strokes and told.white and ratio < LESS:
        return True
    return told.alike < SURE and not LESS < ratio < MORE


def _white(level: Tensor, told: Foretold | None = None) -> Tensor:
    """The power of white noise in each class, of "class band": the median of the highest bands; or the highest alone, where that is
    less, so that there is texture in the others, but no less than white noise has it, which a JPEG and a mosaic take from there.

    told: of a picture that is texture all over. Where less of it is foretold than is read, texture reaches up to there, too.
    """
    usual, last = level[:, -WHITE:].median(1).values, level[:, -1]
    share, (low, high) = float((last / usual).median()), FLOOR
    if share < low or not (level[:, -WHITE - 1 :][:, 0] / last).median() > RISEN:
        return usual
    read = last if share < high else usual
    if told is None:
        return read
    known, unknown = read.median(), told.least.square().mean()
    texture = ((unknown - known).clamp_min(0).sqrt() - WEAK) / (STRONG - WEAK)
    low, high = DOUBT
    return read * (known / unknown).clamp(max=1) ** (low + (high - low) * texture.clamp(0, 1))


def _gain(knots: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    return knots, (v / v.mean().clamp_min(1e-20)).sqrt()


def _between(f: Tensor) -> Tensor:
    """The covariance of the channels of "n c f"; correlations count only if they are large in the mean."""
    cov = torch.einsum("nif,njf->ij", f, f.conj()).real / (f.shape[0] * f.shape[2])
    own = cov.diagonal()
    alike = cov / (own[:, None] * own).sqrt().clamp_min(1e-20)
    c = len(own)
    mean = float(alike.sum() - c) / max(1, c * (c - 1))
    return cov if mean > SHARED else torch.diag(own)


def sample(x: Tensor) -> Tensor:
    """The pictures, or of large ones SAMPLE x SAMPLE parts of 256 pixels a side, evenly spread: patches enough."""
    n = 256
    if x.shape[-2] * x.shape[-1] <= (SAMPLE * n) ** 2 * 2 or min(x.shape[-2:]) < n:
        return x
    return torch.cat([x[:, :, rows, columns] for rows, columns in evenly(x.shape[-2:], n, SAMPLE)])


def of_covariance(sigma: Tensor, cov: Tensor, knots: Tensor, gain: Tensor) -> NoiseModel:
    """cov: of the channels, "c c", or cross-spectra "k k c c"."""
    return NoiseModel(sigma, cov.ndim > 2, _root(cov), knots, gain)


def autocovariance(kernel: Tensor) -> Tensor:
    """Of white noise that went through the kernel "c c k k": of channel a here and channel b there, by how far that is."""
    return F.conv2d(F.pad(kernel, [kernel.shape[-1] - 1] * 4), kernel)


def halved(kernel: Tensor) -> tuple[Tensor, Tensor]:
    """The kernel of that noise at half the resolution, each pixel the mean of 2 x 2; and the deviation "c" that it has there over
    that here."""
    (c, _, _, k), lags = kernel.shape, autocovariance(kernel)
    overlap = torch.tensor([0.25, 0.5, 0.25]).to(kernel)  # of two means that are so far apart
    lags = F.conv2d(lags.flatten(0, 1)[:, None], torch.outer(overlap, overlap)[None, None], padding=1)
    lags = lags.unflatten(0, (c, c))[:, :, 0, (k - 1) % 2 :: 2, (k - 1) % 2 :: 2]
    ratio = lags[range(c), range(c), lags.shape[2] // 2, lags.shape[3] // 2].clamp_min(1e-20).sqrt()
    spectra = torch.fft.fft2(torch.fft.ifftshift(lags, (2, 3))).permute(2, 3, 0, 1)
    return _root((spectra + spectra.mH) / 2), ratio


def _root(cov: Tensor) -> Tensor:
    """The kernel "c c k k" that filters white noise of unit variance to noise of that covariance, channels of unit variance: the
    Hermitian root, zero-phase, so as short as the correlation."""
    value, vector = axes(cov)
    k = vector @ torch.diag_embed(value.clamp_min(0).sqrt()).to(vector.dtype) @ vector.mH
    whole = (
        torch.fft.fftshift(torch.fft.ifft2(k, dim=(0, 1)).real, (0, 1)).permute(2, 3, 0, 1)
        if cov.ndim > 2
        else k[..., None, None]
    )
    return (whole / whole.square().sum((1, 2, 3), keepdim=True).sqrt().clamp_min(1e-20)).contiguous()


def periodogram(p: Tensor) -> Tensor:
    """Fourier transform of patches less their plane, under a sine window; mean |.|^2 is the noise's variance."""
    n = p.shape[-1]
    t = torch.arange(n) - (n - 1) / 2
    w = torch.sin(math.pi * (torch.arange(n) + 0.5) / n)
    w, t = torch.outer(w, w), t / t.square().mean().sqrt()
    p = p - p.mean((2, 3), keepdim=True)
    p = p - (p * t).mean((2, 3), keepdim=True) * t - (p * t[:, None]).mean((2, 3), keepdim=True) * t[:, None]
    return torch.fft.fft2(p * w / w.square().mean().sqrt()) / n


def _read(power: Tensor, group: Tensor, share: float, seen: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """What the flattest patches of `group` have in each band, of `seen` where it is given; and which these are."""
    chosen = [flattest(power, group, k, share) for k in range(power.shape[1])]
    seen = power if seen is None else seen
    return torch.stack([seen[i, k].median() for k, i in enumerate(chosen)]), torch.cat(chosen)


def _total(level: Tensor, shape: Tensor, share: Tensor) -> Tensor:
    """Variance per class for a given spectrum; the 30 % quantile over the bands, as structure only ever adds."""
    return (level / shape).quantile(0.3, 1) * (shape * share).sum()


def _line(x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Variance a x + b (sensor, Poisson) through the classes, counting those above it little: they hold texture."""
    w, one = torch.ones_like(v), torch.ones_like(v)
    fit = v
    for _ in range(20 if len(v) > 2 else 0):
        m = torch.stack([x, one], 1) * (w / v)[:, None]
        a, b = torch.linalg.lstsq(m, w[:, None]).solution[:, 0]
        fit = a * x + b
        w = torch.where(v > fit, 0.3, 1.0)
    if len(v) < 3 or not fit.max() > 1.5 * fit.min():
        return torch.zeros(1), v.quantile(0.4)[None]
    k = torch.linspace(0, 1, 65)
    return k, (a * k + b).clamp_min(max(float(v.min()) / 4, 1e-12))
