# SPDX-License-Identifier: Apache-2.0
"""Files of tensors from outside: plain values only, each with all of its elements, and a digest of their content.

torch reads a file after its archive was checked, and may load tensors and plain values only.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

from wsfracbnn.model.archive import RECORD_LIMIT, check_zip
from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.reading import parse_json, require_file

PLAIN_TYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.uint8, torch.int64, torch.bool)


def read_torch(path: Path, limit: int, what: str) -> Any:
    """What torch.save wrote, of at most `limit` bytes: tensors on the CPU and plain values.

    Raises:
        InputError: it is larger, damaged, or holds anything else.
    """
    require_file(path, what, limit)
    check_zip(path, limit, what, stored=True)
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
