# SPDX-License-Identifier: Apache-2.0
"""Damaged files of all kinds: each is read, or refused in one sentence; nothing else, in bounded time and memory.

.venv/bin/python -m tests.fuzz --count 5000 --seed 1
"""

from __future__ import annotations

import re
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from wsfracbnn.model.errors import SENTENCE_LIMIT, InputError

from .guard import SECONDS, TooLongError, Watched, contents, excess, watching
from .hostile import AT_MOST, hostile_files
from .keys import MISSING, damages
from .kinds import Target

READ, REFUSED, FAULT = "read", "refused", "fault"

Tell = Callable[[int], None]
"""Is told how many cases are done."""


@dataclass
class Tally:
    """What became of many cases.

    Attributes:
        results: how many were read, refused or are faults, by kind. faults: in words, each with what does it again.
        seconds, grown_mb: of the case that took most processor time, and most memory.
    """

    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    grown_mb: float = 0.0

    @property
    def cases(self) -> int:
        """All of them."""
        return self.results.total()

    def add(self, kind: str, what: str, outcome: Outcome) -> None:
        """Count a case. what: says which, for the message."""
        self.results[kind, outcome.result if outcome.fault is None else FAULT] += 1
        self.seconds = max(self.seconds, outcome.watched.seconds)
        self.grown_mb = max(self.grown_mb, outcome.watched.grown_mb)
        if outcome.fault is not None:
            self.faults.append(f"{kind}, {what}: {outcome.fault}")


@dataclass(frozen=True)
class Outcome:
    """What became of a case. result: READ or REFUSED; sentence: of a refusal; fault: what may not be, in words."""

    result: str
    watched: Watched
    sentence: str = ""
    fault: str | None = None


def attempt(target: Target, write: Callable[[Path], object]) -> Outcome:
    """Write a file, read it as a command does, and look what that did."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / target.file
        for name, content in target.beside.items():
            (path.parent / name).write_bytes(content)
        write(path)
        before = contents(path.parent)
        result, sentence, fault = READ, "", None
        watched = Watched()
        try:
            with watching(path.parent) as watched:
                target.read(path)
        except InputError as error:
            result, sentence = REFUSED, str(error)
            if len(sentence) > SENTENCE_LIMIT or not sentence.isprintable():
                fault = f"a message of {len(sentence)} characters: {sentence[:2000]!r}"
        except TooLongError:
            fault = f"took more than {SECONDS:.0f} s"
        except Exception:
            fault = traceback.format_exc()
        fault = fault or excess(watched)
        if fault is None and contents(path.parent) != before:
            fault = f"files were changed: {sorted(contents(path.parent).items() ^ before.items())[:4]}"
        return Outcome(result, watched, sentence, fault)


def damaged_files(kinds: Mapping[str, Target], numbers: range, seed: int, tally: Tally, tell: Tell) -> None:
    """Damage files of all kinds in turn at random; a seed and a number make a case."""
    names = list(kinds)
    for number in numbers:
        target = kinds[names[number % len(names)]]
        random = Random(f"{seed} {number}")
        outcome = attempt(target, lambda path: target.damage(random, path))
        tally.add(names[number % len(names)], f"--seed {seed} --first {number} --count 1", outcome)
        tell(tally.cases)


def harmful_files(kinds: Mapping[str, Target], only: Collection[str], tally: Tally, tell: Tell) -> None:
    """Files that were made to do harm: each has to be refused, but for those that are as large as they may be."""
    for kind, title, write in hostile_files({name: target.intact for name, target in kinds.items()}):
        if kind not in only:
            continue
        outcome = attempt(kinds[kind], write)
        if outcome.result == READ and outcome.fault is None and not title.endswith(AT_MOST):
            outcome = Outcome(READ, outcome.watched, fault="was read, expected a refusal")
        tally.add(kind, title, outcome)
        tell(tally.cases)


def named_keys(kinds: Mapping[str, Target], tally: Tally, tell: Tell) -> None:
    """One place of a file is wrong at a time: it is refused, and the sentence names that place."""
    for kind, what, outcome in _key_cases(kinds):
        tally.add(kind, what, outcome)
        tell(tally.cases)


def _key_cases(kinds: Mapping[str, Target]) -> Iterator[tuple[str, str, Outcome]]:
    for kind, target in kinds.items():
        if (write := target.write) is None:
            continue
        for damage in damages(target.value):
            outcome = attempt(target, lambda path: write(damage.value, path))
            fault = outcome.fault
            if fault is None and not re.fullmatch(target.free or "(?!)", damage.path):
                if outcome.result == READ and damage.what != MISSING:
                    fault = "was read, expected a refusal"
                elif outcome.result == REFUSED and not damage.is_named_in(outcome.sentence):
                    fault = f"the key is not named: {outcome.sentence}"
            yield kind, f"key '{damage.path}' {damage.what}", Outcome(outcome.result, outcome.watched, "", fault)
