# SPDX-License-Identifier: Apache-2.0
"""Archives from outside, as torch and numpy write them: bounded and checked before anything of them is built.

The records of a zip archive are counted, their sizes are compared with the file's, and each record's CRC is checked.
"""

from __future__ import annotations

import pickletools
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.reading import require_file

RECORD_LIMIT = 20_000
"""Records of an archive: a tensor each."""

PICKLE_LIMIT = 8 * 2**20
"""Bytes of the record that says what the tensors are."""

CODE_LIMIT = 500_000
"""Opcodes of that record; the largest network needs some 50,000."""


def read_arrays(path: Path, limit: int, what: str) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file, `limit` bytes at most when unpacked.

    Raises:
        InputError: it is larger, damaged, or holds Python objects.
    """
    require_file(path, what, limit)
    check_zip(path, limit, what, stored=False)
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {key: file[key] for key in file.files}
    except Exception as error:  # whatever the reader of a crafted file comes upon
        raise InputError(f"{path}: not {what} ({error})") from None
    for key, array in found.items():
        if not isinstance(array, np.ndarray):  # numpy gives the bytes of a record that begins otherwise
            raise InputError(f"{path}: not {what} (record {shown(key)} is no array)")
    return found


def check_zip(path: Path, limit: int, what: str, *, stored: bool) -> None:
    """Raise `InputError` for an archive that is damaged or would unpack to more than it may. stored: not compressed."""
    damaged: str | None = None
    try:
        with zipfile.ZipFile(path) as archive:
            records = archive.infolist()
            unpacked = sum(record.file_size for record in records)
            wrong = _excess(records, unpacked, path.stat().st_size if stored else limit, stored=stored)
            if wrong is None:
                damaged = archive.testzip()
                wrong = _excess_of_pickles(archive) if stored and damaged is None else None
    except Exception:  # zipfile has no one exception for what it cannot read
        raise InputError(f"{path}: not {what} (no intact zip archive), expected a file as it was written") from None
    if wrong is not None:
        raise InputError(f"{path}: not {what} ({wrong})")
    if damaged is not None:
        raise InputError(f"{path}: damaged, record {shown(damaged)} does not match its CRC")


def _excess(records: list[zipfile.ZipInfo], unpacked: int, most: int, *, stored: bool) -> str | None:
    if len(records) > RECORD_LIMIT:
        return f"{len(records):,} records, expected at most {RECORD_LIMIT:,}"
    if stored and any(record.compress_type != zipfile.ZIP_STORED for record in records):
        return "a compressed record, expected none"
    if unpacked > most:
        return f"{unpacked:,} bytes when unpacked, expected at most {most:,}"
    return None


def _excess_of_pickles(archive: zipfile.ZipFile) -> str | None:
    for record in archive.infolist():
        if record.filename.endswith("/data.pkl"):
            if record.file_size > PICKLE_LIMIT:
                return f"a description of {record.file_size:,} bytes, expected at most {PICKLE_LIMIT:,}"
            for number, _ in enumerate(pickletools.genops(archive.read(record))):
                if number > CODE_LIMIT:
                    return f"a description of more than {CODE_LIMIT:,} steps"
    return None
