"""Ask how far each pixel may be off.

    x* = argmin_x E(x, y),    x = f(y);    |x* - x| <= q s at 90 % of the pixels

s is how much samples of the picture vary, q one factor from measurements that no run has seen. Here the truth is known, so
that the share of it which the intervals really hold can be told.
"""

import numpy as np
from skimage import data
from skimage.io import imsave

import untaught

original = data.camera()[64:320:5, 160:416:5]
noise = np.random.default_rng(0).normal(0, 25, original.shape)
noisy = np.clip(original + noise, 0, 255).round().astype(np.uint8)

job = untaught.denoise.job(noisy, sigma=25 / 255, steps=40)
found = untaught.uncertainty(job)  # mean, deviation, lower, upper: (1, 1, 52, 52), full scale is 1
clean = job.result(found.mean)  # as untaught.denoise returns it

lower, upper = (255 * end[0, 0].numpy() for end in (found.lower, found.upper))
share = np.mean((lower <= original) & (original <= upper))
before, after = untaught.psnr(noisy, original), untaught.psnr(clean, original)
print(f"{before:.2f} dB before, {after:.2f} dB after; the 90 % intervals hold {100 * share:.0f} % of the truth")
print(found.note)
doubt = (255 * found.deviation / found.deviation.max())[0, 0].numpy().round().astype(np.uint8)
imsave("uncertainty.png", np.hstack([noisy, clean, doubt, original]), check_contrast=False)
