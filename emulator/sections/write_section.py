"""The section ``[write]``."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from twinbar.emulator.sections.section import Section

RampVolts = tuple[float, float, float] | None
"""Start, step and stop in volts."""


class WriteConfig(Section):
    """The closed-loop write; `none` takes the value of the device preset."""

    section_name: ClassVar[str] = "write"

    algorithm: Literal["preset", "strong", "distance", "proportional-integral", "gate-by-level", "two-pulse"] = Field(
        default="preset",
        description="which pulses are given: the ramp of the preset; one stronger amplitude (strong); an amplitude "
        "chosen from the distance to the window (distance), that rises from pulse to pulse too "
        "(proportional-integral); or a SET at the gate voltage of the level (gate-by-level), after a RESET that is "
        "not verified (two-pulse); all but preset need the engine fast",
    )
    first: bool = Field(
        default=False,
        description="give the first pulse before the first read, by the level that the host holds; not with preset",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        le=254,
        description="pulses after which a write ends up to write.slack outside its window too; not with preset",
    )
    slack: float = Field(
        default=0.15, ge=0, le=1, description="what write.patience adds to a window on either side, in level spacings"
    )

    tolerance: float = Field(
        default=0.5, gt=0, le=1, description="half the width of a level's window, in level spacings"
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

    @field_validator("set_ramp_v", "reset_ramp_v", "set_gate_ramp_v", "reset_gate_ramp_v", mode="before")
    @classmethod
    def _read_ramp(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _goes_with_the_algorithm(self) -> Self:
        if self.algorithm == "preset":
            for name in ("first", "patience"):
                if getattr(self, name):
                    raise ValueError(f"write.{name} is for pulse tables; choose another write.algorithm than 'preset'")
            return self
        for name in ("set_ramp_v", "reset_ramp_v", "set_gate_ramp_v", "reset_gate_ramp_v"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"write.{name} is a ramp, but write.algorithm is {self.algorithm!r}; a ramp needs 'preset'"
                )
        return self

    @model_validator(mode="after")
    def _ramps_rise(self) -> Self:
        for name in ("set_ramp_v", "reset_ramp_v", "set_gate_ramp_v", "reset_gate_ramp_v"):
            ramp = getattr(self, name)
            if ramp is not None and not (0 <= ramp[0] <= ramp[2] and (ramp[1] > 0 or ramp[0] == ramp[2])):
                raise ValueError(
                    f"write.{name} is {list(ramp)}; it must start at 0 V or more and rise by a positive step"
                )
        return self
