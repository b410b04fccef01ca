"""Let a denoiser stand where the regulariser stands.

    x* = argmin_x E(A x, y) + R(x),    R given by a denoiser        A is linear: every second pixel, averaged

Half-quadratic splitting (PnP-HQS) alternates between the data and the denoiser, here non-local means, which was taught
nothing either. Without a network there is nothing to fit, so the stage is an `Estimate` instead of a `Solve`.
"""

import numpy as np
import torch
import torch.nn.functional as F
from skimage import data
from skimage.io import imsave
from skimage.util import img_as_ubyte

import untaught


class Halved(torch.nn.Module):
    """Means over blocks of two by two pixels."""

    linear = True

    def forward(self, x):
        return F.avg_pool2d(x, 2)

    def image_shape(self, shape):
        return (*shape[:2], 2 * shape[2], 2 * shape[3])


truth = data.camera()[64:256:2, 160:352:2] / 255  # (96, 96)
x = torch.tensor(truth, dtype=torch.float32)[None, None]  # (1, 1, 96, 96)
y = Halved()(x) + 0.02 * torch.randn((1, 1, 48, 48), generator=torch.Generator().manual_seed(0))

problem = untaught.Problem(y, operator=Halved(), likelihood=untaught.Gaussian(0.02))
rounds = untaught.PlugAndPlay(untaught.NonLocalMeans(), levels=(0.1, 0.06, 0.04, 0.03))
solution = untaught.solve(untaught.Job((untaught.Estimate(rounds),), problem))

given, found = F.interpolate(y, scale_factor=2)[0, 0].numpy(), solution.x[0, 0].numpy()
before, after = untaught.psnr(given, truth), untaught.psnr(found, truth)
print(f"{before:.2f} dB as it came, {after:.2f} dB after {len(rounds.levels)} rounds")
panels = np.hstack([given, found, truth]).clip(0, 1)
imsave("plug_and_play.png", img_as_ubyte(panels), check_contrast=False)
