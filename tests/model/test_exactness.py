# SPDX-License-Identifier: Apache-2.0
"""PyTorch's eval forward == the integer golden model, every stream, every value."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from wsfracbnn.model import golden
from wsfracbnn.model.checkpoint import Checkpoint
from wsfracbnn.model.config import NetworkConfig, resnet20
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.lower import lower_network
from wsfracbnn.model.networks.wsfracbnn import WSFracBNN
from wsfracbnn.model.random_network import random_description, random_network


def assert_equal_streams(
    network: WSFracBNN, description: NetworkDescription, images: np.ndarray
) -> golden.NetworkTrace:
    """Every stream of both, `==`."""
    trace = golden.run(description, images)
    streams = network.trace(torch.from_numpy(images).permute(0, 3, 1, 2))
    logits = streams.pop("logits").numpy()
    assert list(streams) == list(trace.layers)
    for name, stream in streams.items():
        assert np.array_equal(stream.permute(0, 2, 3, 1).numpy(), trace.layers[name].output), name
    assert np.array_equal(logits, trace.logits)
    logits, gates = golden.run_logits(description, images, batch=7)
    assert np.array_equal(logits, trace.logits)
    assert gates == pytest.approx(trace.gate_fractions(), abs=1e-12)
    return trace


def test_digits_on_all_images(digits_checkpoint: Checkpoint, digits_description: NetworkDescription) -> None:
    network = digits_checkpoint.network()
    assert isinstance(network, WSFracBNN)
    data = load_dataset("digits")
    assert_equal_streams(network, digits_description, data.train_images)
    trace = assert_equal_streams(network, digits_description, data.test_images)
    accuracy = 100 * (trace.classes == data.test_labels).mean()
    assert accuracy == pytest.approx(digits_checkpoint.test_accuracy)
    assert accuracy >= 97.0


def test_the_bundled_network_uses_every_part(digits_description: NetworkDescription) -> None:
    assert any(conv.stride == 2 for conv in digits_description.convs)
    assert any((conv.slope < 0).any() for conv in digits_description.convs)
    data = load_dataset("digits")
    fractions = golden.run(digits_description, data.test_images).gate_fractions()
    assert all(0.2 <= fraction <= 0.6 for fraction in fractions)
    assert fractions == pytest.approx([conv.gate_fraction for conv in digits_description.convs], abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "config",
    [
        NetworkConfig(8, 8, 3, 32, (4, 8), (1, 2), 5),
        NetworkConfig(4, 12, 1, 8, (6,), (1,), 2, residual_bits=12, residual_fraction=6),
        NetworkConfig(8, 4, 2, 128, (3, 6, 12), (1, 1, 1), 7, residual_bits=24, residual_fraction=12),
        NetworkConfig(1, 1, 1, 1, (1,), (1,), 2, residual_bits=8, residual_fraction=4),
        NetworkConfig(2, 2, 1, 16, (256,), (1,), 3),
    ],
    ids=["two-stages", "narrow", "wide-stream", "one-pixel", "split-planes"],
)
def test_random_networks(config: NetworkConfig, seed: int) -> None:
    network = random_network(config, seed)
    description = lower_network(network, "random", tuple("abcdefghij"[: config.classes]))
    shape = (24, config.image_height, config.image_width, config.image_channels)
    images = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    images[0], images[1] = 0, 255
    trace = assert_equal_streams(network, description, images)
    high = (1 << (config.residual_bits - 1)) - 1
    if seed == 0 and config.widths[0] > 1:
        outputs = np.concatenate([stage.output.ravel() for stage in trace.layers.values()])
        assert {high, -high - 1} <= set(outputs.tolist()), "saturation must occur"


def test_cifar_resnet20() -> None:
    network = random_network(resnet20(100), seed=5)
    description = lower_network(network, "resnet20", tuple(f"c{i}" for i in range(100)))
    images = np.random.default_rng(5).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
    assert_equal_streams(network, description, images)


def test_contract_by_hand() -> None:
    """A 1x1 image through one block, every formula of the contract worked out with Python integers."""
    config = NetworkConfig(1, 1, 1, 2, (2,), (1,), 2)
    description = random_description(config, seed=11)
    for p in (0, 63, 64, 191, 192, 255):
        code = [1 if p >= 128 * k + 64 else -1 for k in range(2)]
        stage = description.input
        x = []
        for c in range(2):
            s = sum(int(w) * b for w, b in zip(stage.weights[c, :, 4], code, strict=True))
            x.append(_sat(_rshift(s * int(stage.scale[c]), stage.scale_shift) + int(stage.bias_in[c])))
        for conv in description.convs:
            q = [sum(v >= int(t) for t in conv.thresholds[c]) for c, v in enumerate(x)]
            out = []
            for c in range(2):
                w = [int(v) for v in conv.weights[c, :, 4]]  # the centre tap; the other eight are padding
                s_m = sum(a * (2 * (level >> 1) - 1) for a, level in zip(w, q, strict=True))
                s_l = sum(a * (2 * (level & 1) - 1) for a, level in zip(w, q, strict=True))
                total = 2 * s_m + (s_l if s_m > int(conv.gate[c]) else 0)
                v = _rshift(total * int(conv.scale[c]), conv.scale_shift) + int(conv.bias_in[c])
                v = v if v >= 0 else (v * int(conv.slope[c])) >> conv.slope_shift
                out.append(_sat(v + int(conv.bias_out[c]) + x[c]))
            x = out
        logits = [
            sum(int(w) * v for w, v in zip(row, x, strict=True)) + int(b)
            for row, b in zip(description.head.weights, description.head.bias, strict=True)
        ]
        trace = golden.run(description, np.full((1, 1, 1, 1), p, dtype=np.uint8))
        assert trace.logits[0].tolist() == logits
        assert trace.classes[0] == logits.index(max(logits))


def _rshift(x: int, n: int) -> int:
    return x if n == 0 else (x + (1 << (n - 1))) >> n


def _sat(x: int) -> int:
    return min(max(x, -(1 << 15)), (1 << 15) - 1)


def test_the_lowest_class_wins_a_tie(tiny: NetworkDescription) -> None:
    network = tiny.with_layer("head", weights=tiny.head.weights * 0, bias=tiny.head.bias * 0 + 5)
    trace = golden.run(network, np.zeros((1, 4, 4, 1), dtype=np.uint8))
    assert trace.classes[0] == 0


def test_golden_model_speed() -> None:
    """Hundreds of CIFAR images a second; `wsfracbnn` promises 500 on two idle cores.

    Counted is the time that this process computes, so that a busy machine does not fail it.
    """
    description = random_description(resnet20(100), seed=1, wild=False)
    images = np.random.default_rng(0).integers(0, 256, (256, 32, 32, 3), dtype=np.uint8)
    golden.run_logits(description, images[:32])
    start = time.process_time()
    golden.run_logits(description, images)
    rate = len(images) / (time.process_time() - start)
    print(f"{rate:.0f} images a second of one core")
    assert rate > 75
