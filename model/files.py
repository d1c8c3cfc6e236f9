# SPDX-License-Identifier: Apache-2.0
"""Files that are written whole or not at all, tried before the work, and locked while somebody works on them.

Contents go to a temporary file beside the target, which is renamed. Whoever reads the target finds what was there
before or all of what is new. A writer that was killed leaves its temporary file behind; the next one removes it. Living
writers are told from dead ones by a lock that ends with its process.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from wsfracbnn.model.errors import InputError

LOCK = ".lock"
"""File of a folder that somebody works in."""

_NAME_BYTES = 150
"""Of a target's name in that of its temporary file, which is longer and may have 255."""


def write_bytes(path: Path, contents: bytes) -> None:
    """Write a file, whole or not at all; missing folders are made, a link is followed.

    Raises:
        InputError: it cannot be written (a full disk, no permission); what was there is as it was.
    """
    with as_sentence(path):
        target = _target(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        clear_left_overs(target)
        temporary = temporary_beside(target)
        try:
            with temporary.open("xb") as file:
                _try_lock(file.fileno())
                file.write(contents)
                file.flush()
                if target.exists():
                    os.fchmod(file.fileno(), target.stat().st_mode & 0o777)
                os.fsync(file.fileno())
                temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of a text, in UTF-8."""
    write_bytes(path, text.encode())


def require_writable(*paths: Path) -> None:
    """Try whether files can be written, before the work whose results they are to get; leaves nothing behind.

    Raises:
        InputError: one is a folder, is write-protected, or its folder cannot be made or written to.
    """
    for path in paths:
        with as_sentence(path):
            target = _target(path)
            if target.is_dir():
                raise InputError(f"{path}: is a folder, expected the name of a file")
            if target.exists() and not target.is_file():
                raise InputError(f"{path}: is no regular file, expected one that can be replaced")
            if target.exists() and not os.access(target, os.W_OK):
                raise InputError(f"{path}: is write-protected, expected a file that may be replaced")
            _try(target)


def require_folder(*folders: Path) -> None:
    """Try whether files can be written into folders, which need not be there yet; leaves nothing behind.

    Raises:
        InputError: one is a file, or cannot be made or written to.
    """
    for folder in folders:
        with as_sentence(folder):
            target = _target(folder)
            if target.exists() and not target.is_dir():
                raise InputError(f"{folder}: is a file, expected a folder")
            _try(target / "file")


@contextmanager
def working_in(folder: Path, advice: str = "name another folder") -> Iterator[None]:
    """Have a folder, which is made, to oneself for the block. advice: what else one can do than wait.

    Raises:
        InputError: another process has it, or it cannot be written to.
    """
    with _alone(folder, folder / LOCK, advice):
        yield


@contextmanager
def working_on(path: Path, advice: str = "name another file") -> Iterator[None]:
    """Be the only process that makes a file, for the block; its folder is made. advice: what else one can do than wait.

    Raises:
        InputError: another process makes it, or its folder cannot be written to.
    """
    with _alone(path, _lock_beside(path), advice):
        yield


@contextmanager
def updating(path: Path) -> Iterator[None]:
    """Wait until no other process updates a file, and keep others from it: for reading, changing and writing it.

    Raises:
        InputError: its folder cannot be written to.
    """
    with ExitStack() as stack:
        with as_sentence(path):
            lock = _lock_beside(path)
            lock.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_locked(lock, wait=True))
        yield


@contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """A new folder beside `target`, to be filled and renamed; removed if it is still there after the block.

    Those that killed processes left are removed first.
    """
    clear_left_overs(target)
    folder = temporary_beside(target)
    folder.mkdir(parents=True)
    try:
        with _locked(folder / LOCK, wait=False):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def temporary_beside(target: Path) -> Path:
    """A free name beside `target`, which tells what it is for."""
    return target.with_name(f".{_short(target.name)}.{secrets.token_hex(4)}.partial")


def clear_left_overs(target: Path) -> None:
    """Remove temporary files and folders beside `target` whose processes are gone."""
    pattern = re.compile(rf"\.{re.escape(_short(target.name))}\.[0-9a-f]{{8}}\.partial")
    with suppress(OSError):
        for found in [entry for entry in target.parent.iterdir() if pattern.fullmatch(entry.name)]:
            if _is_left_over(found):
                shutil.rmtree(found) if found.is_dir() else found.unlink()


@contextmanager
def as_sentence(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write `path` into one sentence.

    Raises:
        InputError: for an OSError in the block.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


@contextmanager
def _alone(path: Path, lock: Path, advice: str) -> Iterator[None]:
    with ExitStack() as stack:
        with as_sentence(path):
            stack.callback(_remove_empty, [folder for folder in lock.parents if not folder.exists()])
            lock.parent.mkdir(parents=True, exist_ok=True)
            taken = stack.enter_context(_locked(lock, wait=False))
        if not taken:
            raise InputError(f"{path}: another process is at work there; wait until it has ended, or {advice}")
        yield


def _remove_empty(folders: Sequence[Path]) -> None:
    """Take away folders that were made for a lock, innermost first, where nothing has come into them."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _lock_beside(path: Path) -> Path:
    """The file whose lock stands for `path`."""
    target = _target(path)
    return target.with_name(f".{_short(target.name)}{LOCK}")


def _is_left_over(path: Path) -> bool:
    """Whether nobody holds the lock of a temporary file or folder."""
    lock = path / LOCK if path.is_dir() else path
    if not lock.exists():
        return True
    with lock.open("rb") as file:
        return _try_lock(file.fileno())


def _try_lock(descriptor: int) -> bool:
    """Lock an open file for as long as it is open; False where another process has it or the file system cannot."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of a file, which is there while somebody holds or awaits it; yields whether it was to be had.

    A file system without locks (some network mounts) lets everybody in.
    """
    file = _open_locked(path, wait)
    try:
        yield file is not None
    finally:
        if file is not None:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            file.close()


def _open_locked(path: Path, wait: bool) -> BinaryIO | None:
    """The open, locked file, or None where another process holds it and we do not wait."""
    while True:
        file = path.open("ab")
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.close()
            return None
        except OSError:
            return file
        # The one who had it before may have removed the file after we opened it.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def _target(path: Path) -> Path:
    """The file itself, where `path` is a link to it."""
    return Path(os.path.realpath(path))


def _short(name: str) -> str:
    """As much of a file's name as fits into that of its temporary file."""
    return name.encode()[:_NAME_BYTES].decode(errors="ignore")


def _try(target: Path) -> None:
    """Make the folder of `target`, a file in it and one of its name, and remove what was made."""
    missing = [folder for folder in (target.parent, *target.parent.parents) if not os.path.lexists(folder)]
    made: list[Path] = []
    try:
        for folder in reversed(missing):
            folder.mkdir()
            made.append(folder)
        target.stat() if target.exists() else _make_and_remove(target)
        _make_and_remove(temporary_beside(target))
    finally:
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()


def _make_and_remove(path: Path) -> None:
    path.touch(exist_ok=False)
    path.unlink()
