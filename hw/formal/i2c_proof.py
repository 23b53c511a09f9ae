"""The I2C transceiver keeps the times of its bus, and sends the words that it was asked for, whatever was cut off."""

from typing import Any

from amaranth.hdl import Assume, Const, Cover, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.front_end.i2c_transceiver import I2cState, I2cTransceiver
from twinbar.hw.gateware.front_end.spi_transceiver import MAX_BITS, SpiWord
from twinbar.hw.parts.i2c import BYTE, CLEARING_STOPS, I2cCycles

from .bus_observer import PinAge
from .gate import always


class _Kept:
    """A register of the observer.

    Parameters
    ----------
    m : Module
    shape : shape
    name : str

    Attributes
    ----------
    before, now : Signal
        Up to the cycle before, and with what this cycle shows.
    """

    def __init__(self, m: Module, shape: Any, name: str) -> None:
        self.before = Signal(shape, name=f"{name}_before")
        self.now = Signal.like(self.before, name=f"{name}_now")
        m.d.comb += self.now.eq(self.before)
        m.d.sync += self.before.eq(self.now)


class I2cProof(wiring.Component):
    """Any words, offered at any time, to any part, which may acknowledge or not.

    What is stated is about the two lines, followed from the reset on by an observer that knows START, STOP and bits.

    Parameters
    ----------
    cycles : I2cCycles
        No two of its times come to 31 cycles.
    bits : int
        Of a word.
    """

    def __init__(self, cycles: I2cCycles, bits: int) -> None:
        self._cycles, self._bits = cycles, bits
        super().__init__({"word": In(SpiWord), "valid": In(1), "input": In(1)})

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        m.submodules.transceiver = self._i2c = i2c = I2cTransceiver(self._cycles, self._bits)
        m.d.comb += [
            i2c.words.payload.eq(self.word),
            i2c.words.valid.eq(self.valid),
            i2c.pins.inputs.eq(self.input),
            Assume(self.word.chip < len(self._cycles.addresses)),
        ]
        self._taken = i2c.words.valid & i2c.words.ready
        self._follow_lines(m)
        self._keep_times(m)
        self._send(m)
        self._hear(m)
        self._leave_reachable_states(m)
        m.d.comb += [Cover(self._taken), Cover(self._rises & (self._shown.before == 2 * BYTE))]
        return m

    def _follow_lines(self, m: Module) -> None:
        """Tell START, STOP and bits apart; count bits since START, those of the byte, and STOPs since the reset."""
        pins = self._i2c.pins
        self._clock, self._data = clock, data = PinAge(m, pins.clock, "clock"), PinAge(m, pins.data, "data")
        self._rises, self._falls = clock.changes & pins.clock, clock.changes & ~pins.clock
        steady = pins.clock & ~clock.changes
        self._starts, self._stops = data.changes & steady & ~pins.data, data.changes & steady & pins.data
        turns = self._i2c.turns
        self._shown, self._slot = shown, slot = _Kept(m, range(turns + 2), "shown"), _Kept(m, range(BYTE + 1), "slot")
        self._ended = ended = _Kept(m, range(CLEARING_STOPS + 1), "ended")
        self._framed, self._started = framed, started = _Kept(m, 1, "framed"), _Kept(m, 1, "started")
        self._acknowledges = acknowledges = _Kept(m, 1, "acknowledges")
        with m.If(self._starts):
            m.d.comb += [shown.now.eq(0), slot.now.eq(0), framed.now.eq(1), started.now.eq(1)]
        with m.If(self._falls):
            m.d.comb += started.now.eq(0)
        with m.If(self._rises & framed.before):
            last = slot.before == BYTE
            m.d.comb += [shown.now.eq(shown.before + 1), slot.now.eq(Mux(last, 0, slot.before + 1))]
            m.d.comb += acknowledges.now.eq(last)
        with m.If(self._stops):
            m.d.comb += [framed.now.eq(0), ended.now.eq(ended.before + (ended.before != CLEARING_STOPS))]

    def _keep_times(self, m: Module) -> None:
        """State what the datasheet asks of the lines."""
        cycles, clock, data, pins = self._cycles, self._clock, self._data, self._i2c.pins
        settled = cycles.low - cycles.change
        for condition, text in (
            (~clock.changes | ~data.changes, "one line changes at a time"),
            (~self._rises | (clock.before >= cycles.low), "the clock is low for its time"),
            (~self._falls | self._started.before | (clock.before >= cycles.peak), "the clock is high for its time"),
            (
                ~self._falls | ~self._started.before | (data.before >= cycles.setup),
                "START lasts before the clock falls",
            ),
            (~self._rises | (data.before >= settled), "data is there before the clock rises"),
            (~data.changes | pins.clock | (clock.now > cycles.change), "data stays behind a falling clock"),
            (~self._stops | (clock.before >= cycles.stop), "the clock is high for its time before STOP"),
            (~self._starts | (data.before >= cycles.high), "the bus is free between STOP and START"),
        ):
            always(m, condition, text)

    def _send(self, m: Module) -> None:
        """State that each word is one frame, and what a frame is."""
        cycles, i2c, turns = self._cycles, self._i2c, self._i2c.turns
        word = i2c.words.payload
        address = Signal(BYTE - 1)
        with m.Switch(word.chip):
            for number, value in enumerate(cycles.addresses):
                with m.Case(number):
                    m.d.comb += address.eq(value)
        released = Const(1, 1)  # for the acknowledgement
        parts = [address, Const(0, 1), released]
        sent = word.bits[MAX_BITS - self._bits :]
        for high in range(self._bits, 0, -BYTE):
            parts += [sent[high - BYTE : high], released]
        frame = Signal(turns)
        position = turns
        for part in parts:
            position -= len(part)
            m.d.comb += frame[position : position + len(part)].eq(part)
        self._due, self._due_now = due, due_now = Signal(turns), Signal(turns)
        self._busy = busy = Signal(range(max(cycles.clear, cycles.frame(self._bits)) + 1), init=cycles.clear)
        was_taken = Signal()
        m.d.sync += [due.eq(due_now), was_taken.eq(self._taken)]
        m.d.comb += due_now.eq(Mux(self._rises & self._framed.before, due << 1, due))
        with m.If(busy != 0):
            m.d.sync += busy.eq(busy - 1)
        with m.If(self._taken):
            m.d.sync += [due.eq(frame), busy.eq(cycles.frame(self._bits) - 1)]
        bit = self._rises & self._framed.before & (self._shown.before != turns)
        for condition, text in (
            (
                i2c.words.ready == (busy == 0),
                "a word is taken when the frame before is over and the bus free, not later",
            ),
            (self._starts == was_taken, "each word begins with a START, and nothing else does"),
            (~self._starts | ~self._framed.before, "no frame begins within another one"),
            (
                ~self._starts | (self._ended.before == CLEARING_STOPS),
                "a reset is followed by two STOPs, before any START",
            ),
            (
                ~bit | (i2c.pins.data == due[-1]),
                "a frame is the address, to be written to, and the bytes of its word, "
                "the data line released behind each",
            ),
            (
                ~self._stops | ~self._framed.before | (self._shown.before == turns + 1),
                "STOP comes behind all bits of a frame",
            ),
        ):
            always(m, condition, text)

    def _hear(self, m: Module) -> None:
        """State that a missing acknowledgement is noticed, and nothing else is taken for one."""
        heard = [self.input]
        for stage in range(3):
            later = Signal(name=f"heard_{stage + 1}", init=1)
            m.d.sync += later.eq(heard[-1])
            heard.append(later)
        missing, missing_now = Signal(), Signal()
        looked = self._falls & self._acknowledges.before & ~self._started.before & self._framed.before
        m.d.comb += missing_now.eq(missing | looked & heard[-1])
        m.d.sync += missing.eq(missing_now)
        always(m, self._i2c.unanswered == missing_now, "a part that does not acknowledge is noticed, and no other one")
        always(m, ~looked | (self._clock.before >= len(heard) - 1), "what counts is the level under the high clock")
        m.d.comb += Cover(missing_now & ~missing)

    def _leave_reachable_states(self, m: Module) -> None:
        """Say how far the transceiver is in each of its states, and what the lines have shown since."""
        cycles, i2c = self._cycles, self._i2c
        state, left, turn, stops = i2c.state, i2c.left, i2c.turn, i2c.stops
        clock, data, pins = self._clock.now, self._data.now, i2c.pins
        settled, bit = cycles.low - cycles.change, cycles.low + cycles.peak
        durations = {
            I2cState.IDLE: 1,
            I2cState.START: cycles.setup,
            I2cState.FALLEN: cycles.change,
            I2cState.LOW: settled,
            I2cState.HIGH: cycles.peak,
            I2cState.STOP: cycles.stop,
            I2cState.FREE: cycles.high,
        }
        rest = Signal(range(cycles.frame(self._bits)))  # of the bits behind this one, and of STOP
        bits_left = Signal.like(turn)
        m.d.comb += [bits_left.eq(i2c.turns - turn), rest.eq(bits_left * bit + cycles.stop + cycles.high)]
        clearing = stops * (cycles.low + cycles.stop + cycles.high)
        framed, started, shown, slot, ended = (
            each.now for each in (self._framed, self._started, self._shown, self._slot, self._ended)
        )
        due = self._due_now
        in_frame = framed & (ended == CLEARING_STOPS) & (stops == 0)
        # Behind a reset the machine makes STOPs without a frame.
        ends = (turn == i2c.turns) & (in_frame | ~framed & (ended + stops == CLEARING_STOPS - 1))
        place = (i2c.place == slot) & (turn == shown)
        reached = {
            I2cState.IDLE: pins.clock
            & pins.data
            & ~framed
            & (self._busy == 0)
            & (stops == 0)
            & (ended == CLEARING_STOPS)
            & (data >= cycles.high),
            I2cState.START: pins.clock
            & ~pins.data
            & started
            & in_frame
            & (turn == 0)
            & place
            & (i2c.line == due)
            & (self._busy == left + cycles.low + rest),
            I2cState.FALLEN: ~pins.clock
            & (ends | in_frame & place & (i2c.line == due) & (turn < i2c.turns))
            & (~framed | place)
            & (self._busy == left + settled + rest + clearing),
            I2cState.LOW: ~pins.clock
            & (
                ends & ~pins.data
                | in_frame & place & (pins.data == due[-1]) & (turn < i2c.turns) & (i2c.line == (due << 1)[: i2c.turns])
            )
            & (~framed | place)
            & (clock >= cycles.change)
            & (self._busy == left + rest + clearing),
            I2cState.HIGH: pins.clock
            & in_frame
            & (i2c.line == due)
            & (shown == turn + 1)
            & (turn < i2c.turns)
            & (slot == Mux(i2c.place == BYTE, 0, i2c.place + 1))
            & (self._acknowledges.now == (i2c.place == BYTE))
            & (self._busy == left + rest - cycles.peak),
            I2cState.STOP: pins.clock
            & ~pins.data
            & ends
            & (~framed | (shown == i2c.turns + 1))
            & (self._busy == left + cycles.high + clearing),
            I2cState.FREE: pins.clock
            & pins.data
            & ~framed
            & (turn == i2c.turns)
            & (ended + stops == CLEARING_STOPS)
            & (self._busy == left + clearing),
        }
        ages = {
            I2cState.START: (data, 0),
            I2cState.FALLEN: (clock, 0),
            I2cState.LOW: (clock, cycles.change),
            I2cState.HIGH: (clock, 0),
            I2cState.STOP: (clock, 0),
            I2cState.FREE: (data, 0),
        }
        always(m, (state.as_value() < len(reached)) & (i2c.place <= BYTE) & (turn <= i2c.turns), "")
        always(m, ~started | (state == I2cState.START), "")
        for each, condition in reached.items():
            passed = durations[each] - left  # cycles of the state, this one included
            always(m, (state != each) | condition & (left < durations[each]), "")
            if each in ages:
                age, before = ages[each]
                always(m, (state != each) | (age >= before + passed), "")
        always(m, (state != I2cState.LOW) | (data >= settled - left), "")
        always(m, (turn == 0) | framed | (turn == i2c.turns), "")
