"""Which entry of the pulse table a distance leads to: the offset and the distance in steps, at most the last entry."""

import itertools
from typing import Any

import pytest
from amaranth.sim import Simulator

from twinbar.hw.gateware.control.entry_choice import EntryChoice
from twinbar.hw.protocol.registers import UNCOUNTED

CODE_BITS = 5


def _choices(entries: int, base: int, held: int, shift: int, *, driven: bool = True) -> list[tuple[int, bool]]:
    """Give the entry for every distance, and whether it is the one that is driven."""
    unit, found = EntryChoice(entries, CODE_BITS), []

    async def run(context: Any) -> None:
        counted = shift != UNCOUNTED
        given = {"base": base, "held": held, "driven": driven, "counted": counted, "shift": shift}
        for name, value in given.items():
            context.set(getattr(unit, name), value)
        await context.tick()
        for distance in range(1 << CODE_BITS):
            context.set(unit.distance, distance)
            await context.delay(1e-9)
            found.append((int(context.get(unit.number)), bool(context.get(unit.same))))

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    return found


@pytest.mark.parametrize("shift", [0, 1, 2, 4, 5, 7, 14, UNCOUNTED])
def test_every_distance_leads_to_its_entry(shift: int) -> None:
    for base, held in itertools.product(range(8), repeat=2):
        numbers = [min(base + (0 if shift == UNCOUNTED else d // 2**shift), 7) for d in range(1 << CODE_BITS)]
        assert _choices(8, base, held, shift) == [(number, number == held) for number in numbers], (base, held)


def test_a_table_of_64_entries_takes_the_distance_of_narrow_codes() -> None:
    # From entry 50 on, 31 codes reach past the last one: 50 + 13 = 63.
    numbers = [50 + d if d < 13 else 63 for d in range(32)]
    assert _choices(64, 50, 63, 0) == [(number, number == 63) for number in numbers]
    assert _choices(64, 50, 57, 0) == [(number, number == 57) for number in numbers]


@pytest.mark.parametrize("held", [3, 7])
def test_an_entry_that_is_not_driven_is_never_the_same(held: int) -> None:
    assert (held, True) in _choices(8, 2, held, 0)
    assert not any(same for _, same in _choices(8, 2, held, 0, driven=False))
