"""SqueezeNet 1.0: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016.

Names of the weights: torchvision's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from untaught.problem.classifiers._base import Classifier


class Fire(nn.Module):
    """A 1x1 squeeze, then 1x1 and 3x3 convolutions side by side: (b, cin, h, w) -> (b, 2 expand, h, w)."""

    def __init__(self, cin: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(cin, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], 1)


class SqueezeNet(nn.Module):
    """(b, 3, h, w), h and w at least 21, -> (b, 1000)."""

    def __init__(self, whole: bool = True) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 7, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(96, 16, 64),
            Fire(128, 16, 64),
            Fire(128, 32, 128),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(256, 32, 128),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(512, 64, 256),
        )
        last = [nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)]
        self.classifier = nn.Sequential(*last) if whole else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x)).flatten(1)


# The last activation cuts off what is below 0, and its gradient: classes are judged one layer before.
CLASSIFIER = Classifier(
    "squeezenet1_0",
    SqueezeNet,
    "Iandola et al. 2016",
    ("squeezenet1_0",),
    logits="classifier.1",
    layer="fire5",
    aliases={
        **{"conv1": "features.0", "conv10": "classifier.1"},
        **{f"fire{i}": f"features.{at}" for i, at in enumerate((3, 4, 5, 7, 8, 9, 10, 12), 2)},
    },
)
