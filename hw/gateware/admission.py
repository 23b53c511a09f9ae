"""Checks a command before it starts."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import COLUMN_BITS, MAX_COLUMNS, PULSE_BITS, ROW_BITS, TILE_BITS, Command, Faults
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status

from .config import ControllerConfig

READING = (Opcode.READ, Opcode.CONVERT, Opcode.CALIBRATE, Opcode.MULTIPLY)
"""Operations on the array that never open the write gate."""
WRITING = (Opcode.WRITE, Opcode.FORM, Opcode.PULSE, Opcode.DRIVE)


class Admission(wiring.Component):
    """Checks a command before it starts, in the order that the contract gives. Combinational.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    command : In(Command)
    index : In
        Number of the tile.
    mode, faults, aborting, levels, pulse_limit : In
        State of the tile, and the registers that bound arguments.
    status : Out(Status)
        OK if the command may start. Registers are checked by `RegisterFile`.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "command": In(Command),
                "index": In(TILE_BITS),
                "mode": In(Mode),
                "faults": In(Faults),
                "aborting": In(1),
                "levels": In(9),
                "pulse_limit": In(PULSE_BITS),
                "status": Out(Status),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        body = self.command.body
        known, reading, writing = Signal(), Signal(), Signal()
        haltable = Signal()  # ARM and WAIT: refused by ABORT like operations on the array
        bad_address, bad_level, bad_value = Signal(), Signal(), Signal()

        bad_row = Signal()
        m.d.comb += bad_row.eq(body.cell.row >= config.rows)
        bad_column = Signal()
        m.d.comb += bad_column.eq(body.cell.column >= config.columns)
        bad_pair = Signal()
        m.d.comb += bad_pair.eq(body.cell.column >= config.columns // 2)

        outputs = Signal(ROW_BITS + 1)
        end = Signal(COLUMN_BITS + 2)
        m.d.comb += [
            outputs.eq(Mux(body.product.outputs == 0, MAX_COLUMNS, body.product.outputs)),
            end.eq(body.product.column + outputs),
        ]

        with m.Switch(self.command.opcode):
            for opcode in Opcode:
                with m.Case(opcode):
                    m.d.comb += [
                        known.eq(1),
                        reading.eq(opcode in READING),
                        writing.eq(opcode in WRITING),
                        haltable.eq(opcode in (Opcode.ARM, Opcode.WAIT)),
                    ]
                    if opcode in (*WRITING, Opcode.READ, Opcode.CONVERT):
                        m.d.comb += bad_address.eq(bad_row | bad_column)
                    if opcode in (Opcode.WRITE, Opcode.FORM):
                        m.d.comb += bad_level.eq(body.cell.level >= self.levels)
                    if opcode in (Opcode.PULSE, Opcode.DRIVE):
                        record = body.pulse.record
                        bad_record = (record != Record.SET) & (record != Record.RESET) & (record != Record.FORM)
                        bad_count = (body.pulse.count == 0) | (body.pulse.count > self.pulse_limit)
                        m.d.comb += bad_value.eq(bad_record | bad_count if opcode is Opcode.PULSE else bad_record)
                    if opcode is Opcode.CALIBRATE:
                        m.d.comb += [
                            bad_address.eq(Mux(body.calibration.subtract, bad_pair, bad_column)),
                            bad_value.eq(body.calibration.subtract & body.calibration.gain),
                        ]
                    if opcode is Opcode.MULTIPLY:
                        most = Mux(body.product.subtract, config.columns // 2, config.columns)
                        unaligned = body.product.column & (config.adc_channels - 1)
                        m.d.comb += bad_address.eq((end > most) | unaligned.any())
                    if opcode is Opcode.LOAD:
                        m.d.comb += bad_address.eq(body.input.word >= config.words)
                    if opcode is Opcode.WAIT:
                        m.d.comb += bad_value.eq(body.wait.cycles == 0)
                    if opcode is Opcode.ARM:
                        mode = body.arm.mode
                        m.d.comb += bad_value.eq((mode != Mode.READ) & (mode != Mode.WRITE))

        permitted = (self.mode == Mode.WRITE) | (self.mode == Mode.READ) & ~writing
        arming = self.command.opcode == Opcode.ARM
        with m.If(~known):
            m.d.comb += self.status.eq(Status.UNKNOWN_OPCODE)
        with m.Elif((self.command.tile != self.index) & (self.command.opcode != Opcode.SAFE)):
            m.d.comb += self.status.eq(Status.BAD_TILE)
        with m.Elif(self.aborting & (reading | writing | haltable)):
            m.d.comb += self.status.eq(Status.ABORTED)
        with m.Elif(self.faults.as_value().any() & (reading | writing | arming)):
            m.d.comb += self.status.eq(Status.FAULTED)
        with m.Elif((reading | writing) & ~permitted):
            m.d.comb += self.status.eq(Status.DISARMED)
        with m.Elif(bad_address):
            m.d.comb += self.status.eq(Status.BAD_ADDRESS)
        with m.Elif(bad_level):
            m.d.comb += self.status.eq(Status.BAD_LEVEL)
        with m.Elif(bad_value):
            m.d.comb += self.status.eq(Status.BAD_VALUE)
        with m.Else():
            m.d.comb += self.status.eq(Status.OK)
        return m
