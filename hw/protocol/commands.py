"""The commands: opcode, arguments and their bounds, which tiles admit it, what a halt does to it, and its response.

This is the one place where a command is described. What derives from it: decoding and admission in gateware
(`twinbar.hw.gateware.control.admission`), in the engine ``events`` and in the compiled kernels, random programs,
packing on the host and on the link, and ``docs/protocol.md``. What a command *does* is written once in gateware, in
``events`` and in the kernels, which are independent of each other.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum as PlainEnum
from typing import TYPE_CHECKING, Final

from .enumerations import Mode, Record, Status
from .fields import DeclarationError, Field, Word
from .rules import (
    CASCADE,
    CHAIN,
    CHANNELS,
    COLUMNS,
    LAST_ENTRY,
    LEVELS,
    OUTPUT_WORDS,
    PULSE_LIMIT,
    ROWS,
    SHARED_INPUTS,
    USES_TABLE,
    WORDS,
    Aligned,
    Below,
    GeometryBound,
    Needs,
    NotBoth,
    OneOf,
    Rule,
    Setting,
    Span,
    Within,
)
from .sizes import (
    ADDRESS_BITS,
    BODY_BITS,
    CODE_BITS,
    COLUMN_BITS,
    ECHO_BITS,
    ENTRY_BITS,
    LANE_BITS,
    LEVEL_BITS,
    MEMBERS_BITS,
    OPCODE_BITS,
    PULSE_BITS,
    RESULT_BITS,
    ROW_BITS,
    TILE_BITS,
    VALUE_BITS,
    WIDTH_BITS,
    WORD_BITS,
    ControllerSizes,
)

if TYPE_CHECKING:  # Amaranth has no types; for a type checker its enumerations are the standard library's.
    from enum import Enum
else:
    from amaranth.lib.enum import Enum


class Opcode(Enum, shape=OPCODE_BITS):
    """What a command beat asks for. 0 is not a command, so that a stream of zeros is noticed."""

    READ_REGISTER = 1
    WRITE_REGISTER = 2
    ARM = 3
    DISARM = 4
    CLEAR = 5
    SAFE = 6
    ABORT = 7
    WAIT = 8
    READ = 9
    WRITE = 10
    FORM = 11
    PULSE = 12
    DRIVE = 13
    CONVERT = 14
    CALIBRATE = 15
    LOAD = 16
    MULTIPLY = 17
    VERIFY = 18
    TRANSFER = 19


class Answered(PlainEnum):
    """How many beats answer a command of a tile."""

    ONCE = "one beat"
    PER_OUTPUT = "one beat per output, or per `outputs_per_beat` of them"
    IF_REFUSED = "none, unless it is refused"


# --- arguments --------------------------------------------------------------------------------------------------------
_ROW: Final = Field("row", 0, ROW_BITS)
_COLUMN: Final = Field("column", 10, COLUMN_BITS)

_LEVEL: Final = Field("level", 20, LEVEL_BITS)

CELL: Final = Word("cell", BODY_BITS, (_ROW, _COLUMN, _LEVEL))
WRITING_CELL: Final = Word(
    "write",
    BODY_BITS,
    (
        *CELL,
        Field("first", 28, 1),
        Field("polarity", 29, 1),
        Field("code", 30, 1),
        Field("entry", 31, ENTRY_BITS),
    ),
)
TRAIN: Final = Word(
    "pulse", BODY_BITS, (_ROW, _COLUMN, Field("count", 20, PULSE_BITS), Field("record", 28, 3, kind=Record))
)
CALIBRATION: Final = Word("calibration", BODY_BITS, (_COLUMN, Field("subtract", 20, 1), Field("gain", 21, 1)))
PRODUCT: Final = Word(
    "product",
    BODY_BITS,
    (
        Field("outputs", 0, ROW_BITS),
        _COLUMN,
        Field("subtract", 20, 1),
        Field("codes", 21, 1),
        Field("skip", 22, 1),
        Field("members", 24, MEMBERS_BITS),
    ),
)
INPUT: Final = Word(
    "input",
    BODY_BITS,
    (Field("word", 0, ROW_BITS), Field("clear", 10, 1), Field("shared", 11, 1), Field("bits", 16, WORD_BITS)),
)
MOVE: Final = Word(
    "transfer",
    BODY_BITS,
    (
        Field("word", 0, ROW_BITS),
        Field("clear", 10, 1),
        Field("first", 16, ROW_BITS),
        Field("words", 26, ROW_BITS),
        Field("group", 36, TILE_BITS),
    ),
)
REGISTER: Final = Word(
    "register", BODY_BITS, (Field("address", 0, ADDRESS_BITS), Field("value", ADDRESS_BITS, VALUE_BITS))
)
REST: Final = Word("wait", BODY_BITS, (Field("cycles", 0, WIDTH_BITS),))
ARMING: Final = Word("arm", BODY_BITS, (Field("mode", 0, 2, kind=Mode),))

ARGUMENTS: Final = (CELL, WRITING_CELL, TRAIN, CALIBRATION, PRODUCT, INPUT, MOVE, REGISTER, REST, ARMING)
"""Arguments by group of opcodes. ``outputs`` = 0 stands for 1024."""

# --- results ----------------------------------------------------------------------------------------------------------
CELL_RESULT: Final = Word(
    "cell",
    RESULT_BITS,
    (
        _ROW,
        _COLUMN,
        Field("code", ECHO_BITS, CODE_BITS, signed=True),
        Field("sets", ECHO_BITS + CODE_BITS, PULSE_BITS),
        Field("resets", ECHO_BITS + CODE_BITS + PULSE_BITS, PULSE_BITS),
    ),
)
PRODUCT_RESULT: Final = Word("product", RESULT_BITS, (_COLUMN, Field("sum", ECHO_BITS, VALUE_BITS, signed=True)))
REGISTER_RESULT: Final = Word(
    "register", RESULT_BITS, (Field("address", 0, ADDRESS_BITS), Field("value", ECHO_BITS, VALUE_BITS))
)

RESULTS: Final = (CELL_RESULT, PRODUCT_RESULT, REGISTER_RESULT)
"""Results by group of opcodes; ``sets`` counts forming pulses too."""


def _packed(lanes: int, bits: int) -> Word:
    sums = (Field(f"sum{lane}", ECHO_BITS + lane * bits, bits, signed=True) for lane in range(lanes))
    return Word(f"product of {lanes} lanes", RESULT_BITS, (_COLUMN, *sums))


PACKED_RESULTS: Final = {lanes: _packed(lanes, bits) for lanes, bits in LANE_BITS.items()}
"""Results of a product by the outputs that share a beat; with one, ``sum0`` is the ``sum`` of `PRODUCT_RESULT`."""

# --- order of the reasons ---------------------------------------------------------------------------------------------
REASONS: Final = (
    Status.UNKNOWN_OPCODE,
    Status.BAD_TILE,
    Status.ABORTED,
    Status.FAULTED,
    Status.DISARMED,
    Status.BAD_ADDRESS,
    Status.BAD_LEVEL,
    Status.BAD_VALUE,
    Status.INCOMPLETE,
)
"""Reasons for which a command is refused, in the order in which they are looked for."""
REGISTER_REASONS: Final = (Status.BAD_REGISTER, Status.LOCKED, Status.BAD_VALUE)
"""Those for accesses to registers, which are looked for last."""
RULE_REASONS: Final = REASONS[5:8]
"""Those that rules on arguments give."""


@dataclass(frozen=True)
class CommandSpec:
    """A command.

    Parameters
    ----------
    opcode : Opcode
    about : str
        What it does, in a sentence.
    arguments, response : Word, optional
        Layouts of its body, and of its response's; None: it has none.
    rules : tuple of Rule
        What its arguments must keep.
    needs : Mode, optional
        Mode in which a tile must be armed at least; None: it does not touch the array.
    refused_while_faulted : bool
        While a fault is latched.
    haltable : bool
        A halt ends it, and a SAFE or ABORT that waits refuses it; others are completed.
    halts : bool
        It halts tiles in the cycle in which it is presented.
    to_every_tile : bool
        It goes to all tiles, whichever it names.
    answered : Answered
    since : int
        Minor version of the protocol that brought it.
    option : GeometryBound, optional
        Without this option of elaboration, the opcode does not exist.
    """

    opcode: Opcode
    about: str
    arguments: Word | None = None
    response: Word | None = None
    rules: tuple[Rule, ...] = ()
    needs: Mode | None = None
    refused_while_faulted: bool = False
    haltable: bool = False
    halts: bool = False
    to_every_tile: bool = False
    answered: Answered = Answered.ONCE
    since: int = 0
    option: GeometryBound | None = None

    def exists(self, config: ControllerSizes) -> bool:
        """Whether a controller knows it."""
        return self.option is None or bool(getattr(config, self.option.name))

    @property
    def name(self) -> str:
        """Name of the opcode."""
        return self.opcode.name

    @property
    def reasons(self) -> tuple[Status, ...]:
        """Statuses with which its arguments may be refused."""
        return tuple(status for status in RULE_REASONS if any(rule.status is status for rule in self.rules))


def _operation(
    opcode: Opcode,
    needs: Mode,
    arguments: Word,
    response: Word,
    rules: tuple[Rule, ...],
    about: str,
    answered: Answered = Answered.ONCE,
    since: int = 0,
) -> CommandSpec:
    """Declare an operation on the array: refused while a fault is latched, and ended by a halt."""
    return CommandSpec(
        opcode,
        about,
        arguments,
        response,
        rules,
        needs=needs,
        refused_while_faulted=True,
        haltable=True,
        answered=answered,
        since=since,
    )


_IN_TILE: Final = (Below("row", ROWS), Below("column", COLUMNS))
_KNOWN_LEVEL: Final = Below("level", LEVELS, Status.BAD_LEVEL)
_PULSED: Final = OneOf("record", (Record.SET, Record.RESET, Record.FORM))


def declare(
    commands: Iterable[CommandSpec],
    opcodes: type[PlainEnum] = Opcode,
) -> Mapping[Opcode, CommandSpec]:
    """Return commands by their opcodes.

    Raises
    ------
    DeclarationError
        If they contradict themselves or each other.
    """
    for name, member in opcodes.__members__.items():
        if name != member.name:
            raise DeclarationError(f"{member.name} and {name} have the same opcode {member.value}")
        if not 0 < member.value < 1 << OPCODE_BITS:
            raise DeclarationError(f"{name} has the opcode {member.value}; one of 1 to {(1 << OPCODE_BITS) - 1} fits")
    found: dict[Opcode, CommandSpec] = {}
    for spec in commands:
        if spec.opcode in found:
            raise DeclarationError(f"{spec.name} is declared twice")
        found[spec.opcode] = spec
        _check(spec)
    for opcode in opcodes:
        if opcode not in found:
            raise DeclarationError(f"the opcode {opcode.name} has no declaration")
    return found


def _check(spec: CommandSpec) -> None:
    name = spec.name
    for rule in spec.rules:
        for argument in rule.arguments:
            if spec.arguments is None or argument not in spec.arguments:
                known = ", ".join(spec.arguments.names) if spec.arguments else "none"
                raise DeclarationError(f"a rule of {name} names the argument {argument!r}; {name} takes {known}")
        if rule.status not in RULE_REASONS:
            reasons = ", ".join(status.name for status in RULE_REASONS)
            raise DeclarationError(f"a rule of {name} refuses with {rule.status.name}; rules refuse with {reasons}")
        _check_bounds(spec, rule)
    if spec.needs is Mode.SAFE:
        raise DeclarationError(f"{name} needs the mode SAFE; an operation on the array needs READ or WRITE")
    if spec.needs is not None and not (spec.haltable and spec.refused_while_faulted):
        raise DeclarationError(f"{name} touches the array, and no halt would end it or no fault refuse it")
    if spec.haltable and spec.halts:
        raise DeclarationError(f"{name} halts, and a halt would end it before it is answered")
    if spec.answered is Answered.PER_OUTPUT and (spec.arguments is None or "outputs" not in spec.arguments):
        raise DeclarationError(f"{name} is answered once per output, and has no argument 'outputs'")


def _check_bounds(spec: CommandSpec, rule: Rule) -> None:
    """Refuse bounds that an argument's bits cannot reach, and flags that are more than one bit."""
    assert spec.arguments is not None
    flags = {Below: ("halved_by",), Span: ("halved_by",), NotBoth: ("one", "other")}.get(type(rule), ())
    for each in flags:
        flag = getattr(rule, each)
        if flag and spec.arguments[flag].bits != 1:
            raise DeclarationError(f"{spec.name}.{flag} is a flag of a rule, and has {spec.arguments[flag].bits} bits")
    numbers: tuple[int, ...] = ()
    if isinstance(rule, OneOf):
        numbers = tuple(member.value for member in rule.members)
        kind = spec.arguments[rule.argument].kind
        for member in rule.members:
            if not isinstance(member, kind or ()):
                raise DeclarationError(f"a rule of {spec.name} says that {rule.argument} may be {member}")
    elif isinstance(rule, Within):
        numbers = (rule.least, rule.most) if isinstance(rule.most, int) else (rule.least,)
        if isinstance(rule.most, int) and rule.most < rule.least:
            raise DeclarationError(f"a rule of {spec.name} wants {rule.argument} from {rule.least} to {rule.most}")
    elif isinstance(rule, Below) and isinstance(rule.bound, int):
        numbers = (rule.bound - 1,)
    elif isinstance(rule, Needs):
        numbers = (rule.most,)
    for number in numbers:
        argument = spec.arguments[rule.arguments[0]]
        if not 0 <= number <= argument.mask:
            raise DeclarationError(
                f"a rule of {spec.name} bounds {argument.name} by {number}; its {argument.bits} bits hold 0 to "
                f"{argument.mask}"
            )


def settings_of(commands: Mapping[Opcode, CommandSpec]) -> dict[str, str]:
    """Return the registers that bound arguments or permit them, each with a command whose argument it is."""
    found = {}
    for spec in commands.values():
        for rule in spec.rules:
            for bound in (getattr(rule, name, None) for name in ("bound", "most", "option")):
                if isinstance(bound, Setting):
                    found[bound.register] = spec.name
    return found


CHAIN_SINCE: Final = 5
"""Minor version of the protocol that brought chains of layers."""

# --- the commands -----------------------------------------------------------------------------------------------------
COMMANDS: Final = declare(
    (
        CommandSpec(Opcode.READ_REGISTER, "Read a register, counter or table entry.", REGISTER, REGISTER_RESULT),
        CommandSpec(Opcode.WRITE_REGISTER, "Write a register or table entry.", REGISTER, REGISTER_RESULT),
        CommandSpec(
            Opcode.ARM,
            "Check all bias records against their windows, and permit reading or writing.",
            ARMING,
            rules=(OneOf("mode", (Mode.READ, Mode.WRITE)),),
            refused_while_faulted=True,
            haltable=True,
        ),
        CommandSpec(Opcode.DISARM, "Forbid all operations on the array; the drive goes to its safe codes."),
        CommandSpec(Opcode.CLEAR, "Clear the latched faults."),
        CommandSpec(
            Opcode.SAFE, "Stop and disarm every tile at once. Every tile answers.", halts=True, to_every_tile=True
        ),
        CommandSpec(Opcode.ABORT, "Stop the tile, and refuse the array operations that wait in its queue.", halts=True),
        CommandSpec(
            Opcode.WAIT, "Let the array rest for some cycles.", REST, rules=(Within("cycles", 1),), haltable=True
        ),
        _operation(Opcode.READ, Mode.READ, CELL, CELL_RESULT, _IN_TILE, "Read a cell."),
        _operation(
            Opcode.WRITE,
            Mode.WRITE,
            WRITING_CELL,
            CELL_RESULT,
            (
                *_IN_TILE,
                _KNOWN_LEVEL,
                *(Needs(name, USES_TABLE) for name in ("first", "polarity", "code", "entry")),
                Within("entry", 0, LAST_ENTRY),
            ),
            "Write a cell to a level by closed-loop write-verify.",
        ),
        _operation(
            Opcode.FORM,
            Mode.WRITE,
            CELL,
            CELL_RESULT,
            (*_IN_TILE, _KNOWN_LEVEL),
            "Form a cell: pulses of the record FORM until its code reaches the level's window.",
        ),
        _operation(
            Opcode.PULSE,
            Mode.WRITE,
            TRAIN,
            CELL_RESULT,
            (*_IN_TILE, _PULSED, Within("count", 1, PULSE_LIMIT)),
            "Give a cell a train of pulses without reading.",
        ),
        _operation(
            Opcode.DRIVE,
            Mode.WRITE,
            TRAIN,
            CELL_RESULT,
            (*_IN_TILE, _PULSED),
            "Bring the start codes of a bias record to the pins, without a pulse.",
        ),
        _operation(
            Opcode.CONVERT,
            Mode.READ,
            CELL,
            CELL_RESULT,
            _IN_TILE,
            "Read a cell with one conversion; gives the raw, signed code.",
        ),
        _operation(
            Opcode.CALIBRATE,
            Mode.READ,
            CALIBRATION,
            CELL_RESULT,
            (Below("column", COLUMNS, halved_by="subtract"), NotBoth("subtract", "gain")),
            "Measure and store the offset of a column (or subtracted pair), or the gain trim of its ADC channel, with "
            "all rows open.",
        ),
        CommandSpec(
            Opcode.LOAD,
            "Write a word of the row registers. Not answered if it is accepted.",
            INPUT,
            rules=(Below("word", WORDS), Needs("shared", SHARED_INPUTS)),
            answered=Answered.IF_REFUSED,
        ),
        _operation(
            Opcode.MULTIPLY,
            Mode.READ,
            PRODUCT,
            PRODUCT_RESULT,
            (
                Span("column", "outputs", COLUMNS, halved_by="subtract"),
                Aligned("column", CHANNELS),
                Needs("members", CASCADE, most=1),
            ),
            "Multiply the input in the row registers by neighbouring columns. One response per output, or per "
            "`outputs_per_beat` of them.",
            answered=Answered.PER_OUTPUT,
        ),
        _operation(
            Opcode.VERIFY,
            Mode.READ,
            CELL,
            CELL_RESULT,
            (*_IN_TILE, _KNOWN_LEVEL),
            "Read a cell and compare it with a level's window; gives -1 below, 0 inside and 1 above it.",
            since=1,
        ),
        CommandSpec(
            Opcode.TRANSFER,
            "Write activations that the tile keeps into the row registers of a group. Not answered if it is accepted.",
            MOVE,
            rules=(Span("word", "words", WORDS), Span("first", "words", OUTPUT_WORDS)),
            answered=Answered.IF_REFUSED,
            since=CHAIN_SINCE,
            option=CHAIN,
        ),
    )
)
"""All commands, by opcode."""


def _those(specs: Iterable[CommandSpec]) -> tuple[Opcode, ...]:
    return tuple(spec.opcode for spec in specs)


READING: Final = _those(spec for spec in COMMANDS.values() if spec.needs is Mode.READ)
"""Operations on the array that never open the write gate."""
WRITING: Final = _those(spec for spec in COMMANDS.values() if spec.needs is Mode.WRITE)
"""Operations on the array that may open the write gate, or drive."""
ACCESSING: Final = _those(spec for spec in COMMANDS.values() if spec.arguments is REGISTER)
"""Accesses to registers."""
ON_CELLS: Final = _those(spec for spec in COMMANDS.values() if spec.needs and "row" in (spec.arguments or ()))
"""Operations on one cell."""
CELL_READS: Final = _those(
    spec for spec in COMMANDS.values() if spec.needs is Mode.READ and spec.response is CELL_RESULT
)
"""Operations that select a cell or column, convert it, and answer with what was found."""
CLOSED_LOOP: Final = _those(
    spec for spec in COMMANDS.values() if spec.needs is Mode.WRITE and "level" in (spec.arguments or ())
)
"""Operations that read and pulse a cell in turn, until its code lies in a level's window."""
HALTABLE: Final = _those(spec for spec in COMMANDS.values() if spec.haltable)
HALTING: Final = _those(spec for spec in COMMANDS.values() if spec.halts)
TO_EVERY_TILE: Final = _those(spec for spec in COMMANDS.values() if spec.to_every_tile)
PER_OUTPUT: Final = _those(spec for spec in COMMANDS.values() if spec.answered is Answered.PER_OUTPUT)
IF_REFUSED: Final = _those(spec for spec in COMMANDS.values() if spec.answered is Answered.IF_REFUSED)


def users_of(word: Word) -> Collection[Opcode]:
    """Return the opcodes that take arguments, or give results, of a layout."""
    return _those(spec for spec in COMMANDS.values() if word in (spec.arguments, spec.response))
