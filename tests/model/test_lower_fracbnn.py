# SPDX-License-Identifier: Apache-2.0
"""FracBNN's BatchNorm folded into integers: near the floating-point network, and refused where it cannot be folded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from wsfracbnn.model import golden
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.contract import factor_limit
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.lower_fracbnn import Affine, lower_fracbnn
from wsfracbnn.model.networks.fracbnn import BatchNormConv, FracBNN, MatchedFracBNN
from wsfracbnn.model.structure import load_description

CONFIG = NetworkConfig(8, 8, 2, 8, (4, 8), (1, 2), 5)
STAGES = len(CONFIG.convolutions())
NAMES = tuple("abcde")


@torch.no_grad()
def random_baseline(
    seed: int, kind: type[FracBNN] = FracBNN, config: NetworkConfig = CONFIG
) -> tuple[FracBNN, torch.Tensor]:
    """A FracBNN whose BatchNorms have seen random images (16, 2, 8, 8), which come with it, and are no identities."""
    torch.manual_seed(seed)
    network = kind(config)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.5
            module.weight.uniform_(0.5, 1.5)
            module.bias.normal_(0, 0.3)
        elif isinstance(module, BatchNormConv):
            module.rprelu.slope.uniform_(-0.9, 0.9)
            module.rprelu.bias_in.normal_(0, 0.3)
            module.rprelu.bias_out.normal_(0, 0.3)
            module.gated.threshold.uniform_(-3, 3)
    images = torch.randint(0, 256, (16, 2, 8, 8), dtype=torch.uint8)
    network.train()
    for _ in range(8):
        network(images)
    return network.eval(), images


def lowered(network: FracBNN, factor_bits: int = 18) -> NetworkDescription:
    return lower_fracbnn(network, "baseline", NAMES, (0.5,) * STAGES, factor_bits)


def logits_of(network: FracBNN, images: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    with torch.no_grad():
        return np.asarray(network(images).double().numpy())


def test_a_wide_stream_has_every_activation_of_the_real_network() -> None:
    """With 16 fractional bits nothing that is rounded matters: BatchNorm is folded as it is."""
    for seed in range(3):
        network, images = random_baseline(seed, config=replace(CONFIG, residual_bits=24, residual_fraction=16))
        seen: list[torch.Tensor] = []
        for stage in network.stages:
            stage.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        logits_of(network, images)
        trace = golden.run(lowered(network), images.permute(0, 2, 3, 1).numpy())
        bounds = torch.tensor([-2 / 3, 0.0, 2 / 3])
        for layer, x in zip(list(trace.layers.values())[1:], seen[:STAGES], strict=True):
            levels = (x.unsqueeze(-1) >= bounds).sum(-1).permute(0, 2, 3, 1).numpy()
            assert layer.activation is not None
            assert np.array_equal(levels, layer.activation)


@pytest.mark.parametrize("kind", [FracBNN, MatchedFracBNN])
def test_logits_are_near_the_real_ones_at_the_usual_width(kind: type[FracBNN]) -> None:
    """What differs are activations near a threshold; in a network of random weights each such reaches every logit."""
    for seed in range(3):
        network, images = random_baseline(seed, kind)
        trace = golden.run(lowered(network), images.permute(0, 2, 3, 1).numpy())
        assert np.corrcoef(trace.logits.ravel(), logits_of(network, images).ravel())[0, 1] > 0.95


def test_few_bits_are_further_away_than_many() -> None:
    network, images = random_baseline(1)
    real = logits_of(network, images).ravel()
    pixels = images.permute(0, 2, 3, 1).numpy()
    far, near = (np.corrcoef(golden.run(lowered(network, b), pixels).logits.ravel(), real)[0, 1] for b in (9, 18))
    assert far < near


@pytest.mark.parametrize("bits", [10, 18])
def test_factors_fill_their_width(bits: int) -> None:
    network, _ = random_baseline(2)
    description = lowered(network, bits)
    for layer in description.layers[:-1]:
        largest = int(np.abs(layer.scale).max())  # type: ignore[attr-defined]
        assert factor_limit(bits) / 2 - 1 < largest <= factor_limit(bits)
    assert all(2**layer.slope_shift <= factor_limit(bits) for layer in description.convs)


def test_the_least_unit_of_each_channel_is_the_last_place() -> None:
    """Which the factors tell: M / 2^r = a / 3 / u of each stage, and u a' behind its sum."""
    network, _ = random_baseline(6)
    least = np.full(4, np.inf)
    for layer, stage in zip(lowered(network).convs, network.stages, strict=True):
        assert isinstance(stage, BatchNormConv)
        a, of_sum = Affine.of(stage.norm).factor, Affine.of(stage.sum_norm).factor
        unit = of_sum * a / 3 / (layer.scale / 2.0**layer.scale_shift)
        least = np.minimum(least, unit.reshape(-1, 4).min(axis=0))
    assert least == pytest.approx(np.full(4, 2.0**-10), rel=1e-3)


def test_the_description_survives_a_file(tmp_path: Path) -> None:
    network, _ = random_baseline(3)
    description = lowered(network)
    description.save(tmp_path)
    back = load_description(tmp_path)
    assert back.multiplied
    assert back.digest() == description.digest()
    assert all(layer.factor_bits == 18 for layer in back.convs)


@pytest.mark.parametrize("value", [-0.25, 0.0, float("nan")])
def test_a_factor_of_a_sum_that_is_not_above_zero_is_refused(value: float) -> None:
    network, _ = random_baseline(4)
    stage = network.stages[2]
    assert isinstance(stage, BatchNormConv)
    with torch.no_grad():
        stage.sum_norm.weight[3] = value
    with pytest.raises(
        InputError, match=r"'state\.stages\.2\.sum_norm\.weight': found .* in channel 3, expected above"
    ):
        lowered(network)


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("norm.bias", 1e9, r"'state\.norm\.bias': a value becomes \d.*, expected -32768 to 32767"),
        ("stages.0.rprelu.bias_out", -1e9, r"'state\.stages\.0\.rprelu\.bias_out': a value becomes -\d"),
        ("stages.1.norm.weight", 1e12, r"'state\.stages\.1\.norm\.weight': the factor comes to \d.* \(18 bits\)"),
        ("stages.1.rprelu.slope", 1e6, r"'state\.stages\.1\.rprelu\.slope': the factor comes to 1e\+06, expected"),
        ("head.weight", 1e9, r"'state\.head\.weight': found weights too large"),
    ],
)
def test_what_does_not_fit_is_named(name: str, value: float, message: str) -> None:
    network, _ = random_baseline(4)
    with torch.no_grad():
        network.get_parameter(name).fill_(value)
    with pytest.raises(InputError, match=message):
        lowered(network)
