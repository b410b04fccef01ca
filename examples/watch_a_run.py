"""Watch a run, stop it, and finish it later.

    theta_t+1 = theta_t - step(grad E)        t = 1, 2, ...; the loop is yours

A `Run` is an iterator: pausing is not calling `next`. `state_dict` holds all that the next step depends on, so that a run which is
loaded and finished ends at the same bits as one that was never stopped.
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
method = untaught.Method(
    untaught.Network(untaught.Hourglass(down=(16, 16, 16)), untaught.Noise(8)),
    optimiser=untaught.Adam(0.02),
    average=untaught.ExponentialPictures(0.9),
    stop=untaught.After(90),
)
job = untaught.Job((untaught.Solve(method),), untaught.Problem(y, likelihood=untaught.Gaussian(0.1)))

run, previews = untaught.Run(job), []
for iterate in run:
    if iterate.step in (10, 40):
        previews.append(iterate.preview()[0, 0].numpy())
        print(f"step {iterate.step}: energy {iterate.energy:.3f}, {untaught.psnr(previews[-1], truth):.2f} dB")
    if iterate.step == 40:
        break
saved = run.state_dict()  # torch.save(saved, ...) keeps it

later = untaught.Run(job)
later.load_state_dict(saved)
list(later)  # to the end
given, found = y[0, 0].numpy(), later.solution.x[0, 0].numpy()
before, after = untaught.psnr(given, truth), untaught.psnr(found, truth)
print(f"{before:.2f} dB before, {after:.2f} dB at the end: {later.solution.reason}")

list(run)  # the one that was only paused
assert torch.equal(run.solution.x, later.solution.x)
panels = np.hstack([given, *previews, found, truth]).clip(0, 1)
imsave("watch_a_run.png", img_as_ubyte(panels), check_contrast=False)
