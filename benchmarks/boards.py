"""What the bitstream of every board uses of its FPGA, and the clock that it reaches: a table in Markdown.

    python benchmarks/boards.py [BOARD ...]

Runs `twinbar board build` for one board after the other, with the wiring that it takes by default. What was built of
the same inputs before is not built again. Seconds are the processor's, for synthesis, placement, routing and packing.
"""

import json
import subprocess
import sys
from typing import Annotated, Any

import typer

from twinbar.boards.known_boards import boards, find
from twinbar.hw.errors import ConfigError

LOGIC = ("ICESTORM_LC", "TRELLIS_COMB", "LUT4")
MEMORY = ("ICESTORM_RAM", "DP16KD", "BSRAM")
PINS = ("SB_IO", "TRELLIS_IO")
"""As the tools for iCE40, ECP5 and Gowin call them; those for Gowin count no pins."""
COMMAND = [sys.executable, "-c", "from twinbar.host.cli import main; main()", "board", "build", "--json"]


def share(used: dict[str, list[int]], kinds: tuple[str, ...]) -> str:
    """Say how much is used of the one of these kinds that the FPGA has; nothing where its tools count none."""
    found = [used[kind] for kind in kinds if kind in used]
    return ", ".join(f"{some:,} of {all_:,} ({some / all_:.0%})" for some, all_ in found)


def row(result: dict[str, Any]) -> list[str]:
    """Return the cells of a board's row."""
    clock = min(result["clocks"].values(), key=lambda clock: clock["achieved_hz"] / clock["wanted_hz"])
    return [
        f"`{result['board']}`",
        result["device"],
        *(share(result["used"], kinds) for kinds in (LOGIC, MEMORY, PINS)),
        *(f"{clock[key] / 1e6:.1f} MHz" for key in ("wanted_hz", "achieved_hz")),
        f"{result['seconds']:.0f} s",
    ]


def show(cells: list[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def main(names: Annotated[list[str] | None, typer.Argument(metavar="[BOARD]...")] = None) -> None:
    """Build and print the table."""
    try:
        chosen = [find(name).name for name in names or boards()]
    except ConfigError as error:
        sys.exit(f"Error: {error}")
    heads = ["board", "FPGA", "logic", "block RAMs", "I/O cells", "clock", "reached", "processor time"]
    show(heads)
    show(["---"] * len(heads))
    failed = False
    for name in chosen:
        done = subprocess.run([*COMMAND, name], stdout=subprocess.PIPE, text=True, check=False)
        # A bitstream that is too slow has its figures too; the reason of any failure stands on standard error.
        failed |= done.returncode != 0
        show(row(json.loads(done.stdout)) if done.stdout else [f"`{name}`", *["-"] * (len(heads) - 1)])
    raise typer.Exit(failed)


if __name__ == "__main__":
    typer.run(main)
