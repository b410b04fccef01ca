"""VGG-16: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015.

Names of the weights: torchvision's.
"""

from __future__ import annotations

from torch import Tensor, nn

from untaught.problem.classifiers._base import Classifier

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VGG(nn.Module):
    """(b, 3, h, w), h and w at least 32, -> (b, 1000), or the pooled convolutions (b, 25088) where not `whole`."""

    def __init__(self, whole: bool = True, blocks: tuple[tuple[int, ...], ...] = BLOCKS) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        cin = 3
        for block in blocks:
            for cout in block:
                layers += [nn.Conv2d(cin, cout, 3, padding=1), nn.ReLU()]
                cin = cout
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        hidden = 4096
        self.classifier = (
            nn.Sequential(
                nn.Linear(cin * 7 * 7, hidden),
                nn.ReLU(),
                nn.Dropout(),
                nn.Linear(hidden, hidden),
                nn.ReLU(),
                nn.Dropout(),
                nn.Linear(hidden, 1000),
            )
            if whole
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def _aliases() -> dict[str, str]:
    """conv1_1, relu1_1, ..., pool5, fc6, fc7, fc8, as the paper counts them."""
    names = {"fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6"}
    at = 0
    for i, block in enumerate(BLOCKS, 1):
        for j, _ in enumerate(block, 1):
            names |= {f"conv{i}_{j}": f"features.{at}", f"relu{i}_{j}": f"features.{at + 1}"}
            at += 2
        names[f"pool{i}"] = f"features.{at}"
        at += 1
    return names


CLASSIFIER = Classifier(
    "vgg16", VGG, "Simonyan and Zisserman 2015", ("vgg16",), logits="classifier.6", layer="conv4_2", aliases=_aliases()
)
