"""A shell with four pins around a component with hundreds, so that it can be placed and its clock measured."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class ScanShell(wiring.Component):
    """Feeds the inputs of a component from a shift register, and folds its outputs into another one.

    Every bit takes one logic cell, and nothing is added to a path inside the component but one XOR.
    """

    serial: In(1)
    parity: Out(1)

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        super().__init__()
        inputs, outputs = [], []
        for _, member, value in dut.signature.flatten(dut):
            (outputs if member.flow == Out else inputs).append(Value.cast(value))
        self._inputs, self._outputs = Cat(inputs), Cat(outputs)

    @property
    def cells(self) -> int:
        """Logic cells of the shell itself."""
        return len(self._inputs) + len(self._outputs)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = self.dut
        fed = Signal(len(self._inputs))
        folded = Signal(len(self._outputs))
        m.d.sync += [fed.eq(Cat(self.serial, fed)), folded.eq(Cat(self.serial, folded) ^ self._outputs)]
        m.d.comb += [self._inputs.eq(fed), self.parity.eq(folded[-1])]
        return m
