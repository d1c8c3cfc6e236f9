# SPDX-License-Identifier: Apache-2.0
"""Outputs are tried before the work, nobody's file is replaced unasked, and no option is without effect."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

from wsfracbnn.cli import train as train_command
from wsfracbnn.cli.app import app
from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.training.plan import read_plan
from wsfracbnn.model.training.side_by_side import carry_out

TRAIN_IN = train_command._train_in


class BegunError(Exception):
    """The work has begun."""


def begin(*_: Any, **__: Any) -> NoReturn:
    raise BegunError


@pytest.fixture(scope="module", autouse=True)
def all_modules() -> None:
    """A module that is imported while something is replaced would keep the replacement for the tests of other files."""
    for package in ("model", "gen", "cli"):
        found = importlib.import_module(f"wsfracbnn.{package}")
        for module in pkgutil.walk_packages(found.__path__, f"{found.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


@pytest.fixture(autouse=True)
def no_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What takes its time says that it was asked for, and does nothing; the working directory is empty."""
    modules = {name: importlib.import_module(f"wsfracbnn.{name}") for name in WORK}
    for name, function in WORK.items():
        monkeypatch.setattr(modules[name], function, begin)
    monkeypatch.chdir(tmp_path)


WORK = {
    "cli.train": "_train_in",
    "cli.hardware": "_description",
    "model.training.side_by_side": "carry_out",
    "gen.design": "build_design",
    "gen.emission.folder": "emit",
    "model.measure": "measure",
}
PLAN = '[[run]]\nname = "net"\nrole = "full"\nconfig = "run.toml"\n'


def outcome_of(*arguments: object) -> str:
    """The sentence with which a command is refused; "begun" where its work was asked for, "" where it has ended."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(done.exception, BegunError):
        return "begun"
    if done.exception is None:
        return ""
    assert isinstance(done.exception, InputError), done.exception
    return str(done.exception)


def make_plan() -> None:
    Path("run.toml").touch()
    Path("plan.toml").write_text(PLAN)


DIGITS = CHECKPOINTS / "digits.pt"
OUTPUTS: list[tuple[list[object], str]] = [
    (["train"], "--out"),
    (["draw", "--weights", DIGITS], "--out"),
    (["card", "--weights", DIGITS], "--out"),
    (["accuracy", "--plan", "plan.toml"], "--results"),
    (["synth"], "--results"),
    (["pnr"], "--results"),
    (["pnr"], "--bitstream"),
    (["explore", "--weights", DIGITS], "--results"),
    (["report", DIGITS], "--out"),
]


@pytest.mark.parametrize("command, option", OUTPUTS)
def test_a_file_that_cannot_be_written_is_refused_before_the_work(command: list[object], option: str) -> None:
    make_plan()
    suffix = {"train": ".pt", "report": ".html"}.get(str(command[0]), ".svg")
    folder, inside, nowhere = f"folder{suffix}", f"file/net{suffix}", f"/proc/new/net{suffix}"
    Path(folder).mkdir()
    Path("file").write_text("mine")
    before = sorted(Path().rglob("*"))
    assert outcome_of(*command, option, folder) == f"{folder}: is a folder, expected the name of a file"
    assert outcome_of(*command, option, inside).startswith(f"{inside}: cannot be written (Not a directory)")
    assert outcome_of(*command, option, nowhere).startswith(f"{nowhere}: cannot be written (")
    assert sorted(Path().rglob("*")) == before


FOLDERS: list[tuple[list[object], str]] = [
    (["accuracy", "--plan", "plan.toml"], "--out"),
    (["accuracy", "--plan", "plan.toml"], "--curves"),
    (["accuracy", "--plan", "plan.toml"], "--bundle"),
    (["synth"], "--cache"),
    (["pnr"], "--cache"),
    (["explore", "--weights", DIGITS], "--out"),
    (["explore", "--weights", DIGITS], "--cache"),
    (["train"], "--tensorboard"),
]


@pytest.mark.parametrize("command, option", FOLDERS)
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(command: list[object], option: str) -> None:
    make_plan()
    Path("file").write_text("mine")
    assert outcome_of(*command, option, "file") == "file: is a file, expected a folder"
    assert outcome_of(*command, option, "/proc/new").startswith("/proc/new: cannot be written (")
    assert outcome_of(*command, option, "new/deep") == "begun"
    assert not Path("new").exists()


@pytest.mark.parametrize(
    "command, option, section",
    [
        (["accuracy", "--plan", "plan.toml"], "--page", "accuracy"),
        (["synth"], "--page", "hardware"),
        (["synth"], "--memories", "memories"),
        (["pnr"], "--page", "hardware"),
    ],
)
def test_a_page_is_tried_before_the_work(command: list[object], option: str, section: str) -> None:
    make_plan()
    assert outcome_of(*command, option, "no.md") == "no.md: no such file, expected a Markdown page"
    Path("page.md").write_text(f"<!-- /{section} --><!-- {section} -->")
    assert outcome_of(*command, option, "page.md").startswith(
        f"page.md: expected one section from '<!-- {section} -->'"
    )
    Path("page.md").write_text(f"<!-- {section} --><!-- /{section} -->")
    assert outcome_of(*command, option, "page.md") == "begun"


def test_a_finished_checkpoint_is_replaced_by_force_alone() -> None:
    Path("net.pt").write_text("days of training")
    sentence = "net.pt: exists and is finished, expected --force, which replaces it, or another --out"
    assert outcome_of("train", "--out", "net.pt") == sentence
    assert outcome_of("train", "--out", "net.pt", "--force") == "begun"
    Path("net.pt.resume").touch()
    assert outcome_of("train", "--out", "net.pt") == "begun"
    assert Path("net.pt").read_text() == "days of training"


def test_the_card_of_a_bundled_network_does_not_go_into_the_package() -> None:
    beside = DIGITS.with_suffix(".md")
    before = beside.stat().st_mtime_ns
    assert outcome_of("card", "--weights", DIGITS) == ""
    assert Path("digits.md").read_text() == beside.read_text()
    Path("link.pt").symlink_to(DIGITS)
    assert outcome_of("card", "--weights", "link.pt") == ""
    assert [path.name for path in sorted(Path().iterdir())] == ["digits.md", "link.md", "link.pt"]
    assert beside.stat().st_mtime_ns == before


def test_a_card_replaces_no_other_text_unasked() -> None:
    shutil.copy(DIGITS, "mine.pt")
    Path("mine.md").write_text("my notes")
    sentence = "mine.md: exists and is another text, expected --force, which replaces it, or --out"
    assert outcome_of("card", "--weights", "mine.pt") == sentence
    assert Path("mine.md").read_text() == "my notes"
    assert outcome_of("card", "--weights", "mine.pt", "--force") == ""
    assert outcome_of("card", "--weights", "mine.pt") == ""
    assert Path("mine.md").read_text().startswith("# mine.pt")


@pytest.mark.parametrize("command", [["train"], ["eval", "--weights", DIGITS]])
def test_data_is_refused_where_the_dataset_does_not_use_it(command: list[object]) -> None:
    assert outcome_of(*command, "--data", "imgs").startswith("--data: found 'imgs', but the dataset is digits")
    assert outcome_of(*command) == "begun"


def test_data_is_refused_where_no_run_of_a_plan_uses_it() -> None:
    make_plan()
    runs = read_plan(Path("plan.toml"), Path("out"))
    with pytest.raises(InputError, match="--data: found 'imgs', but no run of the plan reads its images from files"):
        carry_out(runs, 1, [], print, Path("imgs"))
    assert not Path("out").exists()


def test_a_plans_data_are_tried_before_it_begins() -> None:
    Path("run.toml").write_text('dataset = "cifar10"\narch = "resnet20"\n')
    Path("plan.toml").write_text(PLAN)
    Path("empty").mkdir()
    with pytest.raises(InputError, match=r"^empty/batches\.meta: no such file, expected a file of the publ"):
        carry_out(read_plan(Path("plan.toml"), Path("out")), 1, [], print, Path("empty"))
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "command, sentence",
    [
        (["count", "--weights", DIGITS, "--classes", 10], "--classes: belongs to ResNet-20"),
        (["count", "--weights", DIGITS, "--gate-fraction", 0.5], "--gate-fraction: "),
        (["accuracy", "--plan", "plan.toml", "--collect-only", "--jobs", 2], "--jobs: is for training"),
        (["accuracy", "--plan", "plan.toml", "--collect-only", "--data", "imgs"], "--data: is for training"),
        (["accuracy", "--plan", "plan.toml", "--collect-only", "--no-compile"], "--compile: is for training"),
        (["train", "--epochs", 3, "--set", "epochs=5"], "--set: key 'epochs' is given by --epochs too"),
        (["train", "--out", "a.pt", "--set", "out=b.pt"], "--set: key 'out' is given by --out too"),
        (["train", "--start-from", "a.pt", "--set", "start_from=b.pt"], "--set: key 'start_from' is given by --start-"),
        (["train", "--set", "epochs=3", "--set", "epochs=5"], "--set: key 'epochs' is given twice"),
        (["cost", "--set", "width=8", "--set", "width=9"], "--set: key 'width' is given twice"),
        (["train", "--start-from", "nosuch"], "--start-from: found 'nosuch', expected a checkpoint's file or one of"),
        (["emit", "--weights", DIGITS, "--fold", "rate=10@0"], "folding 'rate=10@0': found 0, expected numbers above"),
        (["synth", "--targets", "ecp5,xc7,ecp5"], "--targets: found ecp5,xc7,ecp5, expected each once"),
        (["emit", "--weights", DIGITS, "--fold", "luts=9000@ecp5", "--lut-inputs", 6], "--lut-inputs: found 6, but"),
        (["emit", "--weights", DIGITS, "--fold", "luts=20000@xc7", "--lut-inputs", 4], "--lut-inputs: found 4, but"),
        (["pnr", "--seed", -1], "seed: found -1, expected a number from 0 to 2147483647"),
        (["pnr", "--mhz", 1e30], "mhz: found 1e+30, expected a clock of more than 0 and at most 1000 MHz"),
    ],
)
def test_an_option_that_would_have_no_effect_is_refused(command: list[object], sentence: str) -> None:
    make_plan()
    assert outcome_of(*command).startswith(sentence)


def test_settings_that_wait_for_something_are_named(caplog: pytest.LogCaptureFixture) -> None:
    """A configuration may be shared by runs with and without a teacher, so that it is no error."""
    assert outcome_of("train", "--set", "temperature=2.0", "--set", "momentum=0.5") == "begun"
    assert "setting 'temperature': no effect, as there is no teacher" in caplog.text
    assert "setting 'momentum': no effect, as the optimizer is not sgd" in caplog.text
    caplog.clear()
    assert outcome_of("train", "--set", "momentum=0.5", "--set", "optimizer=sgd") == "begun"
    assert "no effect" not in caplog.text


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ([], "found precision 'float32', expected --set precision=mixed"),
        (["--set", "precision=mixed", "--model", "resnet"], "found the model resnet, expected a binary network"),
        (["--set", "precision=mixed", "--width", 512], "the network is too large for them"),
    ],
)
def test_kernels_that_were_asked_for_and_cannot_be_used_are_refused(
    settings: list[object], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found out when the trainer stands, so that nothing of it is made here but what it would say."""
    monkeypatch.setattr("wsfracbnn.cli.train._train_in", TRAIN_IN)
    monkeypatch.setattr("wsfracbnn.model.training.trainer.Trainer", lambda *_, **__: SimpleNamespace(kernels=False))
    monkeypatch.setattr("wsfracbnn.model.training.fit.fit", begin)
    command = ["train", "--device", "cpu", *settings]
    assert outcome_of(*command, "--kernels").startswith(f"--kernels: {why}")
    assert outcome_of(*command) == outcome_of(*command, "--no-kernels") == "begun"
