"""Fill holes, and ask whether to believe the result.

    x* = argmin_x E(w x, w y),    x = f(z)        w is 0 where the mask is white

`untaught.inpaint.job` composes the problem without running it, `solve` runs it, and `report` judges the solution from the data
alone: a verdict in words, the figures behind it, and one HTML page with the residual and the curves.
"""

from pathlib import Path

import numpy as np
from skimage import data
from skimage.io import imsave

import untaught

original = data.chelsea()[64:104, 160:216]
mask = np.zeros(original.shape[:2], bool)
mask[::12, :] = mask[:, ::16] = mask[22:30, 30:40] = True  # scratches, and a hole
damaged = np.where(mask[..., None], 255, original).astype(np.uint8)

job = untaught.inpaint.job(damaged, mask=mask, steps=8)
solution = untaught.solve(job)
filled = job.result(solution.x)  # what untaught.inpaint returns; known pixels are kept as they are

report = untaught.report(solution)
print(report.verdict)
Path("inpaint_report.html").write_text(report.to_html(), encoding="utf-8")

before, after = untaught.psnr(damaged, original), untaught.psnr(filled, original)
print(f"{before:.2f} dB before, {after:.2f} dB after")
imsave("inpaint_report.png", np.hstack([damaged, filled, original]), check_contrast=False)
