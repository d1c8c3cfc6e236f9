# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn train`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wsfracbnn.cli.options import Compiled, DataFolder, Graphs
from wsfracbnn.model.errors import InputError

if TYPE_CHECKING:
    from wsfracbnn.model.checkpoint import Checkpoint
    from wsfracbnn.model.data.dataset import Dataset
    from wsfracbnn.model.training.distributed import World
    from wsfracbnn.model.training.settings import Run


def train(
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; options given here win.")] = None,
    dataset: Annotated[str | None, typer.Option(help="One of digits, cifar10, cifar100; default digits.")] = None,
    arch: Annotated[str | None, typer.Option(help="Network: digits (default) or resnet20.")] = None,
    width: Annotated[int | None, typer.Option(min=1, help="Channels of the first stage; default 16.")] = None,
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
    force: Annotated[bool, typer.Option("--force", help="Replace a checkpoint that is there and finished.")] = False,
) -> None:
    """Train a network; a run that was cut off resumes from OUT.resume. Under torchrun, all processes train one."""
    from wsfracbnn.cli import report
    from wsfracbnn.cli.console import console
    from wsfracbnn.model.data.registry import load_dataset
    from wsfracbnn.model.training.curves import draw_curves
    from wsfracbnn.model.training.distributed import joined_world
    from wsfracbnn.model.training.fit import log_path
    from wsfracbnn.model.training.settings import make_run, parse_assignments, read_toml

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
    given = {key: value for key, value in options.items() if value is not None}
    _require_once(given, settings or [])
    run = make_run(values | given | parse_assignments(settings or []))
    path = run.checkpoint_path
    with joined_world(device) as world, _outputs(path, tensorboard, force) if world.is_first else nullcontext():
        loaded = load_dataset(run.dataset, data)
        checkpoint = _train_in(world, run, loaded, compiled, graphs, kernels, tensorboard)
        if world.is_first:
            curves = draw_curves({run.network_name: log_path(path)}, path.with_suffix(".svg"))
            console.print(report.checkpoint_line(checkpoint))
            console.print(f"written to {path}, curves to {curves}", markup=False)


def _require_once(given: Mapping[str, Any], assignments: Sequence[str]) -> None:
    """Refuse a setting that is given twice on the command line: one of both would have no effect."""
    keys = [assignment.partition("=")[0].strip() for assignment in assignments]
    for number, key in enumerate(keys):
        if key in given:
            raise InputError(f"--set: key '{key}' is given by --{key.replace('_', '-')} too, expected one of both")
        if key in keys[:number]:
            raise InputError(f"--set: key '{key}' is given twice, expected once")


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
    kernels: bool,
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
    trainer = Trainer(run, dataset, world=world, compiled=use_compile, graphs=use_graphs, kernels=kernels)
    return fit(trainer, run.checkpoint_path, scalars)


def _tensorboard_writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError("--tensorboard: TensorBoard is missing, expected 'pip install tensorboard'") from None
    return SummaryWriter(folder)
