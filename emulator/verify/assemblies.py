"""Front ends of serial parts on which engines are compared: every part is in one of them."""

from dataclasses import replace
from typing import Final

from twinbar.hw.parts.ad5593r import AD5593R
from twinbar.hw.parts.ad5628 import AD5628
from twinbar.hw.parts.ad5686r import AD5686R
from twinbar.hw.parts.ad7476a import AD7476A
from twinbar.hw.parts.adc import AdcPart
from twinbar.hw.parts.adg714 import ADG714
from twinbar.hw.parts.adg1414 import ADG1414
from twinbar.hw.parts.ads8688 import ADS8688, Range
from twinbar.hw.parts.assembly import DrivenLine, DrivePath, SerialParts, outputs_for
from twinbar.hw.parts.bus import Wires
from twinbar.hw.parts.dac8568 import DAC8568
from twinbar.hw.parts.hc595 import HC595_2V, HC595_4V5
from twinbar.hw.parts.known_parts import Part
from twinbar.hw.parts.mcp4822 import MCP4822
from twinbar.hw.parts.switch import SwitchPart

_WRITE, _READ, _MULTIPLY = ({drive} for drive in (DrivePath.WRITE, DrivePath.READ, DrivePath.MULTIPLY))
_LINES: Final = (DrivenLine.BIT_LINE, DrivenLine.SOURCE_LINE, DrivenLine.WORD_LINE)
CLOCK_HZ: Final = 5e6
"""Replaced by the clock of the elaboration; low, so that programs are short."""

OCTAL: Final = SerialParts(
    clock_hz=CLOCK_HZ,
    dac=AD5628(),
    outputs=outputs_for(
        AD5628(),
        [
            *((line, _WRITE) for line in (*_LINES, DrivenLine.LIMIT)),
            (DrivenLine.BIT_LINE, _READ | _MULTIPLY),
            (DrivenLine.WORD_LINE, _READ),
            (DrivenLine.WORD_LINE, _MULTIPLY),
        ],
    ),
    adc=AD7476A(),
    switch=HC595_4V5,
    reference=True,
    power_up_ns=40_000,
)
"""One DAC, an ADC per channel, and shift registers."""

WALKING: Final = SerialParts(
    clock_hz=CLOCK_HZ,
    dac=AD5686R(),
    outputs=outputs_for(
        AD5686R(),
        [
            *((line, _WRITE) for line in _LINES),
            *((line, _READ | _MULTIPLY) for line in (DrivenLine.BIT_LINE, DrivenLine.WORD_LINE)),
        ],
    ),
    adc=ADS8688(),
    switch=ADG1414,
    pairs=True,
    reference=True,
)
"""Two DACs, one ADC that walks over the channels, analog switches, and switches for pairs."""

TEACHING: Final = SerialParts(
    clock_hz=CLOCK_HZ,
    dac=MCP4822(),
    outputs=outputs_for(
        MCP4822(), [(DrivenLine.BIT_LINE, _WRITE), (DrivenLine.SOURCE_LINE, _WRITE), (DrivenLine.BIT_LINE, _READ)]
    ),
    adc=AD7476A(),
    switch=HC595_2V,
    adc_board=Wires(skew_ns=5, round_trip_ns=15, input_registers=2),
)
"""Few outputs: word line and multiplication voltage are fixed."""

TWO_WIRES: Final = SerialParts(
    clock_hz=CLOCK_HZ,
    dac=AD5593R(),
    outputs=(
        *outputs_for(AD5593R(), [(line, _WRITE) for line in _LINES]),
        *outputs_for(AD5593R(), [(line, _READ | _MULTIPLY) for line in _LINES[::2]], chip=1),
    ),
    adc=AD7476A(),
    switch=HC595_4V5,
)
"""Two DACs on one I2C bus."""

SEPARATE: Final = SerialParts(
    clock_hz=CLOCK_HZ,
    dac=DAC8568(),
    outputs=outputs_for(DAC8568(), [(line, drive) for drive in (_WRITE, _READ, _MULTIPLY) for line in _LINES]),
    adc=replace(ADS8688(), bipolar=False, input_range=Range.UNIPOLAR_10V24),
    switch=ADG714,
    power_up_ns=1_000,
)
"""An output for every line of every drive, and a unipolar range."""


def assembly_with(part: Part) -> SerialParts:
    """Return a front end for a part that is in none of those above: `OCTAL` with it, and outputs as it has them."""
    if isinstance(part, SwitchPart):
        return replace(OCTAL, switch=part)
    if isinstance(part, AdcPart):
        return replace(OCTAL, adc=part)
    drives = [*((line, _WRITE) for line in _LINES), (DrivenLine.BIT_LINE, _READ | _MULTIPLY)]
    return replace(OCTAL, dac=part, outputs=outputs_for(part, drives))
