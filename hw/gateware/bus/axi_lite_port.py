"""AXI4-Lite, the side of the device: one access at a time, writes before reads."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.bus_registers import BUS_BITS, BUS_BYTES, bus_address_bits

from ..controller_config import ControllerConfig
from .bus_access import BusAccessSignature

OKAY, SLVERR = 0b00, 0b10


class AxiLiteSignature(wiring.Signature):
    """The channels of AXI4-Lite as the device has them; protection bits are ignored."""

    def __init__(self, config: ControllerConfig) -> None:
        address = In(bus_address_bits(config))
        super().__init__(
            {
                "awaddr": address,
                "awprot": In(3),
                "awvalid": In(1),
                "awready": Out(1),
                "wdata": In(BUS_BITS),
                "wstrb": In(BUS_BYTES),
                "wvalid": In(1),
                "wready": Out(1),
                "bresp": Out(2),
                "bvalid": Out(1),
                "bready": In(1),
                "araddr": address,
                "arprot": In(3),
                "arvalid": In(1),
                "arready": Out(1),
                "rdata": Out(BUS_BITS),
                "rresp": Out(2),
                "rvalid": Out(1),
                "rready": In(1),
            }
        )


class AxiLitePort(wiring.Component):
    """Turns AXI4-Lite into accesses. An access without effect, or without answer, ends in SLVERR.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    axi : Out(AxiLiteSignature)
    bus : Out(BusAccessSignature)
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__({"axi": Out(AxiLiteSignature(config)), "bus": Out(BusAccessSignature(config))})

    def elaborate(self, platform) -> Module:
        m = Module()
        axi, bus = self.axi, self.bus
        write_address, read_address = Signal.like(bus.address), Signal.like(bus.address)
        data, whole = Signal(BUS_BITS), Signal()
        placed, filled, asked = Signal(), Signal(), Signal()
        chosen, writes = Signal(), Signal()
        m.d.comb += [
            axi.awready.eq(~placed),
            axi.wready.eq(~filled),
            axi.arready.eq(~asked),
            bus.access.eq(chosen),
            bus.write.eq(writes),
            bus.address.eq(Mux(writes, write_address, read_address)),
            bus.data.eq(data),
            bus.whole.eq(whole),
        ]
        with m.If(axi.awvalid & axi.awready):
            m.d.sync += [placed.eq(1), write_address.eq(axi.awaddr)]
        with m.If(axi.wvalid & axi.wready):
            m.d.sync += [filled.eq(1), data.eq(axi.wdata), whole.eq(axi.wstrb.all())]
        with m.If(axi.arvalid & axi.arready):
            m.d.sync += [asked.eq(1), read_address.eq(axi.araddr)]
        with m.If(axi.bready):
            m.d.sync += axi.bvalid.eq(0)
        with m.If(axi.rready):
            m.d.sync += axi.rvalid.eq(0)
        with m.If(~chosen):
            with m.If(placed & filled & ~axi.bvalid):
                m.d.sync += [chosen.eq(1), writes.eq(1)]
            with m.Elif(asked & ~axi.rvalid):
                m.d.sync += [chosen.eq(1), writes.eq(0)]
        with m.Elif(bus.done):
            m.d.sync += chosen.eq(0)
            outcome = Mux(bus.refused, SLVERR, OKAY)
            with m.If(writes):
                m.d.sync += [placed.eq(0), filled.eq(0), axi.bvalid.eq(1), axi.bresp.eq(outcome)]
            with m.Else():
                m.d.sync += [asked.eq(0), axi.rvalid.eq(1), axi.rresp.eq(outcome), axi.rdata.eq(bus.result)]
        return m
