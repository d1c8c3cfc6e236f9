# SPDX-License-Identifier: Apache-2.0
"""The `wsfracbnn` command: emit, train, eval, sim, count, draw.

Bad input ends with one sentence on standard error and exit code 2; a failed check with exit code 1.
"""

from __future__ import annotations

import logging
import sys
import tomllib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from wsfracbnn.gen import report
from wsfracbnn.gen.emit import emit as emit_folder
from wsfracbnn.gen.folding import choose
from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint
from wsfracbnn.model.data import DATASETS, Dataset, load_dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.fold import fold_checkpoint

app = typer.Typer(
    help="Train a BatchNorm-free fractional binary network, emit it as Verilog, prove the two equal.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 120)

Weights = Annotated[Path, typer.Option(help="Checkpoint, .pt or .safetensors.", show_default=False)]
Fold = Annotated[str, typer.Option(help="Parallelism: auto, small, fast, or a folding file (JSON).")]
DataFolder = Annotated[
    Path | None, typer.Option(help="Folder with the published CIFAR files; without it they are downloaded.")
]


@app.command()
def emit(
    weights: Weights,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default build/NAME.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="Name of the top module; default the checkpoint's.")] = None,
    fold: Fold = "auto",
) -> None:
    """Checkpoint to a self-contained folder: Verilog, description, golden vectors, testbench, Makefile."""
    checkpoint = load_checkpoint(weights)
    description = fold_checkpoint(checkpoint, name)
    folder = out or Path("build") / description.name
    design = emit_folder(description, choose(description, fold), folder, *checkpoint.sample_arrays())
    console.print(report.design_table(design))
    console.print(report.design_totals(design))
    console.print(f"written to {folder}; run it: make -C {folder} sim SIM=icarus")


def _read_settings(context: typer.Context, path: Path | None) -> Path | None:
    """A TOML file's keys become the defaults of the command's options, which the command line overrides."""
    if path is None:
        return None
    try:
        settings = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise InputError(f"{path}: not a TOML file of settings ({error})") from None
    known = sorted({str(parameter.name) for parameter in context.command.params} - {"config"})
    for key in settings:
        if key not in known:
            raise InputError(
                f"{path}: key '{key}' is unknown, expected one of {', '.join(sorted(filter(None, known)))}"
            )
    context.default_map = {**(context.default_map or {}), **settings}
    return path


@app.command()
def train(
    config: Annotated[
        Path | None,
        typer.Option(
            help="TOML file of settings, named as these options; options given here win.",
            is_eager=True,
            callback=_read_settings,
        ),
    ] = None,
    dataset: Annotated[str, typer.Option(help=f"One of {', '.join(DATASETS)}.")] = "digits",
    arch: Annotated[str, typer.Option(help="Network: digits or resnet20.")] = "digits",
    model: Annotated[str, typer.Option(help="wsfracbnn, or fracbnn (the baseline with BatchNorm).")] = "wsfracbnn",
    out: Annotated[Path, typer.Option(help="Checkpoint to write, .pt or .safetensors.")] = Path("build/digits.pt"),
    name: Annotated[str | None, typer.Option(help="Name of the network; default that of the dataset.")] = None,
    data: DataFolder = None,
    epochs: Annotated[int, typer.Option(min=1)] = 200,
    batch_size: Annotated[int, typer.Option(min=1)] = 64,
    optimizer: Annotated[str, typer.Option(help="adamw or sgd.")] = "adamw",
    learning_rate: Annotated[float, typer.Option(help="Peak of the cosine schedule.")] = 2e-3,
    weight_decay: Annotated[float, typer.Option()] = 1e-4,
    label_smoothing: Annotated[float, typer.Option()] = 0.1,
    agc: Annotated[float, typer.Option(help="Adaptive gradient clipping threshold; 0 for none.")] = 0.05,
    binary_from: Annotated[float, typer.Option(help="Fraction of the epochs trained with real weights.")] = 0.4,
    gate_target: Annotated[float, typer.Option(help="Fraction of open gates to steer to.")] = 0.4,
    shift: Annotated[int, typer.Option(help="Augmentation: random shift in pixels.")] = 1,
    flip: Annotated[bool, typer.Option("--flip", help="Augmentation: mirror at random.")] = False,
    seed: int = 1,
) -> None:
    """Train a network; a run that was cut off resumes from OUT.resume."""
    from wsfracbnn.model.checkpoint import MODELS, save_checkpoint
    from wsfracbnn.model.config import digits, resnet20  # imported here: the trainer alone needs these
    from wsfracbnn.model.train import TrainConfig, Trainer

    if model not in MODELS:
        raise InputError(f"--model: found '{model}', expected {' or '.join(MODELS)}")
    if arch not in ("digits", "resnet20"):
        raise InputError(f"--arch: found '{arch}', expected digits or resnet20")
    loaded = load_dataset(dataset, data)
    shape = digits() if arch == "digits" else resnet20(len(loaded.class_names))
    settings = TrainConfig(
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        label_smoothing=label_smoothing,
        agc=agc,
        binary_from=binary_from,
        gate_target=gate_target,
        shift=shift,
        flip=flip,
        seed=seed,
    )
    trainer = Trainer(model, shape, loaded, settings, name or dataset)
    checkpoint = trainer.run(out)
    save_checkpoint(checkpoint, out)
    console.print(report.checkpoint_line(checkpoint))
    console.print(f"written to {out}")


@app.command(name="eval")
def evaluate(weights: Weights, data: DataFolder = None) -> None:
    """Measure a checkpoint on its dataset's whole test set, with the integer model that the hardware computes."""
    from wsfracbnn.model.train import measure

    checkpoint = load_checkpoint(weights)
    description = fold_checkpoint(checkpoint)
    accuracy, fractions = measure(description, _dataset_of(checkpoint, data))
    console.print(f"{description.name}: top-1 {accuracy:.2f} % (integer model, whole test set)")
    for number, fraction in enumerate(fractions, start=1):
        console.print(f"  stage_{number:02d}  gates open {100 * fraction:5.1f} %")
    console.print(f"  mean      gates open {100 * sum(fractions) / len(fractions):5.1f} %")


@app.command()
def sim(
    weights: Annotated[Path, typer.Option(help="Checkpoint, .pt or .safetensors.")] = CHECKPOINTS / "digits.pt",
    out: Annotated[Path, typer.Option(help="Build folder; summary.json goes there.")] = Path("build/sim"),
    fold: Fold = "auto",
    simulator: Annotated[str, typer.Option(help="icarus, verilator or all.")] = "all",
    images: Annotated[
        int | None, typer.Option(min=1, help="Test images for each simulator; default 8 (Icarus), 100 (Verilator).")
    ] = None,
    data: DataFolder = None,
    tests: Annotated[str | None, typer.Option(help="Only cocotb tests whose name matches this expression.")] = None,
    waves: Annotated[
        bool, typer.Option("--waves", help="Record waveforms (.fst with Icarus, .vcd with Verilator).")
    ] = False,
    seed: int = 1,
) -> None:
    """Emit a checkpoint and run test images through the RTL; every layer is compared with the integer model."""
    from wsfracbnn.gen.regression import run_regression

    checkpoint = load_checkpoint(weights)
    dataset = _dataset_of(checkpoint, data)
    reproduce = f"wsfracbnn sim --weights {weights} --fold {fold} --seed {seed}"
    ok = run_regression(
        console,
        checkpoint,
        dataset,
        out,
        fold=fold,
        simulator=simulator,
        images=images,
        tests=tests,
        waves=waves,
        seed=seed,
        reproduce=reproduce,
    )
    if not ok:
        raise typer.Exit(1)


@app.command()
def count(
    weights: Annotated[
        Path | None, typer.Option(help="Checkpoint whose shape and measured gates to count; default ResNet-20.")
    ] = None,
    classes: Annotated[int, typer.Option(min=2, help="Classes of ResNet-20, without --weights.")] = 100,
    gate_fraction: Annotated[float, typer.Option(min=0, max=1, help="Open gates, without --weights.")] = 0.4,
    layers: Annotated[bool, typer.Option("--layers", help="One row per layer.")] = False,
) -> None:
    """Operations of one inference: FracBNN against WSFracBNN of the same shape and gate fractions."""
    from wsfracbnn.model.config import resnet20
    from wsfracbnn.model.operations import count_fracbnn, count_wsfracbnn, load_ratio

    if weights is None:
        config, gates = resnet20(classes), [gate_fraction] * len(resnet20(classes).convolutions())
    else:
        checkpoint = load_checkpoint(weights)
        config = checkpoint.config
        gates = list(checkpoint.gate_fractions or [gate_fraction] * len(config.convolutions()))
    both = {"FracBNN": count_fracbnn(config, gates), "WSFracBNN": count_wsfracbnn(config, gates)}
    for name, counted in both.items():
        if layers:
            console.print(report.layer_operations_table(name, counted))
    console.print(report.operations_table(both))
    console.print(f"load of WSFracBNN: {100 * load_ratio(both['WSFracBNN'], both['FracBNN']):.1f} % of FracBNN's")


@app.command()
def draw(
    weights: Weights,
    out: Annotated[Path, typer.Option(help="Picture to write, .svg or .png.")] = Path("build/pipeline.svg"),
    fold: Fold = "auto",
) -> None:
    """Draw the pipeline that a checkpoint becomes."""
    from wsfracbnn.gen.design import build_design
    from wsfracbnn.gen.draw import draw_pipeline  # imported here: matplotlib takes a second

    if out.suffix not in (".svg", ".png"):
        raise InputError(f"--out: found '{out}', expected a name that ends with .svg or .png")
    description = fold_checkpoint(load_checkpoint(weights))
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_pipeline(build_design(description, choose(description, fold)), out)
    console.print(f"written to {out}")


def _dataset_of(checkpoint: Checkpoint, data: Path | None) -> Dataset:
    name = checkpoint.training.get("dataset")
    if name not in DATASETS:
        raise InputError(f"key 'training.dataset': found {name!r}, expected one of {', '.join(DATASETS)}")
    return load_dataset(name, data)


def run(command: typer.Typer) -> None:
    """Run a typer application; an `InputError` becomes one sentence and exit code 2."""
    logging.basicConfig(
        level=logging.INFO, format="%(message)s", handlers=[RichHandler(show_time=False, show_path=False)]
    )
    try:
        command()
    except InputError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"error: {error}", markup=False)
        raise SystemExit(2) from None


def main() -> None:
    """Console script `wsfracbnn`."""
    run(app)
