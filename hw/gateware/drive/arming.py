"""Checks the bias records before the tile is armed."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import LINE_BITS, VALUE_BITS, WIDTH_BITS
from twinbar.hw.protocol.registers import (
    FIELD_CODES,
    FIELD_HIGH,
    FIELD_LIMIT,
    FIELD_LOW,
    FIELD_STOP,
    FIELD_WIDTH,
)
from twinbar.hw.protocol.vocabulary import RECORDS, Record
from twinbar.hw.timing import ARM_CYCLES, ARM_ENTRY_CYCLES

from .bias_memory import RecordReadSignature, entry_row
from .write_drive import record_row

_PAIRS = ((FIELD_CODES, FIELD_LOW), (FIELD_CODES, FIELD_STOP), (FIELD_HIGH, FIELD_STOP), (FIELD_LIMIT, FIELD_WIDTH))
"""Fields (even, odd) that are compared with each other, by the lower bits of the step."""
_ASCENDING = 1
"""The pair whose even field must not be greater than the odd one; of all others the odd field must not."""
_WIDTHS = 3
"""The pair whose lowest 28 bits are one number, and whose highest 8 bits are another."""
_CHECKS = len(RECORDS) * len(_PAIRS)
_LATENCY = 2
"""Steps from the row of a pair to its verdict."""
_LOADED = (Record.READ, Record.MULTIPLY)
"""Records that are driven when all were checked, one per step: those that are not driven pulse by pulse."""


class ScanSignature(wiring.Signature):
    """What the sequencer hears of the check of the records.

    Members
    -------
    last : Out(1)
        The last of its cycles.
    good : Out(1)
        In the last cycle: every record passed.
    """

    def __init__(self) -> None:
        super().__init__({"last": Out(1), "good": Out(1)})


class Arming(wiring.Component):
    """Checks all bias records, one pair of fields per cycle, then loads those that are not driven pulse by pulse.

    The codes of a pulse table are looked at behind the records, with the lowest and the stop codes of their record.

    Parameters
    ----------
    entries : int
        Entries of each polarity's pulse table.

    Members
    -------
    start, active : In(1)
        ``start`` in the first of its cycles, ``active`` in the others.
    by_table : In(1)
        The pulse table is checked, too.
    scan : Out(ScanSignature)
    reading : Out(RecordReadSignature)
    load : Out(1)
    load_record : Out(Record)
        To `WriteDrive`: READ, then MULTIPLY.

    Attributes
    ----------
    step : Signal
        Number of the pair that is read: the proofs look at it.
    """

    start: In(1)
    active: In(1)
    by_table: In(1)
    scan: Out(ScanSignature())
    reading: Out(RecordReadSignature())
    load: Out(1)
    load_record: Out(Record)

    def __init__(self, entries: int = 0) -> None:
        self._entries = entries
        self.step = Signal(range(ARM_CYCLES))
        super().__init__()

    @staticmethod
    def cycles(entries: int = 0) -> int:
        """Return the cycles of the check, of a pulse table that is checked too, and of driving what it loads."""
        return _CHECKS + ARM_ENTRY_CYCLES * entries + _LATENCY + len(_LOADED)

    def elaborate(self, platform) -> Module:
        m = Module()
        step = self.step
        bad, waits = Signal(), Signal()
        record, pair = step[2:], step[:2]
        m.d.comb += [self.scan.last.eq(self.active & (step == ARM_CYCLES - 1)), self.scan.good.eq(~bad)]
        with m.If((self.start | self.active & ~self.scan.last) & ~waits):
            m.d.sync += step.eq(step + 1)
        with m.Elif(~waits):
            m.d.sync += step.eq(0)

        with m.Switch(pair):
            for number, (even, odd) in enumerate(_PAIRS):
                with m.Case(number):
                    m.d.comb += [
                        self.reading.even_row.eq(record_row(record, even)),
                        self.reading.odd_row.eq(record_row(record, odd)),
                    ]
        for number, late in enumerate(_LOADED):
            with m.If(step == _CHECKS + _LATENCY + number - 1):
                m.d.comb += [
                    self.reading.even_row.eq(record_row(Const(late.value, 3), FIELD_CODES)),
                    self.reading.odd_row.eq(record_row(Const(late.value, 3), FIELD_WIDTH)),
                ]
            with m.If(self.active & ~bad & (step == _CHECKS + _LATENCY + number)):
                m.d.comb += [self.load.eq(1), self.load_record.eq(late)]

        # What the memories give now was addressed one step ago, and the verdict comes one step later.
        ascending, widths = Signal(), Signal()
        of_entry = self._look_at_entries(m, step, waits) if self._entries else None
        ascending_before, widths_before = Signal(), Signal()
        lanes, width, highest = self._compare(m, ascending, widths)
        failed = Signal()
        m.d.comb += [
            ascending.eq((pair - 1)[:2] == _ASCENDING),
            widths.eq((pair - 1)[:2] == _WIDTHS),
            failed.eq(
                Mux(
                    ascending_before,
                    ~(lanes.all() & highest),
                    Mux(widths_before, width, lanes.any()) | highest,
                )
            ),
        ]
        if of_entry is not None:
            looked, stops = of_entry
            with m.If(looked):
                m.d.comb += [ascending.eq(stops), widths.eq(0)]
        m.d.sync += [ascending_before.eq(ascending), widths_before.eq(widths)]
        with m.If(step < _LATENCY):
            m.d.sync += bad.eq(0)
        with m.Elif(failed & (step < _CHECKS + _LATENCY)):
            m.d.sync += bad.eq(1)
        return m

    def _look_at_entries(self, m, step, waits):
        """Hold the step up for two cycles per entry: its codes with the lowest ones, then with the stop codes.

        Returns
        -------
        looked, stops
            In the next cycle: an entry was looked at, with the stop codes.
        """
        place = Signal(range(ARM_ENTRY_CYCLES * self._entries))
        done, looked, stops = Signal(), Signal(), Signal()
        with_stop, number, resets = place[0], place[1:-1], place[-1]
        record = Mux(resets, Const(Record.RESET.value, 3), Const(Record.SET.value, 3))
        m.d.comb += waits.eq(self.active & self.by_table & (step == _CHECKS) & ~done)
        with m.If(waits):
            m.d.comb += [
                self.reading.even_row.eq(entry_row(resets, number)),
                self.reading.odd_row.eq(Mux(with_stop, record_row(record, FIELD_STOP), record_row(record, FIELD_LOW))),
            ]
            m.d.sync += [place.eq(place + 1), done.eq(place.all())]
        with m.Else():
            m.d.sync += place.eq(0)
        with m.If(self.start):
            m.d.sync += done.eq(0)
        m.d.sync += [looked.eq(waits), stops.eq(with_stop)]
        return looked, stops

    def _compare(self, m, ascending, widths):
        """Compare the odd field with the even one, in parts.

        Returns
        -------
        lanes, width, highest
            In the next cycle, whether the odd field is greater (with ``ascending``: not less): in each of the two lower
            lines, in the lowest 28 bits (with ``widths``), in the highest line or (with ``widths``) the highest 8 bits.
        """
        # One subtraction, with a carry that is set where nothing is borrowed. Between two parts lies a bit that shows
        # the carry of the lower one, and passes on either it (the operands are equal) or a new one (the first operand).
        new = (Const(0, 1), ~ascending)
        link = (ascending | widths, ~ascending)
        cut = (~widths, Const(1, 1))
        low, middle = slice(0, LINE_BITS), slice(LINE_BITS, 2 * LINE_BITS)
        rest, code = slice(2 * LINE_BITS, WIDTH_BITS), slice(WIDTH_BITS, VALUE_BITS)
        minuend, subtrahend, shown = [], [], []
        for (one, other), part in ((new, low), (link, middle), (link, rest), (cut, code)):
            minuend += [one, self.reading.odd[part]]
            subtrahend += [other, self.reading.even[part]]
            shown.append(sum(len(piece) for piece in minuend))
        total = Cat(minuend, Const(0, 1)) - Cat(subtrahend, Const(1, 1))
        carries = Signal(4)
        m.d.sync += carries.eq(Cat(total[place] for place in shown))
        return carries[:2], carries[2], carries[3]
