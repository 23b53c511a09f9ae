"""The windows of the levels."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import LEVEL_BITS, VALUE_BITS
from twinbar.hw.protocol.registers import LEVEL_WINDOW

from ..block_ram import block_ram
from ..controller_config import ControllerConfig


class LevelMemory(wiring.Component):
    """The windows of the levels, and whether a code lies in one.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    level : In
        Level whose window is looked at from the second cycle after on, and written at the end of this cycle.
    window, write : In
        Window to be stored, as the registers hold it.
    stored : Out
        The window, in the same form, one cycle earlier.
    code, compare : In
        Code that is compared at the end of this cycle.
    below, above : Out(1)
        The code, clamped to the range of codes, lies below or above the window.
    short, excess : Out
        By how many codes, less one, it lies below, if it does, and above, if it does; where there is a pulse table.
    low, high : Out
        The window, where there are comparisons.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "level": In(LEVEL_BITS),
                "window": In(VALUE_BITS),
                "write": In(1),
                "stored": Out(LEVEL_WINDOW.bits),
                "code": In(signed(config.adc_bits + 2)),
                "compare": In(1),
                "below": Out(1),
                "above": Out(1),
                "short": Out(config.adc_bits),
                "excess": Out(config.adc_bits),
                "low": Out(config.adc_bits),
                "high": Out(config.adc_bits),
            }
        )

    @staticmethod
    def cycles() -> int:
        """Give the cycles from a new ``level`` to the first in which a code can be compared: of memory and register."""
        return 2

    def elaborate(self, platform) -> Module:
        m = Module()
        bits = self.config.adc_bits
        m.submodules.windows = windows = block_ram(shape=2 * bits, depth=1 << LEVEL_BITS)
        write, read = windows.write_port(), windows.read_port()
        # Compared from a register, because the code comes late and a block RAM is slow.
        window = Signal(2 * bits)
        low, high = window[:bits], window[bits:]
        misses_low, misses_high = Signal(), Signal()  # a clamped code can lie below, and above
        m.d.sync += [
            window.eq(read.data),
            misses_low.eq(read.data[:bits].any()),
            misses_high.eq(~read.data[bits:].all()),
        ]
        m.d.comb += [
            write.addr.eq(self.level),
            write.data[:bits].eq(self.window[LEVEL_WINDOW["low"].places]),
            write.data[bits:].eq(self.window[LEVEL_WINDOW["high"].places]),
            write.en.eq(self.write),
            read.addr.eq(self.level),
            read.en.eq(1),
            self.stored[LEVEL_WINDOW["low"].places].eq(read.data[:bits]),
            self.stored[LEVEL_WINDOW["high"].places].eq(read.data[bits:]),
        ]
        # As if the code were clamped, but without waiting for it. The sums are distances, and carry where there is one.
        code, beyond, negative = self.code[:bits], self.code[bits], self.code[-1]
        short, excess = Signal(bits + 1), Signal(bits + 1)
        m.d.comb += [short.eq(low + ~code), excess.eq(code + ~high), self.low.eq(low), self.high.eq(high)]
        with m.If(self.compare):
            m.d.sync += [
                self.below.eq((negative | ~beyond & short[-1]) & misses_low),
                self.above.eq(~negative & (beyond | excess[-1]) & misses_high),
            ]
            if self.config.pulse_entries:
                m.d.sync += [
                    self.short.eq(Mux(negative, low - 1, short)),
                    self.excess.eq(Mux(beyond, ~high - 1, excess)),
                ]
        return m
