"""The controllers with direct front ends whose netlists are compiled for the tests of several areas.

Each takes half a minute to compile: a test that does not care about the size of the controller takes one of these.
Together they have every size that matters to a comparison of engines. The random programs have controllers of their own
(`twinbar.emulator.verify.elaborations`, serial parts among them), and so have the boards (`virtual_samples`).
"""

from typing import Final

from twinbar.hw.gateware.controller_config import ControllerConfig

ALONE: Final = ControllerConfig(tiles=1, rows=9, columns=8, adc_channels=1, adc_bits=6, input_bits=3, command_depth=256)
"""One tile, whose netlist is flat; a converter of few bits."""

PAIR: Final = ControllerConfig(
    tiles=2, rows=6, columns=8, adc_channels=2, adc_bits=7, input_bits=5, command_depth=5, response_depth=2
)
"""Two channels; inputs of many bits; responses soon wait. Its netlist is compiled flat too."""

WIDE: Final = ControllerConfig(
    tiles=3, rows=16, columns=16, adc_channels=4, adc_bits=8, input_bits=2, command_depth=256
)
"""Four channels. Its netlist is compiled for waveforms too."""

QUEUES: Final = ControllerConfig(
    tiles=4, rows=40, columns=10, adc_channels=1, adc_bits=8, input_bits=1, command_depth=2
)
"""Queues as short as they can be; input words of which the last one is not full; inputs of one bit."""
