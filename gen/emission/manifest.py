# SPDX-License-Identifier: Apache-2.0
"""Emit into a folder that may be there already: what is ours is replaced, what somebody else put there stays.

`manifest.sha256` lists the files that were emitted with their hashes, as `sha256sum -c` reads them. A new folder is
filled beside its place and renamed. In one that is there, new and changed files are gathered in `STAGED` first; once
that folder has its final name, all files are moved to their places one by one, the manifest last. A process that is
killed in between leaves `STAGED` behind, and the next one moves the rest.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from wsfracbnn.model.checksums import checksum_lines, file_digest, parse_checksums
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import LOCK, as_sentence, clear_left_overs, real_path, temporary_folder, working_in
from wsfracbnn.model.reading import read_text
from wsfracbnn.model.signals import deferred_signals

MANIFEST = "manifest.sha256"
"""A folder that holds this file was emitted before."""

STAGED = ".emit.staged"
"""Folder of all files that are about to move to their places."""

HEADER = "# Files that wsfracbnn emitted here. Check them: sha256sum -c manifest.sha256\n"
_WORK = "emit"
"""What the temporary folder is called after, in which those files are gathered."""

_NAMED = 3
"""Files that a refusal names; the others are counted."""


def emit_into(out: Path, fill: Callable[[Path], None], *, force: bool = False) -> None:
    """Emit the files that `fill` writes into the folder it is given.

    Args:
        out: a new or empty folder, or one that was emitted before; a link is followed.
        force: whether to replace files that were changed since they were emitted, or that are in the way.
    Raises:
        InputError: `out` is something else, holds files that only `force` replaces, is worked in by another process, or
            cannot be written.
    """
    with as_sentence(out):
        target = real_path(out)
        if out.is_symlink() and not target.exists():
            raise InputError(f"{out}: is a link to {target}, which is not there; expected a folder")
        if target.exists() and not target.is_dir():
            raise InputError(f"{out}: is a file, expected a new or emitted folder")
        if target.is_dir():
            with working_in(target):
                _emit_again(out, target, fill, force)
            return
        with temporary_folder(target) as folder:
            contents = folder / "contents"
            contents.mkdir()
            _fill(contents, fill)
            contents.rename(target)


def _fill(folder: Path, fill: Callable[[Path], None]) -> None:
    fill(folder)
    hashes = {name: file_digest(folder / name) for name in _files(folder)}
    (folder / MANIFEST).write_text(HEADER + checksum_lines(hashes))


def _emit_again(out: Path, folder: Path, fill: Callable[[Path], None], force: bool) -> None:
    """Emit into a folder that is there and ours to work in. out: how the user calls it."""
    _finish(folder)
    clear_left_overs(folder / _WORK)
    old = read_manifest(folder / MANIFEST)
    if old is None and any(entry.name != LOCK for entry in folder.iterdir()):
        raise InputError(f"{out}: exists and was not emitted by this program, expected a new, empty or emitted folder")
    with temporary_folder(folder / _WORK) as work:
        staged = work / "staged"
        staged.mkdir()
        _fill(staged, fill)
        _check(out, folder, staged, old or {}, force)
        for name in _files(staged):
            if _is_file_of(folder / name, file_digest(staged / name)):
                (staged / name).unlink()  # stays as it is, and with its time what a simulator has built of it
        if _files(staged) or not _is_file_of(folder / MANIFEST, file_digest(staged / MANIFEST)):
            with deferred_signals():
                staged.rename(folder / STAGED)
                _finish(folder)


def _check(out: Path, folder: Path, staged: Path, old: Mapping[str, str], force: bool) -> None:
    """Refuse what would replace somebody's work."""
    new = {name: file_digest(staged / name) for name in _files(staged)}
    for name in (*old, *new):
        for parent in list(PurePosixPath(name).parents)[:-1]:
            place = folder / parent
            if place.is_symlink() or (place.exists() and not place.is_dir()):
                raise InputError(f"{place}: is in the way, expected a folder or nothing")
        if name in new and (folder / name).is_dir() and not (folder / name).is_symlink():
            raise InputError(f"{folder / name}: is a folder and in the way of a file")
    if force:
        return
    foreign = [
        name
        for name in dict.fromkeys((*old, *new))
        if _exists(folder / name)
        and not any(_is_file_of(folder / name, hashes[name]) for hashes in (old, new) if name in hashes)
    ]
    if foreign:
        others = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        raise InputError(
            f"{out}: changed since it was emitted, or not emitted: {', '.join(foreign[:_NAMED])}{others}; expected the "
            "files as they were, another folder, or --force, which replaces them"
        )


def _finish(folder: Path) -> None:
    """Move the staged files to their places, if any wait; each step can be done again after a kill."""
    staged = folder / STAGED
    if not staged.is_dir():
        return
    new, old = read_manifest(staged / MANIFEST), read_manifest(folder / MANIFEST)
    if new is not None:
        for name in _files(staged):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (staged / name).replace(folder / name)
        _remove(folder, (old or {}).keys() - new.keys())
        (staged / MANIFEST).replace(folder / MANIFEST)
    shutil.rmtree(staged)


def _remove(folder: Path, names: Iterable[str]) -> None:
    """Remove files that are no longer emitted, and folders that are empty then."""
    for name in names:
        with suppress(FileNotFoundError):
            (folder / name).unlink()
        for parent in list(PurePosixPath(name).parents)[:-1]:
            with suppress(OSError):
                (folder / parent).rmdir()


def read_manifest(path: Path) -> dict[str, str] | None:
    """The emitted files' hashes by their names; None where the file is missing or is not such a manifest."""
    try:
        text = read_text(path, "a manifest")
    except InputError:
        return None
    if not text.startswith(HEADER):
        return None
    try:
        entries = parse_checksums(text.removeprefix(HEADER))
    except ValueError:
        return None
    inside = all(not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts for name in entries)
    return entries if inside else None


def _files(folder: Path) -> list[str]:
    """Every file below a folder by its relative path, the manifest left out."""
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in names if name != MANIFEST)


def _exists(path: Path) -> bool:
    """Whether anything has that name, a dangling link too."""
    return path.is_symlink() or path.exists()


def _is_file_of(path: Path, digest: str) -> bool:
    """Whether a file, and no link, has this hash."""
    return path.is_file() and not path.is_symlink() and file_digest(path) == digest
