"""Direct front end: parallel codes and strobes with fixed latencies.

The sequencer starts one step after the other and is told when each has lasted its time; every pin is registered. The
write gate and the read path exclude each other here, whatever the sequencer does.
"""

from amaranth import Module, Signal, unsigned
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.gateware.config import INPUT_WORD_BITS, ControllerConfig
from twinbar.hw.protocol.registers import CODE_BITS


class Step(enum.Enum, shape=3):
    """What the front end does next."""

    SELECT = 0
    SETTLE_READ = 1
    SETTLE_DRIVE = 2
    SETTLE_MULTIPLY = 3
    CONVERT = 4
    PULSE = 5
    RECOVER = 6
    WAIT = 7


class Selection(enum.Enum, shape=2):
    """What the selector connects."""

    OPEN = 0
    CELL = 1
    ROWS = 2
    """The rows whose bit of the plane is set, or with DAC inputs all rows at their codes."""


class FrontEndPins(wiring.Signature):
    """Pins of one tile's array and converters, seen from the controller.

    Members
    -------
    selection, row, column, plane
        What the selector connects; ``plane`` is the bit of the input codes that is applied.
    input_load, input_clear, input_index, input_data
        Store 32 bits of the input vector in the row drivers: bit ``b`` of row ``r`` is bit ``r * input_bits + b`` of
        the vector; ``input_clear`` sets all other bits to zero.
    amplitude, gate, polarity
        Write drive: codes of the pulse voltage and of the word line, and the kind of pulse.
    write_gate
        Open while a pulse is applied.
    read_enable
        The read path is connected.
    convert, group
        A conversion begins: of the selected cell's column, or of the outputs ``group * channels + channel``.
    forward
        The conversion is one of column sums: the converter uses that range.
    active
        Channels that convert in a forward conversion, from the first.
    codes
        Codes of the channels, valid in the last cycle of the conversion's latency.
    compliance
        The array's current limit was hit; asynchronous.
    """

    def __init__(self, config: ControllerConfig) -> None:
        members = {
            "selection": Out(Selection),
            "row": Out(range(config.rows)),
            "column": Out(range(config.columns)),
            "plane": Out(range(config.planes)),
            "input_load": Out(1),
            "input_clear": Out(1),
            "input_index": Out(range(config.input_words)),
            "input_data": Out(INPUT_WORD_BITS),
            "amplitude": Out(CODE_BITS),
            "gate": Out(CODE_BITS),
            "polarity": Out(2),
            "write_gate": Out(1),
            "read_enable": Out(1),
            "convert": Out(1),
            "group": Out(range(config.groups)),
            "forward": Out(1),
            "active": Out(range(config.adc_channels + 1)),
            "codes": In(unsigned(config.adc_bits)).array(config.adc_channels),
            "compliance": In(1),
        }
        super().__init__(members)


class FrontEnd(wiring.Component):
    """Counts the cycles of each step and owns the pins that must not glitch.

    Attributes
    ----------
    start, step, cycles : In
        Begin ``step`` in the next cycle and let it last ``cycles`` (1 or more).
    hold : In
        Keep the read path connected when the step ends and no other begins.
    release : In
        Disconnect the read path and open the selector.
    permit : In
        The write gate may be open in the next cycle.
    first, done : Out
        The step is in its first, and in its last cycle.
    write_gate, read_enable, convert : Out
        Registered pins.
    """

    def __init__(self, cycle_bits: int) -> None:
        super().__init__(
            {
                "start": In(1),
                "step": In(Step),
                "cycles": In(cycle_bits),
                "hold": In(1),
                "release": In(1),
                "permit": In(1),
                "first": Out(1),
                "done": Out(1),
                "write_gate": Out(1),
                "read_enable": Out(1),
                "convert": Out(1),
            }
        )
        self._cycle_bits = cycle_bits

    def elaborate(self, platform: object) -> Module:
        m = Module()
        left = Signal(self._cycle_bits)
        running = Signal()
        reads = Signal()
        m.d.comb += [
            self.done.eq(running & (left == 1)),
            reads.eq(
                (self.step == Step.SETTLE_READ) | (self.step == Step.SETTLE_MULTIPLY) | (self.step == Step.CONVERT)
            ),
        ]
        m.d.sync += [self.first.eq(self.start), self.convert.eq(self.start & (self.step == Step.CONVERT))]
        with m.If(self.start):
            m.d.sync += [
                running.eq(1),
                left.eq(self.cycles),
                self.read_enable.eq(reads),
                self.write_gate.eq((self.step == Step.PULSE) & ~self.read_enable),
            ]
        with m.Elif(self.done):
            m.d.sync += [running.eq(0), self.write_gate.eq(0), self.read_enable.eq(self.read_enable & self.hold)]
        with m.Else():
            m.d.sync += left.eq(left - 1)
        with m.If(self.release):
            m.d.sync += [running.eq(0), self.read_enable.eq(0), self.convert.eq(0)]
        with m.If(self.release | ~self.permit):
            m.d.sync += self.write_gate.eq(0)
        return m
