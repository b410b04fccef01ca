"""Noise that lies over all of a picture makes no part of it quieter than it is by itself.

Under whatever is independent of them, normal values are small no more often than they are alone (Anderson, Proceedings of the AMS
1955), and so are their differences. No quantile of the differences of neighbours in a picture is less than that of its noise alone:
where one is, edges or patterns were taken for noise.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from untaught.core.geometry import box

QUANTILES = 0.1, 0.25, 0.5
# Pixels from black and white; share of a picture that is so far, below which it tells little of the rest.
FAR, SHARE = 2, 1 / 3
CLASSES = 8  # of brightness, equally many differences each
ENOUGH = 400  # differences of a part, below which their quantiles say little
MOST = 1 << 20  # of them that are sorted


def shown(x: Tensor, drawn: Tensor) -> float:
    """How much of noise as `drawn` the pictures x (b, c, h, w) of [0, 1] leave room for, by their differences along either axis:
    the least of the quantiles, over the noise's own, in the part that leaves most. Parts are quarters, since another may be without
    noise, and classes of brightness, with which it may grow.

    1.0 where too little is far from black and white, where noise is cut off. What is 0 was rounded, and says nothing.
    """
    ends = F.max_pool2d(((x <= 0) | (x >= 1)).any(1, keepdim=True).to(x.dtype), 2 * FAR + 1, 1, FAR)
    if ends.mean() > 1 - SHARE:
        return 1.0
    level = box(x.mean(1, keepdim=True), FAR).masked_fill(ends > 0, float("nan"))
    return min(_along(*(v if axis else v.mT for v in (x, drawn, level))) for axis in (0, 1))


def _along(x: Tensor, drawn: Tensor, level: Tensor) -> float:
    seen, usual = (v.diff().abs().movedim(1, -1) for v in (x, drawn))
    level = (level[:, 0, :, 1:] + level[:, 0, :, :-1]) / 2
    places = level.isfinite().nonzero()
    low, right = (places[:, i] >= (level.shape[i] + 1) // 2 for i in (1, 2))
    parts = [*places[level[places.unbind(1)].argsort()].chunk(CLASSES)]
    parts += [places[a & b] for a in (low, ~low) for b in (right, ~right)]
    wanted, ratios = torch.tensor(QUANTILES).to(x), []
    for part in parts:
        a, b = (v[part.unbind(1)].flatten()[:MOST] for v in (seen, usual))
        if len(a) >= ENOUGH:
            pairs = zip(a.quantile(wanted).tolist(), b.quantile(wanted).tolist(), strict=True)
            ratios.append(min([one / other for one, other in pairs if one > 0 < other], default=1.0))
    return max(ratios, default=1.0)
