"""The sections of an experiment's configuration: every choice with its default, its meaning and its bounds."""

from typing import Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from twinbar.boards.board_definition import DEFAULT_BAUD
from twinbar.host.experiment.optimizers import optimizer_name
from twinbar.host.section import Section

EngineName = Literal["fast", "events", "rtl", "pysim", "board"]

SIMULATED_ENGINES: Final[tuple[str, ...]] = ("fast", "events", "rtl", "pysim")
"""Engines that need nothing but this computer."""


class DataConfig(Section):
    """Which images are learnt."""

    name: str = Field(
        default="digits", min_length=1, description="data set: digits, mnist, or a folder with four IDX files"
    )
    limit: int | None = Field(default=None, ge=1, description="use only the first N training images")
    pool: int = Field(
        default=1, ge=1, le=28, description="pixels of a square that are averaged to one, so that images get smaller"
    )
    validation: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="fraction of the training images held out, on which accuracy is measured too",
    )
    seed: int = Field(default=0, ge=0, lt=2**32, description="chooses the images that are held out")


class ModelConfig(Section):
    """The network."""

    kind: Literal["mlp", "lenet"] = Field(
        default="mlp", description="network: mlp (fully connected) or lenet (convolutional)"
    )
    hidden: tuple[int, ...] = Field(
        default=(256,), description="widths of the hidden layers of the mlp, such as 256 or 256,128"
    )
    bias: bool = Field(default=False, description="whether layers have biases, kept in software")

    @field_validator("hidden", mode="before")
    @classmethod
    def _read_widths(cls, value: Any) -> Any:
        if isinstance(value, str):
            try:
                return tuple(int(width) for width in value.split(","))
            except ValueError:
                return value
        if isinstance(value, int) and not isinstance(value, bool):
            return (value,)
        return tuple(value) if isinstance(value, list) else value

    @field_validator("hidden")
    @classmethod
    def _check_widths(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(width < 1 for width in value):
            raise ValueError(f"model.hidden is {', '.join(map(str, value))}; every width must be 1 or more")
        return value


class DeviceConfig(Section):
    """The cells."""

    preset: str = Field(
        default="taox-hfox",
        min_length=1,
        description="name of a device preset, a preset file (.toml), or package.module:NAME",
    )
    levels: int = Field(default=16, ge=2, le=256, description="levels per cell")
    variation: bool = Field(default=True, description="whether cells differ from one another and may be faulty")


class ArrayConfig(Section):
    """Tiles and converters."""

    rows: int = Field(default=128, ge=1, le=1024, description="rows of a tile")
    columns: int = Field(
        default=128, ge=2, le=1024, multiple_of=2, description="columns of a tile; two hold one weight"
    )
    adc_channels: int = Field(
        default=1, ge=1, le=64, description="ADC channels of a tile, shared by its columns: 1, 2, 4, 8, 16, 32 or 64"
    )
    adc_bits: int = Field(default=8, ge=3, le=15, description="resolution of a conversion")
    grid_bits: int = Field(
        default=10, ge=6, le=16, description="fixed-point bits of a cell's current; 2**grid_bits is Gmax"
    )
    input_bits: int = Field(default=4, ge=1, le=8, description="resolution of an input")
    inputs: Literal["planes", "dac"] = Field(
        default="dac",
        description="how rows are driven: planes (one bit plane after another), or dac (integer DAC codes, one step)",
    )
    pairs: Literal["separate", "subtract"] = Field(
        default="subtract",
        description="how a pair is read: separate (one conversion per column), or subtract (one of the difference)",
    )
    skip_empty: bool = Field(default=True, description="skip bit planes without a one, and vectors of zeros")
    sample_and_hold: bool = Field(
        default=True, description="drive rows only until the columns are sampled, not until all are converted"
    )
    read_range: float = Field(default=1.15, gt=0, description="full scale of a single-cell read, in Gmax")
    adc_noise_codes: float = Field(default=0.3, ge=0, description="noise of the converter itself, in codes rms")
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
        ge=2,
        le=32768,
        description="command beats that wait before each tile; a full queue holds up the rest",
    )
    range_margin: float = Field(
        default=1.2, ge=1, description="full scale of column sums, over the largest current seen"
    )
    range_tracking: bool = Field(default=True, description="whether the range of column sums follows the training")
    wire_resistance_ohm: float = Field(
        default=0.0, ge=0, description="resistance of the wire from one cell to the next"
    )
    tick_s: float = Field(
        default=1.0, gt=0, description="seconds from one training step to the next, for drift and relaxation"
    )
    mapping: Literal["interleaved", "contiguous"] = Field(
        default="interleaved",
        description="where neighbouring weights lie: interleaved (on different tiles), or contiguous (on the same)",
    )
    sharing: bool = Field(
        default=False, description="whether layers that fit one tile share it, each in rows of its own"
    )

    @model_validator(mode="after")
    def _channels_share_the_columns(self) -> Self:
        if self.adc_channels & (self.adc_channels - 1) or self.columns % (2 * self.adc_channels):
            raise ValueError(
                f"array.adc_channels is {self.adc_channels}; it must be a power of two that divides the "
                f"{self.columns // 2} column pairs of a tile (array.columns), so that every channel has as many of them"
            )
        return self


class TimingConfig(Section):
    """Durations, in cycles of the controller; pulse widths come from the device preset."""

    clock_hz: float = Field(default=100e6, gt=0, description="clock of the controller in Hz")
    select: int = Field(
        default=1, ge=1, le=65535, description="cycles until a newly selected cell or row mask is connected"
    )
    settle_read: int = Field(
        default=16, ge=1, le=65535, description="cycles until the read-out of a cell has come to rest"
    )
    settle_drive: int = Field(
        default=16, ge=2, le=65535, description="cycles until a changed code of the write drive has come to rest"
    )
    settle_multiply: int = Field(default=16, ge=1, le=65535, description="cycles until driven rows have come to rest")
    convert: int = Field(default=16, ge=1, le=65535, description="cycles of a conversion")
    samples: int = Field(default=1, ge=1, le=31, description="conversions per read, discarded ones included")
    discard: int = Field(default=0, ge=0, le=15, description="conversions of a read that are thrown away")
    recover: int = Field(default=4, ge=1, le=65535, description="cycles of rest after a pulse")

    @model_validator(mode="after")
    def _samples_can_be_averaged(self) -> Self:
        kept = self.samples - self.discard
        if kept < 1:
            raise ValueError(
                f"timing.discard is {self.discard}, but a read has {self.samples} conversions (timing.samples); "
                "at least one must be kept"
            )
        if kept & (kept - 1):
            raise ValueError(
                f"timing.samples less timing.discard is {kept}; the controller averages by shifting, "
                "so it must be 1, 2, 4, 8 or 16"
            )
        return self


Ramp = tuple[float, float, float] | None


class WriteConfig(Section):
    """The closed-loop write; what is none is as the device preset says."""

    tolerance: float = Field(
        default=0.5, gt=0, le=1, description="half the width of a level's window, in level spacings"
    )
    pulse_limit: int | None = Field(default=None, ge=1, description="largest number of pulses spent on one write")
    set_ramp_v: Ramp = Field(
        default=None, description="SET amplitude of successive pulses: [start, step, stop] in volts"
    )
    reset_ramp_v: Ramp = Field(
        default=None, description="RESET amplitude of successive pulses: [start, step, stop] in volts"
    )
    set_gate_ramp_v: Ramp = Field(default=None, description="word line during SET pulses: [start, step, stop] in volts")
    reset_gate_ramp_v: Ramp = Field(
        default=None, description="word line during RESET pulses: [start, step, stop] in volts"
    )

    @field_validator("set_ramp_v", "reset_ramp_v", "set_gate_ramp_v", "reset_gate_ramp_v", mode="before")
    @classmethod
    def _read_ramp(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _ramps_rise(self) -> Self:
        for name in ("set_ramp_v", "reset_ramp_v", "set_gate_ramp_v", "reset_gate_ramp_v"):
            ramp = getattr(self, name)
            if ramp is not None and not (0 <= ramp[0] <= ramp[2] and (ramp[1] > 0 or ramp[0] == ramp[2])):
                raise ValueError(
                    f"write.{name} is {list(ramp)}; it must start at 0 V or more and rise by a positive step"
                )
        return self


class TrainingConfig(Section):
    """Gradient descent on the float twin."""

    epochs: int = Field(default=3, ge=1, description="passes over the training images")
    batch_size: int = Field(default=64, ge=1, description="images per batch")
    lr: float = Field(default=0.05, gt=0, description="learning rate at the start")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="momentum of the optimizer, where it has one")
    weight_decay: float = Field(default=0.0, ge=0, description="weight decay of the optimizer, where it has one")
    optimizer: str = Field(default="sgd", description="optimizer: sgd, adam, or any other of torch.optim")
    schedule: Literal["cosine", "constant", "step", "linear"] = Field(
        default="cosine",
        description="course of the learning rate: cosine or linear (to 0), constant, or step (divided by ten at one "
        "half and at three quarters of the training)",
    )
    accumulate: int = Field(default=1, ge=1, description="batches whose mean gradient makes one optimizer step")

    @field_validator("optimizer")
    @classmethod
    def _check_optimizer(cls, value: str) -> str:
        return optimizer_name(value)


class EngineConfig(Section):
    """What runs the programs, and what is accounted."""

    name: EngineName = Field(
        default="fast",
        description=f"engine that runs the controller's programs: {', '.join(SIMULATED_ENGINES)} or board",
    )
    energy_table: str = Field(
        default="macro-65nm",
        min_length=1,
        description="name of an energy table, a table file (.toml), or package.module:NAME",
    )
    seed: int = Field(
        default=0, ge=0, lt=2**63, description="seed of the weights, the order of the images, the cells and noise"
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        description="threads; none is one per processor core, or a single one for batches of up to 32 images",
    )
    port: str | None = Field(
        default=None, description="serial port of the board, such as /dev/ttyUSB1 or socket://host:port"
    )
    baud: int = Field(default=DEFAULT_BAUD, ge=300, description="baud rate that the board was built for")
    wait_s: float = Field(
        default=600.0,
        ge=0,
        description="seconds for which a board that is gone is waited for; 0 ends the run at once",
    )
    check: bool = Field(
        default=False,
        description="refuse a board's responses that are not those of the emulated array (if its array is emulated)",
    )

    record_line: str | None = Field(
        default=None,
        min_length=1,
        description="file to which the traffic with the board is recorded, to be played back without it",
    )

    @model_validator(mode="after")
    def _can_run(self) -> Self:
        if self.port is not None and self.name != "board":
            raise ValueError(f"engine.port is {self.port}, but engine {self.name} has no port; leave it out")
        if self.check and self.name != "board":
            raise ValueError(f"engine.check compares a board with the emulator, but engine.name is {self.name}")
        if self.record_line is not None and self.name != "board":
            raise ValueError(f"engine.record_line records the line to a board, but engine.name is {self.name}")
        if self.port is None and self.name == "board":
            raise ValueError("engine.port is missing; a board needs one, such as --port /dev/ttyUSB1")
        return self


class TraceConfig(Section):
    """What is noted of the controller's work besides the ledger; the result does not depend on it."""

    record: bool = Field(
        default=False, description="write every command and its responses to commands.parquet, for twinbar replay"
    )
    timeline: bool = Field(
        default=False,
        description="write a timeline of the first steps that pulse cells to trace.json, which opens in Perfetto",
    )
    wave: bool = Field(
        default=False,
        description="write waveforms of the netlist in the first steps that pulse cells, for GTKWave and Surfer",
    )
    steps: int = Field(
        default=1,
        ge=1,
        description="optimizer steps that timeline and wave show, from the first one that pulses a cell",
    )
