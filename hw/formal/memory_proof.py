"""The memory of the records gives what was written to it, and after power-up nothing above a cap."""

from typing import Any

from amaranth.hdl import Array, Assert, Assume, Cat, Const, Cover, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.bias_memory import ROW_BITS, WORDS, BiasMemory, initial_values
from twinbar.hw.gateware.drive.write_drive import lanes
from twinbar.hw.gateware.tile_states import is_any
from twinbar.hw.protocol.layouts import VALUE_BITS
from twinbar.hw.protocol.registers import PULSE_SHAPES, REGISTER_SPACE, SHAPE, TRIPLES

from .symbols import any_number, opened

_ADDRESS_BITS = (REGISTER_SPACE - 1).bit_length()


class MemoryProof(wiring.Component):
    """Follows any one of the registers.

    Parameters
    ----------
    config : ControllerConfig
        Without a pulse table, whose entries are words like those of registers.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "address": In(_ADDRESS_BITS),
                "value": In(VALUE_BITS),
                "write": In(1),
                "even_row": In(ROW_BITS),
                "odd_row": In(ROW_BITS),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        config = self._config
        memory = BiasMemory(config)
        m.submodules.memory = inside = opened(memory, platform)
        words = [getattr(inside.submodules, name).read_port(domain="comb") for name in ("even", "odd")]
        reading = memory.reading
        m.d.comb += [
            memory.address.eq(self.address),
            memory.value.eq(self.value),
            memory.write.eq(self.write),
            reading.even_row.eq(self.even_row),
            reading.odd_row.eq(self.odd_row),
        ]
        followed = any_number(m, _ADDRESS_BITS, "followed")
        # Memories keep their contents over a reset.
        started, written = Signal(reset_less=True), Signal(VALUE_BITS, reset_less=True)
        first, content = Signal(VALUE_BITS), Signal(VALUE_BITS)
        m.d.comb += [
            first.eq(Array(Const(value, VALUE_BITS) for value in initial_values(config))[followed]),
            content.eq(Mux(started, written, first)),
        ]
        m.d.sync += [started.eq(1), written.eq(Mux(self.write & (self.address == followed), self.value, content))]
        row, odd = followed[1:], followed[0]
        hit, read = Signal(reset_less=True), Signal(VALUE_BITS, reset_less=True)
        asked = Mux(odd, self.odd_row, self.even_row) == row
        # What is written in the cycle in which it is read is not looked at (`block_ram`).
        m.d.sync += [hit.eq(asked & ~self.write), read.eq(content)]
        m.d.comb += [
            *(word.addr.eq(row) for word in words),
            Assert(Mux(odd, words[1].data, words[0].data) == content),
            Cover(hit & (content != first) & Cat(self.even_row).any()),
        ]
        with m.If(hit):
            m.d.comb += Assert(Mux(odd, reading.odd, reading.even) == read, "what is read is what was written")
        self._cap(m, followed, content)
        assert len(row) == (WORDS - 1).bit_length()
        return m

    def _cap(self, m: Module, followed: Any, content: Any) -> None:
        """What is written lies below the caps (`ArmedProperties`); so does all that is there."""
        config = self._config
        shapes, triples = is_any(followed, sorted(PULSE_SHAPES)), is_any(followed, sorted(TRIPLES))

        def capped(value: Any) -> Any:
            codes = Cat(code <= cap for code, cap in zip(lanes(value), config.code_caps, strict=True)).all()
            return (~shapes | (value[SHAPE["width"].places] <= config.width_cap)) & (~triples | codes)

        m.d.comb += [
            Assume(~(self.write & (self.address == followed)) | capped(self.value)),
            Assert(capped(content), "no width and no code above its cap, from power-up on"),
        ]
