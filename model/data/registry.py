# SPDX-License-Identifier: Apache-2.0
"""The datasets that can be asked for by name, and one's own by their path."""

from __future__ import annotations

from pathlib import Path

from wsfracbnn.model.data.array_file import ArrayFile
from wsfracbnn.model.data.cifar import CIFAR10, CIFAR100
from wsfracbnn.model.data.dataset import Dataset, DatasetSource, OwnSource
from wsfracbnn.model.data.digits import Digits
from wsfracbnn.model.data.mnist import FASHION_MNIST, MNIST
from wsfracbnn.model.data.picture_folder import PictureFolder
from wsfracbnn.model.data.svhn import Svhn
from wsfracbnn.model.errors import InputError

SOURCES: dict[str, DatasetSource] = {
    source.name: source for source in (Digits(), CIFAR10, CIFAR100, MNIST, FASHION_MNIST, Svhn())
}


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
        folder: for those of published files, the folder that holds them. Without one they are downloaded, checked
            against their MD5 sums and cached.
    Raises:
        InputError: unknown name, missing or damaged file, failed download.
    """
    if name not in SOURCES:
        raise InputError(
            f"dataset '{name}' is unknown, expected {', '.join(SOURCES)}, or the path of a folder of pictures or of an "
            ".npz file"
        )
    return SOURCES[name].load(folder)


def own_source(path: Path) -> OwnSource:
    """One's own images at a path.

    Raises:
        InputError: there is neither a folder nor an .npz file.
    """
    if path.suffix == ".npz":
        return ArrayFile(path)
    if not path.is_dir():
        raise InputError(f"{path}: expected a folder with a folder of pictures for each class, or an .npz file")
    return PictureFolder(path)


def is_path(dataset: str) -> bool:
    """Whether a dataset is one's own, named by its path."""
    return dataset not in SOURCES and (Path(dataset).is_dir() or "/" in dataset or dataset.endswith(".npz"))
