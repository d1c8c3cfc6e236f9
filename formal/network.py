# SPDX-License-Identifier: Apache-2.0
"""Stages of small networks, emitted for a proof by the project's own generator."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.stages import ConvStage
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_description

BITS = 8
"""Width of the residual stream, which no property of the handshakes depends on."""

SEED = 7

NETWORK = ("HEIGHT", "WIDTH", "CHANNELS", "UNROLLED", "DEPTH")
"""The parameters that a network is made of."""

FOLDS = ("small", "unrolled")
"""The preset that each value of the parameter UNROLLED stands for."""


def first_conv_stage(sizes: Mapping[str, int]) -> tuple[str, ConvStage]:
    """Name and stage of the first convolution of a network, with the skip FIFO that the sizes ask for."""
    return _built(_network(sizes))[:2]


def conv_stage_sources(sizes: Mapping[str, int]) -> dict[str, str]:
    """Verilog of a network whose first convolution has the skip FIFO that the sizes ask for.

    Args:
        sizes: HEIGHT and WIDTH of the image, CHANNELS of the stage, UNROLLED as in FOLDS, DEPTH of the FIFO: the least
            one that does not deadlock, as the generator computes it, or the one that it builds.
    Raises:
        InputError: DEPTH is neither.
    """
    return dict(_built(_network(sizes))[2])


def _network(sizes: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(sizes[name] for name in NETWORK)


@functools.cache
def _built(network: tuple[int, ...]) -> tuple[str, ConvStage, Mapping[str, str]]:
    size = dict(zip(NETWORK, network, strict=True))
    config = NetworkConfig(
        size["HEIGHT"], size["WIDTH"], 1, 1, (size["CHANNELS"],), (1,), 2, residual_bits=BITS, residual_fraction=2
    )
    description = random_description(config, seed=SEED)
    design = build_design(description, choose_folding(description, FOLDS[size["UNROLLED"]]))
    first, conv, *others = design.stages
    assert isinstance(conv, ConvStage)
    if (depth := size["DEPTH"]) not in (expected := (conv.skip_minimum, conv.skip_depth)):
        raise InputError(
            f"formal: found DEPTH {depth}, expected {expected[0]} or {expected[1]}, as the generator computes"
        )
    asked = dataclasses.replace(conv, skip_depth=depth)
    return conv.name, asked, design_sources(dataclasses.replace(design, stages=(first, asked, *others)))
