# SPDX-License-Identifier: Apache-2.0
"""Command lines of every command, with plausible and absurd options, in this process and without the work itself.

A command begins its work, ends, or is refused: exit code 2, one sentence on standard error, nothing written. Hypothesis
draws the options, and makes a command line that fails as short as it can.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pkgutil
import re
import shlex
import shutil
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NoReturn

import hypothesis
import typer
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase
from PIL import Image

from wsfracbnn.cli.app import app, run
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.errors import SENTENCE_LIMIT, escaped
from wsfracbnn.model.lower import lower_checkpoint

from .guard import SECONDS, TooLongError, Watched, contents, excess, watching
from .run import REFUSED, Outcome, Tally, Tell

BEGUN, ENDED, FAILED = "begun", "ended", "check failed"

WORK = {
    "cli.train": "_train_in",
    "cli.cost": "_stand_in",
    "cli.hardware": "_synthesize",
    "model.training.plan": "carry_out",
    "model.measure": "measure",
    "gen.emission.folder": "emit",
    "gen.emission.draw": "draw_pipeline",
    "gen.report.page": "write_report",
    "gen.boards.project": "write_project",
    "gen.boards.emulator": "emulated_port",
    "gen.boards.host": "BoardClient",
    "model.data.published": "download",
    "model.data.cifar": "download",
}
"""What takes its time, or asks the network: it says that it was asked for, and does nothing."""

_FILES = (
    "none.pt",
    "damaged.pt",
    "text.txt",
    "folder",
    "net.pt",
    "emitted",
    "page.md",
    "cat.png",
    "pictures",
    "a.toml",
)
_OUTPUTS = ("new.pt", "new", "new.html", "new.svg", "new.md", "deep/er/new.json", *_FILES)
ABSURD = (
    *("", " ", "-", "--", "-1", "0", "1", "3", "1e999", "nan", "inf", "-inf", "0x10", "1_0", "9" * 30, "1" * 5000, "½"),
    *("\x1b[31mred", "a\nb", "é", "\udc80", "[/b]", "%s%n", "{}", "{0}", "x" * 3000, "None", "true", "a b", "'", '"'),
    *(
        "../../up",
        "/dev/null",
        "/dev/null/x",
        "/proc/self/mem",
        "/proc/none/x",
        "~",
        ".",
        "..",
        "./",
        "*",
        "$(touch x)",
    ),
    *("key=value", "a=b=c", "=", "epochs=", "=3", "epochs=[1,", "seed=1e400", "width=1", "name=../x", "a,b,,c", ","),
    *("cycles=0", "cycles=-5", "cycles=1..0", "rate=@", "rate=1@0", "luts=1@none", "device=", "sequential=0x0"),
    *("tcp://here", "tcp://127.0.0.1:99999", "loop://", "socket://", "@", "ecp5,ecp5", "luts=nan", "images_per_s="),
    *_FILES,
)
"""Values for any option, most of them wrong for most."""

PLAUSIBLE: Mapping[str, Sequence[str]] = {
    "--weights": ("digits", "net.pt", "emitted"),
    "--fold": (
        "auto",
        "small",
        "cycles=2000",
        "rate=100@50",
        "luts=9000@ecp5",
        "device=ecp5-25f",
        "sequential",
        "f.json",
    ),
    "--device": ("ecp5-25f", "ecp5-85f", "xc7", "cpu", "auto", "cuda"),
    "--devices": ("ecp5-25f", "ecp5-25f,ecp5-85f"),
    "--config": ("digits", "a.toml", "cifar10"),
    "--plan": ("accuracy", "plan.toml"),
    "--dataset": ("digits", "cifar10", "pictures", "a.npz"),
    "--arch": ("digits", "resnet20"),
    "--model": ("wsfracbnn", "fracbnn", "resnet"),
    "--set": ("epochs=3", "precision=mixed", "optimizer=sgd", "network.widths=[4,8]", "flip=true", "seed=4"),
    "--out": _OUTPUTS,
    "--results": _OUTPUTS,
    "--cache": ("cache", *_OUTPUTS),
    "--bitstream": _OUTPUTS,
    "--tensorboard": _OUTPUTS,
    "--curves": _OUTPUTS,
    "--bundle": _OUTPUTS,
    "--page": ("page.md", *_OUTPUTS),
    "--memories": ("page.md",),
    "--breakdown-page": ("page.md",),
    "--summary": ("summary.json",),
    "--simulator": ("icarus", "verilator", "all"),
    "--targets": ("ecp5", "xc7", "ice40", "ecp5,xc7"),
    "--family": ("ecp5", "xc7", "ice40"),
    "--objective": ("luts", "fmax_mhz", "images_per_s"),
    "--at-least": ("luts=100", "fmax_mhz=50"),
    "--at-most": ("luts=100", "fmax_mhz=50"),
    "--speed": ("6", "8", "6,7"),
    "--placer": ("heap", "static"),
    "--router": ("router1", "router2"),
    "--tests": ("reset", "stall|frame", ".*"),
    "--bad-pictures": ("skip", "refuse"),
    "--wrapper": ("axi",),
    "--axis-in": ("8", "32", "64"),
    "--axis-out": ("8", "32", "64"),
    "--lut-inputs": ("4", "6"),
    "--data": ("folder", "pictures"),
    "--port": ("/dev/null", "text.txt", "loop://"),
    "--scheduler": ("tcp://127.0.0.1:1",),
    "--patience": ("1", "0.01"),
    "--mhz": ("25", "100", "150.5"),
    "--baud": ("115200", "1000000"),
    "--name": ("net", "a_1"),
    "--teacher": ("net.pt",),
    "--start-from": ("net.pt",),
    "files": ("cat.png", "pictures/a"),
    "images": ("cat.png",),
    "designs": ("digits", "emitted", "net.pt"),
    "name": ("ulx3s-25f", "icebreaker", "arty-a7-35", "tang-nano-20k"),
}
"""Values that an option may well have; numbers where nothing is listed."""

BESIDE = {"report": ("designs", "digits"), "run": ("--emulate", "--emulate")}
"""What a command needs beside its required options, so that others are looked at."""

EXCLUSIVE = ("--emulate", "--port")
"""One of them only."""

NUMBERS = ("1", "2", "8", "10", "0.5")


class BegunError(BaseException):
    """The work has begun; no `except Exception` on its way may take it for something else."""


@dataclass(frozen=True)
class Option:
    """A parameter of a command: how it is written, whether it takes a value, and whether it must be there."""

    name: str
    others: tuple[str, ...]
    is_flag: bool
    is_argument: bool
    is_required: bool
    default: str = ""

    def written(self, value: str) -> list[str]:
        """On a command line. value: of a flag, which of its names."""
        if self.is_argument:
            return [value]
        return [value] if self.is_flag else [self.name, value]

    def is_named_in(self, sentence: str, value: str) -> bool:
        """Whether a sentence says the option's name, or the value that it was given, or a part of that."""
        bare = self.name.removeprefix("--")
        names = {bare, bare.replace("-", "_"), bare.replace("-", " "), bare.upper(), *self.others}
        if not value:  # as a path, it is the current folder
            return "found ''" in sentence or self.is_named_in(sentence, ".")
        parts = {value, *re.split(r"[=@,.]", value), *re.split(r"[=@,/]", value)}
        return any(part and part.lower() in sentence.lower() for part in names | {escaped(part)[:40] for part in parts})


Line = list[tuple[Option, str]]
"""Options with their values."""


def options_of_commands() -> dict[str, list[Option]]:
    """Every command's parameters, as the application has them."""
    group: Any = typer.main.get_command(app)
    return {name: [_option(param) for param in command.params] for name, command in group.commands.items()}


def _option(param: Any) -> Option:
    is_argument = param.param_type_name == "argument"
    others = (*param.opts[1:], *param.secondary_opts)
    is_flag = bool(getattr(param, "is_flag", False))
    return Option(param.opts[0], others, is_flag, is_argument, bool(param.required), str(param.default or ""))


def lines(options: Sequence[Option]) -> st.SearchStrategy[Line]:
    """Required options mostly, others now and then."""

    @st.composite
    def draw_line(draw: st.DrawFn) -> Line:
        others = [option for option in options if not option.is_required]
        chosen = draw(st.lists(st.sampled_from(others), max_size=5, unique=True)) if others else []
        chosen += [option for option in options if option.is_required and draw(st.integers(0, 20)) > 0]
        return [(option, draw(_values(option))) for option in chosen]

    return draw_line()


def _values(option: Option) -> st.SearchStrategy[str]:
    if option.is_flag:
        return st.sampled_from((option.name, *option.others))
    plausible = st.sampled_from(tuple(PLAUSIBLE.get(option.name, NUMBERS)))
    weight = 4 if option.is_required else 1  # what is required is looked at first, and hides the others
    return st.one_of(*([plausible] * weight), st.sampled_from(ABSURD), st.text(max_size=8))


@dataclass
class Sandbox:
    """A folder with files that command lines can name, made anew after each one that changed it."""

    root: Path
    template: Path

    @property
    def folder(self) -> Path:
        """Where commands are called; deep enough for '../../up' to stay inside."""
        return self.root / "a" / "b" / "c"

    def restore(self) -> None:
        """As it was at first."""
        shutil.rmtree(self.root / "a", ignore_errors=True)
        shutil.copytree(self.template, self.folder)


@contextlib.contextmanager
def sandbox() -> Iterator[Sandbox]:
    """The current folder for the block, in which all of WORK is replaced."""
    with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as template:
        _fill(Path(template))
        made = Sandbox(Path(root), Path(template))
        made.restore()
        before, environment = Path.cwd(), os.environ.copy()
        os.environ["XDG_CACHE_HOME"] = root  # prepared pictures
        with _without_work():
            os.chdir(made.folder)
            try:
                yield made
            finally:
                os.chdir(before)
                os.environ.clear()
                os.environ.update(environment)


@contextlib.contextmanager
def _without_work() -> Iterator[None]:
    """All modules are imported first: one that is imported now would keep what stands in for the work."""
    for package in ("model", "gen", "cli"):
        found = importlib.import_module(f"wsfracbnn.{package}")
        for module in pkgutil.walk_packages(found.__path__, f"{found.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    replaced = [(importlib.import_module(f"wsfracbnn.{module}"), name) for module, name in WORK.items()]
    originals = [(module, name, getattr(module, name)) for module, name in replaced]
    for home, name in replaced:
        setattr(home, name, _begin)
    try:
        yield
    finally:
        for home, name, original in originals:
            setattr(home, name, original)


def _begin(*_: object, **__: object) -> NoReturn:
    raise BegunError


def _fill(folder: Path) -> None:
    digits = (CHECKPOINTS / "digits.pt").read_bytes()
    (folder / "net.pt").write_bytes(digits)
    (folder / "damaged.pt").write_bytes(digits[: len(digits) // 2])
    (folder / "text.txt").write_text("mine\n")
    (folder / "folder").mkdir()
    description = lower_checkpoint(load_checkpoint(CHECKPOINTS / "digits.pt"))
    emit(description, preset(description, "small"), folder / "emitted")
    (folder / "f.json").write_text(preset(description, "fast").text())
    (folder / "summary.json").write_text(json.dumps({"network": "digits"}))
    sections = ("hardware", "memories", "accuracy", "breakdown-digits")
    (folder / "page.md").write_text("".join(f"<!-- {name} -->\n<!-- /{name} -->\n" for name in sections))
    for name in ("cat.png", "pictures/a/1.png", "pictures/a/2.png", "pictures/b/1.png", "pictures/b/2.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (9, 8), 77).save(folder / name)
    (folder / "a.toml").write_text("epochs = 2\n")
    (folder / "plan.toml").write_text('[[run]]\nname = "net"\nrole = "full"\nconfig = "a.toml"\n')


def try_line(place: Sandbox, command: str, line: Line, blamed: Line) -> Outcome:
    """Call a command and look what that did. blamed: the options of which a refusal has to name one."""
    arguments = [command, *(word for option, value in line for word in option.written(value))]
    before = contents(place.root)
    printed, result, fault, watched = io.StringIO(), ENDED, None, Watched()
    try:
        with (
            watching(place.root) as watched,
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(printed),
        ):
            run(app, arguments)
    except BegunError:
        result = BEGUN
    except SystemExit as end:
        result = ENDED if not end.code else FAILED if end.code == 1 else REFUSED
        if result == REFUSED and end.code != 2:
            fault = f"exit code {end.code}"
    except TooLongError:
        fault = f"took more than {SECONDS:.0f} s"
    except Exception:
        fault = traceback.format_exc()
    watched.seen[:] = [what for what in watched.seen if not what.startswith("subprocess.Popen")]  # tools are asked
    fault = fault or excess(watched)
    after = contents(place.root)
    if fault is None and result == REFUSED:
        fault = _fault_of(printed.getvalue(), blamed)
        if fault is None and after != before:
            fault = f"refused, but files were changed: {sorted(after.items() ^ before.items())[:4]}"
    if after != before:
        os.chdir("/")
        place.restore()
        os.chdir(place.folder)
    return Outcome(result, watched, printed.getvalue(), fault)


def _fault_of(printed: str, line: Line) -> str | None:
    """What is wrong with a refusal's text."""
    text = printed.removesuffix("\n")
    sentence = text.removeprefix("error: ")
    if sentence == text or not sentence.isprintable() or len(sentence) > SENTENCE_LIMIT:
        return f"not one sentence: {printed[:2000]!r}"
    if re.search(r"^Missing|^Got unexpected|not installed|not found on PATH", sentence) or any(
        option.is_named_in(sentence, value) for option, value in line
    ):
        return None
    return f"no option is named: {sentence}"


def command_lines(count: int, seed: int, only: str | None, tally: Tally, tell: Tell) -> None:
    """So many command lines of every command in turn."""
    commands = {name: options for name, options in options_of_commands().items() if only in (None, name)}
    with sandbox() as place:
        for number, (name, options) in enumerate(commands.items()):
            share = count * (number + 1) // len(commands) - count * number // len(commands)
            _search(place, name, options, share, seed << 8 | number, tally, tell)


def single_options(seed: int, each: int, only: str | None, tally: Tally, tell: Tell) -> None:
    """Every option of every command with absurd values, alone beside what is required: it is the one that is named."""
    with sandbox() as place:
        for name, options in options_of_commands().items():
            if only not in (None, name):
                continue
            needed = [(option, PLAUSIBLE[option.name][0]) for option in options if option.is_required]
            needed += [
                (option, value)
                for option in options
                for key, value in [BESIDE.get(name, ("", ""))]
                if option.name == key
            ]
            for option in options:
                if option.is_flag:
                    continue
                for value in Random(f"{seed} {name} {option.name}").sample(ABSURD, each):
                    line = [
                        (other, kept)
                        for other, kept in needed
                        if other != option and (other.name, option.name) != EXCLUSIVE
                    ]
                    outcome = try_line(place, name, [*line, (option, value)], [(option, value)])
                    tally.add(f"command {name}", _words(name, [*line, (option, value)]), outcome)
                    tell(tally.cases)


def _search(
    place: Sandbox, name: str, options: Sequence[Option], count: int, seed: int, tally: Tally, tell: Tell
) -> None:
    failed: list[tuple[Line, Outcome]] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=max(count, 1),
        database=InMemoryExampleDatabase(),
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(lines(options))
    def try_one(line: Line) -> None:
        written = [option for option, _ in line]
        others = [(option, option.default) for option in options if option not in written]
        outcome = try_line(place, name, line, line + others)
        if outcome.fault is not None:
            failed.append((line, outcome))
            raise AssertionError(outcome.fault)
        if not failed:  # afterwards lines are only made shorter
            tally.add(f"command {name}", "", outcome)
            tell(tally.cases)

    with contextlib.suppress(AssertionError):
        try_one()
    if failed:
        line, outcome = failed[-1]
        tally.add(f"command {name}", _words(name, line), outcome)


def _words(name: str, line: Line) -> str:
    return shlex.join(["wsfracbnn", name, *(word for option, value in line for word in option.written(value))])[:600]
