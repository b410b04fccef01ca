"""Tomography from few views.

    x* = argmin_x E(A x, y) + R(x),    A the Radon transform        y holds 20 views where 150 would be usual

`reconstruct` takes any operator: one of untaught's, a matrix of SciPy's, an operator of PyLops', a module. It finds the units of
the picture, and by measurements that are held out how loud the noise is, from the data alone.
"""

import numpy as np
import torch
from skimage import data, transform
from skimage.io import imsave
from skimage.util import img_as_ubyte

import untaught

truth = transform.resize(data.shepp_logan_phantom(), (96, 96), anti_aliasing=True)  # (96, 96)
angles = np.arange(0, 180, 9)  # 20 views
radon = untaught.Radon(angles, detectors=96)
exact = radon(torch.tensor(truth, dtype=torch.float32)[None, None])[0, 0].numpy()  # (20, 96)
sinogram = exact + 0.2 * np.random.default_rng(0).normal(size=exact.shape)

given = transform.iradon(sinogram.T, angles, circle=True)  # filtered back-projection
found = untaught.reconstruct(sinogram, operator=radon, preset="instant")

before, after = untaught.psnr(given.clip(0, 1), truth), untaught.psnr(found.clip(0, 1), truth)
print(f"{before:.2f} dB by filtered back-projection, {after:.2f} dB by total variation")
panels = np.hstack([given, found, truth]).clip(0, 1)
imsave("few_views.png", img_as_ubyte(panels), check_contrast=False)
