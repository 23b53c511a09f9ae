"""The I2C transmitter: words of up to 32 bits to parts on two lines, with every time counted in clock cycles."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from twinbar.hw.parts.i2c import BYTE, CLEARING_STOPS, I2cCycles

from .spi_transceiver import MAX_BITS, SpiWord


class I2cPinsSignature(wiring.Signature):
    """Pins of an I2C bus. Both lines are open drain: a 0 pulls its line low, a 1 releases it.

    Members
    -------
    clock, data : Out(1)
        A reset pulls the clock low and releases the data line: whatever the lines were, no START comes of it.
    inputs : In(1)
        Level of the data line, asynchronous.
    """

    def __init__(self) -> None:
        super().__init__({"clock": Out(1), "data": Out(1, init=1), "inputs": In(1, init=1)})


class I2cState(enum.Enum, shape=3):
    """What the bus does in a cycle."""

    IDLE = 0
    START = 1
    """The data line is low, the clock high."""
    FALLEN = 2
    """The clock is low, the data line as it was."""
    LOW = 3
    """The clock is low, the data line has its bit."""
    HIGH = 4
    STOP = 5
    """The clock is high, the data line low for the last time."""
    FREE = 6


class I2cTransceiver(wiring.Component):
    """Sends words at one bus, each as a frame: START, address, the word's bytes, STOP. All pins are registers.

    A word that is accepted in cycle t begins in t + 1, and the next one of n bits can be accepted in cycle
    ``t + cycles.frame(n)``. A reset lets the clock fall, wherever a frame was, and STOPs come before the first word,
    which can be accepted in cycle ``cycles.clear``: no part is in the middle of a frame then. No part stretches the
    clock. One that does not acknowledge leaves ``unanswered`` set until a reset, after which all of them are set up
    again; the frame is sent to its end.

    Parameters
    ----------
    cycles : I2cCycles
    bits : int
        Of every word, whole bytes.

    Members
    -------
    words : In(stream(SpiWord))
        ``chip`` is the number of the part's address; ``count`` and ``last`` say nothing new.
    pins : Out(I2cPinsSignature)
    unanswered : Out(1)
        A part has not acknowledged a byte.

    Attributes
    ----------
    state, left : Signal
        What the bus does, and for how many cycles after this one.
    line : Signal
        Bits of the frame that were not shown yet, from the highest on.
    turn, place : Signal
        Bits of the frame that are over, and of its byte.
    stops : Signal
        STOPs that are still to come before the first word. The proof looks at all of these.
    """

    def __init__(self, cycles: I2cCycles, bits: int) -> None:
        assert bits in range(BYTE, MAX_BITS + 1, BYTE)
        self.cycles, self.bits, self.turns = cycles, bits, (bits // BYTE + 1) * (BYTE + 1)
        settled = cycles.low - cycles.change
        longest = max(cycles.setup, cycles.change, settled, cycles.peak, cycles.stop, cycles.high)
        # A reset begins with what ends a frame.
        self.state = Signal(I2cState, init=I2cState.FALLEN)
        self.left = Signal(range(longest), init=cycles.change - 1)
        self.line, self.turn = Signal(self.turns), Signal(range(self.turns + 1), init=self.turns)
        self.place = Signal(range(BYTE + 1))
        self.stops = Signal(range(CLEARING_STOPS), init=CLEARING_STOPS - 1)
        super().__init__(
            {"words": In(stream.Signature(SpiWord)), "pins": Out(I2cPinsSignature()), "unanswered": Out(1)}
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        cycles, pins, word = self.cycles, self.pins, self.words.payload
        turns, settled = self.turns, cycles.low - cycles.change
        state, left, stops = self.state, self.left, self.stops
        line, turn, place = self.line, self.turn, self.place
        level = Signal(init=1)
        m.submodules.level = FFSynchronizer(pins.inputs, level, init=1)

        def enter(target: I2cState, duration: int) -> None:
            m.d.sync += [state.eq(target), left.eq(duration - 1)]

        address = Signal(7)
        with m.Switch(word.chip):
            for number, value in enumerate(cycles.addresses):
                with m.Case(number):
                    m.d.comb += address.eq(value)
        word_bytes = [word.bits[MAX_BITS - BYTE * (n + 1) : MAX_BITS - BYTE * n] for n in range(self.bits // BYTE)]
        # The first byte is in the highest bits; after each of them a bit releases the line.
        sent = [*reversed(word_bytes), Cat(Const(0, 1), address)]
        frame = Cat(*(part for byte in sent for part in (Const(1, 1), byte)))

        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.Else():
            with m.Switch(state):
                with m.Case(I2cState.IDLE, I2cState.FREE):
                    m.d.comb += self.words.ready.eq(stops == 0)
                    with m.If(stops != 0):
                        enter(I2cState.FALLEN, cycles.change)
                        m.d.sync += [pins.clock.eq(0), turn.eq(turns), stops.eq(stops - 1)]
                    with m.Elif(self.words.valid):
                        enter(I2cState.START, cycles.setup)
                        m.d.sync += [pins.data.eq(0), line.eq(frame), turn.eq(0), place.eq(0)]
                    with m.Elif(state == I2cState.FREE):
                        enter(I2cState.IDLE, 1)
                with m.Case(I2cState.START, I2cState.HIGH):
                    enter(I2cState.FALLEN, cycles.change)
                    m.d.sync += pins.clock.eq(0)
                    with m.If(state == I2cState.HIGH):
                        m.d.sync += [turn.eq(turn + 1), place.eq(Mux(place == BYTE, 0, place + 1))]
                        with m.If((place == BYTE) & level):
                            m.d.sync += self.unanswered.eq(1)
                with m.Case(I2cState.FALLEN):
                    enter(I2cState.LOW, settled)
                    m.d.sync += [pins.data.eq(line[-1] & (turn != turns)), line.eq(line << 1)]
                with m.Case(I2cState.LOW):
                    m.d.sync += pins.clock.eq(1)
                    with m.If(turn == turns):
                        enter(I2cState.STOP, cycles.stop)
                    with m.Else():
                        enter(I2cState.HIGH, cycles.peak)
                with m.Case(I2cState.STOP):
                    enter(I2cState.FREE, cycles.high)
                    m.d.sync += pins.data.eq(1)
        return m
