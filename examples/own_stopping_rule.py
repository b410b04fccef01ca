"""Decide yourself when a run ends.

    x = f_theta(z),    theta_0, theta_1, ..., theta_t        stop at the first t with E <= E at the noise

A rule is a frozen value: it sees an `Iterate`, remembers what it likes in a dictionary that the run saves, and answers with a
`Verdict`. Rules compose with |; whichever speaks first ends the run, and its sentence becomes `solution.reason`.
"""

from dataclasses import dataclass

import numpy as np
import torch
from skimage import data
from skimage.io import imsave
from skimage.util import img_as_ubyte

import untaught


@dataclass(frozen=True)
class Reached(untaught.Rule):
    """Stop when the energy of the data has been at `level` or below for `times` steps in a row."""

    level: float
    times: int = 3

    def init(self):
        return {"row": 0}

    def step(self, state, iterate):
        row = state["row"] + 1 if iterate.fit <= self.level else 0
        reason = f"the energy was at most {self.level:g} for {row} steps" if row >= self.times else None
        return {"row": row}, untaught.Verdict(score=iterate.fit, stop=reason)


truth = data.camera()[64:256:2, 160:352:2] / 255  # (96, 96)
x = torch.tensor(truth, dtype=torch.float32)[None, None]  # (1, 1, 96, 96)
y = x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))

net = untaught.Network(untaught.Hourglass(down=(16, 16, 16)), untaught.Noise(8))
method = untaught.Method(
    net,
    optimiser=untaught.Adam(0.02),
    average=untaught.ExponentialPictures(0.9),
    stop=Reached(0.55) | untaught.After(200),
)
solution = untaught.solve(untaught.Problem(y, likelihood=untaught.Gaussian(0.1)), method)

given, found = y[0, 0].numpy(), solution.x[0, 0].numpy()
before, after = untaught.psnr(given, truth), untaught.psnr(found, truth)
print(f"{before:.2f} dB before, {after:.2f} dB after {solution.step} steps: {solution.reason}")
panels = np.hstack([given, found, truth]).clip(0, 1)
imsave("own_stopping_rule.png", img_as_ubyte(panels), check_contrast=False)
