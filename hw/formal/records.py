"""Codes inside their windows and widths inside their limits: what ARM passes, and what the drive makes of it.

Records and pulse table cannot change while the tile is armed (`twinbar.hw.formal.gate`), so both proofs take them as
fixed. Together:
``LOW <= CODES <= STOP <= HIGH`` holds when ARM passes, and the driven codes stay between ``CODES`` and ``STOP``.
Of any entry, ``LOW <= codes <= STOP`` holds when ARM passes with the table in use, and an entry that is driven has its
own codes, and its own use, on the pins.
"""

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.arming import Arming
from twinbar.hw.gateware.drive.bias_memory import entry_row
from twinbar.hw.gateware.drive.write_drive import WriteDrive, lanes, record_row
from twinbar.hw.protocol.layouts import VALUE_BITS, WIDTH_BITS
from twinbar.hw.protocol.registers import (
    FIELD_CODES,
    FIELD_HIGH,
    FIELD_LIMIT,
    FIELD_LOW,
    FIELD_STEP,
    FIELD_STOP,
    FIELD_WIDTH,
    PULSE_USE,
)
from twinbar.hw.protocol.sizes import ENTRY_BITS
from twinbar.hw.protocol.vocabulary import Record

FIELDS = (FIELD_CODES, FIELD_LOW, FIELD_HIGH, FIELD_STOP, FIELD_WIDTH, FIELD_LIMIT, FIELD_STEP)


class FixedRecord:
    """One record with any contents, which do not change; a memory gives anything for other rows."""

    def __init__(self, m: Module, record: Any, free: Any) -> None:
        self.record = record
        self.fields = {}
        self.entry: dict[str, Signal] = {}
        started = Signal()
        m.d.sync += started.eq(1)
        for field in FIELDS:
            held = Signal(VALUE_BITS, name=f"field_{field}")
            self.fields[field] = value = Signal(VALUE_BITS, name=f"value_{field}")
            m.d.comb += value.eq(held)
            with m.If(~started):
                m.d.comb += value.eq(free[field])
                m.d.sync += held.eq(free[field])

    def connect_entry(self, m: Module, reading: Any, resets: Any, number: Any, entry: Any, granted: Any = 1) -> None:
        """Answer likewise what is read of an entry of the pulse table: codes and use, which do not change."""
        started = Signal()
        m.d.sync += started.eq(1)
        for name, data in zip(("even", "odd"), entry, strict=True):
            held, value, hit = (Signal(VALUE_BITS, name=f"{each}_{name}_of_entry") for each in ("held", "value", "hit"))
            m.d.comb += value.eq(held)
            with m.If(~started):
                m.d.comb += value.eq(data)
                m.d.sync += held.eq(data)
            self.entry[name] = value
            m.d.sync += hit.eq((getattr(reading, f"{name}_row") == entry_row(resets, number)) & granted)
            with m.If(hit.any()):
                m.d.comb += Assume(getattr(reading, name) == value)

    def connect(self, m: Module, reading: Any, granted: Any = 1) -> None:
        """Answer what is read (`RecordReadSignature`) one cycle later; with anything, if it is not ``granted``."""
        for name in ("even", "odd"):
            row, data = getattr(reading, f"{name}_row"), getattr(reading, name)
            for field in FIELDS:
                if field % 2 == (name == "odd"):
                    hit = Signal(name=f"hit_{name}_{field}")
                    m.d.sync += hit.eq((row == record_row(self.record, field)) & granted)
                    with m.If(hit):
                        m.d.comb += Assume(data == self.fields[field])


class ArmingProof(wiring.Component):
    """If ARM passes, any record is ordered, and so is any entry of the pulse table with its record."""

    def __init__(self, entries: int = 0) -> None:
        self._entries = entries
        super().__init__(
            {
                "free": In(VALUE_BITS).array(8),
                "entry": In(VALUE_BITS).array(2),
                "number": In(ENTRY_BITS),
                "even": In(VALUE_BITS),
                "odd": In(VALUE_BITS),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        cycles = Arming.cycles(self._entries)
        m.submodules.arming = arming = Arming(self._entries)
        m.d.comb += arming.by_table.eq(int(self._entries > 0))
        which = Signal(3)
        m.d.sync += which.eq(which)
        started = Signal()
        m.d.sync += started.eq(1)
        with m.If(~started):
            m.d.sync += which.eq(self.free[6][:3])
        chosen = Signal(3)
        m.d.comb += [chosen.eq(which), Assume(chosen < 5)]
        with m.If(~started):
            m.d.comb += chosen.eq(self.free[6][:3])
        fixed = FixedRecord(m, chosen, self.free)
        m.d.comb += [arming.reading.even.eq(self.even), arming.reading.odd.eq(self.odd)]
        fixed.connect(m, arming.reading)
        if self._entries:
            self._fix_entry(m, fixed, chosen, arming)
        cycle = Signal(range(cycles + 2))
        with m.If(cycle < cycles + 1):
            m.d.sync += cycle.eq(cycle + 1)
        m.d.comb += [arming.start.eq(cycle == 1), arming.active.eq((cycle > 1) & (cycle <= cycles))]
        value = fixed.fields
        m.d.comb += Assert(arming.scan.last == (cycle == cycles), "the scan takes its cycles")
        with m.If(arming.scan.last & arming.scan.good):
            for line in range(3):
                low, codes, stop, high = (
                    lanes(value[field])[line] for field in (FIELD_LOW, FIELD_CODES, FIELD_STOP, FIELD_HIGH)
                )
                m.d.comb += Assert((low <= codes) & (codes <= stop) & (stop <= high), "codes lie in their window")
            shape, limit = value[FIELD_WIDTH], value[FIELD_LIMIT]
            m.d.comb += Assert(shape[:WIDTH_BITS] <= limit[:WIDTH_BITS], "the width lies within its limit")
            m.d.comb += Assert(shape[WIDTH_BITS:] <= limit[WIDTH_BITS:], "the compliance code lies within its limit")
        return m

    def _fix_entry(self, m: Module, fixed: FixedRecord, chosen: Any, arming: Arming) -> None:
        """Look at any entry of the record, if that is SET or RESET."""
        resets = chosen == Record.RESET.value
        number, started = Signal(ENTRY_BITS), Signal()
        m.d.sync += [number.eq(self.number), started.eq(1)]
        m.d.comb += [Assume(self.number < self._entries), Assume(~started | (self.number == number))]
        fixed.connect_entry(m, arming.reading, resets, self.number, self.entry)
        pulsed = (chosen == Record.SET.value) | resets
        with m.If(arming.scan.last & arming.scan.good & pulsed):
            for line in range(3):
                low, stop = (lanes(fixed.fields[field])[line] for field in (FIELD_LOW, FIELD_STOP))
                codes = lanes(fixed.entry["even"])[line]
                m.d.comb += Assert((low <= codes) & (codes <= stop), "codes of an entry lie in their window")


class DriveProof(wiring.Component):
    """While SET is driven, its codes lie between start and stop, and width and compliance code are the record's.

    While an entry of SET is driven, the codes and the use are the entry's.
    """

    def __init__(self, entries: int = 0) -> None:
        self._config = ControllerConfig(pulse_entries=entries)
        super().__init__(
            {
                "free": In(VALUE_BITS).array(8),
                "contents": In(VALUE_BITS).array(2),
                "number": In(ENTRY_BITS),
                "by_entry": In(1),
                "entry": In(ENTRY_BITS),
                "even": In(VALUE_BITS),
                "odd": In(VALUE_BITS),
                "target": In(Record),
                "first": In(1),
                "begin": In(1),
                "make_safe": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        m.submodules.drive = drive = WriteDrive(self._config)
        fixed = FixedRecord(m, Const(Record.SET.value, 3), self.free)
        m.d.comb += [
            drive.make_safe.eq(self.make_safe),
            *(getattr(drive.pulse, name).eq(getattr(self, name)) for name in ("target", "first", "begin")),
            *(getattr(drive.reading, name).eq(getattr(self, name)) for name in ("even", "odd")),
        ]
        # Settling takes two cycles or more, pulse and recovery one; and an update is only begun where one is needed.
        # From its second cycle on a halt may have given the memory to others.
        busy = Signal(2)
        fixed.connect(m, drive.reading, self.begin | (busy == 3))
        target = Signal.like(self.target)
        m.d.sync += target.eq(self.target)
        m.d.comb += Assume((self.target == target) | (busy != 3))
        if self._config.pulse_entries:
            self._drive_entries(m, drive, fixed, busy)
        with m.If(self.begin):
            m.d.sync += busy.eq(3)
        with m.Elif(busy.any()):
            m.d.sync += busy.eq(busy - 1)
        m.d.comb += Assume(~(self.begin & (busy.any() | self.make_safe)))
        value = fixed.fields
        ordered = Signal(3)
        for line in range(3):
            m.d.comb += ordered[line].eq(lanes(value[FIELD_CODES])[line] <= lanes(value[FIELD_STOP])[line])
        m.d.comb += Assume(ordered.all())
        with m.If((drive.pulse.record == Record.SET) & (busy <= 1) & ~drive.pulse.held):
            for line in range(3):
                code = lanes(drive.codes.as_value())[line]
                start, stop = lanes(value[FIELD_CODES])[line], lanes(value[FIELD_STOP])[line]
                m.d.comb += Assert((start <= code) & (code <= stop), "driven codes lie between start and stop")
            shape = Cat(drive.width, drive.compliance_code)
            m.d.comb += Assert(shape == value[FIELD_WIDTH], "width and compliance code are the record's")
        return m

    def _drive_entries(self, m: Module, drive: WriteDrive, fixed: FixedRecord, busy: Signal) -> None:
        """Let the drive be asked for entries, of which any one is looked at."""
        asked, number, started = Signal.like(Cat(self.by_entry, self.entry)), Signal(ENTRY_BITS), Signal()
        m.d.sync += [asked.eq(Cat(self.by_entry, self.entry)), number.eq(self.number), started.eq(1)]
        m.d.comb += [
            drive.pulse.by_entry.eq(self.by_entry),
            drive.pulse.entry.eq(self.entry),
            Assume((Cat(self.by_entry, self.entry) == asked) | (busy != 3)),
            Assume(~self.by_entry | (self.target == Record.SET) | (self.target == Record.RESET)),
            Assume(~started | (self.number == number)),
        ]
        fixed.connect_entry(m, drive.reading, 0, self.number, self.contents, self.begin | (busy == 3))
        pulse, entry = drive.pulse, fixed.entry
        with m.If(pulse.held & (pulse.record == Record.SET) & (pulse.held_entry == self.number) & (busy <= 1)):
            shape = Cat(drive.width, drive.compliance_code)
            m.d.comb += [
                Assert(drive.codes.as_value() == entry["even"], "the codes are the entry's"),
                Assert(shape == fixed.fields[FIELD_WIDTH], "width and compliance code are the record's"),
            ]
            with m.If(busy == 0):
                m.d.comb += Assert(pulse.use.as_value() == entry["odd"][: PULSE_USE.bits], "the use is the entry's")
