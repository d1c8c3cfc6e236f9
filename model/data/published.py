# SPDX-License-Identifier: Apache-2.0
"""Datasets of a few published files, each checked against its MD5 sum before it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from wsfracbnn.model.data.download import cache_folder, download
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import read_bytes

FILE_LIMIT = 512 * 2**20
"""Bytes of a published file."""


def published_files(
    name: str, url: str, files: Mapping[str, str], folder: Path | None, inside: Sequence[str]
) -> dict[str, bytes]:
    """The contents of published files by their names.

    Args:
        name: of the dataset. url: of the folder that they are published in. files: MD5 sums by name.
        folder: that holds them, itself or in one of the folders `inside` it; None: they are downloaded and cached.
    Raises:
        InputError: one is missing or damaged, or cannot be downloaded.
    """
    first = next(iter(files))
    if folder is None:
        folder = cache_folder() / name
        for file, md5 in files.items():
            if not (folder / file).is_file():
                download(f"{url}{file}", md5, folder, f"{first} and its like")
    elif not folder.is_dir():
        raise InputError(f"--data: found '{folder}', expected a folder that holds {first}")
    else:
        folder = next((folder / part for part in inside if (folder / part / first).is_file()), folder)
    contents = {}
    for file, md5 in files.items():
        contents[file] = read_bytes(folder / file, f"a published file of {name}", FILE_LIMIT)
        found = hashlib.md5(contents[file], usedforsecurity=False).hexdigest()
        if found != md5:
            raise InputError(f"{folder / file}: damaged, found MD5 {found}, expected the published {md5}")
    return contents
