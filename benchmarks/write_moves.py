"""What the write algorithms of a configuration take on the engine `fast`: one-level moves, and the first programming.

    python benchmarks/write_moves.py taox-hfox preset distance+first+patience strong+first+compare
    python benchmarks/write_moves.py --first taox-hfox preset distance

Algorithms have the short names of ``twinbar compare --writes``. Each row is a mean per write, over 16 levels and one
tile of sound cells that differ, priced by the table macro-65nm.
"""

from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from twinbar.emulator.contract.bulk_operations import WriteList, WriteResult
from twinbar.emulator.crossbar.configuration import CrossbarConfig, build_config
from twinbar.emulator.devices.layout import FAULT_NONE
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.ledger.energy_table import load_energy_table
from twinbar.emulator.ledger.ledger import Ledger
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.emulator.sections.write_section import WriteConfig
from twinbar.host.experiment.write_names import write_named

LEVELS = 16
ROUNDS = 4
"""Moves of every cell; the first one is not counted, since cells begin where such a move has left them."""
ATTEMPTS = 9
"""Further writes of cells that the first programming did not bring to their level."""
COLUMNS = {
    "pulses": ".2f", "p99": ".0f", "reads": ".2f", "updates": ".2f", "energy": ".1f", "adc": ".1f", "drive": ".1f",
    "cycles": ".0f", "error": ".3f", "failed": ".2%",
}  # fmt: skip


def figures(config: CrossbarConfig, results: list[WriteResult], errors: np.ndarray) -> dict[str, float]:
    """Return means per write: counts, pJ, cycles of the tile, and the root mean square error in levels."""
    ledger = Ledger.of_crossbar(load_energy_table("macro-65nm"), config, 1)
    for result in results:
        ledger.add("write", result.activity)
    done, pulses = ledger.summary(), np.concatenate([one.sets.astype(int) + one.resets for one in results])
    writes, parts, phases = done["cell_writes"], done["energy_breakdown_j"], done["phase_cycles"]["write"]
    return {
        "pulses": pulses.mean(),
        "p99": np.percentile(pulses, 99),
        "reads": phases["decide"] / writes,
        "updates": done["actions"]["drive_update"] / writes,
        "energy": 1e12 * done["energy_j"]["write"] / writes,
        "adc": 1e12 * (parts["adc_verify"] + parts.get("compare", 0.0)) / writes,
        "drive": 1e12 * parts["drive"] / writes,
        "cycles": sum(cycles for phase, cycles in phases.items() if phase not in ("idle", "stall")) / writes,
        "error": float(np.sqrt(np.mean(errors**2))),
        "failed": done["failed_writes"] / writes,
    }


class MovedCells:
    """The sound cells of a tile, all written at once."""

    def __init__(self, preset: str, name: str) -> None:
        write = write_named(name, WriteConfig())
        self.config = build_config(load_preset(preset), DeviceConfig(levels=LEVELS), write=write, seed=1)
        self.engine = FastEngine(self.config, 1, np.array([self.config.array.columns]))
        faults = self.engine.state_dict()["fault"][0]
        self.cells = np.flatnonzero(faults == FAULT_NONE).astype(np.int32)

    def write(self, some: np.ndarray, levels: np.ndarray, held: np.ndarray | None, *, initial: bool) -> WriteResult:
        """Write some of the cells, by their number."""
        known = None if held is None else held.astype(np.int16)
        offsets = np.array([0, len(some)])
        return self.engine.write(WriteList(offsets, self.cells[some], levels.astype(np.uint8), known, initial))

    def errors(self, levels: np.ndarray) -> np.ndarray:
        """Return the true distance of every cell to the middle of its level, in levels."""
        cells = self.config.cells
        seen = self.engine.conductances_s().ravel()[self.cells]
        return (seen - cells.g_min_s) / (cells.g_max_s - cells.g_min_s) * (LEVELS - 1) - levels


def run(preset: str, name: str, *, first: bool) -> dict[str, float]:
    """Program cells to random levels, and move them by one level again and again."""
    cells, rng = MovedCells(preset, name), np.random.default_rng(5)
    every = np.arange(len(cells.cells))
    held = rng.integers(0, LEVELS, len(every))
    programmed = cells.write(every, held, None, initial=True)
    if first:
        return figures(cells.config, [programmed], cells.errors(held))
    failed = every[~programmed.ok]
    for _ in range(ATTEMPTS):
        if len(failed):
            failed = failed[~cells.write(failed, held[failed], None, initial=True).ok]
    results, errors = [], []
    for number in range(ROUNDS):
        move = rng.choice([-1, 1], len(every))
        new = np.where((held + move < 0) | (held + move >= LEVELS), held - move, held + move)
        order = rng.permutation(len(every))
        done = cells.write(order, new[order], held[order], initial=False)
        held = new
        if number:
            results.append(done)
            errors.append(cells.errors(held))
    return figures(cells.config, results, np.concatenate(errors))


def main(
    preset: str,
    algorithms: list[str],
    first: Annotated[bool, typer.Option(help="The first programming instead of one-level moves.")] = False,
) -> None:
    """Print what each algorithm takes per write."""
    what = "first programming" if first else "one-level moves"
    table = Table("algorithm", *COLUMNS, title=f"{preset}: {what}, per write")
    for name in algorithms:
        found = run(preset, name, first=first)
        table.add_row(name, *(format(found[key], form) for key, form in COLUMNS.items()))
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(main)
