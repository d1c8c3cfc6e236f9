# SPDX-License-Identifier: Apache-2.0
"""The trainer: two-step schedule, adaptive gradient clipping, cosine learning rate, exact resume.

Step one trains with 2-bit activations and standardized real weights, step two with binary weights ("BNN - BN = ?",
arXiv 2104.08215, section 4); the quantized scales, slopes and residual stream are in the forward pass throughout.
"""

from __future__ import annotations

import csv
import logging
import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.nn import functional as F

from wsfracbnn.gen.description import NetworkDescription
from wsfracbnn.model import integer
from wsfracbnn.model.augment import random_flip, random_shift
from wsfracbnn.model.checkpoint import MODELS, AnyNetwork, Checkpoint
from wsfracbnn.model.clipping import clip_gradients_adaptively
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data import Dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.fold import fold_network
from wsfracbnn.model.network import WSFracBNN

log = logging.getLogger(__name__)

SAMPLES = 8
"""Test images that travel inside the checkpoint, so that an emitted folder can prove itself on real data."""


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one run; stored in the checkpoint.

    Attributes:
        binary_from: fraction of the epochs after which weights turn binary (step two).
        learning_rate: peak of the cosine, which restarts at step two; warmup_epochs rise linearly to it.
        agc: adaptive gradient clipping threshold (lambda), 0 for none.
        gate_target, gate_weight: the loss gains gate_weight * (gate fraction - gate_target)^2, summed over stages.
        shift, flip: augmentation, in pixels and on or off.
    """

    epochs: int = 60
    batch_size: int = 64
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warmup_epochs: float = 1.0
    binary_from: float = 0.4
    label_smoothing: float = 0.1
    agc: float = 0.05
    gate_target: float = 0.4
    gate_weight: float = 1.0
    shift: int = 1
    flip: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        if self.optimizer not in ("adamw", "sgd"):
            raise InputError(f"setting 'optimizer': found '{self.optimizer}', expected 'adamw' or 'sgd'")
        if self.epochs < 1 or self.batch_size < 1:
            raise InputError("settings 'epochs' and 'batch_size': expected at least 1")
        if not 0 <= self.binary_from <= 1:
            raise InputError(f"setting 'binary_from': found {self.binary_from}, expected 0 to 1")


class Trainer:
    """Trains one network on one dataset; `run` returns the checkpoint."""

    def __init__(self, model: str, config: NetworkConfig, dataset: Dataset, settings: TrainConfig, name: str) -> None:
        self.model, self.config, self.dataset, self.settings, self.name = model, config, dataset, settings, name
        shape = (config.image_height, config.image_width, config.image_channels)
        if dataset.train_images.shape[1:] != shape or len(dataset.class_names) != config.classes:
            raise InputError(
                f"dataset '{dataset.name}' has images of {dataset.train_images.shape[1:]} in "
                f"{len(dataset.class_names)} classes, the network expects {shape} in {config.classes}"
            )
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(settings.seed)
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.images = _to_tensor(dataset.train_images).to(self.device)
        self.labels = torch.from_numpy(dataset.train_labels).to(self.device)
        self.network: AnyNetwork = MODELS[model](config).to(self.device)
        self.network.calibrate(self.images[torch.randperm(len(self.images), generator=self.generator)[:512]])
        self.epoch = 0
        self._new_optimizer()

    def _new_optimizer(self) -> None:
        s = self.settings
        decayed = [p for n, p in self.network.named_parameters() if n.endswith("conv.weight") or n == "head.weight"]
        others = [p for p in self.network.parameters() if all(p is not d for d in decayed)]
        groups = [{"params": decayed, "weight_decay": s.weight_decay}, {"params": others, "weight_decay": 0.0}]
        if s.optimizer == "adamw":
            self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(groups, lr=s.learning_rate)
        else:
            self.optimizer = torch.optim.SGD(groups, lr=s.learning_rate, momentum=s.momentum, nesterov=True)

    @property
    def _switch_epoch(self) -> int:
        return round(self.settings.epochs * self.settings.binary_from)

    def _learning_rate(self, progress: float) -> float:
        """Cosine within each of the two steps; `progress` counts epochs with their fraction."""
        switch, epochs = self._switch_epoch, self.settings.epochs
        start, end = (0, switch) if progress < switch else (switch, epochs)
        warmup = min(1.0, (progress - start + 0.01) / max(self.settings.warmup_epochs, 0.01))
        floor = 0.1 if end == switch else 0.0  # step one hands over before it has cooled down
        cosine = 0.5 * (1 + math.cos(math.pi * (progress - start) / max(end - start, 1)))
        return self.settings.learning_rate * warmup * (floor + (1 - floor) * cosine)

    def _train_epoch(self, advance: Callable[[], None]) -> dict[str, float]:
        s = self.settings
        if self.epoch == self._switch_epoch and self.epoch > 0:
            self._new_optimizer()  # step two starts with fresh moments
        self.network.set_binary_weights(self.epoch >= self._switch_epoch)
        self.network.train()
        convolutions = [p for n, p in self.network.named_parameters() if n.endswith("conv.weight")]
        order = torch.randperm(len(self.images), generator=self.generator)
        batches = torch.split(order, s.batch_size)
        loss_sum = correct = gate_sum = 0.0
        for step, batch in enumerate(batches):
            rate = self._learning_rate(self.epoch + step / len(batches))
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            index = batch.to(self.device)
            images, labels = random_shift(self.images[index], s.shift, self.generator), self.labels[index]
            if s.flip:
                images = random_flip(images, self.generator)
            logits = self.network(images)
            gates = self.network.gate_means()
            loss = F.cross_entropy(logits, labels, label_smoothing=s.label_smoothing)
            self.optimizer.zero_grad()
            (loss + s.gate_weight * (gates - s.gate_target).square().sum()).backward()  # type: ignore[no-untyped-call]
            if s.agc > 0:
                clip_gradients_adaptively(convolutions, s.agc)
            self.optimizer.step()
            loss_sum += float(loss.detach()) * len(batch)
            correct += float((logits.argmax(1) == labels).sum())
            gate_sum += float(gates.detach().mean()) * len(batch)
            advance()
        self.epoch += 1
        n = len(self.images)
        return {"loss": loss_sum / n, "train_accuracy": 100 * correct / n, "gate_fraction": gate_sum / n, "lr": rate}

    def run(self, out: Path) -> Checkpoint:
        """Train to the end, resuming from `<out>.resume` where it exists; Ctrl-C saves there and stops.

        Writes `<out stem>.log.csv`, a line per epoch. The caller saves the returned checkpoint.
        """
        resume = out.with_name(out.name + ".resume")
        log_file = out.with_name(out.stem + ".log.csv")
        out.parent.mkdir(parents=True, exist_ok=True)
        if resume.is_file():
            self._load_state(resume)
            log.info("resumed from %s at epoch %d", resume, self.epoch)
        columns = TextColumn("{task.fields[status]}")
        with (
            _interruptible() as interrupted,
            Progress(TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), columns) as bar,
        ):
            per_epoch = math.ceil(len(self.images) / self.settings.batch_size)
            task = bar.add_task("", total=self.settings.epochs * per_epoch, completed=self.epoch * per_epoch, status="")
            while self.epoch < self.settings.epochs:
                row = {"epoch": self.epoch + 1} | self._train_epoch(lambda: bar.advance(task))
                row["test_accuracy"] = self.test_accuracy()
                bar.update(
                    task,
                    status=f"loss {row['loss']:.3f}  test {row['test_accuracy']:.2f} %  "
                    f"gates {row['gate_fraction']:.2f}",
                )
                _append_row(log_file, row)
                self._save_state(resume)
                if interrupted():
                    raise KeyboardInterrupt
        checkpoint = self.checkpoint()
        resume.unlink()
        return checkpoint

    @torch.no_grad()
    def test_accuracy(self) -> float:
        """Percent of the test images that the eval forward classifies correctly."""
        self.network.eval()
        correct = 0
        test_images, labels = _to_tensor(self.dataset.test_images), torch.from_numpy(self.dataset.test_labels)
        for images, expected in zip(torch.split(test_images, 500), torch.split(labels, 500), strict=True):
            correct += int((self.network(images.to(self.device)).argmax(1).cpu() == expected).sum())
        return 100.0 * correct / len(labels)

    def checkpoint(self) -> Checkpoint:
        """The network as it stands, measured on the whole test set (by the integer model for WSFracBNN)."""
        network = self.network.cpu().eval()
        accuracy, fractions = self.test_accuracy(), None
        if isinstance(network, WSFracBNN):
            description = fold_network(network, self.name, self.dataset.class_names)
            accuracy, measured = measure(description, self.dataset)
            fractions = tuple(measured)
        spread = np.linspace(0, len(self.dataset.test_images) - 1, SAMPLES).astype(int)
        return Checkpoint(
            name=self.name,
            model=self.model,
            config=self.config,
            state={k: v.detach().clone() for k, v in network.state_dict().items()},
            class_names=self.dataset.class_names,
            training={"dataset": self.dataset.name} | asdict(self.settings),
            test_accuracy=accuracy,
            gate_fractions=fractions,
            samples={
                "images": torch.from_numpy(self.dataset.test_images[spread].copy()),
                "labels": torch.from_numpy(self.dataset.test_labels[spread].copy()),
            },
        )

    def _identity(self) -> dict[str, Any]:
        """What a resume file must agree with."""
        settings = asdict(self.settings)
        return {
            "model": self.model,
            "config": self.config.to_dict(),
            "dataset": self.dataset.name,
            "settings": settings,
        }

    def _save_state(self, path: Path) -> None:
        state = {
            "identity": self._identity(),
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "torch_rng": torch.get_rng_state(),
        }
        temporary = path.with_name(path.name + ".partial")
        torch.save(state, temporary)
        temporary.replace(path)

    def _load_state(self, path: Path) -> None:
        state = torch.load(path, map_location=self.device, weights_only=True)
        mine, theirs = self._identity(), state["identity"]
        for key, value in mine.items():
            if theirs.get(key) != value:
                raise InputError(
                    f"{path}: belongs to another run (its {key} is {theirs.get(key)}, this run's is {value}); "
                    "delete it to start anew"
                )
        self.network.load_state_dict(state["network"])
        self.epoch = state["epoch"]
        self._new_optimizer()
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"].cpu())
        torch.set_rng_state(state["torch_rng"].cpu())


def measure(description: NetworkDescription, dataset: Dataset) -> tuple[float, list[float]]:
    """Integer-model top-1 in percent and the gate fraction of each gated stage, on the whole test set."""
    correct, fractions, total = 0, np.zeros(len(description.convs)), len(dataset.test_labels)
    for start in range(0, total, 500):
        trace = integer.run(description, dataset.test_images[start : start + 500])
        correct += int((trace.classes == dataset.test_labels[start : start + 500]).sum())
        fractions += np.array(trace.gate_fractions()) * len(trace.classes)
    return 100.0 * correct / total, [float(f) for f in fractions / total]


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a flag, so that the epoch under way is finished and saved; a second one stops."""
    pressed = False

    def handle(signum: int, frame: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        log.warning("stopping after this epoch; press Ctrl-C again to stop at once")

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, previous)


def _append_row(path: Path, row: dict[str, Any]) -> None:
    fresh = not path.exists() or row["epoch"] == 1
    with path.open("w" if fresh else "a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def _to_tensor(images: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
    """(N, H, W, C) uint8 array to (N, C, H, W) tensor."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
