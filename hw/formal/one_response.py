"""Every command that a tile takes is answered once, a LOAD or TRANSFER that is carried out not at all."""

from typing import Any

from amaranth.hdl import Assume, Elaboratable, Module, Signal

from twinbar.hw.gateware.tile_states import TileState, is_any
from twinbar.hw.protocol.vocabulary import Opcode

from .gate import always


class AnswerProperties(Elaboratable):
    """Responses follow commands, one by one.

    Parameters
    ----------
    control : component
        The room of the tile.
    """

    def __init__(self, control: Any) -> None:
        self._control = control

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        control, sequencer = self._control, self._control.sequencer
        state, responses = sequencer.state, control.responses
        owes, of = Signal(), Signal(Opcode, init=Opcode.READ_REGISTER)
        answered = sequencer.handed_over & sequencer.last_response
        always(m, sequencer.answered == answered, "")
        with m.If(answered):
            m.d.sync += owes.eq(0)
        with m.If(sequencer.popped):
            m.d.sync += [owes.eq(1), of.eq(control.commands.payload.opcode)]
        loads, transfers = state == TileState.LOAD, state == TileState.TRANSFER
        carried_out = loads | transfers & sequencer.transferred
        with m.If(carried_out & ~sequencer.popped):
            m.d.sync += owes.eq(0)
        always(
            m,
            ~sequencer.popped | ~owes | answered | carried_out,
            "no command starts before the one before it is answered",
        )
        always(m, ~responses.valid | owes, "no response without a command")
        always(m, ~responses.valid | (responses.payload.opcode == of), "a response names the command that it answers")
        always(m, ~responses.valid | (responses.payload.tile == control.index), "a response names its tile")
        always(m, ~loads | (of == Opcode.LOAD), "only a LOAD goes unanswered")
        always(m, ~transfers | (of == Opcode.TRANSFER), "or a TRANSFER")
        always(m, is_any(state, (TileState.IDLE,)) == ~owes, "a command is at work until it is answered")
        always(m, ~owes | (sequencer.command.opcode == of), "")
        always(m, ~answered | (state == TileState.RESPOND), "")
        taken = responses.valid & responses.ready
        elsewhere = sequencer.plan.product & (control.passed | control.packed)
        always(m, ~sequencer.handed_over | taken | elsewhere, "nothing is answered that is not taken")
        waits = Signal()
        m.d.sync += waits.eq(responses.valid & ~responses.ready)
        if hasattr(control, "above"):
            # A link offers a sum until it is taken (`LinkProof`), or until the next cascade starts.
            offered = Signal()
            m.d.sync += offered.eq(control.above.valid & ~control.above.ready)
            m.d.comb += Assume(~offered | control.above.valid)
        always(m, ~waits | responses.valid, "a response is offered until it is taken")
        return m
