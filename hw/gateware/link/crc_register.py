"""The CRC of a frame, bit by bit."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.link import crc


class CrcRegister(wiring.Component):
    """CRC-32 of the bits that are shifted in; what it holds can be shifted out.

    Members
    -------
    clear : In(1)
        Restart, in the next cycle.
    shift : In(1)
        Take ``bit``, or give the next one.
    give : In(1)
        Bits are given, not taken.
    bit : In(1)
    given : Out(1)
        Next bit of the CRC as it is sent.
    residue : Out(1)
        The bits so far were data and their CRC.

    Attributes
    ----------
    register : Signal
        What it holds.
    """

    def __init__(self) -> None:
        members = {name: In(1) for name in ("clear", "shift", "give", "bit")}
        self.register = Signal(32, init=crc.INIT)
        super().__init__({**members, "given": Out(1), "residue": Out(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        register = self.register
        feedback = (register[0] ^ self.bit) & ~self.give
        m.d.comb += [self.given.eq(~register[0]), self.residue.eq(register == crc.RESIDUE)]
        with m.If(self.shift):
            m.d.sync += register.eq(Cat(register[1:], 0) ^ Mux(feedback, crc.POLYNOMIAL, 0))
        with m.If(self.clear):
            m.d.sync += register.eq(crc.INIT)
        return m
