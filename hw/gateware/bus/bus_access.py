"""One access to a word, as every bus asks for it."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.bus_registers import BUS_BITS, bus_address_bits

from ..controller_config import ControllerConfig


class BusAccessSignature(wiring.Signature):
    """An access to a word of the bus.

    Members
    -------
    access : Out(1)
        Held, with all that says what it is, until it is done; a bus may give it up earlier.
    address : Out
        Of the word, in bytes; the bits that choose a byte are ignored.
    write : Out(1)
    whole : Out(1)
        All bytes of the word are written.
    data : Out
    done : In(1)
        In the last cycle of the access.
    refused : In(1)
        With ``done``: there is no such word, or the access had no effect or no answer.
    result : In
        With ``done``: what was read.
    """

    def __init__(self, config: ControllerConfig) -> None:
        super().__init__(
            {
                "access": Out(1),
                "address": Out(bus_address_bits(config)),
                "write": Out(1),
                "whole": Out(1),
                "data": Out(BUS_BITS),
                "done": In(1),
                "refused": In(1),
                "result": In(BUS_BITS),
            }
        )
