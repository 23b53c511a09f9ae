"""Names of a front end's pins, bit by bit, as wiring files write them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Value
from amaranth.lib import data
from amaranth.lib.wiring import In

from twinbar.hw.gateware.board_core import CoreConfig
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.i2c import I2cCycles

_NUMBERED = ("select_n", "inputs", "channels")
"""Members whose bits are numbered even if there is only one."""


@dataclass(frozen=True)
class FrontEndPin:
    """One bit of a front end's pins.

    Parameters
    ----------
    name : str
        Its path, with points: ``dac.select_n.0``.
    is_input : bool
        From the front end to the FPGA.
    bit : Value
    """

    name: str
    is_input: bool
    bit: Any


def front_end_pins(config: CoreConfig, pins: Any) -> dict[str, FrontEndPin]:
    """Return the bits of a front end's pins by name.

    Bits that no value of this configuration uses (rows above the last one, say), and data that no part takes, are left
    out.

    Parameters
    ----------
    config : CoreConfig
    pins : interface object
        Of `DirectPinsSignature` or `SerialPinsSignature`.
    """
    found = {}
    for path, member, value in pins.signature.flatten(pins):
        for name, field in _fields(".".join(map(str, path)), value):
            bits = Value.cast(field)
            if name == "adc.data" and config.parts is not None and not config.parts.adc.latency:
                continue  # a part with one input is told nothing
            if name == "dac.inputs" and open_drain(config):
                continue  # the level of the pin dac.data
            used = _used_bits(config.controller, name, len(bits))
            for place in range(used):
                numbered = len(bits) > 1 or name.rpartition(".")[2] in _NUMBERED
                full = f"{name}.{place}" if numbered else name
                found[full] = FrontEndPin(full, member.flow == In, bits[place])
    return found


def open_drain(config: CoreConfig) -> tuple[str, ...]:
    """Return the pins that only pull their lines low: those of DACs on I2C."""
    i2c = config.parts is not None and isinstance(config.parts.dac_cycles, I2cCycles)
    return ("dac.clock", "dac.data") if i2c else ()


def _fields(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, data.View) and isinstance(value.shape(), data.StructLayout | type):
        for field, _ in data.Layout.cast(value.shape()):
            yield f"{name}.{field}", value[field]
    else:
        yield name, value


def _used_bits(config: ControllerConfig, name: str, bits: int) -> int:
    """Return how many low bits of a member can be other than zero."""
    used = {
        "row": (config.rows - 1).bit_length(),
        "column": (config.columns - 1).bit_length(),
        "plane": (config.input_bits - 1).bit_length(),
        "row_word": (config.words - 1).bit_length(),
        "row_bits": min(bits, config.rows * config.field_bits),
    }
    return config.dac_bits if name.startswith("codes.") else used.get(name, bits)
