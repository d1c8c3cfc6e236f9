# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn train`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wsfracbnn.cli.figures import Figures
from wsfracbnn.cli.options import (
    DATASETS,
    REFUSE,
    SKIP,
    BadPictures,
    Compiled,
    DataFolder,
    Graphs,
    bundled_checkpoint,
    bundled_settings,
    datasets_begun,
    networks_begun,
    require_once,
    settings_begun,
)
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.extras import not_installed

if TYPE_CHECKING:
    from wsfracbnn.model.checkpoint import Checkpoint
    from wsfracbnn.model.data.dataset import Dataset
    from wsfracbnn.model.training.distributed import World
    from wsfracbnn.model.training.settings import Run

log = logging.getLogger(__name__)


def train(
    config: Annotated[
        Path | None,
        typer.Option(
            help="TOML file of settings, or the name of a bundled one, such as digits; options given here win.",
            callback=bundled_settings,
            autocompletion=settings_begun,
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help=f"One of {', '.join(DATASETS)}; or the path of a folder with a folder of pictures for each class, "
            "or of an .npz file. Default digits.",
            autocompletion=datasets_begun,
        ),
    ] = None,
    arch: Annotated[
        str | None,
        typer.Option(
            help="Network: digits (default) or resnet20; one of your own is a table [network] in the settings file."
        ),
    ] = None,
    width: Annotated[int | None, typer.Option(min=1, help="Channels of the first stage; default 16.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="wsfracbnn (default), fracbnn (baseline with BatchNorm), fracbnn_matched (the same with all of "
            "WSFracBNN's training that is not about BatchNorm) or resnet (full-precision teacher)."
        ),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(help="Checkpoint to distil from.", callback=bundled_checkpoint, autocompletion=networks_begun),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="Checkpoint whose weights to begin with, or the name of a bundled network; a head of other classes is "
            "trained anew.",
            callback=bundled_checkpoint,
            autocompletion=networks_begun,
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Checkpoint to write, .pt or .safetensors; default build/NAME.pt.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the network; default that of the dataset.")] = None,
    data: DataFolder = None,
    epochs: Annotated[int | None, typer.Option(help="Of the whole run.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting (docs/training.md); may be repeated."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto (a GPU where there is one), cpu or cuda.")] = "auto",
    compiled: Compiled = None,
    graphs: Graphs = None,
    kernels: Annotated[
        bool | None,
        typer.Option(
            "--kernels/--no-kernels",
            help="On a CPU, train a binary network in mixed precision in fused kernels; default where they can be.",
        ),
    ] = None,
    bad_pictures: BadPictures = REFUSE,
    tensorboard: Annotated[Path | None, typer.Option(help="Folder for TensorBoard events.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a checkpoint that is there and finished.")] = False,
) -> Figures:
    """Train a network; a run that was cut off resumes from OUT.resume. Under torchrun, all processes train one."""
    from wsfracbnn.cli import report
    from wsfracbnn.cli.console import console
    from wsfracbnn.model.training.curves import Curve, draw_curves
    from wsfracbnn.model.training.distributed import joined_world
    from wsfracbnn.model.training.effects import without_effect
    from wsfracbnn.model.training.fit import log_path
    from wsfracbnn.model.training.settings import combined, make_run, parse_assignments, read_toml

    values = read_toml(config) if config else {}
    options = {
        "dataset": dataset,
        "arch": arch,
        "width": width,
        "model": model,
        "teacher": None if teacher is None else str(teacher),
        "start_from": None if start_from is None else str(start_from),
        "out": out,
        "name": name,
        "epochs": epochs,
        "seed": seed,
    }
    given = {key: value for key, value in options.items() if value is not None}
    require_once(given, settings or [])
    values = combined(values, given, parse_assignments(settings or []))
    run = make_run(values)
    path = run.checkpoint_path
    with joined_world(device) as world, _outputs(path, tensorboard, force) if world.is_first else nullcontext():
        for sentence in without_effect(run, values) if world.is_first else ():
            log.warning(sentence)
        loaded = _dataset(run, data, bad_pictures)
        checkpoint = _train_in(world, run, loaded, compiled, graphs, kernels, tensorboard)
        if world.is_first:
            switch = run.settings.switch_epoch if run.turns_binary else None
            curve = Curve(run.network_name, "full", log_path(path), switch)
            title = f"{run.network_name}: {run.model} on {run.dataset}"
            curves = draw_curves([curve], title, path.with_suffix(".svg"))
            console.print(report.checkpoint_line(checkpoint))
            console.print(f"written to {path}, curves to {curves}", markup=False)
    return {
        "name": checkpoint.name,
        "checkpoint": str(path),
        "test_accuracy": checkpoint.test_accuracy,
        "gate_fractions": list(checkpoint.gate_fractions or ()),
    }


def _dataset(run: Run, data: Path | None, bad_pictures: str) -> Dataset:
    """What the run is trained on. data: folder of a built-in dataset's published files."""
    from wsfracbnn.model.data.dataset import Own
    from wsfracbnn.model.data.registry import is_path, load_dataset, own_source
    from wsfracbnn.model.training.learnt_from import bounds_before

    if not is_path(run.dataset):
        return load_dataset(run.dataset, data)
    if data is not None and data.resolve() != Path(run.dataset).resolve():
        raise InputError(f"--data: found '{data}', but --dataset is '{run.dataset}' itself, expected one of both")
    skips_bad, bounds = bad_pictures == SKIP, bounds_before(run)
    own = Own(run.dataset_name, run.image_shape, run.pictures, skips_bad, bounds, for_training=True)
    return own_source(Path(run.dataset)).load(own)


@contextmanager
def _outputs(path: Path, tensorboard: Path | None, force: bool) -> Iterator[None]:
    """Refuse outputs that cannot be written, or a finished checkpoint in their place; keep others from them.

    A run that was cut off and left its state is not finished, whatever its checkpoint's name holds.
    """
    from wsfracbnn.model.files import require_folder, require_writable, working_on
    from wsfracbnn.model.training.fit import log_path, resume_path

    require_writable(path, resume_path(path), log_path(path), path.with_suffix(".svg"))
    if tensorboard is not None:
        require_folder(tensorboard)
    if path.exists() and not resume_path(path).exists() and not force:
        raise InputError(f"{path}: exists and is finished, expected --force, which replaces it, or another --out")
    with working_on(path, "name another --out"):
        yield


def _train_in(
    world: World,
    run: Run,
    dataset: Dataset,
    compiled: bool | None,
    graphs: bool | None,
    kernels: bool | None,
    tensorboard: Path | None,
) -> Checkpoint:
    """The trainer lives no longer than this function, as `joined_world` asks."""
    from wsfracbnn.model.training.fit import fit
    from wsfracbnn.model.training.trainer import Trainer

    on_gpu = world.device.type == "cuda"
    use_compile = on_gpu if compiled is None else compiled
    can_record = on_gpu and world.size == 1
    use_graphs = can_record if graphs is None else graphs
    if use_graphs and not can_record:
        raise InputError("--cuda-graphs: found no GPU or several processes, expected one process on a GPU")
    scalars = _tensorboard_writer(tensorboard) if tensorboard and world.is_first else None
    trainer = Trainer(run, dataset, world=world, compiled=use_compile, graphs=use_graphs, kernels=kernels is not False)
    if kernels and not trainer.kernels:
        raise InputError(f"--kernels: {_why_no_kernels(run, world)}")
    return fit(trainer, run.checkpoint_path, scalars)


def _why_no_kernels(run: Run, world: World) -> str:
    """What stands in the way of kernels that were asked for."""
    if run.settings.precision != "mixed":
        return f"found precision '{run.settings.precision}', expected --set precision=mixed"
    if run.model == "resnet":
        return "found the model resnet, expected a binary network"
    if world.device.type != "cpu":
        return "found a GPU, expected --device cpu"
    return "the network is too large for them, or they cannot be built here (a line above says why)"


def _tensorboard_writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise not_installed(["tensorboard"], "tensorboard") from None
    return SummaryWriter(folder)
