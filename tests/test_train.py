# SPDX-License-Identifier: Apache-2.0
"""The trainer: exact resume, clipping, schedules, both models; and what a cut-off run leaves behind."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from wsfracbnn.model.augment import random_flip, random_shift
from wsfracbnn.model.clipping import clip_gradients_adaptively
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data import Dataset, load_dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.network import WSFracBNN
from wsfracbnn.model.train import TrainConfig, Trainer

SMALL = NetworkConfig(8, 8, 1, 16, (4, 8), (1, 1), 10)
SETTINGS = TrainConfig(epochs=4, batch_size=64, binary_from=0.5, seed=7)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """A quarter of the digits."""
    full = load_dataset("digits")
    return dataclasses.replace(full, train_images=full.train_images[::4], train_labels=full.train_labels[::4])


def make(dataset: Dataset, model: str = "wsfracbnn", **changes: object) -> Trainer:
    return Trainer(model, SMALL, dataset, dataclasses.replace(SETTINGS, **changes), "small")  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["wsfracbnn", "fracbnn"])
@pytest.mark.parametrize("cut_after", [1, 2, 3])
def test_a_run_cut_anywhere_and_resumed_gives_the_same_weights(
    dataset: Dataset, tmp_path: Path, cut_after: int, model: str
) -> None:
    whole = make(dataset, model).run(tmp_path / "whole.pt")
    cut = make(dataset, model)
    original = cut.test_accuracy

    def press_ctrl_c() -> float:
        if cut.epoch == cut_after:
            signal.raise_signal(signal.SIGINT)
        return original()

    cut.test_accuracy = press_ctrl_c  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        cut.run(tmp_path / "cut.pt")
    assert (tmp_path / "cut.pt.resume").is_file()
    resumed = make(dataset, model).run(tmp_path / "cut.pt")
    assert resumed.state.keys() == whole.state.keys()
    assert [key for key, value in whole.state.items() if not torch.equal(value, resumed.state[key])] == []
    assert (tmp_path / "cut.log.csv").read_text() == (tmp_path / "whole.log.csv").read_text()
    assert not (tmp_path / "cut.pt.resume").exists()


def test_the_resume_file_of_another_run_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    make(dataset)._save_state(tmp_path / "a.pt.resume")
    with pytest.raises(InputError, match="belongs to another run"):
        make(dataset, seed=8).run(tmp_path / "a.pt")


def test_training_learns_and_measures_with_the_integer_model(dataset: Dataset, tmp_path: Path) -> None:
    checkpoint = make(dataset, epochs=15, batch_size=16, learning_rate=0.01, binary_from=0.2).run(tmp_path / "net.pt")
    assert checkpoint.test_accuracy is not None
    assert checkpoint.test_accuracy > 30  # of ten classes, four channels, after seconds
    assert checkpoint.gate_fractions is not None
    assert all(0 < fraction < 1 for fraction in checkpoint.gate_fractions)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_every_parameter_gets_a_gradient(dataset: Dataset, optimizer: str) -> None:
    trainer = make(dataset, optimizer=optimizer, learning_rate=0.01)
    before = {name: p.detach().clone() for name, p in trainer.network.named_parameters()}
    trainer._train_epoch(lambda: None)
    still = [name for name, p in trainer.network.named_parameters() if torch.equal(p.detach(), before[name])]
    assert still == []


def test_the_first_step_has_real_weights_and_the_second_binary_ones(dataset: Dataset) -> None:
    trainer = make(dataset)
    for epoch in range(SETTINGS.epochs):
        trainer._train_epoch(lambda: None)
        network = trainer.network
        assert isinstance(network, WSFracBNN)
        assert network.input.conv.binary == (epoch >= 2)
        assert len(network.input.conv.plane().unique()) == (2 if epoch >= 2 else 4 * 144)


def test_clipping_bounds_each_unit_by_its_own_norm() -> None:
    weight = torch.nn.Parameter(torch.stack([torch.full((2, 3, 3), 0.1), torch.full((2, 3, 3), 1.0)]))
    weight.grad = torch.ones_like(weight) * torch.tensor([1.0, 0.001]).view(-1, 1, 1, 1)
    clip_gradients_adaptively([weight], threshold=0.05)
    norms = weight.grad.flatten(1).norm(dim=1)
    weights = weight.detach().flatten(1).norm(dim=1)
    assert norms[0] == pytest.approx(0.05 * weights[0].item())
    assert norms[1] == pytest.approx(0.001 * 18**0.5)  # below its bound: untouched


def test_shift_moves_pixels_and_brings_zeros_in() -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.arange(1, 17, dtype=torch.uint8).view(1, 1, 4, 4).repeat(50, 1, 1, 1)
    seen = {tuple(image.flatten().tolist()) for image in random_shift(images, 1, generator)}
    padded = np.pad(images[0, 0].numpy(), 1)
    expected = {tuple(padded[y : y + 4, x : x + 4].flatten().tolist()) for y in range(3) for x in range(3)}
    assert seen == expected


def test_flip_mirrors_about_half() -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.arange(4, dtype=torch.uint8).view(1, 1, 1, 4).repeat(200, 1, 1, 1)
    flipped = (random_flip(images, generator)[:, 0, 0, 0] == 3).sum().item()
    assert 70 < flipped < 130


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"optimizer": "lion"}, "setting 'optimizer': found 'lion'"),
        ({"epochs": 0}, "expected at least 1"),
        ({"binary_from": 2.0}, "setting 'binary_from': found 2.0"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]


def test_a_dataset_of_another_shape_is_refused(dataset: Dataset) -> None:
    with pytest.raises(InputError, match="the network expects"):
        Trainer("wsfracbnn", NetworkConfig(4, 4, 1, 4, (2,), (1,), 10), dataset, SETTINGS, "x")
