"""Knows which bit planes of the row registers hold a one."""

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import ROW_BITS, WORD_BITS

from ..controller_config import ControllerConfig


class InputPlanes(wiring.Component):
    """Knows which bit planes of the row registers hold a one.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    load, clear : In(1)
    word : In
    bits : In(32)
        As in LOAD.
    inputs : Out(32)
        The word without the bits that belong to no row or no plane.
    planes : Out
        Planes that hold a one, the word that is being loaded included. Combinational.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "load": In(1),
                "clear": In(1),
                "word": In(ROW_BITS),
                "bits": In(WORD_BITS),
                "inputs": Out(WORD_BITS),
                "planes": Out(config.input_bits),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        field = (1 << config.input_bits) - 1
        all_rows = sum(field << (config.field_bits * row) for row in range(config.rows_per_word))
        rows_of_last = config.rows - (config.words - 1) * config.rows_per_word
        last_rows = all_rows & ((1 << (config.field_bits * rows_of_last)) - 1)
        m.d.comb += self.inputs.eq(self.bits & Const(all_rows, WORD_BITS))
        if last_rows != all_rows:
            with m.If(self.word == config.words - 1):
                m.d.comb += self.inputs.eq(self.bits & Const(last_rows, WORD_BITS))

        seen = Signal(config.input_bits)
        m.d.comb += self.planes.eq(seen)
        with m.If(self.load):
            for plane in range(config.input_bits):
                ones = self.inputs[plane :: config.field_bits].any()
                m.d.comb += self.planes[plane].eq(seen[plane] & ~self.clear | ones)
        m.d.sync += seen.eq(self.planes)
        return m
