"""The gain trims of the ADC channels, and the search for one."""

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import TRIM_BITS
from twinbar.hw.protocol.registers import TRIM_INIT


class GainTrims(wiring.Component):
    """The gain trims of the ADC channels, and the search for one: successive approximation, highest bit first.

    Trims keep their values over a reset, like registers.

    Parameters
    ----------
    channels : int

    Members
    -------
    channel : In
        Whose trim is looked at and changed.
    begin : In(1)
        A search begins: only the highest bit is set.
    decide, above : In(1)
        The bit in work is cleared if ``above``, and the next lower one set.
    hold : In(1)
        The trim does not change. The bit in work does, but a search that was halted does not go on.
    write, value : In
        Stores a trim at the end of this cycle.
    trims : Out array
        To the front end.
    trim : Out
        Of ``channel``.
    decided : Out
        What it becomes with ``decide``. Combinational.
    last : Out(1)
        The lowest bit is in work.
    """

    def __init__(self, channels: int) -> None:
        self._channels = channels
        super().__init__(
            {
                "channel": In(range(channels)),
                "begin": In(1),
                "decide": In(1),
                "above": In(1),
                "hold": In(1),
                "write": In(1),
                "value": In(TRIM_BITS),
                "trims": Out(TRIM_BITS).array(channels),
                "trim": Out(TRIM_BITS),
                "decided": Out(TRIM_BITS),
                "last": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        held = Array(
            Signal(TRIM_BITS, init=TRIM_INIT, reset_less=True, name=f"held_{number}")
            for number in range(self._channels)
        )
        bit = Signal(TRIM_BITS)  # in work
        first = 1 << (TRIM_BITS - 1)
        m.d.comb += [trim.eq(value) for trim, value in zip(self.trims, held, strict=True)]
        m.d.comb += [
            self.trim.eq(held[self.channel]),
            self.decided.eq(self.trim & ~Mux(self.above, bit, 0) | bit >> 1),
            self.last.eq(bit[0]),
        ]
        # Whether a search is held is known late, and the bit in work does not wait for that.
        with m.If(self.begin):
            m.d.sync += bit.eq(first)
        with m.If(self.decide):
            m.d.sync += bit.eq(bit >> 1)
        with m.If((self.begin | self.decide) & ~self.hold):
            m.d.sync += held[self.channel].eq(Mux(self.begin, first, self.decided))
        with m.If(self.write):
            m.d.sync += held[self.channel].eq(self.value)
        return m
