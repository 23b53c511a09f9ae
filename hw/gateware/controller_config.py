"""Elaboration parameters of the controller: what is fixed when a chip or bitstream is made."""

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Final

from twinbar.hw.errors import ParameterError
from twinbar.hw.gateware.controller_bounds import BOUNDS, MAX_LINE_CODE, MAX_PULSES, channels_fit
from twinbar.hw.protocol.layouts import VALUE_BITS, WORD_BITS
from twinbar.hw.protocol.sizes import LANE_BITS, MAX_SCALED, PULSE_ENTRIES, SUM_BITS
from twinbar.hw.protocol.version import configuration_hash
from twinbar.hw.timing import MAX_WIDTH

OPTIONS: Final = (
    *("cascade", "shared_inputs", "outputs_per_beat", "pulse_entries", "compare", "chain"),
    *("width_cap", "pulse_cap", "code_caps"),
)
"""Parameters of which a controller's hash says nothing where they have their defaults."""
_CHOICES, _TABLES = (
    f"{', '.join(map(str, sizes[:-1]))} or {sizes[-1]}" for sizes in (PULSE_ENTRIES, PULSE_ENTRIES[1:])
)


@dataclass(frozen=True)
class ControllerConfig:
    """Elaboration parameters of the controller.

    Parameters
    ----------
    tiles : int
    rows, columns : int
        Cells of a tile; columns come in pairs.
    adc_channels : int
        ADC channels of a tile, a power of two; output ``j`` is converted by channel ``j % adc_channels``.
    adc_bits : int
        Resolution of a conversion; a code is signed and has one bit more.
    dac_bits : int
        Resolution of the three lines.
    input_bits : int
        Resolution of an input (bit planes).
    command_depth : int
        Beats that wait before each tile.
    response_depth : int
        Beats that wait for the consumer.
    safe_codes : tuple of int
        Codes of bit line, source line and word line at which nothing happens to a cell.
    cascade : bool
        Neighbouring tiles can add their partial sums.
    shared_inputs : bool
        A `LOAD` can go to a group of tiles.
    outputs_per_beat : int
        Outputs of a product that share a response beat.
    pulse_entries : int
        Entries of each polarity's pulse table: 0 (there is none), 16, 32 or 64.
    compare : bool
        The front end can compare a cell with a threshold; needs a pulse table.
    chain : bool
        Sums can become inputs of other tiles on the chip; needs shared inputs.
    width_cap, pulse_cap : int
        Cycles of a pulse, and pulses of a command, above which registers are refused whatever the host says.
    code_caps : tuple of int
        The same of the codes of bit line, source line and word line, those of windows, steps and pulse tables included.

    Raises
    ------
    ParameterError
        If the controller cannot be built.
    """

    tiles: int = 1
    rows: int = 128
    columns: int = 128
    adc_channels: int = 1
    adc_bits: int = 8
    dac_bits: int = 12
    input_bits: int = 4
    command_depth: int = 16
    response_depth: int = 16
    safe_codes: tuple[int, int, int] = (0, 0, 0)
    cascade: bool = False
    shared_inputs: bool = False
    outputs_per_beat: int = 1
    pulse_entries: int = 0
    compare: bool = False
    chain: bool = False
    width_cap: int = MAX_WIDTH
    pulse_cap: int = MAX_PULSES
    code_caps: tuple[int, int, int] = (MAX_LINE_CODE,) * 3

    def __post_init__(self) -> None:
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not least <= value <= most:
                raise ParameterError(name, f"is {value!r}; it must be a whole number from {least} to {most}")
        for name in ("cascade", "shared_inputs", "compare", "chain"):
            if not isinstance(getattr(self, name), bool):
                raise ParameterError(name, f"is {getattr(self, name)!r}; it must be true or false")
        if self.pulse_entries not in PULSE_ENTRIES:
            raise ParameterError("pulse_entries", f"is {self.pulse_entries}; it must be {_CHOICES}")
        if self.compare and not self.pulse_entries:
            raise ParameterError("compare", f"is true without a pulse table; set pulse_entries to {_TABLES}")
        if self.chain:
            self._check_chain()
        if self.columns % 2:
            raise ParameterError("columns", f"is {self.columns}; it must be even, because columns come in pairs")
        if not channels_fit(self.adc_channels, self.columns):
            raise ParameterError(
                "adc_channels",
                f"is {self.adc_channels}; it must be a power of two that divides the {self.columns // 2} column pairs, "
                "so that every channel has the same number of them",
            )
        if len(self.safe_codes) != 3 or not all(0 <= code < 1 << self.dac_bits for code in self.safe_codes):
            raise ParameterError(
                "safe_codes", f"is {self.safe_codes!r}; it must be three codes below {1 << self.dac_bits}"
            )
        if len(self.code_caps) != 3 or not all(
            safe <= cap <= MAX_LINE_CODE for safe, cap in zip(self.safe_codes, self.code_caps, strict=True)
        ):
            raise ParameterError(
                "code_caps",
                f"is {self.code_caps!r}; it must be three codes from {self.safe_codes!r}, the safe ones, to "
                f"{MAX_LINE_CODE}",
            )
        assert self.sum_bits <= VALUE_BITS

    def _check_chain(self) -> None:
        if not self.shared_inputs:
            raise ParameterError("chain", "is true without shared inputs, whose groups it goes to; set shared_inputs")
        if self.columns > MAX_SCALED:
            raise ParameterError(
                "chain",
                f"is true with {self.columns} columns; scales and biases have {MAX_SCALED} addresses, so take at most "
                f"{MAX_SCALED} columns",
            )
        if self.sum_bits > SUM_BITS:
            raise ParameterError(
                "chain",
                f"is true with adc_bits {self.adc_bits} and input_bits {self.input_bits}, whose sums have "
                f"{self.sum_bits} bits; at most {SUM_BITS} can be scaled, so take fewer bits",
            )

    @property
    def bit_line_cap(self) -> int:
        """Code of the bit line that no register exceeds."""
        return self.code_caps[0]

    @property
    def source_line_cap(self) -> int:
        """Code of the source line that no register exceeds."""
        return self.code_caps[1]

    @property
    def word_line_cap(self) -> int:
        """Code of the word line that no register exceeds."""
        return self.code_caps[2]

    @property
    def capped(self) -> bool:
        """Whether any cap is less than what the registers hold."""
        return (self.width_cap, self.pulse_cap, self.code_caps) != (MAX_WIDTH, MAX_PULSES, (MAX_LINE_CODE,) * 3)

    @property
    def field_bits(self) -> int:
        """Bits of an input's field in a word of the row registers."""
        return 1 << (self.input_bits - 1).bit_length()

    @property
    def rows_per_word(self) -> int:
        """Inputs in a word of the row registers."""
        return WORD_BITS // self.field_bits

    @property
    def words(self) -> int:
        """Words of the row registers."""
        return -(-self.rows // self.rows_per_word)

    @property
    def scaled_columns(self) -> int:
        """Columns whose sums have a scale and a bias; 0 without chains."""
        return self.columns if self.chain else 0

    @property
    def output_words(self) -> int:
        """Words of the activations of all columns, which are as many as of so many rows."""
        return -(-self.columns // self.rows_per_word)

    @property
    def sum_bits(self) -> int:
        """Bits of a shifted and added, signed sum."""
        # A code less its offset needs one bit more than a code; the planes' weights sum to less than 2**input_bits.
        return self.adc_bits + 2 + self.input_bits

    @property
    def lane_bits(self) -> int:
        """Bits of an output's sum in a response, and of a partial sum: sums saturate at them."""
        return LANE_BITS[self.outputs_per_beat]

    @property
    def last_entry(self) -> int:
        """Greatest number of an entry of the pulse table; 0 where there is none."""
        return max(self.pulse_entries - 1, 0)

    @property
    def routes(self) -> bool:
        """Whether a command beat can go to some of the tiles; see `twinbar.hw.protocol.layouts.Routing`."""
        return self.cascade or self.shared_inputs

    @property
    def has_options(self) -> bool:
        """Whether any of the `OPTIONS` is built in."""
        return self.shares_streams or bool(self.pulse_entries)

    @property
    def shares_streams(self) -> bool:
        """Whether beats stand for several commands or outputs, which are counted apart."""
        return self.routes or self.outputs_per_beat > 1

    @cached_property
    def hash(self) -> int:
        """64 bits by which a host recognises this controller."""
        defaults = {field.name: field.default for field in fields(self) if field.name in OPTIONS}
        parameters = asdict(self)
        return configuration_hash(
            {name: value for name, value in parameters.items() if name not in defaults or value != defaults[name]}
        )
