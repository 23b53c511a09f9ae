"""Codes inside their windows and widths inside their limits: what ARM passes, and what the drive makes of it.

Both proofs take records and pulse table as any numbers that do not change: of a whole tile it is proven that nothing is
written to them from the check on until it is disarmed (`ArmedProperties`), and of the memory that it gives what was
written (`MemoryProof`). Together: ``LOW <= CODES <= STOP <= HIGH`` holds when ARM passes, and the driven codes stay
between ``CODES`` and ``STOP``. Of any entry, ``LOW <= codes <= STOP`` holds when ARM passes with the table in use, and
an entry that is driven has its own codes, and its own use, on the pins.
"""

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.arming import Arming
from twinbar.hw.gateware.drive.bias_memory import entry_row
from twinbar.hw.gateware.drive.write_drive import WriteDrive, lanes, record_row
from twinbar.hw.gateware.tile_states import is_any
from twinbar.hw.protocol.layouts import LINE_BITS, VALUE_BITS, WIDTH_BITS
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
from twinbar.hw.protocol.vocabulary import RECORDS, Record

from .drive_use import DriveUse
from .settling import PULSED
from .symbols import any_number

FIELDS = (FIELD_CODES, FIELD_LOW, FIELD_HIGH, FIELD_STOP, FIELD_WIDTH, FIELD_LIMIT, FIELD_STEP)


class FixedRecord:
    """One record with any contents, which do not change; a memory gives anything for other rows.

    Parameters
    ----------
    m : Module
    record : value
        Which.
    """

    def __init__(self, m: Module, record: Any) -> None:
        self.record = record
        self.fields = {field: any_number(m, VALUE_BITS, f"field_{field}") for field in FIELDS}
        self.entry: dict[str, Signal] = {}

    def connect_entry(self, m: Module, reading: Any, resets: Any, number: Any, granted: Any = 1) -> None:
        """Answer likewise what is read of an entry of the pulse table: codes and use, which do not change."""
        for name in ("even", "odd"):
            self.entry[name] = value = any_number(m, VALUE_BITS, f"{name}_of_entry")
            hit = Signal(name=f"hit_{name}_of_entry")
            m.d.sync += hit.eq((getattr(reading, f"{name}_row") == entry_row(resets, number)) & granted)
            with m.If(hit):
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
        super().__init__({"even": In(VALUE_BITS), "odd": In(VALUE_BITS)})

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        cycles = Arming.cycles(self._entries)
        m.submodules.arming = arming = Arming(self._entries)
        m.d.comb += arming.by_table.eq(int(self._entries > 0))
        chosen = any_number(m, 3, "record")
        m.d.comb += Assume(chosen < len(RECORDS))
        fixed = FixedRecord(m, chosen)
        m.d.comb += [arming.reading.even.eq(self.even), arming.reading.odd.eq(self.odd)]
        fixed.connect(m, arming.reading)
        if self._entries:
            self._fix_entry(m, fixed, chosen, arming)
        cycle = Signal(range(cycles + 2))
        with m.If(cycle < cycles + 1):
            m.d.sync += cycle.eq(cycle + 1)
        m.d.comb += [arming.start.eq(cycle == 1), arming.active.eq((cycle > 1) & (cycle <= cycles))]
        value = fixed.fields
        passes = arming.scan.last & arming.scan.good
        m.d.comb += [
            Assert(arming.scan.last == (cycle == cycles), "the scan takes its cycles"),
            Cover(passes & value[FIELD_CODES].any() & (value[FIELD_CODES] != value[FIELD_STOP])),
            Cover(arming.scan.last & ~arming.scan.good),
        ]
        with m.If(passes):
            for line in range(3):
                low, codes, stop, high = (
                    lanes(value[field])[line] for field in (FIELD_LOW, FIELD_CODES, FIELD_STOP, FIELD_HIGH)
                )
                m.d.comb += Assert((low <= codes) & (codes <= stop) & (stop <= high), "codes lie in their window")
            shape, limit = value[FIELD_WIDTH], value[FIELD_LIMIT]
            m.d.comb += Assert(shape[:WIDTH_BITS] <= limit[:WIDTH_BITS], "the width lies within its limit")
            m.d.comb += Assert(shape[WIDTH_BITS:] <= limit[WIDTH_BITS:], "the compliance code lies within its limit")
        with m.If(arming.load):
            m.d.comb += Assert(~arming.scan.last | arming.scan.good, "what does not pass is not loaded")
            m.d.comb += Assert(
                is_any(arming.load_record, (Record.READ, Record.MULTIPLY)), "only READ and MULTIPLY are loaded"
            )
            with m.If(arming.load_record == Record(chosen)):
                loaded = (arming.reading.even == value[FIELD_CODES]) & (arming.reading.odd == value[FIELD_WIDTH])
                m.d.comb += Assert(loaded, "codes and current limit that are loaded are the record's")
        return m

    def _fix_entry(self, m: Module, fixed: FixedRecord, chosen: Any, arming: Arming) -> None:
        """Look at any entry of the record, if that is SET or RESET."""
        resets = chosen == Record.RESET.value
        number = any_number(m, ENTRY_BITS, "number")
        m.d.comb += Assume(number < self._entries)
        fixed.connect_entry(m, arming.reading, resets, number)
        pulsed = (chosen == Record.SET.value) | resets
        with m.If(arming.scan.last & arming.scan.good & pulsed):
            for line in range(3):
                low, stop = (lanes(fixed.fields[field])[line] for field in (FIELD_LOW, FIELD_STOP))
                codes = lanes(fixed.entry["even"])[line]
                m.d.comb += Assert((low <= codes) & (codes <= stop), "codes of an entry lie in their window")


class DriveProof(wiring.Component):
    """While a record is driven, its codes lie between start and stop; width and compliance code are the record's.

    It holds for any record that is pulsed, with any contents and any ramp. While an entry of the pulse table is driven,
    the codes and the use are the entry's.

    Parameters
    ----------
    config : ControllerConfig
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "even": In(VALUE_BITS),
                "odd": In(VALUE_BITS),
                "target": In(Record),
                "by_entry": In(1),
                "entry": In(ENTRY_BITS),
                "first": In(1),
                "begin": In(1),
                "load": In(1),
                "load_record": In(Record),
                "make_safe": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        m.submodules.drive = drive = WriteDrive(self._config)
        pulse, entries = drive.pulse, self._config.pulse_entries
        record = any_number(m, 3, "record")
        m.d.comb += Assume(is_any(Record(record), PULSED))
        fixed = FixedRecord(m, record)
        m.d.comb += [
            *(getattr(drive, name).eq(getattr(self, name)) for name in ("make_safe", "load", "load_record")),
            *(getattr(pulse, name).eq(getattr(self, name)) for name in ("target", "first", "begin")),
            *(getattr(drive.reading, name).eq(getattr(self, name)) for name in ("even", "odd")),
        ]
        if entries:
            m.d.comb += [pulse.by_entry.eq(self.by_entry), pulse.entry.eq(self.entry)]
        use = DriveUse(m, drive)
        m.d.comb += [Assume(condition) for condition, _ in use.conditions]
        fixed.connect(m, drive.reading, use.granted)
        value = fixed.fields
        ordered = Signal(3)
        for line in range(3):
            m.d.comb += ordered[line].eq(lanes(value[FIELD_CODES])[line] <= lanes(value[FIELD_STOP])[line])
        m.d.comb += Assume(ordered.all())
        driven = (pulse.record == Record(record)) & ~pulse.held
        self._promise(m, drive, fixed, driven)
        self._hold_together(m, drive, value, driven, use, record)
        if entries:
            self._drive_entries(m, drive, fixed, use, record)
        return m

    def _promise(self, m: Module, drive: WriteDrive, fixed: FixedRecord, driven: Any) -> None:
        value, safe = fixed.fields, Cat(*(code for code in self._safe()))
        with m.If(driven):
            for line in range(3):
                code = lanes(drive.codes.as_value())[line]
                start, stop = lanes(value[FIELD_CODES])[line], lanes(value[FIELD_STOP])[line]
                m.d.comb += Assert((start <= code) & (code <= stop), "driven codes lie between start and stop")
            shape = Cat(drive.width, drive.compliance_code)
            m.d.comb += Assert(shape == value[FIELD_WIDTH], "width and compliance code are the record's")
            m.d.comb += Cover((drive.codes.as_value() == value[FIELD_STOP]) & (value[FIELD_STOP] != value[FIELD_CODES]))
        with m.If(drive.pulse.record == Record.SAFE):
            m.d.comb += Assert(drive.codes.as_value() == safe, "without a record the codes are the safe ones")
            m.d.comb += Assert(drive.compliance_code == 0, "and the current limit is 0")
        made_safe = Signal()
        m.d.sync += made_safe.eq(drive.make_safe)
        m.d.comb += Assert(~made_safe | (drive.pulse.record == Record.SAFE), "safe codes in the cycle after a halt")

    def _safe(self) -> list[Any]:
        return [Signal(LINE_BITS, init=code, reset_less=True) for code in self._config.safe_codes]

    def _hold_together(self, m: Module, drive: WriteDrive, value: Any, driven: Any, use: DriveUse, record: Any) -> None:
        """State what the induction takes: where the ramp stands."""
        stages = Cat(drive.updating, drive.finishing, drive.adding)
        m.d.comb += [
            Assert(drive.updating == (use.busy == 3)),
            Assert(drive.finishing <= (use.busy == 2)),
            Assert(drive.adding <= (use.busy == 1)),
            Assert(stages != 3),
        ]
        target = Record(record)
        ramped = ~drive.fresh & (drive.pulse.target == target)
        with m.If(drive.updating & ramped):
            m.d.comb += Assert(driven)
        for line in range(3):
            after, code = drive.after[line], lanes(drive.codes.as_value())[line]
            start, stop = (lanes(value[field])[line] for field in (FIELD_CODES, FIELD_STOP))
            with m.If(driven & ~drive.finishing):
                m.d.comb += Assert(lanes(drive.stops)[line] == stop)
                with m.If(drive.cutting):
                    m.d.comb += Assert(after >= code)
                with m.Elif(~drive.adding):
                    m.d.comb += Assert((start <= after) & (after <= stop))

    def _drive_entries(self, m: Module, drive: WriteDrive, fixed: FixedRecord, use: DriveUse, record: Any) -> None:
        """Let the drive be asked for entries, of which any one is looked at."""
        number = any_number(m, ENTRY_BITS, "number")
        resets = Record(record) == Record.RESET
        fixed.connect_entry(m, drive.reading, resets, number, use.granted)
        pulse, entry = drive.pulse, fixed.entry
        with m.If(drive.updating):
            m.d.comb += Assert(drive.asked == Cat(pulse.entry, pulse.target == Record.RESET))
        with m.If(pulse.held & (pulse.record == Record(record)) & (pulse.held_entry == number)):
            shape = Cat(drive.width, drive.compliance_code)
            m.d.comb += [
                Assert(drive.codes.as_value() == entry["even"], "the codes are the entry's"),
                Assert(shape == fixed.fields[FIELD_WIDTH], "width and compliance code are the record's"),
                Cover(use.busy == 0),
            ]
            with m.If(~drive.finishing):
                m.d.comb += Assert(pulse.use.as_value() == entry["odd"][: PULSE_USE.bits], "the use is the entry's")
