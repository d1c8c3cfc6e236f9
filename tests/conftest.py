# SPDX-License-Identifier: Apache-2.0
"""Fixtures: the bundled checkpoint and small networks."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import torch

from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.random_network import random_description

torch.set_num_threads(1)  # the tests run in one process per core


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """A shell starts what is to run in the background with SIGINT ignored, and so would all that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--no-skips`: where every tool was installed, a test that skips itself shows that one is not found."""
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what a command that failed had printed, which CalledProcessError keeps to itself; see to `--no-skips`."""
    report = yield
    if report.skipped and item.config.getoption("--no-skips"):
        report.outcome = "failed"
        report.longrepr = f"skipped in a run with --no-skips: {call.excinfo.value if call.excinfo else ''}"
    if call.excinfo is not None and isinstance(error := call.excinfo.value, subprocess.CalledProcessError):
        for name, text in (("stdout", error.stdout), ("stderr", error.stderr)):
            if text:
                report.sections.append((f"{name} of {error.cmd[0]}", text if isinstance(text, str) else text.decode()))
    return report


@pytest.fixture(scope="session")
def synthesis_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthesized designs, of all workers: what several tests look at is synthesized once."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "synthesis"


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
