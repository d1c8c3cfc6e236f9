# SPDX-License-Identifier: Apache-2.0
"""A recorded training step is the step: the same losses as launched kernel by kernel. Needs a GPU."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.training.distributed import World
from wsfracbnn.model.training.settings import Run, TrainConfig
from wsfracbnn.model.training.trainer import Trainer

SMALL = NetworkConfig(8, 8, 1, 16, (4, 8), (1, 1), 10)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("digits")


def losses(dataset: Dataset, model: str, graphs: bool, **changes: object) -> list[float]:
    settings = dataclasses.replace(
        TrainConfig(epochs=4, batch_size=64, binary_from=0.5, seed=7, ema=0.9),
        **changes,  # type: ignore[arg-type]
    )
    world = World(0, 1, torch.device("cuda", 0))
    trainer = Trainer(
        Run(model=model, name="small", settings=settings), dataset, config=SMALL, world=world, graphs=graphs
    )
    return [trainer.train_epoch(lambda steps, line: None)["loss"] for _ in range(4)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this torch sees no GPU")
@pytest.mark.parametrize(
    "model, changes",
    [("wsfracbnn", {}), ("wsfracbnn", {"precision": "mixed", "mix": "cutmix"}), ("resnet", {"optimizer": "sgd"})],
)
def test_a_recorded_step_trains_as_an_unrecorded_one(dataset: Dataset, model: str, changes: dict[str, object]) -> None:
    one_by_one = losses(dataset, model, False, **changes)
    assert losses(dataset, model, True, **changes) == pytest.approx(one_by_one, rel=0.02)
