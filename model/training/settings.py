# SPDX-License-Identifier: Apache-2.0
"""What a training run is: settings with their defaults, read from TOML and the command line, kept in the checkpoint."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from wsfracbnn.model.config import ARCHITECTURES
from wsfracbnn.model.errors import InputError

CHOICES: dict[str, tuple[str, ...]] = {
    "model": ("wsfracbnn", "fracbnn", "fracbnn_matched", "resnet"),
    "arch": tuple(ARCHITECTURES),
    "optimizer": ("adamw", "adam", "sgd"),
    "schedule": ("cosine", "step"),
    "distill_logits": ("raw", "standardized"),
    "mix": ("none", "mixup", "cutmix"),
    "precision": ("float32", "mixed"),
}

EVERY_EPOCH_UP_TO, EVAL_EVERY = 30, 10
"""Runs of more epochs than that are measured every tenth epoch: it must not take a notable part of their time."""


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one run.

    Attributes:
        epochs, batch_size: of the whole run; the batch is the global one, whatever the number of processes.
        optimizer: adamw (decoupled weight decay), adam (L2) or sgd (Nesterov).
        learning_rate: peak of the schedule, which restarts at step two; warmup_epochs rise linearly to it.
        schedule: cosine; or step, FracBNN's own: linear to 0 in step one, then tenfold drops at 40, 60 and 80 % of
            step two (cifar10.py of its release).
        weight_decay: of convolutions and head; binary_weight_decay, unless negative, replaces it in step two.
        binary_from: fraction of the epochs after which weights turn binary (step two).
        label_smoothing: of the cross entropy; negative: 0.1, or 0 where a teacher is given, whose answers are soft
            already.
        agc: adaptive gradient clipping threshold (lambda), 0 for none (arXiv 2102.06171).
        weight_window: |z| beyond which a sign's straight-through gradient is zero, z being the weights of unit size; 0
            for none. FracBNN by its own recipe keeps its 1.3 of raw weights.
        gate_start: initial gate threshold in units of sqrt(fan_in); 100 never opens a gate (1-bit).
        gate_into_sum: whether a gate's gradient flows into its sum S_m too, not into its threshold alone.
        gate_target, gate_weight: the loss gains gate_weight * (gate fraction - gate_target)^2, summed over stages.
        distill_weight, temperature: weight of the teacher's loss against that of the labels, and its softmax
            temperature (Hinton et al., arXiv 1503.02531); used where a teacher is given.
        distill_logits: what the softmaxes take: raw logits, or standardized ones (arXiv 2403.01427).
        distill_views: 0 asks the teacher at every step; more: each image is seen in so many fixed views only, whose
            answers are computed once and kept beside the teacher's checkpoint (arXiv 2112.01528).
        ema: decay per step of the averaged weights that are evaluated and saved; 0 for none.
        weight_standardization: scaled WS in WSFracBNN; False only for the ablation.
        shift, flip, cutout: augmentation; pixels, on or off, side of the square in pixels (arXiv 1708.04552).
        mix, mix_alpha: none, mixup (arXiv 1710.09412) or cutmix (arXiv 1905.04899), with its Beta parameter.
        precision: float32, or mixed: 16-bit convolutions whose binary sums stay exact (networks/mixed_precision.py).
        eval_every: epochs between two measurements of test accuracy; 0: each epoch of up to 30, else every tenth.
            The last one is always measured.
        seed: of the weights, the order of the images and the augmentation.
    """

    epochs: int = 60
    batch_size: int = 64
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    momentum: float = 0.9
    schedule: str = "cosine"
    weight_decay: float = 1e-4
    binary_weight_decay: float = -1.0
    warmup_epochs: float = 1.0
    binary_from: float = 0.4
    label_smoothing: float = -1.0
    agc: float = 0.05
    weight_window: float = 0.0
    gate_start: float = 0.25
    gate_target: float = 0.4
    gate_weight: float = 1.0
    gate_into_sum: bool = True
    distill_weight: float = 0.9
    temperature: float = 4.0
    distill_logits: str = "raw"
    distill_views: int = 0
    ema: float = 0.0
    weight_standardization: bool = True
    shift: int = 1
    flip: bool = False
    cutout: int = 0
    mix: str = "none"
    mix_alpha: float = 1.0
    precision: str = "float32"
    eval_every: int = 0
    seed: int = 1

    def __post_init__(self) -> None:
        def require(ok: bool, key: str, expected: str) -> None:
            if not ok:
                raise InputError(f"setting '{key}': found {getattr(self, key)!r}, expected {expected}")

        for key in ("optimizer", "schedule", "distill_logits", "mix", "precision"):
            require(getattr(self, key) in CHOICES[key], key, " or ".join(CHOICES[key]))
        for key in ("epochs", "batch_size"):
            require(getattr(self, key) >= 1, key, "at least 1")
        for key in ("binary_from", "gate_target", "distill_weight"):
            require(0 <= getattr(self, key) <= 1, key, "0 to 1")
        require(self.label_smoothing <= 1, "label_smoothing", "at most 1")
        for key in ("agc", "gate_weight", "weight_window", "weight_decay", "shift", "cutout", "warmup_epochs"):
            require(getattr(self, key) >= 0, key, "at least 0")
        for key in ("eval_every", "distill_views"):
            require(getattr(self, key) >= 0, key, "at least 0")
        for key in ("learning_rate", "temperature", "mix_alpha"):
            require(getattr(self, key) > 0, key, "more than 0")
        require(0 <= self.ema < 1, "ema", "0 to less than 1")
        for key, neutral in (("mix", "none"), ("cutout", 0)):
            require(
                self.distill_views == 0 or getattr(self, key) == neutral,
                key,
                f"{neutral} with distill_views: the teacher's kept answers are to shifted and mirrored images",
            )

    @property
    def switch_epoch(self) -> int:
        """First epoch of step two."""
        return round(self.epochs * self.binary_from)

    def evaluates(self, epoch: int) -> bool:
        """Whether test accuracy is measured after `epoch` (from 1)."""
        every = self.eval_every or (1 if self.epochs <= EVERY_EPOCH_UP_TO else EVAL_EVERY)
        return epoch % every == 0 or epoch == self.epochs


@dataclass(frozen=True)
class Run:
    """One training run: what is trained on what, and with which settings.

    Attributes:
        dataset, model, arch, width: what is trained on what; width, unless 0, replaces the first stage's channels.
        name: of the network; that of the dataset where empty.
        out: checkpoint to write; build/NAME.pt where empty.
        teacher: checkpoint of the teacher, or empty.
        start_from: checkpoint whose weights the run begins with, or empty.
    """

    dataset: str = "digits"
    model: str = "wsfracbnn"
    arch: str = "digits"
    width: int = 0
    name: str = ""
    out: str = ""
    teacher: str = ""
    start_from: str = ""
    settings: TrainConfig = TrainConfig()

    def __post_init__(self) -> None:
        for key in ("model", "arch"):
            if getattr(self, key) not in CHOICES[key]:
                raise InputError(f"setting '{key}': found {getattr(self, key)!r}, expected {' or '.join(CHOICES[key])}")
        if self.width < 0:
            raise InputError(f"setting 'width': found {self.width}, expected at least 0")

    @property
    def network_name(self) -> str:
        return self.name or self.dataset

    @property
    def checkpoint_path(self) -> Path:
        return Path(self.out or f"build/{self.network_name}.pt")

    @property
    def label_smoothing(self) -> float:
        """Of the cross entropy, the default resolved."""
        given = self.settings.label_smoothing
        return given if given >= 0 else 0.0 if self.teacher else 0.1

    def record(self) -> dict[str, Any]:
        """Plain values for the checkpoint: everything that the result depends on."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "arch": self.arch,
            "width": self.width,
            "teacher": Path(self.teacher).name,
            "start_from": Path(self.start_from).name,
        } | (asdict(self.settings) | {"label_smoothing": self.label_smoothing})


_DEFAULTS: dict[str, Any] = {
    f.name: f.default for cls in (Run, TrainConfig) for f in fields(cls) if f.name != "settings"
}


def read_toml(path: Path) -> dict[str, Any]:
    """The settings in a TOML file, checked by name and type."""
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise InputError(f"{path}: not a TOML file of settings ({error})") from None
    try:
        return {key: _typed(key, value) for key, value in values.items()}
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def parse_assignments(assignments: list[str]) -> dict[str, Any]:
    """`KEY=VALUE` strings of the command line, VALUE being TOML or a bare word."""
    values: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise InputError(f"--set: found '{assignment}', expected KEY=VALUE")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        values[key.strip()] = _typed(key.strip(), value)
    return values


def make_run(values: Mapping[str, Any]) -> Run:
    """A run from checked settings by name; what is not named keeps its default."""
    of_run = {f.name for f in fields(Run)}
    settings = TrainConfig(**{k: v for k, v in values.items() if k not in of_run})
    return Run(**{k: v for k, v in values.items() if k in of_run}, settings=settings)


def _typed(key: str, value: Any) -> Any:
    if key not in _DEFAULTS:
        raise InputError(f"key '{key}' is unknown, expected one of {', '.join(sorted(_DEFAULTS))}")
    expected = type(_DEFAULTS[key])
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not expected:
        kinds = {int: "an integer", float: "a number", str: "a string", bool: "true or false"}
        raise InputError(f"key '{key}': found {value!r}, expected {kinds[expected]}")
    return value
