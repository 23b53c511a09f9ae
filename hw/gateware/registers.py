"""Register file of a tile: values in flip-flops for the sequencer, and a copy in block RAM for reading back."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from twinbar.hw.gateware.memory import BLOCK_RAM
from twinbar.hw.protocol.registers import TILE_REGISTERS

ADDRESS_BITS = (len(TILE_REGISTERS) - 1).bit_length()


class RegisterFile(wiring.Component):
    """Tile registers. A reset of the clock domain keeps them, as it keeps the level table; configuration sets them.

    Attributes
    ----------
    address, value : In
        The register that a command names, and the value that it writes.
    known, legal : Out
        Whether the address exists, and whether the value may be stored there.
    write : In
        Store the value, if the register is known and the value legal.
    read : In
        In the cycle after ``read``, ``read_value`` is that of ``address``, and stays until the next ``read``.
    read_value : Out
    <register name> : Out
        The value in use.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "address": In(10),
                "value": In(32),
                "known": Out(1),
                "legal": Out(1),
                "write": In(1),
                "read": In(1),
                "read_value": Out(32),
                **{register.name: Out(register.width) for register in TILE_REGISTERS},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.copy = copy = Memory(
            shape=32, depth=len(TILE_REGISTERS), init=[register.reset for register in TILE_REGISTERS], attrs=BLOCK_RAM
        )
        read, write = copy.read_port(), copy.write_port()
        store = Signal()
        m.d.comb += [
            self.known.eq(self.address < len(TILE_REGISTERS)),
            store.eq(self.write & self.known & self.legal),
            read.en.eq(self.read),
            read.addr.eq(self.address),
            self.read_value.eq(read.data),
            write.en.eq(store),
            write.addr.eq(self.address),
            write.data.eq(self.value),
        ]
        with m.Switch(self.address):
            for register in TILE_REGISTERS:
                value = Signal(register.width, init=register.reset, reset_less=True, name=f"{register.name}_value")
                m.d.comb += getattr(self, register.name).eq(value)
                with m.Case(register.address):
                    # One comparison per width, not per register: synthesis shares equal expressions.
                    m.d.comb += self.legal.eq((self.value[register.width :] == 0) & (self.value >= register.minimum))
                    with m.If(store):
                        m.d.sync += value.eq(self.value)
        return m
