"""Shift-add of the codes of one ADC channel over the bit planes of an input vector."""

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from twinbar.hw.gateware.config import ControllerConfig


class Accumulator(wiring.Component):
    """One block RAM of sums, one for each column group.

    Attributes
    ----------
    address : In
        Group whose sum is read; it is in ``total`` in the next cycle.
    add, group, first, code, shift : In
        Add ``code << shift`` to the sum in ``total``, which must be that of ``group``, or with ``first`` start a new
        sum.
    total : Out
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "address": In(range(config.groups)),
                "add": In(1),
                "group": In(range(config.groups)),
                "first": In(1),
                "code": In(config.adc_bits),
                "shift": In(range(config.planes)),
                "total": Out(signed(config.accumulator_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        config = self._config
        m = Module()
        shape = signed(config.accumulator_bits)
        m.submodules.memory = memory = Memory(shape=shape, depth=config.groups, init=[])
        write = memory.write_port()
        read = memory.read_port(transparent_for=(write,))
        shifted = Signal(shape)
        code = self.code.as_signed() if config.subtract_pairs else self.code
        m.d.comb += [
            shifted.eq(code << self.shift),
            read.addr.eq(self.address),
            self.total.eq(read.data),
            write.en.eq(self.add),
            write.addr.eq(self.group),
            write.data.eq(Mux(self.first, 0, self.total) + shifted),
        ]
        return m
