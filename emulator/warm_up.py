"""Compiles kernels before they are needed: ``python -m twinbar.emulator.warm_up [training | all]``.

A crossbar of a few cells does everything once, which compiles what any crossbar needs.
"""

import sys
from typing import Final

import numpy as np

from twinbar.emulator.contract.beats import arm
from twinbar.emulator.contract.bulk_operations import PulseList, TileBlock, WriteList
from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import CrossbarConfig, build_config
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.engines.bulk.engine import FEW_STEPS, FastEngine
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.emulator.sections.write_section import WriteConfig

NARROW: Final = ArrayConfig(rows=4, columns=2)
"""Its column sums fit float32, as those of a default crossbar do."""
WIDE: Final = ArrayConfig(rows=64, columns=2, input_bits=8, grid_bits=16)
"""Its column sums need float64."""


def warm_up(what: str = "all") -> None:
    """Compile kernels, or load them where that was done before.

    Parameters
    ----------
    what : str
        ``training``: what a training on the engine fast needs at least; ``all``: the kernels for sums in float64, for
        pulses, pulse tables, cascades, and for programs too.
    """
    compile_bulk(NARROW)
    if what == "all":
        compile_bulk(WIDE)
        compile_pulses()
        compile_table_writes()
        compile_cascades()
        compile_programs()


def compile_bulk(array: ArrayConfig) -> None:
    """Compile the kernels of writes, reads and multiplications."""
    rows = array.rows
    engine = FastEngine(_crossbar(array), 1, np.array([2]))
    offsets, cell = np.array([0, 1]), np.zeros(1, np.int32)
    engine.write(WriteList(offsets, cell, np.ones(1, np.uint8)))
    engine.read(offsets, cell)
    engine.conductances_s()
    block = TileBlock(0, np.arange(rows)[None], np.array([rows]), np.array([2]), rows)
    for vectors in (1, FEW_STEPS + 1):
        engine.multiply(block, np.ones((vectors, rows), np.uint8), 1e6)


def compile_pulses() -> None:
    """Compile the kernels of pulses without reads."""
    engine = FastEngine(_crossbar(NARROW), 1, np.array([2]))
    one = np.ones(1, np.uint8)
    engine.pulse(PulseList(np.array([0, 1]), np.zeros(1, np.int32), one, one))


def compile_table_writes() -> None:
    """Compile the kernels of writes by a pulse table."""
    engine = FastEngine(_crossbar(NARROW, WriteConfig(patience=9)), 1, np.array([2]))
    engine.write(WriteList(np.array([0, 1]), np.zeros(1, np.int32), np.ones(1, np.uint8)))


def compile_cascades() -> None:
    """Compile the kernels of layers whose row tiles add their sums."""
    rows = NARROW.rows
    engine = FastEngine(_crossbar(NARROW.model_copy(update={"cascade": True})), 2, np.array([2, 2]))
    inputs = np.arange(2 * rows).reshape(2, rows)
    block = TileBlock(0, inputs, np.array([rows, rows]), np.array([2]), 2 * rows, by_column=True)
    engine.multiply(block, np.ones((1, 2 * rows), np.uint8), 1e6)


def compile_programs() -> None:
    """Compile the kernels that follow the programs of a controller."""
    config = _crossbar(NARROW)
    controller = FastController(config, config.array.controller(1))
    controller.load_cells(controller.cells())
    controller.run(Program(arm(1)))


def _crossbar(array: ArrayConfig, write: WriteConfig = WriteConfig()) -> CrossbarConfig:
    return build_config(load_preset("ideal"), DeviceConfig(levels=2), array, write=write)


def main() -> None:
    """Run the command."""
    what = sys.argv[1] if len(sys.argv) > 1 else "all"
    if what not in ("training", "all") or len(sys.argv) > 2:
        sys.exit(f"usage: python -m {__spec__.name} [training | all]")
    warm_up(what)


if __name__ == "__main__":
    main()
