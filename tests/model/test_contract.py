# SPDX-License-Identifier: Apache-2.0
"""The contract's order of weights, from the checkpoint to the words of a ROM, and the page that says it."""

from __future__ import annotations

import itertools

import numpy as np

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.model.checkpoint import Checkpoint
from wsfracbnn.model.contract import window_order
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.networks.wsfracbnn import WSFracBNN


def test_weights_keep_one_order_from_checkpoint_to_rom(
    digits_checkpoint: Checkpoint, digits_description: NetworkDescription
) -> None:
    """Sign of W[o, c, ky, kx] == description[o, c, 3 ky + kx] == bit 9 c + 3 ky + kx of filter o in the weight ROM."""
    network = digits_checkpoint.network()
    assert isinstance(network, WSFracBNN)
    design = build_design(digits_description, preset(digits_description, "auto"))
    for layer, stage, torch_stage in zip(digits_description.convs, design.convs, network.stages, strict=True):
        signs = torch_stage.gated.conv.signs().numpy()  # type: ignore[union-attr, operator]
        assert layer.weights.dtype == np.int8
        assert layer.weights.shape == (*signs.shape[:2], 9)
        words, engine = stage.engine.weights.words, stage.engine
        slots = len(words[0]) // engine.groups
        filters, channels = (0, 5, layer.out_channels - 1), (0, layer.in_channels - 1)
        for o, c, ky, kx in itertools.product(filters, channels, range(3), range(3)):
            assert layer.weights[o, c, 3 * ky + kx] == signs[o, c, ky, kx]
            chunk, bit = divmod(9 * c + 3 * ky + kx, engine.simd)
            word = words[o % engine.pe][o // engine.pe * slots + chunk]
            assert (word >> bit & 1) == (signs[o, c, ky, kx] > 0)


def test_window_order_counts_taps_row_by_row() -> None:
    kernel = np.arange(2 * 3 * 9).reshape(2, 3, 3, 3)
    assert window_order(kernel)[1, 2].tolist() == kernel[1, 2].reshape(-1).tolist()
    assert window_order(kernel).shape == (2, 3, 9)


def test_the_page_says_the_order_and_no_other() -> None:
    page = (ROOT / "docs" / "numeric-contract.md").read_text()
    assert "bit 9 c + t of a" in " ".join(page.split())
    assert "(3 ky + kx) * C + c" not in page
    assert "K = 16" in page
