# SPDX-License-Identifier: Apache-2.0
"""Published files from the network: fetched once, checked against the sums that their authors or torchvision print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pooch
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from wsfracbnn.model.errors import InputError, shortened


def cache_folder() -> Path:
    """Where downloads and prepared pictures are kept; it may be deleted at any time."""
    return Path(pooch.os_cache("wsfracbnn"))


def download(url: str, md5: str, folder: Path, instead: str, processor: Any = None) -> None:
    """Fetch a file into `folder` under its own name, or unpack it there.

    Args:
        md5: of the file. instead: what a folder must hold to do without, for the message. processor: pooch's.

    Raises:
        InputError: no connection, or another file than was published.
    """
    name = url.rsplit("/", 1)[-1]
    try:
        pooch.retrieve(
            url,
            known_hash=f"md5:{md5}",
            fname=name,
            path=folder,
            processor=processor,
            downloader=pooch.HTTPDownloader(progressbar=_Bar(name)),
        )
    except Exception as error:  # pooch passes on whatever requests, tarfile or the hash check raise
        raise InputError(
            f"{url}: download failed ({_why(error)}); give a folder that holds {instead} instead"
        ) from None


def _why(error: Exception) -> str:
    """Why a download failed, without the libraries' accounts of each other's exceptions."""
    kinds = {type(error).__name__ for error in _chain(error)}
    if kinds & {"NameResolutionError", "gaierror"}:
        return "the name cannot be looked up: no network?"
    if kinds & {"ConnectionError", "NewConnectionError", "MaxRetryError", "ConnectTimeout", "ReadTimeout"}:
        return "no connection"
    return shortened(str(error), 120)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


class _Bar:
    """A rich progress bar with the interface that pooch expects of one (tqdm's)."""

    def __init__(self, name: str) -> None:
        columns = (TextColumn("downloading {task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns)
        self.task = self.bar.add_task(name, total=None)
        self.total: int | None = None
        """Bytes in all, which pooch sets."""

    def update(self, amount: int) -> None:
        self.bar.start()
        self.bar.update(self.task, total=self.total, advance=amount)

    def reset(self) -> None:
        self.bar.reset(self.task)

    def close(self) -> None:
        self.bar.stop()
