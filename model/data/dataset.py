# SPDX-License-Identifier: Apache-2.0
"""What a dataset is, and the registry of those that can be asked for by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Images (N, H, W, colours) uint8 and labels (N,) int64, split as the dataset's authors (or its source) did."""

    name: str
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels
    class_names: tuple[str, ...]


class DatasetSource(Protocol):
    """Where a dataset comes from, and what a model card says of it."""

    @property
    def name(self) -> str:
        """What it is asked for by."""

    @property
    def is_read_from_files(self) -> bool:
        """Whether `load` takes a folder of published files."""

    @property
    def data(self) -> str:
        """How many images of what, in a phrase."""

    @property
    def limits(self) -> str:
        """What a network trained on it cannot be expected to do, in a sentence."""

    def load(self, folder: Path | None) -> Dataset:
        """Read it from `folder`, or from where it can be had without one.

        Raises:
            InputError: missing or damaged file, failed download.
        """
