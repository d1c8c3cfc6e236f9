# SPDX-License-Identifier: Apache-2.0
"""The `wsfracbnn` command: train, accuracy, eval; emit, sim, draw; count, card; synth, pnr.

Bad input ends with one sentence on standard error and exit code 2; a failed check with exit code 1.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler

from wsfracbnn.gen import hardware_cli, report
from wsfracbnn.gen.console import Fold, console
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.emit import emit as emit_folder
from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.gen.markdown import replace_section
from wsfracbnn.gen.solver import choose
from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.data.registry import SOURCES, load_dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.fold import fold_checkpoint

app = typer.Typer(
    help="Train a BatchNorm-free fractional binary network, emit it as Verilog, prove the two equal.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
log = logging.getLogger(__name__)

Weights = Annotated[Path, typer.Option(help="Checkpoint, .pt or .safetensors.", show_default=False)]
DataFolder = Annotated[
    Path | None, typer.Option(help="Folder with the published CIFAR files; without it they are downloaded.")
]

Compiled = Annotated[
    bool | None, typer.Option("--compile/--no-compile", help="torch.compile; default where there is a GPU.")
]
Graphs = Annotated[
    bool | None,
    typer.Option("--cuda-graphs/--no-cuda-graphs", help="Record a step as a CUDA graph; default with one GPU."),
]


@app.command()
def emit(
    weights: Weights,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default build/NAME.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="Name of the top module; default the checkpoint's.")] = None,
    fold: Fold = "auto",
    lut_inputs: Annotated[
        int, typer.Option(help="Of the target's LUTs: 4 (ECP5, iCE40) or 6 (7 series and up); shapes the adder trees.")
    ] = 4,
) -> None:
    """Checkpoint to a self-contained folder: Verilog, description, golden vectors, testbench, Makefile."""
    if lut_inputs not in (4, 6):
        raise InputError(f"--lut-inputs: found {lut_inputs}, expected 4 or 6")
    checkpoint = load_checkpoint(weights)
    description = fold_checkpoint(checkpoint, name)
    folder = out or Path("build") / description.name
    folding = choose(description, fold)
    design = emit_folder(description, folding, folder, *checkpoint.sample_arrays(), lut_inputs=lut_inputs)
    console.print(report.design_table(design))
    console.print(report.design_totals(design))
    console.print(f"written to {folder}; run it: make -C {folder} sim SIM=icarus")


@app.command()
def train(
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; options given here win.")] = None,
    dataset: Annotated[str | None, typer.Option(help=f"One of {', '.join(SOURCES)}; default digits.")] = None,
    arch: Annotated[str | None, typer.Option(help="Network: digits (default) or resnet20.")] = None,
    width: Annotated[int | None, typer.Option(help="Channels of the first stage; default 16.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="wsfracbnn (default), fracbnn (baseline with BatchNorm), fracbnn_matched (the same with all of "
            "WSFracBNN's training that is not about BatchNorm) or resnet (full-precision teacher)."
        ),
    ] = None,
    teacher: Annotated[str | None, typer.Option(help="Checkpoint to distil from.")] = None,
    start_from: Annotated[
        str | None,
        typer.Option(help="Checkpoint whose weights to begin with; a head of other classes is trained anew."),
    ] = None,
    out: Annotated[str | None, typer.Option(help="Checkpoint to write, .pt or .safetensors.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the network; default that of the dataset.")] = None,
    data: DataFolder = None,
    epochs: Annotated[int | None, typer.Option(help="Of the whole run.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting of docs/training.md; may be repeated."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto (a GPU where there is one), cpu or cuda.")] = "auto",
    compiled: Compiled = None,
    graphs: Graphs = None,
    kernels: Annotated[
        bool,
        typer.Option(
            help="On a CPU, train a binary network in mixed precision in fused kernels, where they can be built."
        ),
    ] = True,
    tensorboard: Annotated[Path | None, typer.Option(help="Folder for TensorBoard events.")] = None,
) -> None:
    """Train a network; a run that was cut off resumes from OUT.resume. Under torchrun, all processes train one."""
    from wsfracbnn.model.checkpoint import save_checkpoint
    from wsfracbnn.model.training.curves import draw_curves
    from wsfracbnn.model.training.distributed import joined_world
    from wsfracbnn.model.training.fit import fit
    from wsfracbnn.model.training.settings import make_run, parse_assignments, read_toml
    from wsfracbnn.model.training.trainer import Trainer  # imported here: training alone needs these

    values = read_toml(config) if config else {}
    options = {
        "dataset": dataset,
        "arch": arch,
        "width": width,
        "model": model,
        "teacher": teacher,
        "start_from": start_from,
        "out": out,
        "name": name,
        "epochs": epochs,
        "seed": seed,
    }
    values |= {key: value for key, value in options.items() if value is not None}
    run = make_run(values | parse_assignments(settings or []))
    path = run.checkpoint_path
    loaded = load_dataset(run.dataset, data)
    with joined_world(device) as world:
        on_gpu = world.device.type == "cuda"
        use_compile = on_gpu if compiled is None else compiled
        can_record = on_gpu and world.size == 1
        use_graphs = can_record if graphs is None else graphs
        if use_graphs and not can_record:
            raise InputError("--cuda-graphs: found no GPU or several processes, expected one process on a GPU")
        scalars = _tensorboard_writer(tensorboard) if tensorboard and world.is_first else None
        trainer = Trainer(run, loaded, world=world, compiled=use_compile, graphs=use_graphs, kernels=kernels)
        checkpoint = fit(trainer, path, scalars)
        if world.is_first:
            save_checkpoint(checkpoint, path)
            curves = draw_curves({run.network_name: path.with_name(path.stem + ".log.csv")}, path.with_suffix(".svg"))
            console.print(report.checkpoint_line(checkpoint))
            console.print(f"written to {path}, curves to {curves}")


@app.command()
def accuracy(
    plan: Annotated[Path, typer.Option(help="TOML plan of runs; configs/accuracy.toml is the full comparison.")],
    out: Annotated[Path, typer.Option(help="Folder of the checkpoints; a second call goes on there.")] = Path(
        "build/accuracy"
    ),
    data: DataFolder = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Runs side by side; default one a processor, of one thread each.")
    ] = None,
    compiled: Compiled = None,
    graphs: Graphs = None,
    results: Annotated[
        Path, typer.Option(help="JSON file of rows; those of this plan's runs are added or replaced.")
    ] = Path("results/accuracy.json"),
    page: Annotated[Path | None, typer.Option(help="Markdown file whose section 'accuracy' gets the table.")] = None,
    curves: Annotated[Path | None, typer.Option(help="Folder for the curves, a picture per dataset.")] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(help="Folder that gets each dataset's best WSFracBNN, one bit a weight, and its card."),
    ] = None,
    collect_only: Annotated[bool, typer.Option("--collect-only", help="Train nothing; use what there is.")] = False,
) -> None:
    """Train WSFracBNN, FracBNN and the ablations by a plan, and make the accuracy table from what they reach."""
    from wsfracbnn.gen.card import model_card
    from wsfracbnn.model.binarize import binarize
    from wsfracbnn.model.checkpoint import save_checkpoint
    from wsfracbnn.model.training.curves import draw_curves
    from wsfracbnn.model.training.plan import best_networks, carry_out, collect, processors, read_plan
    from wsfracbnn.model.training.plan import curves as logs_of
    from wsfracbnn.model.training.results import AccuracyResults, read_results

    earlier = read_results(results) if results.exists() else AccuracyResults()
    runs = read_plan(plan, out)
    failed = []
    if not collect_only:
        arguments = [] if data is None else ["--data", str(data)]
        if compiled is not None:
            arguments.append("--compile" if compiled else "--no-compile")
        if graphs is not None:
            arguments.append("--cuda-graphs" if graphs else "--no-cuda-graphs")
        failed = carry_out(runs, jobs or processors(), arguments, console.print)
    found = earlier.updated(collect(runs, plan.name))
    if not found.rows:
        raise InputError(f"{out}: no checkpoint of {plan} there yet, and no rows in {results}")
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(found.to_json())
    console.print(found.table(), markup=False)
    if page is not None:
        replace_section(page, "accuracy", found.text())
    if curves is not None:
        for dataset, logs in logs_of(runs).items():
            draw_curves(logs, curves / f"curves-{dataset}.svg")
    if bundle is not None:
        for name, best in best_networks(runs).items():
            published = binarize(best)
            save_checkpoint(published, bundle / f"{name}.pt")
            (bundle / f"{name}.md").write_text(model_card(published, f"{name}.pt"))
    if failed:
        raise typer.Exit(1)


def _tensorboard_writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError("--tensorboard: TensorBoard is missing, expected 'pip install tensorboard'") from None
    return SummaryWriter(folder)


@app.command(name="eval")
def evaluate(weights: Weights, data: DataFolder = None) -> None:
    """Measure a checkpoint on its dataset's whole test set, with the integer model that the hardware computes."""
    from wsfracbnn.model.measure import measure

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
def card(
    weights: Weights, out: Annotated[Path | None, typer.Option(help="Markdown file; default WEIGHTS.md.")] = None
) -> None:
    """Write the model card of a checkpoint: data, recipe, seed, accuracy, gates, load, limits."""
    from wsfracbnn.gen.card import model_card

    path = out or weights.with_suffix(".md")
    path.write_text(model_card(load_checkpoint(weights), weights.name))
    console.print(f"written to {path}")


@app.command()
def draw(
    weights: Weights,
    out: Annotated[Path, typer.Option(help="Picture to write, .svg or .png.")] = Path("build/pipeline.svg"),
    fold: Fold = "auto",
) -> None:
    """Draw the pipeline that a checkpoint becomes."""
    from wsfracbnn.gen.draw import draw_pipeline  # imported here: matplotlib takes a second

    if out.suffix not in (".svg", ".png"):
        raise InputError(f"--out: found '{out}', expected a name that ends with .svg or .png")
    description = fold_checkpoint(load_checkpoint(weights))
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_pipeline(build_design(description, choose(description, fold)), out)
    console.print(f"written to {out}")


app.command()(hardware_cli.synth)
app.command()(hardware_cli.pnr)


def _dataset_of(checkpoint: Checkpoint, data: Path | None) -> Dataset:
    name = checkpoint.training.get("dataset")
    if name not in SOURCES:
        raise InputError(f"key 'training.dataset': found {name!r}, expected one of {', '.join(SOURCES)}")
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


if __name__ == "__main__":
    main()
