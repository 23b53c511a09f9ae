"""The sections of an experiment's configuration: every choice with its default, its meaning and its bounds."""

from typing import Any, ClassVar, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from twinbar.boards.board_definition import DEFAULT_BAUD
from twinbar.emulator.sections.config_errors import show
from twinbar.emulator.sections.section import Section
from twinbar.host.experiment.optimizers import optimizer_name
from twinbar.hw.registry import is_reference

EngineName = Literal["fast", "events", "rtl", "pysim", "board"]

SIMULATED_ENGINES: Final[tuple[str, ...]] = ("fast", "events", "rtl", "pysim")
"""Engines that need nothing but this computer."""


NETWORKS: Final = ("mlp", "lenet")
"""Networks that have a name."""
FROM_PYTHON: Final = "python"
"""Module in the names of networks, data and losses that only the program which made them has."""


MOST_WIDE: Final = 1_000_000
"""Neurons of a hidden layer of the mlp."""


class DataConfig(Section):
    """What is learnt."""

    name: str = Field(
        default="digits",
        min_length=1,
        description="data set: digits, mnist, a folder of IDX files or of images (train/<class>/*.png), a file of "
        "arrays (.npz), or package.module:factory",
    )
    limit: int | None = Field(default=None, ge=1, le=1_000_000_000, description="use only the first N training images")
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

    kind: str = Field(
        default="mlp",
        min_length=1,
        description="network: mlp (fully connected), lenet (convolutional), or package.module:factory",
    )
    hidden: tuple[int, ...] = Field(
        default=(256,), description="widths of the hidden layers of the mlp, such as 256 or 256,128"
    )
    bias: bool = Field(default=False, description="whether layers have biases, kept in software")
    exclude: tuple[str, ...] = Field(
        default=(), description="parts that stay digital, by name; * stands for any text, such as head or blocks.*.norm"
    )

    @field_validator("exclude", mode="before")
    @classmethod
    def _read_names(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return tuple(value) if isinstance(value, list) else value

    @field_validator("kind")
    @classmethod
    def _check_kind(cls, value: str) -> str:
        if value not in NETWORKS and not is_reference(value):
            raise ValueError(
                f"model.kind is {show(value)}; it must be one of {', '.join(NETWORKS)}, or package.module:factory"
            )
        return value

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
        if any(not 1 <= width <= MOST_WIDE for width in value):
            raise ValueError(
                f"model.hidden is {', '.join(map(str, value))}; every width must be from 1 to {MOST_WIDE:,}"
            )
        return value


MANY_LEVELS: Final = 16
"""Levels per cell from which on the batch and the learning rate do not depend on them (ADR 0044)."""
BATCH_OF_FEW_LEVELS: Final = 16
RATE_OF_FEW_LEVELS: Final = 0.1


class TrainingConfig(Section):
    """Gradient descent on the float twin."""

    follows: ClassVar[frozenset[str]] = frozenset({"batch_size", "lr"})
    """Keys whose defaults follow the levels per cell."""

    epochs: int = Field(default=3, ge=1, le=1_000_000, description="passes over the training images")
    stop_after: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="epochs after which the training ends, while its schedules are those of all epochs; none: at "
        "their end",
    )
    batch_size: int = Field(
        default=64,
        ge=1,
        le=1_000_000,
        description="images per batch; by default 64, and with fewer than 16 levels per cell 16",
    )
    lr: float = Field(
        default=0.05,
        gt=0,
        le=1e38,
        description="learning rate at the start; by default 0.05, and with sgd and fewer than 16 levels per cell 0.1",
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="momentum of the optimizer, where it has one")
    weight_decay: float = Field(
        default=0.0, ge=0, le=1e3, description="weight decay of the optimizer, where it has one"
    )
    optimizer: str = Field(default="sgd", description="optimizer: sgd, adam, or any other of torch.optim")
    schedule: Literal["cosine", "constant", "step", "linear"] = Field(
        default="cosine",
        description="course of the learning rate: cosine or linear (to 0), constant, or step (divided by ten at one "
        "half and at three quarters of the training)",
    )
    loss: str = Field(
        default="cross-entropy",
        min_length=1,
        description="loss: cross-entropy, mse, l1, huber, bce (with logits), or package.module:name",
    )
    metric: str | None = Field(
        default=None,
        min_length=1,
        description="figure of merit on the test set: accuracy, a loss, or package.module:name; by default the "
        "accuracy where the loss is the cross-entropy, else the loss",
    )
    accumulate: int = Field(
        default=1, ge=1, le=1_000_000, description="batches whose mean gradient makes one optimizer step"
    )

    pipeline: int = Field(
        default=1,
        ge=1,
        le=1_000_000,
        description="parts of a batch whose images go through the layers side by side, each part a product behind the "
        "one before it; 1: the whole batch goes through one layer after the other",
    )
    pipeline_ratio: float = Field(
        default=1.0,
        ge=1,
        le=100,
        description="with pipeline above 1, each part of a batch gets this many times as many images as the next one, "
        "so that the last layers end soon after the first one; 1: equal parts",
    )

    def following(self, levels: int, model: str) -> Self:
        """Return this section with the defaults of a number of levels per cell, for keys that were not given."""
        if levels >= MANY_LEVELS:
            return self
        rate = {"lr": RATE_OF_FEW_LEVELS} if self.optimizer == "sgd" else {}
        return self.with_defaults({"batch_size": BATCH_OF_FEW_LEVELS, **rate})

    @property
    def epochs_trained(self) -> int:
        """Epochs that are made: all of them, or as many as the training stops after."""
        return self.epochs if self.stop_after is None else min(self.stop_after, self.epochs)

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
        le=1024,
        description="threads; none is one per processor core, or a single one for batches of up to 32 images",
    )
    port: str | None = Field(
        default=None, description="serial port of the board, such as /dev/ttyUSB1 or socket://host:port"
    )
    baud: int = Field(default=DEFAULT_BAUD, ge=300, description="baud rate that the board was built for")
    wait_s: float = Field(
        default=600.0,
        ge=0,
        le=1e9,
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
    """What is noted of the controller's work in addition to the ledger; the result does not depend on it."""

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
