# SPDX-License-Identifier: Apache-2.0
"""Networks that cannot be built are refused when they are described; constants beyond their widths before use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wsfracbnn.model import golden
from wsfracbnn.model.config import NetworkConfig, resnet20
from wsfracbnn.model.contract import head_room
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.limits import MAX_COLOURS, require_in_range
from wsfracbnn.model.lower import lower_network
from wsfracbnn.model.random_network import random_multiplied, random_network


@pytest.mark.parametrize(
    "height, width, widths, blocks, bits, room",
    [
        (20, 20, (2,), (1,), 24, 0),  # 400 * 2^23 is more than a logit holds
        (256, 260, (2,), (1,), 16, 0),
        (256, 256, (2,), (1,), 16, 0),  # 2^31 exactly
        (32, 32, (1024,), (1,), 16, 63),  # weights for 63 of 1,024 channels
        (4, 4, (64,), (1,), 24, 15),
    ],
)
def test_a_head_without_room_for_weights_is_refused(
    height: int, width: int, widths: tuple[int, ...], blocks: tuple[int, ...], bits: int, room: int
) -> None:
    message = rf"'residual_bits'.*{height * width} pixels of {bits} bits.* may add up to {room} in magnitude, expected"
    with pytest.raises(InputError, match=message):
        NetworkConfig(height, width, 1, 2, widths, blocks, 2, residual_bits=bits)


def test_the_bound_is_the_overflow_of_a_logit() -> None:
    for pixels, bits in ((400, 16), (64, 16), (255, 24), (1, 8)):
        room = head_room(pixels, bits)
        assert room * pixels * 2 ** (bits - 1) < 2**31 <= (room + 1) * pixels * 2 ** (bits - 1)


def test_networks_at_the_bound_keep_weights_in_the_head() -> None:
    for config in (
        NetworkConfig(16, 15, 1, 2, (2,), (1,), 2, residual_bits=24),
        NetworkConfig(1, 1, 1, 2, (510,), (1,), 2, residual_bits=24),
    ):
        description = lower_network(random_network(config, 1, wild=False), "bound", ("a", "b"))
        assert description.head.weights.any()
    resnet20(100, width=256)  # the widest that is mentioned anywhere


def test_more_colours_than_simulate_are_refused() -> None:
    NetworkConfig(1, 1, MAX_COLOURS, 1, (1,), (1,), 2)
    with pytest.raises(InputError, match=f"key 'image_channels': found {MAX_COLOURS + 1}, expected"):
        NetworkConfig(1, 1, MAX_COLOURS + 1, 1, (1,), (1,), 2)


def changed(values: np.ndarray[Any, Any], value: int) -> np.ndarray[Any, Any]:
    """One of the values replaced."""
    result = values.copy()
    result.flat[-1] = value
    return result


@pytest.mark.parametrize(
    "layer, field, value",
    [
        ("input", "scale", 128),
        ("input", "bias_in", 1 << 15),
        ("stage_01", "thresholds", 10**18),
        ("stage_01", "gate", 2**32),  # 0 as an int32
        ("stage_01", "gate", -(10**18)),
        ("stage_02", "slope", -128),
        ("stage_02", "scale", 2**40),
        ("stage_02", "bias_out", -(1 << 15) - 1),
        ("head", "weights", 128),
        ("head", "bias", 2**31),
    ],
)
@pytest.mark.parametrize("use", [golden.run, golden.run_logits])
def test_a_constant_beyond_its_width_is_refused(
    tiny: NetworkDescription, use: Callable[..., object], layer: str, field: str, value: int
) -> None:
    values = getattr(dict(tiny.named_layers())[layer], field)
    wrong = tiny.with_layer(layer, **{field: changed(values, value)})
    with pytest.raises(InputError, match=rf"{layer}\.{field}: found {value}, expected"):
        use(wrong, np.zeros((1, 4, 4, 1), np.uint8))


@pytest.mark.parametrize(
    "layer, field, value, limits",
    [
        ("input", "scale", 1 << 17, "-131071 to 131071"),
        ("input", "scale_shift", 32, "0 to 31"),
        ("stage_01", "slope", -(1 << 17), "-131071 to 131071"),
        ("stage_02", "slope_shift", 17, "1 to 16"),  # 2^17 is no factor of 18 bits
        ("stage_02", "slope_shift", 0, "1 to 16"),
        ("stage_03", "factor_bits", 19, "4 to 18"),
    ],
)
def test_what_the_multiplied_form_holds_is_bounded_too(layer: str, field: str, value: int, limits: str) -> None:
    config = NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3)
    description = random_multiplied(config, 3, factor_bits=18)
    require_in_range(description)
    given = getattr(dict(description.named_layers())[layer], field)
    wrong = description.with_layer(layer, **{field: value if isinstance(given, int) else changed(given, value)})
    with pytest.raises(InputError, match=rf"{layer}\.{field}: found {value}, expected {limits}"):
        require_in_range(wrong)


def test_products_of_18_bits_do_not_wrap() -> None:
    """V * N is more than an int32, which no product of signed digits is."""
    description = random_multiplied(NetworkConfig(4, 4, 1, 64, (32, 64), (1, 1), 3), 3, factor_bits=18)
    images = np.full((1, 4, 4, 1), 255, np.uint8)
    description = description.with_layer(description.names[-2], scale_shift=2)
    layer = description.convs[-1]
    trace = list(golden.run(description, images).layers.values())
    accumulator = trace[-1].accumulator
    assert accumulator is not None
    v = (accumulator.astype(object) * layer.scale + (1 << layer.scale_shift >> 1)) // (1 << layer.scale_shift)
    v = v + layer.bias_in
    assert np.abs(v * layer.slope.astype(object)).max() > 2**31
    v = np.where(v >= 0, v, v * layer.slope.astype(object) // (1 << layer.slope_shift)) + layer.bias_out
    expected = np.clip(v + trace[-2].output, -(1 << 15), (1 << 15) - 1)
    assert np.array_equal(trace[-1].output, expected)


def test_thresholds_out_of_order_and_heads_that_overflow_are_refused(tiny: NetworkDescription) -> None:
    first = tiny.convs[0]
    with pytest.raises(InputError, match=r"stage_01\.thresholds: expected T1 <= T2 <= T3"):
        require_in_range(tiny.with_layer("stage_01", thresholds=first.thresholds[:, ::-1] + np.array([2, 1, 0])))
    with pytest.raises(InputError, match=r"head: a logit may come to \d+, expected less than 2\^31"):
        require_in_range(tiny.with_layer("head", bias=changed(tiny.head.bias, 2**31 - 1)))
