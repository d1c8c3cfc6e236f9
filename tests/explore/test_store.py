# SPDX-License-Identifier: Apache-2.0
"""Outcomes in a folder: read back as they were, refused where damaged; runs that go on from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from wsfracbnn.gen.explore.jobs import Job, SchedulerLostError
from wsfracbnn.gen.explore.outcomes import SIMULATION, SYNTHESIS, Failed, Outcome, Routed
from wsfracbnn.gen.explore.runner import MOST_LOSSES, carry_out
from wsfracbnn.gen.explore.store import Store
from wsfracbnn.model.errors import InputError

from .fakes import SerialPool, clock, job, made_up_netlist, made_up_simulation

OUTCOMES: dict[str, tuple[Job, Outcome]] = {
    "synthesis": (job("s", None, step=SYNTHESIS), made_up_netlist("module")),
    "route": (job("r", None), Routed(123.5, 10, 20, 3, 0, ("a", "b"), 7.5)),
    "simulation": (job("m", None, step=SIMULATION), made_up_simulation()),
    "refusal": (job("f", None), Failed("nextpnr failed: ERROR", final=True)),
}


@pytest.mark.parametrize("kind", list(OUTCOMES))
def test_an_outcome_is_read_back_as_it_was(tmp_path: Path, kind: str) -> None:
    one, outcome = OUTCOMES[kind]
    store = Store(tmp_path / "results")
    assert store.get(one) is None
    store.put(one, outcome)
    assert store.get(one) == outcome


def test_what_may_pass_is_not_kept(tmp_path: Path) -> None:
    one = job("f", None)
    Store(tmp_path).put(one, Failed("no space left", final=False))
    assert Store(tmp_path).get(one) is None


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        ("route", {"fmax_mhz": "fast"}, "key 'fmax_mhz': found 'fast', expected a number"),
        ("route", {"luts": -1}, "key 'luts': found -1, expected at least 0"),
        ("route", {"speed": 1}, "key 'speed' is unknown"),
        ("simulation", {"images": 1.5}, "key 'images': found 1.5, expected an integer"),
        ("synthesis", {"netlist_sha256": "x"}, "key 'netlist_sha256': found 'x'"),
    ],
)
def test_a_damaged_outcome_is_refused_and_stays(
    tmp_path: Path, kind: str, change: dict[str, Any], sentence: str
) -> None:
    one, outcome = OUTCOMES[kind]
    store = Store(tmp_path)
    store.put(one, outcome)
    path = store.path_of(one)
    contents = json.loads(path.read_text())
    contents["outcome"] |= change
    path.write_text(json.dumps(contents))
    with pytest.raises(InputError) as refused:
        store.get(one)
    assert sentence in str(refused.value)
    assert str(refused.value).startswith(f"{path}: not an outcome of an exploration (")
    assert str(refused.value).endswith(f"remove {path}, then it is made anew")
    assert path.exists()


def test_a_file_of_another_job_and_one_that_is_no_json_are_refused(tmp_path: Path) -> None:
    one, outcome = OUTCOMES["route"]
    store = Store(tmp_path)
    store.put(one, outcome)
    store.path_of(one).rename(store.path_of(job("other", None)))
    with pytest.raises(InputError, match="key 'key': found 'r', expected 'other'"):
        store.get(job("other", None))
    store.path_of(one).write_text("{")
    with pytest.raises(InputError, match="not an outcome of an exploration"):
        store.get(one)


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_netlist_is_refused(tmp_path: Path, damage: str) -> None:
    one, outcome = OUTCOMES["synthesis"]
    store = Store(tmp_path)
    store.put(one, outcome)
    netlist = store.path_of(one).with_suffix(".netlist.gz")
    if damage == "changed":
        netlist.write_bytes(netlist.read_bytes()[:-1] + b"?")
    else:
        netlist.unlink()
    with pytest.raises(InputError) as refused:
        store.get(one)
    assert ("the content is damaged" if damage == "changed" else "no such file") in str(refused.value)
    assert f"remove {store.path_of(one)}" in str(refused.value)


class LosingPool(SerialPool):
    """A pool whose scheduler is lost after some jobs of each call, and comes back for some time."""

    def __init__(self, after: int, found_again: int = 100) -> None:
        super().__init__()
        self.after, self.left = after, found_again
        self.calls: list[list[str]] = []

    def connect(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise InputError("tcp://gone: no scheduler with a worker within 1 s, expected one there")

    def run(self, jobs: Sequence[Job], done: Mapping[str, Outcome]) -> Iterator[tuple[Job, Outcome]]:
        self.calls.append([one.key for one in jobs])
        for number, found in enumerate(super().run(jobs, done)):
            if number == self.after:
                raise SchedulerLostError
            yield found


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Job]:
    monkeypatch.setenv("EXPLORE_TEST_LOG", str(tmp_path / "log"))
    return [job(f"j{number}", clock, float(number)) for number in range(1, 6)]


def test_a_lost_scheduler_costs_what_was_not_finished(tmp_path: Path, steps: list[Job]) -> None:
    pool = LosingPool(after=2)
    said: list[str] = []
    told: list[str] = []
    outcomes = carry_out(steps, pool, Store(tmp_path), lambda one, _: told.append(one.key), said.append)
    assert [outcomes[one.key] for one in steps] == [Routed(float(n), 1, 1, 1, 1, ("a",), 0.0) for n in range(1, 6)]
    assert pool.calls == [["j1", "j2", "j3", "j4", "j5"], ["j3", "j4", "j5"], ["j5"]]
    assert told == ["j1", "j2", "j3", "j4", "j5"]
    assert said == [
        "the scheduler is lost; looking for another, then the 3 unfinished steps go on",
        "the scheduler is lost; looking for another, then the 1 unfinished steps go on",
    ]


def test_what_was_finished_is_there_when_no_scheduler_comes_back(tmp_path: Path, steps: list[Job]) -> None:
    with pytest.raises(InputError, match="no scheduler with a worker within 1 s"):
        carry_out(steps, LosingPool(after=2, found_again=0), Store(tmp_path), lambda *_: None, lambda _: None)
    again = LosingPool(after=100)
    carry_out(steps, again, Store(tmp_path), lambda *_: None, lambda _: None)
    assert again.calls == [["j3", "j4", "j5"]]


def test_a_scheduler_that_is_always_lost_at_once_ends_the_run(tmp_path: Path, steps: list[Job]) -> None:
    pool = LosingPool(after=0)
    with pytest.raises(InputError, match=f"lost {MOST_LOSSES + 1} times without a single result between"):
        carry_out(steps, pool, Store(tmp_path), lambda *_: None, lambda _: None)
    assert len(pool.calls) == MOST_LOSSES + 1


def test_a_second_call_does_nothing_anew(tmp_path: Path, steps: list[Job]) -> None:
    first = carry_out(steps, LosingPool(after=100), Store(tmp_path), lambda *_: None, lambda _: None)
    pool = LosingPool(after=100)
    assert carry_out(steps, pool, Store(tmp_path), lambda *_: None, lambda _: None) == first
    assert pool.calls == []
