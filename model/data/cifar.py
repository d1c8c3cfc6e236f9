# SPDX-License-Identifier: Apache-2.0
"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009) in their published "python version"."""

from __future__ import annotations

import hashlib
import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pooch

from wsfracbnn.model.data.dataset import Dataset, Images, Labels
from wsfracbnn.model.data.download import cache_folder, download
from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.reading import read_bytes


@dataclass(frozen=True)
class Cifar:
    """A published CIFAR archive ("python version"): its URL, the MD5 sums its authors print, and the names inside.

    The folder that `load` takes holds the archive's own folder, or is that folder. Without one the archive is
    downloaded, checked and cached.
    """

    name: str
    classes: int
    data: str
    limits: str
    url: str
    md5: str
    folder: str
    train: dict[str, str]
    test: dict[str, str]
    meta: dict[str, str]
    label_key: bytes
    names_key: bytes

    is_read_from_files: ClassVar[bool] = True

    def load(self, folder: Path | None) -> Dataset:
        """The published split; the names are those of the fine classes."""
        if folder is None:
            folder = cache_folder() / self.folder
            if not folder.is_dir():
                unpack = pooch.Untar(extract_dir=".")
                download(self.url, self.md5, cache_folder(), f"{self.folder}/", processor=unpack)
        elif not folder.is_dir():
            raise InputError(f"--data: found '{folder}', expected a folder that holds {self.folder}/")
        elif (folder / self.folder).is_dir():
            folder = folder / self.folder

        meta = {k: v for file, md5 in self.meta.items() for k, v in _read_batch(folder / file, md5).items()}
        found = meta.get(self.names_key)
        if not isinstance(found, list) or not all(isinstance(name, bytes) and name.isascii() for name in found):
            raise InputError(f"{folder}: key '{self.names_key.decode()}': found {shown(found)}, expected names")
        names = tuple(name.decode() for name in found)

        def read(files: dict[str, str]) -> tuple[Images, Labels]:
            batches = {folder / file: _read_batch(folder / file, md5) for file, md5 in files.items()}
            images = [_images(path, batch) for path, batch in batches.items()]
            labels = [
                _labels(path, batch, self.label_key, len(pixels), len(names))
                for (path, batch), pixels in zip(batches.items(), images, strict=True)
            ]
            return np.ascontiguousarray(np.concatenate(images)), np.concatenate(labels)

        return Dataset(self.name, *read(self.train), *read(self.test), names)


CIFAR10 = Cifar(
    "cifar10",
    10,
    "CIFAR-10: 50,000 training and 10,000 test images, 32x32 pixels, 10 classes (Krizhevsky, 2009)",
    "It tells ten kinds of things apart in thumbnails; it is no detector and was not tested on other images.",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "c58f30108f718f92721af3b95e74349a",
    "cifar-10-batches-py",
    {
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    },
    {"test_batch": "40351d587109b95175f43aff81a1287e"},
    {"batches.meta": "5ff9c542aee3614f3951f8cda6e48888"},
    b"labels",
    b"label_names",
)
CIFAR100 = Cifar(
    "cifar100",
    100,
    "CIFAR-100: 50,000 training and 10,000 test images, 32x32 pixels, 100 classes (Krizhevsky, 2009)",
    "It tells a hundred kinds of things apart in thumbnails; it is no detector and was not tested on other images. "
    "Ten of the published test images also occur among the training images.",
    "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    "eb9058c3a382ffc7106e4002c42a8d85",
    "cifar-100-python",
    {"train": "16019d7e3df5f24257cddd939b257f8d"},
    {"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
    {"meta": "7973b15100ade9c7d40fb424638fde48"},
    b"fine_labels",
    b"fine_label_names",
)


_ALLOWED: dict[tuple[str, str], Any] = {
    (module, name): value
    for name, protocol in (("_reconstruct", 2), ("_frombuffer", 5))
    for value in (np.zeros(1).__reduce_ex__(protocol)[0],)
    for module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")
} | {("numpy", "ndarray"): np.ndarray, ("numpy", "dtype"): np.dtype}
"""What a pickled array names, by the exact names that numpy has given it. Nothing is imported for a file."""

FILE_LIMIT = 256 * 2**20
"""Bytes of a published file; the largest has 155 million."""


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles numpy arrays and plain containers, nothing else: a CIFAR file cannot name any other callable."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        raise pickle.UnpicklingError(f"the file names {module}.{name}, expected numpy arrays only")


def _read_batch(path: Path, md5: str) -> dict[bytes, Any]:
    content = read_bytes(path, "a file of the published 'python version'", FILE_LIMIT)
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise InputError(f"{path}: damaged, found MD5 {found}, expected the published {md5}")
    try:
        batch = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # whatever the reader of a crafted file comes upon
        raise InputError(f"{path}: not a pickle of arrays ({error})") from None
    if not isinstance(batch, dict):
        raise InputError(f"{path}: found {shown(batch)}, expected a dictionary")
    return batch


def _images(path: Path, batch: dict[bytes, Any]) -> Images:
    """The pixels of a batch, (n, 32, 32, 3)."""
    pixels = batch.get(b"data")
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (3 * 32 * 32,):
        raise InputError(f"{path}: key 'data': found {shown(pixels)}, expected uint8 of shape (n, 3072)")
    return pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def _labels(path: Path, batch: dict[bytes, Any], key: bytes, count: int, classes: int) -> Labels:
    labels = batch.get(key)
    if not isinstance(labels, list) or len(labels) != count:
        raise InputError(f"{path}: key '{key.decode()}': found {shown(labels)}, expected a list of {count} labels")
    if not all(type(label) is int and 0 <= label < classes for label in labels):
        raise InputError(f"{path}: key '{key.decode()}': expected labels from 0 to {classes - 1}")
    return np.asarray(labels, dtype=np.int64)
