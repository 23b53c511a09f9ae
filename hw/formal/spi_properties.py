"""What an SPI transceiver does with its words: properties that other proofs take along, to look at pins."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Cover, Module, Mux, Signal

from twinbar.hw.gateware.front_end.spi_transceiver import MAX_BITS, SpiState, SpiTransceiver

from .bus_observer import LONG, BusObserver
from .gate import always


class SpiProperties:
    """The times of the bus, what is sent and received, and when words are taken.

    Parameters
    ----------
    m : Module
    spi : SpiTransceiver
        No two of its times come to 31 cycles.

    Attributes
    ----------
    observer : BusObserver
    taken : value
        A word is taken in this cycle.
    busy : Signal
        Cycles until the next word may be taken.
    due : Signal
        Bits of the word taken last that have not been sampled yet.
    arrivals : list
        A word's last bit is sampled: as the part does it, and in each cycle until the word is received.
    """

    def __init__(self, m: Module, spi: SpiTransceiver) -> None:
        self._cycles, self._spi = spi.cycles, spi
        self.observer = BusObserver(m, spi.cycles, spi.pins)
        self.observer.keeps_times()
        self.taken = spi.words.valid & spi.words.ready
        self._follow(m)
        self._send(m)
        self._receive(m)
        self._leave_reachable_states(m)

    def _follow(self, m: Module) -> None:
        """Follow what was asked for: the bits that are due, and the cycles until the next word may be taken."""
        cycles, word, observer = self._cycles, self._spi.words.payload, self.observer
        self.due, self._due_bits = due, due_bits = Signal(6), Signal(MAX_BITS)
        self.busy, self._chip = busy, chip = (
            Signal(range(cycles.frame(MAX_BITS) + 1)),
            Signal(range(max(self._spi.chips, 2))),
        )
        with m.If(busy != 0):
            m.d.sync += busy.eq(busy - 1)
        with m.If(observer.samples):
            m.d.sync += [due.eq(due - 1), due_bits.eq(due_bits << 1)]
        with m.If(self.taken):
            count, begins = word.count + 1, Mux(observer.selected, 0, cycles.setup)
            ends = Mux(word.last, cycles.hold + cycles.high, 0)
            m.d.sync += [due.eq(count), due_bits.eq(word.bits), busy.eq(begins + count * cycles.bits(1) + ends - 1)]
            with m.If(~observer.selected):
                m.d.sync += chip.eq(word.chip)

    def _send(self, m: Module) -> None:
        """State that the words are sent."""
        pins, observer, due, bit = self._spi.pins, self.observer, self.due, self._due_bits[-1]
        chips = self._spi.chips
        for condition, text in (
            (
                self._spi.words.ready == (self.busy == 0),
                "a word is taken when the times of the one before, and of its frame, are over, and not later",
            ),
            (~observer.samples | (due != 0) & (pins.data == bit), "the bits of a word are sampled in order, each once"),
            (~observer.deselects | (due == 0), "a frame ends behind all bits of its last word"),
            (
                ~observer.selected | (pins.select_n == ~(Const(1, chips) << self._chip)[:chips]),
                "the chip of the frame is selected, and no other",
            ),
        ):
            always(m, condition, text)

    def cover(self, m: Module) -> None:
        """Reach the last bit of a word, a one, and a frame that goes on with another word."""
        bit = self._due_bits[-1]
        m.d.comb += [
            Cover(self.observer.samples & (self.due == 1) & bit),
            Cover(self.taken & self.observer.selected),
        ]

    def _receive(self, m: Module) -> None:
        """State that each bit is the input ``sample_delay`` cycles behind the last cycle before its sampling edge."""
        received, observer, inputs = self._spi.received, self.observer, self._spi.pins.inputs
        first, before = Signal(), Signal.like(inputs, name="before")
        with m.If(self.taken):
            m.d.sync += first.eq(1)
        with m.Elif(observer.samples):
            m.d.sync += first.eq(0)
        m.d.sync += before.eq(inputs)
        edge = Cat(observer.samples, first, self.due == 1)
        self.arrivals = [edge[0] & edge[2]]
        for stage in range(self._cycles.sample_delay):
            delayed = Signal(len(edge), name=f"edge_{stage + 1}")
            m.d.sync += delayed.eq(edge)
            edge = delayed
            self.arrivals.append(edge[0] & edge[2])
        sampled, is_first, is_final = edge
        always(m, received.valid == (sampled & is_final), "a word is received behind its last bit, and once")
        always(m, self._spi.begins == first & ~observer.samples, "")
        for lane in range(self._spi.lanes):
            kept, now = Signal(MAX_BITS, name=f"kept_{lane}"), Signal(MAX_BITS, name=f"now_{lane}")
            m.d.comb += now.eq(Mux(sampled, Cat(before[lane], Mux(is_first, 0, kept)), kept))
            m.d.sync += kept.eq(now)
            always(m, received.payload[lane] == now, "it holds the input at its delay behind each sampling edge")

    def _leave_reachable_states(self, m: Module) -> None:
        """Say how far the transceiver is in each of its states, and what the pins have shown since."""
        cycles, spi, observer = self._cycles, self._spi, self.observer
        state, left, busy, due = spi.state, spi.left, self.busy, self.due
        select, data, clock, since = observer.select.now, observer.data.now, observer.clock.now, observer.since_sampling
        # IDLE and PAUSE have none.
        durations = Array((1, cycles.setup, cycles.first, cycles.second, 1, cycles.hold, cycles.high))
        passed = Signal(6)  # cycles of the state, this one included
        m.d.comb += passed.eq(durations[state.as_value()] - left)
        rest = spi.bits_left * cycles.bits(1) + Mux(spi.last, cycles.hold + cycles.high, 0)
        shown = (due == spi.bits_left + 1) & (spi.pins.data == self._due_bits[-1]) & (spi.bits == self._shifted())
        over, bit = observer.selected & (due == 0), observer.selected & ~observer.select.changes
        reached = {
            SpiState.IDLE: ~observer.selected & (busy == 0) & (due == 0) & (select >= cycles.high),
            SpiState.SETUP: observer.selected
            & shown
            & (busy == left + cycles.bits(1) + rest)
            & (select == passed)
            & (data >= passed)
            & (since == LONG),
            SpiState.FIRST: bit
            & shown
            & (busy == left + cycles.second + rest)
            & (select >= cycles.setup + passed)
            & (data >= passed)
            & (clock >= passed)
            & (since >= cycles.second + passed - 1),
            SpiState.SECOND: bit
            & Mux(observer.samples, shown, (due == spi.bits_left) & (spi.bits == self._due_bits))
            & (busy == left + rest)
            & (select >= cycles.setup + cycles.first + passed)
            & (since == passed - 1),
            SpiState.PAUSE: over & (busy == 0) & (select > cycles.setup) & (since >= cycles.second),
            SpiState.HOLD: over & (busy == left + cycles.high) & (since >= cycles.second + passed - 1),
            SpiState.HIGH: ~observer.selected & (busy == left) & (due == 0) & (select == passed),
        }
        active = {SpiState.FIRST: cycles.cpha, SpiState.SECOND: 1 - cycles.cpha}
        always(m, (passed != 0) & (passed <= 31) & (state.as_value() < len(reached)), "")
        for each, condition in reached.items():
            level = cycles.cpol ^ active.get(each, 0)
            always(m, (state != each) | condition & (spi.pins.clock == level), "")

    def _shifted(self) -> Any:
        return (self._due_bits << 1)[:MAX_BITS]
