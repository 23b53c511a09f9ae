"""The section ``[timing]``."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from twinbar.emulator.sections.section import Section


class TimingConfig(Section):
    """Durations, in cycles of the controller; pulse widths come from the device preset."""

    section_name: ClassVar[str] = "timing"

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
    compare: int = Field(
        default=2, ge=1, le=65535, description="cycles of a comparison: that of one bit of a conversion of 16 cycles"
    )
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
