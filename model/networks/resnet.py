# SPDX-License-Identifier: Apache-2.0
"""The full-precision teacher: the same topology with real weights, real activations and BatchNorm.

A pre-activation-free basic-block ResNet (He et al., arXiv 1512.03385, section 4.2) on raw pixels, which a BatchNorm
without parameters standardizes; shortcuts that halve the image average 2x2 pixels and take the channels twice.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wsfracbnn.model.config import NetworkConfig


class BasicBlock(nn.Module):
    """ReLU(BN(conv(ReLU(BN(conv(x))))) + shortcut(x))."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.stride = 1 if in_channels == out_channels else 2
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, self.stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        if self.stride == 2:
            pooled = F.avg_pool2d(x, 2)
            x = torch.cat((pooled, pooled), dim=1)
        return F.relu(branch + x)


class ResNet(nn.Module):
    """The whole teacher. forward: pixels (N, colours, H, W), 0..255 -> logits (N, classes) float32."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.standardize = nn.BatchNorm2d(config.image_channels, affine=False)
        self.conv = nn.Conv2d(config.image_channels, config.widths[0], 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(config.widths[0])
        self.blocks = nn.ModuleList()
        channels = config.widths[0]
        for width, blocks in zip(config.widths, config.blocks, strict=True):
            for _ in range(blocks):
                self.blocks.append(BasicBlock(channels, width))
                channels = width
        self.head = nn.Linear(channels, config.classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pixels: Tensor) -> Tensor:
        x = F.relu(self.norm(self.conv(self.standardize(pixels.float()))))
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.head(x.mean(dim=(2, 3)).float())
        return out

    def set_binary_weights(self, binary: bool) -> None:
        """Nothing to switch: the weights stay real."""

    def gate_means(self) -> Tensor:
        """No gates: shape (0,)."""
        return torch.zeros(0, device=self.head.weight.device)

    def calibrate(self, pixels: Tensor) -> None:
        """Nothing to do: BatchNorm finds the statistics by itself."""
