# SPDX-License-Identifier: Apache-2.0
"""Damaged files of every kind are read or refused in a sentence; a few here, thousands by `python -m tests.fuzz`."""

from __future__ import annotations

from pathlib import Path

from .run import run
from .targets import targets


def test_intact_files_are_read(tmp_path: Path) -> None:
    for name, target in targets(tmp_path).items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / target.file).write_bytes(target.intact)
        target.read(folder / target.file)


def test_damaged_files_are_read_or_refused() -> None:
    results, faults = run(count=160, seed=1)
    assert faults == []
    assert {kind for kind, _ in results} == {kind for kind, result in results if result == "refused"}
