# SPDX-License-Identifier: Apache-2.0
"""Bounds around one attack: processor time, memory, files that are written, programs that are started.

All of them are measured in this process, which makes a case cheap: the peak of resident memory is Linux's VmHWM, set
back before each case; files, programs and connections are seen by Python's audit events.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

SECONDS = 60.0
"""Of processor time that one case may take."""

GROWTH_MB = 600.0
"""By which one case may exceed what was resident before it: the largest picture that is read takes 500 of them."""

_STARTS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
)
_CONNECTS = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request")
_CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.symlink", "os.link", "shutil.rmtree")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class TooLongError(BaseException):
    """A case ran out of its time; no `except Exception` on its way may take it for something else."""


@dataclass
class Watched:
    """What was seen of a case.

    Attributes:
        seconds: of processor time. grown_mb: resident memory at its peak, less what was resident before.
        seen: files outside of the folder that were written, programs, connections, each in words.
    """

    seconds: float = 0.0
    grown_mb: float = 0.0
    seen: list[str] = field(default_factory=list)


class _Hook:
    """An audit hook, which cannot be taken away again, and what it looks for at the moment."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.seen: list[str] = []
        self.is_there = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event in _STARTS or event in _CONNECTS:
            self.seen.append(f"{event} {str(arguments[:2])[:200]}")
        elif (event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING) or event in _CHANGES:
            self._changed(event, arguments[0])

    def _changed(self, event: str, path: object) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        place = os.path.realpath(os.fsdecode(path))
        assert self.folder is not None
        if not place.startswith((self.folder, os.devnull, "/proc/")):  # nothing can be made in the last two
            self.seen.append(f"{event} {place}")


_HOOK = _Hook()


@contextmanager
def watching(folder: Path) -> Iterator[Watched]:
    """Watch a block that may change nothing outside of `folder`.

    Raises:
        TooLongError: it takes more than SECONDS of processor time.
    """
    if not _HOOK.is_there:
        sys.addaudithook(_HOOK)
        _HOOK.is_there = True
    watched = Watched()
    before = _resident()
    _HOOK.folder, _HOOK.seen = f"{os.path.realpath(folder)}{os.sep}", watched.seen
    earlier = signal.signal(signal.SIGPROF, _too_long)
    start = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield watched
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, earlier)
        _HOOK.folder = None
        watched.seconds = time.process_time() - start
        watched.grown_mb = _peak() - before


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TooLongError


def excess(watched: Watched) -> str | None:
    """What a case did that none may, in words."""
    if watched.seen:
        return f"did {'; '.join(watched.seen[:3])}"
    if watched.grown_mb > GROWTH_MB:
        return f"took {watched.grown_mb:.0f} MB of memory, expected at most {GROWTH_MB:.0f}"
    return None


def contents(folder: Path) -> Mapping[str, str]:
    """Everything below a folder by its relative path: size and time of a file, the target of a link, "" of a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            status = path.stat()
            found[name] = f"{status.st_size} {status.st_mtime_ns}"
        else:
            found[name] = ""
    return found


def _resident() -> float:
    """Megabytes that are resident now; the peak starts anew from here."""
    gc.collect(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> float:
    return _status("VmHWM")


def _status(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) / 1024
