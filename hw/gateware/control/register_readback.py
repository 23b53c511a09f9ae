"""What a register holds, wherever it is stored."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import VALUE_BITS
from twinbar.hw.protocol.registers import (
    ACTION_BIT,
    COUNTER_BITS,
    INPUTS,
    LATER_BIT,
    LEVEL_WINDOWS,
    OFFSETS,
    PHASE_COUNTERS,
    SCALES,
    TRIMS,
)

from ..controller_config import ControllerConfig
from ..readout.readout import StoredSignature
from ..register_access import RegisterAccessSignature


class RegisterReadback(wiring.Component):
    """Gives the value of the register that is accessed.

    Block RAMs are slow: what they give is taken over first. Counters are right one cycle later, and faster.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    registers : In(RegisterAccessSignature)
    even, odd : In
        See `Drive`.
    stored : In(StoredSignature)
    phase_value, action_value : In
        See `Accounts`.
    inputs : In(3)
        The register INPUTS.
    scale : In
        See `Requantizer`, where there are chains.
    value : Out
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "registers": In(RegisterAccessSignature()),
                "even": In(VALUE_BITS),
                "odd": In(VALUE_BITS),
                "stored": In(StoredSignature(config)),
                "phase_value": In(COUNTER_BITS),
                "action_value": In(COUNTER_BITS),
                "inputs": In(INPUTS.bits),
                **({"scale": In(SCALES.word.bits)} if config.chain else {}),
                "value": Out(VALUE_BITS),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        address, stored = self.registers.address, Signal(VALUE_BITS)
        with m.If(address[OFFSETS.top_bit]):
            m.d.sync += stored.eq(self.stored.offset.as_unsigned())
        with m.Elif(address[TRIMS.top_bit]):
            m.d.sync += stored.eq(self.stored.trim)
        if self.config.chain:
            # Above the pulse table, whose address bit they share.
            with m.Elif(address[SCALES.index_bits :] == SCALES.base >> SCALES.index_bits):
                m.d.sync += stored.eq(self.scale)
        with m.Elif(address[LEVEL_WINDOWS.top_bit]):
            m.d.sync += stored.eq(self.stored.window)
        with m.Else():
            m.d.sync += stored.eq(Mux(address[0], self.odd, self.even))
        with m.If(address[PHASE_COUNTERS.top_bit :] == 1):
            m.d.comb += self.value.eq(
                Mux(address[ACTION_BIT] | address[LATER_BIT], self.action_value, self.phase_value)
            )
        with m.Elif(address == INPUTS.address):
            m.d.comb += self.value.eq(self.inputs)
        with m.Else():
            m.d.comb += self.value.eq(stored)
        return m
