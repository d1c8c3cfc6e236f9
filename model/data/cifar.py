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
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from wsfracbnn.model.data.dataset import Dataset, Images, Labels
from wsfracbnn.model.errors import InputError


@dataclass(frozen=True)
class Cifar:
    """A published CIFAR archive ("python version"): its URL, the MD5 sums its authors print, and the names inside.

    The folder that `load` takes holds the archive's own folder, or is that folder. Without one the archive is
    downloaded, checked and cached.
    """

    name: str
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
            cache = Path(pooch.os_cache("wsfracbnn"))
            folder = cache / self.folder
            if not folder.is_dir():
                try:
                    pooch.retrieve(
                        self.url,
                        known_hash=f"md5:{self.md5}",
                        path=cache,
                        processor=pooch.Untar(extract_dir="."),
                        downloader=pooch.HTTPDownloader(progressbar=_DownloadProgress(self.folder)),
                    )
                except Exception as error:  # pooch passes on whatever requests, tarfile or the hash check raise
                    raise InputError(
                        f"{self.url}: download failed ({error}); give a folder that holds {self.folder}/ instead"
                    ) from None
        elif (folder / self.folder).is_dir():
            folder = folder / self.folder

        def read(files: dict[str, str]) -> tuple[Images, Labels]:
            batches = [_read_batch(folder / file, md5) for file, md5 in files.items()]
            pixels = np.concatenate([batch[b"data"] for batch in batches])
            labels = np.concatenate([np.asarray(batch[self.label_key], dtype=np.int64) for batch in batches])
            return np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels

        meta = {k: v for file, md5 in self.meta.items() for k, v in _read_batch(folder / file, md5).items()}
        names = tuple(n.decode() for n in meta[self.names_key])
        return Dataset(self.name, *read(self.train), *read(self.test), names)


CIFAR10 = Cifar(
    "cifar10",
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


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles numpy arrays and plain containers, nothing else: a CIFAR file cannot name any other callable."""

    _ALLOWED = frozenset({"_reconstruct", "ndarray", "dtype"})

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in self._ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"the file names {module}.{name}, expected numpy arrays only")


def _read_batch(path: Path, md5: str) -> dict[bytes, Any]:
    if not path.is_file():
        raise InputError(f"{path}: not found, expected a file of the published 'python version'")
    content = path.read_bytes()
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise InputError(f"{path}: damaged, found MD5 {found}, expected the published {md5}")
    batch: dict[bytes, Any] = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
    return batch


class _DownloadProgress:
    """A rich progress bar with the interface that pooch expects of one (tqdm's)."""

    def __init__(self, name: str) -> None:
        columns = (TextColumn("downloading {task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns)
        self.task = self.bar.add_task(name, total=None)
        self.total: int | None = None
        """Bytes in all, which pooch sets."""

    def update(self, amount: int) -> None:
        self.bar.start()
        self.bar.update(self.task, total=self.total, advance=amount)

    def reset(self) -> None:
        self.bar.reset(self.task)

    def close(self) -> None:
        self.bar.stop()
