"""The gate is open only when it may be: properties of a whole tile, for every input and register setting."""

from typing import Any

from amaranth.hdl import Assert, Assume, Module, ResetSignal, Signal

from twinbar.hw.gateware.sequencer import ON_ARRAY, READ_STATES, State, is_any
from twinbar.hw.protocol.commands import ACCESSING, CELL_READS, CLOSED_LOOP, READING, WRITING
from twinbar.hw.protocol.registers import PULSE_SHAPES, REGISTERS, SHAPE, Access
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Selection, Status
from twinbar.hw.timing import PHASES, Phase


def add_gate_properties(m: Module, tile: Any) -> None:
    """Add the properties to a tile that is being elaborated; ``tile`` has its parts as attributes.

    The first group is what is promised. The second holds it together: the proof is by induction, which starts from any
    state, and these statements (proven themselves) leave the states that can occur.
    """
    sequencer, supervisor, drive, timer = tile.sequencer, tile.supervisor, tile.drive, tile.timer
    register_file, bias = tile.register_file, tile.bias
    follows = sequencer.follows
    state, opcode, gate, read = sequencer.state, sequencer.command.opcode, sequencer.write_gate, sequencer.read_enable
    faults = supervisor.faults.as_value()
    opened = Signal(29)
    halted = Signal()
    was_reset = Signal(reset_less=True)
    m.d.sync += [halted.eq(supervisor.halt), was_reset.eq(ResetSignal())]
    with m.If(gate):
        m.d.sync += opened.eq(opened + 1)
    with m.Else():
        m.d.sync += opened.eq(0)

    def always(condition: Any, message: str) -> None:
        m.d.comb += Assert(condition, message, src_loc_at=1)

    always(~(gate & read), "gate and read path exclude each other")
    always(~gate | (supervisor.mode == Mode.WRITE), "gate closed unless armed for writing")
    always(~read | (supervisor.mode != Mode.SAFE), "read path closed unless armed")
    always(~(gate | read) | (faults == 0), "gate and read path closed while a fault is latched")
    always(~(halted & (gate | read)), "gate and read path closed in the cycle after a halt")
    always(~(was_reset & (gate | read)), "gate and read path closed in the cycle after a reset")
    always(~was_reset | (sequencer.selection == Selection.NONE), "selector open in the cycle after a reset")
    always(~was_reset | (supervisor.mode == Mode.SAFE), "disarmed in the cycle after a reset")
    always(~gate | (drive.width == 0) | (opened < drive.width), "gate open for at most the record's width")
    always(gate == (sequencer.phase == Phase.PULSE), "phase pulse exactly while the gate is open")
    always(sequencer.phase < len(PHASES), "every cycle has one phase")
    locked = [register.address for register in REGISTERS if register.access is Access.LOCKED]
    with m.If(bias.write & is_any(bias.address, locked)):
        always(supervisor.mode == Mode.SAFE, "locked registers written only while disarmed")
    with m.If(bias.write & is_any(bias.address, sorted(PULSE_SHAPES))):
        always(bias.value[SHAPE["width"].places] != 0, "a width of 0 is never stored")

    # Every front end takes two cycles or more to settle the drive.
    m.d.comb += Assume(~((state == State.DRIVE) & timer.first & tile.front.done))
    always(~drive.updating | (state == State.DRIVE) & timer.first, "")
    always(~drive.finishing | (state == State.RESPOND) | (state == State.DRIVE) & ~timer.first, "")
    always(gate == (state == State.PULSE), "")
    always(~is_any(state, READ_STATES) | read, "")
    between = sequencer.product & is_any(state, (State.DECIDE, State.RESPOND))
    always(~read | is_any(state, READ_STATES) | between, "")
    always(~is_any(state, ON_ARRAY) | (supervisor.mode != Mode.SAFE), "")
    always((supervisor.mode == Mode.SAFE) | (faults == 0), "")
    always(~is_any(state, ON_ARRAY) | is_any(opcode, (*READING, *WRITING)), "")
    always(~is_any(state, ON_ARRAY) | ~is_any(opcode, WRITING) | (supervisor.mode == Mode.WRITE), "")
    always(~is_any(state, (State.DRIVE, State.PULSE, State.RECOVER)) | is_any(opcode, WRITING), "")
    always(sequencer.product == (opcode == Opcode.MULTIPLY), "")
    always(sequencer.accesses == is_any(opcode, ACCESSING), "")
    always(sequencer.closed_loop == is_any(opcode, CLOSED_LOOP), "")
    always(sequencer.writes == (opcode == Opcode.WRITE), "")
    unbroken = (sequencer.status == Status.OK) & (sequencer.cut == Status.OK)
    continues = (state == State.RESPOND) & sequencer.product & unbroken
    always(~continues | (supervisor.mode != Mode.SAFE), "")
    always(~is_any(state, ON_ARRAY) | unbroken, "")
    always(~read | unbroken, "")
    arming = (state == State.SCAN) | ((state == State.DECODE) & (follows == State.SCAN))
    always(~arming | (faults == 0), "")
    always((state != State.DECODE) | is_any(follows, (State.RESPOND, State.ACCESS, State.SCAN, State.WAIT)), "")
    after_select = {
        State.CONNECT_READ: (*CELL_READS, *CLOSED_LOOP),
        State.CONNECT_MULTIPLY: (Opcode.MULTIPLY,),
        State.PULSE: (Opcode.PULSE,),
        State.RESPOND: (Opcode.DRIVE,),
    }
    for each, opcodes in after_select.items():
        always(~is_any(state, ON_ARRAY) | ((follows == each) == is_any(opcode, opcodes)), "")
    always(~continues | (follows == State.CONNECT_MULTIPLY), "")
    for each, cause in ((State.ACCESS, sequencer.accesses), (State.SCAN, opcode == Opcode.ARM)):
        always((state != State.DECODE) | (follows != each) | cause, "")
    always((state != State.DECODE) | (follows != State.WAIT) | (opcode == Opcode.WAIT), "")
    always((state != State.SCAN) | (opcode == Opcode.ARM), "")
    always((state != State.SCAN) | (supervisor.mode == Mode.SAFE), "")
    # The timer runs along with the pulse, and has seen whether this cycle is the last.
    always(~gate | ((opened + 2)[: len(timer.next)] == timer.next), "")
    always(~gate | (timer.first == (opened == 0)), "")
    always(~gate | (timer.last == ((opened + 1)[: len(drive.width)] == drive.width)), "")
    always(is_any(state, list(State)), "")
    always((state != State.ACCESS) | sequencer.accesses, "")
    always((state != State.WAIT) | (opcode == Opcode.WAIT), "")
    decoded = (state == State.DECODE) & (sequencer.status == Status.OK)
    always(~decoded | ~is_any(opcode, (*READING, *WRITING)), "")
    # A register that is written was found legal, and the tile was safe if it is locked, one cycle before.
    legal = (register_file.status == Status.OK) | (state != State.ACCESS)
    always(legal, "")
