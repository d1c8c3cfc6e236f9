# SPDX-License-Identifier: Apache-2.0
"""Files of tensors and arrays from outside: bounded and checked as archives before anything of them is built.

torch.save and numpy write zip archives. The records of one are counted, their sizes are compared with the file's, and
each record's CRC is checked; then torch or numpy read it, which may load tensors and plain values only.
"""

from __future__ import annotations

import hashlib
import json
import pickletools
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from numpy.typing import NDArray
from torch import Tensor

from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.reading import parse_json, require_file

RECORD_LIMIT = 20_000
"""Records of an archive: a tensor each."""

PICKLE_LIMIT = 8 * 2**20
"""Bytes of the record that says what the tensors are."""

CODE_LIMIT = 500_000
"""Opcodes of that record; the largest network needs some 50,000."""

PLAIN_TYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.uint8, torch.int64, torch.bool)


def read_torch(path: Path, limit: int, what: str) -> Any:
    """What torch.save wrote, of at most `limit` bytes: tensors on the CPU and plain values.

    Raises:
        InputError: it is larger, damaged, or holds anything else.
    """
    require_file(path, what, limit)
    _check_zip(path, limit, what, stored=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch tells of pickle protocols
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # whatever the reader of a crafted file comes upon
        raise InputError(
            f"{path}: not {what} that can be read safely, expected a file written by torch.save that holds "
            "tensors and plain values only (weights_only=True)"
        ) from None


def read_safetensors(path: Path, limit: int) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Metadata under the key "wsfracbnn", which is JSON, and the tensors.

    Raises:
        InputError: it is larger, damaged, or has no such metadata.
    """
    require_file(path, "a safetensors file", limit)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("wsfracbnn")
            names = list(file.keys())
            if len(names) > RECORD_LIMIT:
                raise InputError(f"found {len(names):,} tensors, expected at most {RECORD_LIMIT:,}")
            tensors = {name: file.get_tensor(name) for name in names}
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except Exception as error:  # whatever the reader of a crafted file comes upon
        raise InputError(f"{path}: not a safetensors file ({error})") from None
    if text is None:
        raise InputError(f"{path}: metadata key 'wsfracbnn' is missing")
    try:
        header = parse_json(text)
    except InputError as error:
        raise InputError(f"{path}: metadata key 'wsfracbnn': not JSON ({error})") from None
    if not isinstance(header, dict):
        raise InputError(f"{path}: metadata key 'wsfracbnn': found {shown(header)}, expected an object")
    return header, tensors


def read_arrays(path: Path, limit: int, what: str) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file, `limit` bytes at most when unpacked.

    Raises:
        InputError: it is larger, damaged, or holds Python objects.
    """
    require_file(path, what, limit)
    _check_zip(path, limit, what, stored=False)
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except Exception as error:  # whatever the reader of a crafted file comes upon
        raise InputError(f"{path}: not {what} ({error})") from None


def _check_zip(path: Path, limit: int, what: str, *, stored: bool) -> None:
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


def require_plain(tensors: Mapping[Any, Any], what: str) -> None:
    """Raise `InputError` unless every value is an ordinary tensor on the CPU with all of its elements in the file.

    A tensor may name few bytes of the file as many elements (strides of 0), be sparse, quantized or without any data.
    """
    total = 0
    for key, tensor in tensors.items():
        if not isinstance(key, str):
            raise InputError(f"{what}: found the key {shown(key)}, expected strings")
        name = f"key '{what}.{key}'"
        if not isinstance(tensor, Tensor):
            raise InputError(f"{name}: found {shown(tensor)}, expected a tensor")
        if tensor.dtype not in PLAIN_TYPES:
            raise InputError(f"{name}: found {tensor.dtype}, expected one of {', '.join(map(str, PLAIN_TYPES))}")
        if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_nested or tensor.is_neg():
            raise InputError(f"{name}: found a {tensor.layout} tensor on '{tensor.device}', expected a dense one")
        size, held = tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()
        if size > held:
            raise InputError(f"{name}: found {size:,} bytes of elements in {held:,} bytes of the file")
        total += size
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors.values()}
    if total > sum(storages.values()):
        raise InputError(f"key '{what}': found tensors that share their elements")


def content_digest(header: Mapping[str, Any], tensors: Iterable[tuple[str, Tensor]]) -> str:
    """SHA-256 over plain values and tensors in their order, by names, types, shapes and bytes."""
    sha = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, tensor in tensors:
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        sha.update(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()
