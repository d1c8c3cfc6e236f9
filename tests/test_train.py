# SPDX-License-Identifier: Apache-2.0
"""The trainer: exact resume, clipping, schedules, both models; and what a cut-off run leaves behind."""

from __future__ import annotations

import csv
import dataclasses
import os
import platform
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model import mixed_precision
from wsfracbnn.model.augment import mix_images, random_cutout, random_flip, random_shift
from wsfracbnn.model.checkpoint import load_checkpoint, save_checkpoint
from wsfracbnn.model.clipping import clip_gradients_adaptively
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data import Dataset, load_dataset
from wsfracbnn.model.distill import distillation_losses
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.mixed_precision import conv3x3, exact_channels
from wsfracbnn.model.network import WSFracBNN
from wsfracbnn.model.schedules import learning_rate
from wsfracbnn.model.settings import Run, TrainConfig, make_run, parse_assignments, read_toml
from wsfracbnn.model.train import Trainer

SMALL = NetworkConfig(8, 8, 1, 16, (4, 8), (1, 1), 10)
SETTINGS = TrainConfig(epochs=4, batch_size=64, binary_from=0.5, seed=7)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """A quarter of the digits."""
    full = load_dataset("digits")
    return dataclasses.replace(full, train_images=full.train_images[::4], train_labels=full.train_labels[::4])


def make(dataset: Dataset, model: str = "wsfracbnn", teacher: str = "", **changes: object) -> Trainer:
    settings = dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]
    return Trainer(Run(model=model, name="small", teacher=teacher, settings=settings), dataset, config=SMALL)


def epochs_of(log: Path) -> list[dict[str, str]]:
    """The rows of a training log without what depends on the machine."""
    with log.open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "images_per_s"} for row in csv.DictReader(file)]


EVERYTHING: dict[str, object] = {
    "ema": 0.9,
    "mix": "cutmix",
    "cutout": 2,
    "flip": True,
    "precision": "mixed",
    "optimizer": "adam",
    "schedule": "step",
    "binary_weight_decay": 0.0,
}


@pytest.mark.parametrize("model, changes", [("wsfracbnn", {}), ("wsfracbnn", EVERYTHING), ("fracbnn", {"ema": 0.9})])
@pytest.mark.parametrize("cut_after", [1, 2, 3])
def test_a_run_cut_anywhere_and_resumed_gives_the_same_weights(
    dataset: Dataset, tmp_path: Path, cut_after: int, model: str, changes: dict[str, object]
) -> None:
    whole = make(dataset, model, **changes).run(tmp_path / "whole.pt")  # type: ignore[arg-type]
    cut = make(dataset, model, **changes)  # type: ignore[arg-type]
    original = cut.test_accuracy

    def press_ctrl_c() -> float:
        if cut.epoch == cut_after:
            signal.raise_signal(signal.SIGINT)
        return original()

    cut.test_accuracy = press_ctrl_c  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        cut.run(tmp_path / "cut.pt")
    assert (tmp_path / "cut.pt.resume").is_file()
    resumed = make(dataset, model, **changes).run(tmp_path / "cut.pt")  # type: ignore[arg-type]
    assert resumed.state.keys() == whole.state.keys()
    assert [key for key, value in whole.state.items() if not torch.equal(value, resumed.state[key])] == []
    assert epochs_of(tmp_path / "cut.log.csv") == epochs_of(tmp_path / "whole.log.csv")
    assert not (tmp_path / "cut.pt.resume").exists()


def test_the_resume_file_of_another_run_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    make(dataset)._save_state(tmp_path / "a.pt.resume")
    with pytest.raises(InputError, match="belongs to another run"):
        make(dataset, seed=8).run(tmp_path / "a.pt")


def test_training_learns_and_measures_with_the_integer_model(dataset: Dataset, tmp_path: Path) -> None:
    checkpoint = make(dataset, epochs=15, batch_size=16, learning_rate=0.01, binary_from=0.2).run(tmp_path / "net.pt")
    assert checkpoint.test_accuracy is not None
    assert checkpoint.test_accuracy > 30  # of ten classes, four channels, after seconds
    assert checkpoint.gate_fractions is not None
    assert all(0 < fraction < 1 for fraction in checkpoint.gate_fractions)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_every_parameter_gets_a_gradient(dataset: Dataset, optimizer: str) -> None:
    trainer = make(dataset, optimizer=optimizer, learning_rate=0.01)
    before = {name: p.detach().clone() for name, p in trainer.network.named_parameters()}
    trainer._train_epoch(lambda steps, status: None)
    still = [name for name, p in trainer.network.named_parameters() if torch.equal(p.detach(), before[name])]
    assert still == []


def test_the_first_step_has_real_weights_and_the_second_binary_ones(dataset: Dataset) -> None:
    trainer = make(dataset)
    for epoch in range(SETTINGS.epochs):
        trainer._train_epoch(lambda steps, status: None)
        network = trainer.network
        assert isinstance(network, WSFracBNN)
        assert network.input.conv.binary == (epoch >= 2)
        assert len(network.input.conv.plane().unique()) == (2 if epoch >= 2 else 4 * 144)


def test_clipping_bounds_each_unit_by_its_own_norm() -> None:
    weight = torch.nn.Parameter(torch.stack([torch.full((2, 3, 3), 0.1), torch.full((2, 3, 3), 1.0)]))
    weight.grad = torch.ones_like(weight) * torch.tensor([1.0, 0.001]).view(-1, 1, 1, 1)
    clip_gradients_adaptively([weight], threshold=0.05)
    norms = weight.grad.flatten(1).norm(dim=1)
    weights = weight.detach().flatten(1).norm(dim=1)
    assert norms[0] == pytest.approx(0.05 * weights[0].item())
    assert norms[1] == pytest.approx(0.001 * 18**0.5)  # below its bound: untouched


def test_shift_moves_pixels_and_brings_zeros_in() -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.arange(1, 17, dtype=torch.uint8).view(1, 1, 4, 4).repeat(50, 1, 1, 1)
    seen = {tuple(image.flatten().tolist()) for image in random_shift(images, 1, generator)}
    padded = np.pad(images[0, 0].numpy(), 1)
    expected = {tuple(padded[y : y + 4, x : x + 4].flatten().tolist()) for y in range(3) for x in range(3)}
    assert seen == expected


def test_flip_mirrors_about_half() -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.arange(4, dtype=torch.uint8).view(1, 1, 1, 4).repeat(200, 1, 1, 1)
    flipped = (random_flip(images, generator)[:, 0, 0, 0] == 3).sum().item()
    assert 70 < flipped < 130


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"optimizer": "lion"}, "setting 'optimizer': found 'lion'"),
        ({"epochs": 0}, "setting 'epochs': found 0, expected at least 1"),
        ({"mix": "blend"}, "setting 'mix': found 'blend', expected none or mixup or cutmix"),
        ({"ema": 1.0}, "setting 'ema': found 1.0"),
        ({"binary_from": 2.0}, "setting 'binary_from': found 2.0"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]


def test_a_dataset_of_another_shape_is_refused(dataset: Dataset) -> None:
    with pytest.raises(InputError, match="the network expects"):
        Trainer(Run(settings=SETTINGS), dataset, config=NetworkConfig(4, 4, 1, 4, (2,), (1,), 10))


def test_cutout_zeroes_a_square_cut_at_the_border() -> None:
    images = torch.full((300, 2, 6, 6), 9, dtype=torch.uint8)
    cut = random_cutout(images, 3, torch.Generator().manual_seed(1)) == 0
    assert torch.equal(cut[:, 0], cut[:, 1])
    rows, columns = cut[:, 0].any(dim=2).sum(dim=1), cut[:, 0].any(dim=1).sum(dim=1)
    assert torch.equal(cut[:, 0].flatten(1).sum(dim=1), rows * columns)
    assert set(rows.tolist()) == set(columns.tolist()) == {2, 3}


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_mixing_takes_the_share_it_says(kind: str) -> None:
    images = torch.randint(0, 256, (16, 3, 8, 8), dtype=torch.uint8)
    for seed in range(10):
        mixed, partner, share = mix_images(images, kind, 1.0, torch.Generator().manual_seed(seed))
        own, other = images.float(), images[partner].float()
        if kind == "mixup":
            torch.testing.assert_close(mixed, share * own + (1 - share) * other)
        else:
            taken = ((mixed != own) & (mixed == other)).any(dim=1).any(dim=0)
            assert torch.all((mixed == own) | (mixed == other))
            assert taken.float().mean() == pytest.approx(1 - float(share))


def test_distillation_is_hintons_loss() -> None:
    student, teacher = torch.randn(5, 7, dtype=torch.float64), torch.randn(5, 7, dtype=torch.float64)
    p, q = (teacher / 3).softmax(1), (student / 3).softmax(1)
    torch.testing.assert_close(distillation_losses(student, teacher, 3.0), 9 * (p * (p / q).log()).sum(1))
    assert torch.all(distillation_losses(teacher, teacher, 3.0).abs() < 1e-12)


@pytest.mark.parametrize("precision", ["float32", "mixed"])
def test_a_teacher_is_followed(dataset: Dataset, tmp_path: Path, precision: str) -> None:
    """A student that listens to nothing but a teacher who names every class one too high learns that."""
    teacher = make(dataset, "resnet", epochs=30, batch_size=16, learning_rate=0.01, binary_from=0.0, shift=0)
    checkpoint = teacher.run(tmp_path / "teacher.pt")
    assert (checkpoint.test_accuracy or 0) > 80
    state = checkpoint.state
    state["head.weight"], state["head.bias"] = state["head.weight"].roll(1, 0), state["head.bias"].roll(1, 0)
    save_checkpoint(checkpoint, tmp_path / "teacher.pt")
    student = make(
        dataset,
        precision=precision,
        teacher=str(tmp_path / "teacher.pt"),
        distill_weight=1.0,
        epochs=15,
        batch_size=16,
        learning_rate=0.01,
        binary_from=0.2,
    )
    student.run(tmp_path / "student.pt")
    shifted = dataclasses.replace(dataset, test_labels=(dataset.test_labels + 1) % 10)
    right = student.test_accuracy()
    student.dataset = shifted
    assert student.test_accuracy() > 30 > right


def test_a_teacher_of_other_classes_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, image_height=16)
    checkpoint = make(dataset, "resnet", epochs=1).run(tmp_path / "teacher.pt")
    save_checkpoint(dataclasses.replace(checkpoint, config=config, samples=None), tmp_path / "teacher.pt")
    with pytest.raises(InputError, match="teacher's config key 'image_height': found 16, expected 8"):
        make(dataset, teacher=str(tmp_path / "teacher.pt"))


@pytest.mark.parametrize("channels", [1, 7, 16, 27, 28, 56, 57, 64, 96, 131])
@pytest.mark.parametrize("stride", [1, 2])
def test_sixteen_bit_convolutions_of_signs_are_exact(channels: int, stride: int) -> None:
    generator = torch.Generator().manual_seed(channels)
    # All taps alike in one corner: the largest sums there are.
    x = torch.randint(0, 2, (4, channels, 8, 8), generator=generator).float() * 2 - 1
    x[0] = 1
    weight = torch.randint(0, 2, (6, channels, 3, 3), generator=generator).float() * 2 - 1
    weight[0] = 1
    expected = torch.nn.functional.conv2d(x.double(), weight.double(), stride=stride, padding=1)
    assert torch.equal(conv3x3(x, weight, stride).double(), expected)


@pytest.mark.parametrize("dtype, even_to", [(torch.bfloat16, 512), (torch.float16, 4096)])
def test_sixteen_bit_floats_hold_the_sums(dtype: torch.dtype, even_to: int) -> None:
    values = torch.arange(0, even_to + 1, 2).double()
    assert torch.equal(values.to(dtype).double(), values)
    assert 9 * exact_channels(dtype) <= even_to
    odd = torch.arange(1, even_to // 2, 2).double()  # odd channels: half as many of them
    assert torch.equal(odd.to(dtype).double(), odd)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("magnitude", [1.0, 1e-9])  # float16 ends at 6e-8, without loss scaling
def test_mixed_precision_gradients_are_those_of_float32_rounded(
    dtype: torch.dtype, magnitude: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixed_precision, "operand_dtype", lambda device: dtype)
    x = (torch.randn(8, 16, 8, 8) > 0).float().mul(2).sub(1).requires_grad_()
    weight = (torch.randn(4, 16, 3, 3) > 0).float().mul(2).sub(1).requires_grad_()
    gradient = magnitude * torch.randn(8, 4, 8, 8)
    mixed = torch.autograd.grad(conv3x3(x, weight, 1).float(), (x, weight), gradient)
    exact = torch.autograd.grad(torch.nn.functional.conv2d(x, weight, padding=1), (x, weight), gradient)
    for a, b in zip(mixed, exact, strict=True):
        assert (a - b).norm() < 0.01 * b.norm()


def test_schedules() -> None:
    cosine = TrainConfig(epochs=100, binary_from=0.4, learning_rate=1.0, warmup_epochs=2)
    assert learning_rate(cosine, 0.0) < 0.01
    assert learning_rate(cosine, 2.0) == pytest.approx(1.0, abs=0.01)
    assert learning_rate(cosine, 39.99) == pytest.approx(0.1, abs=0.01)
    assert learning_rate(cosine, 99.99) < 1e-4
    step = dataclasses.replace(cosine, schedule="step", warmup_epochs=0, binary_from=0.5)
    rates = [learning_rate(step, e) for e in (0, 25, 49.99, 50, 69.9, 70, 80, 90)]
    assert rates == pytest.approx([1, 0.5, 0.0002, 1, 1, 0.1, 0.01, 0.001], abs=1e-4)


def test_averaged_weights_follow_the_trained_ones(dataset: Dataset) -> None:
    trainer = make(dataset, ema=0.5)
    trainer._train_epoch(lambda steps, status: None)
    average, network = trainer.evaluated.state_dict(), trainer.network.state_dict()
    distance = (average["head.weight"] - network["head.weight"]).norm()
    assert 0 < distance < 0.1 * network["head.weight"].norm()


def test_settings_are_read_from_toml_and_overridden(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('dataset = "cifar100"\narch = "resnet20"\nepochs = 7\nagc = 1\n')
    values = read_toml(tmp_path / "a.toml") | parse_assignments(["epochs=9", "mix=mixup", "flip=true"])
    run = make_run(values)
    assert (run.dataset, run.settings.epochs, run.settings.mix, run.settings.flip) == ("cifar100", 9, "mixup", True)
    assert run.settings.agc == 1.0
    assert str(run.checkpoint_path) == "build/cifar100.pt"


@pytest.mark.parametrize(
    "text, message",
    [
        ("epoch = 3", "key 'epoch' is unknown, expected one of agc, arch"),
        ("epochs = 3.5", "key 'epochs': found 3.5, expected an integer"),
        ("flip = 1", "key 'flip': found 1, expected true or false"),
        ("arch = 'vgg'", "setting 'arch': found 'vgg', expected digits or resnet20"),
        ("epochs = ", "not a TOML file of settings"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        make_run(read_toml(tmp_path / "a.toml"))


def test_the_documentation_lists_every_setting_with_its_default() -> None:
    page = (ROOT / "docs" / "training.md").read_text()
    for field in dataclasses.fields(TrainConfig):
        row = re.search(rf"^\| `{field.name}` \| (\S+) \| \S", page, re.MULTILINE)
        assert row is not None, field.name
        (value,) = parse_assignments([f"{field.name}={row[1]}"]).values()
        assert value == field.default, field.name


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """torchrun with two gloo processes against one process on the same global batches."""
    settings = ["batch_size=256", "width=4", "flip=true", "mix=mixup", "learning_rate=0.0005", "binary_from=0.5"]
    command = [part for s in settings for part in ("--set", s)] + ["--epochs", "2", "--device", "cpu"]
    module = ["-m", "wsfracbnn.gen.cli", "train"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    alone = [sys.executable, *module, *command, "--out", str(tmp_path / "one.pt")]
    subprocess.run(alone, check=True, capture_output=True, env=environment)
    together = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *module]
    together += [*command, "--out", str(tmp_path / "two.pt")]
    subprocess.run(together, check=True, capture_output=True, env=environment)
    one, two = (load_checkpoint(tmp_path / name).state for name in ("one.pt", "two.pt"))
    for key, value in one.items():
        # Floating-point sums in another order; a sign that flips on it moves single weights by a step.
        torch.testing.assert_close(two[key], value, rtol=0.02, atol=0.005, msg=key)
    first, second = epochs_of(tmp_path / "one.log.csv"), epochs_of(tmp_path / "two.log.csv")
    for a, b in zip(first, second, strict=True):
        for key in ("loss", "train_accuracy", "gate_fraction"):
            assert float(a[key]) == pytest.approx(float(b[key]), rel=0.01), key


def test_freed_memory_is_kept_where_the_c_library_is_glibc() -> None:
    """In a process of its own: the setting outlives the call."""
    code = "from wsfracbnn.model.host_memory import keep_freed_memory; print(keep_freed_memory())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == str(platform.libc_ver()[0] == "glibc")
