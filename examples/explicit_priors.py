"""Say what you want of the picture, beside the data.

    x* = argmin_x E(x, y) + 8 TV(x) + 4 Smooth(x),    x the pixels themselves

Regularisers add up and take weights, as in the formula. Here they stand alone (`Pixels`); with `Network` in its place the same line
adds them to the network's own prior.
"""

import numpy as np
import torch
from skimage import data
from skimage.io import imsave
from skimage.util import img_as_ubyte

import untaught

truth = data.camera()[64:256:2, 160:352:2] / 255  # (96, 96)
x = torch.tensor(truth, dtype=torch.float32)[None, None]  # (1, 1, 96, 96)
y = x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))

problem = untaught.Problem(
    y,
    likelihood=untaught.Gaussian(0.1),
    regulariser=8 * untaught.TV() + 4 * untaught.Smooth(),
)
method = untaught.Method(
    untaught.Pixels(), optimiser=untaught.Adam(0.01), average=untaught.Last(), stop=untaught.After(150)
)
solution = untaught.solve(problem, method)

given, found = y[0, 0].numpy(), solution.x[0, 0].numpy()
before, after = untaught.psnr(given, truth), untaught.psnr(found, truth)
print(f"{before:.2f} dB before, {after:.2f} dB after {solution.step} steps")
panels = np.hstack([given, found, truth]).clip(0, 1)
imsave("explicit_priors.png", img_as_ubyte(panels), check_contrast=False)
