"""The section ``[device]``."""

import math
from itertools import pairwise
from typing import Any, ClassVar, Final, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from twinbar.emulator.sections.section import Section

SpacingName = Literal["uniform", "noise", "power-of-two"]
_SPACINGS: Final = get_args(SpacingName)


class DeviceConfig(Section):
    """The cells."""

    section_name: ClassVar[str] = "device"

    preset: str = Field(
        default="taox-hfox",
        min_length=1,
        description="name of a device preset, a preset file (.toml), or package.module:NAME",
    )
    levels: int = Field(default=16, ge=2, le=256, description="levels per cell")
    level_spacing: SpacingName | tuple[float, ...] = Field(
        default="uniform",
        description="where the levels lie from Gmin to Gmax: uniform; noise (neighbours are equally many standard "
        "deviations of a read apart, with the spread of a cell after the write); power-of-two (each level twice as far "
        "above the lowest as the one below); or the place of each level as a share of the window, such as 0,0.1,0.4,1",
    )
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

    @field_validator("level_spacing", mode="before")
    @classmethod
    def _read_spacing(cls, value: Any) -> Any:
        if value in _SPACINGS:
            return value
        places = value.split(",") if isinstance(value, str) else value
        try:
            return tuple(_share(place) for place in places)
        except (TypeError, ValueError):
            raise ValueError(
                f"device.level_spacing is {value!r}; it must be {', '.join(_SPACINGS)}, or the place of each level "
                "as a share of the window, such as 0,0.1,0.4,1"
            ) from None

    @model_validator(mode="after")
    def _levels_rise(self) -> Self:
        places = self.level_spacing
        if isinstance(places, str):
            return self
        if len(places) != self.levels:
            raise ValueError(
                f"device.level_spacing has {len(places)} levels, and device.levels is {self.levels}; give a share of "
                "the window for each level"
            )
        if (places[0], places[-1]) != (0, 1) or not all(low < high for low, high in pairwise(places)):
            raise ValueError(
                f"device.level_spacing is {', '.join(f'{place:g}' for place in places)}; shares of the window must "
                "rise from 0, the lowest conductance, to 1, the highest"
            )
        return self


def _share(place: Any) -> float:
    if isinstance(place, bool) or not math.isfinite(share := float(place)):
        raise ValueError
    return share
