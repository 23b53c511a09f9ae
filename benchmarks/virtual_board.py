"""Real-time factor of virtual boards on closed-loop writes: cycles per second, at bit level and with words.

    python benchmarks/virtual_board.py [--board icebreaker] [--size 32] [--writes 500] [--rounds 3]

The board has the parts of its wiring, 12-bit DACs that settle for 7 us among them, and cells of 1 us pulses; in the
last row it emulates its array instead. The host and the board run in this process in turn; of the rounds the quickest
counts, by the processor time of the board alone.
"""

import time
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from twinbar.boards.core_of_board import core_of
from twinbar.boards.known_boards import find
from twinbar.boards.wiring import find_wiring
from twinbar.emulator.contract import beats
from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.host.board.emulated_board import emulated_core, emulated_run
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.transport.link import Link
from twinbar.host.virtual.virtual_array import array_of
from twinbar.host.virtual.virtual_line import VirtualLine
from twinbar.hw.protocol.packing import pack, unpack
from twinbar.hw.protocol.vocabulary import Opcode, Status

CYCLES = {"timing.select": 4, "timing.settle_read": 4, "timing.settle_drive": 85, "timing.settle_multiply": 4}
"""What the parts of the iCEBreaker's wiring need at 12 MHz."""
LEVELS = 16


class TimedLine(VirtualLine):
    """A line that counts the processor time that the board takes."""

    seconds = 0.0

    def read(self, timeout_s: float) -> bytes:
        begin = time.process_time()
        data = super().read(timeout_s)
        self.seconds += time.process_time() - begin
        return data


def measure(board: CompiledBoard, writes: int, rounds: int, setup: np.ndarray, size: int) -> tuple[float, float]:
    """Return the quickest rate in cycles per second, and the share of the cycles that were evaluated."""
    line = TimedLine(board)
    link = Link(line)
    assert not unpack(link.run(setup))["status"].any()
    rng = np.random.default_rng(1)
    best, share = 0.0, 1.0
    for _ in range(rounds):
        places = {"row": rng.integers(0, size, writes), "column": rng.integers(0, size, writes)}
        cycle, evaluated, seconds = board.cycle, board.evaluated_cycles, line.seconds
        answers = link.run(pack(Opcode.WRITE, 0, level=rng.integers(0, LEVELS, writes), **places))
        assert set(unpack(answers)["status"].tolist()) <= {Status.OK.value, Status.FAILED.value}
        cycles = board.cycle - cycle
        best = max(best, cycles / (line.seconds - seconds))
        share = (board.evaluated_cycles - evaluated) / cycles
    assert board.complaints()[0] == 0
    return best, share


def main(
    board: str = "icebreaker",
    size: Annotated[int, typer.Option(help="rows, and columns")] = 32,
    writes: Annotated[int, typer.Option(help="of a round")] = 500,
    rounds: int = 3,
) -> None:
    """Measure and print the table."""
    found = find(board)
    core = core_of(found, find_wiring(found.wiring), rows=size, columns=size)
    array = array_of(core, None, CYCLES)
    table = Table(title=f"virtual {found.title}, {size} x {size} cells, closed-loop writes")
    for column in ("level", "cycles/s", "real-time factor", "evaluated"):
        table.add_column(column, justify="left" if column == "level" else "right")
    for name, words in (("bit level", False), ("words (--fast)", True)):
        rate, share = measure(CompiledBoard(core, array, words=words), writes, rounds, beats.configure(array, 1), size)
        table.add_row(name, f"{rate:.3g}", f"{rate / core.link.clock_hz:.2f}", f"{share:.0%}")
    run = emulated_run(found, None, {"array.rows": size, "array.columns": size})
    core, array = emulated_core(found, run), build_crossbar(run)
    rate, share = measure(CompiledBoard(core), writes, rounds, beats.configure(array, 1), size)
    table.add_row("bit level, array emulated", f"{rate:.3g}", f"{rate / core.link.clock_hz:.2f}", f"{share:.0%}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
