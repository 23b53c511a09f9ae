"""The SPI transceiver keeps the times of its bus, and sends and receives the words that it was asked for."""

from typing import Any, Final

from amaranth.hdl import Assume, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.front_end.spi_transceiver import SpiTransceiver, SpiWord
from twinbar.hw.parts.bus import BusCycles

from .spi_properties import SpiProperties

_CHIPS: Final = 2


class SpiProof(wiring.Component):
    """Any words, offered at any time, to any chip.

    Parameters
    ----------
    cycles : BusCycles
        No two of its times come to 31 cycles.
    """

    def __init__(self, cycles: BusCycles) -> None:
        self._cycles = cycles
        super().__init__({"word": In(SpiWord), "valid": In(1), "input": In(1)})

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        m.submodules.transceiver = spi = SpiTransceiver(self._cycles, _CHIPS, 1)
        m.d.comb += [
            spi.words.payload.eq(self.word),
            spi.words.valid.eq(self.valid),
            spi.pins.inputs.eq(self.input),
            Assume(self.word.chip < _CHIPS),
        ]
        SpiProperties(m, spi).cover(m)
        return m
