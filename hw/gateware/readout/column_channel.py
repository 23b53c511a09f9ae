"""One ADC channel: removes the offsets of its columns, and shifts and adds their codes."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..block_ram import block_ram
from ..controller_config import ControllerConfig


class ColumnChannel(wiring.Component):
    """One ADC channel: the offsets of the outputs that it converts, and their sums.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    code : In(signed)
        Of the converter.
    take : In(1)
        A conversion of a multiplication is done.
    next_group : In
        Output divided by the number of channels, in the next cycle if that converts or reads; with the pair bit on
        top.
    group : In
        The same in this cycle.
    plane : In
        Weight of the input step, as a power of two.
    first_step : In(1)
        Sums start from zero.
    sum : Out(signed)
        In the cycle after the conversion: the sum with this conversion. Combinational.
    add : In(1)
        Store the sum at the end of this cycle.
    offset_group, offset, write_offset : In
        Stores an offset at the end of this cycle.
    stored_offset : Out(signed)
        Offset of ``next_group`` in the next cycle.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        bits = config.adc_bits + 1
        group = range(2 * config.columns // config.adc_channels)
        super().__init__(
            {
                "code": In(signed(bits)),
                "take": In(1),
                "next_group": In(group),
                "group": In(group),
                "plane": In(3),
                "first_step": In(1),
                "sum": Out(signed(config.sum_bits)),
                "add": In(1),
                "offset_group": In(group),
                "offset": In(signed(bits)),
                "write_offset": In(1),
                "stored_offset": Out(signed(bits)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        groups = self.config.columns // self.config.adc_channels
        bits = self.config.adc_bits + 1
        # Offsets of columns, then (with the pair bit, which is worth the next power of two) of pairs.
        pair_bit = 1 << (groups - 1).bit_length()
        m.submodules.offsets = offsets = block_ram(shape=signed(bits), depth=pair_bit + max(groups // 2, 1))
        offset_write, offset_read = offsets.write_port(), offsets.read_port()
        m.d.comb += [
            offset_write.addr.eq(self.offset_group),
            offset_write.data.eq(self.offset),
            offset_write.en.eq(self.write_offset),
            offset_read.addr.eq(self.next_group),
            offset_read.en.eq(1),
            self.stored_offset.eq(offset_read.data),
        ]

        m.submodules.sums = sums = block_ram(shape=signed(self.config.sum_bits), depth=groups)
        sum_write, sum_read = sums.write_port(), sums.read_port()
        held = Signal(signed(bits + 1))
        so_far = Signal(signed(self.config.sum_bits))  # from a register, because a block RAM is slow
        m.d.sync += so_far.eq(Mux(self.first_step, 0, sum_read.data))
        with m.If(self.take):
            m.d.sync += held.eq(self.code - offset_read.data)
        weighted = held << self.plane[: (self.config.input_bits - 1).bit_length()]
        shifted = Signal.like(weighted)  # no wider, or some of its bits would be made of others (a loop, to Verilator)
        m.d.comb += [
            shifted.eq(weighted),
            sum_read.addr.eq(self.next_group),
            sum_read.en.eq(1),
            self.sum.eq(so_far + shifted),
            sum_write.addr.eq(self.group),
            sum_write.data.eq(self.sum),
            sum_write.en.eq(self.add),
        ]
        return m
