"""The gate opens onto a connected cell and a drive at rest, and neither moves under it: properties of a whole tile."""

from typing import Any

from amaranth.hdl import Cat, Elaboratable, Module, Signal

from twinbar.hw.gateware.tile_states import ON_ARRAY, TileState, is_any
from twinbar.hw.protocol.commands import WRITING
from twinbar.hw.protocol.vocabulary import Opcode, Record, Request, Selection, Status

from .gate import always

PULSED = (Record.SET, Record.RESET, Record.FORM)
"""Records that can be pulsed."""


class SettlingProperties(Elaboratable):
    """Whatever the gate opens onto has come to rest, as the front end says, and stays.

    Parameters
    ----------
    control, drive : component
        Rooms of the tile.
    front : FrontEndSignature
        The tile's side of its front end.
    """

    def __init__(self, control: Any, drive: Any, front: Any) -> None:
        self._control, self._drive, self._front = control, drive, front

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        self._watch_selector(m)
        self._watch_drive(m)
        return m

    def _watch_selector(self, m: Module) -> None:
        front, sequencer = self._front, self._control.sequencer
        gate, state, halt = sequencer.write_gate, sequencer.state, self._control.supervisor.halt
        connected, was_open = Signal(), Signal()
        m.d.sync += was_open.eq(gate)
        with m.If(front.request == Request.SELECT):
            m.d.sync += connected.eq(front.done)
        with m.Elif(sequencer.popped):
            m.d.sync += connected.eq(0)
        with m.If(halt):
            m.d.sync += connected.eq(0)
        shown = Cat(front.selection, front.row, front.column)
        before = Signal(len(shown))
        m.d.sync += before.eq(shown)
        always(m, ~gate | connected, "gate closed until the front end has connected the selection")
        always(m, ~gate | (front.selection == Selection.CELL), "gate open onto a single cell only")
        always(m, ~(gate & was_open) | (shown == before), "selection, row and column stay while the gate is open")
        # What the proof of the switches assumes of the tile.
        selecting, asked = front.request == Request.SELECT, Cat(shown, front.channels, front.subtract)
        was_asked, held, converted = Signal(len(asked)), Signal(), Signal()
        m.d.sync += [
            was_asked.eq(asked),
            held.eq(selecting & ~front.done),
            converted.eq(front.request == Request.CONVERT),
        ]
        always(m, ~(held & selecting) | (asked == was_asked), "what is to be connected stays until it is")
        always(m, ~selecting | ~converted, "")
        # And that of the reader of serial ADCs.
        converting, waits, channels = front.request == Request.CONVERT, Signal(), Signal.like(front.channels)
        m.d.sync += [waits.eq(converting & ~front.done), channels.eq(front.channels)]
        always(m, ~(waits & converting) | (front.channels == channels), "a conversion keeps its channels")
        on_array = is_any(state, ON_ARRAY)
        always(m, ~on_array | (state == TileState.SELECT) | connected, "")
        always(m, ~on_array | (front.selection != Selection.NONE), "")
        opcode = sequencer.command.opcode
        writes = on_array & is_any(opcode, WRITING)
        always(m, ~writes | (front.selection == Selection.CELL), "")
        unbroken = (sequencer.status == Status.OK) & (sequencer.cut == Status.OK) & ~sequencer.empty
        between = sequencer.plan.product & (state == TileState.RESPOND) & unbroken
        always(m, ~between | connected & (front.selection != Selection.NONE), "")

    def _watch_drive(self, m: Module) -> None:
        front, control, write_drive = self._front, self._control, self._drive.write_drive
        sequencer = control.sequencer
        gate, state, command = sequencer.write_gate, sequencer.state, sequencer.command
        shown = Cat(front.codes.as_value(), front.compliance_code, front.record)
        before, restless = Signal(len(shown)), Signal()
        m.d.sync += before.eq(shown)
        driving = front.request == Request.DRIVE
        with m.If(front.update):
            m.d.sync += restless.eq(1)
        with m.If(driving & front.done):
            m.d.sync += restless.eq(0)
        started, unsettled = Signal(), sequencer.pulses.unsettled
        m.d.sync += started.eq(1)
        always(
            m, ~started | (shown == before) | front.update, "new codes, current limit and record come with the strobe"
        )
        always(m, ~gate | ~restless, "gate closed until the front end says that the drive has settled")
        always(m, ~gate | ~front.update, "")
        pulsed = is_any(front.record, PULSED)
        always(m, ~gate | pulsed, "gate open with a record that is for pulses only")
        always(m, ~(restless | front.update) | driving | unsettled | ~pulsed, "")
        always(m, ~write_drive.updating | driving | unsettled, "")
        trains = is_any(state, ON_ARRAY) & ((command.opcode == Opcode.PULSE) | (command.opcode == Opcode.DRIVE))
        always(m, ~trains | is_any(command.body.pulse.record, PULSED), "")
        always(m, (state != TileState.RECOVER) | pulsed & ~restless & ~front.update, "")
        pulsing = is_any(state, (TileState.PULSE, TileState.RECOVER))
        always(m, ~(pulsing | driving & ~sequencer.clock.first) | ~unsettled, "")
        always(m, ~(driving & ~sequencer.clock.first) | pulsed, "")
