# SPDX-License-Identifier: Apache-2.0
"""One's own pictures: a folder with a sub-folder for each class, or with two of these in `train` and `test`.

Pictures are prepared once, in bounded memory, and kept in the cache folder as plain bytes. A set that is larger than
`IN_MEMORY` is read from there as it is needed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from rich import get_console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wsfracbnn.model.data.dataset import MAX_CLASSES, Dataset, Images, Own, checked_names
from wsfracbnn.model.data.download import cache_folder
from wsfracbnn.model.data.picture_files import is_picture
from wsfracbnn.model.data.preparation import BadPictureError, read_picture, require_colours
from wsfracbnn.model.data.split import held_out
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import as_sentence, temporary_folder, updating
from wsfracbnn.model.reading import Schema, checked, read_json

log = logging.getLogger(__name__)

IN_MEMORY = 2 * 2**30
"""Bytes of images up to which a set is read into memory as a whole."""

AT_ONCE = 64
"""Pictures that are unpacked before the next ones are looked at."""

TRAIN, TEST = PARTS = ("train", "test")
INDEX = "index.json"
FORMAT = 1
"""Of what is kept; another number, and pictures are prepared anew."""

NAMED = 10
"""Bad pictures that the log names; the others are counted."""


@dataclass(frozen=True)
class _Picture:
    """A file, the number of its class, and whether it is held out."""

    path: Path
    label: int
    test: bool


class _Labels(Schema):
    train: list[Annotated[int, Field(ge=0, lt=MAX_CLASSES)]]
    test: list[Annotated[int, Field(ge=0, lt=MAX_CLASSES)]]

    def of(self, part: str) -> list[int]:
        """Those of `train` or of `test`."""
        return self.train if part == TRAIN else self.test


class _Index(Schema):
    """index.json of the prepared pictures: labels by part, and what is wrong with the bad ones."""

    labels: _Labels
    bad: list[str]


@dataclass(frozen=True)
class PictureFolder:
    """A folder of pictures; the sub-folders' names are the classes'."""

    path: Path

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the labels: sorted."""
        root = self.path / TRAIN if self._is_split else self.path
        return checked_names(self.path, [folder.name for folder in _folders(root)])

    @property
    def _is_split(self) -> bool:
        return all((self.path / part).is_dir() for part in PARTS)

    def load(self, own: Own) -> Dataset:
        """The pictures as images, prepared now or earlier.

        Raises:
            InputError: no classes, a class without pictures, bad pictures that are not to be skipped, or the cache
                cannot be written.
        """
        require_colours(own.shape[2])
        names = self.class_names
        pictures, bounds = self._listed(names, own)
        kept = cache_folder() / "pictures" / _digest(self.path, pictures, own)
        with updating(kept):
            index = read_index(kept, own)
            if index is None:
                index = _prepare(pictures, own, kept)
        self._tell_of(index.bad, own)
        own.require_trained(self.path, names, index.labels.train)
        if not index.labels.test:
            raise InputError(f"{self.path}: found no picture to test on, expected some")
        images = {part: _images(kept / f"{part}.bin", len(index.labels.of(part)), own.shape) for part in PARTS}
        labels = {part: np.asarray(index.labels.of(part), dtype=np.int64) for part in PARTS}
        return Dataset(own.label, images[TRAIN], labels[TRAIN], images[TEST], labels[TEST], names, bounds)

    def _listed(self, names: Sequence[str], own: Own) -> tuple[list[_Picture], tuple[str, ...] | None]:
        """All pictures, class by class, and the classes' bounds where folders do not say what is held out."""
        pictures: list[_Picture] = []
        bounds = []
        if self._is_split:
            strange = [folder.name for folder in _folders(self.path / TEST) if folder.name not in names]
            if strange:
                raise InputError(f"{self.path / TEST / strange[0]}: no such class in {self.path / TRAIN}")
        for label, name in enumerate(names):
            if self._is_split:
                for part in PARTS:
                    pictures += [_Picture(path, label, part == TEST) for path in _files(self.path / part / name)]
                continue
            root = self.path / name
            files = _files(root)
            inside = [file.relative_to(root).as_posix() for file in files]
            bounds.append(own.bound(name, inside, str(root)))
            test = held_out(inside, own.pictures, bounds[-1])
            pictures += [_Picture(file, label, bool(out)) for file, out in zip(files, test, strict=True)]
        return pictures, None if self._is_split else tuple(bounds)

    def _tell_of(self, bad: Sequence[str], own: Own) -> None:
        if not bad:
            return
        if not own.skips_bad:
            others = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
            raise InputError(f"{bad[0]}{others}; expected pictures alone, or --bad-pictures skip")
        for sentence in bad[:NAMED]:
            log.warning("skipped: %s", sentence)
        log.warning("%s: %d bad pictures were skipped", self.path, len(bad))


def _folders(path: Path) -> list[Path]:
    with as_sentence(path, "read"):
        return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _files(folder: Path) -> list[Path]:
    """The pictures below a class's folder, sorted."""
    if not folder.is_dir():
        return []
    with as_sentence(folder, "read"):
        return sorted(path for path in folder.rglob("*") if is_picture(path) and not path.is_dir())


def _digest(root: Path, pictures: Sequence[_Picture], own: Own) -> str:
    """What the prepared pictures depend on: the files as they are now, and how they are prepared."""
    sha = hashlib.sha256(json.dumps([FORMAT, own.shape, own.pictures.model_dump()]).encode())
    for picture in pictures:
        try:
            stat = picture.path.stat()
        except OSError:  # a link to nothing
            stat = picture.path.lstat()
        name = picture.path.relative_to(root).as_posix()
        sha.update(json.dumps([name, stat.st_size, stat.st_mtime_ns, picture.label, picture.test]).encode())
    return f"{root.resolve().name[:40]}-{sha.hexdigest()[:16]}"


def _prepare(pictures: Sequence[_Picture], own: Own, kept: Path) -> _Index:
    """Prepare all pictures into the folder `kept`, which is there whole or not at all."""
    labels: dict[str, list[int]] = {part: [] for part in PARTS}
    bad: list[str] = []
    columns = (TextColumn("preparing pictures"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = get_console()
    shown = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with as_sentence(kept), temporary_folder(kept) as work, shown as bar:
        contents = work / "contents"
        contents.mkdir()
        task = bar.add_task("", total=len(pictures))
        with (contents / f"{TRAIN}.bin").open("wb") as train, (contents / f"{TEST}.bin").open("wb") as test:
            for picture, image in _unpacked(pictures, own):
                bar.advance(task)
                if isinstance(image, BadPictureError):
                    bad.append(str(image))
                    continue
                (test if picture.test else train).write(image.tobytes())
                labels[TEST if picture.test else TRAIN].append(picture.label)
        index = _Index(labels=_Labels(train=labels[TRAIN], test=labels[TEST]), bad=bad)
        (contents / INDEX).write_text(index.model_dump_json())
        contents.rename(kept)
    return index


def _unpacked(pictures: Sequence[_Picture], own: Own) -> Iterator[tuple[_Picture, NDArray[np.uint8] | BadPictureError]]:
    def read(picture: _Picture) -> NDArray[np.uint8] | BadPictureError:
        try:
            return read_picture(picture.path, own.shape, own.pictures)
        except BadPictureError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(pictures), AT_ONCE):
            part = pictures[start : start + AT_ONCE]
            yield from zip(part, pool.map(read, part), strict=True)


def read_index(kept: Path, own: Own) -> _Index | None:
    """What is kept in the cache, or None where nothing is there.

    Raises:
        InputError: it is not whole.
    """
    if not (kept / INDEX).is_file():
        return None
    try:
        index = checked(_Index, read_json(kept / INDEX, "an index of prepared pictures", limit=2**30))
    except InputError as error:
        raise InputError(f"{kept}: damaged ({error}); delete this folder") from None
    size = math.prod(own.shape)
    for part in PARTS:
        file = kept / f"{part}.bin"
        if not file.is_file() or file.stat().st_size != len(index.labels.of(part)) * size:
            raise InputError(f"{kept}: damaged, expected the pictures that {INDEX} tells of; delete this folder")
    return index


def _images(path: Path, count: int, shape: tuple[int, int, int]) -> Images:
    """(count, H, W, colours): in memory, or as a map of the file where they are many."""
    if path.stat().st_size <= IN_MEMORY:
        return np.fromfile(path, dtype=np.uint8).reshape(count, *shape)
    return np.memmap(path, dtype=np.uint8, mode="r", shape=(count, *shape))
