"""How the command that runs ends: the status of its responses."""

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.vocabulary import Status

from ..drive.arming import ScanSignature
from ..tile_states import TileState
from .command_decoder import CommandPlan


class CommandStatus(wiring.Component):
    """The status of a command's responses.

    Members
    -------
    popped : In(1)
        A command starts with the next cycle.
    admitted, admission : In
        Whether its status is OK, and the status.
    plan : In(CommandPlan)
    state : In(TileState)
    register_status : In(Status)
        See `RegisterFile`.
    scan : In(ScanSignature)
    failed : In(1)
        In DECIDE: the code is not in its window, and no pulses are left.
    halt, halted, faulted : In(1)
        A halt; it ends the command; its cause is a fault.
    handed_over : In(1)
        The response is taken in this cycle.
    last_output : In(1)
        It is that of a multiplication's last output.
    offered : In(1)
        A response beat is offered in this cycle; one that is not can be given up.
    status : Out(Status)
    ok : Out(1)
        It is OK. In a register of its own, because what ends a command waits for it.
    cut : Out(Status)
        How a multiplication was halted while it responded; OK: it was not. It is told from the next response on.
    last_response : Out(1)
        This response ends the command.
    """

    popped: In(1)
    admitted: In(1)
    admission: In(Status)
    plan: In(CommandPlan)
    state: In(TileState)
    register_status: In(Status)
    scan: In(ScanSignature())
    failed: In(1)
    halt: In(1)
    halted: In(1)
    faulted: In(1)
    handed_over: In(1)
    last_output: In(1)
    offered: In(1, init=1)
    status: Out(Status)
    ok: Out(1, init=1)
    cut: Out(Status)
    last_response: Out(1)

    def elaborate(self, platform) -> Module:
        m = Module()
        product, cut, ok = self.plan.product, self.cut, self.ok
        reason = Mux(self.faulted, Status.FAULTED, Status.ABORTED)
        m.d.comb += self.last_response.eq(~product | ~ok | self.last_output)
        with m.Switch(self.state):
            with m.Case(TileState.DECODE), m.If(ok & self.plan.accesses):
                m.d.sync += [self.status.eq(self.register_status), ok.eq(self.register_status == Status.OK)]
            with m.Case(TileState.SCAN), m.If(self.scan.last & ~self.scan.good):
                m.d.sync += [self.status.eq(Status.WINDOW), ok.eq(0)]
            with m.Case(TileState.DECIDE):  # only commands that are OK so far get here
                m.d.sync += [self.status.eq(Mux(self.failed, Status.FAILED, Status.OK)), ok.eq(~self.failed)]
            with m.Case(TileState.RESPOND), m.If(product & ok):
                uncut = cut == Status.OK
                with m.If(uncut & self.halt):
                    m.d.sync += cut.eq(reason)
                with m.If(self.handed_over):
                    m.d.sync += [self.status.eq(Mux(uncut & self.halt, reason, cut)), ok.eq(uncut & ~self.halt)]
                with m.If(self.halt & ~self.offered):
                    m.d.sync += [self.status.eq(reason), ok.eq(0)]
        with m.If(self.halted):
            m.d.sync += [self.status.eq(reason), ok.eq(0)]
        with m.If(self.popped):
            m.d.sync += [self.status.eq(self.admission), ok.eq(self.admitted), cut.eq(Status.OK)]
        return m
