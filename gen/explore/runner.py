# SPDX-License-Identifier: Apache-2.0
"""All jobs of an exploration to their outcomes: what is stored is taken, the rest is done, and stored as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from wsfracbnn.gen.explore.jobs import Job, SchedulerLostError
from wsfracbnn.gen.explore.outcomes import Outcome
from wsfracbnn.gen.explore.store import Store
from wsfracbnn.gen.synthesis.tools import Report
from wsfracbnn.model.errors import InputError

MOST_LOSSES = 5
"""Schedulers that may be lost one after the other without a single outcome in between."""

Tell = Callable[[Job, Outcome], None]
"""Called for each job that has its outcome, found or made."""


class Pool(Protocol):
    """Where jobs are done: gen/explore/cluster.py."""

    def connect(self) -> None: ...

    def run(self, jobs: Sequence[Job], done: Mapping[str, Outcome]) -> Iterator[tuple[Job, Outcome]]: ...


def carry_out(jobs: Sequence[Job], pool: Pool, store: Store, tell: Tell, report: Report) -> dict[str, Outcome]:
    """The outcome of every job, by key. report: gets a line where a scheduler was lost.

    Raises:
        InputError: a stored outcome is damaged, one cannot be stored, or no scheduler is to be had any more.
    """
    outcomes: dict[str, Outcome] = {}
    for job in jobs:
        found = store.get(job)
        if found is not None:
            outcomes[job.key] = found
            tell(job, found)
    losses = 0
    while waiting := [job for job in jobs if job.key not in outcomes]:
        try:
            for job, outcome in pool.run(waiting, outcomes):
                store.put(job, outcome)
                outcomes[job.key] = outcome
                tell(job, outcome)
                losses = 0
        except SchedulerLostError:
            losses += 1
            if losses > MOST_LOSSES:
                raise InputError(
                    f"scheduler: lost {losses} times without a single result between; what is finished is kept"
                ) from None
            left = sum(1 for job in jobs if job.key not in outcomes)
            report(f"the scheduler is lost; looking for another, then the {left} unfinished steps go on")
            pool.connect()
    return outcomes
