# SPDX-License-Identifier: Apache-2.0
"""What `wsfracbnn explore` shows: a bar for each kind of step, the table of results, the front, the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from wsfracbnn.cli.console import console
from wsfracbnn.gen.explore.jobs import Job
from wsfracbnn.gen.explore.outcomes import ROUTE, SIMULATION, STEPS, SYNTHESIS, Failed, Outcome
from wsfracbnn.gen.explore.results import Exploration, Result

DONE = {SYNTHESIS: "synthesized", SIMULATION: "simulated", ROUTE: "routed"}
"""What a design is after each step."""

SHOWN_FAILURES = 20
"""Lines of failures; exploration.json has them all."""


def say(line: str) -> None:
    """A line as it is."""
    console.print(line, markup=False, highlight=False)


@contextmanager
def step_bars(estimated: int, jobs: Collection[Job]) -> Iterator[Callable[[Job, Outcome], None]]:
    """Bars of what was estimated, and of each kind of step; yields what is told of each job that is done.

    Where nobody watches, a line for each.
    """
    totals = Counter(job.step for job in jobs)
    done: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        bars.add_task("estimated", total=estimated, completed=estimated)
        tasks = {step: bars.add_task(DONE[step], total=totals[step]) for step in STEPS}

        def tell(job: Job, outcome: Outcome) -> None:
            done[job.step] += 1
            bars.advance(tasks[job.step])
            if isinstance(outcome, Failed):
                say(f"{job.title}: not {DONE[job.step]}: {outcome.reason}")
            elif not console.is_terminal:
                say(f"{DONE[job.step]} {done[job.step]} of {totals[job.step]}: {job.title}")

        yield tell


def print_exploration(exploration: Exploration) -> None:
    """The table of all results, those of the front marked, and the designs that were left out."""
    console.print(result_table(exploration))
    on_front = exploration.front
    say(f"front of LUTs, images/s and clock: {len(on_front)} of {len(exploration.results)} designs, marked *")
    if exploration.skipped:
        reasons = Counter(skipped.why for skipped in exploration.skipped)
        say("left out: " + ", ".join(f"{count} {why}" for why, count in reasons.items()))


def result_table(exploration: Exploration) -> Table:
    """One row per design on a device at a speed grade; clock and images/s of the best seed, and the median clock."""
    figures_shown = ("routed LUTs", "(estimate)", "cycles/image", "MHz", "median", "seeds", "images/s")
    table = Table("fold", "device", "grade", *figures_shown, "verdict", title=exploration.network)
    for column in table.columns[2:-1]:
        column.justify = "right"
    front = set(map(id, exploration.front))
    for place, result in enumerate(exploration.results):
        clock, figures = result.best_clock, result.figures
        mark = " *" if id(result) in front else ""
        table.add_row(
            f"{result.fold}{mark}",
            result.device,
            str(result.speed_grade),
            "-" if clock is None else f"{clock.luts:,}",
            f"{result.estimated_luts:,}",
            "-" if result.cycles_per_image is None else f"{result.cycles_per_image:,}",
            "-" if clock is None else f"{clock.fmax_mhz:.1f}",
            "-" if result.median_mhz is None else f"{result.median_mhz:.1f}",
            str(len(result.clocks)),
            "-" if figures is None else f"{figures['images_per_s']:,.0f}",
            _verdict(result),
            style="bold" if place == exploration.best else None,
        )
    return table


def _verdict(result: Result) -> Text:
    if result.mismatches or (result.images and not result.bit_exact):
        return Text("NOT bit-exact", style="red")
    if not result.bit_exact:
        return Text("not simulated", style="red")
    return Text("bit-exact" if result.clocks else "bit-exact, not routed", style="green" if result.clocks else "red")


def print_verdict(exploration: Exploration) -> bool:
    """Print what failed, and the verdict; True where a best design was found and no design mismatched."""
    failures = [f"{r.fold} on {r.place}: {failure}" for r in exploration.results for failure in r.failures]
    for failure in failures[:SHOWN_FAILURES]:
        console.print(failure, style="red", markup=False, highlight=False)
    if len(failures) > SHOWN_FAILURES:
        say(f"and {len(failures) - SHOWN_FAILURES} more")
    wrong = sum(1 for result in exploration.results if result.images and not result.bit_exact)
    if wrong:
        text = f"NOT bit-exact: {wrong} of {len(exploration.results)} designs"
    elif exploration.best is None:
        text = f"no design is routed, bit-exact and within the limits ({exploration.wanted.words})"
    else:
        best = exploration.results[exploration.best]
        clock, figures = best.best_clock, best.figures
        assert clock is not None
        assert figures is not None
        text = (
            f"{best.fold} on {best.place}: {figures['images_per_s']:,.0f} images/s at {clock.fmax_mhz:.1f} MHz "
            f"(seed {clock.seed}; median of {len(best.clocks)}: {best.median_mhz:.1f}), {clock.luts:,} LUTs, bit-exact "
            f"in {best.images} images"
        )
    good = not wrong and exploration.best is not None
    console.print(text, style=f"bold {'green' if good else 'red'}", markup=False, highlight=False)
    return good
