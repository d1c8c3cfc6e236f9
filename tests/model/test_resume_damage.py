# SPDX-License-Identifier: Apache-2.0
"""Resume files and logs that are damaged or of another run, and training that ends in no numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.training.distributed import joined_world
from wsfracbnn.model.training.fit import fit
from wsfracbnn.model.training.log_file import append_row, read_log
from wsfracbnn.model.training.plan import read_plan
from wsfracbnn.model.training.resume import load_state, save_state
from wsfracbnn.model.training.settings import Run, TrainConfig
from wsfracbnn.model.training.trainer import Trainer

TINY = NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3)
SETTINGS = TrainConfig(epochs=4, batch_size=4, ema=0.9)


def make(**changes: object) -> Trainer:
    images = np.arange(12 * 16, dtype=np.uint8).reshape(12, 4, 4, 1)
    labels = np.arange(12, dtype=np.int64) % 3
    dataset = Dataset("digits", images, labels, images, labels, ("a", "b", "c"))
    settings = dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]
    return Trainer(Run(name="tiny", settings=settings), dataset, config=TINY)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a trainer after an epoch."""
    path = tmp_path_factory.mktemp("state") / "net.pt.resume"
    trainer = make()
    trainer.train_epoch(lambda steps, line: None)
    save_state(trainer, path)
    return path


def _nan(tensor: torch.Tensor) -> None:
    tensor[(0,) * tensor.ndim] = float("nan")


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "epoch before": (lambda s: s.update(epoch=-5), "key 'epoch': found -5, expected at least 0"),
    "epoch beyond": (lambda s: s.update(epoch=99), "key 'epoch': found 99, expected at most 4"),
    "epoch a word": (lambda s: s.update(epoch="2"), "key 'epoch': found '2', expected an integer"),
    "average": (lambda s: _nan(s["averaged"]["module.head.weight"]), r"'averaged\.module\.head\.weight': found NaN"),
    "weights": (lambda s: _nan(s["network"]["head.bias"]), r"key 'network\.head\.bias': found NaN or infinity"),
    "moments": (lambda s: _nan(s["optimizer"]["state"][0]["exp_avg"]), r"'optimizer\.state\.0\.exp_avg': found NaN"),
    "short": (lambda s: s.update(generator=s["generator"][:10]), "key 'generator': found torch.uint8 of shape"),
    "no state": (lambda s: s["torch_rng"].fill_(255), "key 'torch_rng': no state of a generator"),
    "shape": (lambda s: s["network"].update({"head.bias": torch.zeros(2)}), r"head\.bias': found .* shape \(2,\)"),
    "missing": (lambda s: s["network"].pop("head.bias"), r"key 'network\.head\.bias' is missing"),
    "no average": (lambda s: s.update(averaged=None), "key 'averaged': found None"),
    "number": (lambda s: s["optimizer"]["state"].update({10**6: {}}), "key 'optimizer.state': found 1000000"),
    "run": (lambda s: s["identity"]["run"].update(seed=torch.zeros(3)), r"key 'identity\.run\.seed': found a Tensor"),
    "config": (lambda s: s["identity"]["config"].update(widths=torch.zeros(3)), "config key 'widths': found a Tensor"),
    "without": (lambda s: s.pop("identity"), "key 'identity' is missing"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_damaged_state_is_refused_and_leaves_the_trainer(saved: Path, tmp_path: Path, case: str) -> None:
    change, message = BROKEN[case]
    state = torch.load(saved, weights_only=True)
    change(state)
    path = tmp_path / "a.resume"
    torch.save(state, path)
    trainer = make()
    before = {key: value.clone() for key, value in trainer.network.state_dict().items()}
    with pytest.raises(InputError, match=f"{message}.*; delete it to start anew"):
        load_state(trainer, path)
    assert trainer.epoch == 0
    assert all(torch.equal(value, before[key]) for key, value in trainer.network.state_dict().items())


def test_an_intact_state_is_taken(saved: Path) -> None:
    trainer = make()
    load_state(trainer, saved)
    assert trainer.epoch == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text"])
def test_an_empty_or_cut_off_state_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.resume").write_bytes(content)
    with pytest.raises(InputError, match="not a resume file"):
        load_state(make(), tmp_path / "a.resume")


def test_another_run_is_told_by_the_settings_that_differ(saved: Path) -> None:
    with pytest.raises(InputError) as error:
        load_state(make(batch_size=6, epochs=3), saved)
    differ = "its batch_size is 4, this run's is 6; its epochs is 4, this run's is 3"
    assert str(error.value) == f"{saved}: belongs to another run ({differ}); delete it to start anew"


def test_settings_that_only_one_of_two_runs_has_differ(saved: Path, tmp_path: Path) -> None:
    content = torch.load(saved, weights_only=True)
    del content["identity"]["run"]["batch_size"]
    content["identity"]["run"]["old"] = None
    torch.save(content, tmp_path / "a.resume")
    with pytest.raises(InputError) as error:
        load_state(make(), tmp_path / "a.resume")
    assert "(its batch_size is missing, this run's is 4; its old is None, this run's is missing)" in str(error.value)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    trainer = make()
    with torch.no_grad():
        trainer.network.head.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="epoch 1, step 3: the loss is nan, expected a finite number"):
        fit(trainer, tmp_path / "net.pt")
    assert list(tmp_path.iterdir()) == []


def test_a_weight_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    trainer = make()
    step = trainer.full_step

    def last(index: torch.Tensor) -> torch.Tensor:
        sums = step(index)
        with torch.no_grad():
            trainer.network.head.bias.fill_(float("inf"))
        return torch.nan_to_num(sums)

    trainer.full_step = last
    with pytest.raises(InputError, match=r"epoch 1: '.*' became NaN or infinite"):
        fit(trainer, tmp_path / "net.pt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "out, said",
    [
        ("folder.pt", "is a folder"),
        ("file.txt/net.pt", "cannot be written"),
        ("net", "setting 'out'"),
        ("net.txt", "setting 'out'"),
    ],
)
def test_an_output_that_ends_nowhere_is_refused_before_the_first_step(tmp_path: Path, out: str, said: str) -> None:
    (tmp_path / "folder.pt").mkdir()
    (tmp_path / "file.txt").write_text("text")
    trainer = make()
    trainer.full_step = None  # type: ignore[assignment]
    with pytest.raises(InputError, match=said):
        fit(trainer, tmp_path / out)


LOG = "epoch,loss,gate_fraction,test_accuracy\n1,2.5,0.4,\n2,2.25,0.5,11\n"


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "expected one column 'epoch' in its first line"),
        (LOG.replace("loss", "epoch"), "expected one column 'epoch'"),
        (LOG + "3,2", "line 4: found 2 cells, expected 4"),
        (LOG + "x,2,0,1\n", "line 4: 'epoch': found 'x'"),
        (LOG + "3,nan,0,1\n", "line 4: 'loss': found 'nan', expected a number"),
        (LOG + '3,"2,0,1\n', "not a training log"),
    ],
)
def test_a_damaged_log_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_log(tmp_path / "a.csv")


def test_a_row_takes_the_place_of_later_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(LOG)
    append_row(path, {"epoch": 2, "loss": 1.5, "gate_fraction": 0.5, "test_accuracy": 12})
    assert [(row["epoch"], row["loss"]) for row in read_log(path)] == [("1", "2.5"), ("2", "1.5")]


@pytest.mark.parametrize(
    "name, value", [("WORLD_SIZE", "x"), ("WORLD_SIZE", "0"), ("WORLD_SIZE", ""), ("RANK", "1"), ("LOCAL_RANK", "-1")]
)
def test_an_environment_that_is_none_of_torchrun_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with (
        pytest.raises(InputError, match=f"environment variable {name}: found '?{value}'?, expected"),
        joined_world("cpu"),
    ):
        pass


ENTRY = '[[run]]\nname = "a"\nrole = "full"\nconfig = "a.toml"\n'


@pytest.mark.parametrize(
    "text, message",
    [
        (ENTRY.replace('"a"', '"../../a"'), r"key 'run\[0\]\.name': found '\.\./\.\./a'"),
        (ENTRY + "seeds = [true]\n", r"key 'run\[0\]\.seeds\[0\]': found True, expected an integer"),
        (ENTRY + "seeds = []\n", r"key 'run\[0\]\.seeds': found \[\], expected at least 1"),
        (ENTRY + ENTRY, "name 'a' occurs twice"),
        (ENTRY + 'set = { out = "x.pt" }\n', "key 'set.out': a plan sets it by itself"),
        (ENTRY + "set = { shift = 1000000 }\n", "key 'shift': found 1000000, expected at most 4096"),
        ("run = 3\n", "key 'run': found 3, expected a list"),
        ("set = 1\n" + ENTRY, "key 'set': found 1, expected a table of keys"),
    ],
)
def test_a_wrong_plan_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.toml").write_text("")
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(InputError, match=f"p.toml: .*{message}"):
        read_plan(tmp_path / "p.toml", tmp_path)
