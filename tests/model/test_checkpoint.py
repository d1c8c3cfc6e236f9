# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: round trips, and a sentence that names the key for everything that can be wrong."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from wsfracbnn.cli import app as cli
from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.model.binarize import binarize
from wsfracbnn.model.card import model_card
from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from wsfracbnn.model.config import resnet20
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.exactness import torch_reference
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.networks.fracbnn import FracBNN
from wsfracbnn.model.networks.resnet import ResNet

CONV = "stages.0.gated.conv"


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("held_out", [None, tuple(f"{number:016x}" for number in range(10))])
def test_round_trip(
    digits_checkpoint: Checkpoint, tmp_path: Path, suffix: str, held_out: tuple[str, ...] | None
) -> None:
    path = tmp_path / f"copy{suffix}"
    digits_checkpoint = dataclasses.replace(digits_checkpoint, held_out=held_out)
    save_checkpoint(digits_checkpoint, path)
    back = load_checkpoint(path)
    assert back.state.keys() == digits_checkpoint.state.keys()
    assert all(torch.equal(back.state[key], value) for key, value in digits_checkpoint.state.items())
    assert dataclasses.replace(back, state={}, samples=None) == dataclasses.replace(
        digits_checkpoint, state={}, samples=None
    )
    assert lower_checkpoint(back).digest() == lower_checkpoint(digits_checkpoint).digest()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_one_bit_a_weight_is_the_same_integer_network(
    digits_checkpoint: Checkpoint, tmp_path: Path, suffix: str
) -> None:
    signs = binarize(digits_checkpoint)
    assert not torch.equal(signs.state[f"{CONV}.weight"], digits_checkpoint.state[f"{CONV}.weight"])
    assert signs.is_binarized
    assert not digits_checkpoint.is_binarized
    path = tmp_path / f"signs{suffix}"
    save_checkpoint(signs, path)
    back = load_checkpoint(path)
    assert all(torch.equal(back.state[key], value) for key, value in signs.state.items())
    assert lower_checkpoint(back).digest() == lower_checkpoint(digits_checkpoint).digest()
    whole = tmp_path / f"whole{suffix}"
    save_checkpoint(digits_checkpoint, whole)
    weights = sum(v.numel() for k, v in signs.state.items() if k.endswith("conv.weight"))
    assert whole.stat().st_size - path.stat().st_size > 3.5 * weights  # of 4 bytes each


def test_the_baseline_has_no_signs_alone(digits_checkpoint: Checkpoint) -> None:
    baseline = FracBNN(digits_checkpoint.config)
    other = dataclasses.replace(digits_checkpoint, model="fracbnn", state=baseline.state_dict())
    with pytest.raises(InputError, match="found 'fracbnn', expected 'wsfracbnn'"):
        binarize(other)


def _state(key: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[dict[str, Any]], None]:
    def apply(raw: dict[str, Any]) -> None:
        raw["state"][key] = change(raw["state"][key].clone())

    return apply


def _nan(tensor: torch.Tensor) -> torch.Tensor:
    tensor.view(-1)[0] = float("nan")
    return tensor


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "format": (lambda raw: raw.update(format="other"), "key 'format': found 'other'"),
    "version": (lambda raw: raw.update(version=99), "key 'version': found 99, expected 2"),
    "model": (lambda raw: raw.update(model="vgg"), "key 'model': found 'vgg'"),
    "no-config": (lambda raw: raw.pop("config"), "key 'config' is missing"),
    "unknown-config": (lambda raw: raw["config"].update(depth=3), "config key 'depth' is unknown"),
    "bad-config": (lambda raw: raw["config"].update(widths=[16, 48]), "config key 'widths'"),
    "type-config": (lambda raw: raw["config"].update(widths=7), "config key 'widths'"),
    "text-config": (lambda raw: raw["config"].update(residual_bits="x"), "config key 'residual_bits'"),
    "name": (lambda raw: raw.update(name="Not a name"), "key 'name'"),
    "classes": (lambda raw: raw.update(class_names=["a"]), "key 'class_names': found 1 names, expected 10"),
    "bounds": (lambda raw: raw.update(held_out=["0" * 16]), "key 'held_out': found 1 bounds, expected 10"),
    "bounds-form": (
        lambda raw: raw.update(held_out=["all"] * 10),
        r"key 'held_out\[0\]': found 'all', expected 16 hexadecimal digits",
    ),
    "gates": (
        lambda raw: raw.update(gate_fractions=[2.0] * 4),
        r"key 'gate_fractions\[0\]': found 2.0, expected at most 1",
    ),
    "gates-type": (lambda raw: raw.update(gate_fractions="many"), "key 'gate_fractions'"),
    "samples": (lambda raw: raw["samples"].update(images=torch.zeros(2, 3)), "key 'samples.images'"),
    "missing": (lambda raw: raw["state"].pop(f"{CONV}.weight"), f"key 'state.{CONV}.weight' is missing"),
    "extra": (lambda raw: raw["state"].update(more=torch.zeros(1)), "key 'state.more' is unknown"),
    "shape": (_state(f"{CONV}.weight", lambda t: t[:3]), r"found shape \(3, 16, 3, 3\), expected \(16, 16, 3, 3\)"),
    "integer": (_state(f"{CONV}.gain", lambda t: t.long()), "found torch.int64, expected torch.float32"),
    "nan": (_state(f"{CONV}.gain", _nan), f"key 'state.{CONV}.gain': found NaN or infinity"),
    "gain": (_state(f"{CONV}.gain", lambda t: t + 1e4), f"key 'state.{CONV}.gain': the scale comes to"),
    "bias": (_state("stages.1.rprelu.bias_in", lambda t: t - 99), r"bias_in': a value becomes -10\d+, expected -32768"),
    "threshold": (_state("stages.0.activation.shift", lambda t: t + 40), "activation.shift': a threshold becomes"),
    "slope": (_state("stages.0.rprelu.slope", lambda t: t + 5), "slope': found"),
    "head": (_state("head.weight", lambda t: t * 1e9), "key 'state.head.weight': found .* in magnitude, too large"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_named_and_nothing_is_written(
    digits_path: Path, tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    change, message = BROKEN[case]
    raw = torch.load(digits_path, weights_only=True)
    raw.pop("sha256", None)  # as in files that carry none; a wrong digest has tests of its own
    change(raw)
    path, out = tmp_path / "broken.pt", tmp_path / "out"
    torch.save(raw, path)
    with pytest.raises(InputError, match=message):
        lower_checkpoint(load_checkpoint(path))
    monkeypatch.setattr("sys.argv", ["wsfracbnn", "emit", "--weights", str(path), "--out", str(out)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    captured = capsys.readouterr().err
    assert captured.startswith("error: ")
    assert "Traceback" not in captured
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broken.pt"]


class Bomb:
    """Unpickling this would run a command."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (eval, ("__import__('pathlib').Path('exploded').touch()",))


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"format": Bomb()}, tmp_path / "bomb.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Bomb()))
    for name in ("bomb.pt", "plain.pt"):
        with pytest.raises(InputError, match="not a checkpoint"):
            load_checkpoint(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("name", ["noise.pt", "noise.safetensors", "empty.pt", "empty.safetensors"])
def test_files_of_another_kind_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"" if "empty" in name else bytes(range(256)) * 9)
    with pytest.raises(InputError, match=name):
        load_checkpoint(tmp_path / name)


def test_the_baseline_needs_multipliers_and_is_not_what_pytorch_computes(digits_checkpoint: Checkpoint) -> None:
    network = FracBNN(digits_checkpoint.config)
    baseline = dataclasses.replace(digits_checkpoint, model="fracbnn", state=network.state_dict())
    assert lower_checkpoint(baseline).multiplied
    assert not lower_checkpoint(digits_checkpoint).multiplied
    with pytest.raises(InputError, match=r"found 'fracbnn', whose BatchNorm PyTorch computes in floating point"):
        torch_reference(baseline)


def test_a_teacher_is_no_hardware(digits_checkpoint: Checkpoint) -> None:
    network = ResNet(digits_checkpoint.config)
    teacher = dataclasses.replace(digits_checkpoint, model="resnet", state=network.state_dict())
    with pytest.raises(InputError, match="key 'model': found 'resnet', expected a binary network"):
        lower_checkpoint(teacher)


@pytest.mark.parametrize("path", sorted(CHECKPOINTS.glob("*.pt")), ids=lambda path: path.stem)
def test_every_bundled_checkpoint_is_small_emits_and_has_its_card(path: Path) -> None:
    assert path.stat().st_size < 4_000_000
    checkpoint = load_checkpoint(path)
    assert lower_checkpoint(checkpoint).name == path.stem
    card = model_card(checkpoint, path.name)
    assert path.with_suffix(".md").read_text() == card
    (settings,) = (line for line in card.splitlines() if line.startswith("**Settings.**"))
    assert {"dataset", "epochs", "seed"} <= set(checkpoint.training)
    assert all(f" {key} " in settings for key in checkpoint.training)


@pytest.mark.parametrize("path", sorted(CHECKPOINTS.glob("*/*.pt")), ids=lambda path: path.stem)
def test_what_trainings_begin_with_has_its_card(path: Path) -> None:
    card = model_card(load_checkpoint(path), path.name)
    assert path.with_suffix(".md").read_text() == card
    assert ("of FracBNN's of the same shape" in card) == ("-wsfracbnn-" in path.name)


def test_a_full_precision_teacher_of_twice_the_width_is_saved(tmp_path: Path) -> None:
    """Its first convolution has three channels where the others' have a thermometer code."""
    config = dataclasses.replace(resnet20(100), widths=(32, 64, 128))
    names = tuple(f"class {number}" for number in range(100))
    state = ResNet(config).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) < config.weights
    save_checkpoint(Checkpoint("teacher", "resnet", config, state, names), tmp_path / "teacher.pt")
    loaded = load_checkpoint(tmp_path / "teacher.pt")
    assert loaded.config == config
    assert "**Network.** resnet, 19 convolutions, widths 32/64/128.\n" in model_card(loaded, "teacher.pt")
