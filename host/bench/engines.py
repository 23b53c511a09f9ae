"""Measurements of the engines that run programs, next to the fast one on the same write list."""

import time
from functools import partial
from statistics import median
from typing import Any, Final

from twinbar.emulator import beats
from twinbar.emulator.activity import Activity
from twinbar.emulator.controller_engine import ControllerEngine
from twinbar.emulator.engine import Engine
from twinbar.emulator.fast.controller import FastController
from twinbar.emulator.program import Program
from twinbar.host.bench.workloads import OneLevelMoves
from twinbar.host.experiment.build import engine_maker
from twinbar.hw.actions import Action
from twinbar.hw.errors import ToolMissingError
from twinbar.hw.protocol.vocabulary import Opcode
from twinbar.hw.timing import Phase

CELLS: Final = {"fast": 16384, "rtl": 4096, "events": 256, "pysim": 16}
"""Cells of the write list, by how fast an engine is."""
KEYS: Final = {"rtl": "rtl_cycles_per_s", "pysim": "pysim_cycles_per_s", "events": "events_phases_per_s"}
REPEATS: Final = 3


def phases_of_writes(activity: Activity, samples: int) -> int:
    """Give how many phases writes went through: stretches of cycles, not cycles."""
    writes = activity.actions[Action.WRITE_OK] + activity.actions[Action.WRITE_FAILED]
    reads = activity.actions[Action.CONVERT_VERIFY] // samples
    pulses = activity.actions[Action.PULSE_SET] + activity.actions[Action.PULSE_RESET]
    # select and respond; settle, convert and decide of each read; settle of each drive update; pulse and recover
    return int(2 * writes + 3 * reads + activity.actions[Action.DRIVE_UPDATE] + 2 * pulses)


def measure_engine(name: str) -> dict[str, float]:
    """Measure closed-loop writes on one tile: cycles, phases and cells per second."""
    moves = OneLevelMoves(tiles=1, make_engine=engine_maker(name), first_cells=CELLS[name])
    engine: Engine = moves.engine
    rates: list[tuple[float, float, float]] = []
    for repeat in range(REPEATS + 1):
        todo = moves.next_list(CELLS[name])
        began = time.perf_counter()
        activity = engine.write(todo).activity
        seconds = time.perf_counter() - began
        if repeat:
            phases = phases_of_writes(activity, engine.config.timing.samples)
            rates.append((int(activity.phases.sum()) / seconds, phases / seconds, len(todo) / seconds))
    cycles, phases_per_s, cells = (median(values) for values in zip(*rates, strict=True))
    return {"cycles": cycles, "phases": phases_per_s, "cells": cells}


def measure_engines() -> dict[str, Any]:
    """Measure every engine; null with a reason where one cannot run here."""
    result: dict[str, Any] = {"not_measured": {}}
    rates = {"fast": measure_engine("fast")}
    for name, key in KEYS.items():
        try:
            rates[name] = measure_engine(name)
            result[key] = rates[name]["phases" if name == "events" else "cycles"]
        except (ToolMissingError, ModuleNotFoundError) as missing:
            result[key] = None
            result["not_measured"][key] = str(missing)
    for key, (faster, slower) in {"fast_over_rtl": ("fast", "rtl"), "rtl_over_pysim": ("rtl", "pysim")}.items():
        known = faster in rates and slower in rates
        result[key] = rates[faster]["cycles"] / rates[slower]["cycles"] if known else None
    return result


def measure_scaling() -> dict[str, Any]:
    """Give how much more four tiles write in the same cycles than one by one; the machine does not matter."""
    moves = OneLevelMoves(tiles=4)
    alone, together = 0, 0
    for _ in range(REPEATS):
        activity = moves.engine.write(moves.next_list()).activity
        together += activity.cycles + activity.link_cycles
        # Alone, a tile waits for nobody.
        alone += int(activity.phases.sum() - activity.phases[[Phase.IDLE, Phase.STALL]].sum())
    return {"four_tiles_over_one": alone / together}


def measure_link() -> dict[str, Any]:
    """Give the bytes per write that a list of one tile takes on a serial link, both ways, frames left out."""
    from twinbar.hw.link.commands import encode
    from twinbar.hw.link.responses import ResponseEncoder
    from twinbar.hw.link.widths import Widths

    # The fast engine does not make beats; its controller does.
    moves = OneLevelMoves(
        tiles=1, make_engine=partial(ControllerEngine, make=FastController), first_cells=CELLS["fast"]
    )
    engine = moves.engine
    assert isinstance(engine, ControllerEngine)
    geometry = engine.config.geometry
    controller = geometry.controller(1)
    widths = Widths(1, controller.rows, controller.columns, controller.adc_bits, controller.sum_bits)
    todo = moves.next_list()
    commands = beats.on_cells(Opcode.WRITE, todo.offsets, todo.cells, geometry.columns, level=todo.levels)
    answers = engine.controller.run(Program(commands)).responses
    encoder = ResponseEncoder(widths)
    bits = sum(encoder.encode(int.from_bytes(answer.tobytes(), "little"))[1] for answer in answers)
    return {"link_bytes_per_write": (len(encode(commands, widths)) + bits / 8) / len(todo)}
