"""AlexNet, in its one-column form.

Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014. Names of the weights: torchvision's.
"""

from __future__ import annotations

from torch import Tensor, nn

from untaught.problem.classifiers._base import Classifier

CHANNELS = (64, 192, 384, 256, 256)


class AlexNet(nn.Module):
    """(b, 3, h, w), h and w at least 63, -> (b, 1000), or the pooled convolutions (b, 9216) where not `whole`."""

    def __init__(self, whole: bool = True) -> None:
        super().__init__()
        a, b, c, d, e = CHANNELS
        self.features = nn.Sequential(
            nn.Conv2d(3, a, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(a, b, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(b, c, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(c, d, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(d, e, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        hidden = 4096
        self.classifier = (
            nn.Sequential(
                nn.Dropout(),
                nn.Linear(e * 6 * 6, hidden),
                nn.ReLU(),
                nn.Dropout(),
                nn.Linear(hidden, hidden),
                nn.ReLU(),
                nn.Linear(hidden, 1000),
            )
            if whole
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


_CONVOLUTIONS = (0, 3, 6, 8, 10)
CLASSIFIER = Classifier(
    "alexnet",
    AlexNet,
    "Krizhevsky 2014",
    ("alexnet",),
    logits="classifier.6",
    layer="conv4",
    aliases={
        **{f"conv{i}": f"features.{at}" for i, at in enumerate(_CONVOLUTIONS, 1)},
        **{f"relu{i}": f"features.{at + 1}" for i, at in enumerate(_CONVOLUTIONS, 1)},
        **{"pool1": "features.2", "pool2": "features.5", "pool5": "features.12"},
        **{"fc6": "classifier.1", "fc7": "classifier.4", "fc8": "classifier.6"},
        **{"relu6": "classifier.2", "relu7": "classifier.5"},
    },
)
