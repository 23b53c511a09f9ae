"""Which thresholds a read by comparisons takes, when it ends, and on which side it finds a cell."""

from typing import Any

import pytest
from amaranth.sim import Simulator

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.readout.comparison import WindowComparison

BITS = 4


def _read(code: int, low: int, high: int, *, high_first: bool, offset: int = 0) -> tuple[list[int], str]:
    """Compare a cell whose code with the column's offset is ``code + offset``; thresholds, and where it lies."""
    unit = WindowComparison(ControllerConfig(columns=4, adc_bits=BITS))
    thresholds, verdict = [], []

    async def run(context: Any) -> None:
        for name, value in {"low": low, "high": high, "offset": offset, "high_first": high_first, "begin": 1}.items():
            context.set(getattr(unit, name), value)
        await context.tick()
        context.set(unit.begin, 0)
        context.set(unit.take, 1)
        for _ in range(2):
            thresholds.append(int(context.get(unit.threshold)))
            context.set(unit.over, code + offset >= thresholds[-1])
            last = context.get(unit.last)
            await context.tick()
            if last:
                break
        below, above = context.get(unit.below), context.get(unit.above)
        verdict.append("below" if below and not above else "above" if above and not below else "within")

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    return thresholds, verdict[0]


@pytest.mark.parametrize("high_first", [False, True])
@pytest.mark.parametrize("code", [0, 4, 5, 7, 9, 10, 15])
def test_a_cell_is_found_where_its_code_says(code: int, high_first: bool) -> None:
    """In a window of 5 to 9: below it, code >= 5 does not hold; above it, code >= 10 does."""
    side = "below" if code < 5 else "above" if code > 9 else "within"
    thresholds, found = _read(code, 5, 9, high_first=high_first)
    assert found == side
    first, second = (10, 5) if high_first else (5, 10)
    # One comparison is enough where it finds the cell outside.
    assert thresholds == ([first] if found == ("above" if high_first else "below") else [first, second])


@pytest.mark.parametrize("offset", [-3, 0, 3])
@pytest.mark.parametrize("high_first", [False, True])
def test_a_bound_at_the_end_of_the_codes_is_never_missed(high_first: bool, offset: int) -> None:
    """Not even where an offset puts the cell beyond the thresholds that there are."""
    found = [_read(code, 0, 15, high_first=high_first, offset=offset)[1] for code in (0, 15)]
    assert found == ["within", "within"]


def test_thresholds_hold_the_offset_and_stay_in_range() -> None:
    assert _read(7, 5, 9, high_first=False, offset=2) == ([7, 12], "within")
    assert _read(7, 5, 9, high_first=False, offset=-6)[0] == [0, 4]
    assert _read(7, 5, 9, high_first=False, offset=9)[0] == [14, 16]
