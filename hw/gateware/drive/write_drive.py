"""The write drive: the codes on the three lines, and their ramps."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import COMPLIANCE_BITS, LINE_BITS, WIDTH_BITS, Triple
from twinbar.hw.protocol.registers import FIELD_CODES, FIELD_STEP, FIELD_STOP, FIELD_WIDTH, PULSE_USE
from twinbar.hw.protocol.sizes import ENTRY_BITS
from twinbar.hw.protocol.vocabulary import Record
from twinbar.hw.timing import MIN_SETTLE_DRIVE

from ..controller_config import ControllerConfig
from .bias_memory import RecordReadSignature, entry_row

PulseUse = PULSE_USE.layout
"""How an entry of the pulse table is used."""


def record_row(record, field: int):
    """Return the row of a record's field in `BiasMemory`; the record is a 3-bit value."""
    return Cat(Const(field >> 1, 2), record, Const(1, 1))


def lanes(triple):
    """Split a triple into the codes of its lines."""
    return [triple[LINE_BITS * line : LINE_BITS * (line + 1)] for line in range(3)]


class PulseSignature(wiring.Signature):
    """What the sequencer asks of the write drive before a pulse.

    Members
    -------
    target : Out(Record)
        Record to be pulsed next; it stays the same from ``begin`` to the next cycle.
    by_entry, entry : Out
        Whether the codes are those of an entry of the record's pulse table, and its number; likewise.
    first : Out(1)
        The next pulse is the first of its command.
    begin : Out(1)
        An update to ``target`` begins in the next cycle.
    record : In(Record)
        The record that is driven.
    stale : In(1)
        Pulsing it takes an update; any other record does. Right from the second cycle of a pulse on.
    held, held_entry, use : In
        Whether an entry is driven, its number, and (from the third cycle of its update on) how it is used.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "target": Out(Record),
                "by_entry": Out(1),
                "entry": Out(ENTRY_BITS),
                "first": Out(1),
                "begin": Out(1),
                "record": In(Record, init=Record.SAFE),
                "stale": In(1),
                "held": In(1),
                "held_entry": In(ENTRY_BITS),
                "use": In(PulseUse),
            }
        )


class WriteDrive(wiring.Component):
    """The write drive: the codes on the three lines, which ramp from pulse to pulse.

    An update takes the two cycles after ``begin``: codes, width and current limit are taken over in the first, steps
    and stop codes are kept in the second. In the two cycles after it they give the ramp's next codes. Of an entry of
    the pulse table, its use is kept in the second cycle, and nothing ramps.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    pulse : In(PulseSignature)
    load : In(1)
        Take the codes and width that the memory gives, as those of ``load_record``.
    load_record : In(Record)
    make_safe : In(1)
        Take the safe codes.
    reading : Out(RecordReadSignature)
    codes, compliance_code, update : Out
        To the front end.
    width : Out
        Pulse width of the record that is driven.
    updating, finishing : Out(1)
        First and second cycle of an update.

    Attributes
    ----------
    after : list of Signal
        The next codes of the ramp, by line.
    steps, stops : Signal
        Of the record that is driven.
    adding, cutting : Signal
        The next codes are summed, and cut at the stop codes.
    fresh : Signal
        An update takes the start codes.
    asked : Signal
        Entry and polarity of the cycle before: in the first cycle of an update, what it is for. The proof looks at all
        of these.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        self.after = [Signal(LINE_BITS + 1, name=f"after_{line}") for line in range(3)]
        self.steps = Signal(3 * LINE_BITS)
        self.stops = Signal(3 * LINE_BITS)
        self.adding = Signal()
        self.cutting = Signal()
        self.fresh = Signal()
        self.asked = Signal(ENTRY_BITS + 1)
        super().__init__(
            {
                "pulse": In(PulseSignature()),
                "load": In(1),
                "load_record": In(Record),
                "make_safe": In(1),
                "reading": Out(RecordReadSignature()),
                "codes": Out(Triple, init=self._safe()),
                "compliance_code": Out(COMPLIANCE_BITS),
                "update": Out(1),
                "width": Out(WIDTH_BITS),
                "updating": Out(1),
                "finishing": Out(1),
            }
        )

    def _safe(self) -> dict[str, int]:
        return dict(zip(("bit_line", "source_line", "word_line"), self.config.safe_codes, strict=True))

    @staticmethod
    def cycles() -> int:
        """Return the cycles from ``begin`` to the first in which the front end has the new codes."""
        return MIN_SETTLE_DRIVE

    def elaborate(self, platform) -> Module:
        m = Module()
        pulse, reading, updating, finishing = self.pulse, self.reading, self.updating, self.finishing
        at_start = Signal()  # the driven codes are the record's start codes
        ramps = Signal()  # the next codes differ from those that are driven
        after, adding, cutting, fresh = self.after, self.adding, self.cutting, self.fresh
        driven = lanes(self.codes.as_value())
        start = pulse.first | (pulse.record != pulse.target)

        m.d.comb += [
            pulse.stale.eq(Mux(pulse.first, ~at_start, ramps)),
            reading.even_row.eq(record_row(pulse.target, FIELD_CODES)),
            reading.odd_row.eq(record_row(pulse.target, FIELD_WIDTH)),
        ]
        if self.config.pulse_entries:
            start |= pulse.by_entry | pulse.held
            m.d.comb += pulse.stale.eq(Mux(pulse.first, ~at_start, ramps) | pulse.held)
            with m.If(pulse.by_entry):
                m.d.comb += reading.even_row.eq(entry_row(pulse.target == Record.RESET, pulse.entry))
        m.d.sync += [updating.eq(pulse.begin), finishing.eq(updating), self.update.eq(updating)]
        m.d.sync += [adding.eq(finishing), cutting.eq(adding), fresh.eq(start)]
        with m.If(updating):
            m.d.comb += [
                reading.even_row.eq(record_row(pulse.target, FIELD_STEP)),
                reading.odd_row.eq(record_row(pulse.target, FIELD_STOP)),
            ]
        with m.If(updating):
            m.d.sync += [at_start.eq(fresh), pulse.record.eq(pulse.target)]
            for line, code in enumerate(lanes(reading.even)):
                m.d.sync += driven[line].eq(Mux(fresh, code, after[line][:LINE_BITS]))
        # Both fields are kept: a block RAM is slow, and a halt in the first cycle gives it to others from the third on.
        steps, stops = self.steps, self.stops
        with m.If(finishing):
            m.d.sync += [steps.eq(reading.even), stops.eq(reading.odd)]
        moves = []
        for line, (step, stop) in enumerate(zip(lanes(steps), lanes(stops), strict=True)):
            moves.append(step.any() & (driven[line] != stop))
            with m.If(adding):
                m.d.sync += after[line].eq(driven[line] + step)
            with m.If(cutting & (after[line] > stop)):
                m.d.sync += after[line].eq(stop)
        with m.If(adding):
            m.d.sync += ramps.eq(Cat(moves).any())
        with m.If(updating & fresh):
            m.d.sync += Cat(self.width, self.compliance_code).eq(reading.odd)
        if self.config.pulse_entries:
            self._hold_entry(m)
        with m.If(self.load):
            m.d.sync += [
                self.codes.eq(reading.even),
                Cat(self.width, self.compliance_code).eq(reading.odd),
                pulse.record.eq(self.load_record),
                self.update.eq(1),
            ]
        with m.If(self.make_safe):
            m.d.sync += [
                self.codes.eq(Triple.const(self._safe())),
                self.compliance_code.eq(0),
                pulse.record.eq(Record.SAFE),
                self.update.eq(1),
                updating.eq(0),
            ]
        return m

    def _hold_entry(self, m: Module) -> None:
        """Remember the entry that is driven, and how it is used."""
        pulse, reading = self.pulse, self.reading
        entry, resets = self.asked[:-1], self.asked[-1]
        m.d.sync += self.asked.eq(Cat(pulse.entry, pulse.target == Record.RESET))
        with m.If(self.updating & pulse.by_entry):
            m.d.comb += reading.odd_row.eq(entry_row(resets, entry))
        with m.If(self.updating):
            m.d.sync += [pulse.held.eq(pulse.by_entry), pulse.held_entry.eq(entry)]
        with m.If(self.finishing & pulse.held):
            m.d.sync += pulse.use.as_value().eq(reading.odd)
        with m.If(self.load | self.make_safe):
            m.d.sync += pulse.held.eq(0)
