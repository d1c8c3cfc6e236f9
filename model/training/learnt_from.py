# SPDX-License-Identifier: Apache-2.0
"""The networks that a run learns from, and what they must not have seen: what the run holds out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.training.settings import Run


def bounds_before(run: Run) -> dict[str, str]:
    """By class, what these networks held out of the same pictures, so that the run does too.

    Raises:
        InputError: one of them was trained on another choice of these pictures.
    """
    bounds: dict[str, str] = {}
    for key, file, before in _of_the_same_dataset(run):
        if before.held_out is None:
            continue
        if before.pictures.split_seed != run.pictures.split_seed:
            raise InputError(
                f"setting 'pictures.split_seed': found {run.pictures.split_seed}, but {file} ('{key}') was trained "
                f"with {before.pictures.split_seed}; expected the same, so that it has seen no picture that is held out"
            )
        for name, bound in zip(before.class_names, before.held_out, strict=True):
            bounds[name] = min(bound, bounds.get(name, bound))
    return bounds


def require_validation_unseen(run: Run) -> None:
    """Refuse a network that was trained on images of the run's `validation_share`.

    Raises:
        InputError: it held out less.
    """
    share = run.settings.validation_share
    for key, file, before in _of_the_same_dataset(run):
        if before.validation_share < share:
            raise InputError(
                f"setting 'validation_share': found {share:g}, but {file} ('{key}') was trained with "
                f"{before.validation_share:g}; expected no more than that, so that it has seen no image that is held "
                "out"
            )


def _of_the_same_dataset(run: Run) -> Iterator[tuple[str, str, Checkpoint]]:
    """Setting, file and checkpoint of each network that was trained on the run's dataset."""
    for key, file in (("start_from", run.start_from), ("teacher", run.teacher)):
        before = load_checkpoint(Path(file)) if file else None
        if before is not None and before.training.get("dataset") == run.dataset_name:
            yield key, file, before
