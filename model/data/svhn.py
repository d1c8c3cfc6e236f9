# SPDX-License-Identifier: Apache-2.0
"""SVHN's cropped digits (Netzer et al., 2011) in their published MATLAB files."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from wsfracbnn.model.data.dataset import Dataset, Images, Labels
from wsfracbnn.model.data.published import published_files
from wsfracbnn.model.errors import InputError, shown

TRAIN, TEST = "train_32x32.mat", "test_32x32.mat"
ZERO = 10
"""SVHN's label of the digit 0."""


@dataclass(frozen=True)
class Svhn:
    """House numbers: `train` and `test` of the published sets, without `extra`; MD5 sums as torchvision has them."""

    name: str = "svhn"
    classes: int = 10
    data: str = (
        "SVHN: 73,257 training and 26,032 test images of house numbers' digits, 32x32 pixels, 10 classes (Netzer et "
        "al., 2011)"
    )
    limits: str = "It names the digit in the middle of a cropped house number; it does not find numbers in a picture."
    url: str = "http://ufldl.stanford.edu/housenumbers/"
    md5: dict[str, str] = field(
        default_factory=lambda: {
            TRAIN: "e26dedcc434d2e4c54c9b2d4a06d8373",
            TEST: "eb5a983be6a315427106f1b164d9cef3",
        }
    )

    is_read_from_files: ClassVar[bool] = True

    def load(self, folder: Path | None) -> Dataset:
        """The published split; a label is the digit.

        Raises:
            InputError: a file is missing, damaged, or holds something else.
        """
        files = published_files(self.name, self.url, self.md5, folder, (".",))
        names = tuple(str(digit) for digit in range(self.classes))
        return Dataset(self.name, *_read(TRAIN, files[TRAIN]), *_read(TEST, files[TEST]), names)


def _read(name: str, content: bytes) -> tuple[Images, Labels]:
    """X (32, 32, 3, n) and y (n, 1), the digit 0 as 10."""
    from scipy.io import loadmat  # imported here: a quarter of a second that only this dataset needs

    try:
        found = loadmat(io.BytesIO(content), variable_names=("X", "y"))
        images, labels = found["X"], found["y"].reshape(-1)
    except Exception as error:  # whatever the reader of a crafted file comes upon
        raise InputError(f"{name}: not a MATLAB file with X and y ({error})") from None
    if images.dtype != np.uint8 or images.shape != (32, 32, 3, len(labels)):
        raise InputError(f"{name}: X: found {shown(images)}, expected uint8 of shape (32, 32, 3, n), a label each")
    if not np.isin(labels, range(1, ZERO + 1)).all():
        raise InputError(f"{name}: y: expected labels from 1 to {ZERO}")
    return np.ascontiguousarray(images.transpose(3, 0, 1, 2)), labels.astype(np.int64) % ZERO
