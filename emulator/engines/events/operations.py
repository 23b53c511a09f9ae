"""Which operation carries out which opcode."""

from collections.abc import Callable
from typing import Final

from twinbar.emulator.engines.events import calibration, cells, housekeeping, products, pulses
from twinbar.emulator.engines.events.clock import Steps
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.tile import Tile
from twinbar.hw.protocol.vocabulary import Opcode

Operation = Callable[[Tile, DecodedCommand], Steps[None]]

OPERATIONS: Final[dict[Opcode | None, Operation]] = {
    Opcode.READ_REGISTER: housekeeping.read_register,
    Opcode.WRITE_REGISTER: housekeeping.write_register,
    Opcode.ARM: housekeeping.arm,
    Opcode.DISARM: housekeeping.execute,
    Opcode.CLEAR: housekeeping.execute,
    Opcode.SAFE: housekeeping.execute,
    Opcode.ABORT: housekeeping.execute,
    Opcode.WAIT: housekeeping.wait,
    Opcode.READ: cells.read,
    Opcode.WRITE: cells.write,
    Opcode.FORM: cells.form,
    Opcode.PULSE: pulses.train,
    Opcode.DRIVE: pulses.train,
    Opcode.CONVERT: cells.read,
    Opcode.CALIBRATE: calibration.calibrate,
    Opcode.MULTIPLY: products.multiply,
    Opcode.VERIFY: cells.verify,
}
"""All but LOAD, which is not answered unless it is refused."""
