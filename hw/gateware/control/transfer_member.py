"""The part of a tile in transfers: when it takes part in one, which words it sends or takes, and what is complete."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import ROW_BITS, WORD_BITS, Command, Routing
from twinbar.hw.protocol.vocabulary import Opcode, Status
from twinbar.hw.timing import TRANSFER_LATENCY

from ..streams.transfer_start import TransferSignature
from ..tile_states import TileState
from .activation_buffer import ActivationBuffer
from .requantizer import Requantizer
from .word_write import WordSignature

# The last sum may be taken in the cycle before a transfer begins; then its word is read, which takes a cycle.
assert Requantizer.cycles() + ActivationBuffer.cycles() == TRANSFER_LATENCY


class TransferMember(wiring.Component):
    """The part of a tile in transfers.

    Members
    -------
    joint : Out(TransferSignature)
    head : In(Command)
    waits, ready, halt : In(1)
        The head waits, one may start with the next cycle, and a halt keeps it from that.
    admitted, admission : In
        Whether the head may start, and its status, by itself.
    starts, status : Out
        The same, where all tiles that take part have their say.
    held : Out(1)
        The head waits for other tiles. Combinational.
    popped : In(1)
        It starts with the next cycle.
    keeps : In(1)
        The sums of a product that starts become activations.
    kept : In(1)
        The last of them does in this cycle.
    complete : Out(1)
        Those of the last such product all have. Combinational.
    unfilled : Out(1)
        The row registers lack words that were to be written into them.
    state : In(TileState)
    command : In(Command)
        What runs.
    last : Out(1)
        This is the last cycle of a transfer.
    index : Out
        Word of the activation buffer that is asked for.
    stored : In
        It, one cycle later.
    outgoing : Out
        Word that is sent; 0: none is.
    incoming : In
        Word that a tile sends in this cycle.
    write : Out(WordSignature)
    moved : Out(1)
        A word is sent or taken in this cycle.
    """

    joint: Out(TransferSignature())
    head: In(Command)
    waits: In(1)
    ready: In(1)
    halt: In(1)
    admitted: In(1)
    admission: In(Status)
    starts: Out(1)
    status: Out(Status)
    held: Out(1)
    popped: In(1)
    keeps: In(1)
    kept: In(1)
    complete: Out(1)
    unfilled: Out(1)
    state: In(TileState)
    command: In(Command)
    last: Out(1)
    index: Out(ROW_BITS)
    stored: In(WORD_BITS)
    outgoing: Out(WORD_BITS)
    incoming: In(WORD_BITS)
    write: Out(WordSignature())
    moved: Out(1)

    def elaborate(self, platform) -> Module:
        m = Module()
        joint, head = self.joint, self.head
        routing = data.View(Routing, head.reserved)
        transfer, refused = Signal(), Signal()
        m.d.comb += [
            transfer.eq((head.opcode == Opcode.TRANSFER) & ~routing.stray),
            joint.offers.eq(transfer & self.waits & self.ready & ~self.halt),
            joint.refuses.eq(~self.admitted),
            refused.eq(transfer & joint.refused),
            self.held.eq(transfer & ~joint.permits),
            self.starts.eq(self.admitted & ~refused),
            self.status.eq(Mux(refused & ~joint.refuses, Status.ABORTED, self.admission)),
        ]
        self._note_gaps(m)

        # Whether a word is moved, and whether it is the last, is prepared: a product that starts with the next cycle
        # asks in this one which planes hold a one.
        works, waited, moved, next_moved = Signal(), Signal(range(TRANSFER_LATENCY)), Signal(ROW_BITS), Signal(ROW_BITS)
        body, role = self.command.body.transfer, data.View(Routing, self.command.reserved)
        ends = Signal()
        m.d.comb += [
            works.eq(self.state == TileState.TRANSFER),
            next_moved.eq(moved + self.moved),
            self.last.eq(self.moved & ends),
            joint.busy.eq(works & ~self.last),
            self.index.eq(body.first + next_moved),
            self.outgoing.eq(Mux(self.moved & ~role.copy, self.stored, 0)),
            self.write.takes.eq(self.moved),
            self.write.load.eq(self.moved & role.last),
            self.write.clear.eq(body.clear & (moved == 0)),
            self.write.word.eq(body.word + moved),
            self.write.bits.eq(self.incoming),
        ]
        with m.If(self.last | ~works):
            m.d.sync += [waited.eq(0), moved.eq(0), self.moved.eq(0)]
        with m.Else():
            m.d.sync += [moved.eq(next_moved), ends.eq(next_moved + 1 == body.words)]
            with m.If(waited != TRANSFER_LATENCY - 1):
                m.d.sync += waited.eq(waited + 1)
            with m.Else():
                m.d.sync += self.moved.eq(1)
        return m

    def _note_gaps(self, m: Module) -> None:
        """Remember whether activations, and inputs, are complete.

        Which command starts is known late in a cycle. So that is noted in the next, and counts there already.
        """
        command, kept, gap, started, admitted = self.command, Signal(), Signal(), Signal(), Signal()
        role = data.View(Routing, command.reserved)
        takes = (command.opcode == Opcode.TRANSFER) & ~role.stray & role.last
        loads = (command.opcode == Opcode.LOAD) & command.body.input.clear
        clears = loads | takes & command.body.transfer.clear
        product = (command.opcode == Opcode.MULTIPLY) & self.keeps
        m.d.comb += [
            self.complete.eq(kept & ~(started & product) | self.kept),
            self.unfilled.eq((gap | started & takes & ~admitted) & ~(started & admitted & clears)),
        ]
        m.d.sync += [
            started.eq(self.popped),
            admitted.eq(self.starts),
            kept.eq(self.complete),
            gap.eq(self.unfilled),
        ]
