"""Ledgers and random activities that the tests of this folder share."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.ledger.energy_table import load_energy_table
from twinbar.emulator.ledger.ledger import CELL_ENTRIES, ENTRIES, Ledger
from twinbar.hw.actions import Action
from twinbar.hw.timing import PHASES

UNIT_J = {CellEnergy.SET: 1e-15, CellEnergy.RESET: 2e-15, CellEnergy.VERIFY: 3e-18, CellEnergy.FORWARD: 5e-18}


def approx(expected: Any, rel: float = 1e-6, abs: float = 0.0) -> Any:
    """Compare to a relative tolerance alone: the absolute one of `pytest.approx`, 1e-12, is a whole picojoule."""
    return pytest.approx(expected, rel=rel, abs=abs)


def make_ledger(table: Any = "macro-65nm", **changes: Any) -> Ledger:
    settings: dict[str, Any] = {
        "clock_hz": 100e6,
        "adc_bits": 8,
        "input_dac_bits": 1,
        "cell_energy_unit_j": UNIT_J,
        "tiles": 30,
    }
    return Ledger(load_energy_table(table) if isinstance(table, str) else table, **{**settings, **changes})


def activities(kind: str, largest: int = 10**9) -> st.SearchStrategy[Activity]:
    """Draw what a program of a kind can do: only actions that may be entered under it."""
    accounts = {"write": ("write", "link", "static"), "forward": ("forward", "link", "static"), "host": ("host",)}[kind]
    count = st.integers(0, largest)
    timed = count if kind != "host" else st.just(0)

    def build(numbers: list[int], cells: list[int], phases: list[int], cycles: int, link: int) -> Activity:
        actions = [
            n if ENTRIES.get(action, ("static", ""))[0] in accounts else 0
            for action, n in zip(Action, numbers, strict=True)
        ]
        # A ledger of these samples has one ADC channel per tile.
        actions[Action.CHANNEL_CYCLE] = min(actions[Action.CHANNEL_CYCLE], sum(phases))
        heat = [n if CELL_ENTRIES[cell][0] in accounts else 0 for cell, n in zip(CellEnergy, cells, strict=True)]
        return Activity(np.array(actions), np.array(heat), cycles, link, np.array(phases))

    return st.builds(
        build,
        st.lists(count, min_size=len(Action), max_size=len(Action)),
        st.lists(count, min_size=len(CellEnergy), max_size=len(CellEnergy)),
        st.lists(timed, min_size=len(PHASES), max_size=len(PHASES)),
        timed,
        timed,
    )


def programs(largest: int = 10**9) -> st.SearchStrategy[list[tuple[Any, Activity]]]:
    """Draw a run: a list of kinds and activities."""
    one = st.sampled_from(["write", "forward", "host"]).flatmap(
        lambda kind: st.tuples(st.just(kind), activities(kind, largest))
    )
    return st.lists(one, max_size=6)


def change(*path: Any, value: Any = None) -> Callable[[Any], None]:
    """Return what puts a value at a place of nested dictionaries and lists, or, without one, removes what is there."""

    def apply(data: Any) -> None:
        place = data
        for step in path[:-1]:
            place = place[step]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value

    return apply
