"""The register that a command reads or writes, as all rooms of a tile see it."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from twinbar.hw.protocol.layouts import ADDRESS_BITS, VALUE_BITS


class RegisterAccessSignature(wiring.Signature):
    """The register that the command of a tile reads or writes, and where a value is to be stored.

    Members
    -------
    address, value : Out
        Arguments of the command, whether it accesses a register or not.
    granted : Out(1)
        In DECODE: the access follows.
    write : Out(1)
        It writes.
    write_register, write_duration, write_level, write_trim, write_offset : Out(1)
        The value is stored at the end of this cycle: see `RegisterFile`.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "address": Out(ADDRESS_BITS),
                "value": Out(VALUE_BITS),
                "granted": Out(1),
                "write": Out(1),
                "write_register": Out(1),
                "write_duration": Out(1),
                "write_level": Out(1),
                "write_trim": Out(1),
                "write_offset": Out(1),
            }
        )
