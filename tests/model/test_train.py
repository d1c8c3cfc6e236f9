# SPDX-License-Identifier: Apache-2.0
"""The trainer: exact resume, clipping, teachers, every model, two processes as one; what a cut-off run leaves."""

from __future__ import annotations

import csv
import dataclasses
import functools
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from wsfracbnn.model.card import model_card
from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks.layers import BinaryWSConv2d, shortcut
from wsfracbnn.model.networks.wsfracbnn import ResidualConv, WSFracBNN
from wsfracbnn.model.training.clipping import clip_gradients_adaptively
from wsfracbnn.model.training.curves import Curve, draw_curves
from wsfracbnn.model.training.distill import distillation_losses
from wsfracbnn.model.training.fit import fit
from wsfracbnn.model.training.resume import save_state
from wsfracbnn.model.training.settings import Run, TrainConfig
from wsfracbnn.model.training.trainer import Trainer

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


def test_a_share_of_each_class_stands_in_for_the_test_images(dataset: Dataset) -> None:
    """The same images whatever the run's seed, the smaller share's among the larger one's, and none is trained on."""

    def parts(share: float) -> tuple[set[bytes], set[bytes]]:
        made = dataset.with_validation(share)
        return tuple({image.tobytes() for image in part} for part in (made.train_images, made.test_images))  # type: ignore[return-value]

    (trained, held), (_, more) = parts(0.1), parts(0.3)
    assert held < more
    assert not trained & held
    assert trained | held == {image.tobytes() for image in dataset.train_images}
    labels = dataset.with_validation(0.1).test_labels
    assert (np.bincount(labels) == np.maximum(np.round(np.bincount(dataset.train_labels) * 0.1), 1)).all()
    first, second = (make(dataset, validation_share=0.1, seed=seed) for seed in (1, 2))
    assert first.dataset.digest() == second.dataset.digest() != dataset.digest()
    assert len(first.batches.labels) == len(trained)
    assert first.checkpoint().validation_share == 0.1
    assert "% on 10 % of the training images, held out, integer model" in model_card(first.checkpoint(), "net.pt")


def test_who_has_seen_an_image_cannot_teach_whom_it_is_held_out_from(dataset: Dataset, tmp_path: Path) -> None:
    seen, unseen = (tmp_path / f"{name}.pt" for name in ("seen", "unseen"))
    fit(make(dataset, "resnet", epochs=1, binary_from=0.0, validation_share=0.1), seen)
    fit(make(dataset, "resnet", epochs=1, binary_from=0.0, validation_share=0.2), unseen)
    with pytest.raises(
        InputError, match=r"'validation_share': found 0.2, but .*seen.pt \('teacher'\) was trained with 0.1"
    ):
        make(dataset, teacher=str(seen), validation_share=0.2)
    assert make(dataset, teacher=str(unseen), validation_share=0.1).teacher is not None


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


RESUMED: dict[str, tuple[str, dict[str, object]]] = {
    "plain": ("wsfracbnn", {}),
    "everything": ("wsfracbnn", EVERYTHING),
    "fracbnn": ("fracbnn", {"ema": 0.9}),
}


@pytest.fixture(scope="module")
def whole_runs(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Checkpoint, Path]]:
    """The uncut run of each entry of RESUMED, trained once: its checkpoint and its log."""

    @functools.cache
    def whole(name: str) -> tuple[Checkpoint, Path]:
        model, changes = RESUMED[name]
        folder = tmp_path_factory.mktemp("whole")
        checkpoint = fit(make(dataset, model, **changes), folder / "whole.pt")  # type: ignore[arg-type]
        return checkpoint, folder / "whole.log.csv"

    return whole


@pytest.mark.parametrize("name", list(RESUMED))
@pytest.mark.parametrize("cut_after", [1, 2, 3])
def test_a_run_cut_anywhere_and_resumed_gives_the_same_weights(
    dataset: Dataset,
    whole_runs: Callable[[str], tuple[Checkpoint, Path]],
    tmp_path: Path,
    cut_after: int,
    name: str,
) -> None:
    whole, whole_log = whole_runs(name)
    model, changes = RESUMED[name]
    cut = make(dataset, model, **changes)  # type: ignore[arg-type]
    original = cut.test_accuracy

    def press_ctrl_c() -> float:
        if cut.epoch == cut_after:
            signal.raise_signal(signal.SIGINT)
        return original()

    cut.test_accuracy = press_ctrl_c  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        fit(cut, tmp_path / "cut.pt")
    assert (tmp_path / "cut.pt.resume").is_file()
    resumed = fit(make(dataset, model, **changes), tmp_path / "cut.pt")  # type: ignore[arg-type]
    assert resumed.state.keys() == whole.state.keys()
    assert [key for key, value in whole.state.items() if not torch.equal(value, resumed.state[key])] == []
    assert epochs_of(tmp_path / "cut.log.csv") == epochs_of(whole_log)
    assert not (tmp_path / "cut.pt.resume").exists()


def test_a_checkpoint_that_cannot_be_written_leaves_the_state(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsfracbnn.model.training.fit.save_checkpoint", full_disk)
    with pytest.raises(OSError, match="No space left"):
        fit(make(dataset, epochs=1), tmp_path / "net.pt")
    monkeypatch.undo()
    assert not (tmp_path / "net.pt").exists()
    log = epochs_of(tmp_path / "net.log.csv")
    written = fit(make(dataset, epochs=1), tmp_path / "net.pt")
    assert load_checkpoint(tmp_path / "net.pt").test_accuracy == written.test_accuracy
    assert epochs_of(tmp_path / "net.log.csv") == log  # nothing was trained again


def full_disk(checkpoint: Checkpoint, path: Path) -> None:
    raise OSError(28, "No space left on device", str(path))


def test_the_resume_file_of_another_run_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    save_state(make(dataset), tmp_path / "a.pt.resume")
    with pytest.raises(InputError, match="belongs to another run"):
        fit(make(dataset, seed=8), tmp_path / "a.pt")


def test_a_run_of_a_gpu_goes_on_without_one(dataset: Dataset) -> None:
    begun = make(dataset)
    begun.train_epoch(lambda steps, line: None)
    state = begun.state_dict()
    state["generator"] = torch.zeros(16, dtype=torch.uint8)  # a CUDA generator's seed and offset
    for group in state["optimizer"]["param_groups"]:
        group |= {"lr": torch.tensor(1e-3), "capturable": True, "fused": True}  # as a recorded step keeps them
    ours = make(dataset)
    ours.load_state_dict(state)
    assert all(torch.equal(p, q) for p, q in zip(begun.network.parameters(), ours.network.parameters(), strict=True))
    row = ours.train_epoch(lambda steps, line: None)
    assert row["lr"] == ours.optimizer.param_groups[0]["lr"]
    assert not ours.optimizer.param_groups[0]["capturable"]
    assert row["loss"] < 2.4


def test_parameters_in_units_of_the_stream_learn_as_fast_as_the_stream_is_large(dataset: Dataset) -> None:
    trainer = make(dataset, stream_rate=2.0, binary_from=0.0)
    trainer.train_epoch(lambda steps, line: None)
    rates = {p: group["lr"] for group in trainer.optimizer.param_groups for p in group["params"]}
    network = trainer.network
    assert isinstance(network, WSFracBNN)
    usual = rates[network.head.weight]
    first, last = network.residual_stages()[0], network.residual_stages()[-1]
    assert [rates[p] for p in (first.gated.conv.weight, first.gated.threshold, last.rprelu.slope)] == [usual] * 3
    assert rates[first.activation.shift] == pytest.approx(2 * usual)
    growth = (1 + network.config.residual_alpha**2) ** ((len(network.stages) - 1) / 2)
    of_stream = (last.activation.shift, last.activation.scale, last.gated.conv.gain, last.rprelu.bias_in)
    assert [rates[p] for p in of_stream] == pytest.approx([2 * usual * growth] * 4)
    alike = make(dataset, stream_rate=0.0, binary_from=0.0)
    alike.train_epoch(lambda steps, line: None)
    assert len({group["lr"] for group in alike.optimizer.param_groups}) == 1


def test_training_learns_and_measures_with_the_integer_model(dataset: Dataset, tmp_path: Path) -> None:
    trainer = make(dataset, epochs=15, eval_every=15, batch_size=16, learning_rate=0.01, binary_from=0.2)
    checkpoint = fit(trainer, tmp_path / "net.pt")
    assert checkpoint.test_accuracy is not None
    assert checkpoint.test_accuracy > 30  # of ten classes, four channels, after seconds
    assert checkpoint.gate_fractions is not None
    assert all(0 < fraction < 1 for fraction in checkpoint.gate_fractions)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_every_parameter_gets_a_gradient(dataset: Dataset, optimizer: str) -> None:
    trainer = make(dataset, optimizer=optimizer, learning_rate=0.01)
    before = {name: p.detach().clone() for name, p in trainer.network.named_parameters()}
    trainer.train_epoch(lambda steps, status: None)
    still = [name for name, p in trainer.network.named_parameters() if torch.equal(p.detach(), before[name])]
    assert still == []


def test_the_first_step_has_real_weights_and_the_second_binary_ones(dataset: Dataset) -> None:
    trainer = make(dataset)
    for epoch in range(SETTINGS.epochs):
        trainer.train_epoch(lambda steps, status: None)
        network = trainer.network
        assert isinstance(network, WSFracBNN)
        assert network.input.conv.binary == (epoch >= 2)
        assert len(set(network.input.conv.plane().flatten().tolist())) == (2 if epoch >= 2 else 4 * 144)


@pytest.mark.parametrize("binary_from", [0.0, 0.5])
def test_the_start_is_calibrated_for_the_weights_that_follow(dataset: Dataset, binary_from: float) -> None:
    trainer = make(dataset, batch_size=1024, binary_from=binary_from)
    network = trainer.network
    assert isinstance(network, WSFracBNN)
    network.set_binary_weights(trainer.epoch >= trainer.settings.switch_epoch)
    with torch.no_grad():
        x = network.input(trainer.batches.images)
        for stage in network.stages:
            assert isinstance(stage, ResidualConv)
            u = (
                x / 2**SMALL.residual_fraction - stage.activation.shift.view(1, -1, 1, 1)
            ) / stage.activation.scale.view(1, -1, 1, 1)
            assert u.std().item() == pytest.approx(1, rel=0.1)
            branch = stage.rprelu(stage.path(stage.accumulate(x), stage.gated.conv.scale()))
            wanted = SMALL.residual_alpha * shortcut(x, stage.shape.stride).std().item()
            assert branch.std().item() == pytest.approx(wanted, rel=0.15)  # scales have two digits
            x = stage(x)


@pytest.mark.parametrize("model", ["wsfracbnn", "fracbnn_matched"])
def test_sums_and_gates_keep_their_size_when_weights_turn_binary(dataset: Dataset, model: str) -> None:
    trainer = make(dataset, model)
    fractions, sizes = [], []
    for binary in (False, True):
        trainer.network.set_binary_weights(binary)
        trainer.network.train()
        trainer.network(trainer.batches.images)
        fractions.append(trainer.network.gate_means().mean().item())
        conv = trainer.network.get_submodule("stages.0.gated.conv")
        planes = torch.sign(torch.randn(50, 4, 8, 8, generator=torch.Generator().manual_seed(1)))
        sizes.append(conv(planes).std().item())
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05)
    assert fractions[1] == pytest.approx(fractions[0], abs=0.05)


@pytest.mark.parametrize("standardize", [True, False])
def test_where_gradients_of_the_weights_lead(standardize: bool) -> None:
    """Standardized, neither along the weights nor along their mean; never through the scale."""
    conv = BinaryWSConv2d(4, 8, 1, standardize)
    (gradient,) = torch.autograd.grad(conv.scale().sum(), conv.weight, allow_unused=True)
    assert gradient is None
    of_plane = torch.randn(conv.weight.shape, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((conv.plane() * of_plane).sum(), conv.weight)
    filters, weights = gradient.flatten(1), conv.weight.detach().flatten(1)
    along = torch.nn.functional.cosine_similarity(filters, weights).abs()
    of_mean = (filters.sum(1) / filters.abs().sum(1)).abs()
    if standardize:
        assert along.max() < 1e-4
        assert of_mean.max() < 1e-4
    else:
        assert along.mean() > 0.02
        assert of_mean.mean() > 0.02


def test_a_step_cannot_leave_the_range_of_the_hardware(dataset: Dataset) -> None:
    trainer = make(dataset)
    network = trainer.network
    assert isinstance(network, WSFracBNN)
    with torch.no_grad():
        network.input.conv.gain.fill_(50.0)
        for stage in network.stages:
            assert isinstance(stage, ResidualConv)
            stage.gated.conv.gain[::2] = -70.0
            stage.rprelu.slope.fill_(-3.0)
    trainer.train_epoch(lambda steps, line: None)
    assert trainer.checkpoint().test_accuracy is not None


@pytest.mark.parametrize(
    "epochs, every, measured",
    [(4, 0, [1, 2, 3, 4]), (35, 0, [10, 20, 30, 35]), (10, 4, [4, 8, 10]), (31, 100, [31])],
)
def test_accuracy_is_measured_now_and_then_and_at_the_end(epochs: int, every: int, measured: list[int]) -> None:
    settings = TrainConfig(epochs=epochs, eval_every=every)
    assert [epoch for epoch in range(1, epochs + 1) if settings.evaluates(epoch)] == measured


def test_the_log_leaves_out_what_was_not_measured(dataset: Dataset, tmp_path: Path) -> None:
    checkpoint = fit(make(dataset, eval_every=3), tmp_path / "net.pt")
    rows = epochs_of(tmp_path / "net.log.csv")
    assert [row["epoch"] for row in rows if row["test_accuracy"]] == ["3", "4"]
    assert float(rows[-1]["test_accuracy"]) == checkpoint.test_accuracy
    draw_curves([Curve("net", "full", tmp_path / "net.log.csv", 3)], "a title", tmp_path / "net.svg")
    text = (tmp_path / "net.svg").read_text()
    assert "a title" in text
    assert "last epoch before weights turn binary" in text


def test_sigterm_saves_and_stops_as_ctrl_c_does(dataset: Dataset, tmp_path: Path) -> None:
    trainer = make(dataset)

    def terminate() -> float:
        signal.raise_signal(signal.SIGTERM)
        return 0.0

    trainer.test_accuracy = terminate  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        fit(trainer, tmp_path / "cut.pt")
    assert (tmp_path / "cut.pt.resume").is_file()


@pytest.mark.parametrize("given, teacher, expected", [(-1, "", 0.1), (-1, "t.pt", 0.0), (0.2, "t.pt", 0.2), (0, "", 0)])
def test_labels_are_smoothed_by_default_where_no_teacher_softens_them(
    given: float, teacher: str, expected: float
) -> None:
    run = Run(teacher=teacher, settings=TrainConfig(label_smoothing=given))
    assert run.label_smoothing == run.record()["label_smoothing"] == expected


def test_clipping_bounds_each_unit_by_its_own_norm() -> None:
    weight = torch.nn.Parameter(torch.stack([torch.full((2, 3, 3), 0.1), torch.full((2, 3, 3), 1.0)]))
    weight.grad = torch.ones_like(weight) * torch.tensor([1.0, 0.001]).view(-1, 1, 1, 1)
    clip_gradients_adaptively([weight], threshold=0.05)
    norms = weight.grad.flatten(1).norm(dim=1)
    weights = weight.detach().flatten(1).norm(dim=1)
    assert norms[0] == pytest.approx(0.05 * weights[0].item())
    assert norms[1] == pytest.approx(0.001 * 18**0.5)  # below its bound: untouched


def test_a_dataset_of_another_shape_is_refused(dataset: Dataset) -> None:
    with pytest.raises(InputError, match="the network expects"):
        Trainer(Run(settings=SETTINGS), dataset, config=NetworkConfig(4, 4, 1, 4, (2,), (1,), 10))


def test_distillation_is_hintons_loss() -> None:
    student, teacher = torch.randn(5, 7, dtype=torch.float64), torch.randn(5, 7, dtype=torch.float64)
    p, q = (teacher / 3).softmax(1), (student / 3).softmax(1)
    torch.testing.assert_close(distillation_losses(student, teacher, 3.0), 9 * (p * (p / q).log()).sum(1))
    assert torch.all(distillation_losses(teacher, teacher, 3.0).abs() < 1e-12)


@pytest.fixture(scope="module")
def wrong_teacher(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a teacher who knows the digits and names every class one too high."""
    path = tmp_path_factory.mktemp("teacher") / "teacher.pt"
    teacher = make(
        dataset, "resnet", epochs=30, batch_size=16, learning_rate=0.01, binary_from=0.0, shift=0, eval_every=30
    )
    checkpoint = fit(teacher, path)
    assert (checkpoint.test_accuracy or 0) > 80
    state = checkpoint.state
    state["head.weight"], state["head.bias"] = state["head.weight"].roll(1, 0), state["head.bias"].roll(1, 0)
    save_checkpoint(checkpoint, path)
    return path


@pytest.mark.parametrize("precision", ["float32", "mixed"])
def test_a_teacher_is_followed(dataset: Dataset, wrong_teacher: Path, tmp_path: Path, precision: str) -> None:
    """A student that listens to nothing but such a teacher learns that."""
    student = make(
        dataset,
        precision=precision,
        teacher=str(wrong_teacher),
        distill_weight=1.0,
        epochs=15,
        eval_every=15,
        batch_size=16,
        learning_rate=0.01,
        binary_from=0.2,
    )
    fit(student, tmp_path / "student.pt")
    shifted = dataclasses.replace(dataset, test_labels=(dataset.test_labels + 1) % 10)
    right = student.test_accuracy()
    student.dataset = shifted
    assert student.test_accuracy() > 30 > right


@pytest.mark.slow
def test_compiled_training_is_training(dataset: Dataset, tmp_path: Path) -> None:
    teacher = tmp_path / "teacher.pt"
    save_checkpoint(make(dataset, "resnet", epochs=1).checkpoint(), teacher)
    plain = make(dataset, teacher=str(teacher))
    run = plain.run
    compiled = Trainer(run, dataset, config=SMALL, compiled=True)  # the last batch is not full
    losses = [trainer.train_epoch(lambda steps, line: None)["loss"] for trainer in (plain, compiled)]
    assert len(dataset.train_images) % run.settings.batch_size
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_a_teacher_of_other_classes_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, image_height=16)
    checkpoint = fit(make(dataset, "resnet", epochs=1), tmp_path / "teacher.pt")
    save_checkpoint(dataclasses.replace(checkpoint, config=config, samples=None), tmp_path / "teacher.pt")
    with pytest.raises(InputError, match="teacher's config key 'image_height': found 16, expected 8"):
        make(dataset, teacher=str(tmp_path / "teacher.pt"))


def test_averaged_weights_follow_the_trained_ones(dataset: Dataset) -> None:
    trainer = make(dataset, ema=0.5)
    trainer.train_epoch(lambda steps, status: None)
    average, network = trainer.evaluated.state_dict(), trainer.network.state_dict()
    distance = (average["head.weight"] - network["head.weight"]).norm()
    assert 0 < distance < 0.1 * network["head.weight"].norm()


def test_a_checkpoint_that_could_not_be_saved_is_refused_before_the_training(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make(dataset)
    right = trainer.unmeasured_checkpoint()
    monkeypatch.setattr(trainer, "unmeasured_checkpoint", lambda: dataclasses.replace(right, class_names=("one",)))
    with pytest.raises(InputError, match=r"a\.pt: not written: key 'class_names': found 1 names"):
        fit(trainer, tmp_path / "a.pt")
    assert trainer.epoch == 0
    assert list(tmp_path.iterdir()) == []


def test_freed_memory_is_kept_where_the_c_library_is_glibc() -> None:
    """In a process of its own: the setting outlives the call."""
    code = "from wsfracbnn.model.training.host_memory import keep_freed_memory; print(keep_freed_memory())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == str(platform.libc_ver()[0] == "glibc")
