# SPDX-License-Identifier: Apache-2.0
"""Ways to damage what is read from outside: bytes of a file, and values inside of it.

Everything is drawn from a `random.Random`, so that a seed gives the same damage again.
"""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

import torch

STRINGS = ("", "x" * 5000, "\x1b[31mred", "[/b]", "../../up", "a\x00b", "\udc80", "NaN", "1", "é", "-", "a\nb")
NUMBERS = (-1, 0, 1, 2, 3, 7, 10**9, 2**63, 2**64, 10**400, -(2**70), 0.5, -0.5, 1e-300, 1e30, 1e308)
TOO_DEEP = "[" * 100_000 + "]" * 100_000
"""JSON text of what is nested too deep to be written."""

NOT_FINITE = (float("nan"), float("inf"), -float("inf"))


def damaged_bytes(random: Random, content: bytes) -> bytes:
    """Some bytes turned, cut out, doubled, zeroed or cut off."""
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8))):
        if not data:
            return b"\x00"
        start = random.randrange(len(data))
        end = min(len(data), start + random.choice((1, 4, 100, 5000)))
        match random.randrange(7):
            case 0:
                data[start] ^= 1 << random.randrange(8)
            case 1:
                data[start] = random.randrange(256)
            case 2:
                del data[start:end]
            case 3:
                data[start:start] = data[start:end]
            case 4:
                data[start:end] = bytes(end - start)
            case 5:
                data[start:end] = random.randbytes(end - start)
            case _:
                del data[start:]
    return bytes(data)


def odd_value(random: Random, *, tensors: bool) -> Any:
    """A value that is most likely of the wrong type or out of range."""
    kinds = ["number", "string", "plain", "container", "deep"] + ["tensor", "not finite"] * tensors
    match random.choice(kinds):
        case "number":
            return random.choice(NUMBERS)
        case "string":
            return random.choice(STRINGS)
        case "plain":
            return random.choice((None, True, False))
        case "container":
            return random.choice(([], {}, [1], [[]], {"a": 1}, [True, 2], ["x"], [1.0] * 3000))
        case "deep":
            return nested(random.choice((5, 50, 3000)))
        case "not finite":
            return random.choice(NOT_FINITE)
    return odd_tensor(random)


def nested(depth: int) -> list[Any]:
    """A list in a list in a list."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def odd_tensor(random: Random) -> torch.Tensor:
    """A tensor of another kind, type or shape."""
    makers = (
        lambda: torch.zeros(3, device="meta"),
        lambda: torch.eye(3).to_sparse(),
        lambda: torch.zeros(3).to(torch.float8_e4m3fn),
        lambda: torch.zeros(2, dtype=torch.complex64).conj(),
        lambda: torch.zeros(1).expand(10**10),
        lambda: torch.zeros(0),
        lambda: torch.zeros(()),
        lambda: torch.tensor([float("nan")]),
        lambda: torch.zeros(4, dtype=torch.int8),
        lambda: torch.zeros(4, dtype=torch.bool),
        lambda: torch.zeros(2, 3, 4, 5, dtype=torch.float64),
        lambda: torch.zeros(5056, dtype=torch.uint8),
    )
    return random.choice(makers)()


def damaged_value(random: Random, value: Any, *, tensors: bool = False) -> Any:
    """A copy of nested dictionaries and lists in which one to three places were changed, removed, added or renamed."""
    value = copy.deepcopy(value)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = _places(value)
        if not places or random.random() < 0.02:
            return odd_value(random, tensors=tensors)
        container, key = random.choice(places)
        match random.randrange(6):
            case 0:
                del container[key]
            case 1 if isinstance(container, dict):
                container[random.choice(("new", "", "x\x1b", 7 if tensors else "seven"))] = container.pop(key)
            case 1:
                container.insert(random.randrange(len(container) + 1), odd_value(random, tensors=tensors))
            case 2 if isinstance(container[key], torch.Tensor):
                container[key] = _damaged_tensor(random, container[key])
            case 2 if isinstance(container[key], list):
                container[key] = container[key] * random.choice((0, 2, 300))
            case _:
                container[key] = odd_value(random, tensors=tensors)
    return value


def _damaged_tensor(random: Random, tensor: torch.Tensor) -> torch.Tensor:
    flat = tensor.clone().reshape(-1)
    match random.randrange(6):
        case 0 if len(flat):
            scale = random.choice((float("nan"), float("inf"), -1e30, 1e18, 1e4)) if flat.is_floating_point() else 9
            flat[random.randrange(len(flat))] = scale
        case 1:
            return flat
        case 2:
            return tensor.half() if tensor.is_floating_point() else tensor.float()
        case 3:
            return tensor[:0] if tensor.ndim else tensor.expand(7)
        case 4 if flat.is_floating_point():
            flat *= random.choice((0.0, 1e3, 1e9, 1e30, -1.0))
        case _:
            return odd_tensor(random)
    return flat.reshape(tensor.shape)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything inside."""
    found: list[tuple[Any, Any]] = []
    level = [value]
    while level and len(found) < 3000:
        container = level.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        found += [(container, key) for key in keys]
        level += [container[key] for key in keys if isinstance(container[key], dict | list)]
    return found


def json_text(value: Any) -> str:
    """JSON text, as Python writes it: NaN and lone surrogates included; what cannot be written is null."""
    try:
        return json.dumps(value, indent=1)
    except (RecursionError, ValueError):
        return TOO_DEEP


def toml_text(table: dict[str, Any]) -> str:
    """TOML text of a table of plain values and lists of tables; JSON's spelling of values is mostly TOML's too."""
    if not isinstance(table, dict):
        return json_text(table)
    lines = []
    for key, value in table.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for item in value:
                lines += [f"[[{key}]]", *(f"{json_text(k)} = {_toml_value(v)}" for k, v in item.items())]
        else:
            lines.insert(0, f"{json_text(key)} = {_toml_value(value)}")
    return "\n".join(lines) + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json_text(k)} = {_toml_value(v)}" for k, v in value.items()) + " }"
    return json_text(value).replace("\n", " ")
