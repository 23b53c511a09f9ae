"""The sequencer of a tile: one command after the other, every cycle in one phase."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol import registers
from twinbar.hw.protocol.commands import ACCESSING, CELL_READS, CLOSED_LOOP
from twinbar.hw.protocol.layouts import PULSE_BITS, WIDTH_BITS, Command
from twinbar.hw.protocol.vocabulary import ComplianceAction, Opcode, Record, Request, Selection, Status
from twinbar.hw.timing import PHASES, REGISTER_READ_CYCLES, Phase

from .durations import DURATIONS, ROW_BITS
from .register_file import Compliance


class State(enum.Enum, shape=4):
    """What the sequencer does in a cycle; `PHASE_OF` gives its phase.

    The states from 8 on touch the array. Below it, the lower three bits of a state that has a duration are its row in
    `durations`.
    """

    IDLE = 0
    DECODE = 1
    """First cycle of a command that does not touch the array, and of a refused one."""
    ACCESS = 2
    """A register is read or written."""
    SCAN = 3
    """The bias records are checked."""
    WAIT = 4
    LOAD = 5
    RESPOND = 6
    SELECT = 8
    CONNECT_READ = 9
    DRIVE = 10
    CONNECT_MULTIPLY = 11
    CONVERT = 12
    RECOVER = 13
    PULSE = 14
    DECIDE = 15


PHASE_OF = {
    State.IDLE: Phase.IDLE,
    State.DECODE: Phase.DECIDE,
    State.ACCESS: Phase.DECIDE,
    State.SCAN: Phase.DECIDE,
    State.WAIT: Phase.SETTLE,
    State.LOAD: Phase.SELECT,
    State.RESPOND: Phase.STALL,  # or RESPOND, when the beat is handed over
    State.SELECT: Phase.SELECT,
    State.CONNECT_READ: Phase.SETTLE,
    State.DRIVE: Phase.SETTLE,
    State.CONNECT_MULTIPLY: Phase.SETTLE,
    State.CONVERT: Phase.CONVERT,
    State.RECOVER: Phase.RECOVER,
    State.PULSE: Phase.PULSE,
    State.DECIDE: Phase.DECIDE,
}
"""Phase of every state."""

DURATION_OF = {
    State.SELECT: registers.SELECT,
    State.CONNECT_READ: registers.SETTLE_READ,
    State.DRIVE: registers.SETTLE_DRIVE,
    State.CONNECT_MULTIPLY: registers.SETTLE_MULTIPLY,
    State.CONVERT: registers.CONVERT,
    State.RECOVER: registers.RECOVER,
}
"""Registers that say how long a state lasts."""
assert all(DURATIONS.index(register) == state.value % 8 for state, register in DURATION_OF.items())

REQUEST_OF = {
    State.SELECT: Request.SELECT,
    State.CONNECT_READ: Request.CONNECT_READ,
    State.DRIVE: Request.DRIVE,
    State.CONNECT_MULTIPLY: Request.CONNECT_MULTIPLY,
    State.CONVERT: Request.CONVERT,
}
"""What is asked of the front end."""

ON_ARRAY = tuple(state for state in State if state.value >= State.SELECT.value)
"""States in which the array is touched."""
READ_STATES = (State.CONNECT_READ, State.CONNECT_MULTIPLY, State.CONVERT)
"""States in which the read path is on."""
POPPING = (State.IDLE, State.LOAD, State.RESPOND)
"""States in which the next command may be popped."""


def is_any(opcode, opcodes):
    """Whether an opcode is one of several."""
    result = opcode == opcodes[0]
    for other in opcodes[1:]:
        result |= opcode == other
    return result


class Sequencer(wiring.Component):
    """The sequencer of a tile.

    Members
    -------
    head, head_valid, pop
        The command that waits at the front of the queue, and its removal. Combinational.
    ready : Out(1)
        Nothing runs in the next cycle unless it is popped in this one.
    admitted, admission : In
        Of the waiting command: whether it may start, and its status.
    halt, faulted : In(1)
        See `Supervisor`.
    handed_over : In(1)
        The response is taken in this cycle.
    command : Out(Command)
        The command that runs.
    product, accesses, closed_loop, writes : Out(1)
        It is a multiplication, accesses a register, is WRITE or FORM, is WRITE.
    cut : Out(Status)
        How a multiplication was halted while it responded; OK: it was not.
    follows : Out(State)
        State behind DECODE or SELECT, if nothing comes between; known when the command is popped.
    status : Out(Status)
        Of its response.
    state, phase : Out
    restart, begins, expired, next_cycle
        See `PhaseTimer`; the last three are its ``first``, ``last`` and ``next``.
    row : Out
        See `Durations`.
    last_response : Out(1)
        This response ends the command.
    register_status : In(Status)
        See `RegisterFile`.
    scanned, good : In(1)
        See `Arming`.
    empty, last_step, last_group, last_of_group, last_output : In(1)
        See `OutputWalk`.
    next_step, next_group, next_output : Out(1)
    request, done
        See `FrontEndSignature`.
    write_gate, read_enable, selection : Out
        Registers.
    last_sample : In(1)
        See `Averager`.
    gain, last_bit : In(1)
        The command looks for a gain trim, and its last bit is in work.
    below, above : In(1)
        The averaged code lies below or above the level's window.
    first, target, stale, begin, driven
        See `Drive`; ``driven`` is its ``record``.
    pulse_limit, compliance : In
        Registers.
    limited : In(1)
        Synchronised compliance input.
    trip : Out(1)
        Compliance fault.
    sets, resets : Out
        Pulses of the command.
    """

    head: In(Command)
    head_valid: In(1)
    pop: Out(1)
    ready: Out(1)
    admitted: In(1)
    admission: In(Status)
    halt: In(1)
    faulted: In(1)
    handed_over: In(1)
    command: Out(Command)
    product: Out(1)
    accesses: Out(1)
    closed_loop: Out(1)
    writes: Out(1)
    cut: Out(Status)
    follows: Out(State)
    status: Out(Status)
    state: Out(State)
    restart: Out(1)
    begins: In(1)
    expired: In(1)
    next_cycle: In(WIDTH_BITS)
    row: Out(ROW_BITS)
    phase: Out(range(len(PHASES)))
    last_response: Out(1)
    register_status: In(Status)
    scanned: In(1)
    good: In(1)
    empty: In(1)
    last_step: In(1)
    last_group: In(1)
    last_of_group: In(1)
    last_output: In(1)
    next_step: Out(1)
    next_group: Out(1)
    next_output: Out(1)
    request: Out(Request)
    done: In(1)
    write_gate: Out(1)
    read_enable: Out(1)
    selection: Out(Selection)
    last_sample: In(1)
    gain: In(1)
    last_bit: In(1)
    below: In(1)
    above: In(1)
    first: Out(1)
    target: Out(Record)
    stale: In(1)
    begin: Out(1)
    driven: In(Record)
    pulse_limit: In(PULSE_BITS)
    compliance: In(Compliance)
    limited: In(1)
    trip: Out(1)
    sets: Out(PULSE_BITS)
    resets: Out(PULSE_BITS)

    def elaborate(self, platform) -> Module:
        m = Module()
        state, opcode = self.state, self.command.opcode
        product, closed_loop, writes, accesses = self.product, self.closed_loop, self.writes, self.accesses
        zero = Signal()  # a multiplication without an input step
        cut = self.cut
        with m.If(self.pop):
            m.d.sync += [
                product.eq(self.head.opcode == Opcode.MULTIPLY),
                closed_loop.eq(is_any(self.head.opcode, CLOSED_LOOP)),
                writes.eq(self.head.opcode == Opcode.WRITE),
                accesses.eq(is_any(self.head.opcode, ACCESSING)),
            ]

        # --- compliance --------------------------------------------------------------------------------------------
        unblanked, nearly, brief = Signal(), Signal(), Signal()
        may_trip, may_end, ended = Signal(), Signal(), Signal()
        pulsing = self.write_gate
        blanking, action = self.compliance.blanking, self.compliance.action
        m.d.comb += [
            brief.eq(~blanking[1:].any()),
            unblanked.eq(Mux(pulsing, may_trip | may_end | nearly | brief, brief & ~blanking[0])),
        ]
        m.d.sync += [
            nearly.eq(pulsing & (self.next_cycle[: len(blanking)] == blanking)),
            may_trip.eq(unblanked & (action == ComplianceAction.FAULT)),
            may_end.eq(unblanked & (action == ComplianceAction.END_PULSE)),
        ]
        m.d.comb += [self.trip.eq(pulsing & self.limited & may_trip), ended.eq(pulsing & self.limited & may_end)]

        # --- what comes next ---------------------------------------------------------------------------------------
        left = Signal(PULSE_BITS)  # pulses that may still be given
        follows = self.follows
        onward = Signal(State)  # unless it is DECIDE, halted or popped
        decided = Signal(State, init=State.RESPOND)  # behind DECIDE, unless halted
        reads = Signal()  # a state with the read path on is entered or goes on, unless halted
        begin = Signal()  # DRIVE is entered, unless halted
        ready = self.ready
        deciding = state == State.DECIDE
        missed = closed_loop & (self.below | self.above & writes)
        again = missed & left.any()
        # Whether the record differs is known for both polarities before the code is.
        differs, needed = Signal(), Signal()
        with m.If(writes):
            m.d.comb += differs.eq(Mux(self.below, self.driven != Record.SET, self.driven != Record.RESET))
        with m.Elif(closed_loop):
            m.d.comb += differs.eq(self.driven != Record.FORM)
        with m.Else():
            m.d.comb += differs.eq(self.driven != self.command.body.pulse.record)
        m.d.comb += [needed.eq(differs | self.stale), self.begin.eq((begin | deciding & again & needed) & ~self.halt)]
        open_loop = is_any(follows, (State.PULSE, State.RESPOND))
        pulse = Mux(needed, State.DRIVE, State.PULSE)
        accessed = Mux(opcode == Opcode.READ_REGISTER, self.next_cycle[:3] == REGISTER_READ_CYCLES, 1)
        # Apart from the rest, because the code is known late.
        with m.If(product & ~self.last_step):
            m.d.comb += decided.eq(Mux(self.last_group, State.SELECT, State.CONVERT))
        with m.Elif(self.gain & ~self.last_bit):
            m.d.comb += decided.eq(State.CONNECT_READ)
        with m.Elif(again):
            m.d.comb += decided.eq(pulse)
        m.d.comb += [
            self.next_step.eq(deciding & product & ~self.last_step & self.last_group),
            self.next_group.eq(deciding & product & ~self.last_step & ~self.last_group),
        ]
        m.d.comb += [onward.eq(state), self.restart.eq(1)]
        with m.Switch(state):
            with m.Case(State.IDLE, State.LOAD):
                m.d.comb += [onward.eq(State.IDLE), ready.eq(1)]
            with m.Case(State.DECODE):
                m.d.comb += onward.eq(follows)
                with m.If(accesses & (self.register_status != Status.OK)):
                    m.d.comb += onward.eq(State.RESPOND)
            with m.Case(State.ACCESS):
                m.d.comb += self.restart.eq(0)
                with m.If(accessed):
                    m.d.comb += onward.eq(State.RESPOND)
            with m.Case(State.WAIT):
                m.d.comb += self.restart.eq(self.expired)
                with m.If(self.expired):
                    m.d.comb += onward.eq(State.RESPOND)
            with m.Case(State.SCAN), m.If(self.scanned):
                m.d.comb += onward.eq(State.RESPOND)
            with m.Case(State.SELECT):
                m.d.comb += self.restart.eq(self.done)
                with m.If(self.done):
                    m.d.comb += onward.eq(Mux(open_loop & needed, State.DRIVE, follows))
                    m.d.comb += begin.eq(open_loop & needed)
                    m.d.comb += reads.eq(~open_loop)
            with m.Case(State.CONNECT_READ, State.CONNECT_MULTIPLY):
                m.d.comb += [self.restart.eq(self.done), reads.eq(1)]
                with m.If(self.done):
                    m.d.comb += onward.eq(State.CONVERT)
            with m.Case(State.CONVERT):
                m.d.comb += [self.restart.eq(self.done), reads.eq(1)]
                with m.If(self.done & (product | self.last_sample)):
                    m.d.comb += [onward.eq(State.DECIDE), reads.eq(0)]
            with m.Case(State.DECIDE):
                m.d.comb += reads.eq(self.gain & ~self.last_bit | self.next_group)
            with m.Case(State.DRIVE):
                m.d.comb += self.restart.eq(self.done)
                with m.If(self.done):
                    m.d.comb += onward.eq(Mux(follows == State.RESPOND, State.RESPOND, State.PULSE))
            with m.Case(State.PULSE):
                m.d.comb += self.restart.eq(self.expired | ended)
                with m.If(self.expired | ended):
                    m.d.comb += onward.eq(State.RECOVER)
            with m.Case(State.RECOVER):
                m.d.comb += self.restart.eq(self.expired)
                with m.If(self.expired):
                    with m.If(closed_loop):
                        m.d.comb += [onward.eq(State.CONNECT_READ), reads.eq(1)]
                    with m.Elif(left.any()):
                        m.d.comb += [onward.eq(pulse), begin.eq(needed)]
                    with m.Else():
                        m.d.comb += onward.eq(State.RESPOND)
            with m.Case(State.RESPOND), m.If(self.handed_over):
                with m.If(self.last_response):
                    m.d.comb += [onward.eq(State.IDLE), ready.eq(1)]
                with m.Else():
                    m.d.comb += self.next_output.eq(1)
                    with m.If(self.last_of_group & ~zero & (cut == Status.OK) & ~self.halt):
                        m.d.comb += [onward.eq(State.CONVERT), reads.eq(1)]

        # --- halts -------------------------------------------------------------------------------------------------
        haltable, halted = Signal(), Signal()
        with m.Switch(state):
            with m.Case(*ON_ARRAY, State.SCAN, State.WAIT):
                m.d.comb += haltable.eq(1)
            with m.Case(State.DECODE):
                m.d.comb += haltable.eq(is_any(follows, (State.SCAN, State.WAIT)))
        reason = Mux(self.faulted, Status.FAULTED, Status.ABORTED)
        m.d.comb += halted.eq(self.halt & haltable)

        # --- the next command --------------------------------------------------------------------------------------
        started, on_array = Signal(State), Signal()
        m.d.comb += [
            self.pop.eq(ready & self.head_valid & ~self.halt),
            started.eq(State.DECODE),
        ]
        following = Signal(State, init=State.RESPOND)
        with m.If(self.admitted), m.Switch(self.head.opcode):
            with m.Case(*ACCESSING):
                m.d.comb += following.eq(State.ACCESS)
            with m.Case(Opcode.ARM):
                m.d.comb += following.eq(State.SCAN)
            with m.Case(Opcode.WAIT):
                m.d.comb += following.eq(State.WAIT)
            with m.Case(Opcode.LOAD):
                m.d.comb += started.eq(State.LOAD)
            with m.Case(Opcode.MULTIPLY):
                m.d.comb += [
                    started.eq(Mux(self.empty, State.RESPOND, State.SELECT)),
                    on_array.eq(~self.empty),
                    following.eq(State.CONNECT_MULTIPLY),
                ]
            with m.Case(*CELL_READS, *CLOSED_LOOP):
                m.d.comb += [started.eq(State.SELECT), on_array.eq(1), following.eq(State.CONNECT_READ)]
            with m.Case(Opcode.PULSE):
                m.d.comb += [started.eq(State.SELECT), on_array.eq(1), following.eq(State.PULSE)]
            with m.Case(Opcode.DRIVE):
                m.d.comb += [started.eq(State.SELECT), on_array.eq(1)]
        with m.If(self.pop):
            m.d.sync += [self.command.eq(self.head), follows.eq(following), zero.eq(self.empty), cut.eq(Status.OK)]

        next_state = Signal(State)
        with m.If(deciding):
            m.d.comb += next_state.eq(Mux(self.halt, State.RESPOND, decided))
        with m.Else():
            m.d.comb += next_state.eq(Mux(halted, State.RESPOND, Mux(self.pop, started, onward)))
        m.d.sync += state.eq(next_state)

        # --- durations ---------------------------------------------------------------------------------------------
        # The only phase with a duration that can follow this one. When this one ends is known late, and this is not.
        upcoming = Signal(State, init=State.SELECT)
        m.d.comb += self.row.eq(upcoming.as_value()[:ROW_BITS])
        with m.Switch(state):
            with m.Case(State.SELECT):
                m.d.comb += upcoming.eq(Mux(open_loop, State.DRIVE, follows))
            with m.Case(State.CONNECT_READ, State.CONNECT_MULTIPLY, State.CONVERT):
                m.d.comb += upcoming.eq(State.CONVERT)
            with m.Case(State.DECIDE):
                with m.If(product):
                    m.d.comb += upcoming.eq(Mux(self.last_group, State.SELECT, State.CONVERT))
                with m.Else():
                    m.d.comb += upcoming.eq(Mux(self.gain, State.CONNECT_READ, State.DRIVE))
            with m.Case(State.PULSE):
                m.d.comb += upcoming.eq(State.RECOVER)
            with m.Case(State.RECOVER):
                m.d.comb += upcoming.eq(Mux(closed_loop, State.CONNECT_READ, State.DRIVE))
            with m.Case(State.RESPOND):
                m.d.comb += upcoming.eq(Mux(self.last_response, State.SELECT, State.CONVERT))

        # --- status ------------------------------------------------------------------------------------------------
        m.d.comb += self.last_response.eq(~product | (self.status != Status.OK) | self.last_output)
        with m.Switch(state):
            with m.Case(State.DECODE):
                with m.If((self.status == Status.OK) & accesses):
                    m.d.sync += self.status.eq(self.register_status)
            with m.Case(State.SCAN), m.If(self.scanned & ~self.good):
                m.d.sync += self.status.eq(Status.WINDOW)
            with m.Case(State.DECIDE):
                with m.If(missed & ~left.any()):
                    m.d.sync += self.status.eq(Status.FAILED)
            with m.Case(State.RESPOND), m.If(product & (self.status == Status.OK)):
                with m.If((cut == Status.OK) & self.halt):
                    m.d.sync += cut.eq(reason)
                with m.If(self.handed_over):
                    m.d.sync += self.status.eq(Mux((cut == Status.OK) & self.halt, reason, cut))
        with m.If(halted):
            m.d.sync += self.status.eq(reason)
        with m.If(self.pop):
            m.d.sync += self.status.eq(self.admission)

        # --- pulses ------------------------------------------------------------------------------------------------
        with m.If(writes):
            m.d.comb += self.target.eq(Mux(self.below, Record.SET, Record.RESET))
        with m.Elif(closed_loop):
            m.d.comb += self.target.eq(Record.FORM)
        with m.Else():
            m.d.comb += self.target.eq(self.command.body.pulse.record)
        with m.If(pulsing & self.begins):
            m.d.sync += [left.eq(left - 1), self.first.eq(0)]
            with m.If(self.driven == Record.RESET):
                m.d.sync += self.resets.eq(self.resets + 1)
            with m.Else():
                m.d.sync += self.sets.eq(self.sets + 1)
        with m.If(ready):
            m.d.sync += [self.sets.eq(0), self.resets.eq(0), self.first.eq(1)]
            # Read only where a command gives pulses; a train's count is within the limit.
            m.d.sync += left.eq(Mux(self.head.opcode == Opcode.PULSE, self.head.body.pulse.count, self.pulse_limit))

        # --- front end ---------------------------------------------------------------------------------------------
        with m.Switch(state):
            for each, request in REQUEST_OF.items():
                with m.Case(each):
                    m.d.comb += self.request.eq(request)
        # Between the groups of a step the rows stay driven.
        between = self.read_enable & product & ~self.last_group
        m.d.sync += [
            self.write_gate.eq(Mux(deciding, decided == State.PULSE, onward == State.PULSE) & ~self.halt),
            self.read_enable.eq((reads | between & ~ready) & ~self.halt),
        ]
        with m.If(self.pop):
            m.d.sync += self.selection.eq(Selection.NONE)
            with m.If(on_array), m.Switch(self.head.opcode):
                with m.Case(Opcode.CALIBRATE):
                    gain = self.head.body.calibration.gain
                    m.d.sync += self.selection.eq(Mux(gain, Selection.REFERENCE, Selection.COLUMN))
                with m.Case(Opcode.MULTIPLY):
                    codes = self.head.body.product.codes
                    m.d.sync += self.selection.eq(Mux(codes, Selection.CODES, Selection.PLANE))
                with m.Default():
                    m.d.sync += self.selection.eq(Selection.CELL)
        with m.If(self.halt):
            m.d.sync += self.selection.eq(Selection.NONE)

        # --- phase -------------------------------------------------------------------------------------------------
        with m.Switch(state):
            for each, phase in PHASE_OF.items():
                with m.Case(each):
                    m.d.comb += self.phase.eq(phase)
        with m.If(self.handed_over):
            m.d.comb += self.phase.eq(Phase.RESPOND)
        return m
