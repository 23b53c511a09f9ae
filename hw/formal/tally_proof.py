"""Counters in block RAM lose nothing, whatever is counted and read when."""

from typing import Any

from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.accounts.tally import Tally
from twinbar.hw.protocol.registers import COUNTER_BITS

from .symbols import any_number, opened


class TallyProof(wiring.Component):
    """Follows any one of the counters, at its full width.

    Parameters
    ----------
    counters : int
    amount_bits : int
    """

    def __init__(self, counters: int, amount_bits: int) -> None:
        self._counters, self._amount_bits = counters, amount_bits
        super().__init__(
            {"add": In(1), "index": In(range(counters)), "amount": In(amount_bits), "read_index": In(range(counters))}
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        tally = Tally(self._counters, self._amount_bits)
        m.submodules.tally = inside = opened(tally, platform)
        stored = inside.submodules.storage.read_port(domain="comb")
        m.d.comb += [
            *(getattr(tally, name).eq(getattr(self, name)) for name in ("add", "index", "amount", "read_index")),
            Assume((self.index < self._counters) & (self.read_index < self._counters)),
        ]
        which = any_number(m, range(self._counters), "which")
        m.d.comb += [Assume(which < self._counters), stored.addr.eq(which)]
        mine = self.add & (self.index == which)
        # All of it keeps its value over a reset.
        total, before = (Signal(COUNTER_BITS, name=name, reset_less=True) for name in ("total", "before"))
        with m.If(mine):
            m.d.sync += total.eq(total + self.amount)
        m.d.sync += before.eq(total)
        # Amounts for one counter in consecutive cycles come to less than twice the range of one (see `Tally`).
        run = Signal(self._amount_bits + 1, reset_less=True)
        added = Signal(self._amount_bits + 2)
        m.d.comb += [added.eq(self.amount + Mux(tally.adding & (tally.held_index == self.index), run, 0))]
        m.d.sync += run.eq(Mux(self.add, added, 0))
        m.d.comb += Assume(~self.add | (added < 1 << (self._amount_bits + 1)))
        pending = tally.adding & (tally.held_index == which)
        m.d.comb += [
            # While additions follow one another, all of them are added to what was read before the first.
            Assert(
                Mux(pending, tally.value + tally.held_amount, stored.data)[:COUNTER_BITS] == total, "nothing is lost"
            ),
            Assert(~tally.adding | (tally.held_amount == run)),
        ]
        quiet, asked = Signal(reset_less=True), Signal(reset_less=True)
        m.d.sync += [quiet.eq(~self.add), asked.eq(self.read_index == which)]
        idle = Signal(2, reset_less=True)
        m.d.sync += idle.eq(Mux(self.add, 0, Mux(idle == 3, 3, idle + 1)))
        with m.If((idle >= Tally.cycles()) & asked):
            m.d.comb += Assert(tally.value == total, "a counter gives all that was counted")
        m.d.comb += [
            Cover((idle >= Tally.cycles()) & asked & (total == 5) & quiet),
            Cover(tally.adding & mine & (tally.held_index == which) & (before != 0)),
        ]
        return m
