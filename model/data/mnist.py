# SPDX-License-Identifier: Apache-2.0
"""MNIST (LeCun et al., 1998) and Fashion-MNIST (Xiao et al., arXiv 1708.07747) in their published IDX files."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.data.published import published_files
from wsfracbnn.model.errors import InputError

BYTES = 8
"""IDX's code of unsigned bytes."""

UNPACKED_LIMIT = 64 * 2**20
"""Bytes of a file when unpacked; the largest has 47 million."""

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


@dataclass(frozen=True)
class Mnist:
    """A dataset in MNIST's layout: its URL, and MD5 sums by file as torchvision checks them.

    The folder that `load` takes holds the four files, or torchvision's folder of them.
    """

    name: str
    data: str
    limits: str
    url: str
    md5: dict[str, str]
    torchvision_folder: str
    class_names: tuple[str, ...]

    is_read_from_files: ClassVar[bool] = True

    @property
    def classes(self) -> int:
        return len(self.class_names)

    def load(self, folder: Path | None) -> Dataset:
        """The published split.

        Raises:
            InputError: a file is missing, damaged, or holds something else.
        """
        files = published_files(self.name, self.url, self.md5, folder, (".", self.torchvision_folder))
        train_images, test_images = (
            read_idx(name, files[name], 3)[..., np.newaxis] for name in (TRAIN_IMAGES, TEST_IMAGES)
        )
        train_labels, test_labels = (
            read_idx(name, files[name], 1).astype(np.int64) for name in (TRAIN_LABELS, TEST_LABELS)
        )
        for images, labels in ((train_images, train_labels), (test_images, test_labels)):
            if len(images) != len(labels) or labels.max(initial=0) >= self.classes:
                raise InputError(f"{self.name}: found {len(images)} images and {len(labels)} labels that do not match")
        return Dataset(self.name, train_images, train_labels, test_images, test_labels, self.class_names)


def read_idx(name: str, content: bytes, dimensions: int) -> NDArray[np.uint8]:
    """The array of a gzipped IDX file: two zeros, a type, the dimensions, their sizes (big-endian), the values.

    Raises:
        InputError: it is none of bytes with so many dimensions.
    """
    try:
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # gzip
        raw = unpacker.decompress(content, UNPACKED_LIMIT)
    except zlib.error as error:
        raise InputError(f"{name}: not a gzip file ({error})") from None
    header = 4 + 4 * dimensions
    if raw[:4] != bytes((0, 0, BYTES, dimensions)) or len(raw) < header:
        raise InputError(f"{name}: not an IDX file of bytes with {dimensions} dimensions")
    shape = tuple(int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(dimensions))
    values = np.frombuffer(raw, dtype=np.uint8, offset=header)
    if not unpacker.eof or values.size != math.prod(shape):
        raise InputError(f"{name}: found {values.size:,} values, expected {' x '.join(map(str, shape))}")
    return values.reshape(shape).copy()


MNIST = Mnist(
    "mnist",
    "MNIST: 60,000 training and 10,000 test images of written digits, 28x28 pixels, 10 classes (LeCun et al., 1998)",
    "It knows centred white digits on black; it was not tested on other images.",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    {
        TRAIN_IMAGES: "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        TRAIN_LABELS: "d53e105ee54ea40749a09fcbcd1e9432",
        TEST_IMAGES: "9fb629c4189551a2d022fa330f9573f3",
        TEST_LABELS: "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "MNIST/raw",
    tuple(str(digit) for digit in range(10)),
)
FASHION_MNIST = Mnist(
    "fashion_mnist",
    "Fashion-MNIST: 60,000 training and 10,000 test images of clothes, 28x28 pixels, 10 classes (Xiao et al., 2017)",
    "It knows clothes from one shop's catalogue, grey on black; it was not tested on other images.",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    {
        TRAIN_IMAGES: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        TRAIN_LABELS: "25c81989df183df01b3e8a0aad5dffbe",
        TEST_IMAGES: "bef4ecab320f06d8554ea6380940ec79",
        TEST_LABELS: "bb300cfdad3c16e7a12a480ee83cd310",
    },
    "FashionMNIST/raw",
    (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)
