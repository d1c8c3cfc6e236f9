# SPDX-License-Identifier: Apache-2.0
"""Golden vectors are held against PyTorch when a folder is emitted, and the folder says whether they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from wsfracbnn.cli.app import app
from wsfracbnn.cli.networks import source_of
from wsfracbnn.gen.emission import vectors
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.model import golden
from wsfracbnn.model.checkpoint import Checkpoint, save_checkpoint
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.exactness import torch_reference
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.networks.fracbnn import FracBNN

EQUAL = "equal to PyTorch's eval forward"
Streams = dict[str, np.ndarray[Any, Any]]


def summary_of(folder: Path) -> tuple[bool, str]:
    """What design.json and README.md say of the comparison."""
    design = json.loads((folder / "design.json").read_text())
    return design["vectors_equal_pytorch"], (folder / "README.md").read_text()


def emit_digits(checkpoint: Checkpoint, folder: Path, reference: vectors.Reference | None) -> None:
    description = lower_checkpoint(checkpoint)
    images, labels = checkpoint.sample_arrays()
    emit(description, preset(description, "small"), folder, images, labels, reference=reference)


def test_a_folder_of_a_checkpoint_says_that_its_vectors_are_pytorchs(
    digits_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    emit_digits(digits_checkpoint, tmp_path / "net", torch_reference(digits_checkpoint))
    compared, text = summary_of(tmp_path / "net")
    assert compared
    assert EQUAL in text


def test_a_folder_without_a_checkpoint_says_that_nothing_was_compared(tiny: NetworkDescription, tmp_path: Path) -> None:
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    compared, text = summary_of(tmp_path / "net")
    assert not compared
    assert EQUAL not in text
    assert "no checkpoint was there to compare with" in text


def test_a_folder_of_the_baseline_says_that_pytorch_is_not_what_it_computes(
    digits_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    network = FracBNN(digits_checkpoint.config)
    baseline = replace(digits_checkpoint, model="fracbnn", state=network.state_dict())
    save_checkpoint(baseline, tmp_path / "f.pt")
    source = source_of(tmp_path / "f.pt", None, None)
    assert source.reference is None
    emit(source.description, preset(source.description, "small"), tmp_path / "net", source.images, source.labels)
    compared, text = summary_of(tmp_path / "net")
    assert not compared
    assert EQUAL not in text
    assert "by the integer model alone: PyTorch does not fold BatchNorm" in text


def one_value(name: str) -> Callable[[Streams], Streams]:
    """The last value of one stream is another."""

    def change(streams: Streams) -> Streams:
        values = streams[name].copy()
        values.flat[-1] += 1
        return streams | {name: values}

    return change


@pytest.mark.parametrize(
    "change, message",
    [
        (one_value("input"), r"input at \(\d+, 7, 7, 15\): PyTorch computes -?\d+, the integer model -?\d+"),
        (one_value("stage_03"), r"stage_03 at \(\d+, 3, 3, 31\)"),
        (one_value("logits"), r"logits at \(\d+, 9\)"),
        (lambda streams: {k: v for k, v in streams.items() if k != "stage_02"}, "PyTorch computes input, stage_01, st"),
        (
            lambda streams: streams | {"stage_01": streams["stage_01"][:1]},
            r"stage_01: PyTorch's shape is \(1, 8, 8, 16",
        ),
    ],
)
def test_a_difference_is_named_and_nothing_is_written(
    digits_checkpoint: Checkpoint, tmp_path: Path, change: Callable[[Streams], Streams], message: str
) -> None:
    reference = torch_reference(digits_checkpoint)
    with pytest.raises(InputError, match=message):
        emit_digits(digits_checkpoint, tmp_path / "net", lambda images: change(reference(images)))
    assert list(tmp_path.iterdir()) == []


def test_batches_are_joined_in_order(digits_checkpoint: Checkpoint) -> None:
    images = np.random.default_rng(3).integers(0, 256, (37, 8, 8, 1), np.uint8)
    trace = golden.run(lower_checkpoint(digits_checkpoint), images)
    assert np.array_equal(torch_reference(digits_checkpoint)(images)["logits"], trace.logits)


@pytest.mark.parametrize("ending", ["gated.threshold", "rprelu.slope", "head.bias"])
def test_the_command_compares(digits_checkpoint: Checkpoint, tmp_path: Path, ending: str) -> None:
    """Networks with other constants too are emitted only after the comparison."""
    state = {k: torch.full_like(v, 0.75) if k.endswith(ending) else v for k, v in digits_checkpoint.state.items()}
    save_checkpoint(replace(digits_checkpoint, state=state), tmp_path / "other.pt")
    out = ["--out", str(tmp_path / "net"), "--fold", "small"]
    done = CliRunner().invoke(app, ["emit", "--weights", str(tmp_path / "other.pt"), *out])
    assert done.exit_code == 0, done.output
    assert summary_of(tmp_path / "net")[0]


def test_the_command_refuses_what_the_integer_model_computes_otherwise(
    digits_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_head = golden.run_head
    monkeypatch.setattr(golden, "run_head", lambda layer, x: (run_head(layer, x)[0], run_head(layer, x)[1] + 1))
    done = CliRunner().invoke(app, ["emit", "--weights", str(digits_path), "--out", str(tmp_path / "net")])
    assert done.exit_code != 0
    assert isinstance(done.exception, InputError) or "logits at (0, 0)" in done.output
    assert list(tmp_path.iterdir()) == []
