"""The digital functions between two layers: a sum becomes an input code of the next layer."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.registers import SCALES
from twinbar.hw.protocol.sizes import COLUMN_BITS, SCALE_BITS, SUM_BITS, VALUE_BITS

from ..block_ram import block_ram
from ..controller_config import ControllerConfig
from .register_file import Activation
from .saturation import saturated


class Requantizer(wiring.Component):
    """Adds a bias to a sum, scales, shifts and rounds it, and limits it to the codes of an input; one sum per cycle.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    take, first, last : In(1)
        A sum is taken in this cycle; it is the product's first, or last.
    total : In(signed)
    column : In
        Its output.
    start : In(1)
        The product that begins goes by ``activation``.
    activation : In(Activation)
        The register.
    settings : Out(Activation)
        That of the product that runs.
    write : In(1)
        The entry of ``column`` becomes ``value``.
    value : In
    stored : Out
        The entry of ``column`` in the cycle before.
    ready, begins, ends : Out(1)
        A code is given in this cycle; it is the product's first, or last.
    code : Out
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "take": In(1),
                "first": In(1),
                "last": In(1),
                "total": In(signed(config.lane_bits)),
                "column": In(COLUMN_BITS),
                "start": In(1),
                "activation": In(Activation),
                "settings": Out(Activation),
                "write": In(1),
                "value": In(VALUE_BITS),
                "stored": Out(SCALES.word.bits),
                "ready": Out(1),
                "begins": Out(1),
                "ends": Out(1),
                "code": Out(config.input_bits),
            }
        )

    @staticmethod
    def cycles() -> int:
        """Return the cycles from a sum to its code: table, addition, multiplication, shift, limits."""
        return 5

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.scales = scales = block_ram(shape=SCALES.word.bits, depth=self.config.scaled_columns)
        read, write = scales.read_port(), scales.write_port()
        entry = SCALES.word.layout(read.data)
        m.d.comb += [
            read.addr.eq(self.column),
            read.en.eq(1),
            write.addr.eq(self.column),
            write.data.eq(self.value),
            write.en.eq(self.write),
            self.stored.eq(read.data),
        ]
        # Another product goes by other settings from the fourth cycle behind the last sum on, at the earliest.
        late = Signal(Activation)
        m.d.sync += late.eq(self.settings)
        with m.If(self.start):
            m.d.sync += self.settings.eq(self.activation)

        stages, begins, ends = (Signal(self.cycles(), name=name) for name in ("stages", "begins", "ends"))
        m.d.sync += [
            stages.eq(Cat(self.take, stages)),
            begins.eq(Cat(self.first, begins)),
            ends.eq(Cat(self.last, ends)),
        ]

        total = Signal(signed(SUM_BITS))
        biased, scale = Signal(signed(SUM_BITS + 1)), Signal(signed(SCALE_BITS))
        product = Signal(signed(SUM_BITS + 1 + SCALE_BITS))
        shifted = Signal(signed(len(product) + 1))
        m.d.sync += [
            total.eq(saturated(self.total, SUM_BITS)),
            biased.eq(total + entry.bias),
            scale.eq(entry.scale),
            product.eq(biased * scale),
            # One bit more than is wanted, for rounding.
            shifted.eq((product << 1) >> self.settings.shift),
        ]
        # Half of the sum is the rounded value with the zero point: one addition. Its bits tell what leaves the limits.
        value, bits = Signal(signed(len(shifted) + 1)), self.config.input_bits
        below, above = Signal(), Signal()
        m.d.comb += [
            value.eq((shifted + Cat(Const(1, 1), late.zero)) >> 1),
            below.eq(Mux(late.relu, (shifted < 0) & ~shifted.all(), value < 0)),
            above.eq(value[bits:].any()),
        ]
        m.d.sync += self.code.eq(Mux(below, Mux(late.relu, late.zero, 0), Mux(above, (1 << bits) - 1, value)))
        m.d.comb += [self.ready.eq(stages[-1]), self.begins.eq(begins[-1]), self.ends.eq(ends[-1])]
        return m
