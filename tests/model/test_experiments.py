# SPDX-License-Identifier: Apache-2.0
"""Plans of training runs: read, carried out, collected; and what is wrong in them is said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from wsfracbnn.cli.markdown import replace_section
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.experiments import merge, read_plan, read_results, table

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
role = "digits.wsfracbnn"
config = "net.toml"
teacher = "digits.teacher"
seeds = [1, 2]

[[run]]
role = "digits.teacher"
config = "net.toml"
set = { model = "resnet" }

[[run]]
role = "digits.fracbnn"
config = "net.toml"
set = { model = "fracbnn" }

[[run]]
role = "digits.without_clipping"
config = "net.toml"
set = { agc = 0.0 }
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    (tmp_path / "net.toml").write_text(NETWORK)
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "page.md").write_text("before\n<!-- accuracy -->\nold\n<!-- /accuracy -->\nafter\n")
    return tmp_path / "plan.toml"


def test_a_plan_is_carried_out_and_makes_the_table(plan: Path) -> None:
    folder = plan.parent
    command = [
        sys.executable,
        "-m",
        "wsfracbnn.cli",
        "accuracy",
        "--plan",
        str(plan),
        "--out",
        str(folder / "runs"),
    ]
    command += ["--results", str(folder / "a.json"), "--readme", str(folder / "page.md"), "--curves", str(folder)]
    command += ["--bundle", str(folder / "bundle")]
    first = subprocess.run(command, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stdout + first.stderr
    entry = json.loads((folder / "a.json").read_text())["digits"]
    reached = [load_checkpoint(folder / "runs" / f"digits.wsfracbnn-s{seed}.pt") for seed in (1, 2)]
    assert entry["wsfracbnn"]["top1"] == [round(c.test_accuracy or 0, 2) for c in reached]
    assert [c.training["seed"] for c in reached] == [1, 2]
    assert reached[0].training["teacher"] == "digits.teacher-s1.pt"
    mean = sum(entry["wsfracbnn"]["top1"]) / 2
    assert entry["margin"] == pytest.approx(mean - entry["fracbnn"]["top1"][0], abs=1e-3)
    assert 0 < entry["load_ratio"] < 100
    assert list(entry["ablations"]) == ["without_clipping"]
    page = (folder / "page.md").read_text()
    assert page.startswith("before\n<!-- accuracy -->\n| dataset |")
    assert page.endswith("<!-- /accuracy -->\nafter\n")
    assert f"{mean:.2f}" in page
    assert (folder / "curves-digits.svg").is_file()
    bundled = load_checkpoint(folder / "bundle" / "digits.pt")
    assert bundled.name == "digits"
    assert bundled.test_accuracy == max(c.test_accuracy or 0 for c in reached)
    assert f"Top-1 {bundled.test_accuracy:.2f} %" in (folder / "bundle" / "digits.md").read_text()
    assert (folder / "bundle" / "digits.pt").stat().st_size < (
        folder / "runs" / "digits.wsfracbnn-s1.pt"
    ).stat().st_size
    # A second call trains nothing and says the same.
    times = {path: path.stat().st_mtime_ns for path in (folder / "runs").glob("*.pt")}
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "training" not in again.stdout
    assert times == {path: path.stat().st_mtime_ns for path in (folder / "runs").glob("*.pt")}


ROW = {"top1": [50.0], "mean": 50.0, "spread": 0.0, "seeds": [1], "epochs": 4, "plan": "old.toml"}


def test_rows_of_an_earlier_plan_stay_where_the_new_one_has_none() -> None:
    like_for_like = ROW | {"mean": 48.0}
    old = {
        "digits": {
            "wsfracbnn": ROW,
            "fracbnn": ROW | {"mean": 47.0},
            "fracbnn_like_for_like": like_for_like,
            "ablations": {"without_clipping": ROW},
        },
        "cifar10": {"fracbnn": ROW},
    }
    new = {"digits": {"wsfracbnn": ROW | {"mean": 60.0, "epochs": 9, "plan": "new.toml"}}, "wide": {"digits": ROW}}
    merged = merge(new, old)
    assert merged["digits"]["wsfracbnn"]["mean"] == 60.0
    assert merged["digits"]["fracbnn"]["mean"] == 47.0
    assert "margin" not in merged["digits"]  # of different plans
    assert merged["digits"]["ablations"] == {
        "nothing_left_out": ROW,
        "with_batchnorm": like_for_like,
        "without_clipping": ROW,
    }
    rows = table({"digits": {"ablations": merged["digits"]["ablations"]}}).splitlines()
    assert "| digits | ablation: with BatchNorm | 48.00 | 1 | 4 | - | - |" in rows
    assert merged["cifar10"] == {"fracbnn": ROW}
    assert merged["wide"] == {"digits": ROW}
    again = merge({"digits": {"fracbnn": ROW | {"mean": 51.0, "epochs": 9, "plan": "new.toml"}}}, merged)
    assert again["digits"]["margin"] == 9.0
    assert again["digits"]["ablations"] == merged["digits"]["ablations"]


def test_the_accuracy_table_is_printed_again_from_the_results_alone(tmp_path: Path) -> None:
    results = ROOT / "results" / "accuracy.json"
    page = tmp_path / "page.md"
    page.write_text("<!-- accuracy -->\n<!-- /accuracy -->\n")
    command = f"accuracy --plan {ROOT / 'configs' / 'accuracy.toml'} --out {tmp_path / 'none'} --collect-only"
    command += f" --earlier {results} --results {tmp_path / 'again.json'} --readme {page}"
    subprocess.run([sys.executable, "-m", "wsfracbnn.cli", *command.split()], check=True)
    assert (tmp_path / "again.json").read_bytes() == results.read_bytes()
    assert page.read_text().rstrip() in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("text, message", [("[]", "expected an object"), ("{", "not a JSON file of results")])
def test_other_files_than_results_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_results(tmp_path / "r.json")


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('teacher = "digits.teacher"', 'teacher = "digits.master"', "teacher 'digits.master' of 'digits.wsfracbnn'"),
        ("agc = 0.0", "agd = 0.0", "key 'agd' is unknown"),
        ("agc = 0.0", 'agc = "no"', "key 'agc': found 'no', expected a number"),
        ('role = "digits.fracbnn"', 'role = "fracbnn"', r"expected 'role' \(dataset.what\)"),
        ("[set]", "[sett]", "key 'sett' is unknown"),
        ("seeds = [1, 2]", "seed = [", "not a TOML plan"),
    ],
)
def test_a_wrong_plan_is_refused(plan: Path, old: str, new: str, message: str) -> None:
    plan.write_text(PLAN.replace(old, new))
    with pytest.raises(InputError, match=message):
        read_plan(plan, plan.parent)


@pytest.mark.parametrize("name", ["accuracy", "accuracy-16", "accuracy-short", "accuracy-h100"])
def test_the_plans_of_the_project_are_whole(name: str) -> None:
    runs = read_plan(ROOT / "configs" / f"{name}.toml", Path("build"))
    roles = {run.role for run in runs}
    assert {"cifar100.teacher", "cifar100.fracbnn", "cifar100.wsfracbnn", "cifar100.fracbnn_like_for_like"} <= roles
    by_role = {run.role: run.run for run in reversed(runs)}  # the first seed's
    ours, like = by_role["cifar100.wsfracbnn"], by_role["cifar100.fracbnn_like_for_like"]
    differing = {k for k, v in ours.record().items() if like.record()[k] != v}
    assert differing == {"model", "agc"}  # clipping belongs to the network without BatchNorm
    assert by_role["cifar100.fracbnn"].settings.epochs == ours.settings.epochs


def test_a_page_without_the_section_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here\n")
    with pytest.raises(InputError, match="expected one section from '<!-- accuracy -->'"):
        replace_section(page, "accuracy", "x")
