# SPDX-License-Identifier: Apache-2.0
"""What finds a mutant: its block's bench, the proof of its properties, benches of blocks that instantiate it."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from formal.block import BOUNDED, Block
from formal.blocks import BLOCKS
from formal.prove import read_results
from formal.solver import Problem, ToolStoppedError, rtl_of, solve
from wsfracbnn.gen.locations import ROOT, RTL

from ..boards import parameters as board
from ..gen.rtl_tools import lint_network, name_of, verilator
from ..gen.test_parameters import BUILT as PIPELINE
from ..sequential import parameters as sequential
from ..soc import parameters as soc
from .equivalence import same_behaviour, version
from .jobs import (
    FAILED,
    LIMIT,
    LIMIT_NS,
    PASSED,
    STOPPED,
    STOPPED_S,
    BrokenBenchError,
    Job,
    Outcome,
    Simulation,
    below,
    bench_jobs,
    cheapest,
    rtl_files,
    users_of,
)
from .mutants import Mutant, code_of
from .network import copy_of, emitted, emitted_modules, jobs_of

CACHE = ROOT / "build" / "mutants"

SAME, REFUSED, PROVEN = "same", "refused", "proven"
"""Icarus compiles the same program as without the mutant; it does not compile the mutant; Yosys shows that both are the
same circuit."""

BUILT = PIPELINE | board.BUILT | sequential.BUILT | soc.BUILT
"""Points at which the regression lints each block."""

LINT = "lint"
"""Verilator warns of the mutant, as of no block: a test of tests/gen/ fails."""

KILLED = {FAILED, LIMIT, STOPPED, LINT}

QUICK_S = 4
"""Proofs that took longer (results/formal.json) are left out."""

FORMAL_DEPTH = 12
"""Cycles in which a mutant of a block must show whose proof is an induction, as for the faults of formal/."""

USERS, JOBS_OF_A_USER = 3, 2
"""So many of the blocks that instantiate the mutant's, and so many jobs of each: the cheapest."""

PROOF_POINTS = 3
"""At so many points of the grid, the smallest that may differ, a mutant is shown to be the same circuit."""

PROOFS = 2
"""Of a block, at so many of its proof's parameters."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant.

    Attributes:
        verdict: FAILED, LIMIT, STOPPED, LINT: found, by a failing test, simulated time, CPU time, a warning; PASSED:
            not found; SAME: at no point of any bench another program; PROVEN: the same circuit at some points;
            REFUSED: no mutant, since it does not compile.
        by: job and test, or proof and property.
        seconds: of CPU, those of the cache too.
        tried: how many jobs and proofs ran it.
    """

    verdict: str
    by: str
    seconds: float
    tried: int

    @property
    def killed(self) -> bool:
        return self.verdict in KILLED


class Cache:
    """Outcomes by the hash of all that they depend on: a file of JSON lines, to which processes append."""

    def __init__(self, path: Path = CACHE / "outcomes.jsonl") -> None:
        self.path = path
        self._found: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            for line in path.read_text().splitlines():
                if line.endswith("}"):  # the last of a run that was cut off may be a part
                    row = json.loads(line)
                    self._found[row.pop("key")] = row

    def outcome(self, key: str, make: Callable[[], Outcome]) -> Outcome:
        """What is there under the key, or what `make` gives."""
        if key not in self._found:
            row = asdict(make())
            with self.path.open("a") as file:
                file.write(json.dumps({"key": key} | row) + "\n")
            self._found[key] = row
        return Outcome(**self._found[key])


class Killers:
    """Judges mutants, one after the other, in a folder of this process's own."""

    def __init__(
        self,
        remembered: Mapping[str, str],
        cache: Cache | None = None,
        work: Path = CACHE / "work",
        *,
        proving: bool = False,
    ) -> None:
        """remembered: the killing job by the mutant's name, from an earlier run; it is tried first.

        proving: whether to try to prove that what nothing kills is equivalent, which may take a minute each.
        """
        self.remembered = remembered
        self.proving = proving
        self.cache = cache or Cache()
        self.folder = work / str(os.getpid())

    def __enter__(self) -> Killers:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def judge(self, mutant: Mutant) -> Verdict:
        """Try all that may find it, the quickest first.

        Raises:
            BrokenBenchError: a bench fails without the mutant.
        """
        text = mutant.applied(sources()[mutant.file].read_text())
        own = jobs_of(mutant.file) if mutant.file in emitted_modules() else [*self.ordered(mutant.block)]
        seconds, tried, differs = 0.0, 0, False
        known = self.remembered.get(mutant.name, "")
        own.sort(key=lambda job: not known.startswith(f"{job.name}:"))
        mine = (self._mutated(job, mutant) for job in own)
        for job, built, file, source in chain(mine, self._others(mutant, text)):
            if built.verdict == REFUSED:
                return Verdict(REFUSED, "", seconds, tried)
            if built.verdict == SAME:
                continue
            differs = True
            outcome = self._run(job, file, source)
            seconds, tried = seconds + outcome.seconds, tried + 1
            if outcome.verdict in KILLED:
                return Verdict(outcome.verdict, f"{job.name}: {outcome.by or outcome.verdict}", seconds, tried)
        warned = self._linted(mutant, text)
        if warned.verdict == LINT:
            return Verdict(LINT, warned.by, seconds, tried + 1)
        block = provable().get(mutant.block)
        for sizes in block.sizes[:PROOFS] if block is not None else ():
            assert block is not None
            outcome = prove(block, sizes, mutant.file, text)
            seconds, tried = seconds + outcome.seconds, tried + 1
            if outcome.verdict == FAILED:
                return Verdict(FAILED, f"{proof_name(block, sizes)}: {outcome.by}", seconds, tried)
        if not differs:
            return Verdict(SAME, "", seconds, tried)
        if self.proving and mutant.file not in emitted_modules() and self._proven(own, mutant.file, text):
            return Verdict(PROVEN, "", seconds, tried)
        return Verdict(PASSED, "", seconds, tried)

    def _mutated(self, job: Job, mutant: Mutant) -> tuple[Job, Outcome, str, str]:
        """The job with the mutant: the outcome of the build, file, text."""
        text = mutant.applied(job.sources[mutant.file].read_text())
        return job, self._built(job, mutant.file, text), mutant.file, text

    def _others(self, mutant: Mutant, text: str) -> Iterator[tuple[Job, Outcome, str, str]]:
        """Jobs of blocks that instantiate the mutant's, and the network's: the outcome of the build, file, text."""
        users = [self.ordered(user)[:JOBS_OF_A_USER] for user in users_of(mutant.block)]
        for jobs in sorted(users, key=lambda jobs: self.program(jobs[0]).end_ns)[:USERS]:
            for job in jobs:
                yield job, self._built(job, mutant.file, text), mutant.file, text
        copy, its_text = copy_of(mutant.file, text)
        if copy:
            job = emitted()[1]
            yield job, self._built(job, copy, its_text), copy, its_text

    def _linted(self, mutant: Mutant, text: str) -> Outcome:
        """Whether Verilator warns of it where it warns of nothing without: at the points of tests/gen/."""
        if mutant.file in emitted_modules():
            return self._network_linted(mutant, text)
        points = BUILT.get(mutant.block, [])
        if not points:
            return Outcome(PASSED, "", 0.0, 0.0)
        files = {name: path.read_text() for name, path in below(mutant.block, rtl_files()).items()}
        key = _hash("lint", json.dumps(points), *(code_of(t) for t in (files | {mutant.file: text}).values()))

        def lint() -> Outcome:
            for point in points:
                code, said = verilator(mutant.block, point, self._written(mutant.file, text))
                if code:
                    return _warned(f"{mutant.block} {name_of(point)}", said)
            return Outcome(PASSED, "", 0.0, 0.0)

        return self.cache.outcome(key, lint)

    def _network_linted(self, mutant: Mutant, text: str) -> Outcome:
        """As tests/gen/test_emit.py lints an emitted network."""
        design, job = emitted()
        files = {name: path for name, path in job.sources.items() if path.parent.name != "tb"}
        texts = {name: path.read_text() for name, path in files.items()} | {mutant.file: text}

        def lint() -> Outcome:
            code, said = lint_network(design.top, (files | {mutant.file: self._written(mutant.file, text)}).values())
            return _warned(design.top, said) if code else Outcome(PASSED, "", 0.0, 0.0)

        return self.cache.outcome(_hash("lint", *map(code_of, texts.values())), lint)

    def _written(self, file: str, text: str) -> Path:
        path = self.folder / file
        self.folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def _proven(self, jobs: Iterable[Job], file: str, text: str) -> bool:
        """Whether the block is shown to be the same circuit at the smallest points of its bench that may differ."""

        def proof(job: Job) -> Outcome:
            shown = same_behaviour(job, file, text, self.folder)
            return Outcome(PROVEN if shown else PASSED, "", 0.0, 0.0)

        different = (job for job in jobs if self._built(job, file, text).verdict != SAME)
        return all(
            self.cache.outcome(
                f"{job.key}-{_hash(file, code_of(text), version())}-proof", functools.partial(proof, job)
            ).verdict
            == PROVEN
            for job in islice(different, PROOF_POINTS)
        )

    @functools.cache  # noqa: B019 (lives as long as the process)
    def ordered(self, block: str) -> list[Job]:
        """A block's jobs, those of the smallest program first: a baseline is simulated only where it is needed."""
        return cheapest((job, self.program(job).end_ns) for job in bench_jobs(block))

    def program(self, job: Job) -> Outcome:
        """Of the job without a mutant: `by` is its hash, `end_ns` its length."""

        def build() -> Outcome:
            program = Simulation(job, self.folder).build({})
            if not program:
                raise BrokenBenchError(f"{job.name}: does not compile without a mutant")
            return Outcome(PASSED, _hash(program), len(program), 0.0)

        return self.cache.outcome(f"{job.key}-program", build)

    def baseline(self, job: Job) -> Outcome:
        """The job without a mutant.

        Raises:
            BrokenBenchError: it fails.
        """

        def run() -> Outcome:
            simulation = Simulation(job, self.folder)
            simulation.build({})
            outcome = simulation.run()
            if outcome.verdict != PASSED:
                raise BrokenBenchError(f"{job.name}: fails without a mutant: {outcome.verdict} {outcome.by}")
            return outcome

        return self.cache.outcome(job.key, run)

    def _built(self, job: Job, file: str, text: str) -> Outcome:
        """Whether the job sees a mutant: REFUSED, SAME or PASSED."""

        def build() -> Outcome:
            program = Simulation(job, self.folder).build({file: text})
            same = _hash(program) == self.program(job).by
            return Outcome(REFUSED if not program else SAME if same else PASSED, "", 0.0, 0.0)

        return self.cache.outcome(f"{job.key}-{_hash(file, code_of(text))}-built", build)

    def _run(self, job: Job, file: str, text: str) -> Outcome:
        def run() -> Outcome:
            base = self.baseline(job)
            simulation = Simulation(job, self.folder)
            simulation.build({file: text})
            return simulation.run(2 * base.end_ns + LIMIT_NS, STOPPED_S + 30 * base.seconds)

        return self.cache.outcome(f"{job.key}-{_hash(file, code_of(text))}", run)


@functools.cache
def sources() -> Mapping[str, Path]:
    """All that gets mistakes: the blocks of rtl/ that have a bench, and an emitted network's modules."""
    blocks = {path.name: path for name, path in rtl_files().items() if bench_jobs(name)}
    return blocks | dict(emitted_modules())


@functools.cache
def provable() -> Mapping[str, Block]:
    """Blocks of rtl/ whose properties are proven quickly, by their names."""
    slow = {row.block for row in read_results().proofs if row.seconds > QUICK_S}
    return {block.name: block for block in BLOCKS if block.name not in slow and (RTL / f"{block.name}.v").is_file()}


def proof_name(block: Block, sizes: Mapping[str, int]) -> str:
    """As `by` tells it."""
    return " ".join(("formal", block.name, *(f"{key}={value}" for key, value in sizes.items())))


def prove(block: Block, sizes: Mapping[str, int], file: str, text: str) -> Outcome:
    """Whether a property of the block's outside fails within some cycles of a reset; formal/ keeps what it proved."""
    depth = block.depth if block.method == BOUNDED else FORMAL_DEPTH
    sources = rtl_of(block.name) | {file: text}
    try:
        found = solve(Problem(block.name, sizes, BOUNDED, depth, sources, invariants=False))
    except ToolStoppedError:
        return Outcome(REFUSED, "", 0.0, 0.0)
    return Outcome(FAILED if found.failed else PASSED, ", ".join(found.failed), 0.0, found.seconds)


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:20]


def _warned(what: str, said: str) -> Outcome:
    kind = re.findall(r"%(?:Warning|Error)(?:-(\w+))?", said)
    return Outcome(LINT, f"lint {what}: {(kind or [''])[0]}", 0.0, 0.0)
