"""The write drive of a tile with the memory of its records, and the check of the records."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.protocol.layouts import VALUE_BITS, WIDTH_BITS
from twinbar.hw.protocol.registers import GAIN_TARGET, RANGE_MULTIPLY, RANGE_READ
from twinbar.hw.protocol.vocabulary import Opcode

from ..controller_config import ControllerConfig
from ..front_end.handshake import RolesSignature
from ..register_access import RegisterAccessSignature
from ..sequencer_progress import ProgressSignature
from ..tile_states import POPPING, TileState, is_any
from .arming import Arming, ScanSignature
from .bias_memory import BiasMemory, memory_row
from .write_drive import PulseSignature, WriteDrive


class Drive(wiring.Component):
    """What is driven onto the lines of a tile, and with which ADC range they are read.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    progress : In(ProgressSignature)
    registers : In(RegisterAccessSignature)
    pulse : In(PulseSignature)
    make_safe : In(1)
        The safe codes are driven from the next cycle on.
    uses_table : In(1)
        See `WRITE_TABLE`.
    scan : Out(ScanSignature)
    width : Out
        Pulse width of the record that is driven.
    even, odd : Out
        Registers that were read in the cycle before.
    front : Out(RolesSignature)

    Attributes
    ----------
    memory, arming, write_drive
        Parts whose state the proofs look at.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        self.memory, self.write_drive = BiasMemory(config), WriteDrive(config)
        self.arming = Arming(config.pulse_entries)
        super().__init__(
            {
                "progress": In(ProgressSignature()),
                "registers": In(RegisterAccessSignature()),
                "pulse": In(PulseSignature()),
                "make_safe": In(1),
                "uses_table": In(1),
                "scan": Out(ScanSignature()),
                "width": Out(WIDTH_BITS),
                "even": Out(VALUE_BITS),
                "odd": Out(VALUE_BITS),
                "front": Out(RolesSignature(config, "record", "codes", "compliance_code", "update", "range")),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.memory = memory = self.memory
        m.submodules.arming = arming = self.arming
        m.submodules.write_drive = drive = self.write_drive
        connect(m, flipped(self.pulse), drive.pulse)
        connect(m, arming.scan, flipped(self.scan))
        progress, registers, front, reading = self.progress, self.registers, self.front, memory.reading
        state = progress.state
        m.d.comb += [
            arming.start.eq(state == TileState.DECODE),
            arming.active.eq(state == TileState.SCAN),
            arming.by_table.eq(self.uses_table),
            drive.load.eq(arming.load),
            drive.load_record.eq(arming.load_record),
            drive.make_safe.eq(self.make_safe),
            memory.address.eq(registers.address),
            memory.value.eq(registers.value),
            memory.write.eq(registers.write_register),
            self.even.eq(reading.even),
            self.odd.eq(reading.odd),
        ]

        # The state says whose rows are read. Those of the drive come late; the others are 0 then.
        even_row, odd_row, driving = Signal.like(reading.even_row), Signal.like(reading.odd_row), Signal()
        m.d.comb += [
            reading.even_row.eq(even_row | Mux(driving, drive.reading.even_row, 0)),
            reading.odd_row.eq(odd_row | Mux(driving, drive.reading.odd_row, 0)),
        ]
        for user in (arming, drive):
            m.d.comb += [user.reading.even.eq(reading.even), user.reading.odd.eq(reading.odd)]
        with m.If(is_any(state, (TileState.DECODE, TileState.SCAN))):
            m.d.comb += [even_row.eq(arming.reading.even_row), odd_row.eq(arming.reading.odd_row)]
        with m.Elif(state == TileState.ACCESS):
            row = memory_row(registers.address)
            m.d.comb += [even_row.eq(row), odd_row.eq(row)]
        with m.Elif(is_any(state, (*POPPING, TileState.TRANSFER) if self.config.chain else POPPING)):
            m.d.comb += [even_row.eq(RANGE_READ.address >> 1), odd_row.eq(RANGE_MULTIPLY.address >> 1)]
        with m.Elif(progress.command.opcode == Opcode.CALIBRATE):
            m.d.comb += even_row.eq(GAIN_TARGET.address >> 1)
        with m.Else():
            m.d.comb += driving.eq(1)

        started = Signal()  # in the cycle before
        adc_range = Signal(RANGE_READ.bits)
        m.d.sync += started.eq(progress.popped)
        with m.If(started):
            m.d.sync += adc_range.eq(Mux(progress.product, reading.odd, reading.even))
        m.d.comb += [
            self.width.eq(drive.width),
            front.record.eq(drive.pulse.record),
            front.codes.eq(drive.codes),
            front.compliance_code.eq(drive.compliance_code),
            front.update.eq(drive.update),
            front.range.eq(adc_range),
        ]
        return m
