"""The direct front end: parallel codes, strobes and fixed latencies."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.vocabulary import Request

from ..controller_config import ControllerConfig
from .handshake import DirectPinsSignature, FrontEndSignature, array_members


class DirectFrontEnd(wiring.Component):
    """Parallel codes, strobes and fixed latencies: for a chip, or for fast converters.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    tile : In(FrontEndSignature)
    pins : Out(DirectPinsSignature)
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__({"tile": In(FrontEndSignature(config)), "pins": Out(DirectPinsSignature(config))})

    @staticmethod
    def cycles(duration: int) -> int:
        """Return the cycles of a request: what its register says."""
        return duration

    def elaborate(self, platform) -> Module:
        m = Module()
        for name, member in array_members(self.config).items():
            source, sink = (self.tile, self.pins) if member.flow == Out else (self.pins, self.tile)
            pairs = [(getattr(source, name), getattr(sink, name))]
            if member.dimensions:
                pairs = list(zip(*pairs[0], strict=True))
            m.d.comb += [b.eq(a) for a, b in pairs]
        m.d.comb += [
            self.tile.done.eq(self.tile.expires),
            self.pins.convert.eq((self.tile.request == Request.CONVERT) & self.tile.begins),
        ]
        if self.config.compare:
            m.d.comb += self.pins.compare.eq((self.tile.request == Request.COMPARE) & self.tile.begins)
        return m
