"""Proofs of the serial buses to the parts of a front end."""

from dataclasses import replace
from typing import Final

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.ad5593r import AD5593R
from twinbar.hw.parts.ad5628 import AD5628
from twinbar.hw.parts.ad7476a import AD7476A
from twinbar.hw.parts.assembly import DrivenLine, DrivePath, SerialParts, outputs_for
from twinbar.hw.parts.bus import BusCycles
from twinbar.hw.parts.cycles import front_end_cycles, matrix_of
from twinbar.hw.parts.hc595 import HC595_4V5
from twinbar.hw.parts.i2c import i2c_cycles
from twinbar.hw.parts.mcp4822 import MCP4822

from .answer_proof import AnswerProof
from .dac_proof import DacProof
from .i2c_proof import I2cProof
from .mutant import Mutant
from .proof import Proof
from .spi_proof import SpiProof
from .switch_proof import SwitchProof

_TRANSCEIVER: Final = "gateware.front_end.spi_transceiver"
_KEEPER: Final = "gateware.front_end.dac_keeper"
_LOADER: Final = "gateware.front_end.switch_loader"
_FRONT_END: Final = "gateware.front_end.serial_front_end"
_TWO_LINES: Final = "gateware.front_end.i2c_transceiver"

_WRITE, _READS = {DrivePath.WRITE}, {DrivePath.READ, DrivePath.MULTIPLY}
CONFIG: Final = ControllerConfig(rows=10, columns=12, adc_channels=2, adc_bits=10, input_bits=2, safe_codes=(1, 0, 2))
PARTS: Final = SerialParts(
    clock_hz=50e6,
    dac=AD5628(),
    outputs=outputs_for(
        AD5628(), [(DrivenLine.BIT_LINE, _WRITE), (DrivenLine.LIMIT, _WRITE), (DrivenLine.WORD_LINE, _READS)]
    ),
    adc=AD7476A(),
    switch=HC595_4V5,
    pairs=True,
    reference=True,
)
"""An output of each kind."""

_MUTANTS: Final = (
    Mutant(
        "a bit is shown in the middle of the one before",
        _TRANSCEIVER,
        "enter(SpiState.SECOND, cycles.second)",
        "enter(SpiState.SECOND, cycles.second)\n                    show(bits)",
    ),
    Mutant(
        "the first bit follows chip select at once",
        _TRANSCEIVER,
        "enter(SpiState.SETUP, cycles.setup)\n                show(word.bits)",
        "enter(SpiState.FIRST, cycles.first)\n                show(word.bits)",
    ),
    Mutant(
        "a frame may begin in the cycle in which the one before ends",
        _TRANSCEIVER,
        "enter(SpiState.HIGH, cycles.high)",
        "enter(SpiState.IDLE, 1)",
    ),
    Mutant(
        "chip select goes high within a word of one bit",
        _TRANSCEIVER,
        "with m.If(bits_left != 0):",
        "with m.If((bits_left != 0) & (bits_left != 1)):",
    ),
    Mutant(
        "a word within a frame changes its chip",
        _TRANSCEIVER,
        "enter(SpiState.FIRST, cycles.first)\n                show(word.bits)",
        "enter(SpiState.FIRST, cycles.first)\n                show(word.bits)\n"
        "                m.d.sync += pins.select_n.eq(~(1 << word.chip))",
    ),
    Mutant(
        "what was received before is left in the word",
        _TRANSCEIVER,
        "(Mux(now.first, 0, before) << 1)",
        "(before << 1)",
    ),
    Mutant(
        "chip select goes high a cycle early",
        _TRANSCEIVER,
        "enter(SpiState.HOLD, cycles.hold)",
        "enter(SpiState.HOLD, max(1, cycles.hold - 1))",
    ),
)


def _transceiver(mode: int, cycles: BusCycles, mutants: tuple[Mutant, ...]) -> Proof:
    return Proof(
        f"SPI transceiver in mode {mode}",
        "Chip select, clock and data keep the times that a bus of parts asks for; the bits of each word are sampled in "
        "order and once, and received once; a word waits for these times and no longer.",
        lambda: SpiProof(cycles),
        cycles.sample_delay + 2,
        covers=("the last bit of a word is sampled, a one", "a frame goes on with another word"),
        within=20,
        mutants=mutants,
        traced=24,
    )


_FEW_WORDS: Final = replace(
    PARTS,
    clock_hz=10e6,
    dac=MCP4822(),
    outputs=outputs_for(MCP4822(), [(DrivenLine.BIT_LINE, _READS)]),
    reference=False,
)
"""An output that is soon at rest behind a reset."""

_I2C_MUTANTS: Final = (
    Mutant(
        "a frame begins with a STOP outstanding",
        _TWO_LINES,
        "with m.If(stops != 0):",
        "with m.If((stops != 0) & ~self.words.valid):",
    ),
    Mutant(
        "the data line follows the clock at once",
        _TWO_LINES,
        "enter(I2cState.FALLEN, cycles.change)\n                    m.d.sync += pins.clock.eq(0)",
        "enter(I2cState.FALLEN, 1)\n                    m.d.sync += pins.clock.eq(0)",
    ),
    Mutant(
        "the data line is not released for acknowledgements",
        _TWO_LINES,
        "for part in (Const(1, 1), byte)",
        "for part in (Const(0, 1), byte)",
    ),
    Mutant(
        "the part with the lowest address gets all words",
        _TWO_LINES,
        "m.d.comb += address.eq(value)",
        "m.d.comb += address.eq(cycles.addresses[0])",
    ),
    Mutant(
        "a data bit is taken for an acknowledgement",
        _TWO_LINES,
        "with m.If((place == BYTE) & level):",
        "with m.If((place == BYTE - 1) & level):",
    ),
    Mutant(
        "a frame ends behind its address",
        _TWO_LINES,
        "with m.If(turn == turns):",
        "with m.If((turn == turns) | (turn == BYTE + 1)):",
    ),
    Mutant(
        "the bus is not free for its time before the next word",
        _TWO_LINES,
        "enter(I2cState.FREE, cycles.high)",
        "enter(I2cState.FREE, 1)",
    ),
    Mutant(
        "a reset leaves a part in the middle of its acknowledgement",
        _TWO_LINES,
        "Signal(range(CLEARING_STOPS), init=CLEARING_STOPS - 1)",
        "Signal(range(CLEARING_STOPS))",
    ),
)


def _two_lines(name: str, clock_hz: float, bits: int, mutants: tuple[Mutant, ...]) -> Proof:
    cycles = i2c_cycles(AD5593R().timing, clock_hz, bits)
    return Proof(
        name,
        "Both lines keep the times of the part's datasheet; each word is one frame, from START to STOP, of the part's "
        "address and the word's bytes, and nothing else is; a reset is followed by STOPs that free the bus; a part "
        "that does not acknowledge is noticed, and no other one.",
        lambda: I2cProof(cycles, bits),
        4,
        covers=("a word is taken", "the first bits of a word are sent", "a missing acknowledgement is noticed"),
        within=cycles.clear + cycles.setup + 18 * (cycles.low + cycles.peak) + 3,
        mutants=mutants,
    )


_ANSWER_MUTANTS: Final = (
    Mutant(
        "a read path that is dropped leaves its cycles to the next one",
        _FRONT_END,
        "with m.If(~(reads | multiplies) | (last == Request.NONE) | tile.done):",
        "with m.If(~(reads | multiplies) | tile.done):",
    ),
    Mutant(
        "a drive is answered before its codes have come",
        _FRONT_END,
        "tile.done.eq(updated & keeper.ready)",
        "tile.done.eq((last == request) & keeper.ready)",
    ),
    Mutant(
        "a selection is answered while outputs move",
        _FRONT_END,
        "tile.done.eq(loader.finished & keeper.ready)",
        "tile.done.eq(loader.finished)",
    ),
    Mutant(
        "products wait as long as reads",
        _FRONT_END,
        "(settled >= durations.settle_multiply)",
        "(settled >= durations.settle_read)",
    ),
    Mutant(
        "a conversion begins before its column is connected",
        _FRONT_END,
        "(request == Request.CONVERT) & loader.connected",
        "request == Request.CONVERT",
    ),
    Mutant(
        "what cannot be connected is connected",
        _FRONT_END,
        "loader.select.eq((request == Request.SELECT) & ~impossible)",
        "loader.select.eq(request == Request.SELECT)",
    ),
)


def _answers(name: str, parts: SerialParts, mutants: tuple[Mutant, ...], *, connects: bool) -> Proof:
    refused = "a selection is refused"
    return Proof(
        name,
        "Each request is answered when what it asks for is there, and not later: the read path behind the rest of all "
        "outputs, a drive behind its codes, a selection behind its own load, a conversion behind its frames; what "
        "cannot be connected is a fault, and is not answered.",
        lambda: AnswerProof(CONFIG, parts, connects=connects),
        2,
        covers=("the read path is connected, three cycles after outputs are at rest", refused)
        if connects
        else (refused,),
        within=44 if connects else 4,
        mutants=mutants,
    )


OF_BUSES: Final = (
    _two_lines("I2C transceiver", 1e6, 24, (*_I2C_MUTANTS[:1], *_I2C_MUTANTS[2:])),
    _two_lines("I2C transceiver with a fast clock", 4e6, 24, _I2C_MUTANTS[1:2]),
    _transceiver(0, BusCycles(0, 0, first=2, second=3, setup=2, hold=1, high=2, sample_delay=2), _MUTANTS[:6]),
    _transceiver(1, BusCycles(0, 1, first=3, second=2, setup=1, hold=0, high=1), _MUTANTS[:1]),
    _transceiver(2, BusCycles(1, 0, first=1, second=1, setup=1, hold=1, high=3, sample_delay=1), _MUTANTS[2:3]),
    _transceiver(3, BusCycles(1, 1, first=1, second=4, setup=3, hold=2, high=1), (_MUTANTS[4], _MUTANTS[6])),
    Proof(
        "outputs of serial DACs",
        "Outputs are ready only when each has the code that was asked of it last, and the time to settle has passed "
        "since the last word; parts are started first, and sent nothing before they are powered up.",
        lambda: DacProof(CONFIG, PARTS),
        2,
        covers=("an output is sent another code", "outputs have settled for three cycles"),
        within=16,
        mutants=(
            Mutant(
                "a limit is kept at what it was first",
                _KEEPER,
                "stale.eq(Cat(~known[n] | (wanted[n] != held[n])",
                "stale.eq(Cat(~known[n] | (wanted[n] != held[n]) & (n != 1)",
            ),
            Mutant(
                "outputs settle while a word is on its way",
                _KEEPER,
                "quiet = started & ~stale.any() & self.words.ready",
                "quiet = started & ~stale.any()",
            ),
            Mutant(
                "outputs do not wait for another settling behind a second word",
                _KEEPER,
                "with m.If(started & accepted):",
                "with m.If(started & accepted & (left == 0)):",
            ),
            Mutant(
                "parts are written before they are powered up",
                _KEEPER,
                "self.words.valid.eq(self.awake & (~started | stale.any())),",
                "self.words.valid.eq(~started | stale.any()),",
            ),
            Mutant(
                "reads drive what products drove",
                _KEEPER,
                "with m.If(self.connect[0 if drive is DrivePath.READ else 1]):",
                "with m.If(self.connect[1]):",
            ),
        ),
        traced=24,
    ),
    Proof(
        "switches of a serial front end",
        "A selection is connected only when each switch of both chains is as the selection asks, all were open while "
        "rows were loaded, and lines have had their time to settle; where nothing is selected, all are open in the "
        "next cycle.",
        lambda: SwitchProof(CONFIG, matrix_of(PARTS, 10, 12), front_end_cycles(PARTS, 10, 12)),
        2,
        covers=(
            "a cell is connected, and has settled for three cycles",
            "a selection waits for the load of a dropped one",
        ),
        within=24,
        mutants=(
            Mutant(
                "a selection is connected as soon as its last word is accepted",
                _LOADER,
                "with m.If(self.words.ready & (index == 0)):\n"
                "                    m.d.sync += state.eq(SwitchLoaderState.LATCH)",
                "with m.If(self.words.ready & (index == 0)):\n"
                "                    m.d.sync += [state.eq(SwitchLoaderState.SETTLE), count.eq(1)]",
            ),
            Mutant(
                "a load that was cut off counts for the next selection",
                _LOADER,
                "m.d.comb += forgotten.eq(stale | ~asked)",
                "m.d.comb += forgotten.eq(~asked)",
            ),
            Mutant(
                "switches are closed while rows are loaded",
                _LOADER,
                "if self.open_pin is OpenPin.RESET:",
                "if True:",
            ),
            Mutant(
                "a dropped selection stays connected",
                _LOADER,
                "with m.If((self.selection == Selection.NONE) | abandoned):",
                "with m.If(abandoned):",
            ),
            Mutant(
                "what a dropped request had asked for is connected for a cycle or two",
                _LOADER,
                "with m.If((self.selection == Selection.NONE) | abandoned):",
                "with m.If(self.selection == Selection.NONE):",
            ),
            Mutant(
                "pairs are connected beside single columns",
                _LOADER,
                "group((index - pair_base)[: len(index)], self.subtract)",
                "group((index - pair_base)[: len(index)], 1)",
            ),
        ),
        traced=30,
    ),
    _answers("answers of a serial front end", replace(PARTS, reference=False), _ANSWER_MUTANTS, connects=False),
    _answers("answers of a serial front end with one output", _FEW_WORDS, _ANSWER_MUTANTS[:1], connects=True),
)
