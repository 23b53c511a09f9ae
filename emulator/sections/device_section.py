"""The section ``[device]``."""

from typing import ClassVar

from pydantic import Field

from twinbar.emulator.sections.section import Section


class DeviceConfig(Section):
    """The cells."""

    section_name: ClassVar[str] = "device"

    preset: str = Field(
        default="taox-hfox",
        min_length=1,
        description="name of a device preset, a preset file (.toml), or package.module:NAME",
    )
    levels: int = Field(default=16, ge=2, le=256, description="levels per cell")
    variation: bool = Field(default=True, description="whether cells differ from one another and may be faulty")
