# SPDX-License-Identifier: Apache-2.0
"""Random networks that reach every corner of the contract, for tests, and for measuring hardware, without training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.contract import SCALE_LIMIT, factor_limit
from wsfracbnn.model.description import ConvLayer, InputLayer, NetworkDescription
from wsfracbnn.model.lower import lower_network
from wsfracbnn.model.networks.layers import BinaryWSConv2d, ScalePath
from wsfracbnn.model.networks.wsfracbnn import WSFracBNN


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
    for stage in network.residual_stages():
        _fit_scale(stage.gated.conv, stage.path)
    for stage in network.residual_stages() if wild else ():
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


def random_multiplied(
    config: NetworkConfig, seed: int, factor_bits: int, name: str = "multiplied"
) -> NetworkDescription:
    """`random_description` in the multiplied form, with factors of all their bits: about as large as they were.

    The largest and the smallest factor there can be occur in every layer.
    """
    generator, limit = np.random.default_rng(seed), factor_limit(factor_bits)
    description = random_description(config, seed, name)
    finer = factor_bits - 1 - SCALE_LIMIT.bit_length()
    for layer_name, layer in description.named_layers():
        if not isinstance(layer, (InputLayer, ConvLayer)):
            continue
        scale = np.clip((layer.scale << finer) + generator.integers(0, 1 << finer, len(layer.scale)), -limit, limit)
        scale[0], scale[-1] = limit, -limit
        changes: dict[str, Any] = {"factor_bits": factor_bits, "scale": scale, "scale_shift": layer.scale_shift + finer}
        if isinstance(layer, ConvLayer):
            slope = generator.integers(-limit, limit, len(layer.slope), endpoint=True)
            changes |= {"slope": slope, "slope_shift": factor_bits - 2}
        description = description.with_layer(layer_name, **changes)
    return description
