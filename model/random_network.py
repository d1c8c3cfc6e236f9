# SPDX-License-Identifier: Apache-2.0
"""Random networks that reach every corner of the contract, for tests, and for measuring hardware, without training."""

from __future__ import annotations

import torch

from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.lower import lower_network
from wsfracbnn.model.networks.layers import BinaryWSConv2d, ScalePath
from wsfracbnn.model.networks.wsfracbnn import ResidualConv, WSFracBNN


@torch.no_grad()
def random_network(config: NetworkConfig, seed: int, wild: bool = True) -> WSFracBNN:
    """A network in eval mode with random parameters, calibrated on random images.

    Args:
        wild: large biases, slopes of both signs, gates that never or always open and equal thresholds among the
            channels, so that saturation and every branch of the contract occur.
    """
    torch.manual_seed(seed)
    network = WSFracBNN(config)
    shape = (16, config.image_channels, config.image_height, config.image_width)
    network.calibrate(torch.randint(0, 256, shape, dtype=torch.uint8))
    _fit_scale(network.input.conv, network.input.path)
    for stage in network.stages:
        assert isinstance(stage, ResidualConv)
        _fit_scale(stage.gated.conv, stage.path)
    for stage in network.stages:
        assert isinstance(stage, ResidualConv)
        if not wild:
            break
        stage.rprelu.slope.uniform_(-1.9, 1.9)
        stage.rprelu.bias_in.normal_(0, 0.5)
        stage.rprelu.bias_out.normal_(0, 0.5)
        largest = 2.0 ** (config.residual_bits - 1 - config.residual_fraction) * 0.99
        stage.rprelu.bias_out[0] = largest
        stage.rprelu.bias_out[-1] = -largest
        stage.gated.threshold.normal_(0.25, 0.5)
        stage.gated.threshold[0] = -100.0
        stage.gated.threshold[-1] = 100.0
        stage.activation.scale[0] = 0.0
    network.head.bias.normal_()
    return network.eval()


def _fit_scale(conv: BinaryWSConv2d, path: ScalePath) -> None:
    """Bring scales that exceed |M| = 127, as a fan-in of a few bits gives them, back into range."""
    largest = float(path.real(conv.scale()).abs().max())
    conv.gain.mul_(min(1.0, 120.0 / largest))


def random_description(config: NetworkConfig, seed: int, name: str = "random", wild: bool = True) -> NetworkDescription:
    """`random_network` folded."""
    classes = tuple(str(c) for c in range(config.classes))
    return lower_network(random_network(config, seed, wild), name, classes)
