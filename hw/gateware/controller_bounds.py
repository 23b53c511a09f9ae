"""What a controller can be: bounds of its parameters, declared once for gateware and configuration.

Importing this takes no time, so that a command line can check a configuration without the tools that build gateware.
"""

from typing import Final, NamedTuple

from twinbar.hw.protocol.sizes import LANE_BITS, LINE_BITS, MAX_COLUMNS, MAX_ROWS, MAX_TILES, PULSE_BITS, PULSE_ENTRIES
from twinbar.hw.timing import MAX_WIDTH

MAX_QUEUE_DEPTH: Final = 1 << 15
MAX_PULSES: Final = (1 << PULSE_BITS) - 1
"""Pulses of a command."""
MAX_LINE_CODE: Final = (1 << LINE_BITS) - 1
"""Code of a line."""


class Bounds(NamedTuple):
    """Least and largest value of a parameter."""

    least: int
    most: int


BOUNDS: Final = {
    "tiles": Bounds(1, MAX_TILES),
    "rows": Bounds(1, MAX_ROWS),
    "columns": Bounds(2, MAX_COLUMNS),
    "adc_channels": Bounds(1, 64),
    "adc_bits": Bounds(3, 16),
    "dac_bits": Bounds(1, LINE_BITS),
    "input_bits": Bounds(1, 8),
    "command_depth": Bounds(2, MAX_QUEUE_DEPTH),
    "response_depth": Bounds(2, MAX_QUEUE_DEPTH),
    "outputs_per_beat": Bounds(1, max(LANE_BITS)),
    "pulse_entries": Bounds(min(PULSE_ENTRIES), max(PULSE_ENTRIES)),
    "width_cap": Bounds(1, MAX_WIDTH),
    "pulse_cap": Bounds(1, MAX_PULSES),
}
"""Bounds by the name of a parameter of `ControllerConfig`."""


def channels_fit(adc_channels: int, columns: int) -> bool:
    """Whether a number of ADC channels is a power of two and divides the pairs of columns."""
    return adc_channels & (adc_channels - 1) == 0 and columns % (2 * adc_channels) == 0
