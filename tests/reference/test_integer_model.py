# SPDX-License-Identifier: Apache-2.0
"""The golden model, PyTorch and the second integer model agree in every stream of every layer."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wsfracbnn.gen.emission.vectors import random_images
from wsfracbnn.model import golden
from wsfracbnn.model.checkpoint import Checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.contract import HEAD_NAME
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.lower import lower_network
from wsfracbnn.model.random_network import random_network

from ..random_networks.example import Example, examples
from .compare import first_difference
from .integer_model import compute


@settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(examples({}, large=False, part=lambda: True))
def test_the_golden_model_is_what_the_contract_says(example: Example) -> None:
    assert first_difference(example.description, example.images) is None


def test_digits_is_what_the_contract_says(
    digits_description: NetworkDescription, digits_checkpoint: Checkpoint
) -> None:
    assert digits_checkpoint.samples is not None
    images = digits_checkpoint.samples["images"].numpy()[:3]
    assert first_difference(digits_description, images) is None


def test_a_difference_is_told_with_its_place(tiny: NetworkDescription, monkeypatch: pytest.MonkeyPatch) -> None:
    """A golden model that rounds halves down."""
    monkeypatch.setattr(golden, "rshift", lambda x, n: x if n == 0 else (x + (1 << (n - 1)) - 1) >> n)
    halves = tiny.with_layer("input", scale=np.ones(2, np.int64), scale_shift=2)
    difference = first_difference(halves, random_images(halves))
    assert difference is not None
    assert re.fullmatch(r"image 0, input, X' at \(\d, \d, \d\): expected -?\d+, the golden model has -?\d+", difference)


@settings(max_examples=15, derandomize=True, deadline=None, database=None)
@given(
    st.integers(1, 2),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(1, 3),
    st.sampled_from((1, 2, 8, 32)),
    st.integers(1, 4),
    st.integers(0, 1000),
)
def test_pytorch_is_what_the_contract_says(
    stages: int, size: tuple[int, int], colours: int, levels: int, channels: int, seed: int
) -> None:
    """What training computes with, held against the second model without the golden one between."""
    rows, columns = (n << (stages - 1) for n in size)
    widths = tuple(channels << stage for stage in range(stages))
    network = random_network(NetworkConfig(rows, columns, colours, levels, widths, (1,) * stages, 3), seed)
    description = lower_network(network, "random", ("0", "1", "2"))
    images = random_images(description, 2)
    trace = network.trace(torch.from_numpy(images).permute(0, 3, 1, 2))
    for number, image in enumerate(images):
        answer = compute(description, image.tolist())
        for name, stream in trace.items():
            if name == "logits":
                assert answer.streams[HEAD_NAME].output[0][0] == stream[number].tolist()
            else:
                assert answer.streams[name].output == stream[number].permute(1, 2, 0).tolist(), name
