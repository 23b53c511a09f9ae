"""Keeps the outputs of serial DACs at the codes of a tile's write drive and read paths."""

from functools import reduce

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.parts.assembly import LIMIT_BITS, DacOutput, DrivenLine, DrivePath, SerialParts
from twinbar.hw.protocol.layouts import COMPLIANCE_BITS, Triple
from twinbar.hw.protocol.vocabulary import Record

from ..controller_config import ControllerConfig
from ..drive.write_drive import lanes
from .spi_transceiver import MAX_BITS, SpiWord

_RECORDS = {DrivePath.READ: (Record.READ,), DrivePath.MULTIPLY: (Record.MULTIPLY,)}
_RECORDS[DrivePath.WRITE] = tuple(record for record in Record if record not in (Record.READ, Record.MULTIPLY))


class DacKeeper(wiring.Component):
    """Keeps outputs at the codes that they should have: an output whose code does not change is not written.

    Codes are taken over with ``update`` at any time, also while nothing is requested (safe codes, arming), and written
    as soon as the bus is free, the first output in `SerialParts.outputs` first.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts

    Members
    -------
    awake : In(1)
        Parts are powered up.
    record, codes, compliance_code, update : In
        See `array_members`.
    connect : In(2)
        Strobes: outputs that READ and MULTIPLY share take the codes of READ, or of MULTIPLY.
    settle : In(16)
        Cycles from the end of the last word to outputs at rest.
    words : Out(stream(SpiWord))
    ready : Out(1)
        Every output has its code, and all have settled.

    Attributes
    ----------
    wanted, held : list of Signal
        The code that each output should have, and the one that was sent to it last.
    kept : dict of (int, DrivePath) to Signal
        The last code of each path of an output that paths share.
    known : Signal
        Which outputs were sent a code.
    step : Signal
        Words of the start-up that were sent.
    left : Signal
        Cycles until outputs have settled. The proof looks at all of these.
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts) -> None:
        self.config, self.parts = config, parts
        self._start_up = [(chip, bits) for chip in range(parts.dacs) for bits in parts.dac.start_up()]
        self.wanted = [self._code(output, number) for number, output in enumerate(parts.outputs)]
        self.held = [Signal.like(code, name=f"held_{number}", init=0) for number, code in enumerate(self.wanted)]
        self.kept = {
            (number, drive): Signal.like(self.wanted[number], name=f"{drive.value}_{number}")
            for number, output in enumerate(parts.outputs)
            for drive in DrivePath
            if drive in output.drives and len(output.drives) > 1
        }
        self.known, self.step = Signal(len(parts.outputs)), Signal(range(len(self._start_up) + 1))
        self.left = Signal(16)
        super().__init__(
            {
                "awake": In(1),
                "record": In(Record),
                "codes": In(Triple),
                "compliance_code": In(COMPLIANCE_BITS),
                "update": In(1),
                "connect": In(2),
                "settle": In(16),
                "words": Out(stream.Signature(SpiWord)),
                "ready": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        outputs, dac, word = self.parts.outputs, self.parts.dac, self.words.payload
        wanted, held, known, step, start_up = self.wanted, self.held, self.known, self.step, self._start_up
        for number, output in enumerate(outputs):
            self._want(m, output, number)
        stale = Signal(len(outputs))
        m.d.comb += stale.eq(Cat(~known[n] | (wanted[n] != held[n]) for n in range(len(outputs))))

        started = step == len(start_up)
        accepted = Signal()
        m.d.comb += [
            accepted.eq(self.words.valid & self.words.ready),
            self.words.valid.eq(self.awake & (~started | stale.any())),
            word.count.eq(dac.word_bits - 1),
            word.last.eq(1),
        ]
        align = MAX_BITS - dac.word_bits
        with m.If(~started):
            with m.Switch(step):
                for number, (chip, bits) in enumerate(start_up):
                    with m.Case(number):
                        m.d.comb += [word.bits.eq(bits << align), word.chip.eq(chip)]
            with m.If(accepted):
                m.d.sync += step.eq(step + 1)
        first = True
        for number, output in enumerate(outputs):
            condition = started & stale[number]
            with m.If(condition) if first else m.Elif(condition):
                base = dac.write_and_update(output.channel, 0)
                code = self._part_code(output, wanted[number]) << dac.code_offset()
                m.d.comb += [word.bits.eq((base | code) << align), word.chip.eq(output.chip)]
                with m.If(accepted):
                    m.d.sync += [held[number].eq(wanted[number]), known[number].eq(1)]
            first = False

        left = self.left
        quiet = started & ~stale.any() & self.words.ready
        with m.If(started & accepted):
            m.d.sync += left.eq(self.settle)
        with m.Elif(quiet & (left != 0)):
            m.d.sync += left.eq(left - 1)
        m.d.comb += self.ready.eq(quiet & (left == 0))
        return m

    def _code(self, output: DacOutput, number: int) -> Signal:
        """Make the code that an output should have: it starts at the safe code."""
        limit = output.line is DrivenLine.LIMIT
        safe = 0 if limit else self.config.safe_codes[output.line]
        return Signal(LIMIT_BITS if limit else self.config.dac_bits, name=f"wanted_{number}", init=safe)

    def _want(self, m: Module, output: DacOutput, number: int) -> None:
        """Take over the codes of an output."""
        wanted = self.wanted[number]
        limit = output.line is DrivenLine.LIMIT
        source = self.compliance_code if limit else lanes(self.codes.as_value())[output.line][: len(wanted)]
        # In the order of their declaration: that of a set changes from process to process, and the netlist with it.
        for drive in (drive for drive in DrivePath if drive in output.drives):
            recorded = reduce(lambda a, b: a | b, (self.record == record for record in _RECORDS[drive]))
            with m.If(self.update & recorded):
                m.d.sync += wanted.eq(source)
                if len(output.drives) > 1:
                    m.d.sync += self.kept[number, drive].eq(source)
            if len(output.drives) > 1:
                with m.If(self.connect[0 if drive is DrivePath.READ else 1]):
                    m.d.sync += wanted.eq(self.kept[number, drive])

    def _part_code(self, output: DacOutput, code):
        """As `SerialParts.dac_code`, upwards from the code of rest, at most the part's greatest."""
        bits = self.parts.dac.bits
        if output.line is DrivenLine.LIMIT:
            return Cat(code, code)[2 * LIMIT_BITS - bits :]
        aligned = code << (bits - self.config.dac_bits)
        if not output.rest:
            return aligned
        raised = aligned + output.rest
        return Mux(raised[bits:].any(), (1 << bits) - 1, raised[:bits])
