"""Cycles per second of the rtl engine on closed-loop writes, with cycles skipped and with every cycle evaluated.

    python benchmarks/rtl_cycles.py [--tiles 1] [--tiles 16] [--writes 2000] [--rounds 5]

On the configuration in benchmarks/reference.toml, as `twinbar bench` has it. Cells and levels are random. Both ways run
the same programs in turn, and their results must be the same; of the rounds the quickest counts, by the time that the
process itself has used.
"""

import time
from functools import partial
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.rtl.rtl_controller import RtlController
from twinbar.host.bench.workloads import reference_crossbar
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.vocabulary import Opcode


def measure(config: CrossbarConfig, tiles: int, writes: int, rounds: int) -> dict[str, float]:
    """Return the quickest rate of both ways, in cycles per second summed over tiles."""
    mapped = np.full(tiles, config.array.columns)
    ways = {
        name: ControllerEngine(config, tiles, mapped, make=partial(RtlController, every_cycle=every_cycle)).controller
        for name, every_cycle in {"skipping": False, "every cycle": True}.items()
    }
    rng = np.random.default_rng(1)
    quickest = dict.fromkeys(ways, 0.0)
    for _ in range(rounds):
        n = writes * tiles
        todo = pack(
            Opcode.WRITE,
            np.arange(n) % tiles,
            row=rng.integers(0, config.array.rows, n),
            column=rng.integers(0, config.array.columns, n),
            level=rng.integers(0, len(config.levels), n),
        )
        responses = []
        for way, engine in ways.items():
            begin = time.process_time()
            result = engine.run(Program(todo))
            quickest[way] = max(quickest[way], result.cycles * tiles / (time.process_time() - begin))
            responses.append((result.responses.tolist(), result.response_cycles.tolist(), result.cycles))
        assert responses[0] == responses[1]
    return quickest


def main(
    tiles: Annotated[list[int] | None, typer.Option(help="numbers of tiles")] = None,
    writes: Annotated[int, typer.Option(help="writes of each tile in a round")] = 2000,
    rounds: int = 5,
) -> None:
    """Measure and print the table."""
    config = reference_crossbar()
    table = Table(title="rtl engine, closed-loop writes: cycles/s, summed over tiles")
    for column in ("tiles", "skipping", "every cycle", "ratio"):
        table.add_column(column, justify="right")
    for number in tiles or [1, 16]:
        rates = measure(config, number, writes, rounds)
        fast, slow = rates["skipping"], rates["every cycle"]
        table.add_row(str(number), f"{fast:.3g}", f"{slow:.3g}", f"{fast / slow:.2f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
