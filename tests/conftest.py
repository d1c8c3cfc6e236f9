# SPDX-License-Identifier: Apache-2.0
"""Fixtures: the bundled checkpoint and small networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.random_network import random_description

torch.set_num_threads(1)  # the tests run in one process per core

TINY = NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3)


@pytest.fixture(scope="session")
def digits_path() -> Path:
    return CHECKPOINTS / "digits.pt"


@pytest.fixture(scope="session")
def digits_checkpoint(digits_path: Path) -> Checkpoint:
    return load_checkpoint(digits_path)


@pytest.fixture(scope="session")
def digits_description(digits_checkpoint: Checkpoint) -> NetworkDescription:
    return lower_checkpoint(digits_checkpoint)


@pytest.fixture
def tiny() -> NetworkDescription:
    """4x4 images, one stride-2 block: emitted and simulated in seconds."""
    return random_description(TINY, seed=3, name="tiny")
