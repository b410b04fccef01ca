"""Say how the noise came about.

    x* = argmin_x sum(A x - y log A x),    x = f(z)        y are counts of photons: Poisson noise

Such noise grows with brightness, so that least squares would trust bright parts too much and dark ones too little. The likelihood
of counts weighs them rightly. It also knows which energy the true picture would have; there `Discrepancy` ends the run.
"""

import numpy as np
import torch
from skimage import data
from skimage.io import imsave
from skimage.util import img_as_ubyte

import untaught

truth = data.camera()[64:256:2, 160:352:2] / 255  # (96, 96)
x = torch.tensor(truth, dtype=torch.float32)[None, None]  # (1, 1, 96, 96)
peak = 20  # photons where x is 1
counts = torch.poisson(peak * x, generator=torch.Generator().manual_seed(0))

problem = untaught.Problem(counts / peak, likelihood=untaught.Poisson(gain=peak))
method = untaught.Method(
    untaught.Network(untaught.Hourglass(down=(16, 16, 16)), untaught.Noise(8)),
    optimiser=untaught.Adam(0.02),
    average=untaught.ExponentialPictures(0.9),
    stop=untaught.Discrepancy() | untaught.After(200),
)
solution = untaught.solve(problem, method)

given, found = (counts / peak)[0, 0].numpy(), solution.x[0, 0].numpy()
before, after = untaught.psnr(given, truth), untaught.psnr(found, truth)
print(f"{before:.2f} dB before, {after:.2f} dB after {solution.step} steps: {solution.reason}")
panels = np.hstack([given, found, truth]).clip(0, 1)
imsave("photon_counts.png", img_as_ubyte(panels), check_contrast=False)
