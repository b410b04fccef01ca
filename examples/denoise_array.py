"""Remove the noise of an array.

    x* = argmin_x E(x, y),    x = f(y)        A is the identity, E Gaussian noise of known sigma

One call does it: `untaught.denoise` takes an array or the path of a file and gives back the same type, range and layout. Leave
out `sigma`, and the noise is measured. Thirty steps are for a quick look; without `steps` the preset takes its own number.
"""

import numpy as np
from skimage import data
from skimage.io import imsave

import untaught

original = data.chelsea()[64:128, 148:228]
noise = np.random.default_rng(0).normal(0, 25, original.shape)
noisy = np.clip(original + noise, 0, 255).round().astype(np.uint8)

clean = untaught.denoise(noisy, sigma=25 / 255, steps=30)

before, after = untaught.psnr(noisy, original), untaught.psnr(clean, original)
print(f"{before:.2f} dB before, {after:.2f} dB after; {clean.dtype}, {clean.shape}")
imsave("denoise_array.png", np.hstack([noisy, clean, original]), check_contrast=False)
