# SPDX-License-Identifier: Apache-2.0
"""Datasets: the digits' fixed split, and CIFAR folders that are missing, damaged or (where given) whole.

WSFRACBNN_CIFAR names a folder that holds `cifar-10-batches-py` and `cifar-100-python`; without it the last test is
skipped and says so.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pooch
import pytest

from wsfracbnn.model.data import cifar
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.errors import InputError


def test_digits_split_is_fixed_and_balanced() -> None:
    digits = load_dataset("digits")
    assert digits.train_images.shape == (1343, 8, 8, 1)
    assert digits.test_images.shape == (454, 8, 8, 1)
    assert digits.train_images.dtype == np.uint8
    assert digits.train_images.max() == 255
    assert np.bincount(digits.test_labels).min() >= 44
    again = load_dataset("digits")
    assert np.array_equal(digits.test_images, again.test_images)


def test_an_unknown_dataset_is_refused() -> None:
    with pytest.raises(InputError, match="dataset 'mnist' is unknown, expected digits, cifar10, cifar100"):
        load_dataset("mnist")


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"no such file, expected a file of the published 'python version'"):
        load_dataset(name, tmp_path)


def test_a_damaged_file_is_named_and_never_unpickled(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    for file in ("train", "test", "meta"):
        (folder / file).write_bytes(pickle.dumps({"data": 1}))
    with pytest.raises(InputError, match=r"meta: damaged, found MD5 [0-9a-f]{32}, expected the published 7973b15"):
        load_dataset("cifar100", tmp_path)


def test_a_failed_download_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", refuse)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    with pytest.raises(InputError, match=r"download failed \(no route to host\); give a folder"):
        load_dataset("cifar10")


def test_the_array_reader_takes_arrays_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "batch"
    content = pickle.dumps({b"data": np.arange(6, dtype=np.uint8)})
    file.write_bytes(content)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert cifar._read_batch(file, md5)[b"data"].tolist() == [0, 1, 2, 3, 4, 5]
    content = pickle.dumps({b"data": Path("x")})
    file.write_bytes(content)
    with pytest.raises(InputError, match="expected numpy arrays only"):
        cifar._read_batch(file, hashlib.md5(content, usedforsecurity=False).hexdigest())


@pytest.mark.skipif("WSFRACBNN_CIFAR" not in os.environ, reason="WSFRACBNN_CIFAR names no folder with CIFAR")
@pytest.mark.parametrize("name, classes", [("cifar10", 10), ("cifar100", 100)])
def test_the_published_files_load(name: str, classes: int) -> None:
    loaded = load_dataset(name, Path(os.environ["WSFRACBNN_CIFAR"]))
    assert loaded.train_images.shape == (50_000, 32, 32, 3)
    assert loaded.test_images.shape == (10_000, 32, 32, 3)
    assert len(loaded.class_names) == classes
    assert np.bincount(loaded.test_labels).tolist() == [10_000 // classes] * classes
    mean = loaded.train_images.mean(axis=(0, 1, 2)) / 255
    expected = [0.4914, 0.4822, 0.4465] if name == "cifar10" else [0.5071, 0.4865, 0.4409]
    assert mean == pytest.approx(expected, abs=1e-3)
