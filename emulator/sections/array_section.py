"""The section ``[array]``, and what follows from it."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from twinbar.emulator.sections.section import Section
from twinbar.hw.errors import ConfigError, ParameterError
from twinbar.hw.gateware.controller_bounds import BOUNDS, Bounds, channels_fit
from twinbar.hw.protocol.sizes import LINE_BITS, MAX_SCALED

if TYPE_CHECKING:
    from twinbar.hw.gateware.controller_config import ControllerConfig

InputRange = Literal["largest", "least-error"]
"""What the largest input code of a layer stands for."""
GRID_BITS: Final = Bounds(6, 16)
ADC_BITS: Final = Bounds(BOUNDS["adc_bits"].least, 15)
"""The gain of a range has 24 significant bits, and its products with the largest sums fit 64."""


class ArrayConfig(Section):
    """Tiles and converters."""

    section_name: ClassVar[str] = "array"

    rows: int = Field(default=128, ge=BOUNDS["rows"].least, le=BOUNDS["rows"].most, description="rows of a tile")
    columns: int = Field(
        default=128,
        ge=BOUNDS["columns"].least,
        le=BOUNDS["columns"].most,
        multiple_of=2,
        description="columns of a tile; two hold one weight",
    )
    adc_channels: int = Field(
        default=1,
        ge=BOUNDS["adc_channels"].least,
        le=BOUNDS["adc_channels"].most,
        description="ADC channels of a tile, shared by its columns: 1, 2, 4, 8, 16, 32 or 64",
    )
    adc_bits: int = Field(default=8, ge=ADC_BITS.least, le=ADC_BITS.most, description="resolution of a conversion")
    grid_bits: int = Field(
        default=10,
        ge=GRID_BITS.least,
        le=GRID_BITS.most,
        description="fixed-point bits of a cell's current; 2**grid_bits is Gmax",
    )
    input_bits: int = Field(
        default=4, ge=BOUNDS["input_bits"].least, le=BOUNDS["input_bits"].most, description="resolution of an input"
    )
    inputs: Literal["planes", "dac"] = Field(
        default="dac",
        description="how rows are driven: planes (one bit plane after another), or dac (integer DAC codes, one step)",
    )
    pairs: Literal["separate", "subtract"] = Field(
        default="subtract",
        description="how a pair is read: separate (one conversion per column), or subtract (one of the difference)",
    )
    skip_empty: bool = Field(
        default=True, description="whether bit planes without a one, and vectors of zeros, take no input step"
    )
    sparse_inputs: bool = Field(
        default=False,
        description="send no inputs that are zero: words of zeros, row tiles without an input (in a cascade, only "
        "those at its ends), and vectors of zeros are left out; needs skip_empty",
    )
    sample_and_hold: bool = Field(
        default=True, description="drive rows only until the columns are sampled, not until all are converted"
    )
    read_range: float = Field(default=1.15, ge=1e-3, le=1e9, description="full scale of a single-cell read, in Gmax")
    adc_noise_codes: float = Field(default=0.3, ge=0, le=1e6, description="noise of the converter itself, in codes rms")
    adc_offset_codes: float = Field(
        default=0.0,
        ge=0,
        le=16,
        description="standard deviation of the offset of a column's conversions, in codes; calibrated at the start",
    )
    adc_gain_error: float = Field(
        default=0.0,
        ge=0,
        le=0.05,
        description="standard deviation of the gain error of an ADC channel; calibrated at the start",
    )
    front_end: str = Field(
        default="direct",
        description="what drives and reads the array: direct; emulated (cells on the chip, which take the cycles of "
        "their arithmetic); or the serial parts of a board's wiring, by its name (such as icebreaker) or .toml file",
    )
    command_depth: int = Field(
        default=256,
        ge=BOUNDS["command_depth"].least,
        le=BOUNDS["command_depth"].most,
        description="command beats that wait before each tile; a full queue holds up the rest",
    )
    cascade: bool = Field(
        default=False, description="whether neighbouring tiles add the sums of a layer's row tiles, so that one answers"
    )
    shared_inputs: bool = Field(
        default=False, description="whether the inputs of a layer's row tile go to all its column tiles at once"
    )
    outputs_per_beat: int = Field(
        default=1,
        ge=BOUNDS["outputs_per_beat"].least,
        le=BOUNDS["outputs_per_beat"].most,
        description="sums that share a response beat, with 36, 18 or 12 bits each: 1, 2 or 3",
    )
    chain: bool = Field(
        default=False,
        description="whether sums can become inputs of other tiles on the chip, by scale, bias and ReLU; trainings use "
        "it with chained_layers; needs shared_inputs",
    )
    chained_layers: bool = Field(
        default=False,
        description="whether linear layers with nothing but bias and ReLU between them run as one program, image "
        "behind image; needs chain, mapping = contiguous, and cascade where a layer has several row tiles",
    )
    pulse_entries: Literal[0, 16, 32, 64] | None = Field(
        default=None,
        description="entries of each polarity's pulse table in the controller: 0 (it has none), 16, 32 or 64; none: as "
        "many as write.algorithm needs",
    )
    compare: bool | None = Field(
        default=None,
        description="whether the front end can compare a cell with a threshold instead of converting it; none: where "
        "write.verify asks for it",
    )
    bias_scheme: Literal["transistor", "half", "third"] = Field(
        default="transistor",
        description="what keeps writes from other cells: an access transistor in each cell; or, in a passive array, "
        "other rows and columns at half of a pulse's voltage (half), or at one and two thirds of it (third)",
    )
    known_faults: str | None = Field(
        default=None,
        min_length=1,
        description="file of faulty cells (.npz, .npy), of a tile or of all tiles, that weights are laid around: "
        "inputs take the rows where they lose least; needs SciPy",
    )
    range_margin: float = Field(
        default=1.2, ge=1, le=100, description="full scale of column sums, over the largest current seen"
    )
    range_tracking: bool = Field(default=True, description="whether the range of column sums follows the training")
    input_range: InputRange = Field(
        default="largest",
        description="activation that the largest input code stands for: the largest one seen (largest), or the part of "
        "it, in eighths, with which inputs differ least in mean square from what their codes stand for (least-error); "
        "larger activations are cut",
    )
    wire_resistance_ohm: float = Field(
        default=0.0, ge=0, le=1e6, description="resistance of the wire from one cell to the next"
    )
    wire_reference: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="where all cells are taken to be for the currents in wires, as a share of the window: the mean of "
        "trained pairs by default",
    )
    tick_s: float = Field(
        default=1.0,
        gt=0,
        le=1e9,
        description="unit of time for drift and relaxation, in seconds: a training step, or with array.pause_s the "
        "resolution",
    )
    pause_s: float | None = Field(
        default=None,
        ge=0,
        le=1e9,
        description="seconds between training steps, beside those of the controller, in which cells go on to drift and "
        "relax; none: a step is as long as array.tick_s",
    )
    mapping: Literal["interleaved", "contiguous"] = Field(
        default="interleaved",
        description="where neighbouring weights lie: interleaved (on different tiles), or contiguous (on the same)",
    )
    sharing: bool = Field(
        default=False, description="whether layers that fit one tile share it, each in rows of its own"
    )

    copies: tuple[Annotated[int, Field(ge=1, le=256)], ...] = Field(
        default=(),
        description="how often each layer is there, in their order, such as 8,2: every write goes to all copies, and a "
        "batch is shared out among them; layers left out are there once",
    )

    @field_validator("copies", mode="before")
    @classmethod
    def _read_copies(cls, value: Any) -> Any:
        if isinstance(value, str):
            try:
                return tuple(int(count) for count in value.split(",") if count.strip())
            except ValueError:
                return value
        if isinstance(value, int) and not isinstance(value, bool):
            return (value,)
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _channels_share_the_columns(self) -> Self:
        if not channels_fit(self.adc_channels, self.columns):
            raise ValueError(
                f"array.adc_channels is {self.adc_channels}; it must be a power of two that divides the "
                f"{self.columns // 2} column pairs of a tile (array.columns), so that every channel has as many of them"
            )
        return self

    @model_validator(mode="after")
    def _zeros_take_no_step(self) -> Self:
        if self.sparse_inputs and not self.skip_empty:
            raise ValueError(
                "array.sparse_inputs is true, which leaves out row tiles without an input, but with array.skip_empty = "
                "false these multiply; set array.skip_empty = true"
            )
        return self

    @model_validator(mode="after")
    def _chains_need_groups(self) -> Self:
        if self.chain and not self.shared_inputs:
            raise ValueError("array.chain is true without array.shared_inputs, whose groups it needs; set both to true")
        if self.chain and self.columns > MAX_SCALED:
            raise ValueError(
                f"array.chain is true with array.columns = {self.columns}; at most {MAX_SCALED} columns have a scale"
            )
        return self

    @model_validator(mode="after")
    def _layers_can_be_chained(self) -> Self:
        if not self.chained_layers:
            return self
        needed = (
            (not self.chain, "array.chain = true"),
            (not self.shared_inputs, "array.shared_inputs = true"),
            (self.mapping != "contiguous", "array.mapping = 'contiguous'"),
            (self.pairs != "subtract", "array.pairs = 'subtract'"),
            (self.sharing, "array.sharing = false"),
            (max(self.copies, default=1) > 1, "array.copies = []"),
        )
        missing = [right for wrong, right in needed if wrong]
        if missing:
            raise ValueError(f"array.chained_layers is true, which needs {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _layers_can_be_laid_around_faults(self) -> Self:
        if self.known_faults is not None and (self.sharing or self.chained_layers):
            which = "sharing" if self.sharing else "chained_layers"
            raise ValueError(
                f"array.known_faults needs layers whose rows can be chosen freely; set array.{which} = false"
            )
        return self

    def controller(self, tiles: int) -> "ControllerConfig":
        """Return the controller of a number of tiles.

        Raises
        ------
        ConfigError
            If there is no such controller.
        """
        from twinbar.hw.gateware.controller_config import ControllerConfig

        return ControllerConfig(
            tiles=tiles,
            rows=self.rows,
            columns=self.columns,
            adc_channels=self.adc_channels,
            adc_bits=self.adc_bits,
            dac_bits=LINE_BITS,
            input_bits=self.input_bits,
            command_depth=self.command_depth,
            cascade=self.cascade,
            shared_inputs=self.shared_inputs,
            outputs_per_beat=self.outputs_per_beat,
            pulse_entries=self.pulse_entries or 0,
            compare=bool(self.compare),
            chain=self.chain,
        )

    @staticmethod
    def named(error: ParameterError) -> ConfigError:
        """Return an error of a controller with the key that the user wrote, where there is one."""
        return error.called(f"array.{error.name}") if error.name in ArrayConfig.model_fields else error

    @property
    def cells(self) -> int:
        """Cells of a tile."""
        return self.rows * self.columns

    @property
    def input_max(self) -> int:
        """Largest input code."""
        return (1 << self.input_bits) - 1

    @property
    def step_input_max(self) -> int:
        """Largest input of one step."""
        return self.input_max if self.inputs == "dac" else 1

    @property
    def planes(self) -> int:
        """Input steps of a vector, none skipped."""
        return 1 if self.inputs == "dac" else self.input_bits

    @property
    def outputs(self) -> int:
        """Values that a full tile gives for one vector."""
        return self.columns // 2 if self.pairs == "subtract" else self.columns

    @property
    def code_range(self) -> tuple[int, int]:
        """Least and largest code of a column conversion (a subtracted pair is signed)."""
        if self.pairs == "subtract":
            return -(1 << (self.adc_bits - 1)), (1 << (self.adc_bits - 1)) - 1
        return 0, (1 << self.adc_bits) - 1
