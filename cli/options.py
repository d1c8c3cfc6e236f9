# SPDX-License-Identifier: Apache-2.0
"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from wsfracbnn.gen.devices import DEVICES
from wsfracbnn.gen.locations import CHECKPOINTS, CONFIGS
from wsfracbnn.model.errors import InputError, shown


def _by_name(path: Path | None, option: str, folder: Path, suffix: str, what: str, names: Iterable[str]) -> Path | None:
    """What an option names: a file, or a bundled one by its name without the suffix."""
    if path is None or path.suffix or path.name != str(path) or path.is_file():
        return path
    bundled = folder / f"{path}{suffix}"
    if bundled.is_file():
        return bundled
    raise InputError(f"{option}: found {shown(str(path))}, expected {what} or one of {', '.join(sorted(names))}")


def bundled_or_file(param: typer.CallbackParam, weights: Path | None) -> Path | None:
    """A checkpoint's path, for what an option names: a file, a bundled network by its name, or an emitted folder.

    Raises:
        InputError: it looks like a name, and there is neither a file nor a network of that name.
    """
    if weights is not None and (weights / "net.json").is_file() and not (CHECKPOINTS / f"{weights}.pt").is_file():
        return weights
    return bundled_checkpoint(param, weights)


def bundled_checkpoint(param: typer.CallbackParam, path: Path | None) -> Path | None:
    """The path of a checkpoint, or of a bundled one by its name.

    Raises:
        InputError: it looks like a name, and there is neither a file nor a network of that name.
    """
    return _by_name(path, param.opts[0], CHECKPOINTS, ".pt", "a checkpoint's file", _networks())


def bundled_or_folder(path: Path) -> Path:
    """The same where folders are expected as well: the name of a bundled network counts where nothing else has it."""
    bundled = CHECKPOINTS / f"{path}.pt"
    return bundled if path.name == str(path) and not path.exists() and bundled.is_file() else path


def bundled_settings(param: typer.CallbackParam, config: Path | None) -> Path | None:
    """The path of a file of settings, or of a bundled one by its name."""
    return _by_name(config, param.opts[0], CONFIGS, ".toml", "a TOML file", _configs(plans=False))


def bundled_plan(param: typer.CallbackParam, plan: Path) -> Path | None:
    """The path of a plan of runs, or of a bundled one by its name."""
    return _by_name(plan, param.opts[0], CONFIGS, ".toml", "a TOML file", _configs(plans=True))


def _configs(plans: bool) -> Iterator[str]:
    return (path.stem for path in CONFIGS.glob("*.toml") if ("[[run]]" in path.read_text("utf-8")) == plans)


def require_once(given: Mapping[str, Any], assignments: Sequence[str]) -> None:
    """Refuse a setting that is given twice on the command line: one of both would have no effect."""
    keys = [assignment.partition("=")[0].strip() for assignment in assignments]
    for number, key in enumerate(keys):
        if key in given:
            raise InputError(f"--set: key '{key}' is given by --{key.replace('_', '-')} too, expected one of both")
        if key in keys[:number]:
            raise InputError(f"--set: key '{key}' is given twice, expected once")


def begun(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """For the shell's completion: those of the names that begin as what was typed.

    Where none does, the shell completes files, so that an option that takes both needs no more.
    """

    def complete(incomplete: str) -> list[str]:
        return sorted(name for name in names() if name.startswith(incomplete))

    return complete


def _networks() -> Iterator[str]:
    return (path.stem for path in CHECKPOINTS.glob("*.pt"))


def _folds() -> Iterable[str]:
    """Loaded where a shell asks, and not by every command."""
    from wsfracbnn.gen.sequential.size import WORD
    from wsfracbnn.gen.sizing.presets import PRESETS
    from wsfracbnn.gen.stages.folding import UNROLLED

    return (*PRESETS, UNROLLED, WORD)


networks_begun = begun(_networks)
settings_begun = begun(lambda: _configs(plans=False))
plans_begun = begun(lambda: _configs(plans=True))
devices_begun = begun(lambda: DEVICES)
folds_begun = begun(_folds)

WEIGHTS_HELP = "Checkpoint, .pt or .safetensors, or the name of a bundled network, such as digits"

DESCRIBED_HELP = f"{WEIGHTS_HELP}; or an emitted folder, for which PyTorch is not needed"

Described = Annotated[
    Path,
    typer.Option(
        help=f"{DESCRIBED_HELP}.", callback=bundled_or_file, autocompletion=networks_begun, show_default=False
    ),
]

Weights = Annotated[
    Path,
    typer.Option(help=f"{WEIGHTS_HELP}.", callback=bundled_or_file, autocompletion=networks_begun, show_default=False),
]

DataFolder = Annotated[
    Path | None,
    typer.Option(
        help="Folder with the dataset's published files, without which they are downloaded; or the folder or .npz file "
        "of your own pictures, where a network was trained on some.",
    ),
]

DATASETS = ("digits", "cifar10", "cifar100", "mnist", "fashion_mnist", "svhn")
"""The built-in ones, as model/data/registry.py has them, which loads too much for a help text."""

datasets_begun = begun(lambda: DATASETS)

SKIP, REFUSE = "skip", "refuse"


def _skip_or_refuse(value: str) -> str:
    if value not in (SKIP, REFUSE):
        raise InputError(f"--bad-pictures: found {shown(value)}, expected {REFUSE} or {SKIP}")
    return value


BadPictures = Annotated[
    str,
    typer.Option(
        help="What to do with pictures of your own that cannot be read: refuse or skip; either names and counts them.",
        callback=_skip_or_refuse,
    ),
]

FOLD_HELP = (
    "Parallelism: auto, small, fast, unrolled, cycles=N an image, rate=IMAGES@MHZ, luts=N@FAMILY, device=NAME, "
    "sequential or sequential=PExSIMD (one engine for all layers), or a folding file (JSON)."
)

Fold = Annotated[str, typer.Option(help=FOLD_HELP, autocompletion=folds_begun)]

FoldOrOwn = Annotated[
    str | None,
    typer.Option(
        help=f"{FOLD_HELP} Default: that of an emitted folder, else auto.",
        autocompletion=folds_begun,
        show_default=False,
    ),
]
"""Of commands that take an emitted folder as well."""

LutInputs = Annotated[
    int | None,
    typer.Option(
        help="Of the target's LUTs: 4 (ECP5, iCE40) or 6 (7 series and up); shapes the adder trees. Default: those of "
        "the family that the folding is for, or 4.",
        show_default=False,
    ),
]

Compiled = Annotated[
    bool | None, typer.Option("--compile/--no-compile", help="torch.compile; default where there is a GPU.")
]

Graphs = Annotated[
    bool | None,
    typer.Option("--cuda-graphs/--no-cuda-graphs", help="Record a step as a CUDA graph; default with one GPU."),
]
