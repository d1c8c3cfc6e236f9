# SPDX-License-Identifier: Apache-2.0
"""The operation counter against counts worked out by hand for CIFAR's ResNet-20."""

from __future__ import annotations

import pytest

from wsfracbnn.model.checkpoint import Checkpoint
from wsfracbnn.model.config import NetworkConfig, resnet20
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.networks.wsfracbnn import WSFracBNN
from wsfracbnn.model.operations import count_fracbnn, count_wsfracbnn, load_ratio, other_load_ratios, total

GATES = [0.4] * 18


def test_msb_convolutions_of_resnet20() -> None:
    """Input 32*32*16*864; 6 + 5 + 5 convolutions of 2,359,296 MACs and two strided ones of half as many."""
    for count in (count_wsfracbnn, count_fracbnn):
        layers = count(resnet20(100), GATES)
        assert layers[0].msb == 14_155_776
        assert total(layers).msb == 54_263_808 == 14_155_776 + 16 * 2_359_296 + 2 * 1_179_648
        assert total(layers).lsb == pytest.approx(0.4 * (54_263_808 - 14_155_776))


def test_flops_of_the_baseline() -> None:
    """188,416 outputs of all convolutions, 172,032 of the gated ones."""
    gated = 6 * 16_384 + 6 * 8_192 + 6 * 4_096
    flops = total(count_fracbnn(resnet20(100), GATES)).flops
    assert gated == 172_032
    assert flops == {
        "BatchNorm behind convolutions": 2 * (16_384 + gated),
        "BatchNorm behind residual sums": 2 * gated,
        "RPReLU": 3 * gated,
        "residual sum": gated,
        "average pooling": 4 * (16 * 16 * 16 + 32 * 8 * 8),
        "head": 2 * 64 * 100 + 64 * 64,
    }


def test_ours_has_no_floating_point_operation() -> None:
    assert sum(total(count_wsfracbnn(resnet20(100), GATES)).flops.values()) == 0


def test_load_ratio_at_the_same_gate_fraction() -> None:
    ours, baseline = count_wsfracbnn(resnet20(100), GATES), count_fracbnn(resnet20(100), GATES)
    assert total(ours).load == pytest.approx((54_263_808 + 16_043_212.8) / 64)
    assert load_ratio(ours, baseline) == pytest.approx(0.433, abs=0.005)


def test_the_load_counted_in_other_ways() -> None:
    """By hand: 344,064 operations of BatchNorm behind sums, and all of our integer additions."""
    ours, baseline = count_wsfracbnn(resnet20(100), GATES), count_fracbnn(resnet20(100), GATES)
    folded, added = other_load_ratios(ours, baseline).values()
    assert folded == pytest.approx(total(ours).load / (total(baseline).load - 344_064))
    assert added == pytest.approx((total(ours).load + total(ours).adds) / total(baseline).load)
    assert (round(folded, 3), round(added, 3)) == (0.498, 0.968)


def test_binary_weights_are_counted_once_each(digits_description: NetworkDescription) -> None:
    """Parameters equal the numbers in the description."""
    config = NetworkConfig(8, 8, 1, 16, (16, 32), (1, 1), 10)
    layers = count_wsfracbnn(config, [0.4] * 4)
    assert total(layers).parameters == sum(array.size for array in digits_description.arrays().values())


def test_a_closed_gate_costs_nothing_and_an_open_one_a_whole_pass(digits_checkpoint: Checkpoint) -> None:
    config = digits_checkpoint.config
    assert isinstance(digits_checkpoint.network(), WSFracBNN)
    closed, opened = (total(count_wsfracbnn(config, [g] * 4)) for g in (0.0, 1.0))
    assert closed.lsb == 0
    assert opened.lsb == opened.msb - count_wsfracbnn(config, [0.0] * 4)[0].msb
