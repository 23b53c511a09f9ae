"""The SPI transceiver: words of up to 32 bits, framed by a chip select, with every time counted in clock cycles."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.parts.bus import BusCycles

MAX_BITS = 32


class SpiWord(data.Struct):
    """A word to be sent.

    Fields
    ------
    bits
        The first bit is the highest.
    count
        Number of bits less one.
    chip
        Which chip select.
    last
        Chip select goes high after this word; else the next word continues the frame.
    """

    bits: MAX_BITS
    count: 5
    chip: 4
    last: 1


class SpiPinsSignature(wiring.Signature):
    """Pins of a serial bus.

    Parameters
    ----------
    chips : int
        Chip selects.
    lanes : int
        Data inputs: parts that share clock and chip select, each with a data pin of its own.
    cpol : int
        Level of the idle clock, from power-up on.

    Members
    -------
    clock, data : Out(1)
    select_n : Out(chips)
        Low: selected.
    inputs : In(lanes)
    """

    def __init__(self, chips: int, lanes: int, cpol: int) -> None:
        members = {"clock": Out(1, init=cpol), "data": Out(1), "select_n": Out(chips, init=(1 << chips) - 1)}
        super().__init__({**members, **({"inputs": In(lanes)} if lanes else {})})


class SpiState(enum.Enum, shape=3):
    """What the bus does in a cycle."""

    IDLE = 0
    SETUP = 1
    FIRST = 2
    """Before the sampling edge of a bit."""
    SECOND = 3
    """After it."""
    PAUSE = 4
    """Within a frame, waiting for its next word."""
    HOLD = 5
    HIGH = 6


class SpiTransceiver(wiring.Component):
    """Sends and receives words at one serial bus.

    A word that begins a frame and is accepted in cycle t has chip select low from t + 1 on. With ``last``, the next
    word can be accepted in cycle ``t + cycles.frame(n)``, the last of those that chip select must be high; without, in
    cycle ``t + cycles.setup + cycles.bits(n)``, and chip select stays low. All pins are registers.

    Parameters
    ----------
    cycles : BusCycles
    chips : int
        Chip selects, at most 16.
    lanes : int
        Data inputs; may be 0.

    Members
    -------
    words : In(stream(SpiWord))
    received : Out(stream)
        Per lane the bits of a word, right-aligned; valid in one cycle, ``sample_delay`` after the first cycle of the
        second half of the last bit.
    pins : Out(SpiPinsSignature)

    Attributes
    ----------
    state, left : Signal
        What the bus does, and for how many cycles after this one.
    bits, bits_left : Signal
        Of the word that is sent: the bits after the one on the bus, and their number.
    last : Signal
        The word ends its frame.
    begins : Signal
        The bit to be received next is the first of its word. The proof looks at all of these.
    """

    def __init__(self, cycles: BusCycles, chips: int = 1, lanes: int = 0) -> None:
        assert 1 <= chips <= 16
        self.cycles, self.chips, self.lanes = cycles, chips, lanes
        longest = max(cycles.setup, cycles.first, cycles.second, cycles.hold, cycles.high)
        self.state, self.left = Signal(SpiState), Signal(range(longest))
        self.bits, self.bits_left, self.last = Signal(MAX_BITS), Signal(5), Signal()
        self.begins = Signal()
        members = {
            "words": In(stream.Signature(SpiWord)),
            "pins": Out(SpiPinsSignature(chips, lanes, cycles.cpol)),
        }
        if lanes:
            received = stream.Signature(data.ArrayLayout(MAX_BITS, lanes), always_ready=True)
            members["received"] = Out(received)
        super().__init__(members)

    def elaborate(self, platform) -> Module:
        m = Module()
        cycles, pins, word = self.cycles, self.pins, self.words.payload
        state, left, last = self.state, self.left, self.last
        bits, bits_left = self.bits, self.bits_left
        idle, active = cycles.cpol, 1 - cycles.cpol
        levels = {SpiState.FIRST: active if cycles.cpha else idle, SpiState.SECOND: idle if cycles.cpha else active}

        def enter(target: SpiState, duration: int) -> None:
            m.d.sync += [state.eq(target), left.eq(duration - 1), pins.clock.eq(levels.get(target, idle))]

        def show(source) -> None:
            m.d.sync += [pins.data.eq(source[-1]), bits.eq(source << 1)]

        def accept() -> None:
            m.d.comb += self.words.ready.eq(1)
            m.d.sync += [bits_left.eq(word.count), last.eq(word.last)]

        def begin_frame() -> None:
            accept()
            with m.If(self.words.valid):
                enter(SpiState.SETUP, cycles.setup)
                show(word.bits)
                m.d.sync += pins.select_n.eq(~(1 << word.chip))
            with m.Elif(state == SpiState.HIGH):
                enter(SpiState.IDLE, 1)

        def continue_frame() -> None:
            accept()
            with m.If(self.words.valid):
                enter(SpiState.FIRST, cycles.first)
                show(word.bits)
            with m.Elif(state == SpiState.SECOND):
                enter(SpiState.PAUSE, 1)

        def end_frame() -> None:
            enter(SpiState.HIGH, cycles.high)
            m.d.sync += pins.select_n.eq(~0)

        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.Else():
            with m.Switch(state):
                with m.Case(SpiState.IDLE, SpiState.HIGH):
                    begin_frame()
                with m.Case(SpiState.SETUP):
                    enter(SpiState.FIRST, cycles.first)
                with m.Case(SpiState.FIRST):
                    enter(SpiState.SECOND, cycles.second)
                with m.Case(SpiState.SECOND):
                    with m.If(bits_left != 0):
                        m.d.sync += bits_left.eq(bits_left - 1)
                        enter(SpiState.FIRST, cycles.first)
                        show(bits)
                    with m.Elif(~last):
                        continue_frame()
                    with m.Else():
                        if cycles.hold:
                            enter(SpiState.HOLD, cycles.hold)
                        else:
                            end_frame()
                with m.Case(SpiState.PAUSE):
                    continue_frame()
                with m.Case(SpiState.HOLD):
                    end_frame()

        if self.lanes:
            self._receive(m, (state == SpiState.FIRST) & (left == 0), bits_left)
        return m

    def _receive(self, m: Module, sampling, bits_left) -> None:
        """Take the inputs ``sample_delay`` cycles after each sampling edge; the strobe knows which bit it takes."""
        begins = self.begins
        with m.If(self.words.valid & self.words.ready):
            m.d.sync += begins.eq(1)
        with m.Elif(sampling):
            m.d.sync += begins.eq(0)
        strobe = data.StructLayout({"take": 1, "first": 1, "final": 1})
        now = Signal(strobe)
        m.d.comb += [now.take.eq(sampling), now.first.eq(begins), now.final.eq(bits_left == 0)]
        for stage in range(self.cycles.sample_delay):
            later = Signal(strobe, name=f"strobe_{stage + 1}")
            m.d.sync += later.eq(now)
            now = later
        m.d.sync += self.received.valid.eq(now.take & now.final)
        with m.If(now.take):
            for lane in range(self.lanes):
                before = self.received.payload[lane]
                m.d.sync += before.eq((Mux(now.first, 0, before) << 1) | self.pins.inputs[lane])
