# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn cost`: what a shape of network will cost, before it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wsfracbnn.cli.figures import Figures
from wsfracbnn.cli.options import bundled_settings, devices_begun, require_once, settings_begun
from wsfracbnn.gen.devices import DEVICES, device_named

if TYPE_CHECKING:
    from wsfracbnn.model.config import NetworkConfig
    from wsfracbnn.model.description import NetworkDescription
    from wsfracbnn.model.training.settings import Run

SEED = 1
"""Of the constants that stand in for trained ones."""


def cost(
    config: Annotated[
        Path | None,
        typer.Option(
            help="TOML file of settings, as `train` takes it, with a table [network] or an arch; or a bundled name.",
            callback=bundled_settings,
            autocompletion=settings_begun,
        ),
    ] = None,
    arch: Annotated[str | None, typer.Option(help="Network: digits (default) or resnet20.")] = None,
    width: Annotated[int | None, typer.Option(min=1, help="Channels of the first stage; default 16.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting, such as network.widths=[16,32]; may be repeated."),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(min=2, help="Number of classes; default the dataset's.", show_default=False)
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help=f"One of {', '.join(DEVICES)}; default all of them.", autocompletion=devices_begun, show_default=False
        ),
    ] = None,
    fold: Annotated[
        str | None,
        typer.Option(help="Parallelism, as for `emit`; default the fastest that fits each device.", show_default=False),
    ] = None,
    gate_fraction: Annotated[float, typer.Option(min=0, max=1, help="Gates that will be open.")] = 0.4,
    mhz: Annotated[float, typer.Option(min=0.001, max=10_000, help="Clock of the images a second.")] = 100.0,
) -> Figures:
    """Tell what a shape costs before it is trained: parameters, operations, LUTs, images/s on a device."""
    devices = [device_named(device)] if device is not None else list(DEVICES.values())

    from wsfracbnn.cli import report
    from wsfracbnn.cli.console import console
    from wsfracbnn.gen.sizing.cost import device_cost
    from wsfracbnn.model.operations import count_fracbnn, count_wsfracbnn, load_ratio, total
    from wsfracbnn.model.training.settings import combined, make_run, parse_assignments, read_toml

    given = {key: value for key, value in (("arch", arch), ("width", width)) if value is not None}
    require_once(given, settings or [])
    run = make_run(combined(read_toml(config) if config else {}, given, parse_assignments(settings or [])))
    shape = run.config(_classes_of(run) if classes is None else classes)
    gates = [gate_fraction] * len(shape.convolutions())
    ours, theirs = count_wsfracbnn(shape, gates), count_fracbnn(shape, gates)
    ratio = load_ratio(ours, theirs)
    description = _stand_in(shape, gates, run.network_name)
    with console.status("looking for foldings"):
        costs = [device_cost(description, one, fold) for one in devices]
    console.print(report.shape_line(shape))
    if run.model != "wsfracbnn":
        console.print(f"What follows is of a WSFracBNN of this shape, not of the settings' '{run.model}'.")
    console.print(report.operations_table({"WSFracBNN": ours}))
    console.print(f"load: {100 * ratio:.1f} % of FracBNN's of the same shape and gates")
    if device is not None and costs[0].design is not None:
        console.print(report.design_table(costs[0].design))
    console.print(report.device_table(costs, mhz))
    if device is not None and costs[0].refusal:
        console.print(costs[0].refusal)
    console.print(
        "Areas are estimates; constants that training will choose are random here. Clocks are not estimated: --mhz "
        "says which (ECP5 reaches 100 to 150, iCE40 UltraPlus 30)."
    )
    return {
        "config": shape.to_dict(),
        "gate_fraction": gate_fraction,
        "operations": total(ours).to_json() | {"share_of_fracbnn_load": round(ratio, 4)},
        "mhz": mhz,
        "devices": [one.to_json(mhz) for one in costs],
    }


def _classes_of(run: Run) -> int:
    """Of the dataset that the settings name."""
    from wsfracbnn.model.data.registry import SOURCES, own_source

    if run.dataset in SOURCES:
        return SOURCES[run.dataset].classes
    return len(own_source(Path(run.dataset)).class_names)


def _stand_in(shape: NetworkConfig, gates: list[float], name: str) -> NetworkDescription:
    """A network of that shape with random constants."""
    from wsfracbnn.model.lower import lower_network
    from wsfracbnn.model.random_network import random_network

    names = tuple(str(number) for number in range(shape.classes))
    return lower_network(random_network(shape, SEED, wild=False), name, names, tuple(gates))
