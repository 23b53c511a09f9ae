"""What a pulse sees, and how many there are: properties of a whole tile, for every input and register setting."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.control.command_decoder import CommandPlan
from twinbar.hw.gateware.tile_states import ON_ARRAY, TileState, is_any
from twinbar.hw.protocol.commands import WRITING
from twinbar.hw.protocol.layouts import COMPLIANCE_BITS, LINE_BITS, PULSE_BITS
from twinbar.hw.protocol.registers import LINES, PULSE_LIMIT
from twinbar.hw.protocol.vocabulary import Opcode, Record

from .gate import always


class PulseProperties(wiring.Component):
    """The drive stands still under an open gate, and a command gives no more pulses than it may.

    As in `GateProperties`, statements without a sentence hold the induction together.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "state": In(TileState),
                "opcode": In(Opcode, init=Opcode.READ_REGISTER),
                "plan": In(CommandPlan),
                "write_gate": In(1),
                "first": In(1),
                "codes": In(len(LINES) * LINE_BITS),
                "compliance_code": In(COMPLIANCE_BITS),
                "record": In(Record),
                "updating": In(1),
                "sets": In(PULSE_BITS),
                "resets": In(PULSE_BITS),
                "left": In(PULSE_BITS),
                "limit": In(PULSE_BITS),
                "limit_written": In(1),
                "value": In(PULSE_BITS),
            }
        )

    def observe(self, m: Module, control: Any, drive: Any) -> None:
        """Look at a tile: at its rooms `Control` and `Drive`."""
        sequencer, registers, write_drive = control.sequencer, control.register_file, drive.write_drive
        m.d.comb += [
            *(getattr(self, name).eq(getattr(sequencer, name)) for name in ("state", "plan", "write_gate")),
            *(getattr(self, name).eq(getattr(sequencer, name)) for name in ("sets", "resets")),
            self.opcode.eq(sequencer.command.opcode),
            self.first.eq(control.clock.clock.first),
            self.codes.eq(write_drive.codes.as_value()),
            self.compliance_code.eq(write_drive.compliance_code),
            self.record.eq(write_drive.pulse.record),
            self.updating.eq(write_drive.updating),
            self.left.eq(sequencer.pulses.left),
            self.limit.eq(registers.settings.pulse_limit),
            self.limit_written.eq(registers.store & (registers.address == PULSE_LIMIT.address)),
            self.value.eq(registers.value),
        ]

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        gate, state = self.write_gate, self.state
        shown = Cat(self.codes, self.compliance_code, self.record)
        before, was_open = Signal.like(Cat(shown, Const(0, 0))), Signal()
        m.d.sync += [before.eq(shown), was_open.eq(gate)]
        always(m, ~(gate & was_open) | (shown == before), "codes, current limit and record stay while the gate is open")
        always(m, ~gate | ~self.updating, "no update of the drive while the gate is open")
        given = Signal(PULSE_BITS + 1)
        m.d.comb += given.eq(self.sets + self.resets)
        counted = given + self.first  # a pulse is counted in its first cycle
        always(m, ~gate | (counted <= self.limit), "no more pulses of a command than PULSE_LIMIT")

        writes = is_any(state, ON_ARRAY) & is_any(self.opcode, WRITING)
        always(m, ~writes | (given + self.left <= self.limit), "")
        pulses_next = (state == TileState.DRIVE) & (self.opcode != Opcode.DRIVE)
        always(m, ~(pulses_next | gate & self.first) | self.left.any(), "")
        always(m, ~((state == TileState.SELECT) & writes) | self.left.any() | (self.opcode == Opcode.DRIVE), "")
        always(m, ~self.limit_written | self.value.any(), "a limit of 0 pulses is never stored")
        always(m, self.limit.any(), "")
        return m
