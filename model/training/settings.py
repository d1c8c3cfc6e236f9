# SPDX-License-Identifier: Apache-2.0
"""What a training run is: settings with their defaults, read from TOML and the command line, kept in the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SkipValidation

from wsfracbnn.model.config import ARCHITECTURES, MAX_WIDTH, NetworkConfig, NetworkTable
from wsfracbnn.model.data.preparation import AS_USUAL, Pictures
from wsfracbnn.model.data.registry import dataset_label
from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.names import module_name, require_name, require_suffix
from wsfracbnn.model.reading import check_fields, checked, checked_values, one_of, parse_toml, printable
from wsfracbnn.model.reading import read_toml as read_table

NotNegative = Annotated[float, Field(ge=0, le=1e6)]
FileName = Annotated[str, Field(max_length=1000), AfterValidator(printable)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
"""Bounds beyond any use, which keep products of settings finite in float32 and counts within memory."""

NETWORK, PICTURES = TABLES = ("network", "pictures")
"""Keys of the tables: a network of one's own, and what is done to pictures."""

FEWEST_CLASSES = 2
"""A network's shape is checked for so many where the dataset's are not known yet."""

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
        binary_rate: peak of step two's schedule, as a share of learning_rate.
        stream_rate: rate of the parameters that are in units of WSFracBNN's residual stream (thresholds, gains, biases)
            against that of the others, for a stream of standard deviation 1; it grows with the deviation that the
            stream is expected to have in a stage, since an Adam step is as long whatever a parameter's size. 0: all
            alike.
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
        validation_share: of each class's training images, held out and measured in place of the test images, so that
            settings can be chosen without these; 0: none.
        eval_every: epochs between two measurements of test accuracy; 0: each epoch of up to 30, else every tenth.
            The last one is always measured.
        seed: of the weights, the order of the images and the augmentation.
    """

    epochs: Count = 60
    batch_size: Count = 64
    optimizer: Annotated[str, one_of("adamw", "adam", "sgd")] = "adamw"
    learning_rate: Annotated[float, Field(gt=0, le=1000)] = 2e-3
    momentum: Annotated[float, Field(gt=0, lt=1)] = 0.9
    schedule: Annotated[str, one_of("cosine", "step")] = "cosine"
    binary_rate: Annotated[float, Field(gt=0, le=1000)] = 1.0
    stream_rate: NotNegative = 1.0
    weight_decay: NotNegative = 1e-4
    binary_weight_decay: Annotated[float, Field(ge=-1e6, le=1e6)] = -1.0
    warmup_epochs: NotNegative = 1.0
    binary_from: Share = 0.4
    label_smoothing: Annotated[float, Field(ge=-1e6, le=1)] = -1.0
    agc: NotNegative = 0.05
    weight_window: NotNegative = 0.0
    gate_start: Annotated[float, Field(ge=-1000, le=1000)] = 0.25
    gate_target: Share = 0.4
    gate_weight: NotNegative = 1.0
    gate_into_sum: bool = True
    distill_weight: Share = 0.9
    temperature: Annotated[float, Field(ge=0.001, le=1e6)] = 4.0
    distill_logits: Annotated[str, one_of("raw", "standardized")] = "raw"
    distill_views: Annotated[int, Field(ge=0, le=10_000)] = 0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_standardization: bool = True
    shift: Annotated[int, Field(ge=0, le=4096)] = 1
    flip: bool = False
    cutout: Annotated[int, Field(ge=0, le=4096)] = 0
    mix: Annotated[str, one_of("none", "mixup", "cutmix")] = "none"
    mix_alpha: Annotated[float, Field(ge=0.001, le=1e6)] = 1.0
    precision: Annotated[str, one_of("float32", "mixed")] = "float32"
    validation_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    eval_every: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1

    def __post_init__(self) -> None:
        check_fields(self, "setting")
        for key, neutral in (("mix", "none"), ("cutout", 0)):
            if self.distill_views != 0 and getattr(self, key) != neutral:
                raise InputError(
                    f"setting '{key}': found {shown(getattr(self, key))}, expected {neutral} with distill_views: "
                    "the teacher's kept answers are to shifted and mirrored images"
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
        dataset: the name of a built-in one, or the path of pictures or of an .npz file.
        model, arch, width: what is trained; width, unless 0, replaces the first stage's channels.
        network: the shape, in place of `arch` and `width`. pictures: how pictures become images.
        name: of the network; that of the dataset where empty.
        out: checkpoint to write; build/NAME.pt where empty.
        teacher: checkpoint of the teacher, or empty.
        start_from: checkpoint whose weights the run begins with, or empty.
    """

    dataset: FileName = "digits"
    model: Annotated[str, one_of("wsfracbnn", "fracbnn", "fracbnn_matched", "resnet")] = "wsfracbnn"
    arch: Annotated[str, one_of(*ARCHITECTURES)] = "digits"
    width: Annotated[int, Field(ge=0, le=MAX_WIDTH)] = 0
    name: str = ""
    out: FileName = ""
    teacher: FileName = ""
    start_from: FileName = ""
    network: Annotated[NetworkTable | None, SkipValidation] = None
    pictures: Annotated[Pictures, SkipValidation] = AS_USUAL
    settings: Annotated[TrainConfig, SkipValidation] = TrainConfig()

    def __post_init__(self) -> None:
        check_fields(self, "setting")
        self.config(FEWEST_CLASSES)
        require_name(self.network_name, "setting 'name'" if self.name else "setting 'dataset'")
        require_suffix(self.checkpoint_path, "setting 'out'")

    @property
    def network_name(self) -> str:
        return self.name or module_name(self.dataset_name)

    @property
    def dataset_name(self) -> str:
        """What a checkpoint says of where its images are from."""
        return dataset_label(self.dataset)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and colours of an image."""
        return self.config(FEWEST_CLASSES).image_shape

    @property
    def checkpoint_path(self) -> Path:
        return Path(self.out or f"build/{self.network_name}.pt")

    def config(self, classes: int) -> NetworkConfig:
        """The network's shape for a number of classes."""
        if self.network is not None:
            return self.network.config(classes)
        build = ARCHITECTURES[self.arch]
        return build(classes, self.width) if self.width else build(classes)  # type: ignore[call-arg]

    @property
    def turns_binary(self) -> bool:
        """Whether there is a second step, with binary weights: a full-precision network has the first alone."""
        return self.model != "resnet"

    @property
    def label_smoothing(self) -> float:
        """Of the cross entropy, the default resolved."""
        given = self.settings.label_smoothing
        return given if given >= 0 else 0.0 if self.teacher else 0.1

    def record(self) -> dict[str, Any]:
        """Plain values for the checkpoint: everything that the result depends on."""
        return {
            "dataset": self.dataset_name,
            "model": self.model,
            "arch": self.arch if self.network is None else "own",
            "width": self.width,
            "teacher": Path(self.teacher).name,
            "start_from": Path(self.start_from).name,
        } | (asdict(self.settings) | {"label_smoothing": self.label_smoothing})


OF_RUN = tuple(f.name for f in fields(Run) if f.name not in ("settings", *TABLES))
KEYS = (*OF_RUN, *(f.name for f in fields(TrainConfig)), *TABLES)


def read_toml(path: Path) -> dict[str, Any]:
    """The settings in a TOML file, checked by name, type and range."""
    values = read_table(path, "a TOML file of settings")
    try:
        found = checked_settings(values)
        _tables_of(found)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return found


def parse_assignments(assignments: list[str]) -> dict[str, Any]:
    """`KEY=VALUE` strings of the command line, VALUE being TOML or a bare word; KEY may be `TABLE.KEY`."""
    values: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise InputError(f"--set: found {shown(assignment)}, expected KEY=VALUE")
        try:
            value = parse_toml(f"value = {text}")["value"]
        except InputError:
            value = text
        outer, dot, inner = key.strip().partition(".")
        values = combined(values, checked_settings({outer: {inner: value} if dot else value}))
    return values


def combined(*sources: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of several sources, of which the later ones win, in tables key by key."""
    values: dict[str, Any] = {}
    for source in sources:
        tables = {key: {**values.get(key, {}), **source[key]} for key in TABLES if key in source}
        values |= {**source, **tables}
    return values


def checked_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a run by name, each of the type and in the range that its field says.

    Tables are tables here and no more: `make_run` checks them when all sources are together.

    Raises:
        InputError: one is unknown, of another type or out of range.
    """
    for key in values:
        if key not in KEYS:
            raise InputError(f"key '{key}' is unknown, expected one of {', '.join(sorted(KEYS))}")
    tables = {key: value for key, value in values.items() if key in TABLES}
    for key, value in tables.items():
        if not isinstance(value, dict):
            raise InputError(f"key '{key}': found {shown(value)}, expected a table of keys")
    return {
        **checked_values(Run, {k: v for k, v in values.items() if k in OF_RUN}),
        **checked_values(TrainConfig, {k: v for k, v in values.items() if k not in (*OF_RUN, *TABLES)}),
        **tables,
    }


def make_run(values: Mapping[str, Any]) -> Run:
    """A run from checked settings by name; what is not named keeps its default.

    Raises:
        InputError: a table is not what it must be, or settings do not fit each other.
    """
    settings = TrainConfig(**{k: v for k, v in values.items() if k not in (*OF_RUN, *TABLES)})
    return Run(**{k: v for k, v in values.items() if k in OF_RUN}, **_tables_of(values), settings=settings)


def _tables_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The tables among settings, checked."""
    tables: dict[str, Any] = {}
    if PICTURES in values:
        tables[PICTURES] = checked(Pictures, values[PICTURES], within=PICTURES)
    if NETWORK in values:
        for key in ("arch", "width"):
            if key in values:
                raise InputError(
                    f"setting '{key}': found {shown(values[key])} beside the table [network], expected one"
                )
        tables[NETWORK] = checked(NetworkTable, values[NETWORK], within=NETWORK)
        tables[NETWORK].config(FEWEST_CLASSES)
    return tables
