# SPDX-License-Identifier: Apache-2.0
"""docs/refusals.md: each of its sentences is what the command prints, with exit code 2 and no file written."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from wsfracbnn.cli import app as cli
from wsfracbnn.gen.locations import CHECKPOINTS, ROOT
from wsfracbnn.model.checkpoint import load_checkpoint, save_checkpoint
from wsfracbnn.model.networks.fracbnn import FracBNN

DIGITS = str(CHECKPOINTS / "digits.pt")
FOLD = {
    "input": {"pe": 1, "simd": 144},
    "stage_01": {"pe": 1, "simd": 144},
    "stage_02": {"pe": 1, "simd": 144},
    "stage_03": {"pe": 1, "simd": 144},
    "stage_04": {"pe": 1, "simd": 288},
    "head": {"pe": 1, "simd": 1},
}
NETWORK = """[network]
image_height = 8
image_width = 8
image_channels = 1
thermometer_levels = 16
widths = [4, 8]
blocks = [1, 1]
"""
ENTRY = '[[run]]\nname = "a"\nrole = "full"\nconfig = "a.toml"\n'

Case = Callable[[Path], list[str]]
"""Writes the files of a call into a folder and returns its arguments."""


def sentences() -> list[str]:
    """The last column of the page's tables."""
    page = (ROOT / "docs" / "refusals.md").read_text()
    return re.findall(r"^\| .* \| `([^`]+)` \|$", page, re.MULTILINE)


def train(*arguments: str) -> Case:
    return lambda folder: ["train", *(a.replace("FOLDER", str(folder)) for a in arguments)]


def fold(change: Callable[[dict[str, Any]], object]) -> Case:
    def case(folder: Path) -> list[str]:
        folding = json.loads(json.dumps(FOLD))
        change(folding)
        (folder / "fold.json").write_text(json.dumps(folding))
        return ["emit", "--weights", DIGITS, "--fold", str(folder / "fold.json"), "--out", str(folder / "out")]

    return case


def engine(*arguments: str, **changed: Any) -> Case:
    def case(folder: Path) -> list[str]:
        folding = {"architecture": "sequential", "pe": 8, "simd": 16} | changed
        (folder / "fold.json").write_text(json.dumps(folding))
        given = ["--weights", DIGITS, "--fold", str(folder / "fold.json"), "--out", str(folder / "out")]
        return ["emit", *given, *arguments]

    return case


def wanted(folding: str) -> Case:
    return lambda folder: ["emit", "--weights", DIGITS, "--fold", folding, "--out", str(folder / "out")]


def emit(*arguments: str) -> Case:
    return lambda folder: ["emit", "--weights", DIGITS, *arguments, "--out", str(folder / "out")]


def explore(*arguments: str) -> Case:
    return lambda folder: ["explore", "--weights", DIGITS, "--out", f"{folder}/out", *arguments]


def board(*arguments: str) -> Case:
    return lambda folder: ["board", *arguments, "--weights", DIGITS]


def checkpoint(change: Callable[[dict[str, Any]], object]) -> Case:
    def case(folder: Path) -> list[str]:
        raw = torch.load(DIGITS, weights_only=True)
        raw.pop("sha256")
        change(raw)
        torch.save(raw, folder / "a.pt")
        return ["eval", "--weights", str(folder / "a.pt")]

    return case


def baseline(*arguments: str, weight: float = 1.0) -> Case:
    """A FracBNN of random weights, the BatchNorm behind its third residual sum of that factor."""

    def case(folder: Path) -> list[str]:
        digits = load_checkpoint(Path(DIGITS))
        network = FracBNN(digits.config)
        network.get_parameter("stages.2.sum_norm.weight").data[5] = weight
        named = replace(digits, model="fracbnn", state=network.state_dict(), samples=None)
        save_checkpoint(named, folder / "a.pt")
        return [*(a.replace("FOLDER", str(folder)) for a in arguments), "--weights", f"{folder}/a.pt"]

    return case


def with_text(name: str, text: str, *arguments: str) -> Case:
    def case(folder: Path) -> list[str]:
        (folder / name).write_text(text)
        return [a.replace("FOLDER", str(folder)) for a in arguments]

    return case


def with_digits(*arguments: str) -> Case:
    """A training that begins with a copy of the bundled network."""

    def case(folder: Path) -> list[str]:
        copy = shutil.copy(DIGITS, folder / "net.pt")
        return train("--start-from", str(copy), *arguments)(folder)

    return case


def flipped(folder: Path) -> list[str]:
    """One bit of a weight in a checkpoint that is otherwise intact, its archive's CRCs too."""
    raw = torch.load(DIGITS, weights_only=True)
    weight = raw["state"]["stages.0.gated.conv.weight"].view(-1)
    weight[0] = -weight[0]
    raw["sha256"] = "0" * 64
    torch.save(raw, folder / "a.pt")
    return ["card", "--weights", str(folder / "a.pt"), "--out", str(folder / "a.md")]


def damaged_record(folder: Path) -> list[str]:
    """One bit of the file itself."""
    content = bytearray(Path(DIGITS).read_bytes())
    content[len(content) // 2] ^= 0x80
    (folder / "a.pt").write_bytes(content)
    return ["count", "--weights", str(folder / "a.pt")]


def onto_a_folder(folder: Path) -> list[str]:
    """An output that cannot be written."""
    (folder / "a.pt").mkdir()
    return ["train", "--out", str(folder / "a.pt")]


def pictures(folder: Path, count: int) -> list[str]:
    """A training run on two classes of so many pictures."""
    for name in ("cat", "dog"):
        (folder / name).mkdir()
        for number in range(count):
            Image.new("L", (9, 9), number).save(folder / name / f"{number}.png")
    return ["train", "--dataset", f"{folder}/", "--out", f"{folder}/a.pt"]


def bad_picture(folder: Path) -> list[str]:
    """One file among the pictures that is none."""
    command = pictures(folder, 3)
    (folder / "cat" / "x.png").write_text("none")
    return command


PLAN = ("accuracy", "--plan", "FOLDER/p.toml", "--out", "FOLDER/runs", "--results", "FOLDER/r.json")
SIM = ("sim", "--weights", DIGITS, "--out", "FOLDER/out")
SYNTH = ("synth", "--weights", DIGITS, "--results", "FOLDER/h.json", "--cache", "FOLDER/cache")

CASES: dict[str, tuple[Case, str]] = {
    "name": (train("--name", "../../up", "--out", "FOLDER/a.pt"), "setting 'name': found '../../up'"),
    "suffix": (train("--out", "FOLDER/a.txt"), "setting 'out': found 'FOLDER/a.txt'"),
    "folder": (onto_a_folder, "is a folder, expected"),
    "rate": (train("--set", "learning_rate=inf"), "key 'learning_rate': found inf"),
    "gate": (train("--set", "gate_start=1e30"), "key 'gate_start'"),
    "seed": (train("--set", "seed=18446744073709551616"), "key 'seed'"),
    "shift": (train("--set", "shift=3000", "--out", "FOLDER/a.pt"), "setting 'shift'"),
    "seen": (with_digits("--set", "validation_share=0.1", "--out", "FOLDER/a.pt"), "('start_from') was trained with 0"),
    "share": (train("--set", "validation_share=0.999", "--out", "FOLDER/a.pt"), "but class '0' has 133 training"),
    "unknown": (with_text("a.toml", "epoch = 3", "train", "--config", "FOLDER/a.toml"), "key 'epoch' is unknown"),
    "toml": (with_text("a.toml", "epochs = ", "train", "--config", "FOLDER/a.toml"), "not a TOML file of settings"),
    "arch": (
        with_text("a.toml", NETWORK, "train", "--config", "FOLDER/a.toml", "--arch", "digits"),
        "beside the table [network]",
    ),
    "widths": (
        with_text("a.toml", NETWORK.replace("widths", "# "), "train", "--config", "FOLDER/a.toml"),
        "'network.widths' is missing",
    ),
    "block counts": (
        with_text("a.toml", NETWORK.replace("[1, 1]", "[1]"), "cost", "--config", "FOLDER/a.toml"),
        "[network]: config key 'blocks'",
    ),
    "device": (lambda folder: ["cost", "--device", "ecp5-99f"], "FPGA device"),
    "data": (train("--dataset", "cifar10", "--data", "FOLDER/none"), "--data"),
    "dataset": (train("--dataset", "imagenet"), "dataset 'imagenet'"),
    "bad picture": (bad_picture, "not a picture in a format"),
    "one picture": (lambda folder: pictures(folder, 1), "expected at least 2"),
    "no classes": (lambda folder: ["train", "--dataset", f"{folder}/", "--out", f"{folder}/a.pt"], "0 classes"),
    "no pictures": (train("--dataset", "FOLDER/none/"), "expected a folder with a folder"),
    "fit": (
        with_text("a.toml", '[pictures]\nfit = "squeeze"', "train", "--config", "FOLDER/a.toml"),
        "'pictures.fit'",
    ),
    "plan key": (with_text("p.toml", ENTRY + "weights = 1\n", *PLAN), "'run[0].weights' is unknown"),
    "plan role": (with_text("p.toml", ENTRY.replace("full", "best"), *PLAN), "'run[0].role'"),
    "rows": (with_text("r.json", '{"rows": 3}', *PLAN), "key 'rows'"),
    "bit": (flipped, "key 'sha256'"),
    "record": (damaged_record, "does not match its CRC"),
    "passwd": (with_text("a.pt", "root:x:0:0:\n", "emit", "--weights", "FOLDER/a.pt"), "no intact zip archive"),
    "weights": (lambda folder: ["emit", "--weights", f"{folder}/none.pt"], "no such file"),
    "blocks": (checkpoint(lambda raw: raw["config"].update(blocks=[10**9, 1])), "config key 'blocks[0]'"),
    "big": (checkpoint(lambda raw: raw["config"].update(widths=[512, 1024], blocks=[100, 100])), "2,354,661,376"),
    "bool": (checkpoint(lambda raw: raw["config"].update(widths=[True, 2])), "config key 'widths[0]'"),
    "model": (checkpoint(lambda raw: raw.update(model=["x"])), "key 'model': found ['x']"),
    "nan": (
        checkpoint(lambda raw: raw["state"]["head.bias"].fill_(float("nan"))),
        "key 'state.head.bias': found NaN",
    ),
    "baseline": (baseline("sim", "--out", "FOLDER/out"), "key 'model': found 'fracbnn'"),
    "sum": (baseline("emit", "--out", "FOLDER/out", weight=-0.5), "stages.2.sum_norm.weight"),
    "no estimate": (baseline("emit", "--fold", "device=ecp5-25f", "--out", "FOLDER/out"), "area of input"),
    "no engine": (baseline("emit", "--fold", "sequential", "--out", "FOLDER/out"), "folding 'sequential': the network"),
    "fold": (wanted("bogus"), "folding 'bogus'"),
    "engine": (wanted("sequential=8"), "folding 'sequential=8'"),
    "engine's size": (engine(simd=5), "key 'simd': found 5"),
    "loaded weights": (engine("--wrapper", "axi", weights="loaded"), "nothing there loads weights"),
    "rate of nothing": (wanted("rate=fast"), "folding 'rate=fast'"),
    "pe": (fold(lambda f: f["stage_01"].update(pe=True)), "stage_01.pe': found True"),
    "lanes": (fold(lambda f: f["stage_01"].update(lanes=1.0)), "stage_01.lanes"),
    "unrolled": (fold(lambda f: f["stage_01"].update(pe=4, simd=36, unrolled=True)), '"simd": 144, "unrolled": true}'),
    "unrolled head": (fold(lambda f: f["head"].update(unrolled=True)), "expected a stage with windows"),
    "windows": (
        fold(lambda f: f["stage_01"].update(pe=2, windows="memory")),
        "key 'stage_01.windows': found 'memory'",
    ),
    "block RAM": (fold(lambda f: f["stage_03"].update(block_ram=["lists"])), "found 'lists', expected each once of"),
    "parity": (fold(lambda f: f.update(rom_parity="yes")), "key 'rom_parity': found 'yes'"),
    "parity of one engine": (engine("--rom-parity"), "parity of constant memories"),
    "divisor": (fold(lambda f: f["stage_01"].update(pe=3)), "expected a divisor of 16"),
    "stage": (fold(lambda f: f.update(stage_09=1)), "key 'stage_09' is unknown"),
    "fold key": (fold(lambda f: f["head"].update(width=1)), "'head.width' is unknown"),
    "no design": (
        lambda folder: ["report", f"{folder}/none", "--out", f"{folder}/r.html"],
        "wrote",
    ),
    "no design's folder": (lambda folder: ["report", str(folder), "--out", f"{folder}/r.html"], "found neither"),
    "no summary": (
        with_text("summary.json", "{}", "report", "FOLDER", "--out", "FOLDER/r.html"),
        "summary of a simulation",
    ),
    "fold of nothing": (
        lambda folder: ["report", str(folder), "--fold", "small", "--out", f"{folder}/r.html"],
        "--fold: folds",
    ),
    "objective": (explore("--objective", "speed"), "--objective: found 'speed'"),
    "limit": (explore("--at-most", "luts"), "--at-most: found 'luts'"),
    "unrouted device": (explore("--devices", "artix7-35t"), "--devices: found 'artix7-35t'"),
    "empty range": (explore("--fold", "cycles=1..2"), "stands for 0 foldings"),
    "scheduler": (explore("--scheduler", "here"), "--scheduler: found 'here'"),
    "no exploration": (
        with_text("exploration.json", "{}", "report", "FOLDER", "--out", "FOLDER/r.html"),
        "results of an exploration",
    ),
    "no simulations": (
        with_text("s.json", '{"rows": [{"network": "a"}]}', *SIM, "--results", "FOLDER/s.json"),
        "a file of simulations' results",
    ),
    "page of no simulations": (with_text("s.json", "", *SIM, "--page", "docs/results.md"), "--page: found without"),
    "nothing compared": (
        with_text("s.json", "", *SIM, "--tests", "reset", "--results", "FOLDER/s.json"),
        "--results: found with --tests",
    ),
    "input width": (emit("--wrapper", "axi", "--axis-in", "16"), "--axis-in: found 16"),
    "output width": (emit("--axis-out", "64"), "--axis-out: found 64"),
    "hardware": (with_text("h.json", '{"rows": [{"network": "a"}]}', *SYNTH), "key 'lanes' is missing"),
    "board": (board("nexys"), "board: found 'nexys'"),
    "board clock": (board("ulx3s-25f", "--mhz", "5"), "--mhz: found 5"),
    "two clocks": (board("ulx3s-25f", "--mhz", "50", "--fastest"), "--fastest: found beside"),
    "fastest of nothing": (board("arty-a7-35", "--fastest"), "--fastest: found where"),
    "figures of nothing": (board("ulx3s-25f", "--no-build", "--page", "docs/boards.md"), "--page: found where"),
    "baud": (board("ulx3s-25f", "--baud", "20000000"), "--baud: found 20000000"),
    "port": (lambda folder: ["run", "--weights", DIGITS, "--port", f"{folder}/port"], "found no serial line"),
    "window": (lambda folder: ["run", "--weights", DIGITS, "--emulate", "--window", "9"], "--window: found 9"),
    "clock": (lambda folder: ["pnr", "--mhz", "-1"], "mhz: found -1"),
    "no value": (lambda folder: ["eval", "--weights"], "requires an argument"),
    "no images": (
        lambda folder: ["eval", "--weights", DIGITS, "--images", "0"],
        "--images: found '0', expected at least 1",
    ),
    "twice": (lambda folder: ["synth", "--targets", "ecp5,ecp5"], "--targets: found ecp5,ecp5"),
}


def documented(piece: str) -> str:
    """The page's sentence that has this piece."""
    (sentence,) = (s for s in sentences() if piece in s)
    return sentence


@pytest.mark.parametrize("case", CASES)
def test_the_command_says_what_the_page_says(
    case: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments, piece = CASES[case]
    argv = arguments(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr("sys.argv", ["wsfracbnn", *argv])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    printed = capsys.readouterr().err.strip().splitlines()
    assert printed[-1].replace(str(tmp_path), "FOLDER") == f"error: {documented(piece)}"
    assert sorted(tmp_path.rglob("*")) == before


def test_every_sentence_of_the_page_has_a_case() -> None:
    pieces = [piece for _, piece in CASES.values()]
    assert [s for s in sentences() if sum(piece in s for piece in pieces) == 0] == []
    assert len(sentences()) == len(CASES)
