"""Wishbone B4, classic cycles, the side of the device."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.bus_registers import BUS_BITS, BUS_BYTES, bus_address_bits

from ..controller_config import ControllerConfig
from .bus_access import BusAccessSignature


class WishboneSignature(wiring.Signature):
    """The signals of a device on Wishbone; addresses count bytes."""

    def __init__(self, config: ControllerConfig) -> None:
        super().__init__(
            {
                "cyc_i": In(1),
                "stb_i": In(1),
                "we_i": In(1),
                "adr_i": In(bus_address_bits(config)),
                "sel_i": In(BUS_BYTES),
                "dat_i": In(BUS_BITS),
                "dat_o": Out(BUS_BITS),
                "ack_o": Out(1),
                "err_o": Out(1),
            }
        )


class WishbonePort(wiring.Component):
    """Turns Wishbone cycles into accesses. An access without effect, or without answer, ends in ERR.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    wishbone : Out(WishboneSignature)
    bus : Out(BusAccessSignature)
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__({"wishbone": Out(WishboneSignature(config)), "bus": Out(BusAccessSignature(config))})

    def elaborate(self, platform) -> Module:
        m = Module()
        wishbone, bus = self.wishbone, self.bus
        ended = wishbone.ack_o | wishbone.err_o
        m.d.comb += [
            bus.access.eq(wishbone.cyc_i & wishbone.stb_i & ~ended),
            bus.write.eq(wishbone.we_i),
            bus.address.eq(wishbone.adr_i),
            bus.data.eq(wishbone.dat_i),
            bus.whole.eq(wishbone.sel_i.all()),
        ]
        m.d.sync += [wishbone.ack_o.eq(bus.done & ~bus.refused), wishbone.err_o.eq(bus.done & bus.refused)]
        with m.If(bus.done):
            m.d.sync += wishbone.dat_o.eq(bus.result)
        return m
