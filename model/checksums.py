# SPDX-License-Identifier: Apache-2.0
"""Digests of files, in the lines that `sha256sum` writes and checks: 64 hexadecimal digits, two spaces, a name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def file_digest(path: Path) -> str:
    """SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum_lines(digests: Mapping[str, str]) -> str:
    """The text of digests by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in digests.items())


def parse_checksums(text: str) -> dict[str, str]:
    """Digests by name.

    Raises:
        ValueError: a line is none of these, or names a file again; says which, from 1.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in found:
            raise ValueError(f"line {number}")
        found[match[2]] = match[1]
    return found
