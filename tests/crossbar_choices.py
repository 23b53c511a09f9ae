"""A crossbar from the keys of its sections, told apart by their names."""

from dataclasses import replace
from typing import Any

from twinbar.emulator.crossbar.configuration import CrossbarConfig, build_config
from twinbar.emulator.crossbar.levels import Targets
from twinbar.emulator.devices.preset import Preset, load_preset
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.emulator.sections.timing_section import TimingConfig
from twinbar.emulator.sections.write_section import WriteConfig
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import SerialParts

SECTIONS = (DeviceConfig, ArrayConfig, TimingConfig, WriteConfig)
SHAPE = ("rows", "columns", "adc_channels", "adc_bits", "input_bits")


def shape_of(controller: ControllerConfig) -> dict[str, int]:
    """The keys of an array that its controller fixes."""
    return {name: getattr(controller, name) for name in SHAPE}


def crossbar_of(
    preset: str | Preset,
    *,
    seed: int = 1,
    targets: Targets = Targets(),
    parts: SerialParts | None = None,
    **choices: Any,
) -> CrossbarConfig:
    """Build a crossbar; choices are keys of any of its sections, and fields of `WriteRegisters`, which win."""
    model = load_preset(preset) if isinstance(preset, str) else preset
    sections = []
    for kind in SECTIONS:
        keys = [key for key in kind.model_fields if key in choices]
        sections.append(kind(**{key: choices.pop(key) for key in keys}))
    config = build_config(model, *sections, seed=seed, targets=targets, parts=parts)
    return replace(config, registers=replace(config.registers, **choices)) if choices else config
