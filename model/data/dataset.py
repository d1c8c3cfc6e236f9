# SPDX-License-Identifier: Apache-2.0
"""What a dataset is, and the registry of those that can be asked for by name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model.data.preparation import AS_USUAL, Pictures
from wsfracbnn.model.data.split import bound_of
from wsfracbnn.model.errors import InputError, shown

MAX_CLASSES = 4096
NAME_LIMIT = 100
"""Characters of a class's name."""

LOOKED_AT = 100_000
"""Images that a digest reads at most: all of a built-in set, and an even choice of a large one, which is on a disk."""

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Images (N, H, W, colours) uint8 and labels (N,) int64, split as the dataset's authors (or its source) did.

    bounds: of each class what model/data/split.py's `held_out` takes; None where the source says itself what is held
    out.
    """

    name: str
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels
    class_names: tuple[str, ...]
    bounds: tuple[str, ...] | None = None

    @property
    def is_streamed(self) -> bool:
        """Whether training images are read from a file as they are needed, because they are many."""
        return isinstance(self.train_images, np.memmap)

    def digest(self) -> str:
        """SHA-256 of the training images and labels: a dataset is what it holds, not what its folder is called."""
        count = len(self.train_labels)
        chosen = range(count) if count <= LOOKED_AT else np.linspace(0, count - 1, LOOKED_AT).astype(int)
        content = hashlib.sha256(repr((self.train_images.shape, self.class_names)).encode())
        content.update(self.train_labels.tobytes())
        for index in chosen:
            content.update(self.train_images[index].tobytes())
        return content.hexdigest()

    def with_test_images(self, count: int) -> Dataset:
        """The same with `count` of its test images, evenly over all of them."""
        chosen = np.linspace(0, len(self.test_labels) - 1, count).astype(int)
        return replace(self, test_images=self.test_images[chosen], test_labels=self.test_labels[chosen])

    def with_validation(self, share: float) -> Dataset:
        """The same with a share of each class's training images, at least one, in place of the test images.

        The same images every time; those of a smaller share are among those of a larger one.

        Raises:
            InputError: the images are read as they are needed, or a class has none to spare.
        """
        if self.is_streamed:
            raise InputError(
                f"setting 'validation_share': found {share:g}, expected 0 for so many images that they are read from a "
                "file"
            )
        held = np.zeros(len(self.train_labels), dtype=bool)
        for label, name in enumerate(self.class_names):
            places = np.random.default_rng(label).permutation(np.flatnonzero(self.train_labels == label))
            count = max(round(share * len(places)), 1)
            if count >= len(places):
                raise InputError(
                    f"setting 'validation_share': found {share:g}, but class '{name}' has {len(places)} training "
                    "images, expected that some are left"
                )
            held[places[:count]] = True
        return replace(
            self,
            train_images=self.train_images[~held],
            train_labels=self.train_labels[~held],
            test_images=self.train_images[held],
            test_labels=self.train_labels[held],
        )


@dataclass(frozen=True)
class Own:
    """What is made of one's own pictures.

    label: what a checkpoint calls them. shape: height, width and colours of an image. skips_bad: whether pictures that
    cannot be read are left out. bounds: by class, those of a network that was trained on these pictures, so that what
    it learnt from is never held out, whatever was added or removed since. for_training: whether a network is to learn
    from them, and not only to be measured.
    """

    label: str
    shape: tuple[int, int, int]
    pictures: Pictures = AS_USUAL
    skips_bad: bool = False
    bounds: Mapping[str, str] | None = None
    for_training: bool = False

    def require_trained(self, path: Path, names: Sequence[str], labels: Iterable[int]) -> None:
        """Refuse a class without a picture to train on, where it is trained or new. labels: of the training images."""
        trained = set(labels)
        for label, name in enumerate(names):
            if label not in trained and (self.bounds is None or self.for_training):
                raise InputError(f"{path}: class '{name}': found no picture to train on, expected some")

    def bound(self, name: str, files: Sequence[str], what: str) -> str:
        """Of the class `name`, whose images' names are `files`: the network's where it knows the class, else a new one.

        Raises:
            InputError: there are too few; `what` says of what.
        """
        known = (self.bounds or {}).get(name)
        return bound_of(files, self.pictures, what) if known is None else known


class OwnSource(Protocol):
    """Where one's own images are."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the labels."""

    def load(self, own: Own) -> Dataset:
        """Read them.

        Raises:
            InputError: missing or damaged files.
        """


def checked_names(path: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Names of classes, which a checkpoint can keep. path: where they are from, for the message.

    Raises:
        InputError: too few or too many, or one that is empty, too long or not printable.
    """
    if not 2 <= len(names) <= MAX_CLASSES:
        raise InputError(f"{path}: found {len(names)} classes, expected 2 to {MAX_CLASSES}")
    for name in names:
        if not 1 <= len(name) <= NAME_LIMIT or not name.isprintable():
            raise InputError(f"{path}: class {shown(name)}: expected a name of up to {NAME_LIMIT} printable characters")
    return tuple(names)


class DatasetSource(Protocol):
    """Where a dataset comes from, and what a model card says of it."""

    @property
    def name(self) -> str:
        """What it is asked for by."""

    @property
    def classes(self) -> int:
        """How many."""

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
