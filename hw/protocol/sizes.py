"""Widths of what travels between host and controller, in bits, and the largest controller that they allow."""

from typing import Final, Protocol

OPCODE_BITS: Final = 5
ROW_BITS: Final = 10
COLUMN_BITS: Final = 10
TILE_BITS: Final = 8
LEVEL_BITS: Final = 8
CODE_BITS: Final = 18
"""Bits of a signed code in a response."""
LINE_BITS: Final = 12
"""Bits of a line's code in a triple (bit line, source line, word line)."""
COMPLIANCE_BITS: Final = 8
"""Bits of a current limit's code; the largest code stands for no limit."""
TRIM_BITS: Final = 8
"""Bits of an ADC channel's gain trim."""
WIDTH_BITS: Final = 28
"""Bits of a pulse width or waiting time; see `twinbar.hw.timing.MAX_WIDTH`."""
PULSE_BITS: Final = 8
"""Bits of a number of pulses."""
ADDRESS_BITS: Final = 12
VALUE_BITS: Final = 36
"""Bits of a register's value, and of the result in a response."""
WORD_BITS: Final = 32
"""Bits of a word of the row registers."""
BODY_BITS: Final = 48
"""Bits of a command's arguments."""
ECHO_BITS: Final = ROW_BITS + COLUMN_BITS
"""Low bits of a command's arguments that its response repeats."""
RESULT_BITS: Final = ECHO_BITS + VALUE_BITS
"""Bits of a response's echo and result."""

MEMBERS_BITS: Final = TILE_BITS
"""Bits of the number of tiles in a cascade."""
LANE_BITS: Final = {1: VALUE_BITS, 2: VALUE_BITS // 2, 3: VALUE_BITS // 3}
"""Bits of an output's sum, by the outputs that share a response beat."""

SUM_BITS: Final = 18
"""Bits of a sum that becomes an activation, and of the bias that is added to it."""
SCALE_BITS: Final = 14
"""Bits of the signed factor of a sum."""
SHIFT_BITS: Final = 5
"""Bits of the places by which the product is shifted."""
MAX_SCALED: Final = 256
"""Columns that can have a scale and a bias of their own."""

PULSE_ENTRIES: Final = (0, 16, 32, 64)
"""Entries that a polarity's pulse table can have; `FEATURES` shows their place here."""
ENTRY_BITS: Final = 6
"""Bits of the number of an entry."""

MAX_TILES: Final = 1 << TILE_BITS
MAX_ROWS: Final = 1 << ROW_BITS
MAX_COLUMNS: Final = 1 << COLUMN_BITS


class ControllerSizes(Protocol):
    """What the protocol must know of a controller: `twinbar.hw.gateware.controller_config.ControllerConfig` is one."""

    @property
    def tiles(self) -> int:
        """Tiles behind one command stream."""

    @property
    def rows(self) -> int:
        """Rows of a tile."""

    @property
    def columns(self) -> int:
        """Columns of a tile."""

    @property
    def command_depth(self) -> int:
        """Beats that a command queue holds."""

    @property
    def response_depth(self) -> int:
        """Beats that the response queue holds."""

    @property
    def cascade(self) -> bool:
        """Whether neighbouring tiles add their partial sums."""

    @property
    def shared_inputs(self) -> bool:
        """Whether a LOAD may go to a group of tiles."""

    @property
    def outputs_per_beat(self) -> int:
        """Outputs of a product that share a response beat."""

    @property
    def pulse_entries(self) -> int:
        """Entries of each polarity's pulse table."""

    @property
    def compare(self) -> bool:
        """Whether a cell can be compared with a threshold instead of being converted."""

    @property
    def chain(self) -> bool:
        """Whether sums can become inputs of other tiles on the chip."""

    @property
    def scaled_columns(self) -> int:
        """Columns that have a scale and a bias; 0 without chains."""

    @property
    def output_words(self) -> int:
        """Words of the activations of all columns."""

    @property
    def width_cap(self) -> int:
        """Cycles of a pulse that no register exceeds."""

    @property
    def pulse_cap(self) -> int:
        """Pulses of a command that no register exceeds."""

    @property
    def bit_line_cap(self) -> int:
        """Code of the bit line that no register exceeds."""

    @property
    def source_line_cap(self) -> int:
        """Code of the source line that no register exceeds."""

    @property
    def word_line_cap(self) -> int:
        """Code of the word line that no register exceeds."""

    @property
    def capped(self) -> bool:
        """Whether any of these is less than what the bits hold."""

    @property
    def hash(self) -> int:
        """64 bits by which a host recognises the controller."""
