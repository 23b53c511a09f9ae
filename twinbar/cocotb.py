"""Components of your own cocotb bench (docs/own-bench.md): names are loaded when they are first used.

cocotb itself is the extra ``twinbar[cocotb]``; scoreboard, array and parts need nothing else.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from twinbar.emulator.cocotb.array_at_pins import ArrayAtPins
    from twinbar.emulator.cocotb.covering_programs import COVERED, covering_programs
    from twinbar.emulator.cocotb.parts_at_pins import PartsAtPins
    from twinbar.emulator.cocotb.scoreboard import FastScoreboard
    from twinbar.emulator.crossbar.array import make_state
    from twinbar.hw.cocotb.cell_grid import CellGrid
    from twinbar.hw.cocotb.core_hosts import AxiHost, StreamHost, WishboneHost, host_of
    from twinbar.hw.cocotb.core_player import CorePlayer, InputPulse
    from twinbar.hw.cocotb.core_rules import rules_of
    from twinbar.hw.cocotb.cycle_sampler import CycleSampler
    from twinbar.hw.cocotb.pulse_monitor import BeatMonitor, PulseMonitor
    from twinbar.hw.cocotb.response_coverage import ResponseCoverage, all_bins
    from twinbar.hw.cocotb.watched_rule import RuleBook, TileRule, WatchedRule
    from twinbar.hw.export.bench.run_bench import runner_for
    from twinbar.hw.export.bench_protocol import protocol_of

__all__ = [
    "COVERED",
    "ArrayAtPins",
    "AxiHost",
    "BeatMonitor",
    "CellGrid",
    "CorePlayer",
    "CycleSampler",
    "FastScoreboard",
    "InputPulse",
    "PartsAtPins",
    "PulseMonitor",
    "ResponseCoverage",
    "RuleBook",
    "StreamHost",
    "TileRule",
    "WatchedRule",
    "WishboneHost",
    "all_bins",
    "covering_programs",
    "host_of",
    "make_state",
    "protocol_of",
    "rules_of",
    "runner_for",
]

_HOMES: Final = {
    "ArrayAtPins": "emulator.cocotb.array_at_pins",
    "AxiHost": "hw.cocotb.core_hosts",
    "BeatMonitor": "hw.cocotb.pulse_monitor",
    "COVERED": "emulator.cocotb.covering_programs",
    "CellGrid": "hw.cocotb.cell_grid",
    "CorePlayer": "hw.cocotb.core_player",
    "CycleSampler": "hw.cocotb.cycle_sampler",
    "FastScoreboard": "emulator.cocotb.scoreboard",
    "InputPulse": "hw.cocotb.core_player",
    "PartsAtPins": "emulator.cocotb.parts_at_pins",
    "PulseMonitor": "hw.cocotb.pulse_monitor",
    "ResponseCoverage": "hw.cocotb.response_coverage",
    "RuleBook": "hw.cocotb.watched_rule",
    "StreamHost": "hw.cocotb.core_hosts",
    "TileRule": "hw.cocotb.watched_rule",
    "WatchedRule": "hw.cocotb.watched_rule",
    "WishboneHost": "hw.cocotb.core_hosts",
    "all_bins": "hw.cocotb.response_coverage",
    "covering_programs": "emulator.cocotb.covering_programs",
    "host_of": "hw.cocotb.core_hosts",
    "make_state": "emulator.crossbar.array",
    "protocol_of": "hw.export.bench_protocol",
    "rules_of": "hw.cocotb.core_rules",
    "runner_for": "hw.export.bench.run_bench",
}
"""The module of the package that has each name."""


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'twinbar.cocotb' has no attribute {name!r}")
    globals()[name] = value = getattr(importlib.import_module(f"twinbar.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
