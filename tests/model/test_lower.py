# SPDX-License-Identifier: Apache-2.0
"""Lowering lays out the constants that the layers themselves compute, and bounds them before they become integers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.model import golden
from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.lower import lower_checkpoint, lower_network
from wsfracbnn.model.networks.quantizers import exact_integers
from wsfracbnn.model.networks.wsfracbnn import WSFracBNN
from wsfracbnn.model.random_network import random_network


@pytest.fixture(scope="module")
def digits() -> Checkpoint:
    return load_checkpoint(Path(CHECKPOINTS) / "digits.pt")


def with_values(checkpoint: Checkpoint, ending: str, value: float) -> Checkpoint:
    """The checkpoint with every parameter whose key ends so set to one value."""
    state = {k: torch.full_like(v, value) if k.endswith(ending) else v for k, v in checkpoint.state.items()}
    return replace(checkpoint, state=state)


def test_the_description_holds_the_layers_own_constants() -> None:
    network = random_network(NetworkConfig(8, 4, 2, 8, (3, 6), (1, 1), 4), seed=5, wild=True)
    described = lower_network(network, "random", ("a", "b", "c", "d"))
    entry = network.input.constants()
    assert np.array_equal(described.input.scale, entry.scale)
    assert np.array_equal(described.input.bias_in, entry.bias_in)
    assert np.array_equal(described.input.weights, entry.weights.reshape(3, 16, 9))
    assert described.input.scale_shift == entry.scale_shift
    for layer, stage in zip(described.convs, network.residual_stages(), strict=True):
        given = stage.constants()
        for name in ("thresholds", "gate", "scale", "bias_in", "slope", "bias_out", "scale_shift"):
            assert np.array_equal(getattr(layer, name), getattr(given, name)), name
        assert np.array_equal(layer.weights, given.weights.flatten(2))


@pytest.mark.parametrize("value, bounds", [(1e18, (144, 144, 144, 288)), (-1e18, (-145, -145, -145, -289))])
def test_a_gate_out_of_reach_of_any_sum_stays_there(digits: Checkpoint, value: float, bounds: tuple[int, ...]) -> None:
    changed = with_values(digits, "gated.threshold", value)
    described = lower_checkpoint(changed)
    assert [set(layer.gate.tolist()) for layer in described.convs] == [{bound} for bound in bounds]
    network, images = changed.network(), changed.sample_arrays()[0]
    assert isinstance(network, WSFracBNN)
    assert images is not None
    with torch.no_grad():
        streams = network.trace(torch.from_numpy(images).permute(0, 3, 1, 2))
    trace = golden.run(described, images)
    assert np.array_equal(trace.logits, streams["logits"])
    assert set(trace.gate_fractions()) == {0.0 if value > 0 else 1.0}


@pytest.mark.parametrize(
    "ending, value, message",
    [
        ("activation.scale", 1e30, r"'state.stages.0.activation.scale': a threshold becomes -6.8\d+e\+32, expected"),
        ("activation.shift", -1e30, r"'state.stages.0.activation.shift': a threshold becomes -1.0\d+e\+33, expected"),
        ("rprelu.bias_out", 1e30, r"'state.stages.0.rprelu.bias_out': a value becomes 1.0\d+e\+33, expected -32768"),
        ("input.bias", -1e30, r"key 'state.input.bias': a value becomes -1.0\d+e\+33, expected -32768"),
        ("conv.gain", 1e30, r"key 'state.input.conv.gain': the scale comes to 8.\d+e\+31 residual units"),
        ("head.bias", 1e30, r"key 'state.head.bias': "),
        ("head.weight", 1e30, r"key 'state.head.weight': "),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_its_true_value(
    digits: Checkpoint, ending: str, value: float, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        lower_checkpoint(with_values(digits, ending, value))


@pytest.mark.parametrize(
    "ending, value, message",
    [
        ("activation.shift", float("nan"), r"'state.stages.0.activation.(shift|scale)': a threshold becomes nan"),
        ("gated.threshold", float("nan"), r"'state.stages.0.gated.threshold': a gate becomes nan"),
        ("rprelu.slope", float("inf"), r"'state.stages.0.rprelu.slope': found inf"),
        ("conv.gain", float("nan"), r"'state.input.conv.gain': the scale comes to nan"),
        ("rprelu.bias_in", float("nan"), r"'state.stages.0.rprelu.bias_in': a value becomes nan"),
        ("head.bias", float("inf"), r"key 'state.head.(bias|weight)': found inf"),
    ],
)
def test_no_integer_is_made_of_what_is_not_finite(digits: Checkpoint, ending: str, value: float, message: str) -> None:
    """A network in training is lowered too, and nobody has looked at its values."""
    with pytest.raises(InputError, match=message):
        lower_checkpoint(with_values(digits, ending, value))


@pytest.mark.parametrize("value", [0.5, 2.0**60, -1e300, float("nan"), float("inf")])
def test_a_cast_that_would_change_a_value_is_an_error(value: float) -> None:
    assert exact_integers(torch.tensor([3.0, -(2.0**53)], dtype=torch.float64)).tolist() == [3, -(2**53)]
    with pytest.raises(AssertionError, match="expected an integer"):
        exact_integers(torch.tensor([1.0, value], dtype=torch.float64))
