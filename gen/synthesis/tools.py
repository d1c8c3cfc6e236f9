# SPDX-License-Identifier: Apache-2.0
"""Runs of the YoWASP tools, cached by what went in.

A run's results lie in a folder named after the hash of its files, its script and the tool's version: the same design is
never synthesized twice, and a run that was cut off leaves nothing that looks like a result.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wsfracbnn.model.errors import InputError

Report = Callable[[str], None]

SECONDS = "seconds.json"
"""File of a run that says how long it took."""


def cache_key(package: str, sources: Mapping[str, str], script: str) -> str:
    """Hash of a run: the tool's package and version, file names and texts, and what it is told to do.

    Raises:
        InputError: the package is not installed.
    """
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise InputError(f"{package} is missing, expected 'pip install wsfracbnn[synth]' (or 'make setup')") from None
    return hashlib.sha256(json.dumps([package, version, sources, script], sort_keys=True).encode()).hexdigest()[:16]


def run_in(folder: Path, sources: Mapping[str, str], command: list[str], log: str) -> None:
    """Run a tool in a temporary folder that becomes `folder` when it succeeds.

    The YoWASP tools see nothing outside the folder they run in, hence the copies.

    Raises:
        InputError: the tool failed; the sentence has its error. log: its log file in the folder.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, text in sources.items():
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        (partial / name).write_text(text)
    start = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).parent / command[0]), *command[1:]],
        cwd=partial,
        capture_output=True,
        text=True,
        check=False,
        errors="replace",
    )
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise InputError(f"{partial / log}: {command[0]} failed: {lines[0] if lines else done.stderr[-300:].strip()}")
    for name in sources:
        (partial / name).unlink()
    (partial / SECONDS).write_text(json.dumps(round(time.monotonic() - start, 1)))
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def seconds_of(folder: Path) -> float:
    """How long a run took."""
    value: Any = json.loads((folder / SECONDS).read_text())
    return float(value)
