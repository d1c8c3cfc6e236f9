# SPDX-License-Identifier: Apache-2.0
"""Damaged files of every kind are read or refused in a sentence; a few here, thousands by `python -m tests.fuzz`."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from wsfracbnn.model.errors import InputError

from . import guard
from .guard import TooLongError, excess, watching
from .keys import damages
from .kinds import Target
from .run import READ, REFUSED, Tally, attempt, damaged_files, harmful_files, named_keys
from .targets import targets


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Target]:
    return targets(tmp_path_factory.mktemp("targets"))


def test_intact_files_are_read(kinds: Mapping[str, Target]) -> None:
    for name, target in kinds.items():
        outcome = attempt(target, lambda path: path.write_bytes(target.intact))
        assert (outcome.result, outcome.fault) == (READ, None), name


def test_damaged_files_are_read_or_refused(kinds: Mapping[str, Target]) -> None:
    tally = Tally()
    damaged_files(kinds, range(200), 1, tally, lambda done: None)
    assert tally.faults == []
    assert {kind for kind, _ in tally.results} == {kind for kind, result in tally.results if result == REFUSED}


def test_files_that_were_made_to_do_harm_are_refused(kinds: Mapping[str, Target]) -> None:
    """All of those whose code would run, or whose lengths lie; the bombs are left to `make fuzz`."""
    tally = Tally()
    chosen = ("checkpoint", "description's arrays", "published CIFAR", "safetensors", "teacher's answers", "settings")
    harmful_files(kinds, chosen, tally, lambda done: None)
    assert tally.faults == []
    assert tally.cases > 60


def test_a_refusal_names_the_key_that_is_wrong(kinds: Mapping[str, Target]) -> None:
    tally = Tally()
    chosen = ("settings", "folding", "description", "description with its digest", "exploration", "prepared pictures")
    named_keys({name: kinds[name] for name in chosen}, tally, lambda done: None)
    assert tally.faults == []
    assert tally.cases > 150


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("a.json: key 'stages[0].width': found 1, expected 2", True),
        ("a.json: key 'stages[0].width.odd' is unknown", True),
        ("a.json: config key 'width': found 1, expected 2", True),
        ("a.json: key 'stages[0].height': found 1, expected 2", False),
        ("a.json: key 'stages[0]': found 1, expected a table", False),
        ("a.json: damaged", False),
    ],
)
def test_a_sentence_that_names_another_key_is_told(sentence: str, named: bool) -> None:
    (damage,) = (d for d in damages({"stages": [{"width": 1}]}) if (d.path, d.what[0]) == ("stages[0].width", "o"))
    assert damage.value == {"stages": [{"width": {"odd": 1}}]}
    assert damage.is_named_in(sentence) == named


def test_what_none_may_do_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard itself: a file outside of the folder, a program, memory, time."""
    inside = tmp_path / "inside"
    inside.mkdir()
    with watching(inside) as watched:
        (inside / "a").write_text("")
    assert excess(watched) is None
    with watching(inside) as watched:
        (tmp_path / "b").write_text("")
    assert excess(watched) == f"did open {tmp_path}/b"
    with watching(inside) as watched:
        os.system("true")
    assert str(excess(watched)).startswith("did os.system")
    with watching(inside) as watched:
        block = bytearray(700 * 2**20)
        block[:: 2**12] = b"x" * len(block[:: 2**12])
        del block
    assert str(excess(watched)).startswith("took 7")
    monkeypatch.setattr(guard, "SECONDS", 0.05)
    with pytest.raises(TooLongError), watching(inside):
        sum(number for number in itertools.count())


def test_a_reader_that_leaves_a_file_or_fails_otherwise_is_a_fault(tmp_path: Path) -> None:
    def leaves(path: Path) -> None:
        (path.parent / "half").write_text("")
        raise InputError("no")

    def fails(path: Path) -> None:
        raise KeyError("x")

    for read, words in ((leaves, "files were changed"), (fails, "KeyError")):
        outcome = attempt(Target("a", b"", lambda random, path: None, read), lambda path: path.write_bytes(b""))
        assert words in str(outcome.fault)
