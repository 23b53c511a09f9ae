"""The memory of the array: one port of 16 bits."""

from collections.abc import Sequence
from typing import Any, Final

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..block_ram import block_ram
from .instructions import WORD_BITS
from .machine import ADDRESS_BITS

SPRAM_DEVICE: Final = "iCE40UP5K"
SPRAM_ADDRESS_BITS: Final = 14
"""SB_SPRAM256KA, Lattice FPGA-TN-02022 (iCE40 SPRAM usage guide): 16,384 words of 16 bits, no initial contents."""


def has_no_contents(platform: Any) -> bool:
    """Whether the array's memory lies in RAM that starts without contents on a platform."""
    return getattr(platform, "device", None) == SPRAM_DEVICE


class ArrayMemory(wiring.Component):
    """A memory that reads or writes one word in every cycle.

    On the iCE40UP5K it lies in single-port RAM, which has room for thousands of cells, but no contents at power-up.

    Parameters
    ----------
    words : int
    init : sequence of int
        First words at power-up.

    Members
    -------
    address : In
    reads, write : In(1)
    value : In
        What is written.
    read : Out
        The word that was addressed two cycles before: there may be many blocks to choose from.
    """

    def __init__(self, words: int, init: Sequence[int] = ()) -> None:
        self.words, self.init = words, list(init)
        super().__init__(
            {
                "address": In(ADDRESS_BITS),
                "reads": In(1),
                "write": In(1),
                "value": In(WORD_BITS),
                "read": Out(WORD_BITS),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        word = Signal(WORD_BITS, reset_less=True)  # like a block's own output, it outlives a reset
        m.d.comb += self.read.eq(word)
        if has_no_contents(platform):
            assert not self.init
            self._single_port(m, word)
            return m
        m.submodules.memory = self.memory = memory = block_ram(shape=WORD_BITS, depth=self.words, init=self.init)
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += [
            read.addr.eq(self.address),
            read.en.eq(self.reads),
            write.addr.eq(self.address),
            write.en.eq(self.write),
            write.data.eq(self.value),
        ]
        m.d.sync += word.eq(read.data)
        return m

    def _single_port(self, m: Module, word: Signal) -> None:
        blocks = -(-self.words >> SPRAM_ADDRESS_BITS)
        block = Signal(range(max(blocks, 2)))
        read = Signal.like(block, reset_less=True)
        m.d.comb += block.eq(self.address >> SPRAM_ADDRESS_BITS)
        m.d.sync += read.eq(block)
        for number in range(blocks):
            data = Signal(WORD_BITS, name=f"data_{number}")
            m.submodules[f"block_{number}"] = Instance(
                "SB_SPRAM256KA",
                i_CLOCK=ClockSignal(),
                i_ADDRESS=self.address[:SPRAM_ADDRESS_BITS],
                i_DATAIN=self.value,
                i_MASKWREN=Const(0b1111, 4),
                i_WREN=self.write & (block == number),
                i_CHIPSELECT=(self.reads | self.write) & (block == number),
                i_STANDBY=Const(0),
                i_SLEEP=Const(0),
                i_POWEROFF=Const(1),
                o_DATAOUT=data,
            )
            with m.If(read == number):
                m.d.sync += word.eq(data)
