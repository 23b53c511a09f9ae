"""The number by which a board says what kind of front end it has, so that a run for another kind is refused."""

from dataclasses import asdict
from typing import Final

from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.protocol.version import configuration_hash

DIRECT: Final = 0
"""The controller's own pins: parallel codes and strobes."""
EMULATED: Final = 1
"""An array that the core emulates itself."""
_SERIAL: Final = 1 << 31
"""Serial parts: this bit, and 31 bits of a hash of all that the gateware takes from them."""


def front_end_number(parts: SerialParts | None, *, emulated: bool = False) -> int:
    """Return the number of a front end: two of serial parts have the same only if their gateware is the same.

    Parameters
    ----------
    parts : SerialParts, optional
    emulated : bool
        The core emulates the array; there are no parts then.
    """
    if parts is None:
        return EMULATED if emulated else DIRECT
    outputs = [
        (output.line.name, sorted(drive.value for drive in output.drives), output.channel, output.chip)
        for output in parts.outputs
    ]
    rests = [output.rest for output in parts.outputs]
    buses = (parts.dac_cycles, parts.adc_cycles, parts.switch_cycles)
    made_of = {
        "parts": [parts.dac.name, parts.adc.name, parts.switch.name],
        "start_up": [parts.dac.start_up(), parts.adc.start_up()],
        "bipolar": parts.adc.bipolar,
        "outputs": outputs,
        "switches": [parts.pairs, parts.reference],
        "buses": [asdict(bus) for bus in buses],
        "power_up_ns": parts.power_up_ns,
    }
    if any(rests):
        made_of["rests"] = rests
    return _SERIAL | configuration_hash(made_of) & (_SERIAL - 1)
