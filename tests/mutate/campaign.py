# SPDX-License-Identifier: Apache-2.0
"""Which mutants are judged, in which order, and what came of it."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import read_json
from wsfracbnn.model.rows import markdown_table

from .jobs import LIMIT, STOPPED, rtl_files
from .killers import LINT, PROOF_POINTS, PROVEN, REFUSED, Killers, Verdict, sources
from .mutants import Mutant, mutants_of
from .network import NETWORK, emitted_modules
from .reasons import read_reasons

RESULTS = ROOT / "results" / "mutants.json"


HOW = {
    PROVEN: f"Yosys proves the same circuit, by induction, at the {PROOF_POINTS} smallest points where programs differ",
}


@dataclass(frozen=True)
class Row:
    """A mutant and what became of it.

    Attributes:
        path: of its source, from the tree's root. because: why nothing can find it; "" where something does or should.
    """

    mutant: Mutant
    verdict: Verdict
    path: str
    because: str

    @property
    def told(self) -> dict[str, Any]:
        """As results/mutants.json has a mutant that was not killed."""
        mutant = self.mutant
        place = {"name": mutant.name, "file": self.path, "line": mutant.line, "operator": mutant.operator}
        return place | {"old": mutant.old, "new": mutant.new} | ({"because": self.because} if self.because else {})


@dataclass(frozen=True)
class Results:
    """Rows of a run. refused: how many mutants beside them do not compile. seed: of their choice."""

    rows: tuple[Row, ...]
    refused: int
    seed: int

    @property
    def figures(self) -> dict[str, Any]:
        """As results/mutants.json holds them."""
        killed = [row for row in self.rows if row.verdict.killed]
        equivalent = [row for row in self.rows if row.because]
        survived = [row for row in self.rows if not row.verdict.killed and not row.because]
        by = [row.verdict.verdict for row in killed]
        return {
            "seed": self.seed,
            "total": len(self.rows),
            "killed": len(killed),
            "equivalent": len(equivalent),
            "survived": len(survived),
            "refused": self.refused,
            "killed_by_limit": by.count(LIMIT),
            "killed_by_stop": by.count(STOPPED),
            "killed_by_lint": by.count(LINT),
            "seconds": round(sum(row.verdict.seconds for row in self.rows)),
            "blocks": {
                block: {
                    name: sum(unit_of(row.mutant.file) == block for row in rows)
                    for name, rows in (("total", self.rows), ("killed", killed), ("equivalent", equivalent))
                }
                for block in sorted({unit_of(row.mutant.file) for row in self.rows})
            },
            "survivors": [row.told for row in survived],
            "equivalents": [row.told for row in equivalent],
            "killers": {row.mutant.name: row.verdict.by for row in sorted(killed, key=lambda row: row.mutant.name)},
        }


def read_results(path: Path = RESULTS) -> dict[str, Any]:
    """Figures that an earlier run wrote.

    Raises:
        InputError: no such file, or it holds something else.
    """
    figures = read_json(path, "a file of mutants")
    if not isinstance(figures, dict) or "killers" not in figures:
        raise InputError(f"{path}: found no results of mutants, expected those of tests.mutate")
    return figures


def remembered(path: Path = RESULTS) -> dict[str, str]:
    """What killed which mutant in the run whose results are committed; nothing where there are none."""
    return dict(read_results(path)["killers"]) if path.is_file() else {}


def all_mutants(only: Iterable[str] = ()) -> list[Mutant]:
    """Of all sources, or of blocks that are named, "network" for the emitted one.

    Raises:
        InputError: a name is no block's.
    """
    names = {path.stem for name, path in sources().items() if name not in emitted_modules()} | {NETWORK}
    for name in (wanted := list(only)):
        if name not in names:
            raise InputError(f"--only: found '{name}', expected one of: {', '.join(sorted(names))}")
    return [
        mutant
        for name, path in sources().items()
        if not wanted or unit_of(name) in wanted
        for mutant in mutants_of(name, path.read_text())
    ]


def unit_of(file: str) -> str:
    """The block that a source is of; all modules of the emitted network are one."""
    return NETWORK if file in emitted_modules() else file.removesuffix(".v")


def in_order(mutants: Sequence[Mutant], seed: int, first: Iterable[str] = ()) -> list[Mutant]:
    """By a hash of seed and name, so that an edit changes the place of few; those of the blocks `first` before."""
    ahead = frozenset(first)

    def place(mutant: Mutant) -> tuple[bool, str]:
        return unit_of(mutant.file) not in ahead, hashlib.sha256(f"{seed} {mutant.name}".encode()).hexdigest()

    return sorted(mutants, key=place)


def changed_since(reference: str) -> list[str]:
    """Blocks whose Verilog, bench, properties or templates differ from a commit's, in Git.

    Raises:
        InputError: Git knows no such commit.
    """
    command = ["git", "diff", "--name-only", reference, "--", "rtl", "tb", "formal", "templates"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise InputError(f"--changed-first: found '{reference}', expected a commit that Git knows")
    paths = [Path(line) for line in done.stdout.splitlines()]
    names = {path.stem for path in paths} | {path.parent.name for path in paths}
    changed = names & set(rtl_files())
    return sorted(changed | ({NETWORK} if any(path.parts[0] == "templates" for path in paths) else set()))


def carry_out(
    order: Sequence[Mutant],
    count: int,
    jobs: int,
    show: Callable[[list[Row]], None],
    known: Mapping[str, str],
    *,
    proving: bool = False,
) -> tuple[list[Row], int]:
    """Judge mutants in their order until `count` are counted; returns them, and how many were refused.

    Args:
        show: is told the rows after each.
        known: what killed a mutant of that name before.
        proving: whether to try to prove that what nothing kills is equivalent.
    """
    files = {
        name: f"{NETWORK}/{name}" if name in emitted_modules() else str(path.relative_to(ROOT))
        for name, path in sources().items()
    }
    written_down = {reason.name: reason.because for reason in read_reasons()}
    rows: list[Row] = []
    refused = 0
    with _judges(jobs, known, proving) as judge:
        for mutant, verdict in zip(order, judge(order), strict=False):
            if verdict.verdict == REFUSED:
                refused += 1
                continue
            because = "" if verdict.killed else HOW.get(verdict.verdict) or written_down.get(mutant.name, "")
            rows.append(Row(mutant, verdict, files[mutant.file], because))
            show(rows)
            if len(rows) == count:
                break
    return rows, refused


_killers: Killers | None = None


def _start(known: Mapping[str, str], proving: bool) -> None:
    global _killers
    _killers = Killers(known, proving=proving)


def _judge(mutant: Mutant) -> Verdict:
    assert _killers is not None
    with _killers:
        return _killers.judge(mutant)


@contextmanager
def _judges(
    jobs: int, known: Mapping[str, str], proving: bool
) -> Iterator[Callable[[Sequence[Mutant]], Iterator[Verdict]]]:
    """Yields a function that judges mutants in their order, in this process or in several."""
    if jobs == 1:
        with Killers(known, proving=proving) as killers:
            yield lambda mutants: map(killers.judge, mutants)
        return
    started_anew = multiprocessing.get_context("spawn")  # a copy of a process with threads may wait for one for ever
    pool = ProcessPoolExecutor(jobs, started_anew, initializer=_start, initargs=(known, proving))
    try:
        yield lambda mutants: pool.map(_judge, mutants)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def written(figures: Mapping[str, Any]) -> str:
    """The text of results/mutants.json: a survivor and a killer a line."""
    lines = []
    for key, value in figures.items():
        if key in {"survivors", "equivalents"}:
            inner = ",\n".join(f"    {json.dumps(row)}" for row in value)
            lines.append(f"  {json.dumps(key)}: [\n{inner}\n  ]" if value else f"  {json.dumps(key)}: []")
        elif key in {"killers", "blocks"}:
            inner = ",\n".join(f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in value.items())
            lines.append(f"  {json.dumps(key)}: {{\n{inner}\n  }}" if value else f"  {json.dumps(key)}: {{}}")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def page_of(figures: Mapping[str, Any]) -> str:
    """The section 'mutants' of docs/verification.md."""
    blocks = []
    for block, row in figures["blocks"].items():
        counts = [row[name] for name in ("total", "killed", "equivalent")]
        blocks.append((f"`{block}`", *map(str, counts), str(counts[0] - counts[1] - counts[2])))
    total, killed, equivalent = (figures[name] for name in ("total", "killed", "equivalent"))
    parts = [
        markdown_table(("mutants of", "judged", "killed", "equivalent", "survived"), blocks),
        f"{killed:,} of {total:,} killed, {100 * killed / max(1, total - equivalent):.1f} % of those that are not "
        f"equivalent ({equivalent}); {figures['survived']} survived. Of the killed, {figures['killed_by_limit']} ran "
        f"out of simulated time and {figures['killed_by_stop']} out of CPU time; {figures['killed_by_lint']} were "
        f"found by lint alone. {figures['refused']} more do not compile.",
    ]
    if figures["survivors"]:
        survivors = [
            (f"`{row['file']}`", str(row["line"]), _cell(row["old"]), _cell(row["new"])) for row in figures["survivors"]
        ]
        parts.append(markdown_table(("survivor in", "line", "original", "mutant"), survivors))
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    escaped = text.replace("|", "\\|")
    return f"`{escaped}`"
