"""Which registers of a netlist count as timers, and what bounds their skipping."""

import pytest
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.emulator.engines.rtl.netlist import TileUnit, rtlil_text
from twinbar.emulator.engines.rtl.rtlil import parse
from twinbar.emulator.engines.rtl.timers import Bound, find_timers
from twinbar.emulator.engines.rtl.yosys import flatten
from twinbar.hw.gateware.controller_config import ControllerConfig

pytestmark = pytest.mark.compiler


def timers_of(module, tmp_path):
    return {timer.register: timer for timer in find_timers(parse(flatten("module", rtlil_text(module), tmp_path)))}


class Counting(wiring.Component):
    """A counter that restarts at a limit, read in one more way."""

    limit: In(8)
    take: In(1)
    out: Out(8)
    reached: Out(1)

    def __init__(self, reader):
        self._reader = reader
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        count = Signal(8)
        m.d.sync += [self.reached.eq(count == self.limit), count.eq(count + 1)]
        with m.If(self.reached):
            m.d.sync += count.eq(0)
        self._reader(m, self, count)
        return m


def no_reader(m, ports, count):
    m.d.sync += ports.out.eq(ports.limit)


def shown(m, ports, count):
    m.d.comb += ports.out.eq(count)


def copied(m, ports, count):
    m.d.sync += ports.out.eq(count)


def copied_at_times(m, ports, count):
    with m.If(ports.take):
        m.d.sync += ports.out.eq(count + ports.limit)


def mixed(m, ports, count):
    m.d.sync += ports.out.eq(count ^ ports.limit)


def compared_with_a_part(m, ports, count):
    m.d.sync += ports.out.eq(count[4:].any() | (count[:4] >= ports.limit[:4]))


def selecting(m, ports, count):
    with m.If(count[0]):
        m.d.sync += ports.out.eq(ports.limit)


def compared_at_times(m, ports, count):
    with m.If(ports.take):
        m.d.sync += ports.out.eq(count == 7)


def selecting_with_a_high_bit(m, ports, count):
    m.d.sync += ports.out.eq(Mux(count[6], ports.limit, 3))


def counting_on_in_every_state(m, ports, count):
    with m.Switch(ports.limit[:2]):
        # Held, and behind it the same sum.
        with m.Case(1), m.If(ports.take):
            m.d.sync += count.eq(count)
        with m.Case(2):
            m.d.sync += ports.out.eq(ports.limit)


@pytest.mark.parametrize("reader", [shown, copied, mixed, selecting])
def test_a_register_whose_value_is_used_is_no_timer(reader, tmp_path):
    assert "\\count" not in timers_of(Counting(reader), tmp_path)


def test_a_counter_is_a_timer_that_watches_its_limit(tmp_path):
    timer = timers_of(Counting(no_reader), tmp_path)["\\count"]
    (watch,) = timer.watches
    assert (timer.width, timer.step, timer.guards) == (8, 1, [])
    assert (watch.bound, watch.offset, watch.bits) == (Bound.EQUAL, 0, 8)
    assert watch.target == tuple(("\\limit", bit) for bit in range(8))
    assert (("\\reached", 0),) in {select.select for path in timer.paths for select in path}


def test_a_value_behind_a_multiplexer_is_a_guard(tmp_path):
    timer = timers_of(Counting(copied_at_times), tmp_path)["\\count"]
    assert [(guard.select, guard.position) for guard in timer.guards] == [((("\\take", 0),), 0)]


def test_parts_are_watched_for_what_they_can_change(tmp_path):
    watches = timers_of(Counting(compared_with_a_part), tmp_path)["\\count"].watches
    assert {(watch.bound, watch.low, watch.bits) for watch in watches} == {
        (Bound.EQUAL, 0, 8),
        (Bound.UPPER, 4, 4),
        (Bound.ORDER, 0, 4),
    }


def test_a_result_behind_a_multiplexer_counts_only_while_it_is_selected(tmp_path):
    watches = timers_of(Counting(compared_at_times), tmp_path)["\\count"].watches
    (guarded,) = (watch for watch in watches if watch.target == tuple("11100000"))
    assert [(use.select, use.position) for use in guarded.uses] == [((("\\take", 0),), 0)]


def test_a_high_bit_is_watched_by_itself(tmp_path):
    watches = timers_of(Counting(selecting_with_a_high_bit), tmp_path)["\\count"].watches
    assert (Bound.UPPER, 6) in {(watch.bound, watch.low) for watch in watches}


def test_a_counter_counts_by_any_of_its_ways(tmp_path):
    timer = timers_of(Counting(counting_on_in_every_state), tmp_path)["\\count"]
    assert len(timer.paths) > 1
    # What else these multiplexers select goes nowhere but back to the counter.
    assert timer.guards == []


def test_the_tile_has_the_timers_that_make_it_quick(tmp_path):
    timers = timers_of(TileUnit(ControllerConfig(rows=8, columns=8)), tmp_path)
    assert {
        "\\tile.control.clock.timer.next",
        "\\tile.accounts.counters.run",
        "\\tile.control.supervisor.left",
    } <= set(timers)
    assert timers["\\tile.control.supervisor.left"].step == -1
