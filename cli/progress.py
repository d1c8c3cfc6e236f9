# SPDX-License-Identifier: Apache-2.0
"""Progress bars of commands that go through many images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wsfracbnn.cli.console import console


@contextmanager
def bar_of(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar that goes when all is done; yields what is told how many are. what: is counted, in a word."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def show(done: int) -> None:
            bar.update(task, completed=done)

        yield show
