"""Front ends that the tests build."""

from dataclasses import replace

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.ad5593r import AD5593R
from twinbar.hw.parts.ad5628 import AD5628
from twinbar.hw.parts.ad5686r import AD5686R
from twinbar.hw.parts.ad7476a import AD7476A
from twinbar.hw.parts.adg714 import ADG714
from twinbar.hw.parts.adg1414 import ADG1414
from twinbar.hw.parts.ads8688 import ADS8688, Range
from twinbar.hw.parts.assembly import DrivenLine, DrivePath, SerialParts, outputs_for
from twinbar.hw.parts.bus import Wires
from twinbar.hw.parts.dac8568 import DAC8568
from twinbar.hw.parts.front_end_clock import FrontEndRegisters
from twinbar.hw.parts.hc595 import HC595_2V, HC595_4V5
from twinbar.hw.parts.mcp4822 import MCP4822

WRITE, READ, MULTIPLY = ({drive} for drive in (DrivePath.WRITE, DrivePath.READ, DrivePath.MULTIPLY))

PMOD_CONFIG = ControllerConfig(rows=10, columns=12, adc_channels=2, adc_bits=10, input_bits=4, safe_codes=(1, 0, 2))
PMOD = SerialParts(
    clock_hz=50e6,
    dac=AD5628(),
    outputs=outputs_for(
        AD5628(),
        [
            (DrivenLine.BIT_LINE, WRITE),
            (DrivenLine.SOURCE_LINE, WRITE),
            (DrivenLine.WORD_LINE, WRITE),
            (DrivenLine.LIMIT, WRITE),
            (DrivenLine.BIT_LINE, READ | MULTIPLY),
            (DrivenLine.WORD_LINE, READ),
            (DrivenLine.WORD_LINE, MULTIPLY),
        ],
    ),
    adc=AD7476A(),
    switch=HC595_4V5,
    pairs=True,
    reference=True,
    power_up_ns=1000,
)
"""Pmod DA4, Pmod AD1 and shift registers at 50 MHz."""

DURATIONS = FrontEndRegisters(select=3, settle_read=5, settle_multiply=7, settle_drive=11)

WIDE_CONFIG = ControllerConfig(rows=6, columns=16, adc_channels=8, adc_bits=12, input_bits=1, safe_codes=(0, 0, 0))
WIDE = SerialParts(
    clock_hz=100e6,
    dac=AD5686R(),
    outputs=outputs_for(
        AD5686R(),
        [
            (DrivenLine.WORD_LINE, WRITE),
            (DrivenLine.BIT_LINE, WRITE),
            (DrivenLine.SOURCE_LINE, WRITE),
            (DrivenLine.BIT_LINE, READ | MULTIPLY),
            (DrivenLine.WORD_LINE, READ | MULTIPLY),
        ],
    ),
    adc=ADS8688(),
    switch=ADG1414,
    power_up_ns=200,
)
"""Two quad DACs, one ADC for all channels, and analog switches, at 100 MHz."""

TEACHING_CONFIG = ControllerConfig(rows=8, columns=8, adc_channels=1, adc_bits=8, dac_bits=10, input_bits=8)
TEACHING = SerialParts(
    clock_hz=12e6,
    dac=MCP4822(),
    outputs=outputs_for(
        MCP4822(), [(DrivenLine.BIT_LINE, WRITE), (DrivenLine.SOURCE_LINE, WRITE), (DrivenLine.BIT_LINE, READ)]
    ),
    adc=AD7476A(),
    switch=HC595_2V,
    adc_board=Wires(skew_ns=5, round_trip_ns=15, input_registers=2),
    dac_board=Wires(skew_ns=5),
    switch_board=Wires(skew_ns=5),
)
"""Cheap parts at 12 MHz; word line and multiplication voltage are fixed."""

OCTAL_CONFIG = ControllerConfig(rows=16, columns=8, adc_channels=4, adc_bits=16, input_bits=2)
OCTAL = SerialParts(
    clock_hz=133e6,
    dac=DAC8568(),
    outputs=outputs_for(
        DAC8568(),
        [
            (line, {drive})
            for drive in (DrivePath.WRITE, DrivePath.READ, DrivePath.MULTIPLY)
            for line in list(DrivenLine)[:3]
        ],
    ),
    adc=replace(ADS8688(), bipolar=False, input_range=Range.UNIPOLAR_10V24),
    switch=ADG714,
    pairs=True,
)
"""Two octal DACs with an output for every line of every drive, at 133 MHz."""

TWO_WIRES_CONFIG = ControllerConfig(rows=4, columns=4, adc_channels=1, adc_bits=8, input_bits=2)
TWO_WIRES = SerialParts(
    clock_hz=1e6,
    dac=AD5593R(),
    outputs=(
        *outputs_for(AD5593R(), [(DrivenLine.BIT_LINE, WRITE), (DrivenLine.SOURCE_LINE, WRITE)]),
        *outputs_for(AD5593R(), [(DrivenLine.BIT_LINE, READ | MULTIPLY)], chip=1),
    ),
    adc=AD7476A(),
    switch=HC595_4V5,
)
"""Two DACs on one I2C bus, at 1 MHz."""

ASSEMBLIES = {
    "pmod": (PMOD_CONFIG, PMOD),
    "wide": (WIDE_CONFIG, WIDE),
    "teaching": (TEACHING_CONFIG, TEACHING),
    "octal": (OCTAL_CONFIG, OCTAL),
    "two wires": (TWO_WIRES_CONFIG, TWO_WIRES),
}
