"""Use a network of your own as the prior.

    x* = argmin_x E(x, y),    x = f_theta(z)        f is yours

An architecture is a frozen value with two things: `build`, which makes a module from so many channels to so many, and
`multiple`, of which the sides of the picture have to be a multiple (the picture is padded to it). The engine does the rest.
"""

from dataclasses import dataclass

import numpy as np
import torch
from skimage import data
from skimage.io import imsave
from skimage.util import img_as_ubyte
from torch import nn

import untaught


@dataclass(frozen=True)
class Enlarging:
    """Convolutions of 1x1 with bilinear upsampling between them: it finds smooth pictures easy, and noise hard."""

    width: int = 48
    levels: int = 2
    multiple = 4

    def build(self, cin, cout, *, ndim=2):
        layers = [nn.AvgPool2d(2**self.levels), nn.Conv2d(cin, self.width, 1)]
        for _ in range(self.levels):
            layers += [nn.Upsample(scale_factor=2, mode="bilinear"), nn.ReLU()]
            layers += [nn.BatchNorm2d(self.width, track_running_stats=False), nn.Conv2d(self.width, self.width, 1)]
        return nn.Sequential(*layers, nn.ReLU(), nn.Conv2d(self.width, cout, 1))


truth = data.camera()[64:256:2, 160:352:2] / 255  # (96, 96)
x = torch.tensor(truth, dtype=torch.float32)[None, None]  # (1, 1, 96, 96)
y = x + 0.2 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))

method = untaught.Method(
    untaught.Network(Enlarging(), untaught.Noise(32, scale=1)),
    optimiser=untaught.Adam(0.02),
    average=untaught.ExponentialPictures(0.9),
    stop=untaught.After(200),
)
solution = untaught.solve(untaught.Problem(y, likelihood=untaught.Gaussian(0.2)), method)

given, found = y[0, 0].numpy(), solution.x[0, 0].numpy()
before, after = untaught.psnr(given, truth), untaught.psnr(found, truth)
print(f"{before:.2f} dB before, {after:.2f} dB after {solution.step} steps")
panels = np.hstack([given, found, truth]).clip(0, 1)
imsave("own_network.png", img_as_ubyte(panels), check_contrast=False)
