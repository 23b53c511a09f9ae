"""Cycles per second of the rtl engine on closed-loop writes, with cycles skipped and with every cycle evaluated.

    python benchmarks/rtl_cycles.py [--tiles 1] [--tiles 16] [--writes 2000] [--rounds 5]

Tiles of 128 rows and columns at 100 MHz, TaOx/HfOx cells: 16 cycles of settling, 16 of conversion by one 8-bit ADC,
pulses of 5, 4 to recover. Cells and levels are random. Both ways run the same programs in turn, and their results must
be the same; of the rounds the quickest counts, by the time that the process itself has used.
"""

import time
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from twinbar.emulator.configuration import CrossbarConfig, Geometry, build_config
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.program import Program
from twinbar.emulator.rtl.controller import RtlController
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.packing import pack, triple, unpack
from twinbar.hw.protocol.registers import BY_NAME, LEVEL_BASE, NO_LIMIT
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record

SIZE = 128
LEVELS = 16
CYCLES = {"select": 1, "settle_read": 16, "settle_drive": 16, "settle_multiply": 16, "convert": 16, "recover": 4}


def crossbar() -> CrossbarConfig:
    return build_config(
        load_preset("taox-hfox"),
        Geometry(rows=SIZE, columns=SIZE),
        levels=LEVELS,
        tolerance=0.5,
        seed=1,
        clock_hz=100e6,
        cycles={**CYCLES, "samples": 1},
    )


def set_up(config: CrossbarConfig, tile: int) -> list[np.ndarray]:
    """Give the beats that make a tile ready to write."""
    drive, timing = config.registers, config.timing
    lines = {
        Record.SET: (drive.set_amplitude, None, drive.set_gate),
        Record.RESET: (None, drive.reset_amplitude, drive.reset_gate),
    }
    registers = {name.upper(): cycles for name, cycles in CYCLES.items()} | {"PULSE_LIMIT": drive.limit}
    for record, ramps in lines.items():
        for field in ("start", "step", "stop"):
            codes = triple(*(0 if ramp is None else getattr(ramp, field) for ramp in ramps))
            registers[f"{record.name}_{'CODES' if field == 'start' else field.upper()}"] = codes
        registers[f"{record.name}_HIGH"] = triple(4095, 4095, 4095)
        width = timing.width_set if record is Record.SET else timing.width_reset
        registers[f"{record.name}_WIDTH"] = width | NO_LIMIT << WIDTH_BITS
    beats = [
        pack(Opcode.WRITE_REGISTER, tile, address=BY_NAME[name].address, value=value)
        for name, value in registers.items()
    ]
    windows = zip(config.levels.low.tolist(), config.levels.high.tolist(), strict=True)
    beats += [
        pack(Opcode.WRITE_REGISTER, tile, address=LEVEL_BASE + level, value=low | high << 16)
        for level, (low, high) in enumerate(windows)
    ]
    return [*beats, pack(Opcode.ARM, tile, mode=Mode.WRITE)]


def measure(config: CrossbarConfig, tiles: int, writes: int, rounds: int) -> dict[str, float]:
    """Give the quickest rate of both ways, in cycles per second summed over tiles."""
    controller = ControllerConfig(tiles=tiles, rows=SIZE, columns=SIZE)
    ways = {
        "skipping": RtlController(config, controller),
        "every cycle": RtlController(config, controller, every_cycle=True),
    }
    ready = Program(np.concatenate([beat for tile in range(tiles) for beat in set_up(config, tile)]))
    for engine in ways.values():
        assert not unpack(engine.run(ready).responses)["status"].any()
    rng = np.random.default_rng(1)
    quickest = dict.fromkeys(ways, 0.0)
    for _ in range(rounds):
        n = writes * tiles
        todo = pack(
            Opcode.WRITE,
            np.arange(n) % tiles,
            row=rng.integers(0, SIZE, n),
            column=rng.integers(0, SIZE, n),
            level=rng.integers(0, LEVELS, n),
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
    config = crossbar()
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
