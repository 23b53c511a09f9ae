"""The section ``[write]``."""

from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from twinbar.emulator.sections.section import Section

RampVolts = tuple[float, float, float] | None
"""Start, step and stop in volts."""


class WriteConfig(Section):
    """The closed-loop write; `none` takes the value of the device preset."""

    section_name: ClassVar[str] = "write"

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
    def _ramps_rise(self) -> Self:
        for name in ("set_ramp_v", "reset_ramp_v", "set_gate_ramp_v", "reset_gate_ramp_v"):
            ramp = getattr(self, name)
            if ramp is not None and not (0 <= ramp[0] <= ramp[2] and (ramp[1] > 0 or ramp[0] == ramp[2])):
                raise ValueError(
                    f"write.{name} is {list(ramp)}; it must start at 0 V or more and rise by a positive step"
                )
        return self
