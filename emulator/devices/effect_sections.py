"""The sections of a preset that are effects: each can be left out, or come from another file."""

from pydantic import Field

from twinbar.emulator.devices.preset_sections import (
    AccessTransistor,
    CycleToCycle,
    DeviceToDevice,
    Drift,
    Endurance,
    FaultShares,
    LogarithmicRelaxation,
    Nonlinearity,
    PolynomialRelaxation,
    ReadDisturb,
    ReadNoise,
    Retention,
    Tails,
    Telegraph,
    ThresholdSpread,
    WriteNoise,
)
from twinbar.hw.toml_table import TomlTable


class EffectSections(TomlTable):
    """What presets and effects have in common."""

    cycle_to_cycle: CycleToCycle | None = None
    device_to_device: DeviceToDevice | None = None
    read_noise: ReadNoise | None = None
    write_noise: WriteNoise | None = None
    relaxation: PolynomialRelaxation | LogarithmicRelaxation | None = Field(default=None, discriminator="kind")
    drift: Drift | None = None
    faults: FaultShares | None = None
    access: AccessTransistor | None = None
    threshold_spread: ThresholdSpread | None = None
    tails: Tails | None = None
    telegraph: Telegraph | None = None
    retention: Retention | None = None
    nonlinearity: Nonlinearity | None = None
    read_disturb: ReadDisturb | None = None
    endurance: Endurance | None = None
