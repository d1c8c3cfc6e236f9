# SPDX-License-Identifier: Apache-2.0
"""MNIST, Fashion-MNIST and SVHN: files in their published layouts, whole, damaged and missing."""

from __future__ import annotations

import gzip
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pytest
from scipy.io import savemat

from wsfracbnn.model.data.mnist import (
    FASHION_MNIST,
    MNIST,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    read_idx,
)
from wsfracbnn.model.data.registry import SOURCES, load_dataset
from wsfracbnn.model.data.svhn import TEST, TRAIN, Svhn
from wsfracbnn.model.errors import InputError


def packed(content: bytes) -> bytes:
    """gzip without the time, so that a test has the same name in every process."""
    return gzip.compress(content, mtime=0)


def idx(values: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """As http://yann.lecun.com/exdb/mnist describes the format."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return packed(bytes((0, 0, 8, values.ndim)) + sizes + values.tobytes())


def sums(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.md5(content, usedforsecurity=False).hexdigest() for name, content in files.items()}


def write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


RNG = np.random.default_rng(1)
IMAGES = RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8)
LABELS = np.array([3, 0, 9, 9, 1], dtype=np.uint8)
MNIST_FILES = {
    TRAIN_IMAGES: idx(IMAGES),
    TRAIN_LABELS: idx(LABELS),
    TEST_IMAGES: idx(IMAGES[:2]),
    TEST_LABELS: idx(LABELS[:2]),
}


@pytest.mark.parametrize("source, inside", [(MNIST, ""), (MNIST, "MNIST/raw"), (FASHION_MNIST, "FashionMNIST/raw")])
def test_idx_files_load(tmp_path: Path, source: Any, inside: str) -> None:
    write(tmp_path / inside, MNIST_FILES)
    found = replace(source, md5=sums(MNIST_FILES)).load(tmp_path)
    assert np.array_equal(found.train_images[..., 0], IMAGES)
    assert found.train_labels.tolist() == LABELS.tolist()
    assert found.test_images.shape == (2, 28, 28, 1)
    assert len(found.class_names) == source.classes == 10


def test_only_the_published_files_are_taken(tmp_path: Path) -> None:
    write(tmp_path, MNIST_FILES)
    with pytest.raises(
        InputError, match=r"train-images-idx3-ubyte\.gz: damaged, found MD5 .*expected the published f68b3c2"
    ):
        load_dataset("mnist", tmp_path)
    with pytest.raises(InputError, match="no such file, expected a published file of fashion_mnist"):
        load_dataset("fashion_mnist", tmp_path / "..")
    with pytest.raises(InputError, match=r"--data: found .*expected a folder that holds train_32x32\.mat"):
        load_dataset("svhn", tmp_path / "none")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"plain", "not a gzip file"),
        (packed(b"\0\0\x0d\x03" + bytes(12)), "not an IDX file of bytes with 3 dimensions"),
        (idx(IMAGES[0]), "not an IDX file of bytes with 3 dimensions"),
        (packed(gzip.decompress(idx(IMAGES))[:-1]), "found 3,919 values, expected 5 x 28 x 28"),
        (idx(IMAGES)[:-30], "found .* values, expected 5 x 28 x 28"),
    ],
    ids=["plain", "floats", "dimensions", "short", "cut off"],
)
def test_an_idx_file_that_is_wrong_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_idx("a.gz", content, 3)


def test_labels_must_match_the_images(tmp_path: Path) -> None:
    files = MNIST_FILES | {TRAIN_LABELS: idx(LABELS[:4])}
    write(tmp_path, files)
    with pytest.raises(InputError, match="mnist: found 5 images and 4 labels that do not match"):
        replace(MNIST, md5=sums(files)).load(tmp_path)


def mat(images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> bytes:
    """SVHN's layout: X (32, 32, 3, n), y (n, 1)."""
    stream = io.BytesIO()
    savemat(stream, {"X": images, "y": labels}, do_compression=True)
    return stream.getvalue()


def test_svhn_files_load(tmp_path: Path) -> None:
    images = RNG.integers(0, 256, (32, 32, 3, 4), dtype=np.uint8)
    labels = np.array([[1], [10], [9], [2]], dtype=np.uint8)
    files = {TRAIN: mat(images, labels), TEST: mat(images[..., :1], labels[:1])}
    write(tmp_path, files)
    found = Svhn(md5=sums(files)).load(tmp_path)
    assert found.train_labels.tolist() == [1, 0, 9, 2]
    assert np.array_equal(found.train_images[2], images[..., 2])
    assert found.test_images.shape == (1, 32, 32, 3)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"no MATLAB file", "not a MATLAB file with X and y"),
        (mat(np.zeros((32, 32, 3, 2), np.uint8), np.array([[1], [11]])), "y: expected labels from 1 to 10"),
        (mat(np.zeros((32, 32, 3, 2), np.float32), np.array([[1], [1]])), "X: found .*expected uint8 of shape"),
    ],
    ids=["text", "labels", "floats"],
)
def test_an_svhn_file_that_is_wrong_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    files = {TRAIN: content, TEST: content}
    write(tmp_path, files)
    with pytest.raises(InputError, match=f"train_32x32.mat: {message}"):
        Svhn(md5=sums(files)).load(tmp_path)


def test_files_are_fetched_where_no_folder_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, str] = {}

    def fetch(url: str, known_hash: str, fname: str, path: Path, **_: object) -> None:
        asked[url] = known_hash
        write(path, {fname: MNIST_FILES[fname]})

    monkeypatch.setattr(pooch, "retrieve", fetch)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    source = replace(MNIST, md5=sums(MNIST_FILES))
    assert len(source.load(None).train_images) == 5
    assert asked == {f"{source.url}{name}": f"md5:{md5}" for name, md5 in source.md5.items()}
    asked.clear()
    source.load(None)
    assert asked == {}


def test_the_help_names_every_dataset() -> None:
    from wsfracbnn.cli.options import DATASETS

    assert tuple(SOURCES) == DATASETS
