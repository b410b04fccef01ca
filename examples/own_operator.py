"""Bring an operator of your own.

    x* = argmin_x E(A x, y),    x = f(z)        A is a camera that moved; any differentiable module will do

`untaught` has never heard of this blur. It needs `forward`, and nothing else: the gradient of A x is PyTorch's. The network
starts from random weights, and the run ends where its pictures have stopped changing (here: after 200 steps at the latest).
"""

import numpy as np
import torch
from skimage import data
from skimage.io import imsave
from skimage.util import img_as_ubyte

import untaught


class Moved(torch.nn.Module):
    """Nine pixels of horizontal motion."""

    def forward(self, x):
        return torch.nn.functional.avg_pool2d(x, (1, 9), stride=1, padding=(0, 4), count_include_pad=False)


truth = data.camera()[64:256:2, 160:352:2] / 255  # (96, 96)
x = torch.tensor(truth, dtype=torch.float32)[None, None]  # (1, 1, 96, 96)
y = Moved()(x) + 0.01 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))

method = untaught.Method(
    untaught.Network(untaught.Hourglass(down=(16, 16, 16)), untaught.Noise(8)),
    optimiser=untaught.Adam(0.02),
    average=untaught.ExponentialPictures(0.9),
    stop=untaught.WindowedVariance(window=30, patience=60) | untaught.After(200),
)
solution = untaught.solve(untaught.Problem(y, operator=Moved(), likelihood=untaught.Gaussian(0.01)), method)

given, found = y[0, 0].numpy(), solution.x[0, 0].numpy()
before, after = untaught.psnr(given, truth), untaught.psnr(found, truth)
print(f"{before:.2f} dB before, {after:.2f} dB after: {solution.reason}")
panels = np.hstack([given, found, truth]).clip(0, 1)
imsave("own_operator.png", img_as_ubyte(panels), check_contrast=False)
