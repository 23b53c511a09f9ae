"""The write drive: the codes on the three lines, and their ramps."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import COMPLIANCE_BITS, LINE_BITS, VALUE_BITS, WIDTH_BITS, Triple
from twinbar.hw.protocol.registers import FIELD_CODES, FIELD_STEP, FIELD_STOP, FIELD_WIDTH
from twinbar.hw.protocol.vocabulary import Record

from ..controller_config import ControllerConfig


def record_row(record, field: int):
    """Give the row of a record's field in `BiasMemory`; the record is a 3-bit value."""
    return Cat(Const(field >> 1, 2), record, Const(1, 1))


def lanes(triple):
    """Split a triple into the codes of its lines."""
    return [triple[LINE_BITS * line : LINE_BITS * (line + 1)] for line in range(3)]


class WriteDrive(wiring.Component):
    """The write drive: the codes on the three lines, which ramp from pulse to pulse.

    An update takes the two cycles after ``begin``: codes, width and current limit are taken over in the first, steps
    and stop codes are kept in the second. In the two cycles after it they give the ramp's next codes.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    target : In(Record)
        Record to be pulsed next; it stays the same from ``begin`` to the next cycle.
    first : In(1)
        The next pulse is the first of its command.
    stale : Out(1)
        Pulsing the record that is driven takes an update; any other record does. Right from the second cycle of a pulse
        on.
    begin : In(1)
        An update to ``target`` begins in the next cycle.
    load : In(1)
        Take the codes and width that the memory gives, as those of ``load_record``.
    load_record : In(Record)
    make_safe : In(1)
        Take the safe codes.
    even_row, odd_row : Out
    even, odd : In
        To `BiasMemory`.
    codes, record, compliance_code, update : Out
        To the front end.
    width : Out
        Pulse width of the record that is driven.
    updating, finishing : Out(1)
        First and second cycle of an update.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "target": In(Record),
                "first": In(1),
                "stale": Out(1),
                "begin": In(1),
                "load": In(1),
                "load_record": In(Record),
                "make_safe": In(1),
                "even_row": Out(6),
                "odd_row": Out(6),
                "even": In(VALUE_BITS),
                "odd": In(VALUE_BITS),
                "codes": Out(Triple, init=self._safe()),
                "record": Out(Record, init=Record.SAFE),
                "compliance_code": Out(COMPLIANCE_BITS),
                "update": Out(1),
                "width": Out(WIDTH_BITS),
                "updating": Out(1),
                "finishing": Out(1),
            }
        )

    def _safe(self) -> dict[str, int]:
        return dict(zip(("bit_line", "source_line", "word_line"), self.config.safe_codes, strict=True))

    def elaborate(self, platform) -> Module:
        m = Module()
        updating, finishing = self.updating, self.finishing
        fresh = Signal()  # an update takes the start codes
        at_start = Signal()  # the driven codes are the record's start codes
        ramps = Signal()  # the next codes differ from those that are driven
        after = [Signal(LINE_BITS + 1, name=f"after_{line}") for line in range(3)]  # the next codes of the ramp
        adding, cutting = Signal(), Signal()  # they are summed, and cut at the stop codes
        driven = lanes(self.codes.as_value())
        start = self.first | (self.record != self.target)

        m.d.comb += [
            self.stale.eq(Mux(self.first, ~at_start, ramps)),
            self.even_row.eq(record_row(self.target, FIELD_CODES)),
            self.odd_row.eq(record_row(self.target, FIELD_WIDTH)),
        ]
        m.d.sync += [updating.eq(self.begin), finishing.eq(updating), self.update.eq(updating)]
        m.d.sync += [adding.eq(finishing), cutting.eq(adding), fresh.eq(start)]
        with m.If(updating):
            m.d.comb += [
                self.even_row.eq(record_row(self.target, FIELD_STEP)),
                self.odd_row.eq(record_row(self.target, FIELD_STOP)),
            ]
        with m.If(updating):
            m.d.sync += [at_start.eq(fresh), self.record.eq(self.target)]
            for line, code in enumerate(lanes(self.even)):
                m.d.sync += driven[line].eq(Mux(fresh, code, after[line][:LINE_BITS]))
        # Both fields are kept: a block RAM is slow, and a halt in the first cycle gives it to others from the third on.
        steps, stops = Signal(3 * LINE_BITS), Signal(3 * LINE_BITS)
        with m.If(finishing):
            m.d.sync += [steps.eq(self.even), stops.eq(self.odd)]
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
            m.d.sync += Cat(self.width, self.compliance_code).eq(self.odd)
        with m.If(self.load):
            m.d.sync += [
                self.codes.eq(self.even),
                Cat(self.width, self.compliance_code).eq(self.odd),
                self.record.eq(self.load_record),
                self.update.eq(1),
            ]
        with m.If(self.make_safe):
            m.d.sync += [
                self.codes.eq(Triple.const(self._safe())),
                self.compliance_code.eq(0),
                self.record.eq(Record.SAFE),
                self.update.eq(1),
                updating.eq(0),
            ]
        return m
