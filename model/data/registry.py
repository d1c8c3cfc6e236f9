# SPDX-License-Identifier: Apache-2.0
"""The datasets that can be asked for by name."""

from __future__ import annotations

from pathlib import Path

from wsfracbnn.model.data.cifar import CIFAR10, CIFAR100
from wsfracbnn.model.data.dataset import Dataset, DatasetSource
from wsfracbnn.model.data.digits import Digits
from wsfracbnn.model.errors import InputError

SOURCES: dict[str, DatasetSource] = {source.name: source for source in (Digits(), CIFAR10, CIFAR100)}


def dataset_label(dataset: str) -> str:
    """What a checkpoint says of a dataset: its name, or the last part of a path: 'flowers/' of a folder, 'a.npz'."""
    if dataset in SOURCES:
        return dataset
    path = Path(dataset)
    name = path.name or path.resolve().name
    return name if path.suffix == ".npz" else f"{name}/"


def load_dataset(name: str, folder: Path | None = None) -> Dataset:
    """The dataset `name`, one of `SOURCES`.

    Args:
        folder: for CIFAR, the folder that holds the published `cifar-10-batches-py` or `cifar-100-python` (or is that
            folder). Without one the published archive is downloaded, checked against its MD5 and cached.
    Raises:
        InputError: unknown name, missing or damaged file, failed download.
    """
    if name not in SOURCES:
        raise InputError(f"dataset '{name}' is unknown, expected {', '.join(SOURCES)}")
    return SOURCES[name].load(folder)
