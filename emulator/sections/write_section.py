"""The section ``[write]``."""

from typing import Any, ClassVar, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from twinbar.emulator.sections.section import Section

RampVolts = tuple[float, float, float] | None
"""Start, step and stop in volts."""
WindowVolts = tuple[float, float] | None
"""Lowest and highest voltage."""
AlgorithmName = Literal[
    "preset",
    "strong",
    "distance",
    "proportional-integral",
    "burst",
    "coarse-fine",
    "gate-by-level",
    "two-pulse",
    "blind",
]
BY_DISTANCE: Final = ("distance", "proportional-integral", "burst")
"""Algorithms that choose pulses by the distance of a code from its window."""
WITH_STEPS: Final = ("strong", "coarse-fine", "distance", "proportional-integral")
"""Algorithms whose pulses follow from the mean step that they shall make."""
_RAMPS: Final = ("set_ramp_v", "reset_ramp_v", "set_gate_ramp_v", "reset_gate_ramp_v")


class WriteConfig(Section):
    """The closed-loop write; `none` takes the value of the device preset."""

    section_name: ClassVar[str] = "write"

    algorithm: AlgorithmName = Field(
        default="preset",
        description="which pulses are given: the ramp of the preset; one stronger amplitude (strong); an amplitude "
        "chosen from the distance to the window (distance), that rises from pulse to pulse too "
        "(proportional-integral); nominal pulses, their number from the distance (burst); a strong amplitude that gets "
        "finer at every turn (coarse-fine); a SET at the gate voltage of the level (gate-by-level), after a RESET that "
        "is not verified (two-pulse), or not verified itself (blind)",
    )
    step: float | None = Field(
        default=None,
        gt=0,
        le=100,
        description="mean step of a pulse, in level spacings: of strong, of the finest pulse of coarse-fine, and of "
        "distance and proportional-integral before they add a part of the distance; none: 0.3 (0.2 for the last two), "
        "or the strongest pulse where that does not go as far",
    )
    first: bool = Field(
        default=False,
        description="give the first pulse before the first read, by the level that the host holds; blind always does",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        le=254,
        description="pulses after which a write ends up to write.slack outside its window too",
    )
    slack: float = Field(
        default=0.15,
        ge=0,
        le=1,
        description="what write.patience adds to a window on either side, in level spacings (the smallest one)",
    )
    verify: Literal["convert", "compare"] = Field(
        default="convert",
        description="how a write looks at the cell: convert (a read gives its code), or compare (with the bounds of "
        "the window alone; not where the distance counts: distance, proportional-integral, burst)",
    )
    read_back: bool = Field(
        default=False, description="convert once after the comparisons of every write, so that it gives a code"
    )
    initial_algorithm: AlgorithmName | None = Field(
        default=None,
        description="algorithm of the first programming; none: write.algorithm, or two-pulse where that is blind",
    )
    initial_pulse_limit: int | None = Field(
        default=None,
        ge=1,
        description="largest number of pulses spent on one write of the first programming; none: that of other writes, "
        "or 255 where its algorithm is not preset",
    )
    set_window_v: WindowVolts = Field(
        default=None, description="lowest and highest permitted SET amplitude in volts; none: what pulses use"
    )
    reset_window_v: WindowVolts = Field(
        default=None, description="lowest and highest permitted RESET amplitude in volts; none: what pulses use"
    )

    tolerance: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="half the width of a level's window, in level spacings: how far it reaches towards the neighbours",
    )
    pulse_limit: int | None = Field(default=None, ge=1, description="largest number of pulses spent on one write")
    set_ramp_v: RampVolts = Field(
        default=None, description="SET amplitude of successive pulses: [start, step, stop] in volts"
    )
    reset_ramp_v: RampVolts = Field(
        default=None, description="RESET amplitude of successive pulses: [start, step, stop] in volts"
    )
    set_gate_ramp_v: RampVolts = Field(
        default=None, description="word line during SET pulses: [start, step, stop] in volts"
    )
    reset_gate_ramp_v: RampVolts = Field(
        default=None, description="word line during RESET pulses: [start, step, stop] in volts"
    )

    @field_validator(*_RAMPS, "set_window_v", "reset_window_v", mode="before")
    @classmethod
    def _read_volts(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @property
    def initial(self) -> AlgorithmName:
        """Algorithm of the first programming."""
        if self.initial_algorithm is not None:
            return self.initial_algorithm
        return "two-pulse" if self.algorithm == "blind" else self.algorithm

    @property
    def compare(self) -> bool:
        """Whether a write compares instead of converting."""
        return self.verify == "compare"

    @property
    def uses_table(self) -> bool:
        """Whether writes other than those of the first programming need a pulse table."""
        return self.algorithm != "preset" or self.first or self.patience is not None or self.compare

    @property
    def gives_codes(self) -> bool:
        """Whether a write that ended with `OK` says with its code where the cell is."""
        return self.read_back or not (self.compare or self.algorithm == "blind")

    @model_validator(mode="after")
    def _goes_with_the_algorithm(self) -> Self:
        for name in _RAMPS:
            if getattr(self, name) is not None and self.algorithm != "preset":
                raise ValueError(
                    f"write.{name} is a ramp, but write.algorithm is {self.algorithm!r}; a ramp needs 'preset'"
                )
        if self.step is not None and self.algorithm not in WITH_STEPS:
            raise ValueError(
                f"write.step is {self.step:g} level spacings, but the pulses of write.algorithm {self.algorithm!r} do "
                f"not follow from a step; choose {', '.join(WITH_STEPS[:-1])} or {WITH_STEPS[-1]}"
            )
        if self.compare and self.algorithm in BY_DISTANCE:
            raise ValueError(
                f"write.algorithm is {self.algorithm!r}, which goes by the distance from the window, and write.verify "
                "= 'compare' gives none; choose preset, strong, coarse-fine, gate-by-level, two-pulse or blind, or "
                "'convert'"
            )
        if self.compare and self.patience is not None:
            raise ValueError(
                f"write.patience is {self.patience}, for codes up to write.slack outside their window, and "
                "write.verify = 'compare' gives no codes; leave one of them out"
            )
        if self.read_back and not self.compare:
            raise ValueError("write.read_back is a conversion after comparisons; it needs write.verify = 'compare'")
        return self

    @model_validator(mode="after")
    def _windows_are_windows(self) -> Self:
        for name in ("set_window_v", "reset_window_v"):
            window = getattr(self, name)
            if window is not None and not 0 <= window[0] <= window[1]:
                raise ValueError(f"write.{name} is {list(window)}; it must be two voltages, 0 V or more, in this order")
        return self

    @model_validator(mode="after")
    def _ramps_rise(self) -> Self:
        for name in _RAMPS:
            ramp = getattr(self, name)
            if ramp is not None and not (0 <= ramp[0] <= ramp[2] and (ramp[1] > 0 or ramp[0] == ramp[2])):
                raise ValueError(
                    f"write.{name} is {list(ramp)}; it must start at 0 V or more and rise by a positive step"
                )
        return self
