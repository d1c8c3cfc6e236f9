# SPDX-License-Identifier: Apache-2.0
"""Plans of training runs: read, carried out, collected; and what is wrong in them is said."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from wsfracbnn.cli.app import app
from wsfracbnn.cli.markdown import replace_section
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.training.fit import fit
from wsfracbnn.model.training.plan import PlannedRun, read_plan
from wsfracbnn.model.training.results import AccuracyResults, AccuracyRow, read_results
from wsfracbnn.model.training.side_by_side import carry_out
from wsfracbnn.model.training.trainer import Trainer

RECORDED = read_results(ROOT / "results" / "accuracy.json")

NETWORK = """
dataset = "digits"
arch = "digits"
width = 4
epochs = 2
batch_size = 256
"""
PLAN = """
[set]
epochs = 1

[[run]]
name = "digits-wsfracbnn"
role = "full"
config = "net.toml"
teacher = "digits-teacher"
seeds = [1, 2]

[[run]]
name = "digits-teacher"
role = "teacher"
config = "net.toml"
set = { model = "resnet" }

[[run]]
name = "digits-fracbnn"
role = "own_recipe"
config = "net.toml"
set = { model = "fracbnn" }

[[run]]
name = "digits-without-clipping"
role = "ablation"
without = "gradient clipping"
config = "net.toml"
set = { agc = 0.0 }
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    (tmp_path / "net.toml").write_text(NETWORK)
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "page.md").write_text("before\n<!-- accuracy -->\nold\n<!-- /accuracy -->\nafter\n")
    return tmp_path / "plan.toml"


def invoke(*arguments: object) -> str:
    """What a command prints that must succeed, run in this process; the runs of a plan have their own."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_plan_is_carried_out_and_makes_the_table(plan: Path) -> None:
    folder = plan.parent
    command: list[str | Path] = ["accuracy", "--plan", plan, "--out", folder / "runs", "--results", folder / "a.json"]
    command += ["--page", folder / "page.md", "--curves", folder, "--bundle", folder / "bundle"]
    trained_before = {"digits-fracbnn-s1", "digits-without-clipping-s1"}
    for planned in read_plan(plan, folder / "runs"):
        if planned.run.checkpoint_path.stem in trained_before:
            fit(Trainer(planned.run, load_dataset("digits")), planned.run.checkpoint_path)
    first = invoke(*command)
    logs = {path.stem for path in (folder / "runs").glob("*.txt")}
    assert logs == {"digits-teacher-s1", "digits-wsfracbnn-s1", "digits-wsfracbnn-s2"}, first
    results = read_results(folder / "a.json")
    reached = [load_checkpoint(folder / "runs" / f"digits-wsfracbnn-s{seed}.pt") for seed in (1, 2)]
    ours = [row for row in results.rows if row.role == "full"]
    assert [row.top1 for row in ours] == [round(c.test_accuracy or 0, 2) for c in reached]
    assert [row.seed for row in ours] == [c.training["seed"] for c in reached] == [1, 2]
    assert {(row.network, row.width, row.epochs, row.plan) for row in ours} == {("wsfracbnn", 4, 1, "plan.toml")}
    assert reached[0].training["teacher"] == "digits-teacher-s1.pt"
    mean = sum(row.top1 for row in ours) / 2
    (margin,) = results.margins()
    baseline = next(row for row in results.rows if row.role == "own_recipe")
    assert margin.points == pytest.approx(mean - baseline.top1, abs=1e-3)
    assert [row.without for row in results.rows if row.role == "ablation"] == ["gradient clipping"]
    page = (folder / "page.md").read_text()
    assert page.startswith("before\n<!-- accuracy -->\n| dataset |")
    assert page.endswith("<!-- /accuracy -->\nafter\n")
    assert f"{mean:.2f}" in page
    assert (folder / "curves-digits.svg").is_file()
    bundled = load_checkpoint(folder / "bundle" / "digits_w4.pt")
    assert bundled.name == "digits_w4"
    assert bundled.test_accuracy == max(c.test_accuracy or 0 for c in reached)
    assert f"Top-1 {bundled.test_accuracy:.2f} %" in (folder / "bundle" / "digits_w4.md").read_text()
    assert (folder / "bundle" / "digits_w4.pt").stat().st_size < (
        folder / "runs" / "digits-wsfracbnn-s1.pt"
    ).stat().st_size
    # A second call trains nothing and says the same.
    times = {path: path.stat().st_mtime_ns for path in (folder / "runs").glob("*.pt")}
    assert "training" not in invoke(*command)
    assert times == {path: path.stat().st_mtime_ns for path in (folder / "runs").glob("*.pt")}


ROW = AccuracyRow("digits", "wsfracbnn", "full", "", "", 16, 1, 4, 50.0, 0.4, "old.toml")
BASELINE = replace(ROW, network="fracbnn", role="own_recipe", top1=47.0)


def test_new_rows_take_the_place_of_the_same_runs_and_others_stay() -> None:
    old = AccuracyResults((ROW, BASELINE, replace(ROW, seed=2, top1=52.0)), {"digits": 40.0})
    longer = replace(ROW, epochs=9, plan="new.toml", top1=60.0)
    merged = old.updated(AccuracyResults((replace(ROW, top1=51.0), longer), {"cifar10": 43.0}))
    assert merged.rows == (replace(ROW, top1=51.0), BASELINE, replace(ROW, seed=2, top1=52.0), longer)
    assert merged.load_percent == {"digits": 40.0, "cifar10": 43.0}
    assert [(m.points, m.plan) for m in merged.margins()] == [(4.5, "old.toml")]  # within one plan only
    again = merged.updated(AccuracyResults((replace(BASELINE, epochs=9, plan="new.toml", top1=51.0),)))
    assert [(m.points, m.plan) for m in again.margins()] == [(4.5, "old.toml"), (9.0, "new.toml")]


def test_seeds_make_one_line_with_mean_and_spread() -> None:
    results = AccuracyResults((ROW, replace(ROW, seed=2, top1=53.0, gate_fraction=0.5), BASELINE))
    lines = results.table().splitlines()
    assert "| digits | WSFracBNN | 16 | 4 | 2 | 51.50 (spread 3.00) | 45.0 % | old |" in lines
    assert "| digits | FracBNN, its own recipe | 16 | 4 | 1 | 47.00 | 40.0 % | old |" in lines


def test_held_out_training_images_are_no_test_images(tmp_path: Path) -> None:
    """Rows of either kind have a line of their own, and neither is the other's margin."""
    held = replace(BASELINE, validation_share=0.1)
    results = AccuracyResults((ROW, held, replace(ROW, seed=2, validation_share=0.1)))
    (tmp_path / "r.json").write_text(results.to_json())
    assert read_results(tmp_path / "r.json").rows == results.rows
    assert [m.points for m in results.margins()] == [3.0]
    assert "| digits | FracBNN, its own recipe, on held-out training images | 16 |" in results.table()
    assert len(results.groups()) == 3
    assert AccuracyResults((ROW,)).to_json().count("validation_share") == 0


def test_the_accuracy_table_is_printed_again_from_the_results_alone(tmp_path: Path) -> None:
    results = tmp_path / "again.json"
    results.write_bytes((ROOT / "results" / "accuracy.json").read_bytes())
    page = tmp_path / "page.md"
    page.write_text("<!-- accuracy -->\n<!-- /accuracy -->\n")
    plan = ROOT / "configs" / "accuracy.toml"
    invoke(
        "accuracy", "--plan", plan, "--out", tmp_path / "none", "--collect-only", "--results", results, "--page", page
    )
    assert results.read_bytes() == (ROOT / "results" / "accuracy.json").read_bytes()
    assert page.read_text().rstrip() in (ROOT / "docs" / "results.md").read_text()


@pytest.mark.parametrize(
    "text, message",
    [
        ("[]", r"found \[\], expected a table of keys"),
        ("{", "not a file of accuracy results"),
        ('{"rows": [3]}', r"key 'rows\[0\]': found 3, expected a table of keys"),
        ('{"rows": [{}]}', "row 0: key 'dataset' is missing"),
        (AccuracyResults((ROW,)).to_json().replace('"full"', '"best"'), "key 'role': found 'best', expected full"),
        (AccuracyResults((ROW,)).to_json().replace("50.0", "true"), "key 'top1': found True"),
        (AccuracyResults((ROW,)).to_json().replace('"top1"', '"top5"'), "key 'top5' is unknown"),
        ("[" * 100000, "not a file of accuracy results"),
    ],
)
def test_other_files_than_results_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_results(tmp_path / "r.json")


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('teacher = "digits-teacher"', 'teacher = "digits-master"', "teacher 'digits-master' of 'digits-wsfracbnn'"),
        ("agc = 0.0", "agd = 0.0", "key 'agd' is unknown"),
        ("agc = 0.0", 'agc = "no"', "key 'agc': found 'no', expected a number"),
        ('role = "own_recipe"', 'role = "fracbnn"', r"\.role': found 'fracbnn', expected full or like_for_like"),
        ('role = "own_recipe"', 'role = "ablation"', "key 'without' belongs to the role 'ablation', which needs it"),
        ('config = "net.toml"', "", r"key 'run\[0\]\.config' is missing"),
        ("seeds = [1, 2]", "seeds = [true]", r"seeds\[0\]': found True, expected an integer"),
        ("[set]", "[sett]", "key 'sett' is unknown"),
        ("seeds = [1, 2]", "seed = [", "not a TOML plan of runs"),
    ],
)
def test_a_wrong_plan_is_refused(plan: Path, old: str, new: str, message: str) -> None:
    plan.write_text(PLAN.replace(old, new))
    with pytest.raises(InputError, match=message):
        read_plan(plan, plan.parent)


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("accuracy*.toml")), ids=lambda path: path.stem)
def test_the_plans_of_the_project_are_whole(path: Path) -> None:
    runs = read_plan(path, Path("build"))
    for dataset in {planned.run.dataset for planned in runs}:
        by_role = {r.role: r.run for r in reversed(runs) if r.run.dataset == dataset and not r.run.width}
        assert {"full", "own_recipe"} <= set(by_role)
        ours, own, like = by_role["full"], by_role["own_recipe"], by_role.get("like_for_like")
        assert own.settings.epochs == ours.settings.epochs
        if like is not None:
            differing = {k for k, v in ours.record().items() if like.record()[k] != v}
            assert differing == {"model", "agc"}  # clipping belongs to the network without BatchNorm


@pytest.mark.parametrize("plan", sorted({row.plan for row in RECORDED.rows}))
def test_a_recorded_plan_has_a_row_for_each_of_its_runs(plan: str) -> None:
    """But for those of which docs/training.md says that they were not run."""
    planned = Counter(
        (each.run.dataset, each.network, each.role, each.without, each.run.settings.seed, each.run.settings.epochs)
        for each in read_plan(ROOT / "configs" / plan, Path("build"))
    )
    recorded = Counter(
        (row.dataset, row.network, row.role, row.without, row.seed, row.epochs)
        for row in RECORDED.rows
        if row.plan == plan
    )
    assert not recorded - planned
    if planned != recorded:
        page = (ROOT / "docs" / "training.md").read_text().splitlines()
        (line,) = (line for line in page if line.startswith(f"| `configs/{plan}`"))
        assert "not run" in line


def test_a_page_without_the_section_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here\n")
    with pytest.raises(InputError, match="expected one section from '<!-- accuracy -->'"):
        replace_section(page, "accuracy", "x")


def test_runs_side_by_side_share_the_processors(plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))
    said: list[str] = []
    shown = "import os; print(os.environ['OMP_NUM_THREADS'], os.environ['OMP_WAIT_POLICY']); raise SystemExit(3)"
    monkeypatch.setattr(PlannedRun, "command", lambda self, arguments: [sys.executable, "-c", shown])
    runs = [run for run in read_plan(plan, tmp_path / "runs") if run.role == "own_recipe"]
    assert carry_out(runs, 3, [], said.append) == runs
    assert said[0] == "3 side by side, 2 threads each"
    assert (tmp_path / "runs" / "digits-fracbnn-s1.txt").read_text() == "2 passive\n"


def test_a_plan_that_is_stopped_lets_its_runs_save(plan: Path) -> None:
    """SIGTERM to the plan's process alone: the run under way saves, the same command goes on."""
    plan.write_text(PLAN.replace("epochs = 1\n", "epochs = 500\n"))
    command = [sys.executable, "-m", "wsfracbnn.cli", "accuracy", "--plan", str(plan), "--jobs", "1"]
    command += ["--out", str(plan.parent / "runs"), "--results", str(plan.parent / "a.json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    state = plan.parent / "runs" / "digits-teacher-s1.pt.resume"
    while not state.is_file() and process.poll() is None:
        time.sleep(0.1)
    process.terminate()
    output = process.communicate()[0]
    assert process.returncode == 130, output
    assert "failed" not in output
    before = torch.load(state, weights_only=True)["epoch"]
    log = (plan.parent / "runs" / "digits-teacher-s1.log.csv").read_text().splitlines()
    assert len(log) == 1 + before


def test_a_runs_table_is_passed_on_key_by_key(plan: Path) -> None:
    table = "[network]\nimage_height = 8\nimage_width = 8\nimage_channels = 1\nwidths = [4, 8]\nblocks = [1, 1]\n"
    (plan.parent / "net.toml").write_text(f'dataset = "digits"\n{table}')
    entry = '[[run]]\nname = "net"\nrole = "full"\nconfig = "net.toml"\n'
    plan.write_text(f"{entry}set = {{ network = {{ blocks = [2, 1] }}, pictures = {{ fit = 'pad' }} }}\n")
    (planned,) = read_plan(plan, plan.parent / "out")
    assert planned.run.config(10).blocks == (2, 1)
    assert planned.run.config(10).widths == (4, 8)
    assert planned.run.pictures.fit == "pad"
    assert "network.blocks=[2, 1]" in planned.overrides
    plan.write_text(f"{entry}set = {{ network = 3 }}\n")
    with pytest.raises(InputError, match="key 'network': found 3, expected a table of keys"):
        read_plan(plan, plan.parent / "out")
