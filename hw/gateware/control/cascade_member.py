"""The part of a tile in cascades: when it starts one, what it does in it, and how it ends."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import Command, Routing
from twinbar.hw.protocol.vocabulary import Opcode, Status

from ..streams.joint_start import JointSignature


class CascadeMember(wiring.Component):
    """The part of a tile in cascades.

    Members
    -------
    joint : Out(JointSignature)
    head : In(Command)
    waits, ready, halt : In(1)
        The head waits, one may start with the next cycle, and a halt keeps it from that.
    admitted, admission : In
        Whether the head may start, and its status, by itself.
    starts, status : Out
        The same, where all tiles of the cascade have their say.
    held : Out(1)
        The head waits for other tiles. Combinational.
    popped : In(1)
        It starts with the next cycle.
    adds : Out(1)
        The command that runs takes partial sums of the tile above.
    passes : Out(1)
        It hands its sums to the tile below.
    answered : In(1)
        See `Sequencer`.
    halted : Out(1)
        A neighbour has ended the cascade that runs.
    """

    joint: Out(JointSignature())
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
    adds: Out(1)
    passes: Out(1)
    answered: In(1)
    halted: Out(1)

    def elaborate(self, platform) -> Module:
        m = Module()
        joint, head = self.joint, self.head
        routing = data.View(Routing, head.reserved)
        cascade, refused = Signal(), Signal()
        m.d.comb += [
            cascade.eq((head.opcode == Opcode.MULTIPLY) & (head.body.product.members > 1) & ~routing.stray),
            joint.offers.eq(cascade & self.waits & self.ready & ~self.halt),
            joint.refuses.eq(~self.admitted),
            joint.first.eq(~routing.copy),
            joint.last.eq(routing.last),
            refused.eq(cascade & joint.refused),
            self.held.eq(cascade & ~joint.starts),
            self.starts.eq(self.admitted & ~refused),
            self.status.eq(Mux(refused & ~joint.refuses, Status.ABORTED, self.admission)),
        ]
        # From the start to the last handover, or to a halt.
        runs, ends, done = Signal(), Signal(), self.answered
        m.d.comb += [
            ends.eq(runs & self.halt & ~done),
            self.halted.eq(runs & (self.adds & joint.ended_above | self.passes & joint.ended_below)),
        ]
        m.d.sync += [joint.ends_above.eq(ends & self.adds), joint.ends_below.eq(ends & self.passes)]
        with m.If(self.halt | done):
            m.d.sync += runs.eq(0)
        with m.If(self.popped):
            joins = cascade & ~refused
            m.d.sync += [runs.eq(joins), self.adds.eq(joins & ~joint.last), self.passes.eq(joins & ~joint.first)]
        return m
