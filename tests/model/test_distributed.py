# SPDX-License-Identifier: Apache-2.0
"""Several processes train as one, and leave their group before they end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from wsfracbnn.cli.app import app
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.training.log_file import read_log

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
TORCHRUN += ["--nproc-per-node", "2"]


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """torchrun with two gloo processes against one process on the same global batches."""
    settings = ["batch_size=256", "width=4", "flip=true", "mix=mixup", "learning_rate=0.0005", "binary_from=0.5"]
    command = [part for s in settings for part in ("--set", s)] + ["--epochs", "2", "--device", "cpu"]
    alone = CliRunner().invoke(app, ["train", *command, "--out", str(tmp_path / "one.pt")])
    assert alone.exit_code == 0, alone.output
    together = [*TORCHRUN, "-m", "wsfracbnn.cli", "train", *command, "--out", str(tmp_path / "two.pt")]
    subprocess.run(together, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    one, two = (load_checkpoint(tmp_path / name).state for name in ("one.pt", "two.pt"))
    for key, value in one.items():
        # Floating-point sums in another order; a sign that flips on it moves single weights by a step.
        torch.testing.assert_close(two[key], value, rtol=0.02, atol=0.005, msg=key)
    first, second = read_log(tmp_path / "one.log.csv"), read_log(tmp_path / "two.log.csv")
    for a, b in zip(first, second, strict=True):
        for key in ("loss", "train_accuracy", "gate_fraction"):
            assert float(a[key]) == pytest.approx(float(b[key]), rel=0.01), key


def test_the_threads_of_a_process_group_end_with_its_block(tmp_path: Path) -> None:
    """One that outlived it would abort a process in a while: see `_leave` of model/training/distributed.py."""
    script = tmp_path / "joined.py"
    script.write_text(
        "from pathlib import Path\n"
        "import torch\n"
        "from wsfracbnn.model.training.distributed import World, joined_world\n"
        "def gloo_threads() -> int:\n"
        "    return sum('gloo' in path.read_text() for path in Path('/proc/self/task').glob('*/comm'))\n"
        "def step(world: World) -> None:\n"
        "    world.wrap(torch.nn.Linear(2, 2))(torch.ones(1, 2)).sum().backward()\n"
        "    assert gloo_threads() > 0\n"
        "with joined_world('cpu') as world:\n"
        "    step(world)\n"
        "assert gloo_threads() == 0\n"
    )
    command = [*TORCHRUN, str(script)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
