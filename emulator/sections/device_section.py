"""The section ``[device]``."""

from typing import Any, ClassVar

from pydantic import Field, field_validator

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
    fault_map: str | None = Field(
        default=None,
        min_length=1,
        description="file of faulty cells (.npz, .npy), of a tile or of all tiles; none: drawn by the preset's shares",
    )
    effects: tuple[str, ...] = Field(
        default=(),
        description="effects beside those of the preset, by name or as .toml files, such as heavy-tails,mine.toml",
    )
    without: tuple[str, ...] = Field(
        default=(), description="sections of the preset that are left out, such as relaxation,read_noise"
    )
    temperature_k: float | None = Field(
        default=None,
        gt=0,
        le=2000,
        description="temperature at which cells relax and drift; none: that at which the preset's figures hold",
    )

    @field_validator("effects", "without", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return tuple(value) if isinstance(value, list) else value
