# SPDX-License-Identifier: Apache-2.0
"""What a kind of file is to the fuzzer, and the usual kinds: bytes, JSON, TOML, PyTorch's."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import torch

from .damage import damaged_bytes, damaged_value, json_text, toml_text


@dataclasses.dataclass(frozen=True)
class Target:
    """A kind of file: its name, an intact one, how a damaged one is written, and what a command does with it.

    Attributes:
        value: what an intact one holds, of those kinds whose refusals name a key; `write` puts such a value into a
            file.
        free: regular expression of places in it at which anything may stand, because nothing reads them.
        beside: files that belong to the damaged one.
    """

    file: str
    intact: bytes
    damage: Callable[[Random, Path], None]
    read: Callable[[Path], object]
    value: Any = None
    write: Callable[[Any, Path], object] | None = None
    free: str = ""
    beside: Mapping[str, bytes] = dataclasses.field(default_factory=dict)


def bytes_target(file: str, content: bytes, read: Callable[[Path], object]) -> Target:
    """A file of which nothing is known but its bytes."""
    return Target(file, content, lambda random, path: _write(path, damaged_bytes(random, content)), read)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def json_target(
    file: str,
    text: str,
    read: Callable[[Path], object],
    free: str = "",
    *,
    beside: Mapping[str, bytes] = MappingProxyType({}),
) -> Target:
    """A JSON file: some damage is to its bytes, most to its values."""
    value = json.loads(text)

    def damage(random: Random, path: Path) -> None:
        if random.random() < 0.3:
            path.write_bytes(damaged_bytes(random, text.encode()))
        else:
            path.write_text(json_text(damaged_value(random, value)))

    write = lambda v, path: path.write_text(json_text(v))  # noqa: E731
    return Target(file, text.encode(), damage, read, value, write, free, beside)


def toml_target(file: str, text: str, read: Callable[[Path], object]) -> Target:
    """A TOML file: some damage is to its bytes, most to its values."""
    table = tomllib.loads(text)

    def damage(random: Random, path: Path) -> None:
        if random.random() < 0.3:
            path.write_bytes(damaged_bytes(random, text.encode()))
        else:
            path.write_bytes(toml_text(damaged_value(random, table)).encode(errors="replace"))

    return Target(file, text.encode(), damage, read, table, lambda v, path: path.write_text(toml_text(v)))


def torch_target(
    folder: Path, file: str, save: Callable[[Path], object], read: Callable[[Path], object], free: str = ""
) -> Target:
    """A file of PyTorch's, as `save` writes it into `folder`."""
    save(folder / file)
    content = (folder / file).read_bytes()
    value = torch.load(folder / file, weights_only=True)

    def damage(random: Random, path: Path) -> None:
        if random.random() < 0.3:
            path.write_bytes(damaged_bytes(random, content))
            return
        changed = damaged_value(random, value, tensors=True)
        if isinstance(changed, dict) and random.random() < 0.9:
            changed.pop("sha256", None)  # else the digest refuses what the checks behind it should see
        try:
            torch.save(changed, path)
        except RecursionError:
            path.write_bytes(content[: len(content) // 2])

    value = {key: item for key, item in value.items() if key != "sha256"}
    return Target(file, content, damage, read, value, torch.save, free)


def saved(path: Path, save: Callable[[Path], object]) -> bytes:
    """What `save` writes, by way of a file at `path`."""
    save(path)
    return path.read_bytes()
