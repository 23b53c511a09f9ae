"""What a board says of itself when a session starts."""

import struct
from dataclasses import dataclass, fields

from twinbar.hw.errors import ConfigError, LinkError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import version

from .front_end_number import DIRECT
from .link_config import LinkConfig
from .widths import Widths

LINK_VERSION = 2
"""Version of the frames and of the packing; a host speaks exactly one."""
_MAGIC = b"TWBR"
_LAYOUT = struct.Struct("<BBBBQHHHBBBBBHHIHBBII")


def check_carried(controller: ControllerConfig) -> None:
    """Refuse a controller whose responses the link cannot tell from its commands, or of which a board does not tell.

    Raises
    ------
    ConfigError
        If it has cascades, shared inputs, packed outputs or a pulse table.
    """
    if controller.pulse_entries:
        raise ConfigError(
            "a board does not tell its host of a pulse table; build the controller with pulse_entries = 0"
        )
    if controller.has_options:
        raise ConfigError(
            "the link to a board carries one output per response, and commands of one tile; build the controller with "
            "cascade = false, shared_inputs = false and outputs_per_beat = 1"
        )


@dataclass(frozen=True)
class Hello:
    """Identity of a board.

    Parameters
    ----------
    link_version, major, minor : int
        Versions of the link and of the protocol.
    level_bits : int
        See `Widths`.
    hash : int
        Configuration hash of the controller.
    rows, columns, tiles, adc_bits, dac_bits, input_bits, adc_channels, sum_bits, command_depth, response_depth : int
        See `ControllerConfig`.
    clock_hz : int
    divisor : int
        Clock cycles per bit of the UART.
    receive_log2, transmit_log2 : int
        Sizes of the board's buffers in bytes, as powers of two.
    linger : int
        Cycles after which the board sends what it has, even if a frame is not full.
    front_end : int
        See `twinbar.hw.link.front_end_number`.
    """

    link_version: int
    major: int
    minor: int
    level_bits: int
    hash: int
    rows: int
    columns: int
    tiles: int
    adc_bits: int
    dac_bits: int
    input_bits: int
    adc_channels: int
    sum_bits: int
    command_depth: int
    response_depth: int
    clock_hz: int
    divisor: int
    receive_log2: int
    transmit_log2: int
    linger: int
    front_end: int

    @classmethod
    def of(cls, controller: ControllerConfig, link: LinkConfig, front_end: int = DIRECT) -> "Hello":
        """Return the identity of a board that is built so; see `check_carried`."""
        check_carried(controller)
        return cls(
            link_version=LINK_VERSION,
            major=version.MAJOR,
            minor=version.MINOR,
            level_bits=link.level_bits,
            hash=controller.hash,
            rows=controller.rows,
            columns=controller.columns,
            tiles=controller.tiles,
            adc_bits=controller.adc_bits,
            dac_bits=controller.dac_bits,
            input_bits=controller.input_bits,
            adc_channels=controller.adc_channels,
            sum_bits=controller.sum_bits,
            command_depth=controller.command_depth,
            response_depth=controller.response_depth,
            clock_hz=link.clock_hz,
            divisor=link.divisor,
            receive_log2=link.receive_bytes.bit_length() - 1,
            transmit_log2=link.transmit_bytes.bit_length() - 1,
            linger=link.linger,
            front_end=front_end,
        )

    def pack(self) -> bytes:
        """Return the payload of the board's HELLO frame."""
        return _MAGIC + _LAYOUT.pack(*(getattr(self, field.name) for field in fields(self)))

    @classmethod
    def unpack(cls, payload: bytes) -> "Hello":
        """Read the payload of a board's HELLO frame.

        Raises
        ------
        LinkError
            If the board is none of ours, or speaks another version.
        """
        if not payload.startswith(_MAGIC):
            raise LinkError("what answers is not a Twinbar board; check the port")
        if len(payload) <= len(_MAGIC) or payload[len(_MAGIC)] != LINK_VERSION:
            found = payload[len(_MAGIC) : len(_MAGIC) + 1].hex() or "nothing"
            raise LinkError(
                f"the board speaks version {found} of the link, this host version {LINK_VERSION}; rebuild it"
            )
        if len(payload) != len(_MAGIC) + _LAYOUT.size:
            raise LinkError(
                f"the board's identity has {len(payload)} bytes; {len(_MAGIC) + _LAYOUT.size} were expected"
            )
        hello = cls(*_LAYOUT.unpack(payload[len(_MAGIC) :]))
        if hello.major != version.MAJOR:
            raise LinkError(
                f"the board speaks version {hello.major}.{hello.minor} of the protocol, this host {version.MAJOR}."
                f"{version.MINOR}; rebuild it"
            )
        return hello

    @property
    def widths(self) -> Widths:
        """How the board packs commands and responses."""
        return Widths(self.tiles, self.rows, self.columns, self.adc_bits, self.sum_bits, self.level_bits)

    @property
    def baud(self) -> float:
        """Bits per second on the line."""
        return self.clock_hz / self.divisor
