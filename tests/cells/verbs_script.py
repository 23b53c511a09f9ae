"""One script of all verbs, and what it must give whatever runs the cells."""

from typing import Any

import numpy as np

from twinbar.emulator.crossbar.write_registers import Ramp
from twinbar.host.cells.bias_record import BiasRecord
from twinbar.host.cells.verbs import Cells

WAITING = ("idle", "stall")
"""Cycles that depend on when commands arrive and responses are taken: on a board, the link's."""


def run_script(cells: Cells) -> dict[str, Any]:
    """Use every verb; gives all that it returned, by name."""
    config = cells.config
    assert config is not None
    last, scale, rng = cells.tiles - 1, cells.scale, np.random.default_rng(2)
    found: dict[str, Any] = {}
    cells.arm()
    found["written"] = cells.write_levels([[1, 2, 3], [3, 0, 1]], [[0], [2]], [0, 1, 3], tile=[[0], [last]])
    found["read"] = cells.read(tile=np.arange(cells.tiles))
    found["siemens"] = cells.read_conductance([0, 1, 2], 1, tile=last)
    found["pulsed"] = cells.pulse("set", [0, 1], [[1], [2]], count=[1, 2])
    set_ramp, gate = config.registers.set_amplitude, config.registers.set_gate
    width = config.timing.width_set
    cells.set_record("form", BiasRecord(set_ramp, Ramp(0, 0, 0), Ramp(gate.stop, 0, gate.stop), width_cycles=width))
    cells.arm("write")
    found["formed"] = cells.form(1, [0, 1], [0, 1], tile=last)
    inputs = rng.integers(0, config.array.input_max + 1, (2, cells.rows))
    top = 0.3 * cells.rows * config.array.step_input_max * scale.g_max_s
    found["products"] = cells.multiply(inputs, tile=np.arange(cells.tiles)[:, None], full_scale_s=top)
    found["curve"] = cells.iv_sweep([0, 0], [0, 1], 1, samples=2, tile=last)
    asked = rng.uniform(scale.g_min_s, scale.g_max_s, 3)
    found["conductances"] = cells.write_conductance(asked, [0, 1, 2], [1, 0, 1], tile=last)
    found["faults"] = [cells.faults(tile) for tile in range(cells.tiles)]
    found["safe"] = cells.safe()
    cells.arm("read")
    found["at the end"] = cells.read(0, [0, 1])
    cells.disarm()
    found["counters"] = cells.counters(np.arange(cells.tiles))
    found["cost"] = cells.cost
    return found


def flat(found: Any, path: str = "") -> dict[str, Any]:
    """Results as plain numbers, by where they are."""
    if hasattr(found, "__dataclass_fields__"):
        found = {name: getattr(found, name) for name in found.__dataclass_fields__}
    if isinstance(found, dict):
        return {place: value for name, part in found.items() for place, value in flat(part, f"{path}.{name}").items()}
    return {path: found.tolist() if isinstance(found, np.ndarray) else found}


def without_waiting(found: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on a link: all but waiting, the clocks gated for it, and the static power meanwhile."""
    cost = found["cost"]
    kept = {name: cost[name] for name in ("cell_writes", "failed_writes", "pulses", "verify_reads")}
    kept["actions"] = {name: count for name, count in cost["actions"].items() if name != "clock_gate"}
    kept["cycles"] = {kind: cost["cycles"][kind] for kind in ("write", "forward")}
    waits = ("static", "clock_gating")
    kept["energy"] = {k: joules for k, joules in cost["energy_breakdown_j"].items() if not k.startswith(waits)}
    cycles = {name: counts for name, counts in found["counters"]["cycles"].items() if name not in WAITING}
    return found | {"cost": kept, "counters": {"cycles": cycles, "actions": found["counters"]["actions"]}}
