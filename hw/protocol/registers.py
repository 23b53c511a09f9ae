"""The registers of a tile: addresses, access, fields with their ranges, and the counters and tables behind them."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from twinbar.hw.actions import Action
from twinbar.hw.timing import MAX_WIDTH, MIN_SETTLE_DRIVE, Phase

from .commands import CHAIN_SINCE, COMMANDS, settings_of
from .enumerations import RECORDS, ComplianceAction, Destination, Record
from .fields import DeclarationError, Field, Word
from .rules import CAPPED, CHAIN, CHANNELS, COLUMNS, COMPARISONS, PULSE_TABLE, SCALED_COLUMNS, GeometryBound
from .sizes import (
    ADDRESS_BITS,
    COMPLIANCE_BITS,
    ENTRY_BITS,
    LEVEL_BITS,
    LINE_BITS,
    MAX_SCALED,
    PULSE_BITS,
    PULSE_ENTRIES,
    SCALE_BITS,
    SHIFT_BITS,
    SUM_BITS,
    TILE_BITS,
    TRIM_BITS,
    VALUE_BITS,
    WIDTH_BITS,
    ControllerSizes,
)


class Access(Enum):
    """How a register can be used."""

    CONSTANT = "constant"
    """Fixed when the controller is built."""
    LIVE = "live"
    """Shows a state; cannot be written."""
    OPEN = "open"
    """Can be read and written at any time."""
    LOCKED = "locked"
    """Can be read at any time, and written while the tile is disarmed."""

    @property
    def writable(self) -> bool:
        """Whether what has it can be written at all."""
        return self in (Access.OPEN, Access.LOCKED)


REGISTER_SPACE: Final = 0x80
"""Addresses from here on are no registers."""


@dataclass(frozen=True)
class Register:
    """A register of a tile.

    Parameters
    ----------
    name : str
    address : int
    access : Access
    word : Word
        What it holds; a value outside its fields or their ranges is refused.
    init : int
        Value after power-up.
    since : int
        Minor version of the protocol that brought it.
    option : GeometryBound, optional
        Without this option of elaboration, the register does not exist.

    Raises
    ------
    DeclarationError
        If it cannot hold its first value, or has no address.
    """

    name: str
    address: int
    access: Access
    word: Word
    init: int = 0
    since: int = 0
    option: GeometryBound | None = None

    def __post_init__(self) -> None:
        _check_width(self.name, self.word)
        if not 0 <= self.address < REGISTER_SPACE:
            raise DeclarationError(
                f"{self.name} has the address {self.address:#x}; registers lie below {REGISTER_SPACE:#x}"
            )
        if not 0 <= self.init < 1 << self.word.bits:
            raise DeclarationError(f"{self.name} begins with {self.init}, which its {self.word.bits} bits cannot hold")
        for each in self.word:
            if self.access.writable and not each.least <= each.of(self.init) <= each.most:
                raise DeclarationError(
                    f"{self.name}.{each.name} begins with {each.of(self.init)}; it holds {each.least} to {each.most}"
                )

    def __getitem__(self, field: str) -> Field:
        return self.word[field]

    def after_power_up(self, config: ControllerSizes) -> int:
        """Return what it holds first in a controller, whose caps its declaration does not know."""
        return self.word.capped(self.init, config) if self.access.writable else self.init

    def exists(self, config: ControllerSizes) -> bool:
        """Whether a controller has it."""
        return self.option is None or bool(getattr(config, self.option.name))

    def word_at(self, address: int) -> Word:
        """Return what an address of it holds: it has one."""
        assert address == self.address
        return self.word

    @property
    def bits(self) -> int:
        """Its width; a value that needs more is refused."""
        return self.word.bits

    @property
    def least(self) -> int:
        """The least value."""
        return int(self.word.pack(**{each.name: each.least for each in self.word}))

    @property
    def most(self) -> int:
        """The greatest value."""
        return int(self.word.pack(**{each.name: each.most for each in self.word}))


def _check_width(name: str, word: Word) -> None:
    if word.bits > VALUE_BITS:
        raise DeclarationError(f"{name} has {word.bits} bits; a value has {VALUE_BITS}")


@dataclass(frozen=True)
class Space:
    """Addresses of counters, or of the entries of a table.

    Parameters
    ----------
    name, index : str
        What an entry is, and what counts the addresses.
    base : int
        Address of the first one.
    capacity : int
        Addresses that are set aside, a power of two.
    entries : tuple of int, or GeometryBound
        Which of them exist, or how many from the first one on.
    access : Access
    word : Word
        What an entry holds.
    halved : bool
        Half as many exist.
    init : int
        Value after power-up.
    second : Word, optional
        What the second of an entry's two addresses holds; None: an entry has one.
    second_init : int
        Its value after power-up.
    options : mapping of int to GeometryBound
        Entries that exist with an option of elaboration only.

    Raises
    ------
    DeclarationError
        If the addresses cannot be told by their high bits, or an entry has no address.
    """

    name: str
    index: str
    base: int
    capacity: int
    entries: tuple[int, ...] | GeometryBound
    access: Access
    word: Word
    halved: bool = False
    init: int = 0
    second: Word | None = None
    second_init: int = 0
    options: Mapping[int, GeometryBound] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _check_width(self.name, self.word)
        if self.capacity & (self.capacity - 1) or self.base % self.capacity or self.end > 1 << ADDRESS_BITS:
            raise DeclarationError(
                f"the space {self.name} has {self.capacity} addresses from {self.base:#x} on; they must be a power of "
                f"two, from a multiple of it on, below {1 << ADDRESS_BITS:#x}"
            )
        if isinstance(self.entries, tuple) and not all(0 <= entry < self.capacity for entry in self.entries):
            raise DeclarationError(f"the space {self.name} has entries beyond its {self.capacity} addresses")

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.base + self.capacity

    @property
    def index_bits(self) -> int:
        """Low bits of an address that count the entries."""
        return (self.capacity - 1).bit_length()

    @property
    def top_bit(self) -> int:
        """Highest bit of the address of its first entry."""
        return self.base.bit_length() - 1

    @property
    def pattern(self) -> str:
        """Its addresses in binary, highest bit first; a dash is any bit."""
        high = ADDRESS_BITS - self.index_bits
        return f"{self.base >> self.index_bits:0{high}b}" + "-" * self.index_bits

    @property
    def words(self) -> tuple[Word, ...]:
        """What the addresses of an entry hold."""
        return (self.word,) if self.second is None else (self.word, self.second)

    @property
    def inits(self) -> tuple[int, ...]:
        """Values of `words` after power-up."""
        return (self.init, self.second_init)[: len(self.words)]

    def word_at(self, address: int) -> Word:
        """Return what an address holds."""
        return self.words[(address - self.base) % len(self.words)]

    def count(self, config: ControllerSizes) -> int:
        """Return the index of the last address, plus 1."""
        if isinstance(self.entries, tuple):
            return max(self.entries) + 1
        return (int(getattr(config, self.entries.name)) >> int(self.halved)) * len(self.words)

    def has(self, index: int, config: ControllerSizes) -> bool:
        """Whether there is an address with this index."""
        if isinstance(self.entries, tuple):
            return index in self.entries_of(config)
        return 0 <= index < self.count(config)

    def entries_of(self, config: ControllerSizes) -> tuple[int, ...]:
        """Return the numbers of the entries, where they do not begin at 0 and follow one another."""
        return tuple(
            entry for entry in self.numbers if entry not in self.options or getattr(config, self.options[entry].name)
        )

    def __contains__(self, address: int) -> bool:
        return self.base <= address < self.end

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the entries, where no parameter of the controller says how many there are."""
        return self.entries if isinstance(self.entries, tuple) else ()


def _register(
    name: str,
    address: int,
    access: Access,
    *fields: Field,
    init: int = 0,
    since: int = 0,
    option: GeometryBound | None = None,
) -> Register:
    return Register(name, address, access, Word(name, max(each.end for each in fields), fields), init, since, option)


def _number(
    name: str,
    address: int,
    access: Access,
    bits: int,
    about: str,
    least: int = 0,
    most: int = -1,
    init: int = 0,
    since: int = 0,
    option: GeometryBound | None = None,
    cap: str = "",
) -> Register:
    """Declare a register that is one number."""
    field = Field("value", 0, bits, about, least=least, most=most, cap=cap)
    return _register(name, address, access, field, init=init, since=since, option=option)


IDENTITY: Final = int.from_bytes(b"TWBR", "big")
"""Value of the register IDENTITY: a link to anything else is noticed at once."""

VERSION: Final = _register(
    "VERSION",
    0x01,
    Access.CONSTANT,
    Field("minor", 0, 16, "protocol version: minor"),
    Field("major", 16, 16, "major"),
)
HASH_LOW: Final = _number("HASH_LOW", 0x02, Access.CONSTANT, 32, "low half of the configuration hash")
HASH_HIGH: Final = _number("HASH_HIGH", 0x03, Access.CONSTANT, 32, "high half of the configuration hash")
GEOMETRY: Final = _register(
    "GEOMETRY",
    0x04,
    Access.CONSTANT,
    Field("rows", 0, 11, "rows"),
    Field("columns", 11, 11, "columns"),
    Field("tiles", 22, 11, "tiles"),
)
CONVERTERS: Final = _register(
    "CONVERTERS",
    0x05,
    Access.CONSTANT,
    Field("adc_bits", 0, 5, "ADC bits"),
    Field("dac_bits", 5, 5, "DAC bits"),
    Field("input_bits", 10, 6, "input bits"),
    Field("adc_channels", 16, 16, "ADC channels"),
)
QUEUES: Final = _register(
    "QUEUES",
    0x06,
    Access.CONSTANT,
    Field("command_depth", 0, 16, "depth of the command queues"),
    Field("response_depth", 16, 16, "depth of the response queue"),
)
FEATURES: Final = _register(
    "FEATURES",
    0x07,
    Access.CONSTANT,
    Field("cascade", 0, 1, "cascades"),
    Field("shared_inputs", 1, 1, "shared inputs"),
    Field("outputs_per_beat", 2, 2, "outputs of a product in a response"),
    Field(
        "pulse_entries",
        4,
        2,
        f"pulse table: 0 to {len(PULSE_ENTRIES) - 1} for {', '.join(map(str, PULSE_ENTRIES))} entries",
    ),
    Field("compare", 6, 1, "comparisons"),
    Field("chain", 7, 1, "chains of layers"),
    since=2,
)
INPUTS: Final = _register(
    "INPUTS",
    0x08,
    Access.LIVE,
    Field("compliance", 0, 1, "synchronised inputs: compliance"),
    Field("stop", 1, 1, "stop"),
    Field("front_end", 2, 1, "front-end fault"),
)
CAPS_SINCE: Final = 4
"""Minor version of the protocol that brought caps."""
CAPS: Final = _register(
    "CAPS",
    0x09,
    Access.CONSTANT,
    Field("width", 0, WIDTH_BITS, "cycles of a pulse that no register exceeds"),
    Field("pulses", WIDTH_BITS, PULSE_BITS, "pulses of one command that no register exceeds"),
    since=CAPS_SINCE,
    option=CAPPED,
)
CODE_CAPS: Final = _register(
    "CODE_CAPS",
    0x0A,
    Access.CONSTANT,
    Field("bit_line", 0, LINE_BITS, "codes that no register exceeds: bit line"),
    Field("source_line", LINE_BITS, LINE_BITS, "source line"),
    Field("word_line", 2 * LINE_BITS, LINE_BITS, "word line"),
    since=CAPS_SINCE,
    option=CAPPED,
)
SELECT: Final = _number("SELECT", 0x10, Access.LOCKED, 16, "cycles until a selection is connected", 1, init=1)
SETTLE_READ: Final = _number(
    "SETTLE_READ", 0x11, Access.LOCKED, 16, "cycles until the read path is at rest", 1, init=16
)
SETTLE_DRIVE: Final = _number(
    "SETTLE_DRIVE", 0x12, Access.LOCKED, 16, "cycles until the write drive is at rest", MIN_SETTLE_DRIVE, init=16
)
SETTLE_MULTIPLY: Final = _number(
    "SETTLE_MULTIPLY", 0x13, Access.LOCKED, 16, "cycles until driven rows are at rest", 1, init=16
)
CONVERT: Final = _number("CONVERT", 0x14, Access.LOCKED, 16, "cycles of a conversion", 1, init=16)
RECOVER: Final = _number("RECOVER", 0x15, Access.LOCKED, 16, "cycles after a pulse", 1, init=4)
SAMPLING: Final = _register(
    "SAMPLING",
    0x16,
    Access.LOCKED,
    Field("discard", 0, 4, "discarded samples"),
    Field("log2_average", 4, 3, "log2 of averaged samples", most=4),
)
PULSE_LIMIT: Final = _number(
    "PULSE_LIMIT", 0x17, Access.LOCKED, 8, "pulses of one command", 1, init=100, cap="pulse_cap"
)
LEVELS: Final = _number("LEVELS", 0x18, Access.LOCKED, 9, "levels in the table", 1, 1 << LEVEL_BITS, 16)
_BLANKING: Final = Field("blanking", 0, 16, "cycles of blanking after the gate opens")
_ACTION: Final = Field("action", 16, 2, "what the input does", kind=ComplianceAction, most=ComplianceAction.FAULT.value)
COMPLIANCE: Final = _register(
    "COMPLIANCE", 0x19, Access.LOCKED, _BLANKING, _ACTION, init=_ACTION.put(ComplianceAction.FAULT.value)
)
WATCHDOG: Final = _number(
    "WATCHDOG", 0x1A, Access.LOCKED, WIDTH_BITS, "cycles without a command beat after which an armed tile stops; 0: off"
)
INPUT_GROUP: Final = _number(
    "INPUT_GROUP", 0x1B, Access.LOCKED, TILE_BITS, "group whose shared inputs the tile takes", since=2
)
TABLE_SINCE: Final = 3
"""Minor version of the protocol that brought pulse tables and comparisons."""
NEVER: Final = 255
"""`patience` with which no code outside its window is taken."""
UNCOUNTED: Final = 15
"""`shift` with which the distance does not count."""
WRITE_TABLE: Final = _register(
    "WRITE_TABLE",
    0x1C,
    Access.LOCKED,
    Field("use", 0, 1, "`WRITE` goes by the pulse table"),
    Field("compare", 1, 1, "`WRITE` and `VERIFY` compare", bits_from="compare"),
    Field("keep", 2, 1, "the offset starts at the command's `entry`"),
    Field("shift", 3, 4, f"log2 of the codes that the distance counts in; {UNCOUNTED}: not at all"),
    Field("rise", 7, ENTRY_BITS, "added to the offset where the polarity stays"),
    Field("fall", 13, ENTRY_BITS, "taken off it where the polarity turns"),
    Field("patience", 19, PULSE_BITS, f"pulses after which a near code is taken; {NEVER}: never"),
    Field("slack", 27, 9, "codes that it may be off"),
    since=TABLE_SINCE,
    option=PULSE_TABLE,
)
COMPARE: Final = _number(
    "COMPARE", 0x1D, Access.LOCKED, 16, "cycles of a comparison", 1, init=2, since=TABLE_SINCE, option=COMPARISONS
)
RANGE_READ: Final = _number("RANGE_READ", 0x20, Access.OPEN, 16, "ADC range code of single-cell reads")
RANGE_MULTIPLY: Final = _number("RANGE_MULTIPLY", 0x21, Access.OPEN, 16, "ADC range code of column sums")
GAIN_TARGET: Final = _number("GAIN_TARGET", 0x22, Access.OPEN, 16, "code that the reference source must give")
_SUMS: Final = Field("sums", 0, 2, "where sums go", kind=Destination, most=Destination.KEPT.value)
ACTIVATION: Final = _register(
    "ACTIVATION",
    0x23,
    Access.OPEN,
    _SUMS,
    Field("relu", 2, 1, "activations below 0 become 0"),
    Field("shift", 3, SHIFT_BITS, "places by which a scaled sum is shifted"),
    Field("zero", 8, 8, "input code that stands for 0", bits_from="input_bits"),
    since=CHAIN_SINCE,
    option=CHAIN,
)

_SINGLE: Final = (
    _number("IDENTITY", 0x00, Access.CONSTANT, 32, 'the letters "TWBR", the first in the highest byte', init=IDENTITY),
    VERSION,
    HASH_LOW,
    HASH_HIGH,
    GEOMETRY,
    CONVERTERS,
    QUEUES,
    FEATURES,
    INPUTS,
    CAPS,
    CODE_CAPS,
    SELECT,
    SETTLE_READ,
    SETTLE_DRIVE,
    SETTLE_MULTIPLY,
    CONVERT,
    RECOVER,
    SAMPLING,
    PULSE_LIMIT,
    LEVELS,
    COMPLIANCE,
    WATCHDOG,
    INPUT_GROUP,
    WRITE_TABLE,
    COMPARE,
    RANGE_READ,
    RANGE_MULTIPLY,
    GAIN_TARGET,
    ACTIVATION,
)

NO_LIMIT: Final = (1 << COMPLIANCE_BITS) - 1
"""Compliance code that switches the current limit off."""

LINES: Final = ("bit_line", "source_line", "word_line")
"""Lanes of a triple."""
TRIPLE: Final = Word(
    "triple",
    len(LINES) * LINE_BITS,
    tuple(
        Field(name, place * LINE_BITS, LINE_BITS, bits_from="dac_bits", cap=f"{name}_cap")
        for place, name in enumerate(LINES)
    ),
)
"""Codes of the three lines."""
SHAPE: Final = Word(
    "shape",
    WIDTH_BITS + COMPLIANCE_BITS,
    (
        Field("width", 0, WIDTH_BITS, "pulse width in cycles", least=1, most=MAX_WIDTH, cap="width_cap"),
        Field("compliance", WIDTH_BITS, COMPLIANCE_BITS, "compliance code"),
    ),
)
"""Width of a pulse, and its current limit."""
_GREATEST: Final = Word(
    "shape", SHAPE.bits, tuple(replace(each, about=f"greatest permitted {each.about}") for each in SHAPE)
)

RECORD_BASE: Final = 0x40
RECORD_STRIDE: Final = 8
# Even fields lie in one memory and odd ones in another, so that the pairs that ARM compares are read together, and
# those that an update of the drive takes: CODES with WIDTH, STEP with STOP.
FIELD_CODES: Final = 0
FIELD_LOW: Final = 1
FIELD_HIGH: Final = 2
FIELD_STOP: Final = 3
FIELD_LIMIT: Final = 4
FIELD_WIDTH: Final = 5
FIELD_STEP: Final = 6


def _lanes(about: str) -> Word:
    return Word("triple", TRIPLE.bits, tuple(replace(each, about=about) for each in TRIPLE))


_RECORD_FIELDS: Final = {
    FIELD_CODES: ("CODES", _lanes("start codes"), 0),
    FIELD_LOW: ("LOW", _lanes("lowest permitted codes"), 0),
    FIELD_HIGH: ("HIGH", _lanes("highest permitted codes"), 0),
    FIELD_STOP: ("STOP", _lanes("codes at which the ramp stops; a line that does not ramp: its code"), 0),
    FIELD_LIMIT: ("LIMIT", _GREATEST, SHAPE.pack(width=MAX_WIDTH, compliance=NO_LIMIT)),
    FIELD_WIDTH: ("WIDTH", SHAPE, SHAPE.pack(width=5, compliance=NO_LIMIT)),
    FIELD_STEP: ("STEP", _lanes("codes by which the lines step from pulse to pulse"), 0),
}


def record_address(record: Record, field: int) -> int:
    """Return the address of a field of a bias record."""
    return RECORD_BASE + RECORD_STRIDE * record.value + field


_RECORDS: Final = tuple(
    Register(f"{record.name}_{name}", record_address(record, field), Access.LOCKED, word, init)
    for record in RECORDS
    for field, (name, word, init) in _RECORD_FIELDS.items()
)

PULSE_SHAPES: Final = frozenset(
    record_address(record, field) for record in RECORDS for field in (FIELD_WIDTH, FIELD_LIMIT)
)
"""Addresses of the registers that hold a pulse width and a compliance code; a width of 0 is refused."""
TRIPLES: Final = frozenset(register.address for register in _RECORDS) - PULSE_SHAPES
"""Addresses of the registers that hold codes of the three lines."""

COUNTED_ACTIONS: Final = (
    Action.SELECT_CELL,
    Action.CONVERT_VERIFY,
    Action.CONVERT_FORWARD,
    Action.DRIVE_UPDATE,
    Action.PULSE_SET,
    Action.PULSE_RESET,
    Action.WRITE_OK,
    Action.WRITE_FAILED,
    Action.INPUT_STEP,
    Action.COMMAND_BEAT,
    Action.PARTIAL_SUM,
    Action.PACKED_OUTPUT,
    Action.SHARED_BEAT,
    Action.COMPARE,
    Action.REQUANTIZE,
    Action.TRANSFERRED_WORD,
)
"""Actions that have a counter of their own."""
OPTIONAL_COUNTERS: Final = {Action.REQUANTIZE: CHAIN, Action.TRANSFERRED_WORD: CHAIN}
"""Counters that exist with an option of elaboration only."""
ALWAYS_COUNTED: Final = tuple(action for action in COUNTED_ACTIONS if action not in OPTIONAL_COUNTERS)
"""Actions with a counter of their own in every controller."""

COUNTER_BITS: Final = VALUE_BITS
_COUNT: Final = Word("count", COUNTER_BITS, (Field("value", 0, COUNTER_BITS),))
LEVEL_WINDOW: Final = Word(
    "window",
    32,
    (
        Field("low", 0, 16, "least code", bits_from="adc_bits"),
        Field("high", 16, 16, "greatest code", bits_from="adc_bits"),
    ),
)
"""Window of a level."""
TRIM: Final = Field("value", 0, TRIM_BITS, "trim")
TRIM_INIT: Final = 1 << (TRIM_BITS - 1)
"""Trim after power-up: the middle of its range."""
OFFSET: Final = Field("value", 0, 17, "offset", signed=True, bits_from="adc_bits")
"""An offset as it is written; read, it has its sign in bit ``adc_bits``."""
_OFFSET: Final = Word("offset", OFFSET.bits, (OFFSET,))

PULSE_USE: Final = Word(
    "use",
    10,
    (
        Field("count", 0, PULSE_BITS, "pulses before the next read", least=1),
        Field("turns", 8, 1, "an entry of the other polarity follows them, without a read"),
        Field("ends", 9, 1, "the write ends after them, without a read"),
    ),
    exclusive=("turns", "ends"),
)
"""How the codes of an entry of the pulse table are used."""
PULSE_CODES: Final = 0
PULSE_COUNT: Final = 1
"""Places of codes and use in an entry."""
USE_BIT: Final = PULSE_COUNT.bit_length() - 1
"""Bit of an entry's address that tells the use from the codes."""

PHASE_COUNTERS: Final = Space(
    "cycles by phase", "phase", 0x80, 16, tuple(int(phase) for phase in Phase), Access.LIVE, _COUNT
)
_FIRST_ACTIONS: Final = 16
ACTION_COUNTERS_SPACE: Final = Space(
    "actions",
    "action",
    0x90,
    _FIRST_ACTIONS,
    tuple(int(action) for action in COUNTED_ACTIONS if action < _FIRST_ACTIONS),
    Access.LIVE,
    _COUNT,
)
LATER_COUNTERS: Final = Space(
    "actions from 16 on",
    "action - 16",
    ACTION_COUNTERS_SPACE.end,
    16,
    tuple(int(action) - _FIRST_ACTIONS for action in COUNTED_ACTIONS if action >= _FIRST_ACTIONS),
    Access.LIVE,
    _COUNT,
    options={int(action) - _FIRST_ACTIONS: option for action, option in OPTIONAL_COUNTERS.items()},
)
LEVEL_WINDOWS: Final = Space(
    "window of a level", "level", 0x100, 256, tuple(range(1 << LEVEL_BITS)), Access.OPEN, LEVEL_WINDOW
)
SET_PULSES: Final = Space(
    "pulses of SET: codes, then use",
    "2 * number",
    0x200,
    128,
    PULSE_TABLE,
    Access.LOCKED,
    TRIPLE,
    second=PULSE_USE,
    second_init=PULSE_USE.pack(count=1),
)
RESET_PULSES: Final = replace(SET_PULSES, name="pulses of RESET: codes, then use", base=SET_PULSES.end)
SCALES: Final = Space(
    "scale and bias of a column's sums",
    "column",
    0x300,
    MAX_SCALED,
    SCALED_COLUMNS,
    Access.OPEN,
    Word(
        "scale",
        SCALE_BITS + SUM_BITS,
        (
            Field("bias", 0, SUM_BITS, "added to the sum", signed=True),
            Field("scale", SUM_BITS, SCALE_BITS, "factor of the result", signed=True),
        ),
    ),
)
TRIMS: Final = Space(
    "gain trim of an ADC channel",
    "channel",
    0x400,
    1024,
    CHANNELS,
    Access.OPEN,
    Word("trim", TRIM.bits, (TRIM,)),
    init=TRIM_INIT,
)
OFFSETS: Final = Space("offset of a column", "column", 0x800, 1024, COLUMNS, Access.OPEN, _OFFSET)
PAIR_OFFSETS: Final = Space(
    "offset of a subtracted pair", "pair", 0xC00, 1024, COLUMNS, Access.OPEN, _OFFSET, halved=True
)
PAIR_BIT: Final = (PAIR_OFFSETS.base ^ OFFSETS.base).bit_length() - 1
"""Bit of an offset's address that tells pairs from columns."""
ACTION_BIT: Final = (ACTION_COUNTERS_SPACE.base ^ PHASE_COUNTERS.base).bit_length() - 1
"""Bit of a counter's address that tells actions from phases."""
LATER_BIT: Final = (LATER_COUNTERS.base ^ PHASE_COUNTERS.base).bit_length() - 1
"""Bit of a counter's address that tells the actions from 16 on."""

COUNTERS: Final = (PHASE_COUNTERS, ACTION_COUNTERS_SPACE, LATER_COUNTERS)
PULSE_TABLES: Final = {Record.SET: SET_PULSES, Record.RESET: RESET_PULSES}
"""Entries of the pulse table by the polarity's record."""
TABLES: Final = (LEVEL_WINDOWS, *PULSE_TABLES.values(), SCALES, TRIMS, OFFSETS, PAIR_OFFSETS)

PHASE_COUNTER_BASE: Final = PHASE_COUNTERS.base
"""Address of the counter of phase 0 (`twinbar.hw.timing.Phase`)."""
ACTION_COUNTER_BASE: Final = ACTION_COUNTERS_SPACE.base
"""Address of the counter of action 0 (`twinbar.hw.actions.Action`); those from 16 on lie behind the others."""
LEVEL_BASE: Final = LEVEL_WINDOWS.base
"""Level windows, one address per level."""
TRIM_BASE: Final = TRIMS.base
"""Gain trims, one address per ADC channel."""
OFFSET_BASE: Final = OFFSETS.base
"""Offsets of columns, one address per column."""
PAIR_OFFSET_BASE: Final = PAIR_OFFSETS.base
"""Offsets of subtracted pairs, one address per pair."""

ACTION_COUNTERS: Final = {
    **{action: ACTION_COUNTER_BASE + action for action in COUNTED_ACTIONS},
    Action.SHIFT_ADD: ACTION_COUNTER_BASE + Action.CONVERT_FORWARD,
    Action.RESPONSE_BEAT: PHASE_COUNTER_BASE + Phase.RESPOND,
}
"""Address of the counter from which the number of an action is known; the host counts the others itself.

Of `respond`, the cycles without a beat are taken off (`twinbar.hw.actions.response_beats`).
"""
USUAL_COUNTERS: Final = {
    action: address for action, address in ACTION_COUNTERS.items() if action not in OPTIONAL_COUNTERS
}
"""Those of `ACTION_COUNTERS` that every controller has."""


def check(registers: Iterable[Register], spaces: Iterable[Space], settings: dict[str, str]) -> None:
    """Refuse registers and spaces that contradict each other.

    Parameters
    ----------
    registers : iterable of Register
    spaces : iterable of Space
    settings : dict of str to str
        Registers that bound arguments of commands, each with such a command.

    Raises
    ------
    DeclarationError
        If two have one address or name, or a command is bounded by a register that does not exist.
    """
    by_address: dict[int, str] = {}
    names = set()
    for register in registers:
        if register.address in by_address:
            raise DeclarationError(
                f"{register.name} and {by_address[register.address]} have the same address {register.address:#x}"
            )
        if register.name in names:
            raise DeclarationError(f"two registers have the name {register.name}")
        by_address[register.address] = register.name
        names.add(register.name)
    ordered = sorted(spaces, key=lambda space: space.base)
    for lower, upper in itertools.pairwise(ordered):
        if upper.base < lower.end:
            raise DeclarationError(f"the spaces {lower.name} and {upper.name} overlap at address {upper.base:#x}")
    for space in ordered:
        if space.base < REGISTER_SPACE:
            raise DeclarationError(f"the space {space.name} lies at {space.base:#x}, where registers are")
    for setting, command in settings.items():
        if setting not in names:
            raise DeclarationError(f"an argument of {command} is bounded by the register {setting}, and there is none")


REGISTERS: Final = (*_SINGLE, *_RECORDS)
"""All registers, in the order of their addresses."""
SPACES: Final = (*COUNTERS, *TABLES)
"""All counters and tables, in the order of their addresses."""
check(REGISTERS, SPACES, settings_of(COMMANDS))

BY_NAME: Final = {register.name: register for register in REGISTERS}
BY_ADDRESS: Final = {register.address: register for register in REGISTERS}


def space_of(address: int) -> Space | None:
    """Return the space in which an address lies, None if it is in none."""
    return next((space for space in SPACES if address in space), None)


def holder_of(address: int, config: ControllerSizes) -> Register | Space | None:
    """Return the register at an address, or the space that has an entry there; None: there is neither."""
    space = space_of(address)
    if space is not None:
        return space if space.has(address - space.base, config) else None
    register = BY_ADDRESS.get(address)
    return register if register is not None and register.exists(config) else None


def entry_address(polarity: Record, number: int, place: int = PULSE_CODES) -> int:
    """Return the address of an entry's codes, or of how they are used (`PULSE_COUNT`)."""
    table = PULSE_TABLES[polarity]
    return table.base + len(table.words) * number + place


def constants(config: ControllerSizes, major: int, minor: int) -> dict[Register, int]:
    """Return what the constant registers hold that depend on how a controller is built."""
    low = HASH_LOW["value"].of(config.hash)
    return {
        VERSION: VERSION.word.pack(major=major, minor=minor),
        HASH_LOW: low,
        HASH_HIGH: config.hash >> HASH_LOW.bits,
        GEOMETRY: GEOMETRY.word.pack(rows=config.rows, columns=config.columns, tiles=config.tiles),
        CONVERTERS: CONVERTERS.word.pack(
            **{name: getattr(config, name) for name in CONVERTERS.word.names},
        ),
        QUEUES: QUEUES.word.pack(command_depth=config.command_depth, response_depth=config.response_depth),
        CAPS: CAPS.word.pack(width=config.width_cap, pulses=config.pulse_cap) if config.capped else 0,
        CODE_CAPS: CODE_CAPS.word.pack(**{name: getattr(config, f"{name}_cap") for name in LINES})
        if config.capped
        else 0,
        FEATURES: FEATURES.word.pack(
            **{name: int(getattr(config, name)) for name in FEATURES.word.names if name != "pulse_entries"},
            pulse_entries=PULSE_ENTRIES.index(config.pulse_entries),
        ),
    }
