"""Beats for the benches of the wrappers, and the controller that these are made for."""

from typing import Any

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.commands import REGISTER_RESULT, Opcode
from twinbar.hw.protocol.layouts import RESPONSE
from twinbar.hw.protocol.packing import pack
from twinbar.hw.protocol.registers import BY_NAME

CONTROLLER = ControllerConfig(tiles=2, rows=8, columns=8, adc_channels=2, command_depth=4, response_depth=4)
OPTIONS = (
    *("--tiles", "2", "--rows", "8", "--columns", "8", "--adc-channels", "2"),
    *("--command-depth", "4", "--response-depth", "4"),
)
"""The same for the command line."""


def beat(opcode: Opcode, tile: int = 0, **arguments: Any) -> int:
    """Return a command beat."""
    return int(pack(opcode, tile, **arguments)[0])


def reading(name: str, tile: int) -> int:
    """Return the beat that reads a register."""
    return beat(Opcode.READ_REGISTER, tile, address=BY_NAME[name].address)


def bytes_of(word: int) -> bytes:
    """Return the bytes of a command beat, the lowest first."""
    return word.to_bytes(8, "little")


def response_fields(data: bytes) -> dict[str, int]:
    """Return the fields of a response beat, and those of a register's answer."""
    word = int.from_bytes(data, "little")
    assert word < 1 << RESPONSE.bits
    fields = RESPONSE.unpack(word)
    return fields | REGISTER_RESULT.unpack(fields["body"])
