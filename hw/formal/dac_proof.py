"""Outputs of serial DACs are ready only when each has the code that it should have, and all have come to rest."""

from functools import reduce
from typing import Any, Final

from amaranth.hdl import Cat, Cover, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.write_drive import lanes
from twinbar.hw.gateware.front_end.dac_keeper import DacKeeper
from twinbar.hw.gateware.front_end.spi_transceiver import MAX_BITS
from twinbar.hw.parts.assembly import LIMIT_BITS, DacOutput, DrivenLine, DrivePath, SerialParts
from twinbar.hw.protocol.layouts import COMPLIANCE_BITS, Triple
from twinbar.hw.protocol.vocabulary import Record

from .gate import always
from .symbols import any_number

_RECORDS: Final = {
    DrivePath.WRITE: (Record.SAFE, Record.SET, Record.RESET, Record.FORM),
    DrivePath.READ: (Record.READ,),
    DrivePath.MULTIPLY: (Record.MULTIPLY,),
}
_SETTLE_BITS: Final = 16


class DacProof(wiring.Component):
    """Any codes at any time, and a bus that takes words whenever it likes.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts) -> None:
        self._config, self._parts = config, parts
        super().__init__(
            {
                "record": In(Record),
                "codes": In(Triple),
                "compliance_code": In(COMPLIANCE_BITS),
                "update": In(1),
                "connect": In(2),
                "awake": In(1),
                "bus_ready": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        m.submodules.keeper = self._keeper = keeper = DacKeeper(self._config, self._parts)
        settle = any_number(m, _SETTLE_BITS, "settle")
        m.d.comb += [
            *(
                getattr(keeper, name).eq(getattr(self, name))
                for name in ("record", "codes", "compliance_code", "update")
            ),
            keeper.connect.eq(self.connect),
            keeper.awake.eq(self.awake),
            keeper.settle.eq(settle),
            keeper.words.ready.eq(self.bus_ready),
        ]
        self._accepted = keeper.words.valid & keeper.words.ready
        always(m, ~keeper.words.valid | self.awake, "no word is sent to parts that are not powered up")
        started = self._start_up(m)
        held = [self._output(m, output, number, started) for number, output in enumerate(self._parts.outputs)]
        always(
            m, ~keeper.ready | (started & reduce(lambda a, b: a & b, held)), "every output has the code asked for last"
        )
        self._rest(m, settle, started)
        return m

    def _start_up(self, m: Module) -> Signal:
        """State that the words of the start-up come first, each once and in order; gives whether all were sent."""
        dac, word = self._parts.dac, self._keeper.words.payload
        expected = [(chip, bits) for chip in range(self._parts.dacs) for bits in dac.start_up()]
        count, started, right = Signal(range(len(expected) + 1)), Signal(), Signal()
        m.d.comb += started.eq(count == len(expected))
        with m.If(self._accepted & ~started):
            m.d.sync += count.eq(count + 1)
        with m.Switch(count):
            for number, (chip, bits) in enumerate(expected):
                with m.Case(number):
                    m.d.comb += right.eq((word.chip == chip) & (word.bits == bits << (MAX_BITS - dac.word_bits)))
        whole = (word.count == dac.word_bits - 1) & word.last
        always(m, ~self._accepted | whole, "each word is a frame of its own, of the length that the part takes")
        always(m, ~self._accepted | started | right, "the words that parts need after power-up come first, in order")
        always(m, self._keeper.step == count, "")
        return started

    def _output(self, m: Module, output: DacOutput, number: int, started: Signal) -> Any:
        """Follow what was asked of an output, and what the part was sent for it; gives whether they are the same."""
        dac, word, keeper = self._parts.dac, self._keeper.words.payload, self._keeper
        asked = self._asked(m, output, number)
        shift = dac.code_offset() + MAX_BITS - dac.word_bits
        code = word.bits[shift : shift + dac.bits]
        frame = dac.write_and_update(output.channel, 0) << (MAX_BITS - dac.word_bits)
        addressed = (
            self._accepted
            & started
            & (word.chip == output.chip)
            & (word.bits & ~(((1 << dac.bits) - 1) << shift) == frame)
        )
        sent, written = Signal(dac.bits, name=f"sent_{number}"), Signal(name=f"written_{number}")
        with m.If(addressed):
            m.d.sync += [sent.eq(code), written.eq(1)]
        if number == 0:
            m.d.comb += Cover(addressed & written)
        always(m, keeper.wanted[number] == asked, "")
        always(m, keeper.known[number] == written, "")
        always(m, ~written | (sent == self._part_code(output.line, keeper.held[number])), "")
        return written & (sent == self._part_code(output.line, asked))

    def _asked(self, m: Module, output: DacOutput, number: int) -> Signal:
        """Return the code that an output should have: of the last update of its path, or of the path connected last."""
        if output.line is DrivenLine.LIMIT:
            source, safe = self.compliance_code, 0
        else:
            source = lanes(self.codes.as_value())[output.line][: self._config.dac_bits]
            safe = self._config.safe_codes[output.line]
        asked = Signal(len(source), name=f"asked_{number}", init=safe)
        shared = len(output.drives) > 1
        for path in (path for path in DrivePath if path in output.drives):
            of_path = Signal(len(source), name=f"of_{path.value}_{number}", init=safe)
            updated = self.update & reduce(lambda a, b: a | b, (self.record == record for record in _RECORDS[path]))
            with m.If(updated):
                m.d.sync += [of_path.eq(source), asked.eq(source)]
            if shared:
                always(m, of_path == self._keeper.kept[number, path], "")
                with m.If(self.connect[path is DrivePath.MULTIPLY]):
                    m.d.sync += asked.eq(of_path)
        return asked

    def _part_code(self, line: DrivenLine, code: Signal) -> Any:
        """Return the part's code: left-aligned; of a limit the same share of the range, which repeats its bits."""
        bits = self._parts.dac.bits
        if line is DrivenLine.LIMIT:
            return Cat(code, code)[2 * LIMIT_BITS - bits :]
        return (code << (bits - self._config.dac_bits))[:bits]

    def _rest(self, m: Module, settle: Signal, started: Signal) -> None:
        """State that the bus has been free since the last word for an output, for as long as outputs settle."""
        keeper = self._keeper
        longest = (1 << _SETTLE_BITS + 1) - 1
        free = Signal(_SETTLE_BITS + 1, init=longest)
        with m.If(self._accepted & started):
            m.d.sync += free.eq(0)
        with m.Elif(keeper.words.ready & (free != longest)):
            m.d.sync += free.eq(free + 1)
        always(m, ~keeper.ready | (free >= settle), "all outputs have had their time to settle since the last word")
        always(m, ~keeper.ready | keeper.words.ready, "no word is on its way")
        always(m, free + keeper.left >= settle, "")
        m.d.comb += Cover(keeper.ready & (free == 3) & (settle == 3))
