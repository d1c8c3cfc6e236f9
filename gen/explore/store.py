# SPDX-License-Identifier: Apache-2.0
"""Outcomes in a folder, a file each, named after their keys: what is there is not done again.

A netlist lies beside the outcome of its synthesis. What is read is checked; a damaged file is refused by name and not
made anew unasked, as it may be hours of work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from wsfracbnn.gen.explore.jobs import Job
from wsfracbnn.gen.explore.outcomes import (
    REASON_LIMIT,
    STEPS,
    Failed,
    Outcome,
    Synthesized,
    outcome_from_json,
    outcome_to_json,
)
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import write_bytes, write_text
from wsfracbnn.model.reading import Schema, checked, one_of, read_bytes, read_json

NETLIST_LIMIT = 2**30
"""Bytes of a gzipped netlist."""


class _Entry(Schema):
    step: Annotated[str, one_of(*STEPS)]
    key: str
    title: str
    outcome: dict[str, Any] | None = None
    failed: Annotated[str, Field(max_length=REASON_LIMIT)] | None = None


class Store:
    """The outcomes in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, job: Job) -> Path:
        """The file of a job's outcome."""
        return self.folder / f"{job.step}-{job.key}.json"

    def get(self, job: Job) -> Outcome | None:
        """The outcome of a job, where it was done before.

        Raises:
            InputError: the file is damaged, or of another job.
        """
        path = self.path_of(job)
        if not path.exists():
            return None
        try:
            entry = checked(_Entry, read_json(path, "an outcome of an exploration"))
            if (entry.step, entry.key) != (job.step, job.key):
                raise InputError(f"key 'key': found '{entry.key}', expected '{job.key}'")
            if entry.failed is not None:
                return Failed(entry.failed, final=True)
            if entry.outcome is None:
                raise InputError("key 'outcome' is missing")
            outcome = outcome_from_json(job.step, entry.outcome)
        except InputError as error:
            raise InputError(f"{path}: not an outcome of an exploration ({error}); {_remedy(path)}") from None
        return self._with_netlist(path, outcome) if isinstance(outcome, Synthesized) else outcome

    def put(self, job: Job, outcome: Outcome) -> None:
        """Keep an outcome; one that failed for a reason that may pass is not kept.

        Raises:
            InputError: the folder cannot be written.
        """
        entry: Mapping[str, Any] = {"step": job.step, "key": job.key, "title": job.title}
        if isinstance(outcome, Failed):
            if not outcome.final:
                return
            entry = {**entry, "failed": outcome.reason}
        else:
            entry = {**entry, "outcome": outcome_to_json(outcome)}
        path = self.path_of(job)
        if isinstance(outcome, Synthesized):
            write_bytes(_netlist_of(path), outcome.netlist)
        write_text(path, json.dumps(entry, indent=2) + "\n")

    def _with_netlist(self, path: Path, outcome: Synthesized) -> Synthesized:
        beside = _netlist_of(path)
        try:
            netlist = read_bytes(beside, "a gzipped netlist", NETLIST_LIMIT)
        except InputError as error:
            raise InputError(f"{error}; {_remedy(path)}") from None
        found = hashlib.sha256(netlist).hexdigest()
        if found != outcome.netlist_sha256:
            raise InputError(
                f"{beside}: the content is damaged, its digest is '{found[:12]}...', expected "
                f"'{outcome.netlist_sha256[:12]}...'; {_remedy(path)}"
            )
        return replace(outcome, netlist=netlist)


def _netlist_of(path: Path) -> Path:
    return path.with_suffix(".netlist.gz")


def _remedy(path: Path) -> str:
    return f"remove {path}, then it is made anew"
