"""Super-resolution: figure 5 with its baselines, and the tables of Set5 and Set14, in their own protocol."""

from __future__ import annotations

from functools import partial

from untaught.bench.figures._base import Figure, Panel, Size
from untaught.bench.figures._pictures import Light, cases, scored

ZEBRA = {"set14/zebra.bmp": "astronaut"}
SEVEN = {
    "set5/baby_GT.bmp": "astronaut",
    "set5/bird_GT.bmp": "chelsea",
    "set5/butterfly_GT.bmp": "coffee",
    "set14/comic.bmp": "rocket",
    "set14/foreman.bmp": "camera",
    "set14/monarch.bmp": "moon",
    **dict.fromkeys(ZEBRA, "coins"),
}


def _panels(size: Size, wanted: dict[str, str], factor: float, side: int, light: Light) -> list[Panel]:
    found = cases("upscale", wanted, size, side, factor=factor)
    return [scored("upscale", case, size, light, classics=("bicubic", "no prior", "tv")) for case in found]


_PROTOCOL = (
    "The small picture is Pillow's LANCZOS of the clean one, and PSNR is that of the luminance, 4 pixels of the "
    "border left out, as in the published tables. TV has its best weight, chosen with the clean picture."
)
FIGURES = (
    Figure(
        "fig5",
        "figure 5",
        "Super-resolution, four times, and what the prior is worth",
        "The same data term with three priors: none (ringing), total variation (patches), a network (edges). "
        + _PROTOCOL,
        partial(_panels, wanted=ZEBRA, factor=4.0, side=192, light=Light(600)),
    ),
    Figure(
        "x4",
        "supplement, x4",
        "The table of super-resolution, four times",
        _PROTOCOL + " The published means over all of Set5 and Set14 are 29.90 and 27.00 dB.",
        partial(_panels, wanted=SEVEN, factor=4.0, side=128, light=Light(400)),
    ),
    Figure(
        "x8",
        "supplement, x8",
        "The table of super-resolution, eight times",
        _PROTOCOL,
        partial(_panels, wanted=SEVEN, factor=8.0, side=128, light=Light(400)),
    ),
)
