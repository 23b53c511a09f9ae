"""Sections that are made by themselves: mistakes are one sentence, which names the key as a configuration has it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.devices.layout import CODES
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.emulator.sections.section import Section
from twinbar.emulator.sections.timing_section import TimingConfig
from twinbar.emulator.sections.write_section import WriteConfig
from twinbar.emulator.verify.assemblies import WALKING
from twinbar.hw.errors import ConfigError


@pytest.mark.parametrize(
    ("section", "choice", "sentence"),
    [
        (DeviceConfig, {"levels": 1}, "device.levels is 1; it must be a whole number from 2 to 256"),
        (ArrayConfig, {"inputs": "dacs"}, 'array.inputs is "dacs"; it must be one of planes, dac'),
        (ArrayConfig, {"row": 3}, "there is no configuration key array.row; did you mean array.rows?"),
        (ArrayConfig, {"adc_channels": 3}, "array.adc_channels is 3; it must be a power of two that divides the 64"),
        (TimingConfig, {"settle_drive": 1}, "timing.settle_drive is 1; it must be a whole number from 2 to 65535"),
        (TimingConfig, {"samples": 2, "discard": 2}, "timing.discard is 2, but a read has 2 conversions"),
        (TimingConfig, {"clock_hz": float("nan")}, "timing.clock_hz is nan; it must be a number, above 0"),
        (WriteConfig, {"tolerance": 0.0}, "write.tolerance is 0.0; it must be a number, above 0 and at most 1"),
        (WriteConfig, {"set_ramp_v": [1, 2]}, "write.set_ramp_v is [1, 2]; it must be a list of 3 numbers, or none"),
        (WriteConfig, {"set_ramp_v": [2.0, 0.1, 1.0]}, "write.set_ramp_v is [2.0, 0.1, 1.0]; it must start at 0 V"),
    ],
)
def test_a_mistake_names_the_key(section: type[Section], choice: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        section(**choice)
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


def test_a_section_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        ArrayConfig().rows = 8  # type: ignore[misc]


def test_a_crossbar_holds_its_array_as_it_was_configured(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    array = ArrayConfig(
        rows=4,
        columns=6,
        inputs="planes",
        pairs="separate",
        read_range=1.5,
        mapping="contiguous",
        pulse_entries=16,
        compare=False,
    )
    assert make_crossbar(**array.model_dump()).array == array


def test_codes_of_the_lines_are_those_of_the_device_tables() -> None:
    assert 1 << ArrayConfig().controller(1).dac_bits == CODES


def test_parts_that_cannot_serve_an_array_name_its_key(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    # The ADS8688 has eight inputs.
    choice = {"rows": 4, "columns": 32, "adc_channels": 16, "inputs": "planes"}
    parts = replace(WALKING, clock_hz=100e6)
    with pytest.raises(ConfigError, match=r"^array\.adc_channels is 16; ADS8688 has 8 inputs, so it must be"):
        make_crossbar(parts=parts, **choice)
    # The emulated lines have 12 bits, which is no key.
    coarse = replace(parts, dac=replace(parts.dac, bits=10))
    with pytest.raises(ConfigError, match=r"^controller\.dac_bits is 12; .* resolves 10"):
        make_crossbar(parts=coarse, **choice | {"adc_channels": 8})
