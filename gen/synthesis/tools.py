# SPDX-License-Identifier: Apache-2.0
"""Runs of the YoWASP tools, cached by what went in.

A run's results lie in a folder named after the hash of its files, its script and the tool's version: the same design is
never synthesized twice, and a run that was cut off leaves nothing that looks like a result. The digests of its files
lie beside them (`cached.require_intact` reads them).
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from wsfracbnn.model.checksums import checksum_lines, file_digest
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.extras import version_of
from wsfracbnn.model.files import as_sentence, temporary_folder, write_text
from wsfracbnn.model.supervise import Child

Report = Callable[[str], None]

SECONDS = "seconds.json"
"""File of a run that says how long it took."""

KILLED = 128
"""Exit codes above are signals' numbers added to this."""

DIGESTS = "SHA256SUMS"
"""File of a run with the digests of the others, as `sha256sum` writes them: `sha256sum -c SHA256SUMS` asks the same."""


WAKE_S = 0.5
"""Seconds after which one who waits for a tool looks whether it is still wanted."""


class ToolFailedError(InputError):
    """A tool ended with an error of its own: the same input would end so again."""


class StoppedError(Exception):
    """A tool was ended because its result is no longer wanted."""


def cache_key(package: str, sources: Mapping[str, str], script: str) -> str:
    """Hash of a run: the tool's package and version, file names and texts, and what it is told to do.

    Raises:
        InputError: the package is not installed.
    """
    version = version_of(package, "synth")
    return hashlib.sha256(json.dumps([package, version, sources, script], sort_keys=True).encode()).hexdigest()[:16]


def run_in(
    folder: Path,
    sources: Mapping[str, str],
    command: list[str],
    log: str,
    *,
    stop: threading.Event | None = None,
    seconds_before: float = 0.0,
) -> None:
    """Run a tool in a temporary folder of its own that becomes `folder` when it succeeds.

    The YoWASP tools see nothing outside the folder they run in, hence the copies. Of two that run the same at once the
    first to end has its results kept; they are equal. The log of a run that fails is kept beside the folder.

    Args:
        log: name of the tool's log file in the folder.
        stop: when this is set, the tool is killed.
        seconds_before: of the runs whose results this one takes; they count in its own.
    Raises:
        ToolFailedError: the tool failed; the sentence has its error.
        StoppedError: `stop` was set before the tool ended.
        InputError: it was killed, or the folder cannot be written.
    """
    with as_sentence(folder), temporary_folder(folder) as work:
        run = work / "run"
        run.mkdir()
        for name, text in sources.items():
            (run / name).parent.mkdir(parents=True, exist_ok=True)
            (run / name).write_text(text)
        start = time.monotonic()
        program = str(Path(sys.executable).parent / command[0])
        with Child([program, *command[1:]], cwd=run, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            printed = _printed(child, stop)
        if child.returncode != 0:
            failed = InputError if child.returncode > KILLED else ToolFailedError
            raise failed(_failure(folder, command[0], printed, run / log))
        for name in sources:
            (run / name).unlink()
        (run / SECONDS).write_text(json.dumps(round(seconds_before + time.monotonic() - start, 1)))
        write_digests(run)
        if not all((folder / file.name).exists() for file in run.iterdir()):
            if folder.exists():
                folder.rename(work / "incomplete")
            run.rename(folder)


def _printed(child: Child, stop: threading.Event | None) -> str:
    """All that a tool prints until it ends."""
    while True:
        try:
            return "".join(part.decode(errors="replace") for part in child.communicate(timeout=WAKE_S))
        except subprocess.TimeoutExpired:
            if stop is not None and stop.is_set():
                raise StoppedError from None


def write_digests(run: Path) -> None:
    """Write the digests of all files that a run left."""
    paths = sorted(path for path in run.iterdir() if path.is_file())
    (run / DIGESTS).write_text(checksum_lines({path.name: file_digest(path) for path in paths}))


def _failure(folder: Path, program: str, printed: str, log: Path) -> str:
    """What to say of a run that failed; keeps its log."""
    kept = folder.with_name(f"{folder.name}.log")
    write_text(kept, log.read_text(errors="replace") if log.is_file() else printed)
    lines = [line for line in printed.splitlines() if "ERROR" in line]
    return f"{kept}: {program} failed: {lines[0] if lines else printed[-300:].strip()}"
