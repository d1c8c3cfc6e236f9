# SPDX-License-Identifier: Apache-2.0
"""A training run from its first epoch to its last: progress bar, log, and a file to resume from after each epoch."""

from __future__ import annotations

import logging
import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wsfracbnn.model.checkpoint import Checkpoint, require_saveable, save_checkpoint
from wsfracbnn.model.files import require_writable
from wsfracbnn.model.names import require_suffix
from wsfracbnn.model.training.log_file import append_row, read_log
from wsfracbnn.model.training.resume import load_state, save_state
from wsfracbnn.model.training.trainer import Trainer

log = logging.getLogger(__name__)


class ScalarWriter(Protocol):
    """What is asked of TensorBoard's SummaryWriter."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Record one figure."""


def resume_path(out: Path) -> Path:
    """Where the state of a run is kept until its checkpoint `out` is written."""
    return out.with_name(out.name + ".resume")


def log_path(out: Path) -> Path:
    """Where a run that writes the checkpoint `out` has its log, a line per epoch."""
    return out.with_name(out.stem + ".log.csv")


def fit(trainer: Trainer, out: Path, scalars: ScalarWriter | None = None) -> Checkpoint:
    """Train to the end and save, resuming from `<out>.resume` where it exists; Ctrl-C or SIGTERM saves there and stops.

    Args:
        trainer: at its first epoch.
        out: the checkpoint to write. `<out stem>.log.csv` beside it gets a line per epoch.
        scalars: TensorBoard writer, or None.
    Raises:
        InputError: the resume file is damaged or belongs to another run, `out` cannot be written, or the loss is not
            finite any more.
        KeyboardInterrupt: after Ctrl-C or SIGTERM in any of the processes, once the epoch under way is saved.
    """
    world, epochs = trainer.world, trainer.settings.epochs
    resume, log_file = resume_path(out), log_path(out)
    require_suffix(out, "setting 'out'")
    if world.is_first:
        require_writable(out, resume, log_file)
        require_saveable(trainer.unmeasured_checkpoint(), out)
    if resume.exists():
        if log_file.exists():
            read_log(log_file)  # its rows are kept: better refused now than after an epoch
        load_state(trainer, resume)
        log.info("resumed from %s at epoch %d", resume, trainer.epoch)
    checkpoint: Checkpoint | None = None
    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    status = TextColumn("{task.fields[status]}")
    with _interruptible() as interrupted, Progress(*columns, status, disable=not world.is_first) as bar:
        per_epoch = math.ceil(len(trainer.batches) / trainer.settings.batch_size)
        task = bar.add_task("", total=epochs * per_epoch, completed=trainer.epoch * per_epoch, status="")
        while trainer.epoch < epochs:
            done = trainer.epoch * per_epoch

            def show(steps: int, line: str, done: int = done) -> None:
                bar.update(task, completed=done + steps, status=line)

            row: dict[str, Any] = {"epoch": trainer.epoch + 1} | trainer.train_epoch(show)
            if trainer.epoch == epochs:
                checkpoint = trainer.checkpoint()
                row["test_accuracy"] = checkpoint.test_accuracy
            else:
                row["test_accuracy"] = trainer.test_accuracy() if trainer.settings.evaluates(trainer.epoch) else ""
            if world.is_first:
                append_row(log_file, row)
                if scalars is not None:
                    for key, value in row.items():
                        if value != "":
                            scalars.add_scalar(key, value, trainer.epoch)
                save_state(trainer, resume)
                if not bar.console.is_terminal:
                    figures = "  ".join(f"{k} {v:.4g}" for k, v in row.items() if k != "epoch" and v != "")
                    log.info("epoch %d: %s", trainer.epoch, figures)
            if world.agree(interrupted()):
                if world.is_first and trainer.epoch < trainer.settings.epochs:
                    log.info("saved in %s; the same command goes on after epoch %d", resume, trainer.epoch)
                raise KeyboardInterrupt
    if checkpoint is None:  # the run was cut off behind its last epoch
        checkpoint = trainer.checkpoint()
    if world.is_first:
        save_checkpoint(checkpoint, out)
        resume.unlink()
    return checkpoint


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a flag, so that the epoch under way is finished and saved.

    A second one stops at once.
    """
    pressed = False

    def handle(signum: int, frame: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        log.warning("stopping after this epoch; press Ctrl-C again to stop at once")

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: pressed
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
