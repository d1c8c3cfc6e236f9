# SPDX-License-Identifier: Apache-2.0
"""Damaged files of all kinds: each is read, or refused with an `InputError`; nothing else, in bounded time and memory.

.venv/bin/python -m tests.fuzz --count 5000 --seed 1
"""

from __future__ import annotations

import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random

from wsfracbnn.model.errors import SENTENCE_LIMIT, InputError

from .targets import Target, targets

SECONDS = 60
"""That one file may take on a busy machine."""


def attack(target: Target, random: Random) -> str:
    """Damage a file, read it: 'read', 'refused', or what else happened."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / target.file
        target.damage(random, path)
        start = time.monotonic()
        try:
            target.read(path)
        except InputError as error:
            text = str(error)
            if len(text) > SENTENCE_LIMIT or not text.isprintable():
                return f"a message of {len(text)} characters: {text[:2000]!r}"
            result = "refused"
        except Exception:
            return traceback.format_exc()
        else:
            result = "read"
    seconds = time.monotonic() - start
    return result if seconds < SECONDS else f"took {seconds:.0f} s"


def run(count: int, seed: int, kind: str | None = None) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Attack each kind in turn, `count` times in all; how many of each were read or refused, and the faults."""
    results: Counter[tuple[str, str]] = Counter()
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        kinds = {name: t for name, t in targets(Path(folder)).items() if kind in (None, name)}
        for number in range(count):
            name = list(kinds)[number % len(kinds)]
            result = attack(kinds[name], Random(f"{seed} {number}"))
            if result not in ("read", "refused"):
                faults.append(f"{name}, number {number} of seed {seed}: {result}")
                result = "fault"
            results[name, result] += 1
    return results, faults
