# SPDX-License-Identifier: Apache-2.0
"""Pictures that a user names one by one, or by their folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wsfracbnn.model.data.preparation import Pictures, read_picture
from wsfracbnn.model.errors import InputError

AT_ONCE = 1024
"""Pictures that are held in memory together."""


def is_picture(path: Path) -> bool:
    """Whether a file's name ends as a picture's does, and is not hidden."""
    return not path.name.startswith(".") and path.suffix.lower() in Image.registered_extensions()


def picture_files(paths: Iterable[Path]) -> list[Path]:
    """The files, a folder standing for the pictures that lie in it, by their names.

    Raises:
        InputError: a folder holds none, or there are more than `AT_ONCE`.
    """
    files: list[Path] = []
    for path in paths:
        inside = sorted(entry for entry in path.iterdir() if is_picture(entry)) if path.is_dir() else [path]
        if not inside:
            raise InputError(
                f"{path}: no pictures in this folder, expected files such as {path / 'a.png'}; folders in it are not "
                "looked into"
            )
        files += inside
    if len(files) > AT_ONCE:
        raise InputError(f"found {len(files):,} pictures, expected at most {AT_ONCE:,} at once")
    return files


def read_pictures(files: Sequence[Path], shape: tuple[int, int, int], pictures: Pictures) -> NDArray[np.uint8]:
    """Pictures as images (n, H, W, colours).

    Raises:
        InputError: one cannot be read; names it.
    """
    return np.stack([read_picture(file, shape, pictures) for file in files])
