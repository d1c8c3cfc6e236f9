# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's handwritten digits: a real dataset that comes with a package."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.errors import InputError


class Digits:
    """1,797 real 8x8 images, values 0..16 stretched to 0..255; every fourth image of each class is held out."""

    name = "digits"
    is_read_from_files = False
    data = "scikit-learn's handwritten digits: 1,343 training and 454 test images, 8x8 pixels, 10 classes"
    limits = "It knows centred grey-scale digits of this one scanner; it is there to exercise the hardware."

    def load(self, folder: Path | None) -> Dataset:
        """The images are part of scikit-learn.

        Raises:
            InputError: a folder is given, which would not be looked at.
        """
        if folder is not None:
            raise InputError(f"--data: found '{folder}', but the dataset is {self.name}, which comes with scikit-learn")
        from sklearn.datasets import load_digits  # imported here: half a second that only this dataset needs

        bunch = load_digits()
        images = np.rint(bunch.images * (255.0 / 16.0)).astype(np.uint8)[..., np.newaxis]
        labels = bunch.target.astype(np.int64)
        held_out = np.zeros(len(labels), dtype=bool)
        for digit in range(10):
            held_out[np.flatnonzero(labels == digit)[::4]] = True
        return Dataset(
            self.name,
            images[~held_out],
            labels[~held_out],
            images[held_out],
            labels[held_out],
            tuple(str(d) for d in range(10)),
        )
