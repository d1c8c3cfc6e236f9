# SPDX-License-Identifier: Apache-2.0
"""Runs that begin with a checkpoint's weights, published signs included: the same network at first."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from wsfracbnn.model.binarize import binarize
from wsfracbnn.model.card import model_card
from wsfracbnn.model.checkpoint import Checkpoint, save_checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks.layers import BinaryWSConv2d
from wsfracbnn.model.training.fine_tune import PUBLISHED_SIZE, fresh_magnitudes
from wsfracbnn.model.training.fit import fit
from wsfracbnn.model.training.settings import Run, TrainConfig
from wsfracbnn.model.training.trainer import Trainer

SMALL = NetworkConfig(8, 8, 1, 16, (4, 8), (1, 1), 10)
SETTINGS = TrainConfig(epochs=10, batch_size=16, learning_rate=0.01, binary_from=0.2, seed=3)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """A quarter of the digits."""
    full = load_dataset("digits")
    return dataclasses.replace(full, train_images=full.train_images[::4], train_labels=full.train_labels[::4])


def make(dataset: Dataset, start: Path | None, config: NetworkConfig = SMALL, **changes: object) -> Trainer:
    run = Run(
        name="small",
        start_from="" if start is None else str(start),
        settings=dataclasses.replace(SETTINGS, **changes),  # type: ignore[arg-type]
    )
    return Trainer(run, dataset, config=config)


@pytest.fixture(scope="module")
def trained(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkpoint, Path]:
    path = tmp_path_factory.mktemp("trained") / "first.pt"
    checkpoint = fit(make(dataset, None), path)
    return checkpoint, path


def same_network(trainer: Trainer, checkpoint: Checkpoint) -> bool:
    pixels = torch.from_numpy(trainer.dataset.test_images[:50]).permute(0, 3, 1, 2)
    trainer.network.eval()
    trainer.network.set_binary_weights(True)
    with torch.no_grad():
        return torch.equal(trainer.network(pixels), checkpoint.network()(pixels))


@pytest.mark.parametrize("published", [False, True])
def test_a_run_begins_with_the_network_of_the_checkpoint(
    dataset: Dataset, trained: tuple[Checkpoint, Path], tmp_path: Path, published: bool
) -> None:
    checkpoint, path = trained
    if published:
        path = tmp_path / "published.pt"
        checkpoint = binarize(checkpoint)
        save_checkpoint(checkpoint, path)
    trainer = make(dataset, path, seed=4)
    assert same_network(trainer, checkpoint)
    for module in trainer.network.modules():
        if isinstance(module, BinaryWSConv2d):  # a step turns as many signs as at the start of any run
            size = PUBLISHED_SIZE if published else 1.0
            assert module.weight.std().item() == pytest.approx(size * module.fan_in**-0.5, rel=0.05)


def test_published_signs_get_magnitudes_that_leave_every_sign() -> None:
    torch.manual_seed(1)
    conv = BinaryWSConv2d(4, 40, 1)
    signs = torch.sign(torch.randn_like(conv.weight) + torch.linspace(-2, 2, 40).view(-1, 1, 1, 1))
    signs[0] = 1.0  # a filter of one sign
    with torch.no_grad():
        conv.weight.copy_(signs)
        conv.weight.copy_(fresh_magnitudes(conv))
        assert torch.equal(conv.signs(), signs.double())
        nearest = conv.weight[1:].abs().flatten(1).amin(dim=1)
        assert torch.all(nearest < 0.3 * conv.weight[1:].abs().flatten(1).amax(dim=1))


def test_fine_tuning_goes_on_learning(dataset: Dataset, trained: tuple[Checkpoint, Path], tmp_path: Path) -> None:
    _, path = trained
    begun = make(dataset, path, binary_from=0.0, epochs=3, learning_rate=0.003)
    tuned = fit(begun, tmp_path / "tuned.pt")
    fresh = fit(make(dataset, None, binary_from=0.0, epochs=3, learning_rate=0.003), tmp_path / "fresh.pt")
    assert (tuned.test_accuracy or 0) > (fresh.test_accuracy or 0) + 10
    assert tuned.training["start_from"] == path.name
    assert f"begun with {path.name}" in model_card(tuned, "tuned.pt")


def test_a_head_of_other_classes_is_trained_anew(dataset: Dataset, trained: tuple[Checkpoint, Path]) -> None:
    checkpoint, path = trained
    of_three = dataclasses.replace(
        dataset,
        class_names=("a", "b", "c"),
        train_labels=dataset.train_labels % 3,
        test_labels=dataset.test_labels % 3,
    )
    trainer = make(of_three, path, dataclasses.replace(SMALL, classes=3))
    state = trainer.network.state_dict()
    assert state["head.weight"].shape == (3, 8)
    kept = [key for key in checkpoint.state if not key.startswith("head.") and not key.endswith("conv.weight")]
    assert [key for key in kept if not torch.equal(state[key], checkpoint.state[key])] == []
    assert trainer.train_epoch(lambda steps, line: None)["loss"] > 0


def test_the_checkpoint_of_another_network_is_refused(
    dataset: Dataset, trained: tuple[Checkpoint, Path], tmp_path: Path
) -> None:
    _, path = trained
    wide = dataclasses.replace(SMALL, widths=(8, 16))
    with pytest.raises(InputError, match=r"first.pt: config key 'widths': found .*4, 8.*, expected .*8, 16.* to begin"):
        make(dataset, path, wide)
    with pytest.raises(InputError, match=r"first.pt: key 'model': found 'wsfracbnn', expected 'fracbnn' to begin with"):
        Trainer(Run(model="fracbnn", start_from=str(path), settings=SETTINGS), dataset, config=SMALL)
    with pytest.raises(InputError, match="no such file, expected a checkpoint"):
        make(dataset, tmp_path / "none.pt")
