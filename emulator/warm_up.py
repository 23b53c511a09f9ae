"""Compiles kernels before they are needed: ``python -m twinbar.emulator.warm_up [training | all]``.

A crossbar of a few cells does everything once, which compiles what any crossbar needs.
"""

import sys
from typing import Final

import numpy as np

from twinbar.emulator.contract.beats import arm
from twinbar.emulator.contract.bulk_operations import TileBlock, WriteList
from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import CrossbarConfig, Geometry, build_config
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.engines.bulk.engine import FEW_STEPS, FastEngine
from twinbar.emulator.engines.program.fast_controller import FastController

NARROW: Final = Geometry(rows=4, columns=2)
"""Its column sums fit float32, as those of a default crossbar do."""
WIDE: Final = Geometry(rows=64, columns=2, input_bits=8, grid_bits=16)
"""Its column sums need float64."""


def warm_up(what: str = "all") -> None:
    """Compile kernels, or load them where that was done before.

    Parameters
    ----------
    what : str
        ``training``: what a training on the engine fast needs at least; ``all``: the kernels for sums in float64 and
        for programs too.
    """
    compile_bulk(NARROW)
    if what == "all":
        compile_bulk(WIDE)
        compile_programs()


def compile_bulk(geometry: Geometry) -> None:
    """Compile the kernels of writes, reads and multiplications."""
    rows = geometry.rows
    engine = FastEngine(_crossbar(geometry), 1, np.array([2]))
    offsets, cell = np.array([0, 1]), np.zeros(1, np.int32)
    engine.write(WriteList(offsets, cell, np.ones(1, np.uint8)))
    engine.read(offsets, cell)
    engine.conductances_s()
    block = TileBlock(0, np.arange(rows)[None], np.array([rows]), np.array([2]), rows)
    for vectors in (1, FEW_STEPS + 1):
        engine.multiply(block, np.ones((vectors, rows), np.uint8), 1e6)


def compile_programs() -> None:
    """Compile the kernels that follow the programs of a controller."""
    config = _crossbar(NARROW)
    controller = FastController(config, config.geometry.controller(1))
    controller.load_cells(controller.cells())
    controller.run(Program(arm(1)))


def _crossbar(geometry: Geometry) -> CrossbarConfig:
    return build_config(load_preset("ideal"), geometry, levels=2, tolerance=0.5, seed=0, clock_hz=100e6, cycles={})


def main() -> None:
    """Run the command."""
    what = sys.argv[1] if len(sys.argv) > 1 else "all"
    if what not in ("training", "all") or len(sys.argv) > 2:
        sys.exit(f"usage: python -m {__spec__.name} [training | all]")
    warm_up(what)


if __name__ == "__main__":
    main()
