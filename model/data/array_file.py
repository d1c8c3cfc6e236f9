# SPDX-License-Identifier: Apache-2.0
"""One's own images in an .npz file of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model.archive import read_arrays
from wsfracbnn.model.data.dataset import MAX_CLASSES, Dataset, Images, Labels, Own, checked_names
from wsfracbnn.model.data.split import held_out
from wsfracbnn.model.errors import InputError, shown

LIMIT = 8 * 2**30
"""Bytes of all arrays; larger sets stream from a folder of pictures."""

WHOLE = ("images", "labels")
SPLIT = ("train_images", "train_labels", "test_images", "test_labels")
NAMES = "class_names"


@dataclass(frozen=True)
class ArrayFile:
    """`images` and `labels`, or the same with `train_` and `test_` before; `class_names` where they have some.

    Images are uint8 of the network's height, width and colours (n, H, W, C), or (n, H, W) of one colour; labels are
    integers (n,) from 0.
    """

    path: Path

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the labels."""
        arrays = self._arrays()
        return _names(self.path, arrays, [arrays[key] for key in arrays if key.endswith("labels")])

    def load(self, own: Own) -> Dataset:
        """All of it, in memory.

        Raises:
            InputError: an array is missing, of another type or shape, or labels do not match.
        """
        arrays = self._arrays()
        names = _names(self.path, arrays, [arrays[key] for key in arrays if key.endswith("labels")])
        if set(WHOLE) <= set(arrays):
            images, labels = self._pair(arrays, *WHOLE, own)
            test = np.zeros(len(labels), dtype=bool)
            bounds = []
            for label, name in enumerate(names):
                of_class = np.flatnonzero(labels == label)
                numbers = list(map(str, of_class))
                bounds.append(own.bound(name, numbers, f"{self.path}: class '{name}'"))
                test[of_class] = held_out(numbers, own.pictures, bounds[-1])
            own.require_trained(self.path, names, labels[~test].tolist())
            parts = images[~test], labels[~test], images[test], labels[test]
            return Dataset(own.label, *parts, names, tuple(bounds))
        train, test_part = self._pair(arrays, *SPLIT[:2], own), self._pair(arrays, *SPLIT[2:], own)
        return Dataset(own.label, *train, *test_part, names)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays = read_arrays(self.path, LIMIT, "a file of images")
        expected = [keys for keys in (WHOLE, SPLIT) if set(arrays) - {NAMES} == set(keys)]
        if not expected:
            raise InputError(
                f"{self.path}: found {shown(sorted(arrays))}, expected the arrays {', '.join(WHOLE)} or "
                f"{', '.join(SPLIT)}, and {NAMES} if there are any"
            )
        return arrays

    def _pair(
        self, arrays: Mapping[str, NDArray[Any]], images_key: str, labels_key: str, own: Own
    ) -> tuple[Images, Labels]:
        images, labels = arrays[images_key], arrays[labels_key]
        if images.ndim == 3:
            images = images[..., np.newaxis]
        if images.dtype != np.uint8 or images.shape[1:] != own.shape:
            raise InputError(
                f"{self.path}: '{images_key}': found {images.dtype} of shape {images.shape}, expected uint8 of shape "
                f"(n, {', '.join(map(str, own.shape))}), as the network takes them"
            )
        if len(images) != len(labels) or len(labels) == 0:
            raise InputError(f"{self.path}: found {len(images)} images and {len(labels)} labels in '{labels_key}'")
        return images, labels.astype(np.int64)


def _names(path: Path, arrays: Mapping[str, NDArray[Any]], labels: list[NDArray[Any]]) -> tuple[str, ...]:
    """Of the classes; their numbers where the file has no names."""
    for array in labels:
        if array.ndim != 1 or array.dtype.kind not in "iu" or (array < 0).any():
            raise InputError(
                f"{path}: labels: found {array.dtype} of shape {array.shape}, expected integers (n,) from 0"
            )
    count = max(int(array.max(initial=0)) for array in labels) + 1
    if count > MAX_CLASSES:
        raise InputError(f"{path}: labels: found {count - 1}, expected less than {MAX_CLASSES}")
    names = arrays.get(NAMES)
    if names is None:
        return checked_names(path, [str(number) for number in range(count)])
    if names.ndim != 1 or names.dtype.kind != "U" or len(names) < count:
        raise InputError(f"{path}: '{NAMES}': found {shown(names)}, expected {count} strings")
    return checked_names(path, [str(name) for name in names])
