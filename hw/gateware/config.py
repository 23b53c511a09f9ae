"""Elaboration parameters of a controller: what is fixed when its netlist is made."""

import hashlib
from dataclasses import asdict, dataclass

from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.commands import CONTROLLER_TILE, Command
from twinbar.hw.protocol.responses import Product

_FIELD_WIDTH = {name: field.width for name, field in Command.as_shape()}
INPUT_WORD_BITS = _FIELD_WIDTH["argument"]
"""Input bits that one ``LOAD_INPUT`` carries."""


@dataclass(frozen=True)
class ControllerConfig:
    """Geometry, converters and buffers of a controller.

    Parameters
    ----------
    rows, columns : int
        Cells of a tile.
    tiles : int
        Tiles behind the command stream.
    adc_channels : int
        ADC channels of a tile; output ``k`` is converted by channel ``k % adc_channels``.
    adc_bits : int
        Resolution of a conversion.
    input_bits : int
        Resolution of an input.
    dac_inputs : bool
        Whether rows are driven by integer DAC codes instead of one bit plane after another.
    subtract_pairs : bool
        Whether the currents of column pairs are subtracted before one signed conversion.
    skip_empty : bool
        Whether input steps without a driven row are left out.
    command_depth : int
        Command beats that wait in front of each tile.
    response_depth : int
        Response beats that wait behind all tiles.

    Raises
    ------
    ConfigError
        If a parameter is out of range or does not fit the fields of the protocol.
    """

    rows: int = 128
    columns: int = 128
    tiles: int = 1
    adc_channels: int = 1
    adc_bits: int = 8
    input_bits: int = 4
    dac_inputs: bool = False
    subtract_pairs: bool = True
    skip_empty: bool = True
    command_depth: int = 16
    response_depth: int = 16

    def __post_init__(self) -> None:
        bounds = {
            "rows": (1, 1 << _FIELD_WIDTH["row"], "what a command's row field can address"),
            "columns": (2, 1 << _FIELD_WIDTH["column"], "what a command's column field can address"),
            "tiles": (1, CONTROLLER_TILE, "what a command's tile field can address; 255 is the controller itself"),
            "adc_channels": (1, self.outputs, "one channel for every output of a tile"),
            "adc_bits": (3, 16, "what a response's code field can hold"),
            "input_bits": (1, 8, "the planes that the accumulator can shift by"),
            "command_depth": (1, 4096, "a buffer that holds beats"),
            "response_depth": (1, 4096, "a buffer that holds beats"),
        }
        for name, (least, most, why) in bounds.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise ConfigError(f"controller.{name} is {value!r}; it must lie between {least} and {most} ({why})")
        if self.subtract_pairs and self.columns % 2:
            raise ConfigError(
                f"controller.columns is {self.columns}; it must be even when the columns of a pair are subtracted"
            )
        # The code of a single cell is unsigned, and travels in a signed field.
        if self.adc_bits > 15:
            raise ConfigError(f"controller.adc_bits is {self.adc_bits}; a response's signed code holds at most 15 bits")
        assert self.accumulator_bits <= Product.as_shape()["value"].width

    @property
    def outputs(self) -> int:
        """Values that a full tile gives for one input vector."""
        return self.columns // 2 if self.subtract_pairs else self.columns

    @property
    def groups(self) -> int:
        """Conversions of the busiest ADC channel for all outputs of one input step."""
        return -(-self.outputs // self.adc_channels)

    @property
    def planes(self) -> int:
        """Input steps of a vector, none skipped."""
        return 1 if self.dac_inputs else self.input_bits

    @property
    def input_words(self) -> int:
        """``LOAD_INPUT`` beats of a full input vector: the codes of the rows, packed without gaps."""
        return -(-self.rows * self.input_bits // INPUT_WORD_BITS)

    @property
    def accumulator_bits(self) -> int:
        """Bits of a shifted and added sum, sign included."""
        return self.adc_bits + self.planes + 1

    @property
    def hash(self) -> int:
        """First 32 bits of the SHA-256 of the parameters, in the order of their declaration."""
        text = ",".join(f"{name}={int(value)}" for name, value in asdict(self).items())
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
