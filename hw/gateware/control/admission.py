"""Checks a command before it starts."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import COLUMN_BITS, MAX_COLUMNS, PULSE_BITS, TILE_BITS, Command, Faults
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status

from ..controller_config import ControllerConfig

READING = (Opcode.READ, Opcode.CONVERT, Opcode.CALIBRATE, Opcode.MULTIPLY)
"""Operations on the array that never open the write gate."""
WRITING = (Opcode.WRITE, Opcode.FORM, Opcode.PULSE, Opcode.DRIVE)


def exceeds(value, bound: int):
    """Whether a value is greater than a constant; without the carry chain that a comparison would take."""
    if bound >= (1 << len(value)) - 1:
        return Const(0)
    greater = Const(0)
    for place, bit in enumerate(value):
        greater = bit & greater if bound >> place & 1 else bit | greater
    return greater


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
    admitted : Out(1)
        The command may start. Registers are checked by `RegisterFile`.
    status : Out(Status)
        OK, or the first reason why it may not.
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
                "admitted": Out(1),
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

        bad_row, bad_column, bad_pair, bad_outputs = Signal(), Signal(), Signal(), Signal()
        columns, pairs = config.columns, config.columns // 2
        product = body.product
        end = Signal(COLUMN_BITS + 1)
        m.d.comb += [
            bad_row.eq(exceeds(body.cell.row, config.rows - 1)),
            bad_column.eq(exceeds(body.cell.column, columns - 1)),
            bad_pair.eq(exceeds(body.cell.column, pairs - 1)),
            end.eq(product.column + product.outputs),
            bad_outputs.eq(Mux(product.subtract, exceeds(end, pairs), exceeds(end, columns))),
        ]
        with m.If(product.outputs == 0):  # the most that the field can ask for
            whole = (product.column == 0) & ~product.subtract if columns == MAX_COLUMNS else 0
            m.d.comb += bad_outputs.eq(~whole)

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
                        unaligned = product.column & (config.adc_channels - 1)
                        m.d.comb += bad_address.eq(bad_outputs | unaligned.any())
                    if opcode is Opcode.LOAD:
                        m.d.comb += bad_address.eq(exceeds(body.input.word, config.words - 1))
                    if opcode is Opcode.WAIT:
                        m.d.comb += bad_value.eq(body.wait.cycles == 0)
                    if opcode is Opcode.ARM:
                        mode = body.arm.mode
                        m.d.comb += bad_value.eq((mode != Mode.READ) & (mode != Mode.WRITE))

        permitted = (self.mode == Mode.WRITE) | (self.mode == Mode.READ) & ~writing
        arming = self.command.opcode == Opcode.ARM
        reasons = (
            (~known, Status.UNKNOWN_OPCODE),
            ((self.command.tile != self.index) & (self.command.opcode != Opcode.SAFE), Status.BAD_TILE),
            (self.aborting & (reading | writing | haltable), Status.ABORTED),
            (self.faults.as_value().any() & (reading | writing | arming), Status.FAULTED),
            ((reading | writing) & ~permitted, Status.DISARMED),
            (bad_address, Status.BAD_ADDRESS),
            (bad_level, Status.BAD_LEVEL),
            (bad_value, Status.BAD_VALUE),
        )
        m.d.comb += [self.admitted.eq(~Cat(condition for condition, _ in reasons).any()), self.status.eq(Status.OK)]
        for condition, status in reversed(reasons):
            with m.If(condition):
                m.d.comb += self.status.eq(status)
        return m
