"""Codes inside their windows and widths inside their limits: what ARM passes, and what the drive makes of it.

The records cannot change while the tile is armed (`twinbar.hw.formal.gate`), so both proofs take them as fixed.
Together:
``LOW <= CODES <= STOP <= HIGH`` holds when ARM passes, and the driven codes stay between ``CODES`` and ``STOP``.
"""

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.arming import Arming
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
)
from twinbar.hw.protocol.vocabulary import Record
from twinbar.hw.timing import ARM_CYCLES

FIELDS = (FIELD_CODES, FIELD_LOW, FIELD_HIGH, FIELD_STOP, FIELD_WIDTH, FIELD_LIMIT, FIELD_STEP)


class FixedRecord:
    """One record with any contents, which do not change; a memory gives anything for other rows."""

    def __init__(self, m: Module, record: Any, free: Any) -> None:
        self.record = record
        self.fields = {}
        started = Signal()
        m.d.sync += started.eq(1)
        for field in FIELDS:
            held = Signal(VALUE_BITS, name=f"field_{field}")
            self.fields[field] = value = Signal(VALUE_BITS, name=f"value_{field}")
            m.d.comb += value.eq(held)
            with m.If(~started):
                m.d.comb += value.eq(free[field])
                m.d.sync += held.eq(free[field])

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
    """If ARM passes, any record is ordered."""

    def __init__(self) -> None:
        super().__init__({"free": In(VALUE_BITS).array(8), "even": In(VALUE_BITS), "odd": In(VALUE_BITS)})

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        m.submodules.arming = arming = Arming()
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
        cycle = Signal(range(ARM_CYCLES + 2))
        with m.If(cycle < ARM_CYCLES + 1):
            m.d.sync += cycle.eq(cycle + 1)
        m.d.comb += [arming.start.eq(cycle == 1), arming.active.eq((cycle > 1) & (cycle <= ARM_CYCLES))]
        value = fixed.fields
        m.d.comb += Assert(arming.scan.last == (cycle == ARM_CYCLES), "the scan takes its cycles")
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


class DriveProof(wiring.Component):
    """While SET is driven, its codes lie between start and stop, and width and compliance code are the record's."""

    def __init__(self) -> None:
        super().__init__(
            {
                "free": In(VALUE_BITS).array(8),
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
        m.submodules.drive = drive = WriteDrive(ControllerConfig())
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
        with m.If((drive.pulse.record == Record.SET) & (busy <= 1)):
            for line in range(3):
                code = lanes(drive.codes.as_value())[line]
                start, stop = lanes(value[FIELD_CODES])[line], lanes(value[FIELD_STOP])[line]
                m.d.comb += Assert((start <= code) & (code <= stop), "driven codes lie between start and stop")
            shape = Cat(drive.width, drive.compliance_code)
            m.d.comb += Assert(shape == value[FIELD_WIDTH], "width and compliance code are the record's")
        return m
