# SPDX-License-Identifier: Apache-2.0
"""Hash of parts of the tree: what an outcome that is kept depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from fnmatch import fnmatch

from wsfracbnn.gen.locations import ROOT


def digest_of(places: Iterable[str], suffixes: Collection[str], without: str = "") -> str:
    """SHA-256 over names and contents of files, and of those in folders that have one of the suffixes.

    places: by their paths from the tree's root. without: files in folders whose names match this pattern do not count.
    """
    digest = hashlib.sha256()
    for place in places:
        path = ROOT / place
        inside = (
            found
            for found in path.rglob("*")
            if found.suffix in suffixes and found.is_file() and not fnmatch(found.name, without)
        )
        for file in [path] if path.is_file() else sorted(inside):
            digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
